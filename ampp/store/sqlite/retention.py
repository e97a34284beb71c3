"""What time and the byte budget take away: the journal's oldest records, and old revisions of silences.

Records that whoever reads the journal has not come to yet (`Ledger.unread_after`) stay whatever their age. The budget
takes those it has come to first, at a tenth below its limit; others only when the limit itself is passed.

A sweep is many small jobs on the writer's thread, each one transaction, between which commits go on; and while much is
written the writer lets one slice go for every few commits, since jobs would come too late. Routing state is never
touched, nor a record that the table of current alerts has not yet taken in.
"""

from typing import Final

import apsw

from ampp.store.protocol import Swept
from ampp.store.sqlite.budget import allowed, used
from ampp.store.sqlite.ledger import Ledger
from ampp.store.sqlite.writer import Writer

__all__ = ["NEVER", "release", "sweep"]

NEVER: Final = -(1 << 63)
"""A cutoff for which nothing is too old."""

_SLICE_RECORDS: Final = 2_000
_SLICE_REVISIONS: Final = 1_000
_SLICE_BYTES: Final = 1 << 20


async def sweep(writer: Writer, cutoff: int, max_bytes: int) -> Swept:
    """Delete what is older than `cutoff`, then what exceeds `max_bytes`, and shrink the files. Raises StoreDown."""
    ledger = writer.ledger
    directory = ledger.alerts.path.parent
    before = used(directory)
    records = 0
    while deleted := await writer.run(lambda: release(ledger, cutoff, max_bytes)):
        records += deleted
    while await writer.run(lambda: _revisions(ledger.using(ledger.silences), cutoff)):
        continue
    while await writer.run(ledger.alerts.shrink):
        continue
    # Where there is little room the log keeps its own: without it not even a deletion could be written on a full disk.
    if records:
        await writer.run(ledger.alerts.checkpoint if ledger.alerts.log_bytes else ledger.alerts.truncate)
    return Swept(records=records, bytes=max(0, before - used(directory)))


def release(ledger: Ledger, cutoff: int, max_bytes: int) -> int:
    """On the writer's thread: delete one slice of the journal; how many records that were, 0 when nothing has to go."""
    connection = ledger.using(ledger.alerts)
    path = ledger.alerts.path
    live = (connection.pragma("page_count") - connection.pragma("freelist_count")) * connection.pragma("page_size")
    others = used(path.parent) - path.stat().st_size
    budget = allowed(path.parent, max_bytes)
    excess = live + others - budget
    gentle = excess + budget // 10
    unread = ledger.unread_after()
    with connection:
        limit = ledger.applied(connection)
        last = taken = count = 0
        oldest = "SELECT seq, at, length(body) FROM journal WHERE seq <= ? ORDER BY seq LIMIT ?"
        for seq, at, size in connection.execute(oldest, (limit, _SLICE_RECORDS)):
            over = (excess if seq > unread else gentle) > taken
            old = at < cutoff and seq <= unread
            if not (over or old) or taken > _SLICE_BYTES:
                break
            last, taken, count = seq, taken + size, count + 1
        if count:
            connection.execute("DELETE FROM journal WHERE seq <= ?", (last,))
    return count


def _revisions(connection: apsw.Connection, cutoff: int) -> int:
    connection.execute(
        "DELETE FROM revisions WHERE seq IN (SELECT seq FROM revisions WHERE at < ? ORDER BY seq LIMIT ?)",
        (cutoff, _SLICE_REVISIONS),
    )
    return connection.changes()
