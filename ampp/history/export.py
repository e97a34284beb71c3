"""The whole history, row after row, for whoever wants it elsewhere."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import apsw

from ampp.history import notification, row
from ampp.history.history import open_reader
from ampp.history.page import Page
from ampp.store.error import StoreError
from ampp.store.sqlite.history.historian import NAME
from ampp.store.sqlite.rows import fetch

__all__ = ["rows"]

_SOME: Final = 500


def rows(directory: Path, what: str, since: int | None, until: int | None) -> Iterator[dict[str, Any]]:
    """The `events` or `notifications` recorded between two moments (wall milliseconds), the oldest first, as the API
    shows them. Raises StoreError."""
    path = directory / NAME
    if not path.exists():
        raise StoreError(f"{directory} holds no {NAME}: give the daemon's storage directory with --storage.path")
    table = {"events": "event", "notifications": "notification"}[what]
    try:
        connection = open_reader(path)
    except apsw.Error as error:
        raise StoreError(f"{path}: {error}") from error
    try:
        last = 0
        while True:
            ids = [
                identity
                for (identity,) in fetch(
                    connection,
                    f"SELECT id FROM {table} WHERE id > ? AND at >= ? AND at <= ? ORDER BY id LIMIT ?",
                    (last, since or 0, until if until is not None else 1 << 62, _SOME),
                )
            ]
            if not ids:
                return
            last = ids[-1]
            if table == "event":
                yield from row.events(connection, ids)
            else:
                yield from notification.show(connection, Page(tuple(ids), 0, True, False, False, ""))
    except apsw.Error as error:
        raise StoreError(f"{path}: {error}") from error
    finally:
        connection.close(True)
