"""What listings keep for the next one: none tells anything else than a listing for which nothing was kept."""

import random
from collections.abc import Iterator
from itertools import chain

import pytest

from ampp.api.fragment import write_alerts
from ampp.config import compile as compile_plan
from ampp.config import load
from ampp.core.alert import Alert, PostedAlert
from ampp.core.book import row_of
from ampp.core.clock import SECOND, Now
from ampp.core.engine import Engine
from ampp.core.labels import fingerprint
from ampp.core.matcher import Mode, parse_matchers
from ampp.core.query import alerts
from ampp.core.silence import SilenceBook, SilenceDraft
from ampp.core.succession import restore
from ampp.core.takeover import load_plan
from ampp.core.view import AlertQuery, AlertView

ROUTE = 'route: {receiver: all, routes: [{receiver: some, matchers: [a="%d"], continue: true}, {receiver: all}]}\n'
RECEIVERS = "receivers: [{name: all}, {name: some, labels: {kind: pager}}]\n"
RULES = 'inhibit_rules: [{source_matchers: [a="0"], target_matchers: [a="1"], equal: [b]}]\n'
FILTER = parse_matchers('b=~"0|1"', Mode.UTF8).matchers
QUERIES = (AlertQuery(), AlertQuery(matchers=FILTER), AlertQuery(silenced=False), AlertQuery(receiver="some".__eq__))


class Clock:
    """An engine and the time at which things happen to it."""

    def __init__(self, rules: str = RULES) -> None:
        self.rules = rules
        self.wall = 1_700_000_000 * SECOND
        self.engine = self.made()

    def made(self) -> Engine:
        numbers = iter(range(10_000))
        silences = SilenceBook(3600 * SECOND, Mode.UTF8, new_id=lambda: f"id{next(numbers)}", size_of=lambda silence: 0)
        plan = compile_plan(load(ROUTE % 0 + RECEIVERS + self.rules))
        return Engine(plan, silences, mode=Mode.UTF8, retention=3600 * SECOND, now=self.now)

    @property
    def now(self) -> Now:
        return Now(self.wall, self.wall - 1_600_000_000 * SECOND)

    def post(self, numbers: Iterator[int] | range, *, lasts: int = 600, text: str = "", east: int = 0) -> None:
        """Alerts that began ten minutes ago and end in `lasts` seconds."""
        self.engine.receive([
            PostedAlert(
                labels={"a": str(number % 3), "b": str(number % 7 % 4), "n": f"{number} & more"},
                annotations={"text": text} if text else {},
                starts=self.wall - 600 * SECOND,
                ends=self.wall + lasts * SECOND,
                ends_off=east,
                generator_url=f"http://example.com/?rule={number % 5}&x",
            )
            for number in numbers
        ], self.now)  # fmt: skip

    def silence(self, matchers: str) -> None:
        draft = SilenceDraft(
            None, (parse_matchers(matchers, Mode.UTF8).matchers,), 0, self.wall + 300 * SECOND, "ops", "quiet"
        )
        self.engine.muting.silences.put(draft, self.now)

    def listed(self, query: AlertQuery = QUERIES[0]) -> list[AlertView]:
        return list(chain.from_iterable(alerts(self.engine, query, self.wall)))

    def body(self, query: AlertQuery = QUERIES[0]) -> bytes:
        views = self.listed(query)
        out: list[bytes] = []
        size = write_alerts(views, out)
        body = b"".join(out)
        assert size == len(body)
        alone: list[bytes] = []
        for view in views:
            write_alerts([view], alone)
        assert b"".join(alone) == body
        return body

    def afresh(self, query: AlertQuery = QUERIES[0]) -> bytes:
        """`body`, with nothing kept before, and nothing that is made for it kept."""
        book = self.engine.book
        kept = book.roll, book.unrolled, book.rolled
        fragments = {alert.key: alert.fragment for alert in book}
        book.roll = book.unrolled = None
        for alert in book:
            alert.fragment = alert.muted = None
        body = self.body(query)
        book.roll, book.unrolled, book.rolled = kept
        for alert in book:
            alert.fragment = fragments[alert.key]
        return body

    def receivers(self, alert: Alert) -> tuple[str, ...]:
        return tuple(route.receiver for route in self.engine.plan.root.match(alert.labels))

    def expected(self) -> list[Alert]:
        """What stands in the book, asked without a listing."""
        active = [alert for alert in self.engine.book if alert.ends >= self.wall]
        return sorted(active, key=lambda alert: fingerprint(alert.labels))


def told(views: list[AlertView]) -> list[Alert]:
    return [view.alert for view in views]


def steps(clock: Clock, dice: random.Random) -> None:
    """Something happens."""
    clock.wall += dice.choice((0, 1, 30, 120)) * SECOND
    first, many = dice.randrange(900), dice.choice((1, 5, 60, 400))
    kind = dice.randrange(9)
    if kind == 0:
        clock.engine.collect(clock.now)
    elif kind == 1:
        plan = compile_plan(load(ROUTE % dice.randrange(3) + RECEIVERS + clock.rules))
        load_plan(clock.engine, plan, clock.now, keep_timers=dice.random() < 0.5)
    elif kind == 2 and clock.rules:
        clock.silence(f'b="{dice.randrange(4)}"')
    else:
        clock.post(
            range(first, first + many),
            lasts=dice.choice((-300, -1, 30, 600)),
            text=dice.choice(("", "<one>", "two")),
            east=dice.choice((0, 3600, -16_200)),
        )


@pytest.mark.parametrize("rules", [RULES, ""])
def test_a_listing_tells_what_one_for_which_nothing_was_kept_would(rules: str) -> None:
    dice = random.Random(3)
    clock = Clock(rules)
    kept = 0
    for _ in range(120):
        steps(clock, dice)
        query = dice.choice(QUERIES)
        assert clock.body(query) == clock.afresh(query)
        views = clock.listed()
        assert told(views) == clock.expected()
        assert [view.status.receivers for view in views] == [clock.receivers(view.alert) for view in views]
        kept += clock.engine.book.roll is not None
    assert kept > 100


def test_what_happens_while_listings_pause_is_in_the_next_one() -> None:
    dice = random.Random(4)
    clock = Clock()
    under_way: list[tuple[Iterator[list[AlertView]], list[AlertView]]] = []
    for _ in range(250):
        steps(clock, dice)
        if len(under_way) < 3:
            under_way.append((alerts(clock.engine, QUERIES[0], clock.wall), []))
        number = dice.randrange(len(under_way))
        batches, views = under_way[number]
        for _ in range(dice.randrange(12)):
            batch = next(batches, None)
            if batch is None:
                marks = [fingerprint(view.alert.labels) for view in views]
                assert marks == sorted(set(marks))
                del under_way[number]
                break
            views += batch
        else:
            if dice.random() < 0.1:
                del under_way[number]  # its client has gone
        if dice.random() < 0.3:
            assert told(clock.listed()) == clock.expected()


def test_a_few_that_come_are_put_in_their_places() -> None:
    clock = Clock()
    clock.post(range(500))
    clock.listed()
    before = clock.engine.book.roll
    clock.post(range(500, 520))
    views = alerts(clock.engine, QUERIES[0], clock.wall)
    # Not a pause before the first are told: nothing is put in order.
    assert next(views)
    assert clock.engine.book.roll is not before
    assert before is not None
    assert len(before) == 500
    assert told(clock.listed()) == clock.expected()
    assert len(clock.expected()) == 520


def test_one_that_ends_and_begins_anew_is_told_once() -> None:
    clock = Clock()
    clock.post(range(40))
    clock.listed()
    for _ in range(3):
        clock.post(range(10), lasts=-1)
        clock.wall += 60 * SECOND
        assert len(clock.listed()) == 30
        clock.post(range(10))
        assert told(clock.listed()) == clock.expected()
        assert len(clock.listed()) == 40


def test_what_nobody_lists_is_not_gathered_for_ever() -> None:
    clock = Clock()
    clock.post(range(20))
    clock.listed()
    for _ in range(10):
        clock.post(range(20), lasts=-1)
        clock.wall += 60 * SECOND
        clock.post(range(20))
        assert len(clock.engine.book.unrolled or ()) <= 20
    assert told(clock.listed()) == clock.expected()


def test_a_clock_put_back_brings_back_what_was_over() -> None:
    clock = Clock()
    clock.post(range(5), lasts=60)
    clock.post(range(5, 10))
    clock.wall += 120 * SECOND
    assert len(clock.listed()) == 5
    clock.wall -= 90 * SECOND
    assert told(clock.listed()) == clock.expected()
    assert len(clock.expected()) == 10


def test_after_a_collection_nothing_is_held_that_is_out_of_the_book() -> None:
    clock = Clock()
    clock.post(range(10))
    clock.listed()
    clock.post(range(3), lasts=-1)
    clock.wall += SECOND
    gone = clock.engine.collect(clock.now)
    assert len(gone) == 3
    book = clock.engine.book
    assert not {alert.key for alert in (*(book.roll or ()), *(book.unrolled or ()))} & {alert.key for alert in gone}
    clock.post(range(1))
    assert told(clock.listed()) == clock.expected()
    assert len(clock.expected()) == 8


def test_what_a_restart_brings_is_told_even_where_the_empty_book_was_listed() -> None:
    clock = Clock()
    clock.post(range(300))
    rows = [row_of(alert) for alert in clock.engine.book]
    body = clock.body()
    clock.engine = clock.made()
    assert clock.listed() == []
    restore(clock.engine, rows, (), (), (), clock.now, last_alive=clock.wall)
    assert clock.body() == body


def test_a_filter_makes_no_fingerprints_of_what_it_leaves_out() -> None:
    clock = Clock()
    clock.post(range(400))
    views = clock.listed(AlertQuery(matchers=FILTER))
    assert views
    made = [alert for alert in clock.engine.book if alert.fingerprint >= 0]
    assert len(made) == len(views) < 400
    assert clock.engine.book.roll is None
