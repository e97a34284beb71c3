"""Opening one SQLite file: ours, whole, of a schema we know, and with the settings all of them share.

Schemas grow by steps: see `migration`.
"""

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import apsw

from ampp.store.sqlite.migration import APPLICATION_ID, Migration, migrate

__all__ = [
    "ALERTS",
    "APPLICATION_ID",
    "BROKEN",
    "BUSY_MS",
    "PENDING",
    "SILENCES",
    "Migration",
    "connect",
    "connect_frozen",
    "files",
    "open_database",
    "set_aside",
]

BROKEN: Final = (apsw.CorruptError, apsw.NotADBError)
"""What SQLite raises when a file's content makes no sense."""

ALERTS: Final = (
    Migration(
        """
    CREATE TABLE meta (key TEXT PRIMARY KEY, value ANY) STRICT, WITHOUT ROWID;
    INSERT INTO meta VALUES ('journal', lower(hex(randomblob(16))));
    CREATE TABLE journal (seq INTEGER PRIMARY KEY, at INTEGER NOT NULL, kind TEXT NOT NULL, body BLOB NOT NULL) STRICT;
    CREATE TABLE alerts (id INTEGER PRIMARY KEY, key BLOB NOT NULL UNIQUE, row BLOB NOT NULL) STRICT;
    CREATE TABLE groups (route TEXT NOT NULL, labels BLOB NOT NULL, row BLOB NOT NULL, UNIQUE (route, labels)) STRICT;
    CREATE TABLE log (key TEXT NOT NULL UNIQUE, row BLOB NOT NULL) STRICT;
    CREATE TABLE outbox (key TEXT NOT NULL UNIQUE, flush INTEGER NOT NULL, row BLOB NOT NULL) STRICT;
    """,
        "",
    ),
)

SILENCES: Final = (
    Migration(
        """
    CREATE TABLE meta (key TEXT PRIMARY KEY, value ANY) STRICT, WITHOUT ROWID;
    CREATE TABLE silences (place INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, row BLOB NOT NULL) STRICT;
    CREATE TABLE revisions (seq INTEGER PRIMARY KEY, at INTEGER NOT NULL, id TEXT NOT NULL, row BLOB) STRICT;
    CREATE INDEX revisions_id ON revisions (id, seq);
    """,
        "",
    ),
    # A silence and its revision are written by one statement: what is put into the view goes to both tables. Nobody
    # looks for the revisions of one silence.
    Migration(
        """
    DROP INDEX revisions_id;
    CREATE VIEW written (at, id, row) AS SELECT at, id, row FROM revisions;
    CREATE TRIGGER written_put INSTEAD OF INSERT ON written WHEN NEW.row IS NOT NULL BEGIN
        INSERT INTO silences (id, row) VALUES (NEW.id, NEW.row) ON CONFLICT (id) DO UPDATE SET row = excluded.row;
        INSERT INTO revisions (at, id, row) VALUES (NEW.at, NEW.id, NEW.row);
    END;
    CREATE TRIGGER written_gone INSTEAD OF INSERT ON written WHEN NEW.row IS NULL BEGIN
        DELETE FROM silences WHERE id = NEW.id;
        INSERT INTO revisions (at, id, row) VALUES (NEW.at, NEW.id, NULL);
    END;
    """,
        """
    DROP VIEW written;
    CREATE INDEX revisions_id ON revisions (id, seq);
    """,
    ),
)

PENDING: Final = "restore.pending"
"""A file that lies in the directory while a restore exchanges databases: see `backup`."""

BUSY_MS: Final = 5_000
_JOURNAL_LIMIT: Final = 64 << 20
_CHECKPOINT_PAGES: Final = 6_000
"""Pages of log at which the writer itself moves it into the database, if nobody has (`checkpoint`)."""


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


def open_database(path: Path, migrations: Sequence[Migration], *, full: bool) -> apsw.Connection:
    """Open or create `path`, bring its schema up to date and return the one connection that writes it.

    Raises SchemaTooNew, StoreError (not ours), one of `BROKEN`, or another apsw.Error (disk full, read-only, …).
    """
    os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600))
    connection = connect(path, full=full)
    try:
        migrate(connection, path, migrations)
    except BaseException:
        connection.close(True)
        raise
    return connection


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
