"""Alerts that come again: however much of the reading is spared, the book must be what careful reading makes of it."""

from itertools import chain

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ampp.core.alert import Alert
from ampp.core.clock import SECOND, Now
from ampp.core.engine import Engine
from ampp.core.matcher import Mode
from ampp.core.silence import SilenceBook
from ampp.core.timestamp import format_millis
from ampp.ingest.alertmanager import decode_alerts, decode_carefully
from ampp.ingest.compact import read_repeats
from ampp.ingest.fault import IngestError
from tests.stories.setting import plan_of

START = 1_800_000_000 * SECOND
PLAN = "route: {receiver: a, group_by: [alertname], group_wait: 10s}"


def engine(per_name: int = 0) -> Engine:
    silences = SilenceBook(SECOND, Mode.FALLBACK, 0, 0, new_id=lambda: "", size_of=lambda silence: 0)
    return Engine(plan_of(PLAN), silences, mode=Mode.FALLBACK, retention=SECOND, now=Now(START, 0), per_name=per_name)


def post(engine: Engine, body: bytes, now: Now) -> tuple[list[str], int]:
    """What the door does with a body; the complaints, and how many alerts needed no reading."""
    repeats = read_repeats(body, engine.book.alerts)
    taken = engine.refresh(repeats, now) if repeats else 0
    if repeats and taken == len(repeats.alerts):
        return [], taken
    return engine.receive(decode_alerts(body, 60, engine.book.alerts)[taken:], now).errors, taken


def post_carefully(engine: Engine, body: bytes, now: Now) -> list[str]:
    return engine.receive(decode_carefully(body, 60), now).errors


def shown(alert: Alert) -> tuple[object, ...]:
    groups = [group.key for group in alert.groups]
    return (
        alert.key,
        alert.labels,
        alert.annotations,
        (alert.starts, alert.starts_off, alert.ends, alert.ends_off, alert.updated, alert.timeout),
        alert.generator_url,
        (alert.kept == alert.updated, alert.held, alert.seated, groups),
    )


def book(engine: Engine) -> dict[bytes, tuple[object, ...]]:
    return {key: shown(alert) for key, alert in engine.book.alerts.items()}


def wire(
    name: str, *, ends: bytes, starts: bytes = b"2027-01-15T07:00:00.000Z", note: str = "n", url: str = ""
) -> bytes:
    """One alert in Prometheus' order."""
    return b'{"annotations":%b,"endsAt":"%b","startsAt":"%b",%b"labels":%b}' % (
        msgspec.json.encode({"summary": note}),
        ends,
        starts,
        b'"generatorURL":%b,' % msgspec.json.encode(url) if url else b"",
        msgspec.json.encode({"alertname": name, "job": "x"}),
    )


def at(seconds: float) -> bytes:
    return format_millis(START + int(seconds * SECOND)).encode()


def now(seconds: float) -> Now:
    return Now(START + int(seconds * SECOND), int(seconds * SECOND))


def test_what_prometheus_repeats_is_not_read_again() -> None:
    one = engine()
    assert post(one, b"[" + b",".join(wire(n, ends=at(300), url="http://p/") for n in "abc") + b"]", now(0)) == ([], 0)
    again = b"[" + b",".join(wire(n, ends=at(end), url="http://p/") for n, end in (("c", 360), ("a", 370))) + b"]"
    assert post(one, again, now(60)) == ([], 2)
    ends = {alert.labels["alertname"]: (alert.ends - START) // SECOND for alert in one.book}
    assert ends == {"a": 370, "b": 300, "c": 360}


def test_what_has_changed_is_read_alone() -> None:
    one = engine()
    for turn in range(4):
        text = f"value {turn}"
        body = b"[" + wire("a", ends=at(300 + turn), note=text) + b"," + wire("b", ends=at(300)) + b"]"
        assert post(one, body, now(turn)) == ([], 2 if turn else 0)
        assert [alert.annotations for alert in one.book] == [{"summary": text}, {"summary": "n"}]


def test_annotation_names_are_judged_in_what_comes_again_too() -> None:
    silences = SilenceBook(SECOND, Mode.CLASSIC, 0, 0, new_id=lambda: "", size_of=lambda silence: 0)
    one = Engine(plan_of(PLAN), silences, mode=Mode.CLASSIC, retention=SECOND, now=Now(START, 0))
    body = b"[" + wire("a", ends=at(300)) + b"]"
    assert post(one, body, now(0)) == ([], 0)
    (complaint,), taken = post(one, body.replace(b"summary", b"sum-mary"), now(1))
    assert (complaint, taken) == ('invalid annotations: invalid name "sum-mary"', 0)


def test_two_servers_in_turn_are_both_known() -> None:
    one = engine()
    taken = []
    for turn in range(6):
        body = b"[" + wire("a", ends=at(300 + turn), url=f"http://prometheus-{turn % 2}/") + b"]"
        taken.append(post(one, body, now(turn))[1])
        (alert,) = one.book
        assert alert.generator_url == f"http://prometheus-{turn % 2}/"
    assert taken == [0, 1, 1, 1, 1, 1]


@pytest.mark.parametrize(
    "second",
    [
        wire("a", ends=at(200)),  # ends sooner
        wire("a", ends=at(400), note="m"),
        wire("a", ends=at(400), url="http://other/"),
        wire("a", ends=at(400), starts=at(10)),
        wire("a", ends=at(20)),  # over
        wire("a", ends=b"0001-01-01T00:00:00.000Z"),
        wire("a", ends=b"x"),
        wire("a", ends=at(400)).replace(b'"labels"', b'"extra":1,"labels"'),
        wire("a", ends=at(400)).replace(b'"endsAt"', b'"endsAt":"2027-01-15T09:00:00.000Z","endsAt"'),
        wire("a", ends=at(400)).replace(b"{", b"{ ", 1),
        wire("a", ends=at(400)).replace(b'"startsAt":"2027-01-15T07:00:00.000Z"', b""),
        wire("a", ends=at(400)).replace(b'"2027-01-15T07:00:00.000Z"', b""),
        wire("a", ends=at(400), url="http://p/").replace(b'"2027-01-15T07:00:00.000Z"', b""),
        wire("a", ends=at(400)).replace(b'"startsAt":"2027-01-15T07:00:00.000Z",', b""),
        wire("a", ends=at(400), url="http://p/").replace(b'"startsAt":"2027-01-15T07:00:00.000Z",', b""),
        wire("a", ends=at(400)).replace(b'"},"endsAt"', b'"},"more":{},"endsAt"'),
        wire("a", ends=at(400)).replace(b'"},"endsAt"', b'","summary":"again"},"endsAt"'),
        wire("a", ends=at(400))[:-1],
        wire("a", ends=at(400)) + b"]",
    ],
)
def test_what_is_no_mere_repetition_is_read(second: bytes) -> None:
    fast, slow = engine(), engine()
    first = wire("a", ends=at(300))
    for body in (b"[" + first + b"]", b"[" + first.replace(b'"startsAt":"2027-01-15T07:00:00.000Z",', b"") + b"]"):
        post(fast, body, now(0))
        post_carefully(slow, body, now(0))
    results: list[object] = []
    for one, door in ((fast, post), (slow, post_carefully)):
        try:
            found = door(one, b"[" + second + b"]", now(60))  # type: ignore[operator]
            results.append(found[0] if isinstance(found, tuple) else found)
        except IngestError as error:
            results.append((error.code, error.message))
    assert results[0] == results[1]
    assert book(fast) == book(slow)


# Sequences of bodies from a few alerts, so that repetitions, two servers, ends that come nearer, resolves, revivals and
# text made to look like the places of cutting all meet. The body may also be damaged.

_texts = st.sampled_from(
    ["", "n", "<&>", '},"endsAt":"', '},{"annotations":{', ',"labels":', "é\\", '"', '{"alertname":"a"}', "2027"]
)
_labels = st.sampled_from(
    [
        {"alertname": "a", "job": "x"},
        {"alertname": "b"},
        {"job": "x", "alertname": "c"},
        {"alertname": "<d>"},
        {"alertname": '},{"annotations":{'},
        {"alertname": ',"labels":{"alertname":"b"}', "z": '},"endsAt":"'},
        {"alertname": "e", "empty": ""},
        {"alertname": ",", "job": ","},
    ]
)
_ends = st.sampled_from([-10.0, 0.5, 30.0, 299.0, 300.0, 300.5, 400.0])
_alerts = st.builds(
    lambda labels, note, other, ends, starts, url, order: (labels, note, other, ends, starts, url, order),
    _labels,
    _texts,
    st.booleans(),
    st.one_of(st.none(), _ends),
    st.sampled_from([None, -60.0, 0.0, 45.0]),
    st.sampled_from([None, "http://p/0", "http://p/1"]),
    st.integers(0, 3),
)
_damage = st.one_of(
    st.none(),
    st.tuples(
        st.floats(0, 1),
        st.sampled_from(
            [b"", b'"', b"}", b",", b'","', b'":"', b'},"endsAt":"', b'},{"annotations":{', b',"labels":', b" ", b"\\"]
        ),
    ),
)
_requests = st.tuples(st.lists(_alerts, min_size=1, max_size=3), _damage, st.booleans(), st.integers(1, 40))


def _member(name: str, value: object) -> bytes:
    return b'"%b":%b' % (name.encode(), msgspec.json.encode(value))


def _body(some: list[tuple[object, ...]], damage: tuple[float, bytes] | None, moment: float) -> bytes:
    written = []
    for labels, note, other, ends, starts, url, order in some:
        annotations = {"b": note, "a": "v"} if other else {"summary": note}
        members = [_member("annotations", annotations)]
        if ends is not None:
            members.append(_member("endsAt", at(moment + ends).decode()))  # type: ignore[operator]
        if starts is not None:
            members.append(_member("startsAt", at(starts).decode()))  # type: ignore[arg-type]
        if url is not None:
            members.append(_member("generatorURL", url))
        members.append(_member("labels", labels))
        if order == 1:
            members.reverse()
        written.append(b"{" + b",".join(members) + b"}")
    body = b"[" + b",".join(written) + b"]"
    if damage is not None:
        cut = int(damage[0] * len(body))
        body = body[:cut] + damage[1] + body[cut:]
    return body


@settings(max_examples=400, deadline=None)
@given(st.lists(_requests, min_size=2, max_size=6))
def test_every_way_of_reading_gives_the_same_book(requests: list[tuple[object, ...]]) -> None:
    fast, slow = engine(), engine()
    moment = 0.0
    last = b""
    for some, damage, again, later in requests:
        moment += later  # type: ignore[operator]
        body = last if again and last else _body(some, damage, moment)  # type: ignore[arg-type]
        last = body
        answers: list[object] = []
        for one, door in ((fast, post), (slow, post_carefully)):
            try:
                found = door(one, body, now(moment))  # type: ignore[operator]
                answers.append(found[0] if isinstance(found, tuple) else found)
            except IngestError as error:
                answers.append((error.code, error.message))
        assert answers[0] == answers[1]
        assert book(fast) == book(slow)


@settings(max_examples=80, deadline=None)
@given(
    st.lists(st.tuples(st.lists(_alerts, min_size=1, max_size=12), st.integers(1, 40)), min_size=1, max_size=4),
    st.integers(1, 5),
    st.integers(0, 2),
)
def test_what_is_taken_in_in_pieces_gives_the_same_book(
    requests: list[tuple[list[tuple[object, ...]], int]], size: int, per_name: int
) -> None:
    whole, cut = engine(per_name), engine(per_name)
    moment = 0.0
    for some, later in requests:
        moment += later
        body = _body(some, None, moment)
        expected = whole.receive(decode_alerts(body, 60, whole.book.alerts), now(moment))
        posts = decode_alerts(body, 60, cut.book.alerts)
        pieces = [
            cut.receive(posts[first : first + size], now(moment), now(moment).wall)
            for first in range(0, len(posts), size)
        ]
        for what in ("rows", "errors", "limited", "lapsed"):
            assert list(chain.from_iterable(getattr(one, what) for one in pieces)) == list(getattr(expected, what))
        assert sum(one.firing for one in pieces) == expected.firing
        assert sum(one.resolved for one in pieces) == expected.resolved
        assert book(cut) == book(whole)


def test_times_left_out_count_from_when_the_request_came() -> None:
    one = engine()
    one.receive(decode_alerts(b'[{"labels":{"alertname":"a"}}]'), now(7), now(3).wall)
    (alert,) = one.book
    assert (alert.starts, alert.ends, alert.updated) == (now(3).wall, now(303).wall, now(7).wall)
