"""One database of the store and the one connection that writes it."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final

import apsw

from ampp.store.error import StoreError
from ampp.store.sqlite.database import BUSY_MS, Migration, connect_frozen, files, open_database, set_aside

__all__ = ["PAGE", "File"]


PAGE: Final = 4096
"""Bytes."""

_VACUUM_PAGES: Final = 128


class File:
    """One database and the connection that writes it; `connection` is absent while it could not be opened.

    `log_bytes`, set before `open`: at about what size the write-ahead log is put away, 0 for the usual.
    """

    def __init__(self, path: Path, migrations: Sequence[Migration], *, full: bool) -> None:
        self.path = path
        self.broken = False
        self.log_bytes = 0
        self._migrations = migrations
        self._full = full
        self._connection: apsw.Connection | None = None
        self._identity = (0, 0)

    @property
    def connection(self) -> apsw.Connection:
        if self._connection is None:
            raise StoreError(f"{self.path} is not open")
        return self._connection

    @property
    def is_open(self) -> bool:
        return self._connection is not None

    @property
    def logged(self) -> int:
        """Pages that the connection has written to the write-ahead log."""
        return self._connection.status(apsw.SQLITE_DBSTATUS_CACHE_WRITE)[0] if self._connection is not None else 0

    def open(self) -> None:
        """Open or create the file. Raises as `open_database`."""
        self._connection = open_database(self.path, self._migrations, full=self._full)
        if self.log_bytes:
            # Where there is little room, the log must not take much of it.
            self._connection.execute(f"PRAGMA wal_autocheckpoint = {self.log_bytes // PAGE}")
            self._connection.execute(f"PRAGMA journal_size_limit = {self.log_bytes}")
        self._identity = self._stat()

    def open_frozen(self) -> bool:
        """Open the file for reading only, without room for a log beside it; whether that shows all it holds."""
        database, log, _ = files(self.path)
        if not database.stat().st_size or (log.exists() and log.stat().st_size):
            return False
        self._connection = connect_frozen(self.path)
        return bool(self._connection.pragma("user_version") == len(self._migrations))

    def close(self) -> None:
        """Close without a word: what was not committed is gone, and an error now changes nothing."""
        if self._connection is not None:
            self._connection.close(True)
            self._connection = None

    def replace(self, stamp: str) -> Path:
        """Set the broken file aside and begin a new one."""
        self.close()
        target = set_aside(self.path, stamp)
        self.broken = False
        self.open()
        return target

    def check(self) -> None:
        """Raise StoreError when the file was removed or exchanged behind our back."""
        if self._stat() != self._identity:
            raise StoreError(f"{self.path} was removed or replaced while in use")

    def truncate(self) -> None:
        """Move all of the write-ahead log into the database and give its space back, unless a reader needs it now."""
        self.connection.set_busy_timeout(0)
        with suppress(apsw.BusyError):
            self.connection.wal_checkpoint(mode=apsw.SQLITE_CHECKPOINT_TRUNCATE)
        self.connection.set_busy_timeout(BUSY_MS)

    def checkpoint(self) -> None:
        """Move what can be moved of the write-ahead log into the database, unless another connection is at it. Waits
        for nobody."""
        with suppress(apsw.BusyError):
            self.connection.wal_checkpoint(mode=apsw.SQLITE_CHECKPOINT_PASSIVE)

    def shrink(self) -> bool:
        """Give some free pages back to the file system, as of the next checkpoint; whether there were any."""
        if not self.connection.pragma("freelist_count"):
            return False
        for _ in self.connection.execute(f"PRAGMA incremental_vacuum({_VACUUM_PAGES})"):
            pass
        return True

    @contextmanager
    def unsynced(self) -> Iterator[None]:
        """Commit without fsync, though settings may ask for it: for what can be had again from the journal.

        Should power fail, the log is valid up to some commit and later ones are gone together, never one alone.
        """
        if self._full:
            self.connection.execute("PRAGMA synchronous = NORMAL")
        yield
        if self._full:
            self.connection.execute("PRAGMA synchronous = FULL")

    def _stat(self) -> tuple[int, int]:
        try:
            found = self.path.stat()
        except FileNotFoundError:
            return 0, 0
        return found.st_dev, found.st_ino
