"""Looking after the databases from outside: are they sound, which schema have they, and can they be made smaller.

`inspect` reads beside a running daemon. `migrate_directory` and `compact` take the directory's lock, so no daemon runs.
"""

from pathlib import Path
from typing import Any, Final

import apsw
import msgspec

from ampp.store.error import StoreError
from ampp.store.sqlite.backup import DATABASES
from ampp.store.sqlite.database import connect, files, open_database
from ampp.store.sqlite.history import phrases
from ampp.store.sqlite.lock import DirectoryLock
from ampp.store.sqlite.migration import migrate_to, version_of

__all__ = ["Inspection", "compact", "inspect", "migrate_directory"]

_PROBLEMS: Final = 20


class Inspection(msgspec.Struct, frozen=True):
    """One database. `schema` is its version and `newest` the one this program makes; bytes with its log; `rows` by
    table, empty when they cannot be counted."""

    name: str
    ok: bool
    problems: tuple[str, ...]
    schema: int
    newest: int
    bytes: int
    free_bytes: int
    rows: dict[str, int]


def inspect(directory: Path) -> list[Inspection]:
    """Every database of the directory, checked whole. Raises StoreError when there is none."""
    present = [name for name in DATABASES if (directory / name).exists()]
    if not present:
        raise StoreError(f"{directory} holds no databases: give the daemon's storage directory with --storage.path")
    return [_inspect(directory / name) for name in present]


def _inspect(path: Path) -> Inspection:
    newest = len(DATABASES[path.name])
    size = sum(each.stat().st_size for each in files(path)[:2] if each.exists())
    problems: list[str] = []
    schema = free = 0
    rows: dict[str, int] = {}
    try:
        connection = connect(path, readonly=True)
    except apsw.Error as error:
        return Inspection(path.name, False, (str(error),), 0, newest, size, 0, {})
    try:
        schema = version_of(connection, path)
        if schema > newest:
            problems.append(f"schema version {schema} is newer than this program, which knows up to {newest}")
        found: list[Any] = [text for (text,) in connection.execute(f"PRAGMA integrity_check({_PROBLEMS})")]
        problems += [str(text) for text in found if text != "ok"]
        free = connection.pragma("freelist_count") * connection.pragma("page_size")
        tables = "SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite_%' ORDER BY name"
        for (table,) in list(connection.execute(tables)):
            rows[str(table)] = int(connection.execute(f'SELECT count(*) FROM "{table}"').get)
    except (apsw.Error, StoreError) as error:
        problems.append(str(error))
    finally:
        connection.close(True)
    return Inspection(path.name, not problems, tuple(problems), schema, newest, size, free, rows)


def migrate_directory(directory: Path, to: int | None = None, only: str = "") -> list[tuple[str, int, int]]:
    """Bring the databases to the newest schema, or back to version `to`; name, version before and after of each.

    Raises StoreError.
    """
    lock = DirectoryLock(directory)
    try:
        done = []
        for name, steps in DATABASES.items():
            path = directory / name
            if not path.exists() or (only and name != only):
                continue
            connection = connect(path)
            try:
                before = version_of(connection, path)
                if to is None:
                    connection.close(True)
                    connection = open_database(path, steps, full=True)
                elif to < before:
                    migrate_to(connection, path, to)
                done.append((name, before, version_of(connection, path)))
            except apsw.Error as error:
                raise StoreError(f"{path}: {error}") from error
            finally:
                connection.close(True)
        return done
    finally:
        lock.release()


def compact(directory: Path) -> list[tuple[str, int, int]]:
    """Write every database anew without its free space, and drop what nothing refers to; name, bytes before and after.

    Needs as much free space as the largest takes. Raises StoreError.
    """
    lock = DirectoryLock(directory)
    try:
        done = []
        for name, steps in DATABASES.items():
            path = directory / name
            if not path.exists():
                continue
            before = sum(each.stat().st_size for each in files(path)[:2] if each.exists())
            try:
                connection = open_database(path, steps, full=True)
                try:
                    if name == "history.db":
                        _drop_orphans(connection)
                    connection.execute("VACUUM")
                    connection.wal_checkpoint(mode=apsw.SQLITE_CHECKPOINT_TRUNCATE)
                finally:
                    connection.close(True)
            except apsw.Error as error:
                raise StoreError(f"{path}: {error}") from error
            done.append((name, before, sum(each.stat().st_size for each in files(path)[:2] if each.exists())))
        return done
    finally:
        lock.release()


_TEXTS: Final = {
    "pair": ("name",),
    "series": ("name", "severity", "namespace"),
    "event": ("generator", "cause"),
    "rule": ("generator", "name"),
    "state": ("cause",),
    "member": ("cause",),
    "grp": ("receiver",),
    "dropped": ("cause",),
    "notification": ("receiver", "integration", "reason", "destination", "failure"),
}
"""The columns that hold numbers of texts."""

_ORPHANS: Final = (
    "DELETE FROM series WHERE NOT EXISTS (SELECT 1 FROM event WHERE alert = series.id) "
    "AND NOT EXISTS (SELECT 1 FROM state WHERE alert = series.id) "
    "AND NOT EXISTS (SELECT 1 FROM member WHERE alert = series.id)",
    "DELETE FROM label WHERE alert NOT IN (SELECT id FROM series)",
    "DELETE FROM often WHERE NOT EXISTS (SELECT 1 FROM event WHERE alert = holder AND starts = start)",
    "DELETE FROM note WHERE alert NOT IN (SELECT id FROM series)",
    "DELETE FROM pair WHERE id NOT IN (SELECT pair FROM label)",
    "DELETE FROM rule WHERE generator NOT IN (SELECT generator FROM event)",
    "DELETE FROM attempt WHERE notification NOT IN (SELECT id FROM notification)",
    "DELETE FROM text WHERE id > 1 AND id NOT IN ("
    + " UNION ".join(
        f"SELECT {column} FROM {table} WHERE {column} IS NOT NULL"
        for table, columns in _TEXTS.items()
        for column in columns
    )
    + " UNION SELECT CAST(j.key AS INTEGER) FROM note, json_each(note.texts) AS j)",
)


def _drop_orphans(connection: apsw.Connection) -> None:
    """Dictionary entries of the history that a sweep leaves because looking for them takes long."""
    with connection:
        for statement in _ORPHANS:
            connection.execute(statement)
        phrases.sweep(connection, keep=0)
