"""What time and the byte budget take away from the history: the oldest events and notifications, in small slices.

With the last event of an alert everything else about it goes as well: its labels, annotations, stays in groups; unless
it is still in a state that a later record will be compared with.

Two budgets: the file's own, and that of the whole directory. For the latter the journal gives way first, as far as it
has been unfolded; only what is still too much then is taken from here.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Final

import apsw

from ampp.store.sqlite.budget import allowed, used
from ampp.store.sqlite.history import phrases
from ampp.store.sqlite.rows import array

__all__ = ["SLICE", "SLICE_SMALL", "over", "rest", "shrink", "slice_of"]

SLICE: Final = 1_000
"""Events removed in one transaction, where its log may be some megabytes long."""

SLICE_SMALL: Final = 100
"""Where it may not."""

_SHARE: Final = 0.6
"""Share of the directory's budget that the history may take when it has none of its own."""

_PAGES: Final = 128
_HOUR: Final = 3_600_000


def slice_of(
    connection: apsw.Connection,
    path: Path,
    *,
    cutoff: int,
    max_bytes: int,
    storage_bytes: int,
    rows: int = SLICE,
) -> int:
    """Remove one slice, of so many events, of what is older than `cutoff` (wall milliseconds) or too much.

    The rows removed, 0 when done.
    """
    too_much = over(connection, path, max_bytes, storage_bytes)
    with connection:
        last = connection.execute(
            "SELECT max(id) FROM (SELECT id, at FROM event ORDER BY id LIMIT ?) WHERE at < ? OR ?",
            (rows, cutoff, too_much),
        ).get
        removed = _events(connection, last) if last is not None else 0
        bound = connection.execute("SELECT at FROM event ORDER BY id LIMIT 1").get
        limit = cutoff if not too_much or bound is None else max(cutoff, bound)
        removed += _notifications(connection, limit)
    return removed


def over(connection: apsw.Connection, path: Path, max_bytes: int, storage_bytes: int) -> bool:
    """Whether the history takes more than it may. Free pages inside the file count as given back."""
    pages = connection.pragma("page_count") - connection.pragma("freelist_count")
    size = pages * connection.pragma("page_size")
    budget = allowed(path.parent, storage_bytes)
    free = connection.pragma("freelist_count") * connection.pragma("page_size")
    return bool(size > (max_bytes or budget * _SHARE) or used(path.parent) - free > budget)


def _events(connection: apsw.Connection, last: int) -> int:
    """Remove the events up to number `last`, and what nothing refers to any more."""
    alerts = [alert for (alert,) in connection.execute("SELECT DISTINCT alert FROM event WHERE id <= ?", (last,))]
    newest = connection.execute("SELECT at FROM event WHERE id = ?", (last,)).get
    connection.execute(
        "DELETE FROM often WHERE (pair, start, holder) IN (SELECT j.value, e.starts, e.alert FROM event AS e "
        "CROSS JOIN series AS s ON s.id = e.alert CROSS JOIN json_each(s.pairs) AS j WHERE e.id <= ?1 AND NOT EXISTS "
        "(SELECT 1 FROM event AS x INDEXED BY event_alert WHERE x.alert = e.alert AND x.starts = e.starts "
        "AND x.id > ?1))",
        (last,),
    )
    connection.execute("DELETE FROM event WHERE id <= ?", (last,))
    removed = connection.changes()
    connection.execute("DELETE FROM tally WHERE hour < ?", (newest // _HOUR,))
    bound = array(alerts)
    connection.execute(
        "DELETE FROM note WHERE alert IN (SELECT value FROM carray(?)) AND since < "
        "(SELECT max(n.since) FROM note n WHERE n.alert = note.alert AND n.since <= ? + 1)",
        (bound, last),
    )
    idle = [
        alert
        for (alert,) in connection.execute(
            "SELECT value FROM carray(?) WHERE NOT EXISTS (SELECT 1 FROM event WHERE alert = value) "
            "AND NOT EXISTS (SELECT 1 FROM state WHERE alert = value AND resolved = 0)",
            (bound,),
        )
    ]
    if idle:
        _alerts(connection, idle)
    return removed


def _alerts(connection: apsw.Connection, alerts: list[int]) -> None:
    """Remove everything about these alerts."""
    gone = "IN (SELECT value FROM carray(?))"
    connection.execute(
        "DELETE FROM label WHERE (pair, alert) IN "
        f"(SELECT j.value, s.id FROM series AS s, json_each(s.pairs) AS j WHERE s.id {gone})",
        (array(alerts),),
    )
    connection.execute(
        f"DELETE FROM pair WHERE id IN (SELECT j.value FROM series AS s, json_each(s.pairs) AS j WHERE s.id {gone}) "
        "AND NOT EXISTS (SELECT 1 FROM label WHERE pair = pair.id)",
        (array(alerts),),
    )
    for table, column in (("note", "alert"), ("state", "alert"), ("member", "alert"), ("series", "id")):
        connection.execute(f"DELETE FROM {table} WHERE {column} {gone}", (array(alerts),))


def _notifications(connection: apsw.Connection, limit: int) -> int:
    ids = [
        identity
        for (identity,) in connection.execute(
            "SELECT id FROM notification WHERE at < ? AND status <> 1 ORDER BY at LIMIT ?", (limit, SLICE)
        )
    ]
    if ids:
        connection.execute("DELETE FROM attempt WHERE notification IN (SELECT value FROM carray(?))", (array(ids),))
        connection.execute("DELETE FROM notification WHERE id IN (SELECT value FROM carray(?))", (array(ids),))
    return len(ids)


def rest(connection: apsw.Connection, cutoff: int) -> None:
    """Remove old rows of what is small: ends of groups, revisions of silences and configurations. The newest stay."""
    with connection:
        _rest(connection, cutoff)


def _rest(connection: apsw.Connection, cutoff: int) -> None:
    phrases.sweep(connection)
    connection.execute("DELETE FROM dropped WHERE at < ?", (cutoff,))
    connection.execute("DELETE FROM run WHERE at < ? AND id < (SELECT max(id) FROM run)", (cutoff,))
    connection.execute("DELETE FROM gap WHERE at < ?", (cutoff,))
    connection.execute(
        "DELETE FROM silence WHERE at < ? AND (body IS NULL OR EXISTS "
        "(SELECT 1 FROM silence later WHERE later.id = silence.id AND later.seq > silence.seq))",
        (cutoff,),
    )
    connection.execute(
        "DELETE FROM config WHERE at < ? AND id < (SELECT max(id) FROM config WHERE at < ?) "
        "AND NOT EXISTS (SELECT 1 FROM config later WHERE later.same = config.id)",
        (cutoff, cutoff),
    )
    connection.execute(
        "DELETE FROM grp WHERE NOT EXISTS (SELECT 1 FROM member WHERE grp = grp.id) "
        "AND NOT EXISTS (SELECT 1 FROM notification WHERE grp = grp.id)"
    )


def shrink(connection: apsw.Connection, breathe: Callable[[], None]) -> None:
    """Give free pages back to the file system, some at a time."""
    while connection.pragma("freelist_count") >= _PAGES:
        for _ in connection.execute(f"PRAGMA incremental_vacuum({_PAGES})"):
            pass
        breathe()
