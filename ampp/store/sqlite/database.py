"""Opening one SQLite file: ours, whole, of a schema we know, and with the settings all of them share.

Schemas grow by migrations: script n takes a file from `user_version` n-1 to n, each in its own transaction. A script
that has been released is never edited. `application_id` marks a file as ours.
"""

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import apsw

from ampp.store.error import SchemaTooNew, StoreError

__all__ = [
    "ALERTS",
    "APPLICATION_ID",
    "BROKEN",
    "BUSY_MS",
    "SILENCES",
    "connect",
    "connect_frozen",
    "files",
    "open_database",
    "set_aside",
]

APPLICATION_ID: Final = 0x616D7070
"""The letters "ampp"."""

BROKEN: Final = (apsw.CorruptError, apsw.NotADBError)
"""What SQLite raises when a file's content makes no sense."""

ALERTS: Final = (
    """
    CREATE TABLE meta (key TEXT PRIMARY KEY, value ANY) STRICT, WITHOUT ROWID;
    CREATE TABLE journal (seq INTEGER PRIMARY KEY, at INTEGER NOT NULL, kind TEXT NOT NULL, body BLOB NOT NULL) STRICT;
    CREATE TABLE alerts (id INTEGER PRIMARY KEY, key BLOB NOT NULL UNIQUE, row BLOB NOT NULL) STRICT;
    CREATE TABLE groups (route TEXT NOT NULL, labels BLOB NOT NULL, row BLOB NOT NULL, UNIQUE (route, labels)) STRICT;
    CREATE TABLE log (key TEXT NOT NULL UNIQUE, row BLOB NOT NULL) STRICT;
    CREATE TABLE outbox (key TEXT NOT NULL UNIQUE, flush INTEGER NOT NULL, row BLOB NOT NULL) STRICT;
    """,
)

SILENCES: Final = (
    """
    CREATE TABLE meta (key TEXT PRIMARY KEY, value ANY) STRICT, WITHOUT ROWID;
    CREATE TABLE silences (place INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, row BLOB NOT NULL) STRICT;
    CREATE TABLE revisions (seq INTEGER PRIMARY KEY, at INTEGER NOT NULL, id TEXT NOT NULL, row BLOB) STRICT;
    CREATE INDEX revisions_id ON revisions (id, seq);
    """,
)

BUSY_MS: Final = 5_000
_JOURNAL_LIMIT: Final = 64 << 20
_CHECKPOINT_PAGES: Final = 4_000


def connect(path: Path, *, readonly: bool = False, full: bool = False) -> apsw.Connection:
    """A connection with the shared settings, opening nothing yet but the file. `full`: fsync at every commit."""
    flags = apsw.SQLITE_OPEN_READONLY if readonly else apsw.SQLITE_OPEN_READWRITE | apsw.SQLITE_OPEN_CREATE
    connection = apsw.Connection(str(path), flags=flags)
    connection.set_busy_timeout(BUSY_MS)
    if not readonly:
        connection.execute(f"PRAGMA synchronous = {'FULL' if full else 'NORMAL'}")
        connection.execute(f"PRAGMA journal_size_limit = {_JOURNAL_LIMIT}")
        connection.execute(f"PRAGMA wal_autocheckpoint = {_CHECKPOINT_PAGES}")
    return connection


def connect_frozen(path: Path) -> apsw.Connection:
    """A connection for reading a file that nobody writes, by itself alone: it creates no file and takes no lock."""
    return apsw.Connection(
        f"{path.absolute().as_uri()}?immutable=1", flags=apsw.SQLITE_OPEN_READONLY | apsw.SQLITE_OPEN_URI
    )


def open_database(path: Path, migrations: Sequence[str], *, full: bool) -> apsw.Connection:
    """Open or create `path`, bring its schema up to date and return the one connection that writes it.

    Raises SchemaTooNew, StoreError (not ours), one of `BROKEN`, or another apsw.Error (disk full, read-only, …).
    """
    os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600))
    connection = connect(path, full=full)
    try:
        _migrate(connection, path, migrations)
    except BaseException:
        connection.close(True)
        raise
    return connection


def _migrate(connection: apsw.Connection, path: Path, migrations: Sequence[str]) -> None:
    version = connection.pragma("user_version")
    identity = connection.pragma("application_id")
    if identity not in (0, APPLICATION_ID) or (identity == 0 and connection.pragma("page_count")):
        raise StoreError(f"{path} is a database of another program (application id {identity:#x}): move it away")
    if version > len(migrations):
        raise SchemaTooNew(
            f"{path} has schema version {version}, this program knows up to {len(migrations)}: "
            "run the newer version again, or give this one another --storage.path"
        )
    if version == 0:
        connection.execute("PRAGMA auto_vacuum = INCREMENTAL")
        connection.pragma("journal_mode", "wal")
    for done in range(version, len(migrations)):
        with connection:
            for _ in connection.execute(migrations[done]):
                pass
            connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
            connection.execute(f"PRAGMA user_version = {done + 1}")


def files(path: Path) -> tuple[Path, Path, Path]:
    """The database file, its write-ahead log and that log's index."""
    return path, path.with_name(path.name + "-wal"), path.with_name(path.name + "-shm")


def set_aside(path: Path, stamp: str) -> Path:
    """Rename a broken database, and what belongs to it, to `<name>.broken-<stamp>`. Raises OSError."""
    target = path.with_name(f"{path.name}.broken-{stamp}")
    for old, new in zip(files(path), files(target), strict=True):
        if old.exists():
            old.rename(new)
    return target
