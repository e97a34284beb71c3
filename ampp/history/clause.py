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
from ampp.history import span
from ampp.history.filter import Filter
from ampp.store.sqlite.history.names import signed
from ampp.store.sqlite.history.schema import KINDS, OWN
from ampp.store.sqlite.rows import array, count, fetch

__all__ = [
    "CAP",
    "HOLDERS",
    "OFTEN",
    "Condition",
    "Conditions",
    "Source",
    "Way",
    "alerts_of",
    "conditions",
    "text_id",
    "way_by",
]

CAP: Final = 5_000
"""Index entries that are gathered and sorted; beyond that an index is walked in its own order."""

OFTEN: Final = "often"
"""The index of a way that goes by starts of alerts with a label, and from there to their events."""

_ALERTS: Final = 2_000
"""Label sets whose events are looked for one by one."""

_NAMELESS: Final = 50_000
_DAY: Final = 24 * 3600 * 1000
_FLAPPING: Final = 3

_SET: Final = 200_000
_WITH: Final = (
    "SELECT l.alert FROM text t CROSS JOIN pair p ON p.name = t.id CROSS JOIN label l ON l.pair = p.id "
    "WHERE t.value = ?"
)

_HELD: Final = "EXISTS (SELECT 1 FROM label l WHERE l.pair = ? AND l.alert = e.alert)"

HOLDERS: Final = "SELECT alert FROM label WHERE pair = ?"

_NAMES: Final = """
WITH RECURSIVE n (x) AS (SELECT min(name) FROM event UNION ALL
    SELECT (SELECT min(name) FROM event WHERE name > n.x) FROM n WHERE n.x IS NOT NULL)
SELECT t.id, t.value FROM n JOIN text t ON t.id = n.x
"""

_labels: Final = msgspec.json.Decoder(dict[str, str]).decode


class Way(msgspec.Struct, frozen=True):
    """Index entries with one of `values` in `column` of the event; `index` is the one on (column, starts), or `OFTEN`:
    then the values are pairs.

    `settles`: the conditions that hold for all of them.
    """

    index: str
    column: str
    values: tuple[int, ...]
    count: int
    settles: "tuple[Condition, ...]" = ()


class Condition(msgspec.Struct, frozen=True):
    """A condition and its values. `of_alert`: it concerns the alert alone, not what became of it; `of_labels`: it names
    no column of the event but `alert`. `cost`: how much longer than usual a row takes to be tested."""

    sql: str
    bindings: tuple[Any, ...] = ()
    of_alert: bool = True
    of_labels: bool = False
    cost: int = 1


class Source(msgspec.Struct, frozen=True):
    """A query that gives the alerts for which the condition `settles` holds."""

    sql: str
    bindings: tuple[Any, ...]
    settles: Condition


class Conditions(msgspec.Struct, frozen=True):
    """All that must hold. `nothing`: no row can fulfil it. `since`, `until` bound `starts`.

    `sets`: queries that give the alerts of which one condition holds, where these are many. `together`: the labels, if
    several, that many alerts have, each with its condition: see module `together`.
    """

    all: tuple[Condition, ...]
    ways: tuple[Way, ...]
    sets: tuple[Source, ...]
    since: int | None
    until: int | None
    together: tuple[tuple[int, Condition], ...] = ()
    nothing: bool = False


class _Plan:
    """What the builders read, and what they add to."""

    def __init__(self, connection: apsw.Connection, asked: Filter, now: int) -> None:
        self.connection = connection
        self.asked = asked
        self.now = now
        self.found: list[Condition] = []
        self.ways: list[Way] = []
        self.sets: list[Source] = []
        self.together: dict[int, Condition] = {}

    def require(
        self, sql: str, *bindings: Any, of_alert: bool = True, of_labels: bool = False, cost: int = 1
    ) -> Condition:
        """Add a condition."""
        condition = Condition(sql, bindings, of_alert, of_labels, cost)
        self.found.append(condition)
        return condition

    def among(self, column: str, values: Sequence[int], *, of_alert: bool = True) -> Condition:
        """Add the condition that a column has one of these values."""
        if len(values) == 1:
            return self.require(f"e.{column} = ?", values[0], of_alert=of_alert)
        return self.require(f"e.{column} IN (SELECT value FROM carray(?))", array(values), of_alert=of_alert)

    def way(self, column: str, values: Sequence[int], *settles: Condition) -> None:
        """Add a way in by a column's values."""
        self.ways.append(way_by(self.connection, column, values, *settles))

    def few(self, settles: Condition, alerts: str, *bindings: Any) -> None:
        """Add a way in by the alerts of a query, if they are few enough to be looked for one by one."""
        ids = [identity for (identity,) in fetch(self.connection, f"{alerts} LIMIT ?", (*bindings, _ALERTS + 1))]
        if not ids:
            raise _Nothing
        if len(ids) <= _ALERTS:
            self.way("alert", ids, settles)
        if len(ids) > _ALERTS or self.ways[-1].count > CAP:
            self.sets.append(Source(alerts, bindings, settles))


class _Nothing(Exception):
    """No row can fulfil a filter."""


def way_by(connection: apsw.Connection, column: str, values: Sequence[int], *settles: Condition) -> Way:
    """The way in by a column's values."""
    index = f"event_{column}"
    query = f"SELECT 1 FROM carray(?) AS c CROSS JOIN event AS e INDEXED BY {index} ON e.{column} = c.value"
    return Way(index, column, tuple(values), count(connection, query, (array(values),), CAP), settles)


def text_id(connection: apsw.Connection, value: str) -> int | None:
    """The number of a text, None when it has never been seen."""
    found: int | None = connection.execute("SELECT id FROM text WHERE value = ?", (value,)).get
    return found


def conditions(connection: apsw.Connection, asked: Filter, now: int) -> Conditions:
    """What `asked` means for this database. `now`: wall milliseconds."""
    plan = _Plan(connection, asked, now)
    try:
        for build in _BUILDERS:
            build(plan)
    except _Nothing:
        return Conditions((), (), (), asked.since, asked.until, nothing=True)
    together = tuple(plan.together.items())
    return Conditions(tuple(plan.found), tuple(plan.ways), tuple(plan.sets), asked.since, asked.until, together)


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


def _by_text(column: str, field: str) -> "_Builder":
    def build(plan: _Plan) -> None:
        wanted = getattr(plan.asked, field)
        if not wanted:
            return
        ids = [number for value in dict.fromkeys(wanted) if (number := text_id(plan.connection, value)) is not None]
        if not ids:
            raise _Nothing
        plan.way(column, ids, plan.among(column, ids))

    return build


def _status(plan: _Plan) -> None:
    wanted = {status == "resolved" for status in plan.asked.status} or {False, True}
    if plan.asked.is_resolved is not None:
        wanted &= {plan.asked.is_resolved}
    if not wanted:
        raise _Nothing
    if len(wanted) == 1:
        value = int(wanted.pop())
        plan.way("resolved", [value], plan.among("resolved", [value], of_alert=False))


def _kinds(plan: _Plan) -> None:
    if plan.asked.event:
        places = [place for place, kind in enumerate(KINDS) if kind.value in plan.asked.event]
        plan.among("kind", places, of_alert=False)


def _fingerprints(plan: _Plan) -> None:
    if plan.asked.fingerprints:
        _only(plan, [identity for each in plan.asked.fingerprints for identity in alerts_of(plan.connection, each)])


def _only(plan: _Plan, alerts: list[int]) -> None:
    if not alerts:
        raise _Nothing
    plan.way("alert", alerts, plan.among("alert", alerts))


def _names(plan: _Plan) -> None:
    """Patterns and expressions on the alert's name."""
    asked = plan.asked
    tests = []
    if asked.alert_name_pattern:
        tests.append(_like(asked.alert_name_pattern))
    if asked.alert_name_regex:
        search = program(asked.alert_name_regex).search
        tests.append(lambda value: search(value.encode()) is not None)
    if not tests:
        return
    ids = [number for number, value in fetch(plan.connection, _NAMES) if all(test(value) for test in tests)]
    if not ids:
        raise _Nothing
    plan.way("name", ids, plan.among("name", ids))


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


def _pair(connection: apsw.Connection, name: str, value: str) -> tuple[int, bool] | None:
    """The number of a label, and whether many label sets have it."""
    rows = fetch(
        connection,
        "SELECT p.id, p.many FROM text t JOIN pair p ON p.name = t.id WHERE t.value = ? AND p.value = ?",
        (name, value),
    )
    return (rows[0][0], bool(rows[0][1])) if rows else None


def _exact(plan: _Plan) -> None:
    together: dict[int, Condition] = {}
    for name, value in plan.asked.labels:
        found = _pair(plan.connection, name, value)
        if found is None:
            raise _Nothing
        pair, many = found
        if name in OWN:
            number = text_id(plan.connection, value)
            if number is None:
                raise _Nothing
            plan.way(OWN[name], [number], plan.among(OWN[name], [number]))
            continue
        holds = plan.require(_HELD, pair, of_labels=True)
        if many:
            plan.ways.append(Way(OFTEN, "pair", (pair,), CAP + 1, (holds,)))
            plan.sets.append(Source(HOLDERS, (pair,), holds))
            together[pair] = holds
        else:
            plan.few(holds, HOLDERS, pair)
    if len(together) > 1:
        plan.together = together


def _unlike(plan: _Plan) -> None:
    for name, value in plan.asked.labels_ne:
        found = _pair(plan.connection, name, value)
        if found is not None:
            plan.require(f"NOT {_HELD}", found[0], of_labels=True)


def _expressions(plan: _Plan) -> None:
    alerts = "SELECT alert FROM label WHERE pair IN (SELECT value FROM carray(?))"
    for name, pattern in plan.asked.labels_regex:
        pairs = array(list(_matching(plan.connection, name, pattern)))
        plan.few(plan.require(f"e.alert IN ({alerts})", pairs, of_labels=True), alerts, pairs)
    for name, pattern in plan.asked.labels_not_regex:
        pairs = array(list(_matching(plan.connection, name, pattern)))
        plan.require(f"e.alert NOT IN ({alerts})", pairs, of_labels=True)


def _matching(connection: apsw.Connection, name: str, pattern: str) -> Iterable[int]:
    search = program(pattern).search
    for value, pair in connection.execute(
        "SELECT p.value, p.id FROM text t JOIN pair p ON p.name = t.id WHERE t.value = ?", (name,)
    ):
        if search(value.encode()) is not None:
            yield pair


def _present(plan: _Plan) -> None:
    for name in plan.asked.labels_exists:
        if text_id(plan.connection, name) is None:
            raise _Nothing
        plan.few(_having(plan, name, "IN"), _WITH, name)
    for name in plan.asked.labels_not_exists:
        if text_id(plan.connection, name) is not None:
            _having(plan, name, "NOT IN")


def _having(plan: _Plan, name: str, among: str) -> Condition:
    """Whether an alert has a label. The set of those that have it is made once, unless it is very large."""
    many = count(plan.connection, _WITH, (name,), _SET)
    if many <= _SET:
        return plan.require(f"e.alert {among} ({_WITH})", name, of_labels=True)
    test = "EXISTS (SELECT 1 FROM alert a, json_each(a.labels) j WHERE a.id = e.alert AND j.key = ?)"
    return plan.require(test if among == "IN" else f"NOT {test}", name, cost=8)


def _search(plan: _Plan) -> None:
    """A part of the name, the summary or the description, whatever its case.

    SQLite's LIKE knows the case of ASCII only; of other letters the usual forms of the whole text are tried.
    """
    wanted = plan.asked.search
    if not wanted:
        return
    folded = wanted.casefold()
    names = [identity for identity, value in fetch(plan.connection, _NAMES) if folded in value.casefold()]
    forms = (
        [wanted]
        if wanted.isascii()
        else list(dict.fromkeys((wanted, wanted.lower(), wanted.upper(), wanted.capitalize())))
    )
    likes = ["%" + re.sub("([%_!])", r"!\\1", form) + "%" for form in forms]
    # As the text stands in JSON: looking there first saves taking most of it apart.
    raw = ["%" + re.sub("([%_!])", r"!\\1", msgspec.json.encode(form).decode()[1:-1]) + "%" for form in forms]
    anywhere = " OR ".join("d.spelt LIKE ? ESCAPE '!'" for _ in raw)
    places = " OR ".join(
        f"d.spelt ->> '{place}' LIKE ? ESCAPE '!'" for place in ("summary", "description") for _ in likes
    )
    plan.require(
        f"(e.name IN (SELECT value FROM carray(?)) OR (SELECT ({anywhere}) AND ({places}) FROM "
        "(SELECT annotations AS spelt FROM detail AS n WHERE n.alert = e.alert AND n.since <= e.id "
        "ORDER BY n.since DESC LIMIT 1) AS d))",
        array(names),
        *raw,
        *likes,
        *likes,
        of_alert=False,
        cost=5,
    )


def _durations(plan: _Plan) -> None:
    for mark, bound in ((">=", plan.asked.duration_min), ("<=", plan.asked.duration_max)):
        if bound is not None:
            plan.require(f"coalesce(e.ends, ?) - e.starts {mark} ?", plan.now, bound, of_alert=False)


def _generator(plan: _Plan) -> None:
    if not plan.asked.generator_url:
        return
    url = text_id(plan.connection, plan.asked.generator_url)
    names = [name for (name,) in fetch(plan.connection, "SELECT name FROM rule WHERE generator = ?", (url,))]
    if url is None or not names:
        raise _Nothing
    plan.require("e.generator = ?", url, of_alert=False)
    plan.way("name", names)


def _flapping(plan: _Plan) -> None:
    asked = plan.asked
    if asked.is_flapping is None:
        return
    until = plan.now if asked.until is None else asked.until
    since = until - _DAY if asked.since is None else asked.since
    parts = span.parts(plan.connection, since, until)
    query = f"{parts.sql} SELECT alert FROM part GROUP BY alert HAVING sum(turned) >= ?"
    alerts = [alert for (alert,) in fetch(plan.connection, query, (*parts.bindings, _FLAPPING))]
    if not asked.is_flapping:
        plan.require("e.alert NOT IN (SELECT value FROM carray(?))", array(alerts))
    elif len(alerts) <= _ALERTS:
        _only(plan, alerts)
    else:
        plan.among("alert", alerts)


_Builder = Callable[[_Plan], None]

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
