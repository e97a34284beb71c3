"""Putting the write-ahead log away behind the writer's back.

A commit appends to the log; a checkpoint moves what has gathered there into the database, and waits for the disk twice.
Done by the writer, as SQLite does by itself, that holds up all who wait for a commit, for a tenth of a second and more.
So another connection does it, in a thread, as soon as there is something worth it: it waits for nobody and nobody waits
for it. The writer begins the log anew once it finds all of it in the database. If it never does, because it never stops
writing, it moves the log itself at a larger size (`database`), and finds most of that done.
"""

from pathlib import Path
from typing import Final

import apsw

__all__ = ["WORTH", "checkpoint"]

WORTH: Final = 1_000
"""Pages of log that are worth a checkpoint."""

_ROUNDS: Final = 8
"""Rounds at most. What is written during one is left for the next, which is the shorter for it."""


def checkpoint(path: Path) -> None:
    """Move the log of the database at `path` into it. Blocks. Raises apsw.Error."""
    connection = apsw.Connection(str(path), flags=apsw.SQLITE_OPEN_READWRITE)
    try:
        # A connection that has read nothing yet knows of no log.
        connection.pragma("user_version")
        before = -1
        for _ in range(_ROUNDS):
            written, _ = connection.wal_checkpoint(mode=apsw.SQLITE_CHECKPOINT_PASSIVE)
            if written == before:
                return
            before = written
    finally:
        connection.close(True)
