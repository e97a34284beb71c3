"""Every filter, order and page, compared with a plain reading of all events; and that each filter goes by an index."""

import random
import re
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from ampp.core import labels as labelling
from ampp.core.clock import MINUTE, SECOND
from ampp.core.record import AlertRow, Posted
from ampp.history import clause, event, newest, row, summary, together, walk
from ampp.history import filter as filters
from ampp.history.error import FieldError
from ampp.history.page import Page, Paging
from ampp.store.sqlite.history import names
from ampp.store.sqlite.history.names import fingerprints
from tests.history.book import Told

T0 = 1_790_000_000 * SECOND
NOW = (T0 + 10_000 * MINUTE) // 1_000_000
EVENTS = 900


def life(book: Told, seed: int = 1) -> None:
    """Some hundred events of 40 alerts that fire and end by chance."""
    chance = random.Random(seed)
    firing: dict[int, int] = {}
    at = T0
    for _ in range(EVENTS):
        at += chance.randrange(1, 60) * SECOND
        n = chance.randrange(40)
        starts = firing.pop(n, 0)
        ends = at if starts else at + 300 * MINUTE
        if not starts:
            starts = firing[n] = at - chance.randrange(0, 90) * SECOND
        labels = {
            "alertname": f"Alert{n % 7}",
            "severity": ("critical", "warning", "info")[n % 3],
            "pod": f"pod-{n}",
            "team": f"team-{n % 3 if n < 30 else 3}",
            "zone": f"zone-{n % 2 if n < 30 else 2}",
            **({"namespace": f"ns-{n % 4}"} if n % 5 else {}),
        }
        key = labelling.key(labelling.canonical(labels))
        url = f"http://prom/{n % 7}"
        annotations = {"summary": f"Pod {n} is down Ünder load", "other": "hidden"}
        made = AlertRow(key, annotations, starts, ends, at, url, False, 0, 0, starts, ends)
        book.take([Posted(at=at, alerts=(made,))])
    with book.connection:
        for identity, text in list(book.connection.execute("SELECT id, labels FROM alert")):
            named = (*fingerprints(str(text)), identity)
            book.connection.execute("UPDATE series SET fingerprint = ?, sha = ? WHERE id = ?", named)


@pytest.fixture(scope="module", params=[names.MANY, 3], ids=["few", "many"])
def book(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Told]:
    """Some hundred events, with labels that count as few label sets' or as many's."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(names, "MANY", request.param)
        patch.setattr(together, "MANY", request.param)
        made = Told(tmp_path_factory.mktemp("book"))
        life(made)
        yield made


@pytest.fixture(scope="module")
def everything(book: Told) -> list[dict[str, Any]]:
    """All events as the API shows them, their labels decoded, with the numbers that orders go by."""
    ids = [identity for (identity,) in book.connection.execute("SELECT id FROM event ORDER BY id")]
    shown = row.events(book.connection, ids)  # type: ignore[arg-type]
    stored = {identity: rest for identity, *rest in book.connection.execute("SELECT id, starts, ends FROM event")}
    for each in shown:
        each["labels"] = labelling_of(each["labels"])
        each["annotations"] = labelling_of(each["annotations"])
        each["starts"], each["ends"] = stored[each["id"]]
    return shown


def labelling_of(raw: Any) -> dict[str, str]:
    import msgspec

    return msgspec.json.decode(bytes(raw), type=dict[str, str])


def find(book: Told, given: Mapping[str, list[str]], **paging: Any) -> Page:
    return event.find(book.connection, filters.parse(given), Paging(**paging), NOW)


def label(name: str) -> Callable[[dict[str, Any]], str]:
    return lambda e: str(e["labels"].get(name, ""))


CASES: list[tuple[dict[str, list[str]], Callable[[dict[str, Any]], bool]]] = [
    ({}, lambda e: True),
    ({"status": ["firing"]}, lambda e: e["status"] == "firing"),
    ({"status": ["firing", "resolved"]}, lambda e: True),
    ({"event": ["resolved"]}, lambda e: e["event"] == "resolved"),
    ({"severity": ["critical", "info"]}, lambda e: e["severity"] in ("critical", "info")),
    ({"severity": ["none such"]}, lambda e: False),
    ({"namespace": ["ns-1"]}, lambda e: e["namespace"] == "ns-1"),
    ({"alert_name": ["Alert3"]}, lambda e: e["alert_name"] == "Alert3"),
    ({"alertname": ["Alert3", "Alert4"]}, lambda e: e["alert_name"] in ("Alert3", "Alert4")),
    ({"alert_name_pattern": ["%lert_"]}, lambda e: True),
    ({"alert_name_pattern": ["%3"]}, lambda e: e["alert_name"] == "Alert3"),
    ({"alert_name_pattern": ["alert%"]}, lambda e: False),
    ({"alert_name_regex": ["[12]$"]}, lambda e: e["alert_name"][-1] in "12"),
    ({"alert_name": ["Alert3"], "alert_name_regex": ["4"]}, lambda e: False),
    ({"labels": ["pod=pod-7"]}, lambda e: label("pod")(e) == "pod-7"),
    ({"labels": ["pod:pod-7", "severity=warning"]}, lambda e: label("pod")(e) == "pod-7"),
    ({"labels_exact[pod]": ["pod-8"]}, lambda e: label("pod")(e) == "pod-8"),
    ({"labels_exact[]": ["severity=info"]}, lambda e: e["severity"] == "info"),
    ({"labels_exact[namespace]": ["ns-2"], "alert_name": ["Alert1"]},
     lambda e: label("namespace")(e) == "ns-2" and e["alert_name"] == "Alert1"),
    ({"labels_exact[team]": ["team-1"]}, lambda e: label("team")(e) == "team-1"),
    ({"labels": ["team=team-1", "zone=zone-0"]},
     lambda e: label("team")(e) == "team-1" and label("zone")(e) == "zone-0"),
    ({"labels": ["team=team-3", "zone=zone-0"]}, lambda e: False),
    ({"labels": ["team=team-1", "zone=zone-0", "pod=pod-4"]}, lambda e: label("pod")(e) == "pod-4"),
    ({"labels_exact[team]": ["team-3"], "is_resolved": ["true"], "severity": ["info"]},
     lambda e: label("team")(e) == "team-3" and e["ends"] is not None and e["severity"] == "info"),
    ({"labels_exact[team]": ["team-1"], "labels_exact[severity]": ["critical"]}, lambda e: False),
    ({"labels": ["team=team-2", "namespace=ns-1"], "from": ["2026-09-21T17:00:00Z"], "to": ["2026-09-21T19:00:00Z"]},
     lambda e: label("team")(e) == "team-2" and e["namespace"] == "ns-1"
     and "2026-09-21T17:00:00" <= e["starts_at"] <= "2026-09-21T19:00:00.000Z"),
    ({"labels": ["team=team-2", "pod=pod-1"]}, lambda e: False),
    ({"labels_ne[namespace]": ["ns-2"]}, lambda e: label("namespace")(e) != "ns-2"),
    ({"labels_not_equal[nothing]": ["x"]}, lambda e: True),
    ({"labels_regex[pod]": ["-1.$"]}, lambda e: re.search("-1.$", label("pod")(e)) is not None),
    ({"labels_regex[nothing]": [".*"]}, lambda e: False),
    ({"labels_not_regex[namespace]": ["ns-[12]"]}, lambda e: label("namespace")(e) not in ("ns-1", "ns-2")),
    ({"labels_exists": ["namespace"]}, lambda e: "namespace" in e["labels"]),
    ({"labels_not_exists": ["namespace"]}, lambda e: "namespace" not in e["labels"]),
    ({"labels_not_exists": ["nothing"]}, lambda e: True),
    ({"search": ["POD 7 IS"]}, lambda e: label("pod")(e) == "pod-7"),
    ({"search": ["alert5"]}, lambda e: e["alert_name"] == "Alert5"),
    ({"search": ["ÜNDER"]}, lambda e: True),
    ({"search": ["Ünder"]}, lambda e: True),
    ({"search": ["hidden"]}, lambda e: False),
    ({"search": ["100%"]}, lambda e: False),
    ({"duration_min": ["5m"]}, lambda e: (e["ends"] or NOW) - e["starts"] >= 300_000),
    ({"duration_min": ["1m"], "duration_max": ["9m"]}, lambda e: 6e4 <= (e["ends"] or NOW) - e["starts"] <= 54e4),
    ({"generator_url": ["http://prom/3"]}, lambda e: e["generator_url"] == "http://prom/3"),
    ({"is_resolved": ["true"]}, lambda e: e["ends"] is not None),
    ({"is_resolved": ["false"], "severity": ["critical"]}, lambda e: e["ends"] is None and e["severity"] == "critical"),
    ({"is_resolved": ["true"], "status": ["firing"]}, lambda e: False),
    ({"from": ["2026-09-21T17:00:00Z"], "to": ["2026-09-21T19:00:00Z"]},
     lambda e: "2026-09-21T17:00:00" <= e["starts_at"] <= "2026-09-21T19:00:00.000Z"),
    ({"namespace": ["ns-1"], "is_resolved": ["true"], "labels_ne[pod]": ["pod-1"], "search": ["pod"]},
     lambda e: e["namespace"] == "ns-1" and e["ends"] is not None and label("pod")(e) != "pod-1"),
]  # fmt: skip


@pytest.mark.parametrize("walking", [False, True], ids=["gathering", "walking"])
@pytest.mark.parametrize(("given", "holds"), CASES, ids=[str(given) for given, _ in CASES])
def test_a_filter_finds_what_a_plain_reading_finds(
    book: Told,
    everything: list[dict[str, Any]],
    given: dict[str, list[str]],
    holds: Callable[[dict[str, Any]], bool],
    walking: bool,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    if walking:
        monkeypatch.setattr(event, "CAP", -1)
    wanted = [each for each in everything if holds(each)]
    wanted.sort(key=lambda e: (e["starts"], e["id"]), reverse=True)
    found = find(book, given, per_page=1000)
    assert list(found.ids) == [each["id"] for each in wanted]
    assert (found.more, found.limited) == (False, False)
    assert (found.total, found.exact) == (len(wanted), True)


ORDERS: dict[str, Callable[[dict[str, Any]], Any]] = {
    "created_at": lambda e: e["id"],
    "starts_at": lambda e: (e["starts"], e["id"]),
    "ends_at": lambda e: (e["ends"] is not None, e["ends"] or 0, e["id"]),
    "status": lambda e: (e["status"], e["starts"], e["id"]),
    "severity": lambda e: (e["severity"], e["id"]),
    "alert_name": lambda e: (e["alert_name"], e["id"]),
}


@pytest.mark.parametrize("walking", [False, True], ids=["gathering", "walking"])
@pytest.mark.parametrize("descending", [True, False], ids=["desc", "asc"])
@pytest.mark.parametrize("sort", ORDERS)
@pytest.mark.parametrize(
    "given",
    [
        {},
        {"severity": ["info"]},
        {"labels_ne[pod]": ["pod-2"]},
        {"labels_exact[team]": ["team-0"]},
        {"labels_exact[team]": ["team-0"], "labels_exact[zone]": ["zone-1"]},
    ],
    ids=str,
)
def test_pages_by_number_and_by_cursor_give_everything_once(
    book: Told,
    everything: list[dict[str, Any]],
    given: dict[str, list[str]],
    sort: str,
    descending: bool,
    walking: bool,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    if walking:
        monkeypatch.setattr(event, "CAP", -1)
    wanted = [e for e in everything if given.get("severity", [e["severity"]]) == [e["severity"]]]
    if "labels_ne[pod]" in given:
        wanted = [e for e in wanted if label("pod")(e) != "pod-2"]
    if "labels_exact[team]" in given:
        wanted = [e for e in wanted if label("team")(e) == "team-0"]
    if "labels_exact[zone]" in given:
        wanted = [e for e in wanted if label("zone")(e) == "zone-1"]
    ids = [each["id"] for each in sorted(wanted, key=ORDERS[sort], reverse=descending)]
    by_number: list[int] = []
    by_cursor: list[int] = []
    for number in range(11):
        by_number += find(book, given, per_page=97, sort=sort, descending=descending, offset=97 * number).ids
    cursor, done = "", False
    while not done:
        found = find(book, given, per_page=97, sort=sort, descending=descending, cursor=cursor)
        by_cursor += found.ids
        cursor, done = found.cursor, not found.cursor
    assert by_number == ids
    assert by_cursor == ids


def test_a_cursor_stands_still_while_events_come_in(tmp_path: Path) -> None:
    book = Told(tmp_path)
    life(book)
    first = find(book, {}, per_page=10)
    rest = find(book, {}, per_page=10, cursor=first.cursor)
    key = labelling.key({"alertname": "New"})
    later = NOW * 1_000_000
    book.take([Posted(at=later, alerts=(AlertRow(key, {}, later, later * 2, later, "", False, 0, 0, later, later),))])
    assert find(book, {}, per_page=10, cursor=first.cursor).ids == rest.ids
    assert find(book, {}, per_page=10).ids != first.ids


@pytest.mark.parametrize("descending", [True, False], ids=["desc", "asc"])
@pytest.mark.parametrize("given", [{"search": ["pod 7 is"]}, {"labels": ["team=team-1", "zone=zone-1"]}], ids=str)
def test_a_search_that_stops_says_so_and_its_cursor_goes_on(
    book: Told,
    everything: list[dict[str, Any]],
    given: dict[str, list[str]],
    descending: bool,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(event, "CAP", -1)
    monkeypatch.setattr(event, "_QUICK", 5)
    monkeypatch.setattr(event, "_GLANCE", 3)
    monkeypatch.setattr(walk.rows, "__defaults__", (30,))
    given = {**given, "duration_min": ["1s"]}
    pods = {"pod-7"} if "search" in given else {f"pod-{n}" for n in (1, 7, 13, 19, 25)}
    ids: list[int] = []
    cursor, limited = "", 0
    for _ in range(400):
        found = find(book, given, per_page=50, cursor=cursor, descending=descending)
        ids += found.ids
        limited += found.limited
        cursor = found.cursor
        if not cursor:
            break
    expected = [e for e in everything if label("pod")(e) in pods and (e["ends"] or NOW) - e["starts"] >= 1000]
    assert ids == [e["id"] for e in sorted(expected, key=ORDERS["starts_at"], reverse=descending)]
    assert limited > 1


@pytest.mark.parametrize("given", [
    {"labels_exact[team]": ["team-1"], "labels_ne[pod]": ["pod-1"]}, {"labels_exists": ["namespace"]},
    {"labels_regex[pod]": ["-1"]},
    {"labels": ["team=team-1", "zone=zone-1"]},
    {"labels_exact[team]": ["team-2"], "alert_name": ["Alert2"], "from": ["2026-09-21T17:00:00Z"]},
], ids=str)  # fmt: skip
def test_the_newest_of_each_alert_are_the_same_as_walking_finds(
    book: Told, given: dict[str, list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = find(book, given, per_page=1000).ids
    monkeypatch.setattr(clause, "_ALERTS", 0)
    monkeypatch.setattr(event, "CAP", -1)
    monkeypatch.setattr(event, "_QUICK", 5)
    monkeypatch.setattr(event, "_GLANCE", 3)
    calls = []
    rows = newest.rows
    monkeypatch.setattr(newest, "rows", lambda *a: calls.append(1) or rows(*a))
    ids: list[int] = []
    cursor = ""
    while True:
        found = find(book, given, per_page=40, cursor=cursor)
        ids += found.ids
        cursor = found.cursor
        if not cursor:
            break
    assert tuple(ids) == whole
    assert calls


def test_counts_agree_with_a_plain_reading(book: Told, everything: list[dict[str, Any]]) -> None:
    at = {e["id"]: when for e in everything for when in [moment(e["created_at"])]}
    for since, until in (
        (0, NOW),
        (T0 // 10**6 + 1_234_567, T0 // 10**6 + 9_876_543),
        (T0 // 10**6, T0 // 10**6 + 999),
    ):
        within = [e for e in everything if since <= at[e["id"]] <= until]
        fired = [e for e in within if e["event"] == "firing"]
        ended = [e for e in within if e["status"] == "resolved"]
        shown = summary.stats(book.connection, since, until)
        assert (shown["firing_alerts"], shown["resolved_alerts"]) == (len(fired), len(ended))
        assert shown["unique_fingerprints"] == len({e["fingerprint"] for e in within})
        assert sum(shown["alerts_by_severity"].values()) == len(fired)
        if ended:
            mean = sum(e["ends"] - e["starts"] for e in ended) / len(ended) / 1000
            assert shown["avg_resolution_time"] == pytest.approx(mean, abs=0.001)
        counts: dict[str, int] = {}
        for e in fired:
            counts[e["fingerprint"]] = counts.get(e["fingerprint"], 0) + 1
        tops = summary.top(book.connection, since, until, 100)
        assert {one["fingerprint"]: one["fire_count"] for one in tops} == counts
        assert [one["fire_count"] for one in tops] == sorted(counts.values(), reverse=True)
    only = summary.stats(book.connection, 0, NOW, summary.Scope("ns-1", "critical"))
    picked = [e for e in everything if e["namespace"] == "ns-1" and e["severity"] == "critical"]
    assert only["total_alerts"] == len(picked)


def moment(text: str) -> int:
    return filters.moment("", text)


def test_an_alert_flaps_from_three_changes_on(tmp_path: Path) -> None:
    book = Told(tmp_path)
    key = labelling.key({"alertname": "F"})
    for n in range(4):
        at = T0 + n * MINUTE
        ends = at if n % 2 else at + 60 * MINUTE
        starts = at - MINUTE if n % 2 else at
        book.take([Posted(at=at, alerts=(AlertRow(key, {}, starts, ends, at, "", False, 0, 0, starts, ends),))])
    since, until = T0 // 10**6 - 1000, T0 // 10**6 + 7_200_000
    [found] = summary.flapping(book.connection, since, until, 3)
    assert (found["transition_count"], found["flapping_score"]) == (3, 1.4998)
    assert summary.flapping(book.connection, since, until, 4) == []
    asked = filters.parse({"is_flapping": ["true"], "from": ["2026-09-21T13:00:00Z"], "to": ["2026-09-21T20:00:00Z"]})
    assert len(event.find(book.connection, asked, Paging(), NOW).ids) == 4


BAD = [
    ({"status": ["ill"]}, "status"), ({"severity": ["x" * 256]}, "severity"), ({"fingerprints": ["x"]}, "fingerprints"),
    ({"alert_name_regex": ["("]}, "alert_name_regex"), ({"alert_name_regex": ["x" * 501]}, "alert_name_regex"),
    ({"labels": ["novalue"]}, "labels"), ({"labels_regex[pod]": ["*"]}, "labels_regex[pod]"),
    ({"labels_ne[a]": ["x" * 256]}, "labels_ne[a]"), ({"labels": [f"a{n}=b" for n in range(21)]}, "labels"),
    ({"from": ["yesterday"]}, "from"), ({"from": ["2026-01-02T00:00:00Z"], "to": ["2026-01-01T00:00:00Z"]}, "from"),
    ({"from": ["2026-01-01T00:00:00Z"], "to": ["2026-06-01T00:00:00Z"]}, "from"), ({"search": ["x" * 501]}, "search"),
    ({"duration_min": ["-1s"]}, "duration_min"), ({"duration_min": ["2h"], "duration_max": ["1h"]}, "duration_min"),
    ({"generator_url": ["no url"]}, "generator_url"), ({"is_flapping": ["perhaps"]}, "is_flapping"),
    ({"labels_exists": ["x" * 1001]}, "labels_exists"), ({"labels_foo[x]": ["y"]}, "labels_foo[x]"),
]  # fmt: skip


@pytest.mark.parametrize(("given", "field"), BAD, ids=[str(given)[:60] for given, _ in BAD])
def test_a_bad_filter_is_named(given: dict[str, list[str]], field: str) -> None:
    with pytest.raises(FieldError) as caught:
        filters.parse(given)
    assert caught.value.field == field


def test_no_filter_reads_the_whole_table(book: Told) -> None:
    """Each question goes by an index that was named for it: a name that is gone would be an error."""
    plans = []
    book.connection.exec_trace = lambda cursor, sql, bindings: plans.append((sql, bindings)) or True
    try:
        for given, _ in CASES:
            find(book, given)
    finally:
        book.connection.exec_trace = None
    for sql, bindings in plans:
        if not sql.startswith(("SELECT", "WITH")):
            continue
        for *_, detail in book.connection.execute("EXPLAIN QUERY PLAN " + sql, bindings):
            assert not re.match(r"SCAN event(?! USING)", str(detail)), (sql, detail)
