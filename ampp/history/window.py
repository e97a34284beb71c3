"""What a replay sees ahead of the record it is at: when alerts will have ended, and which turns and sends come next."""

from bisect import bisect_right
from collections import deque
from collections.abc import Iterable, Iterator
from typing import Final, TypeVar

import msgspec

from ampp.core.clock import MILLISECOND, SECOND
from ampp.core.reason import NotifyReason
from ampp.core.record import ConfigLoaded, Flushed, Record, Started, Stopped

__all__ = ["AHEAD", "FOREVER", "Ends", "Turn", "Window", "repeats"]

_K = TypeVar("_K")
_V = TypeVar("_V")

FOREVER: Final = 1 << 62
"""The end of an alert whose end is not recorded."""

AHEAD: Final = 5 * SECOND
"""How far beyond the present record the window looks; a turn was never recorded later than this after it was due."""


_ABRUPT: Final = SECOND
"""How long before the last record of a run that was cut off its turns are known to have been taken."""


_BLUR: Final = 100 * MILLISECOND
"""How far the wall times of one timer may lie apart: it runs by another clock, and the two are not read at once."""


class Ends:
    """When alerts ended by time: per alert, the end and the moment at which it was recorded, in order; and when runs
    began."""

    def __init__(self) -> None:
        self._by_key: dict[bytes, list[tuple[int, int]]] = {}
        self._starts: list[int] = []

    def start(self, at: int) -> None:
        """A run began at this moment."""
        self._starts.append(at)

    def add(self, key: bytes, ends: int, at: int) -> None:
        self._by_key.setdefault(key, []).append((at, ends))

    def sort(self) -> None:
        """Put in order what was added out of order."""
        for known in self._by_key.values():
            known.sort()
        self._starts.sort()

    def after(self, key: bytes, wall: int) -> int:
        """The end of an alert known to fire at `wall`, or FOREVER."""
        for at, ends in self._by_key.get(key, ()):
            if at > wall and ends > wall:
                return ends
        return FOREVER

    def held(self, key: bytes, updated: int, start: int, last_alive: int, hold: int) -> int:
        """The end during the run that began at `start` of an alert last reported at `updated` and taken up from the run
        before. What fired when that was last alive is held until `hold`. An earlier end is then one that a sender has
        given since, or, if only a later run recorded it, the one stored before, which did not count."""
        for at, ends in self._by_key.get(key, ()):
            if at > updated and ends > updated:
                following = bisect_right(self._starts, start)
                stored = following < len(self._starts) and self._starts[following] <= at
                return hold if stored and last_alive < ends < hold else ends
        return FOREVER


_REPEAT: Final = NotifyReason.REPEAT.value


class Turn(msgspec.Struct, frozen=True):
    """A recorded turn of a group: when, and whether somebody was told once more."""

    at: int
    repeats: bool


def repeats(record: Flushed) -> bool:
    """Whether one of the decisions was to tell the same once more."""
    return _REPEAT in [one.reason for one in record.decisions]


class Window:
    """The records in order, and what lies shortly ahead of the one given out last.

    `turns`: per group name (route identity, label key) its next recorded turns. `sends`: per log key the
    flushes that will send, the present record's own included. `taken`: until when the run under way took every turn
    that was due, FOREVER while its end is not in sight.
    """

    def __init__(self, records: Iterable[Record]) -> None:
        self._records: Final = iter(records)
        self._ahead: Final[deque[Record]] = deque()
        self._latest = 0
        self._last: tuple[Record | None, Record | None] = (None, None)
        self._taken: Final[deque[int]] = deque()
        self.taken = FOREVER
        self.turns: Final[dict[tuple[str, bytes], deque[Turn]]] = {}
        self.sends: Final[dict[str, deque[int]]] = {}

    def __iter__(self) -> Iterator[Record]:
        ahead = self._ahead
        while True:
            if not ahead and not self._read():
                return
            until = ahead[0].at + AHEAD
            while self._latest < until and self._read():
                pass
            record = ahead.popleft()
            self.taken = self._taken[0] if self._taken else FOREVER
            if not isinstance(record, Flushed):
                yield record
                if isinstance(record, Started):
                    # What comes before it belongs to the run that has ended, its last moments too.
                    self._taken.popleft()
                continue
            _shift(self.turns, (record.group.route, record.group.labels))
            yield record
            for row in record.outbox:
                _shift(self.sends, row.key)

    def peek(self) -> Record | None:
        """The record after the present one."""
        if not self._ahead:
            self._read()
        return self._ahead[0] if self._ahead else None

    def _read(self) -> bool:
        record = next(self._records, None)
        if record is None:
            if self._latest < FOREVER:
                self._run_ends(self._last[1])
            self._latest = FOREVER
            return False
        if isinstance(record, Started):
            # A start first loads its configuration, then says that it is one.
            before, last = self._last
            self._run_ends(before if isinstance(last, ConfigLoaded) else last)
        self._last = self._last[1], record
        self._latest = record.at
        self._ahead.append(record)
        if isinstance(record, Flushed):
            self.turns.setdefault((record.group.route, record.group.labels), deque()).append(
                Turn(record.at, repeats(record))
            )
            for row in record.outbox:
                self.sends.setdefault(row.key, deque()).append(record.id)
        return True

    def _run_ends(self, last: Record | None) -> None:
        """Note until when a run whose last record this is took its turns: the one that was due when it was cut off may
        have been taken and its record lost, or not have been taken any more."""
        if last is None:
            self._taken.append(0)
        elif isinstance(last, Stopped):
            self._taken.append(last.turns - _BLUR)
        else:
            self._taken.append(last.at - _ABRUPT)


def _shift(queues: dict[_K, deque[_V]], key: _K) -> None:
    queue = queues[key]
    queue.popleft()
    if not queue:
        del queues[key]
