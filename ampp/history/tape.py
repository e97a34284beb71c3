"""Recorded history as an input: the raw journal's records in order, whatever state the file is in.

Reading goes in short steps, each a read transaction of its own, so that a daemon at work on the same file is not
hindered. What cannot be read is skipped and counted (`Tape.broken`; `Tape.newer` for kinds of record that only a newer
version knows).
"""

from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Final, get_args

import apsw
import msgspec

from ampp.core.record import Lapse, Record
from ampp.core.silence import Silence
from ampp.history.replay import Ends
from ampp.store.sqlite.codec import ALERT, RECORD, SILENCE, Reader
from ampp.store.sqlite.database import ALERTS, SILENCES, connect

__all__ = ["Tape", "TapeError"]

_KINDS: Final = frozenset(str(kind.__struct_config__.tag) for kind in get_args(Record))
_STEP: Final = 2_000


class TapeError(Exception):
    """There is no history to read here. The text says why."""


class _Row(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """The beginning of an AlertRow."""

    key: bytes
    annotations: msgspec.Raw
    starts: int
    ends: int


class _Scanned(msgspec.Struct, frozen=True):
    """Of a Posted or Flushed what must be known ahead."""

    at: int
    lapsed: tuple[Lapse, ...] = ()


class _ScannedPost(_Scanned, frozen=True):
    alerts: tuple[_Row, ...] = ()


_SCAN: Final[Reader[_Scanned]] = Reader(_Scanned)
_SCAN_POST: Final[Reader[_ScannedPost]] = Reader(_ScannedPost)


class Tape:
    """The history in a storage directory, read-only. Raises TapeError when there is none that can be read.

    `first`, `last`: wall times of the oldest and newest record, 0 when there is none. `whole`: it begins with the first
    start of the daemon, so that nothing came before.
    """

    def __init__(self, directory: Path) -> None:
        self.broken = 0
        self.newer: Counter[str] = Counter()
        self.count = 0
        self._alerts = _open(directory / "alerts.db", len(ALERTS))
        self._silences = _open(directory / "silences.db", len(SILENCES))
        self.end: int
        self.begin: int
        ((self.begin, self.end, self.count),) = self._rows(
            "SELECT coalesce(min(seq), 0), coalesce(max(seq), 0), count(*) FROM journal"
        )
        self.first = self._at(self.begin)
        self.last = self._at(self.end)

    def close(self) -> None:
        self._alerts.close(True)
        self._silences.close(True)

    def records(self) -> Iterator[Record]:
        """All records written before this tape was opened, in order; their times never go back."""
        wall = 0
        for seq, at, kind, body in self._bodies("SELECT seq, at, kind, body FROM journal"):
            del seq
            if kind not in _KINDS:
                self.newer[kind] += 1
                continue
            try:
                record = RECORD(body)
            except (msgspec.DecodeError, ValueError):
                self.broken += 1
                continue
            wall = max(wall, at)
            yield record if record.at == wall else msgspec.structs.replace(record, at=wall)

    def ends(self) -> Ends:
        """When alerts ended by time."""
        found = Ends()
        for _, _, kind, body in self._bodies("SELECT seq, at, kind, body FROM journal", "kind IN ('flush', 'post')"):
            try:
                scanned = (_SCAN if kind == "flush" else _SCAN)(body)
            except (msgspec.DecodeError, ValueError):
                continue
            for key, ends in scanned.lapsed:
                found.add(key, ends, scanned.at)
        return found
