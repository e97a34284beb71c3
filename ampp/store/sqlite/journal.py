"""Reading the raw journal from another thread, by a connection of its own."""

from pathlib import Path

from ampp.core.record import Record
from ampp.store.sqlite.codec import RECORD
from ampp.store.sqlite.database import connect

__all__ = ["Journal"]


class Journal:
    """The journal in `path` (`alerts.db`), read-only. For one thread at a time; raises apsw.Error."""

    def __init__(self, path: Path) -> None:
        self._connection = connect(path, readonly=True)

    def after(self, seq: int, limit: int) -> list[tuple[int, Record]]:
        """At most `limit` records numbered above `seq`, in order. Numbers only grow but may skip what was swept."""
        rows = self._connection.execute(
            "SELECT seq, body FROM journal WHERE seq > ? ORDER BY seq LIMIT ?", (seq, limit)
        )
        return [(number, RECORD(body)) for number, body in rows]

    def close(self) -> None:
        self._connection.close(True)
