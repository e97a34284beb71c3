"""The backlog: changes that are in the journal and that the table of current alerts has yet to take in, in order."""

import time
from collections import deque
from typing import Final

from ampp.core.record import AlertRow
from ampp.store.sqlite.tables import Change

__all__ = ["SLICE_ROWS", "Backlog", "Slice"]

SLICE_ROWS: Final = 512
"""Changes that are written at once, about."""

Slice = tuple[int, int, dict[bytes, AlertRow | None]]
"""How many pieces of the backlog it is, up to which record the table has come with it, and the newest of each alert."""


class Backlog:
    """`rows`: changes in it; `since`: monotonic seconds since when the first waits; `grown`: changes ever added."""

    def __init__(self) -> None:
        self.rows = 0
        self.since = 0.0
        self.grown = 0
        self._pieces: deque[tuple[int, list[Change]]] = deque()

    def __bool__(self) -> bool:
        return bool(self._pieces)

    def extend(self, seq: int, changes: list[Change], *, journalled: bool = True) -> None:
        """Add what record `seq` changes, or, not `journalled`, what has changed since that record."""
        before = seq - 1 if journalled else seq
        if not self._pieces:
            self.since = time.monotonic()
        # A record may change any number of alerts; until its last slice is in the table, it is not applied.
        for start in range(0, len(changes) - SLICE_ROWS, SLICE_ROWS):
            self._pieces.append((before, changes[start : start + SLICE_ROWS]))
        self._pieces.append((seq, changes[(len(changes) - 1) // SLICE_ROWS * SLICE_ROWS :]))
        self.rows += len(changes)
        self.grown += len(changes)

    def slice(self, rows: int) -> Slice:
        """What comes first, of about so many rows. It stays in the backlog until it is dropped: a write may fail."""
        merged: dict[bytes, AlertRow | None] = {}
        taken = count = applied = 0
        for applied, changes in self._pieces:  # noqa: B007 - the last one's is wanted
            taken += len(changes)
            count += 1
            merged.update(changes)
            if taken >= rows:
                break
        return count, applied, merged

    def drop(self, count: int) -> None:
        """The first `count` pieces are in the table."""
        for _ in range(count):
            _, changes = self._pieces.popleft()
            self.rows -= len(changes)
        self.since = time.monotonic()

    def clear(self) -> None:
        self._pieces.clear()
        self.rows = 0
