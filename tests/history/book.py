"""A history for tests: stories told by the engine, or records made by hand, unfolded into a real database."""

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import apsw
import msgspec

from ampp.core.clock import SECOND
from ampp.core.record import Record
from ampp.store.sqlite.database import open_database
from ampp.store.sqlite.history.schema import HISTORY, KINDS, STATUSES
from ampp.store.sqlite.history.unfold import Unfolding
from tests.stories.story import MONDAY, Story

__all__ = ["Told", "told"]


class Told:
    """What the history says, in seconds since a story's beginning."""

    def __init__(self, path: Path) -> None:
        self.connection: apsw.Connection = open_database(path / "history.db", HISTORY, full=False)
        self.unfolding = Unfolding(self.connection)

    def take(self, records: Iterable[Record]) -> None:
        with self.connection:
            self.unfolding.take(records)

    def events(self) -> list[str]:
        """`at name kind`, then the end or the cause where there is one."""
        rows = self.connection.execute(
            "SELECT e.at, t.value, e.kind, e.ends, c.value FROM event e JOIN text t ON t.id = e.name "
            "LEFT JOIN text c ON c.id = e.cause ORDER BY e.id"
        )
        return [" ".join(_event(*row)) for row in rows]

    def notifications(self) -> list[str]:
        """`at receiver/integration/idx status reason attempts`."""
        rows = self.connection.execute(
            "SELECT n.at, r.value, i.value, n.idx, n.status, w.value, n.attempts FROM notification n "
            "JOIN text r ON r.id = n.receiver JOIN text i ON i.id = n.integration JOIN text w ON w.id = n.reason "
            "ORDER BY n.id"
        )
        return [
            f"{_seconds(at)} {receiver}/{integration}/{idx} {STATUSES[status].value}: {reason}"
            + (f" ({attempts})" if attempts else "")
            for at, receiver, integration, idx, status, reason, attempts in rows
        ]

    def count(self, table: str, where: str = "true") -> int:
        return int(self.connection.execute(f"SELECT count(*) FROM {table} WHERE {where}").get)


def told(path: Path, story: Story, batch: int = 1) -> Told:
    """The story's journal unfolded, `batch` records at a time."""
    book = Told(path)
    for start in range(0, len(story.journal), batch):
        book.take(story.journal[start : start + batch])
    return book


def _seconds(at: int) -> str:
    return f"{at / 1000 - MONDAY // SECOND:g}"


def _event(at: int, name: str, kind: int, ends: int | None, cause: str | None) -> list[str]:
    parts = [_seconds(at), name, KINDS[kind].value]
    if ends is not None:
        parts.append(_seconds(ends))
    if cause is not None:
        parts += [str(each) for each in msgspec.json.decode(cause, type=list[Any])]
    return parts
