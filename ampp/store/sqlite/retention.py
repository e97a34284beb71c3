"""What time and the byte budget take away: the journal's oldest records, and old revisions of silences.

Records that whoever reads the journal has not come to yet (`Writer.unread_after`) stay whatever their age. The budget
takes those it has come to first, at a tenth below its limit; others only when the limit itself is passed.

A sweep is many small jobs on the writer's thread, each one transaction, between which commits go on. Routing state is
never touched, nor a record that the table of current alerts has not yet taken in.
"""

from typing import Final

import apsw

from ampp.store.protocol import Swept
from ampp.store.sqlite.budget import allowed, used
from ampp.store.sqlite.writer import Writer

__all__ = ["sweep"]

_SLICE_RECORDS: Final = 1_000
_SLICE_BYTES: Final = 1 << 20
_VACUUM_PAGES: Final = 128


async def sweep(writer: Writer, cutoff: int, max_bytes: int) -> Swept:
    """Delete what is older than `cutoff`, then what exceeds `max_bytes`, and shrink the files. Raises StoreDown."""
    directory = writer.alerts.path.parent
    before = used(directory)
    records = 0
    while deleted := await writer.run(lambda: _delete(writer, cutoff, max_bytes)):
        records += deleted
    while await writer.run(lambda: _revisions(writer.using(writer.silences), cutoff)):
        continue
    while await writer.run(lambda: _vacuum(writer.using(writer.alerts))):
        continue
    if records:
        await writer.run(writer.alerts.truncate)
    return Swept(records=records, bytes=max(0, before - used(directory)))


def _delete(writer: Writer, cutoff: int, max_bytes: int) -> int:
    """Delete one slice of the journal; how many records that were, 0 when nothing more has to go."""
    connection = writer.using(writer.alerts)
    path = writer.alerts.path
    live = (connection.pragma("page_count") - connection.pragma("freelist_count")) * connection.pragma("page_size")
    log = path.with_name(path.name + "-wal").stat().st_size
    others = used(path.parent) - path.stat().st_size - log
    budget = allowed(path.parent, max_bytes)
    excess = live + others - budget
    gentle = excess + budget // 10
    unread = writer.unread_after()
    with connection:
        limit = writer.applied(connection)
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
        (cutoff, _SLICE_RECORDS),
    )
    return connection.changes()


def _vacuum(connection: apsw.Connection) -> bool:
    """Give some free pages back to the file system; whether more are left."""
    for _ in connection.execute(f"PRAGMA incremental_vacuum({_VACUUM_PAGES})"):
        pass
    return bool(connection.pragma("freelist_count"))
