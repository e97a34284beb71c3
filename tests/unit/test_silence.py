"""Silences: rules and messages case by case, then the book against a naive one under random use."""

import random
from itertools import count, islice
from uuid import RFC_4122, UUID

import msgspec
import pytest

from ampp.core.clock import HOUR, MILLISECOND, MINUTE, SECOND, ZERO, Now
from ampp.core.labels import canonical
from ampp.core.matcher import Matcher, Mode, Op, matches_all
from ampp.core.silence import (
    MatcherSets,
    Put,
    Silence,
    SilenceBook,
    SilenceDraft,
    SilenceError,
    SilenceNotFound,
    validate,
)
from ampp.daemon import _ids

T = 1_700_000_000 * SECOND
RETENTION = 120 * HOUR
EQ, NE, RE, NRE = Op.EQ, Op.NE, Op.RE, Op.NRE
ONE: MatcherSets = ((Matcher("a", EQ, "b"),),)
OTHER: MatcherSets = ((Matcher("a", EQ, "c"),),)


def at(offset: int) -> Now:
    """A moment `offset` after T; the monotonic clock must not matter."""
    return Now(T + offset, 5)


def size_of(silence: Silence) -> int:
    return len(silence.comment) + 100


def new_book(mode: Mode = Mode.FALLBACK, max_silences: int = 0, max_size: int = 0) -> SilenceBook:
    ids = count(1)
    return SilenceBook(RETENTION, mode, max_silences, max_size, new_id=lambda: f"id{next(ids)}", size_of=size_of)


def draft(
    silence_id: str | None = None,
    sets: MatcherSets = ONE,
    starts: int | None = None,
    ends: int = HOUR,
    comment: str = "",
    annotations: dict[str, str] | None = None,
) -> SilenceDraft:
    """A draft with times relative to T."""
    start = ZERO if starts is None else T + starts
    return SilenceDraft(silence_id, sets, start, T + ends, "me", comment, annotations or {})


def sets(*matchers: tuple[str, Op, str]) -> MatcherSets:
    return (tuple([Matcher(*matcher) for matcher in matchers]),)


def state_of(book: SilenceBook) -> tuple[object, ...]:
    return book.all(), book.epoch, book.next_change(0), book.mutes({"a": "b"}, at(1)), book.mutes({"a": "c"}, at(1))


class TestState:
    @pytest.mark.parametrize(
        ("offset", "state"), [(-1, "pending"), (0, "active"), (99, "active"), (100, "expired"), (101, "expired")]
    )
    def test_by_time(self, offset: int, state: str) -> None:
        assert Silence("x", ONE, T, T + 100, T).state(T + offset) == state


class TestCreate:
    def test_unset_start_becomes_now(self) -> None:
        book = new_book()
        put = book.put(draft(comment="c", annotations={"k": "v"}), at(0))
        silence = Silence("id1", ONE, T, T + HOUR, T, "me", "c", {"k": "v"}, T + HOUR + RETENTION)
        assert put == Put("id1", (silence,), "create")
        assert book.get("id1") == silence
        assert book.all() == (silence,)

    def test_past_start_becomes_now(self) -> None:
        assert new_book().put(draft(starts=-HOUR), at(0)).changed[0].starts == T

    def test_future_start_is_kept(self) -> None:
        assert new_book().put(draft(starts=MINUTE), at(0)).changed[0].starts == T + MINUTE

    def test_the_drafts_annotations_are_copied(self) -> None:
        book = new_book()
        annotations = {"k": "v"}
        book.put(SilenceDraft(None, ONE, ZERO, T + 1, annotations=annotations), at(0))
        annotations["k"] = "changed"
        assert book.all()[0].annotations == {"k": "v"}

    def test_retention_is_fixed_at_the_write(self) -> None:
        book = new_book()
        book.put(draft(), at(0))
        book.retention = HOUR
        book.put(draft(), at(0))
        assert [silence.expires for silence in book.all()] == [T + HOUR + RETENTION, T + 2 * HOUR]

    def test_empty_id_creates(self) -> None:
        assert new_book().put(draft(""), at(0)).action == "create"


REJECTED = {
    "start after end": (draft(starts=2 * HOUR), "Failed to create silence: start time must be before end time"),
    "start is end": (draft(starts=HOUR), "Failed to create silence: start time must be before end time"),
    "no times": (
        SilenceDraft(None, ONE),
        "Failed to create silence: start time must be before end time",
    ),
    "end in past": (draft(ends=-1), "Failed to create silence: end time can't be in the past"),
    "times first": (draft(sets=(), ends=-1), "Failed to create silence: end time can't be in the past"),
    "no sets": (draft(sets=()), "invalid silence: at least one matcher set required"),
    "empty set": (draft(sets=(*ONE, ())), "invalid silence: matcher set 1 is empty"),
    "empty name": (
        draft(sets=sets(("", EQ, "x"))),
        'invalid silence: invalid label matcher 0 in set 0: invalid label name ""',
    ),
    "lone surrogate": (
        draft(sets=sets(("a", EQ, "b"), ("c", NE, "\ud800"))),
        "invalid silence: invalid label matcher 1 in set 0: invalid label value ",
    ),
    "bad regex": (
        draft(sets=(*ONE, *sets(("a", RE, "b(")))),
        'invalid silence: invalid label matcher 0 in set 1: invalid regular expression "b(": '
        "error parsing regexp: missing closing ): `b(`",
    ),
    "bad negative regex": (
        draft(sets=sets(("a", NRE, "*"))),
        'invalid silence: invalid label matcher 0 in set 0: invalid regular expression "*": '
        "error parsing regexp: missing argument to repetition operator: `*`",
    ),
    "only anchored": (
        draft(sets=sets(("a", RE, "x)|(?:b"))),
        'invalid silence: invalid label matcher 0 in set 0: invalid regular expression "x)|(?:b": '
        "error parsing regexp: unexpected ): `x)|(?:b`",
    ),
    "matches all": (
        draft(sets=(*ONE, *sets(("a", EQ, ""), ("b", RE, ".*")))),
        "invalid silence: matcher set 1: at least one matcher must not match the empty string",
    ),
    "unknown id": (draft("nobody"), "silence not found"),
    "validity before id": (draft("nobody", sets=()), "invalid silence: at least one matcher set required"),
}


class TestRejected:
    @pytest.mark.parametrize("name", REJECTED)
    def test_message_and_untouched_book(self, name: str) -> None:
        bad, message = REJECTED[name]
        book = new_book()
        book.put(draft(), at(0))
        before = state_of(book)
        with pytest.raises(SilenceError) as caught:
            book.put(bad, at(0))
        assert str(caught.value).startswith(message)
        assert name == "lone surrogate" or str(caught.value) == message
        assert state_of(book) == before

    def test_not_found_is_a_kind_of_its_own(self) -> None:
        with pytest.raises(SilenceNotFound):
            new_book().put(draft("nobody"), at(0))

    @pytest.mark.parametrize(
        ("matchers", "accepted"),
        [
            ([("a", EQ, "")], False),
            ([("a", RE, ".*")], False),
            ([("a", RE, "")], False),
            ([("a", RE, "x|")], False),
            ([("a", RE, "^$")], False),
            # Found unanchored in the empty text, although the whole value may not be empty.
            ([("a", RE, "x*$|b")], False),
            ([("a", RE, ".+")], True),
            ([("a", NE, "b")], True),
            ([("a", NE, "")], True),
            ([("a", NRE, ".+")], True),
            ([("a", NRE, ".*")], True),
            ([("a", EQ, ""), ("b", EQ, "x")], True),
            ([("a", EQ, "nul\0byte")], True),
            ([("a", RE, "\0")], True),
        ],
    )
    def test_matching_the_empty_value(self, matchers: list[tuple[str, Op, str]], accepted: bool) -> None:
        book = new_book()
        if accepted:
            assert book.put(draft(sets=sets(*matchers)), at(0)).id == "id1"
        else:
            with pytest.raises(SilenceError, match="set 0: at least one matcher must not match the empty string"):
                book.put(draft(sets=sets(*matchers)), at(0))

    @pytest.mark.parametrize(
        ("name", "classic"), [("a", True), ("_9", True), ("00", False), ("a-b", False), ("🙂", False), ("n\0l", False)]
    )
    def test_label_names_by_mode(self, name: str, classic: bool) -> None:
        wanted = draft(sets=sets((name, EQ, "x")))
        for mode in (Mode.FALLBACK, Mode.UTF8):
            validate(msgspec.structs.replace(wanted, starts=T), mode)
        if classic:
            assert new_book(Mode.CLASSIC).put(wanted, at(0)).action == "create"
        else:
            with pytest.raises(SilenceError, match="invalid label matcher 0 in set 0: invalid label name"):
                new_book(Mode.CLASSIC).put(wanted, at(0))

    @pytest.mark.parametrize(
        ("starts", "ends", "reason"),
        [
            (ZERO, T, "invalid zero start timestamp"),
            (T, ZERO, "invalid zero end timestamp"),
            (T, T - 1, "end time must not be before start time"),
        ],
    )
    def test_times_of_a_draft_by_itself(self, starts: int, ends: int, reason: str) -> None:
        with pytest.raises(SilenceError) as caught:
            validate(SilenceDraft(None, ONE, starts, ends), Mode.FALLBACK)
        assert str(caught.value) == f"invalid silence: {reason}"

    def test_start_and_end_may_be_the_same_instant_as_now(self) -> None:
        assert new_book().put(draft(ends=0), at(0)).changed[0].starts == T


class TestUpdate:
    """The table of core behaviour: which changes keep the id."""

    @pytest.mark.parametrize(
        ("starts", "ends", "when", "change", "keeps"),
        [
            # active: same start to the second
            (0, HOUR, MINUTE, {"starts": 0, "ends": 2 * HOUR, "comment": "x"}, True),
            (0, HOUR, MINUTE, {"starts": 999 * MILLISECOND}, True),
            (0, HOUR, MINUTE, {"starts": SECOND}, False),
            (0, HOUR, MINUTE, {"starts": -1}, False),
            (0, HOUR, MINUTE, {"starts": 0, "ends": MINUTE}, True),
            (0, HOUR, MINUTE, {"starts": None}, False),
            (0, HOUR, MINUTE, {"starts": 0, "sets": OTHER}, False),
            (0, HOUR, MINUTE, {"starts": 0, "sets": (*ONE, *ONE)}, False),
            # pending: any start that is not past
            (HOUR, 2 * HOUR, MINUTE, {"starts": 3 * HOUR, "ends": 4 * HOUR}, True),
            (HOUR, 2 * HOUR, MINUTE, {"starts": MINUTE}, True),
            (HOUR, 2 * HOUR, MINUTE, {"starts": None}, True),
            (HOUR, 2 * HOUR, MINUTE, {"starts": MINUTE - 1}, False),
            (HOUR, 2 * HOUR, MINUTE, {"starts": HOUR, "ends": 2 * HOUR, "sets": OTHER}, False),
            # expired: never
            (0, HOUR, 2 * HOUR, {"starts": 0, "ends": 3 * HOUR}, False),
        ],
    )
    def test_which_changes_keep_the_id(
        self, starts: int, ends: int, when: int, change: dict[str, object], keeps: bool
    ) -> None:
        book = new_book()
        old = book.put(draft(starts=starts, ends=ends), at(0)).changed[0]
        wanted = draft("id1", **change)  # type: ignore[arg-type]
        put = book.put(wanted, at(when))
        now = T + when
        begins = now if wanted.starts == ZERO else wanted.starts
        if keeps:
            assert (put.id, put.action, len(put.changed)) == ("id1", "update", 1)
            assert put.changed[0].starts == begins
        else:
            assert (put.id, put.action) == ("id2", "create")
            assert put.changed[-1].starts == max(begins, now)
            ended = book.get("id1")
            if old.state(now) == "expired":
                assert ended == old
                assert len(put.changed) == 1
            else:
                assert ended == put.changed[0]
                assert (ended.starts, ended.ends) == (min(starts + T, now), now)
                assert (ended.updated, ended.expires) == (now, now + RETENTION)
        new = put.changed[-1]
        assert (new.updated, new.ends, new.expires) == (now, wanted.ends, wanted.ends + RETENTION)
        assert (new.comment, new.matcher_sets) == (wanted.comment, wanted.matcher_sets)
        assert book.get(put.id) == new

    def test_matchers_in_another_order_are_other_matchers(self) -> None:
        book = new_book()
        two = sets(("a", EQ, "b"), ("c", EQ, "d"))
        book.put(draft(sets=two), at(0))
        assert book.put(draft("id1", sets=(two[0][::-1],), starts=0), at(0)).id == "id2"

    def test_the_old_value_is_not_mutated(self) -> None:
        book = new_book()
        old = book.put(draft(), at(0)).changed[0]
        book.put(draft("id1", starts=0, comment="new"), at(1))
        assert old.comment == ""

    def test_an_update_keeps_its_place_a_replacement_goes_last(self) -> None:
        book = new_book()
        for _ in range(3):
            book.put(draft(), at(0))
        book.put(draft("id1", starts=0, comment="x"), at(1))
        assert book.mutes({"a": "b"}, at(2)) == ("id1", "id2", "id3")
        book.put(draft("id2", starts=2 * SECOND), at(3 * SECOND))
        assert book.mutes({"a": "b"}, at(4 * SECOND)) == ("id1", "id3", "id4")


class TestLimits:
    def test_number_counts_expired_ones_and_spares_updates(self) -> None:
        book = new_book(max_silences=1)
        book.put(draft(), at(0))
        message = r"^exceeded maximum number of silences: 1 \(limit: 1\)$"
        with pytest.raises(SilenceError, match=message):
            book.put(draft(), at(0))
        assert book.put(draft("id1", starts=0, comment="x"), at(1)).action == "update"
        before = state_of(book)
        with pytest.raises(SilenceError, match=message):
            book.put(draft("id1", sets=OTHER), at(1))
        assert state_of(book) == before
        book.expire("id1", at(2))
        with pytest.raises(SilenceError, match=message):
            book.put(draft(), at(3))
        assert book.prune(at(2 + RETENTION)) == ("id1",)
        assert book.put(draft(ends=2 * RETENTION), at(3 + RETENTION)).action == "create"

    def test_size_holds_for_create_update_and_replacement(self) -> None:
        book = new_book(max_size=110)
        book.put(draft(comment="x" * 10), at(0))
        before = state_of(book)
        message = r"^silence exceeded maximum size: 111 bytes \(limit: 110 bytes\)$"
        for wanted in (draft(), draft("id1", starts=0), draft("id1", sets=OTHER)):
            with pytest.raises(SilenceError, match=message):
                book.put(msgspec.structs.replace(wanted, comment="x" * 11), at(1))
            assert state_of(book) == before

    def test_zero_is_no_limit(self) -> None:
        book = new_book()
        for _ in range(50):
            book.put(draft(comment="x" * 10_000), at(0))
        assert len(book) == 50


class TestExpire:
    def test_active(self) -> None:
        book = new_book()
        book.put(draft(), at(0))
        (ended,) = book.expire("id1", at(MINUTE))
        assert (ended.starts, ended.ends, ended.updated) == (T, T + MINUTE, T + MINUTE)
        assert ended.expires == T + MINUTE + RETENTION
        assert book.get("id1") == ended
        assert book.mutes({"a": "b"}, at(MINUTE)) == ()

    def test_pending(self) -> None:
        book = new_book()
        book.put(draft(starts=MINUTE), at(0))
        (ended,) = book.expire("id1", at(1))
        assert (ended.starts, ended.ends) == (T + 1, T + 1)

    def test_twice_is_fine(self) -> None:
        book = new_book()
        book.put(draft(), at(0))
        book.expire("id1", at(1))
        before = state_of(book)
        assert book.expire("id1", at(1)) == ()
        assert book.expire("id1", at(2)) == ()
        assert state_of(book) == before

    def test_unknown(self) -> None:
        with pytest.raises(SilenceNotFound, match=r"^silence not found$"):
            new_book().expire("nobody", at(0))


class TestPrune:
    def test_at_the_end_of_retention(self) -> None:
        book = new_book()
        book.put(draft(), at(0))
        book.put(draft(ends=2 * HOUR), at(0))
        assert book.prune(at(HOUR + RETENTION - 1)) == ()
        assert book.prune(at(HOUR + RETENTION)) == ("id1",)
        assert book.get("id1") is None
        assert [silence.id for silence in book.all()] == ["id2"]
        with pytest.raises(SilenceNotFound):
            book.expire("id1", at(0))

    def test_an_active_one_with_a_broken_expiry_stops_muting(self) -> None:
        book = new_book()
        book.restore([Silence("x", ONE, T, T + HOUR, T)])
        epoch = book.epoch
        assert book.mutes({"a": "b"}, at(1)) == ("x",)
        assert book.prune(at(1)) == ("x",)
        assert book.mutes({"a": "b"}, at(1)) == ()
        assert book.epoch > epoch
        assert book.next_change(0) is None


class TestRestore:
    def test_taken_in_as_stored(self) -> None:
        stored = [Silence(f"s{n}", ONE, T, T + HOUR, T, expires=T + n) for n in (3, 1, 2)]
        book = new_book()
        assert book.restore(stored) == ()
        assert book.all() == tuple(stored)
        assert book.mutes({"a": "b"}, at(0)) == ("s3", "s1", "s2")

    def test_a_regex_that_does_not_compile_keeps_a_silence_out(self) -> None:
        bad = Silence("bad", (*ONE, *sets(("a", NRE, "("))), T, T + HOUR, T)
        book = new_book()
        (unusable,) = book.restore([bad, Silence("good", ONE, T, T + HOUR, T)])
        assert unusable.silence is bad
        assert unusable.error.startswith("error parsing regexp: missing closing )")
        assert [silence.id for silence in book.all()] == ["good"]
        assert book.mutes({"a": "b"}, at(0)) == ("good",)

    def test_a_later_value_of_an_id_replaces_the_earlier(self) -> None:
        book = new_book()
        book.restore([Silence("x", ONE, T, T + HOUR, T), Silence("y", ONE, T, T + HOUR, T)])
        book.restore([Silence("x", (*OTHER, *OTHER), T + 5, T + 9, T)])
        assert book.mutes({"a": "b"}, at(6)) == ("y",)
        assert book.mutes({"a": "c"}, at(6)) == ("x",)
        assert [silence.id for silence in book.all()] == ["x", "y"]
        assert book.next_change(T) == T + 5

    def test_survives_the_journals_encoding(self) -> None:
        book = new_book()
        forever = 253_402_300_799 * SECOND
        book.put(msgspec.structs.replace(draft(annotations={"k": "v"}), ends=forever), at(0))
        data = msgspec.json.encode(book.all())
        assert msgspec.json.decode(data, type=tuple[Silence, ...]) == book.all()


class TestQuery:
    def filled(self) -> SilenceBook:
        book = new_book()
        plan = [
            ("exp-old", -4 * HOUR, -3 * HOUR),
            ("pend-late", 2 * HOUR, 3 * HOUR),
            ("act-late", -1 * HOUR, 9 * HOUR),
            ("exp-new", -5 * HOUR, -1 * HOUR),
            ("act-soon", -2 * HOUR, 1 * HOUR),
            ("pend-soon", 1 * HOUR, 9 * HOUR),
            ("act-tie", -3 * HOUR, 1 * HOUR),
        ]
        book.restore([Silence(name, ONE, T + starts, T + ends, T) for name, starts, ends in plan])
        return book

    @pytest.mark.parametrize(
        ("excluded", "expected"),
        [
            ((), "act-soon act-tie act-late pend-soon pend-late exp-new exp-old"),
            (("active",), "pend-soon pend-late exp-new exp-old"),
            (("pending", "expired"), "act-soon act-tie act-late"),
            (("active", "pending", "expired"), ""),
        ],
    )
    def test_order_and_states(self, excluded: tuple[str, ...], expected: str) -> None:
        found = self.filled().query([], at(0), **dict.fromkeys(excluded, False))
        assert [silence.id for silence in found] == expected.split()

    @pytest.mark.parametrize(
        ("filters", "expected"),
        [
            ([], ["one", "two"]),
            ([("severity", EQ, "info")], []),
            ([("severity", RE, "info|x")], ["one"]),
            ([("severity", RE, "info|x"), ("a", EQ, "b")], ["one"]),
            ([("a", EQ, "b"), ("a", EQ, "b")], ["one"]),
            # both matchers exist, but in different sets
            ([("c", NE, "d"), ("e", NRE, "f")], []),
            ([("e", NRE, "f")], ["two"]),
        ],
    )
    def test_filters_ask_for_identical_matchers(self, filters: list[tuple[str, Op, str]], expected: list[str]) -> None:
        book = new_book()
        one = sets(("a", EQ, "b"), ("severity", RE, "info|x"))
        two = (*sets(("c", NE, "d")), *sets(("e", NRE, "f")))
        book.restore([Silence("one", one, T, T + 1, T), Silence("two", two, T, T + 2, T)])
        # Upstream lists a silence without any matcher set nowhere.
        book.restore([Silence("none", (), T, T + 1, T)])
        found = book.query([Matcher(*wanted) for wanted in filters], at(0))
        assert [silence.id for silence in found] == expected


class TestMutes:
    def test_any_set_will_do_and_an_id_comes_once(self) -> None:
        book = new_book()
        both = (*sets(("a", EQ, "b"), ("c", RE, "x.*")), *sets(("d", NE, "")))
        book.put(draft(sets=both), at(0))
        assert book.mutes({"a": "b", "c": "xy"}, at(0)) == ("id1",)
        assert book.mutes({"d": "1"}, at(0)) == ("id1",)
        assert book.mutes({"a": "b", "c": "xy", "d": "1"}, at(0)) == ("id1",)
        assert book.mutes({"a": "b"}, at(0)) == ()

    def test_from_start_to_end(self) -> None:
        book = new_book()
        book.put(draft(starts=10, ends=20), at(0))
        heard = [offset for offset in range(8, 23) if not book.mutes({"a": "b"}, at(offset))]
        assert heard == [8, 9, 20, 21, 22]

    def test_the_wall_clock_may_step_back(self) -> None:
        book = new_book()
        book.put(draft(), at(0))
        assert book.mutes({"a": "b"}, at(HOUR)) == ()
        assert book.mutes({"a": "b"}, at(HOUR - 1)) == ("id1",)


class _Naive:
    """The same questions, answered by looking at every silence."""

    def __init__(self) -> None:
        self.silences: dict[str, Silence] = {}

    def take(self, changed: tuple[Silence, ...]) -> None:
        for silence in changed:
            self.silences[silence.id] = silence

    def mutes(self, labels: dict[str, str], wall: int) -> tuple[str, ...]:
        return tuple(
            silence.id
            for silence in self.silences.values()
            if silence.starts <= wall < silence.ends
            and any(matches_all(matchers, labels) for matchers in silence.matcher_sets)
        )

    def next_change(self, wall: int) -> int | None:
        bounds = [at for silence in self.silences.values() for at in (silence.starts, silence.ends)]
        return min((at for at in bounds if at > wall), default=None)


MATCHERS = [
    Matcher(name, op, value)
    for name in "abc"
    for op, values in {
        EQ: ["", "1", "2", "3"],
        NE: ["", "1"],
        RE: ["1|2", ".*3", "1?", "[12]"],
        NRE: ["1", ".+"],
    }.items()
    for value in values
]


@pytest.mark.parametrize("seed", range(6))
def test_random_use_agrees_with_looking_at_every_silence(seed: int) -> None:
    rnd = random.Random(seed)
    book = new_book()
    naive = _Naive()
    wall = 0
    cached: dict[tuple[tuple[str, str], ...], tuple[int, int, int | None, tuple[str, ...]]] = {}
    updates = hits = 0
    for _ in range(1_200):
        wall += rnd.choice([0, 1, SECOND, MINUTE])
        known = list(naive.silences)
        match rnd.choice(["put", "put", "change", "expire", "prune", "restore", "nothing"]):
            case "put":
                book_put(book, naive, rnd, None, wall)
            case "change" if known:
                updates += book_put(book, naive, rnd, rnd.choice(known), wall)
            case "expire" if known:
                naive.take(book.expire(rnd.choice(known), at(wall)))
            case "prune" if rnd.random() < 0.1:
                gone = book.prune(at(wall + rnd.choice([0, RETENTION])))
                for silence_id in gone:
                    del naive.silences[silence_id]
            case "restore" if known:
                changed = msgspec.structs.replace(naive.silences[rnd.choice(known)], matcher_sets=random_sets(rnd))
                book.restore([changed])
                naive.take((changed,))
        assert book.all() == tuple(naive.silences.values())
        for _ in range(3):
            labels = canonical({name: rnd.choice(["", "1", "2", "3", "33"]) for name in "abc"})
            moment = T + wall + rnd.choice([0, 0, -SECOND, MINUTE])
            found = book.mutes(labels, Now(moment, 0))
            assert found == naive.mutes(labels, moment)
            assert book.next_change(moment) == naive.next_change(moment)
            hits += bool(found)
            # What was said before holds as long as the epoch and the next change promise.
            key = tuple(labels.items())
            if key in cached:
                epoch, since, until, answer = cached[key]
                if epoch == book.epoch and since <= moment and (until is None or moment < until):
                    assert found == answer
            cached[key] = (book.epoch, moment, book.next_change(moment), found)
    assert updates > 20
    assert hits > 500


def random_sets(rnd: random.Random) -> MatcherSets:
    return tuple([tuple(rnd.sample(MATCHERS, rnd.choice([1, 1, 2, 3]))) for _ in range(rnd.choice([1, 1, 1, 2]))])


def book_put(book: SilenceBook, naive: _Naive, rnd: random.Random, silence_id: str | None, wall: int) -> bool:
    """One random write; says whether it updated in place."""
    old = naive.silences.get(silence_id or "")
    starts = rnd.choice([-MINUTE, 0, SECOND, HOUR]) + wall
    kept = old is not None and rnd.random() < 0.8
    wanted = draft(
        silence_id,
        old.matcher_sets if old is not None and kept else random_sets(rnd),
        old.starts - T if old is not None and rnd.random() < 0.6 else starts,
        starts + rnd.choice([-HOUR, MINUTE, HOUR, 24 * HOUR]),
    )
    before = book.all(), book.epoch
    try:
        put = book.put(wanted, at(wall))
    except SilenceError:
        assert (book.all(), book.epoch) == before
        return False
    naive.take(put.changed)
    return put.action == "update"


def test_ids_are_random_uuids() -> None:
    ids = list(islice(_ids(), 200))
    assert len(set(ids)) == 200
    for each in ids:
        made = UUID(each)
        assert (str(made), made.version, made.variant) == (each, 4, RFC_4122)
    assert {each[19] for each in ids} == set("89ab")
