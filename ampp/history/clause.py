"""Filters as conditions in SQL over `event AS e`, and the ways in by which the rows can be found.

What a filter says about texts (names, label values) is settled on the dictionaries first, where each text occurs once:
a regular expression then becomes a list of numbers, and no row calls back into Python.

A `Way` is a set of index entries in which all rows asked for lie: events of some alerts, of some names, … `count` says
how many entries it has, up to `CAP`. The one with fewest is taken; see `page`.
"""

import re
from collections.abc import Callable, Iterable, Sequence
from typing import Any, Final

import apsw
import msgspec

from ampp.core import labels as labelling
from ampp.core.regex import program
from ampp.history.filter import Filter
from ampp.store.sqlite.history.names import signed
from ampp.store.sqlite.history.rows import array, fetch
from ampp.store.sqlite.history.schema import KINDS

__all__ = ["CAP", "Condition", "Conditions", "Way", "alerts_of", "conditions", "text_id"]

CAP: Final = 5_000
"""Index entries that are gathered and sorted; beyond that an index is walked in its own order."""

_ALERTS: Final = 2_000
"""Label sets whose events are looked for one by one."""

_NAMELESS: Final = 50_000
_DAY: Final = 24 * 3600 * 1000
_FLAPPING: Final = 3

_NAMES: Final = """
WITH RECURSIVE n (x) AS (SELECT min(name) FROM event UNION ALL
    SELECT (SELECT min(name) FROM event WHERE name > n.x) FROM n WHERE n.x IS NOT NULL)
SELECT t.id, t.value FROM n JOIN text t ON t.id = n.x
"""

_labels: Final = msgspec.json.Decoder(dict[str, str]).decode


class Way(msgspec.Struct, frozen=True):
    """Index entries with one of `values` in `column` of the event; `index` is the one on (column, starts)."""

    index: str
    column: str
    values: tuple[int, ...]
    count: int


class Condition(msgspec.Struct, frozen=True):
    """A condition and its values. `column`: the one it is settled by alone, when a `Way` by it makes it superfluous."""

    sql: str
    bindings: tuple[Any, ...] = ()
    column: str = ""


class Conditions(msgspec.Struct, frozen=True):
    """All that must hold. `nothing`: no row can fulfil it. `since`, `until` bound `starts`."""

    all: tuple[Condition, ...]
    ways: tuple[Way, ...]
    since: int | None
    until: int | None
    nothing: bool = False


class _Nothing(Exception):
    """No row can fulfil a filter."""


def text_id(connection: apsw.Connection, value: str) -> int | None:
    """The number of a text, None when it has never been seen."""
    found: int | None = connection.execute("SELECT id FROM text WHERE value = ?", (value,)).get
    return found


def conditions(connection: apsw.Connection, asked: Filter, now: int) -> Conditions:
    """What `asked` means for this database. `now`: wall milliseconds."""
    found: list[Condition] = []
    ways: list[Way] = []
    try:
        for build in _BUILDERS:
            build(connection, asked, now, found, ways)
    except _Nothing:
        return Conditions((), (), asked.since, asked.until, nothing=True)
    return Conditions(tuple(found), tuple(ways), asked.since, asked.until)


def alerts_of(connection: apsw.Connection, fingerprint: str) -> list[int]:
    """The alerts with a fingerprint of 16 or 64 hexadecimal digits: one, or none."""
    column = "fingerprint" if len(fingerprint) == 16 else "sha"
    wanted = signed(int(fingerprint[:16], 16))
    rows = fetch(connection, f"SELECT id, labels FROM alert WHERE {column} = ?", (wanted,))
    if not rows:
        # The historian gives fingerprints when it has time.
        rows = fetch(connection, "SELECT id, labels FROM alert WHERE fingerprint IS NULL LIMIT ?", (_NAMELESS,))
    return [identity for identity, labels in rows if _is(fingerprint, _labels(labels))]


def _is(fingerprint: str, labels: dict[str, str]) -> bool:
    if len(fingerprint) == 64:
        return labelling.sha256_hex(labels) == fingerprint
    return labelling.fingerprint_hex(labelling.fingerprint(labels)) == fingerprint


def _way(connection: apsw.Connection, column: str, values: Sequence[int], ways: list[Way]) -> None:
    index = f"event_{column}"
    count = connection.execute(
        "SELECT count(*) FROM (SELECT 1 FROM carray(?) AS c CROSS JOIN event AS e INDEXED BY "
        f"{index} ON e.{column} = c.value LIMIT ?)",
        (array(values), CAP + 1),
    ).get
    ways.append(Way(index, column, tuple(values), count))


def _among(column: str, values: Sequence[int], *, settles: bool = True) -> Condition:
    if len(values) == 1:
        return Condition(f"e.{column} = ?", (values[0],), column if settles else "")
    return Condition(f"e.{column} IN (SELECT value FROM carray(?))", (array(values),), column if settles else "")


def _by_text(column: str, field: str) -> "_Builder":
    def build(connection: apsw.Connection, asked: Filter, now: int, found: list[Condition], ways: list[Way]) -> None:
        wanted = getattr(asked, field)
        if not wanted:
            return
        ids = [identity for value in dict.fromkeys(wanted) if (identity := text_id(connection, value)) is not None]
        if not ids:
            raise _Nothing
        found.append(_among(column, ids))
        _way(connection, column, ids, ways)

    return build


def _status(connection: apsw.Connection, asked: Filter, now: int, found: list[Condition], ways: list[Way]) -> None:
    wanted = {status == "resolved" for status in asked.status} or {False, True}
    if asked.is_resolved is not None:
        wanted &= {asked.is_resolved}
    if not wanted:
        raise _Nothing
    if len(wanted) == 1:
        value = int(wanted.pop())
        found.append(_among("resolved", [value]))
        _way(connection, "resolved", [value], ways)


def _kinds(connection: apsw.Connection, asked: Filter, now: int, found: list[Condition], ways: list[Way]) -> None:
    if asked.event:
        found.append(_among("kind", [place for place, kind in enumerate(KINDS) if kind.value in asked.event]))


def _fingerprints(
    connection: apsw.Connection, asked: Filter, now: int, found: list[Condition], ways: list[Way]
) -> None:
    if asked.fingerprints:
        ids = [identity for each in asked.fingerprints for identity in alerts_of(connection, each)]
        _only(connection, ids, found, ways)


def _only(connection: apsw.Connection, alerts: list[int], found: list[Condition], ways: list[Way]) -> None:
    if not alerts:
        raise _Nothing
    found.append(_among("alert", alerts))
    _way(connection, "alert", alerts, ways)


def _names(connection: apsw.Connection, asked: Filter, now: int, found: list[Condition], ways: list[Way]) -> None:
    """Patterns and expressions on the alert's name."""
    if not (asked.alert_name_pattern or asked.alert_name_regex):
        return
    tests = []
    if asked.alert_name_pattern:
        tests.append(_like(asked.alert_name_pattern))
    if asked.alert_name_regex:
        search = program(asked.alert_name_regex).search
        tests.append(lambda value: search(value.encode()) is not None)
    ids = [identity for identity, value in connection.execute(_NAMES) if all(test(value) for test in tests)]
    if not ids:
        raise _Nothing
    found.append(_among("name", ids))
    _way(connection, "name", ids, ways)


def _like(pattern: str) -> Callable[[str], bool]:
    """SQL's LIKE: `%` for any text, `_` for any character, `\\` before one of them takes it as it is."""
    parts = []
    escaped = False
    for character in pattern:
        if escaped:
            parts.append(re.escape(character))
            escaped = False
        elif character == "\\":
            escaped = True
        else:
            parts.append({"%": ".*", "_": "."}.get(character) or re.escape(character))
    test = re.compile("".join(parts), re.DOTALL).fullmatch
    return lambda value: test(value) is not None


def _pair(connection: apsw.Connection, name: str, value: str) -> int | None:
    found: int | None = connection.execute(
        "SELECT p.id FROM text t JOIN pair p ON p.name = t.id WHERE t.value = ? AND p.value = ?", (name, value)
    ).get
    return found


def _exact(connection: apsw.Connection, asked: Filter, now: int, found: list[Condition], ways: list[Way]) -> None:
    for name, value in asked.labels:
        pair = _pair(connection, name, value)
        if pair is None:
            raise _Nothing
        found.append(Condition("EXISTS (SELECT 1 FROM label l WHERE l.pair = ? AND l.alert = e.alert)", (pair,)))
        _few(connection, "SELECT alert FROM label WHERE pair = ?", (pair,), ways)


def _few(connection: apsw.Connection, alerts: str, bindings: tuple[Any, ...], ways: list[Way]) -> None:
    """A way in by the alerts of a query, if they are few enough to be looked for one by one."""
    ids = [identity for (identity,) in connection.execute(f"{alerts} LIMIT ?", (*bindings, _ALERTS + 1))]
    if not ids:
        raise _Nothing
    if len(ids) <= _ALERTS:
        _way(connection, "alert", ids, ways)


def _unlike(connection: apsw.Connection, asked: Filter, now: int, found: list[Condition], ways: list[Way]) -> None:
    for name, value in asked.labels_ne:
        pair = _pair(connection, name, value)
        if pair is not None:
            found.append(
                Condition("NOT EXISTS (SELECT 1 FROM label l WHERE l.pair = ? AND l.alert = e.alert)", (pair,))
            )


def _expressions(connection: apsw.Connection, asked: Filter, now: int, found: list[Condition], ways: list[Way]) -> None:
    alerts = "SELECT alert FROM label WHERE pair IN (SELECT value FROM carray(?))"
    for name, pattern in asked.labels_regex:
        pairs = list(_matching(connection, name, pattern))
        if not pairs:
            raise _Nothing
        found.append(Condition(f"e.alert IN ({alerts})", (array(pairs),)))
        _few(connection, alerts, (array(pairs),), ways)
    for name, pattern in asked.labels_not_regex:
        pairs = list(_matching(connection, name, pattern))
        if pairs:
            found.append(Condition(f"e.alert NOT IN ({alerts})", (array(pairs),)))


def _matching(connection: apsw.Connection, name: str, pattern: str) -> Iterable[int]:
    search = program(pattern).search
    for value, pair in connection.execute(
        "SELECT p.value, p.id FROM text t JOIN pair p ON p.name = t.id WHERE t.value = ?", (name,)
    ):
        if search(value.encode()) is not None:
            yield pair


def _present(connection: apsw.Connection, asked: Filter, now: int, found: list[Condition], ways: list[Way]) -> None:
    has = "EXISTS (SELECT 1 FROM alert a, json_each(a.labels) j WHERE a.id = e.alert AND j.key = ?)"
    for name in asked.labels_exists:
        if text_id(connection, name) is None:
            raise _Nothing
        found.append(Condition(has, (name,)))
        _few(
            connection,
            "SELECT l.alert FROM text t CROSS JOIN pair p ON p.name = t.id CROSS JOIN label l ON l.pair = p.id "
            "WHERE t.value = ?",
            (name,),
            ways,
        )
    for name in asked.labels_not_exists:
        found.append(Condition(f"NOT {has}", (name,)))


def _search(connection: apsw.Connection, asked: Filter, now: int, found: list[Condition], ways: list[Way]) -> None:
    """A part of the name, the summary or the description, whatever its case.

    SQLite's LIKE knows the case of ASCII only; of other letters the usual forms of the whole text are tried.
    """
    wanted = asked.search
    if not wanted:
        return
    folded = wanted.casefold()
    names = [identity for identity, value in connection.execute(_NAMES) if folded in value.casefold()]
    forms = (
        [wanted]
        if wanted.isascii()
        else list(dict.fromkeys((wanted, wanted.lower(), wanted.upper(), wanted.capitalize())))
    )
    likes = ["%" + re.sub("([%_!])", r"!\1", form) + "%" for form in forms]
    test = " OR ".join(
        f"d.annotations ->> '{place}' LIKE ? ESCAPE '!'" for place in ("summary", "description") for _ in likes
    )
    found.append(
        Condition(
            f"(e.name IN (SELECT value FROM carray(?)) OR (SELECT {test} FROM detail d WHERE d.alert = e.alert "
            "AND d.since <= e.id ORDER BY d.since DESC LIMIT 1))",
            (array(names), *likes, *likes),
        )
    )


def _durations(connection: apsw.Connection, asked: Filter, now: int, found: list[Condition], ways: list[Way]) -> None:
    if asked.duration_min is not None:
        found.append(Condition("coalesce(e.ends, ?) - e.starts >= ?", (now, asked.duration_min)))
    if asked.duration_max is not None:
        found.append(Condition("coalesce(e.ends, ?) - e.starts <= ?", (now, asked.duration_max)))


def _generator(connection: apsw.Connection, asked: Filter, now: int, found: list[Condition], ways: list[Way]) -> None:
    if not asked.generator_url:
        return
    url = text_id(connection, asked.generator_url)
    names = [name for (name,) in connection.execute("SELECT name FROM rule WHERE generator = ?", (url,))]
    if url is None or not names:
        raise _Nothing
    found.append(Condition("e.generator = ?", (url,)))
    _way(connection, "name", names, ways)


def _flapping(connection: apsw.Connection, asked: Filter, now: int, found: list[Condition], ways: list[Way]) -> None:
    if asked.is_flapping is None:
        return
    since, until = asked.since, asked.until
    if until is None:
        until = now
    if since is None:
        since = until - _DAY
    alerts = [
        alert
        for (alert,) in connection.execute(
            "SELECT alert FROM event INDEXED BY event_at WHERE at BETWEEN ? AND ? "
            "GROUP BY alert HAVING sum(turned) >= ?",
            (since, until, _FLAPPING),
        )
    ]
    if not asked.is_flapping:
        found.append(Condition("e.alert NOT IN (SELECT value FROM carray(?))", (array(alerts),)))
    elif len(alerts) <= _ALERTS:
        _only(connection, alerts, found, ways)
    else:
        found.append(_among("alert", alerts))


_Builder = Callable[[apsw.Connection, Filter, int, list[Condition], list[Way]], None]

_BUILDERS: Final[tuple[_Builder, ...]] = (
    _fingerprints,
    _by_text("name", "alert_name"),
    _by_text("severity", "severity"),
    _by_text("namespace", "namespace"),
    _names,
    _exact,
    _status,
    _kinds,
    _unlike,
    _expressions,
    _present,
    _search,
    _durations,
    _generator,
    _flapping,
)
