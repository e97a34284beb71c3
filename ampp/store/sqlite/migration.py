"""Schemas that grow by steps, and shrink again by the same steps.

Step n takes a file from `user_version` n-1 to n, in a transaction of its own that first looks whether another process
has done it meanwhile. A step that has been released is never edited. How to undo it is kept in the file, in table
`migration`, so that a program which does not know the step can still go back: `migrate_to` needs no knowledge of the
versions above its own. `application_id` marks a file as ours.
"""

import time
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import apsw
import msgspec

from ampp.store.error import SchemaTooNew, StoreError

__all__ = ["APPLICATION_ID", "Migration", "migrate", "migrate_to", "version_of"]

APPLICATION_ID: Final = 0x616D7070
"""The letters "ampp"."""

_UNDO: Final = "CREATE TABLE IF NOT EXISTS migration (version INTEGER PRIMARY KEY, down TEXT NOT NULL) STRICT"
_PATIENCE: Final = 10.0


class Migration(msgspec.Struct, frozen=True):
    """One step: the statements that make it, and those that undo it; `down` empty where there is nothing below."""

    up: str
    down: str


def version_of(connection: apsw.Connection, path: Path) -> int:
    """The schema version of a file of ours, 0 when it is empty. Raises StoreError when it is another program's."""
    # One look: between several, another process may make the file ours.
    with connection:
        identity = connection.pragma("application_id")
        # A process that was killed at the right moment leaves a file with a header and nothing in it.
        foreign = identity == 0 and connection.execute("SELECT count(*) FROM sqlite_schema").get > 0
        version = int(connection.pragma("user_version"))
    if foreign or identity not in (0, APPLICATION_ID):
        raise StoreError(f"{path} is a database of another program (application id {identity:#x}): move it away")
    return version


def migrate(connection: apsw.Connection, path: Path, steps: Sequence[Migration]) -> None:
    """Bring the file to the newest version known. Raises SchemaTooNew, StoreError, apsw.Error."""
    version = version_of(connection, path)
    if version > len(steps):
        raise SchemaTooNew(
            f"{path} has schema version {version}, this program knows up to {len(steps)}: run the newer version again, "
            f"go back with `ampp db migrate --to {len(steps)}`, or give this one another --storage.path"
        )
    if version == 0:
        connection.execute("PRAGMA auto_vacuum = INCREMENTAL")
    if connection.pragma("journal_mode") != "wal":
        _use_wal(connection)
    for number in range(version + 1, len(steps) + 1):
        with _Step(connection) as step:
            if step.version == number - 1:
                step.run(steps[number - 1].up)
                step.run(_UNDO)
                connection.execute("INSERT OR REPLACE INTO migration VALUES (?, ?)", (number, steps[number - 1].down))
                step.leave(number)


def migrate_to(connection: apsw.Connection, path: Path, target: int) -> int:
    """Take the file back to version `target` (1 or more) by what it keeps itself; the version it had.

    Raises StoreError when it does not say how, apsw.Error.
    """
    before = version_of(connection, path)
    if target < 1 or target > before:
        raise StoreError(f"{path} has schema version {before}: it can be taken back to 1 to {before}, not to {target}")
    for number in range(before, target, -1):
        with _Step(connection) as step:
            if step.version != number:
                continue
            step.run(_UNDO)
            down = connection.execute("SELECT down FROM migration WHERE version = ?", (number,)).get
            if not down:
                raise StoreError(f"{path} does not say how to go back from version {number}")
            step.run(down)
            connection.execute("DELETE FROM migration WHERE version = ?", (number,))
            step.leave(number - 1)
    return before


class _Step:
    """One transaction that no other process can be in at the same time."""

    def __init__(self, connection: apsw.Connection) -> None:
        self._connection = connection
        self.version = 0

    def __enter__(self) -> "_Step":
        self._connection.execute("BEGIN IMMEDIATE")
        self.version = int(self._connection.pragma("user_version"))
        return self

    def __exit__(self, kind: type[BaseException] | None, error: object, trace: object) -> None:
        self._connection.execute("COMMIT" if kind is None else "ROLLBACK")

    def run(self, statements: str) -> None:
        for _ in self._connection.execute(statements):
            pass

    def leave(self, version: int) -> None:
        self._connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
        self._connection.execute(f"PRAGMA user_version = {version}")


def _use_wal(connection: apsw.Connection) -> None:
    """Switch to write-ahead logging; SQLite does not wait by itself for another process that does the same."""
    until = time.monotonic() + _PATIENCE
    while True:
        try:
            connection.pragma("journal_mode", "wal")
            return
        except (apsw.BusyError, apsw.LockedError):
            if time.monotonic() > until:
                raise
            time.sleep(0.02)
