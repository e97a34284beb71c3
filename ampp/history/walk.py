"""Following an index of events in its own order, testing row by row, from a place on and no further than a limit.

Where several values of one column are wanted, or an order that no single index has (by end: alerts that fire have
none), several walks are merged.
"""

from collections.abc import Iterable, Sequence
from heapq import merge
from itertools import islice
from typing import Any, Final

import apsw
import msgspec

from ampp.history.clause import OFTEN, Condition, Conditions, Way
from ampp.history.page import COUNTED, Paging, Row, compare, order_of
from ampp.store.sqlite.rows import count as rows_up_to
from ampp.store.sqlite.rows import fetch

__all__ = ["INDEXES", "SCANNED", "bounds", "count", "edge", "follows", "key_of", "rows"]

SCANNED: Final = 200_000
"""Rows of an index that one question may look at; fewer where testing one takes long."""

INDEXES: Final = {"id": "", "starts": "event_starts", "ends": "event_ends", "resolved": "event_resolved"}
"""What can be walked by, and the index for it."""

_VALUES: Final = 64
_FAR: Final = (1 << 63) - 1
_FEW: Final = 1_000
_COLUMNS: Final = "id, alert, kind, resolved, starts, ends, name, severity, namespace, generator"
_SHIFT: Final = 50
"""Bits that a start takes at most, where the state and it are one number."""


_OFTEN: Final = "often AS o CROSS JOIN event AS e INDEXED BY event_alert ON e.alert = o.holder AND e.starts = o.start"


class _Walk(msgspec.Struct, frozen=True):
    """Index entries in order: those of `source` that fulfil `fixed`. `empty`: entries without the sort value."""

    source: str
    fixed: str
    bindings: tuple[Any, ...]
    order: tuple[str, ...]
    empty: bool = False


def key_of(column: str, place: str = "") -> str:
    """What rows are sorted by, as one expression."""
    return f"({place}resolved << {_SHIFT}) + {place}starts" if column == "resolved" else f"{place}{column}"


def follows(way: Way, column: str) -> bool:
    """Whether the way's index is in the order of the column, for each of its values, which are not too many."""
    return column == "starts" and len(way.values) <= _VALUES


def bounds(wanted: Conditions) -> list[Condition]:
    """The span asked for, as conditions on `e`."""
    found = []
    for mark, bound in ((">=", wanted.since), ("<=", wanted.until)):
        if bound is not None:
            found.append(Condition(f"e.starts {mark} ?", (bound,)))
    return found


def rows(
    connection: apsw.Connection,
    wanted: Conditions,
    way: Way | None,
    tests: Sequence[Condition],
    paging: Paging,
    column: str,
    after: Row | None,
    need: int,
    scanned: int = SCANNED,
) -> tuple[list[Row], Row | None]:
    """At most `need` rows, and the last one looked at if the walk stopped at its limit."""
    if column != "starts":
        tests = [*tests, *bounds(wanted)]
    walks = list(_walks(wanted, way, column))
    runs, stops = [], []
    for walk in walks:
        found, stop = _run(connection, walk, tests, paging, column, after, need, scanned // len(walks))
        runs.append(found)
        if stop is not None:
            stops.append(stop)
    merged = list(islice(merge(*runs, key=order_of, reverse=paging.descending), need)) if len(runs) > 1 else runs[0]
    if not stops:
        return merged, None
    # Beyond where the shortest walk stopped, rows of that one may be missing between those of others.
    last = max(stops, key=order_of) if paging.descending else min(stops, key=order_of)
    sign = 1 if paging.descending else -1
    return [row for row in merged if compare(row, last) * sign >= 0], last


def edge(connection: apsw.Connection, wanted: Conditions, way: Way, after: Row | None, *, latest: bool) -> int | None:
    """The latest start (or the earliest) of all rows that the way has within the span asked for and after the cursor;
    None when it has none."""
    low = -_FAR if wanted.since is None else wanted.since
    high = _FAR if wanted.until is None else wanted.until
    if after is not None:
        low, high = (low, min(high, after[0])) if latest else (max(low, after[0]), high)
    which = "max" if latest else "min"
    table, column = ("often", "start") if way.index == OFTEN else (f"event INDEXED BY {way.index}", "starts")
    query = f"SELECT {which}({column}) FROM {table} WHERE {way.column} = ? AND {column} BETWEEN ? AND ?"
    found: list[int | None] = [fetch(connection, query, (value, low, high))[0][0] for value in way.values]
    known = [start for start in found if start is not None]
    if not known:
        return None
    return max(known) if latest else min(known)


def count(connection: apsw.Connection, wanted: Conditions, way: Way | None, column: str) -> tuple[int, bool]:
    """How many rows the walks have in all, up to `COUNTED` (fewer where that takes long), and whether that is all of
    them."""
    total, most = 0, _FEW if way is not None and way.index == OFTEN else COUNTED
    for walk in _walks(wanted, way, column):
        total += rows_up_to(connection, f"SELECT 1 FROM {walk.source} WHERE {walk.fixed}", walk.bindings, most)
    return min(total, most), total <= most


def _walks(wanted: Conditions, way: Way | None, column: str) -> Iterable[_Walk]:
    if column == "starts":
        span = bounds(wanted)
        limits = [value for each in span for value in each.bindings]
        parts = [each.sql.removeprefix("e.") for each in span]
        if way is None:
            yield _Walk("event INDEXED BY event_starts", " AND ".join(parts) or "true", tuple(limits), ("starts", "id"))
            return
        if way.index == OFTEN:
            fixed = " AND ".join(("pair = ?", *[part.replace("starts", "start") for part in parts]))
            yield _Walk(_OFTEN, fixed, (way.values[0], *limits), ("start", "id"))
            return
        fixed = " AND ".join((f"{way.column} = ?", *parts))
        for value in way.values:
            yield _Walk(f"event INDEXED BY {way.index}", fixed, (value, *limits), ("starts", "id"))
    elif column == "ends":
        yield _Walk("event INDEXED BY event_ends", "ends IS NOT NULL", (), ("ends", "id"))
        yield _Walk("event NOT INDEXED", "ends IS NULL", (), ("id",), empty=True)
    elif column == "resolved":
        yield _Walk("event INDEXED BY event_resolved", "true", (), ("resolved", "starts", "id"))
    else:
        yield _Walk("event NOT INDEXED", "true", (), ("id",))


def _run(
    connection: apsw.Connection,
    walk: _Walk,
    tests: Sequence[Condition],
    paging: Paging,
    column: str,
    after: Row | None,
    need: int,
    scanned: int,
) -> tuple[list[Row], Row | None]:
    mark, direction = ("<", "DESC") if paging.descending else (">", "ASC")
    fixed, values = walk.fixed, walk.bindings
    if after is not None:
        place = _place(walk, column, after, paging.descending)
        if place is None:
            return [], None
        if place:
            fixed = f"{fixed} AND ({', '.join(walk.order)}) {mark} ({', '.join('?' * len(place))})"
            values = (*values, *place)
    order = ", ".join(f"{each} {direction}" for each in walk.order)
    base = f"FROM {walk.source} WHERE {fixed} ORDER BY {order}"
    key = key_of(column)
    if not tests:
        return fetch(connection, f"SELECT {key}, id {base} LIMIT ?", (*values, need)), None
    scanned //= max(each.cost for each in tests)
    if walk.source == _OFTEN:
        return _run_often(connection, walk, tests, (fixed, values, order), paging, need, scanned)
    where = " AND ".join(each.sql for each in tests)
    bindings = [value for each in tests for value in each.bindings]
    found: list[Row] = fetch(
        connection,
        f"SELECT {key_of(column, 'e.')}, e.id FROM (SELECT {_COLUMNS} {base} LIMIT ?) AS e WHERE {where} LIMIT ?",
        (*values, scanned, *bindings, need),
    )
    if len(found) == need:
        return found, None
    end = fetch(connection, f"SELECT {key}, id {base} LIMIT 2 OFFSET ?", (*values, scanned - 1))
    return found, end[0] if len(end) > 1 else None


def _run_often(
    connection: apsw.Connection,
    walk: _Walk,
    tests: Sequence[Condition],
    base: tuple[str, tuple[Any, ...], str],
    paging: Paging,
    need: int,
    scanned: int,
) -> tuple[list[Row], Row | None]:
    """As `_run`. What concerns labels is tested before the events are looked up, all those of the last start looked at
    among them; `base`: where it begins, as a condition with its values, and the order."""
    fixed, values, order = base
    which, beyond, direction = (">=", "<", "DESC") if paging.descending else ("<=", ">", "ASC")
    place = fetch(
        connection,
        f"SELECT start FROM often WHERE {walk.fixed} ORDER BY start {direction} LIMIT 1 OFFSET ?",
        (*walk.bindings, scanned - 1),
    )
    bindings: list[Any] = []
    parts = [fixed]
    for each in tests:
        parts.append(each.sql.replace("e.alert", "o.holder") if each.of_labels else each.sql)
        bindings += each.bindings
    for (start,) in place:
        parts.append(f"o.start {which} ?")
        bindings.append(start)
    found: list[Row] = fetch(
        connection,
        f"SELECT e.starts, e.id FROM {_OFTEN} WHERE {' AND '.join(parts)} ORDER BY {order} LIMIT ?",
        (*values, *bindings, need),
    )
    if len(found) == need or not place:
        return found, None
    last = place[0][0]
    more = f"SELECT 1 FROM often WHERE {walk.fixed} AND start {beyond} ? LIMIT 1"
    if not fetch(connection, more, (*walk.bindings, last)):
        return found, None
    return found, (last, 0 if paging.descending else _FAR)


def _place(walk: _Walk, column: str, after: Row, descending: bool) -> tuple[Any, ...] | None:
    """The values that the walk goes on from; empty when it has not begun yet, None when it is over."""
    value, identity = after
    if column == "id":
        return (identity,)
    if column == "ends":
        if walk.empty == (value is None):
            return (identity,) if walk.empty else (value, identity)
        # Rows without an end come last in descending order, and first in ascending.
        return () if walk.empty == descending else None
    if column == "resolved":
        resolved = int(value >= 1 << (_SHIFT - 1))
        return resolved, value - (resolved << _SHIFT), identity
    return value, identity
