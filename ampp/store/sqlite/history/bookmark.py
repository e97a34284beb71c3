"""The bookmark: how far the history has read the journal, and where to go on.

It is kept in the history's own file and moves with each commit there. The journal is known by an id: when `alerts.db`
was set aside and begun anew, numbers start again and so does the bookmark. When the history's file had to be deleted to
make room, the bookmark stays where it was: the room that it takes to tell everything again is not there, and until it
had been told the journal could not give way either.
"""

import time
from collections.abc import Callable
from pathlib import Path
from typing import Final

import apsw

from ampp.core.record import Record
from ampp.store.sqlite.history.tail import JournalReader

__all__ = ["Bookmark", "Gap"]

Gap = tuple[int, int]
"""The first and the last of some records that were not there any more."""

_RECORDS: Final = 8
"""Records read at once."""

_GAP_SECONDS: Final = 10.0
"""Seconds between two warnings of records that were lost to the history."""


class Bookmark:
    """See the module's docstring. `cursor`: the last record that is in the history; `lost`: records that will never
    be."""

    def __init__(self, journal: Path, *, last_seq: int, warn: Callable[[str], None]) -> None:
        self.cursor = 0
        self.lost = 0
        self._path: Final = journal
        self._last_seq: Final = last_seq
        self._warn: Final = warn
        self._reader: JournalReader | None = None
        self._inode = 0
        self._placed = False
        self._given_up = "", 0
        self._missed = 0
        self._told_at = -_GAP_SECONDS

    def open(self, connection: apsw.Connection, *, anew: bool) -> None:
        """Be ready to read. `connection`: the history's; `anew`: it was opened just now."""
        inode = self._path.stat().st_ino
        if self._reader is None or inode != self._inode:
            self.close()
            self._reader = JournalReader(self._path)
            self._inode = inode
            anew = True
        if anew or not self._placed:
            self._find(connection)

    def _find(self, connection: apsw.Connection) -> None:
        """After the noted record, unless this is another journal."""
        self._placed = False
        stored = dict(connection.execute("SELECT key, value FROM meta WHERE key IN ('journal', 'cursor')"))
        identity = self.reader.identity()
        known, cursor = stored.get("journal"), stored.get("cursor", 0)
        if not stored:
            known, cursor = self._given_up
        if known != identity:
            cursor = 0
        newest = self.reader.span(0)[0]
        if cursor > max(newest, self._last_seq):
            # The journal was put back to an earlier state than the history.
            cursor = newest
        with connection:
            connection.execute("INSERT OR REPLACE INTO meta VALUES ('journal', ?), ('cursor', ?)", (identity, cursor))
        self.cursor, self._placed = cursor, True
        self._given_up = identity, cursor

    @property
    def reader(self) -> JournalReader:
        assert self._reader is not None
        return self._reader

    def read(self, cursor: int) -> tuple[list[tuple[int, Record]], int]:
        """The next records, and how many before them cannot be read and are passed over."""
        records, unreadable = self.reader.after(cursor, _RECORDS)
        for seq, error in unreadable:
            self.lost += 1
            self._warn(f"record {seq} of the journal cannot be read and is left out of the history: {error}")
        return records, len(unreadable)

    def move(self, cursor: int, gaps: list[Gap]) -> None:
        """What was read is in the history, but for the gaps."""
        self.cursor = cursor
        for first, last in gaps:
            # Before the first record that was ever read nothing was missed.
            if first > 1:
                self.lost += last - first + 1
                self._missed += last - first + 1
        now = time.monotonic()
        if self._missed and now >= self._told_at + _GAP_SECONDS:
            self._told_at = now
            self._warn(f"{self._missed} records were swept from the journal before the history had read them")
            self._missed = 0

    def behind(self) -> tuple[int, int]:
        """How many records are not in the history yet, and when the first of them was written (wall nanoseconds)."""
        _, count, since = self.reader.span(self.cursor)
        return count, since

    def keep(self) -> None:
        """The history's file is deleted for want of room: go on after what it knew."""
        self._given_up = self._given_up[0], self.cursor

    def rewind(self) -> None:
        """The history's file is lost: begin from what the journal still has."""
        self.cursor = 0
        self._given_up = "", 0

    def close(self) -> None:
        if self._reader is not None:
            self._reader.close()
            self._reader = None
