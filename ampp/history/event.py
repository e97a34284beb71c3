"""Events, looked up: which are on a page, in which order, and how many there are in all.

Three ways to find them:

- *gathering*: when the best way in (`clause.Way`) has few entries, all of them are taken, tested and sorted, and every
  number is exact;
- *walking*: an index is followed in the order asked for, testing row by row, and at most `walk.SCANNED` rows of it, so
  that no question takes for ever: an answer that stopped there says so, and its cursor goes on from that place;
- *the newest of each*: when that stopped and all that is asked concerns labels, the alerts that fulfil it are asked for
  their newest event each, and the page is made of those that are newest of all.

In the latter two, `total` is a lower bound, as it is when more than `COUNTED` rows match. Where several labels are
asked for that many alerts have each, a short walk comes first: mostly the latest events are enough.
"""

from collections.abc import Iterable, Sequence
from operator import itemgetter
from typing import Any

import apsw
import msgspec

from ampp.history import newest, walk
from ampp.history.clause import CAP, OFTEN, Condition, Conditions, Way, conditions
from ampp.history.filter import Filter
from ampp.history.page import SORTS, Page, Paging, Row, encode_cursor, read_cursor
from ampp.history.together import narrowed
from ampp.store.sqlite.rows import array, fetch

__all__ = ["find"]

_SORTABLE = 20_000
"""Rows that are sorted by something no index is in the order of: the newest so many."""

_QUICK = 2_000
"""Rows that are walked in each way before the newest of each alert are asked for."""

_GLANCE = 600
"""Entries that are walked in each way before it is asked which alerts have several labels."""

_KEYS = {
    **{column: walk.key_of(column, "e.") for column in walk.INDEXES},
    "severity": "(SELECT value FROM text WHERE id = e.severity)",
    "name": "(SELECT value FROM text WHERE id = e.name)",
    "sha": "(SELECT printf('%016x', sha) FROM alert WHERE id = e.alert)",
}


_NONE = Page((), 0, True, False, False, "")


def find(connection: apsw.Connection, asked: Filter, paging: Paging, now: int) -> Page:
    """The page. `now`: wall milliseconds. Raises FieldError for a cursor that makes no sense."""
    after = read_cursor(paging)
    wanted = conditions(connection, asked, now)
    if wanted.nothing:
        return _NONE
    column = SORTS[paging.sort]
    if wanted.together and all(each.count > CAP for each in wanted.ways):
        if column == "starts":
            page = _glance(connection, wanted, paging, after)
            if page is not None:
                return page
        wanted = narrowed(connection, wanted)
        if wanted.nothing:
            return _NONE
    way = min(wanted.ways, key=lambda each: each.count, default=None)
    tests = _tests(wanted, way)
    if column in walk.INDEXES and (way is None or way.count > CAP or (not tests and walk.follows(way, column))):
        return _walk(connection, wanted, way, paging, column, after)
    return _gather(connection, wanted, way, tests, paging, column, after)


def _tests(wanted: Conditions, way: Way | None) -> list[Condition]:
    """The conditions that the way in does not fulfil by itself."""
    return [each for each in wanted.all if way is None or not any(each is one for one in way.settles)]


def _joined(tests: Sequence[Condition]) -> tuple[str, tuple[Any, ...]]:
    bindings = [value for each in tests for value in each.bindings]
    return " AND ".join(each.sql for each in tests) or "true", tuple(bindings)


def _gather(
    connection: apsw.Connection,
    wanted: Conditions,
    way: Way | None,
    tests: list[Condition],
    paging: Paging,
    column: str,
    after: Row | None,
) -> Page:
    where, bindings = _joined([*tests, *walk.bounds(wanted)])
    first: tuple[Any, ...] = ()
    source = "event e INDEXED BY event_starts"
    if way is not None:
        source = f"carray(?) AS c CROSS JOIN event e INDEXED BY {way.index} ON e.{way.column} = c.value"
        if way.index == OFTEN:
            source = (
                "carray(?) AS c CROSS JOIN often AS o ON o.pair = c.value CROSS JOIN event e INDEXED BY event_alert "
                "ON e.alert = o.holder AND e.starts = o.start"
            )
        first = (array(way.values),)
    most = CAP if way is not None and way.count <= CAP else _SORTABLE
    ordered = "ORDER BY e.starts DESC" if way is None or len(way.values) == 1 else ""
    direction = "DESC" if paging.descending else "ASC"
    place, bound = ("true", ()) if after is None else _beyond(after, paging)
    # Counted and sorted there: each row that comes here may have to wait for the interpreter lock.
    (_, _, total), *rows = fetch(
        connection,
        f"WITH m (value, id) AS MATERIALIZED (SELECT {_KEYS[column]}, e.id FROM {source} WHERE {where} {ordered} "
        f"LIMIT ?) SELECT NULL, NULL, count(*) FROM m UNION ALL SELECT * FROM (SELECT value, id, 0 FROM m "
        f"WHERE {place} ORDER BY value {direction}, id {direction} LIMIT ? OFFSET ?)",
        (*first, *bindings, most + 1, *bound, paging.per_page + 1, 0 if after is not None else paging.offset),
    )
    limited = total > most
    some = rows[: paging.per_page]
    more = len(rows) > paging.per_page
    cursor = encode_cursor(paging, *some[-1][:2]) if more else ""
    return Page(tuple(identity for _, identity, _ in some), total, not limited, more, limited, cursor)


def _beyond(after: Row, paging: Paging) -> tuple[str, tuple[Any, ...]]:
    """The rows behind the cursor, as a condition. Absent values come first in ascending order."""
    value, identity = after
    if value is None:
        return ("value IS NULL AND id < ?" if paging.descending else "value IS NOT NULL OR id > ?"), (identity,)
    if paging.descending:
        return "value IS NULL OR (value, id) < (?, ?)", (value, identity)
    return "(value, id) > (?, ?)", (value, identity)


def _walk(
    connection: apsw.Connection, wanted: Conditions, way: Way | None, paging: Paging, column: str, after: Row | None
) -> Page:
    ways = [each for each in wanted.ways if walk.follows(each, column)]
    if not any(each is way for each in ways):
        way = ways[0] if ways else None
    tested = bool(_tests(wanted, way)) or (column != "starts" and bool(walk.bounds(wanted)))
    need = _need(paging, after)
    page = _page(paging, after, *_followed(connection, wanted, ways, paging, column, after, need))
    if tested or after is not None:
        return page
    total, exact = walk.count(connection, wanted, way, column)
    return msgspec.structs.replace(page, total=total, exact=exact)


def _need(paging: Paging, after: Row | None) -> int:
    """Rows to be found for the page and to know whether there is another."""
    return (0 if after is not None else paging.offset) + paging.per_page + 1


def _page(paging: Paging, after: Row | None, rows: Sequence[Row], last: Row | None) -> Page:
    """The page of the rows that a walk came to; `last`: where it stopped at its limit."""
    need = _need(paging, after)
    skip = need - paging.per_page - 1
    found = rows[skip:need]
    more = len(found) > paging.per_page
    some = found[: paging.per_page]
    limited = last is not None and not more
    cursor = encode_cursor(paging, *some[-1]) if more else encode_cursor(paging, *last) if last is not None else ""
    total, exact = min(len(rows), need), not more and not limited and after is None
    return Page(tuple(identity for _, identity in some), total, exact, more or limited, limited, cursor)


def _glance(connection: apsw.Connection, wanted: Conditions, paging: Paging, after: Row | None) -> Page | None:
    """The page, if few entries need be looked at for it."""
    ways = [each for each in wanted.ways if walk.follows(each, "starts")]
    begun = _begun(connection, wanted, ways, paging, after)
    if begun is None:
        return _page(paging, after, (), None)
    inner, choice = begun
    need = _need(paging, after)
    for each in choice:
        rows, last = walk.rows(connection, inner, each, _tests(wanted, each), paging, "starts", after, need, _GLANCE)
        if last is None or len(rows) == need:
            return _page(paging, after, rows, last)
    return None


def _followed(
    connection: apsw.Connection,
    wanted: Conditions,
    ways: Sequence[Way],
    paging: Paging,
    column: str,
    after: Row | None,
    need: int,
) -> tuple[list[Row], Row | None]:
    """The rows, and the last one looked at if not all were. Of several ways one may soon come to enough rows where
    another finds none for long."""
    begun = _begun(connection, wanted, ways, paging, after)
    if begun is None:
        return [], None
    inner, choice = begun
    possible = newest.possible(wanted, paging, column, need)
    if possible or len(choice) > 1:
        for each in choice:
            tests = _tests(wanted, each)
            found, last = walk.rows(connection, inner, each, tests, paging, column, after, need, _QUICK)
            if last is None or len(found) == need:
                return found, last
    if possible:
        complete = newest.rows(connection, inner, after, need)
        if complete is not None:
            return complete, None
    return walk.rows(connection, inner, choice[0], _tests(wanted, choice[0]), paging, column, after, need)


def _begun(
    connection: apsw.Connection, wanted: Conditions, ways: Sequence[Way], paging: Paging, after: Row | None
) -> tuple[Conditions, list[Way | None]] | None:
    """What is asked for, bounded by where the last of the ways begins, and the ways, that one first; None when one of
    them has nothing."""
    edges = []
    for way in ways:
        edge = walk.edge(connection, wanted, way, after, latest=paging.descending)
        if edge is None:
            return None
        edges.append((edge, way))
    if not edges:
        return wanted, [None]
    edges.sort(key=itemgetter(0), reverse=not paging.descending)
    return _from(wanted, [edge for edge, _ in edges], descending=paging.descending), [way for _, way in edges]


def _from(wanted: Conditions, edges: Iterable[int], *, descending: bool) -> Conditions:
    """The same, bounded by where the last of the ways begins."""
    if descending:
        until = min(edges)
        return msgspec.structs.replace(wanted, until=until if wanted.until is None else min(until, wanted.until))
    since = max(edges)
    return msgspec.structs.replace(wanted, since=since if wanted.since is None else max(since, wanted.since))
