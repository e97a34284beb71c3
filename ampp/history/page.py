"""One page of events: which rows, in which order, how many there are in all, and where the next page begins.

Two ways to find them. When the best way in (`clause.Way`) has few entries, all of them are gathered, tested and sorted,
and every number is exact. Otherwise an index is walked in the order asked for, testing row by row, and at most
`SCANNED` rows of it, so that no question takes for ever: an answer that stopped there says so, and its cursor goes on
from that place. `total` is then a lower bound, as it is when more than `COUNTED` rows match.

A cursor names the last row by what it is sorted by, not by its place: rows that come in meanwhile move nothing.
"""

import base64
import binascii
from collections.abc import Iterable
from heapq import merge
from itertools import islice
from typing import Any, Final, TypeAlias

import apsw
import msgspec

from ampp.history.clause import CAP, Conditions, Way, conditions
from ampp.history.error import FieldError
from ampp.history.filter import Filter
from ampp.store.sqlite.history.rows import array, fetch

__all__ = ["COUNTED", "SCANNED", "SORTS", "Page", "Paging", "encode_cursor", "find", "read_cursor"]

SCANNED: Final = 200_000
"""Rows of an index that one question may look at."""

COUNTED: Final = 10_000
"""Rows that are counted; a total beyond is told as a lower bound."""

_SORTABLE: Final = 20_000
"""Rows that are sorted by something no index is in the order of."""

_Row: TypeAlias = tuple[Any, int]
"""What an event is sorted by, and its number."""

SORTS: Final = {
    "created_at": "id",
    "updated_at": "id",
    "starts_at": "starts",
    "ends_at": "ends",
    "status": "resolved",
    "severity": "severity",
    "alert_name": "name",
    "fingerprint": "sha",
}
"""What can be sorted by, and how the column is called here."""

_WALKS: Final = {"id": "", "starts": "event_starts", "ends": "event_ends", "resolved": "event_resolved"}
_COLUMNS: Final = "id, alert, kind, resolved, starts, ends, name, severity, namespace, generator"


class Paging(msgspec.Struct, frozen=True):
    """Which page: the rows after the first `offset`, or those after `cursor` when that is given."""

    offset: int = 0
    per_page: int = 50
    sort: str = "starts_at"
    descending: bool = True
    cursor: str = ""


class Page(msgspec.Struct, frozen=True):
    """The numbers of the events of a page, and what surrounds it.

    `exact`: whether `total` is, or only a lower bound. `limited`: the search stopped before all rows were looked at.
    `cursor` is where the next page begins, empty when there is none.
    """

    ids: tuple[int, ...]
    total: int
    exact: bool
    more: bool
    limited: bool
    cursor: str


def read_cursor(paging: Paging) -> _Row | None:
    """What the cursor says: the last row's sort value, and its number. Raises FieldError."""
    if not paging.cursor:
        return None
    try:
        padded = paging.cursor + "=" * (-len(paging.cursor) % 4)
        sort, descending, value, identity = msgspec.json.decode(
            base64.urlsafe_b64decode(padded), type=tuple[str, bool, int | str | None, int]
        )
    except (binascii.Error, msgspec.MsgspecError, ValueError):
        raise FieldError("cursor", "is not a cursor of this server", paging.cursor) from None
    if (sort, descending) != (paging.sort, paging.descending):
        raise FieldError("cursor", f"belongs to a page sorted by {sort} {'desc' if descending else 'asc'}")
    return value, identity


def encode_cursor(paging: Paging, value: Any, identity: int) -> str:
    """The cursor after a row."""
    text = msgspec.json.encode((paging.sort, paging.descending, value, identity))
    return base64.urlsafe_b64encode(text).decode().rstrip("=")


def find(connection: apsw.Connection, asked: Filter, paging: Paging, now: int) -> Page:
    """The page. `now`: wall milliseconds. Raises FieldError for a cursor that makes no sense."""
    after = read_cursor(paging)
    wanted = conditions(connection, asked, now)
    if wanted.nothing:
        return Page((), 0, True, False, False, "")
    way = min(wanted.ways, key=lambda each: each.count, default=None)
    column = SORTS[paging.sort]
    if (way is None or way.count > CAP) and column in _WALKS:
        return _walk(connection, wanted, way, paging, column, after)
    return _gather(connection, wanted, way, paging, column, after)


# -- gathering ---------------------------------------------------------------------------------------------------

_KEYS: Final = {
    "id": "e.id",
    "starts": "e.starts",
    "ends": "e.ends",
    "resolved": "e.resolved",
    "severity": "(SELECT value FROM text WHERE id = e.severity)",
    "name": "(SELECT value FROM text WHERE id = e.name)",
    "sha": "(SELECT printf('%016x', sha) FROM alert WHERE id = e.alert)",
}


def _gather(
    connection: apsw.Connection, wanted: Conditions, way: Way | None, paging: Paging, column: str, after: Any
) -> Page:
    where, bindings = _where(wanted, way)
    first: tuple[Any, ...] = ()
    if way is None:
        source = "event e INDEXED BY event_starts"
    else:
        source = f"carray(?) AS c CROSS JOIN event e INDEXED BY {way.index} ON e.{way.column} = c.value"
        first = (array(way.values),)
    most = CAP if way is not None and way.count <= CAP else _SORTABLE
    newest = "ORDER BY e.starts DESC" if way is None or len(way.values) == 1 else ""
    rows: list[_Row] = fetch(
        connection,
        f"SELECT {_KEYS[column]}, e.id FROM {source} WHERE {where} {newest} LIMIT ?",
        (*first, *bindings, most + 1),
    )
    limited = len(rows) > most
    rows.sort(key=_order, reverse=paging.descending)
    start = paging.offset
    if after is not None:
        sign = 1 if paging.descending else -1
        start = sum(1 for row in rows if _compare(row, after) * sign >= 0)
    some = rows[start : start + paging.per_page]
    more = start + paging.per_page < len(rows)
    cursor = encode_cursor(paging, *some[-1]) if more and some else ""
    return Page(tuple(identity for _, identity in some), len(rows), not limited, more, limited, cursor)


def _order(row: Any) -> tuple[bool, Any, int]:
    """Absent values come first in ascending order, as SQL has it."""
    value, identity = row
    return value is not None, value, identity


def _compare(row: _Row, other: _Row) -> int:
    """Positive when `row` comes after `other` in ascending order, 0 when it is the same."""
    left, right = _order(row), _order(other)
    return (left > right) - (left < right)


def _where(wanted: Conditions, way: Way | None, *, starts: bool = True) -> tuple[str, tuple[Any, ...]]:
    """The conditions that the way in does not fulfil by itself."""
    parts: list[str] = []
    bindings: list[Any] = []
    for each in wanted.all:
        if way is None or each.column != way.column:
            parts.append(each.sql)
            bindings += each.bindings
    if starts:
        for mark, bound in ((">=", wanted.since), ("<=", wanted.until)):
            if bound is not None:
                parts.append(f"e.starts {mark} ?")
                bindings.append(bound)
    return " AND ".join(parts) or "true", tuple(bindings)


# -- walking -----------------------------------------------------------------------------------------------------


class _Walk(msgspec.Struct, frozen=True):
    """Index entries in order: all of `index`, or those with one value in its first column."""

    source: str
    fixed: str
    bindings: tuple[Any, ...]
    order: tuple[str, ...]


def _walk(
    connection: apsw.Connection, wanted: Conditions, way: Way | None, paging: Paging, column: str, after: Any
) -> Page:
    if column != "starts" or (way is not None and (len(way.values) > CAP // 100 or way.column == "alert")):
        way = None
    where, bindings = _where(wanted, way, starts=column != "starts")
    walks = list(_walks(wanted, way, column))
    tested = where != "true"
    need = paging.per_page + 1
    skip = 0 if after is not None else paging.offset
    ends: list[_Row] = []
    runs = []
    for walk in walks:
        rows, end = _run(connection, walk, paging, column, after, where, bindings, skip + need, tested, len(walks))
        runs.append(rows)
        if end is not None:
            ends.append(end)
    merged = (
        runs[0] if len(runs) == 1 else list(islice(merge(*runs, key=_order, reverse=paging.descending), skip + need))
    )
    limited = bool(ends)
    if limited:
        # Beyond where the shortest walk stopped, rows of that one may be missing between those of others.
        last = max(ends, key=_order) if paging.descending else min(ends, key=_order)
        merged = [
            row for row in merged if (_order(row) >= _order(last) if paging.descending else _order(row) <= _order(last))
        ]
    found = merged[skip : skip + need]
    more = len(found) == need
    some = found[: paging.per_page]
    if more:
        cursor, limited = encode_cursor(paging, *some[-1]), False
    else:
        cursor = encode_cursor(paging, *last) if limited else ""
    if tested or after is not None:
        total, exact = skip + len(found), not more and not limited and after is None
    else:
        total, exact = _count(connection, walks)
    return Page(tuple(identity for _, identity in some), total, exact, more or limited, limited, cursor)


def _walks(wanted: Conditions, way: Way | None, column: str) -> Iterable[_Walk]:
    bounds, limits = [], []
    if column == "starts":
        for mark, bound in ((">=", wanted.since), ("<=", wanted.until)):
            if bound is not None:
                bounds.append(f"starts {mark} ?")
                limits.append(bound)
    if way is not None:
        for value in way.values:
            fixed = " AND ".join((f"{way.column} = ?", *bounds))
            yield _Walk(f"event INDEXED BY {way.index}", fixed, (value, *limits), ("starts", "id"))
        return
    index = _WALKS[column]
    order = {"id": ("id",), "resolved": ("resolved", "starts", "id")}.get(column, (column, "id"))
    fixed = " AND ".join(bounds) or ("ends IS NOT NULL" if column == "ends" else "true")
    yield _Walk(f"event INDEXED BY {index}" if index else "event NOT INDEXED", fixed, tuple(limits), order)


def _run(
    connection: apsw.Connection,
    walk: _Walk,
    paging: Paging,
    column: str,
    after: Any,
    where: str,
    bindings: tuple[Any, ...],
    most: int,
    tested: bool,
    walks: int,
) -> tuple[list[_Row], _Row | None]:
    """The first rows of a walk, and the last row looked at if it stopped at the limit."""
    mark, direction = ("<", "DESC") if paging.descending else (">", "ASC")
    fixed, values = walk.fixed, walk.bindings
    if after is not None:
        if column == "id":
            fixed, values = f"{fixed} AND id {mark} ?", (*values, after[1])
        elif column == "resolved":
            starts = connection.execute("SELECT starts FROM event WHERE id = ?", (after[1],)).get
            fixed = f"{fixed} AND (resolved, starts, id) {mark} (?, ?, ?)"
            values = (*values, after[0], starts if starts is not None else 0, after[1])
        else:
            fixed = f"{fixed} AND ({column}, id) {mark} (?, ?)"
            values = (*values, *after)
    order = ", ".join(f"{each} {direction}" for each in walk.order)
    base = f"FROM {walk.source} WHERE {fixed} ORDER BY {order}"
    if not tested:
        return fetch(connection, f"SELECT {column}, id {base} LIMIT ?", (*values, most)), None
    scanned = SCANNED // walks
    rows = fetch(
        connection,
        f"SELECT e.{column}, e.id FROM (SELECT {_COLUMNS} {base} LIMIT ?) AS e WHERE {where} LIMIT ?",
        (*values, scanned, *bindings, most),
    )
    if len(rows) == most:
        return rows, None
    end = fetch(connection, f"SELECT {column}, id {base} LIMIT 2 OFFSET ?", (*values, scanned - 1))
    return rows, end[0] if len(end) > 1 else None


def _count(connection: apsw.Connection, walks: list[_Walk]) -> tuple[int, bool]:
    """How many rows there are, and whether that is all of them."""
    total = 0
    for walk in walks:
        total += connection.execute(
            f"SELECT count(*) FROM (SELECT 1 FROM {walk.source} WHERE {walk.fixed} LIMIT ?)",
            (*walk.bindings, COUNTED + 1),
        ).get
    return min(total, COUNTED), total <= COUNTED
