"""Reading the raw journal from another thread, by a connection of its own."""

from pathlib import Path
from typing import Any

from ampp.core.record import Record
from ampp.store.sqlite.codec import RECORD
from ampp.store.sqlite.database import connect

__all__ = ["Journal"]


class Journal:
    """The journal in `path` (`alerts.db`), read-only. For one thread at a time; raises apsw.Error."""

    def __init__(self, path: Path) -> None:
        self._connection = connect(path, readonly=True)
        # It is read from one end to the other: what has been read once is not asked for again.
        self._connection.execute("PRAGMA cache_size = -256")

    def after(self, seq: int, limit: int) -> list[tuple[int, Record]]:
        """At most `limit` records numbered above `seq`, in order. Numbers only grow but may skip what was swept."""
        rows: list[Any] = self._connection.execute(
            "SELECT seq, body FROM journal WHERE seq > ? ORDER BY seq LIMIT ?", (seq, limit)
        ).fetchall()
        # Only now, as the log cannot be put away while a reader is at it.
        return [(number, RECORD(body)) for number, body in rows]

    def identity(self) -> str:
        """What tells this journal from any other: numbers begin anew in a new one."""
        return str(self._connection.execute("SELECT value FROM meta WHERE key = 'journal'").get or "")

    def span(self, seq: int) -> tuple[int, int, int]:
        """The number of the last record, how many come after `seq`, and when the first of these was written (wall
        nanoseconds, 0 when there is none)."""
        last: int = self._connection.execute("SELECT coalesce(max(seq), 0) FROM journal").get
        if last <= seq:
            return last, 0, 0
        for first, at in self._connection.execute(
            "SELECT seq, at FROM journal WHERE seq > ? ORDER BY seq LIMIT 1", (seq,)
        ):
            return last, last - first + 1, at
        return last, 0, 0

    def close(self) -> None:
        self._connection.close(True)
