"""The newest events of alerts with certain labels, however long ago those were.

Walking back through all events finds them soon when they are many, and not at all when others have been busier since.
But which alerts have a label is known, and the newest event of each costs one look into an index: the page's events are
among those of the alerts that come out on top.
"""

from typing import Any, Final

import apsw

from ampp.history.clause import Conditions
from ampp.history.page import Paging, Row
from ampp.store.sqlite.rows import array, count, fetch

__all__ = ["possible", "rows"]

_ALERTS: Final = 200_000
_NEED: Final = 2_000


def possible(wanted: Conditions, paging: Paging, column: str, need: int) -> bool:
    """Whether this way is open at all: all that is asked concerns the alerts themselves, and the latest come first."""
    open_ = column == "starts" and paging.descending and bool(wanted.sets) and need <= _NEED
    return open_ and all(each.of_alert for each in wanted.all)


def rows(connection: apsw.Connection, wanted: Conditions, after: Row | None, need: int) -> list[Row] | None:
    """The first `need` rows by start, the latest first; None when too many alerts would have to be asked."""
    sizes = [(count(connection, each.sql, each.bindings, _ALERTS), each) for each in wanted.sets]
    size, source = min(sizes, key=lambda each: each[0])
    if size > _ALERTS:
        return None
    tests = [each for each in wanted.all if each is not source.settles]
    where = " AND ".join(each.sql for each in tests) or "true"
    before, place = _before(wanted, after)
    tops = fetch(
        connection,
        f"WITH s (alert) AS MATERIALIZED ({source.sql}), t (latest, alert) AS MATERIALIZED (SELECT (SELECT starts "
        f"FROM event x INDEXED BY event_alert WHERE x.alert = e.alert AND {before.format('x')} "
        "ORDER BY x.starts DESC, x.id DESC LIMIT 1), e.alert FROM (SELECT s.alert, a.name, a.severity, a.namespace "
        f"FROM s CROSS JOIN alert AS a ON a.id = s.alert) AS e WHERE {where}) "
        "SELECT latest, alert FROM t WHERE latest IS NOT NULL ORDER BY latest DESC",
        (*source.bindings, *place, *[value for each in tests for value in each.bindings]),
    )
    if len(tops) > need:
        # Of alerts that are equal to the last one needed, any may have the event that counts.
        least = tops[need - 1][0]
        tops = [top for top in tops if top[0] >= least]
        before, place = f"{before} AND {{0}}.starts >= ?", (*place, least)
    found: list[Row] = fetch(
        connection,
        "SELECT x.starts, x.id FROM carray(?) AS c CROSS JOIN event AS x INDEXED BY event_alert ON x.alert = c.value "
        f"WHERE {before.format('x')} ORDER BY x.starts DESC, x.id DESC LIMIT ?",
        (array([alert for _, alert in tops]), *place, need),
    )
    return found


def _before(wanted: Conditions, after: Row | None) -> tuple[str, tuple[Any, ...]]:
    """The span and the cursor, as a condition on the event called `{0}`."""
    parts, values = ["true"], []
    for mark, bound in ((">=", wanted.since), ("<=", wanted.until)):
        if bound is not None:
            parts.append(f"{{0}}.starts {mark} ?")
            values.append(bound)
    if after is not None:
        parts.append("({0}.starts, {0}.id) < (?, ?)")
        values += after
    return " AND ".join(parts), tuple(values)
