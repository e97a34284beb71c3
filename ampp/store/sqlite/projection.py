"""What records do to the tables of current state that are changed in the very transaction that appends them: group
timers, notification log and outbox, and which configuration is in force.

All records of a commit are taken together, and of each row only what the last of them says: while thousands of groups
are told at once, a call into SQLite for each of their records would wait for the interpreter lock as often, and so
would everybody who waits for the commit.
"""

from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final

import apsw

from ampp.core.record import (
    ConfigLoaded,
    Delivered,
    Flushed,
    GroupDropped,
    GroupRow,
    LogEntry,
    LogPruned,
    OutboxRow,
    Record,
)
from ampp.store.sqlite.codec import encode
from ampp.store.sqlite.rows import delete, insert

__all__ = ["project", "projects", "upsert_groups", "upsert_log", "upsert_outbox"]


class _Changes:
    """By table and key what is to stand there, or None: nothing. `settled`: outbox rows (key, flush) that go if they
    stand there now; `undone`: those that the same records put there and that go nevertheless."""

    def __init__(self) -> None:
        self.groups: dict[tuple[str, bytes], GroupRow | None] = {}
        self.log: dict[str, LogEntry | None] = {}
        self.outbox: dict[str, OutboxRow] = {}
        self.settled: list[tuple[str, int]] = []
        self.undone: dict[str, int] = {}
        self.config: ConfigLoaded | None = None

    def flushed(self, record: Flushed) -> None:
        self.groups[record.group.route, record.group.labels] = record.group
        for row in record.outbox:
            self.outbox[row.key] = row
            self.undone.pop(row.key, None)

    def dropped(self, record: GroupDropped) -> None:
        self.groups[record.route, record.labels] = None

    def delivered(self, record: Delivered) -> None:
        if record.entry is not None:
            self.log[record.entry.key] = record.entry
        if record.settled:
            row = self.outbox.get(record.key)
            if row is None:
                self.settled.append((record.key, record.flush))
            elif row.flush == record.flush:
                self.undone[record.key] = record.flush

    def log_pruned(self, record: LogPruned) -> None:
        self.log.update(dict.fromkeys(record.keys))

    def config_loaded(self, record: ConfigLoaded) -> None:
        self.config = record


_TAKEN: Final[Mapping[type, Callable[[_Changes, Any], None]]] = {
    Flushed: _Changes.flushed,
    GroupDropped: _Changes.dropped,
    Delivered: _Changes.delivered,
    LogPruned: _Changes.log_pruned,
    ConfigLoaded: _Changes.config_loaded,
}


def projects(record: Record) -> bool:
    """Whether the record changes any of these tables."""
    return type(record) in _TAKEN


def project(connection: apsw.Connection, records: Iterable[Record]) -> None:
    """Make the changes of the records, in their order, inside a transaction that the caller holds."""
    changes = _Changes()
    for record in records:
        _TAKEN[type(record)](changes, record)
    delete(connection, "groups", ("route", "labels"), [key for key, row in changes.groups.items() if row is None])
    upsert_groups(connection, (row for row in changes.groups.values() if row is not None))
    delete(connection, "log", ("key",), [(key,) for key, entry in changes.log.items() if entry is None])
    upsert_log(connection, (entry for entry in changes.log.values() if entry is not None))
    delete(connection, "outbox", ("key", "flush"), changes.settled)
    upsert_outbox(connection, changes.outbox.values())
    delete(connection, "outbox", ("key", "flush"), list(changes.undone.items()))
    if changes.config is not None:
        found = [("config_hash", changes.config.hash), ("config_text", changes.config.text)]
        insert(connection, "meta", found, replace=True)


def upsert_groups(connection: apsw.Connection, rows: Iterable[GroupRow]) -> None:
    """Write group timers, one row for each group."""
    conflict = "ON CONFLICT (route, labels) DO UPDATE SET row = excluded.row"
    insert(connection, "groups", [(row.route, row.labels, encode(row)) for row in rows], conflict=conflict)


def upsert_outbox(connection: apsw.Connection, rows: Iterable[OutboxRow]) -> None:
    """Write outbox rows, the latest per key."""
    conflict = "ON CONFLICT (key) DO UPDATE SET flush = excluded.flush, row = excluded.row"
    insert(connection, "outbox", [(row.key, row.flush, encode(row)) for row in rows], conflict=conflict)


def upsert_log(connection: apsw.Connection, entries: Iterable[LogEntry]) -> None:
    """Write notification-log entries, the latest per key."""
    conflict = "ON CONFLICT (key) DO UPDATE SET row = excluded.row"
    insert(connection, "log", [(entry.key, encode(entry)) for entry in entries], conflict=conflict)
