"""The timer wheel: timers by key, 100,000 and more at a time, without a clock of its own.

Theory of operation. The timers stand in a heap, the next one in front. One that is cancelled or armed anew leaves its
old entry behind in the heap, where it is passed over when it comes to the front; once most entries are such, the heap
is made anew of the others.

Invariants:

- `_armed` says what holds: an entry of the heap counts only while it is the very one there;
- timers for the same instant are in the order in which they were armed;
- time never runs backwards: an earlier time given to `advance` is taken as the latest one seen.

Inside it is a heap and not slots by time in several levels, though those arm in constant time: they have moments at
which all that is due within a minute is moved from one level to the next, which with 100,000 timers is a third of a
second in one piece.
"""

from collections.abc import Hashable
from heapq import heapify, heappop, heappush
from typing import Final, Generic, TypeVar

__all__ = ["Wheel"]

K = TypeVar("K", bound=Hashable)

_SPARE: Final = 1024
"""How many entries that count no more the heap may hold besides as many as do."""


class Wheel(Generic[K]):
    """Timers on a monotonic clock of the caller's in nanoseconds; `mono` is the time at which it starts. What is due
    is exact to the nanosecond, neither early nor late."""

    __slots__ = ("_armed", "_heap", "_mono", "_sequence")

    def __init__(self, mono: int = 0) -> None:
        self._mono = mono
        self._heap: list[tuple[int, int, K]] = []
        # The sequence makes the order of keys due at the same instant that of their arming.
        self._armed: dict[K, tuple[int, int, K]] = {}
        self._sequence = 0

    def __len__(self) -> int:
        return len(self._armed)

    def __contains__(self, key: object) -> bool:
        return key in self._armed

    def arm(self, key: K, at: int) -> None:
        """Make `key` due at `at`, instead of at whatever time it was armed for before. A past `at` is due at once."""
        self._sequence += 1
        entry = self._armed[key] = (at, self._sequence, key)
        heappush(self._heap, entry)
        self._tidy()

    def cancel(self, key: K) -> bool:
        """Forget `key`; says whether it was armed."""
        known = self._armed.pop(key, None) is not None
        if known:
            self._tidy()
        return known

    def shed(self, most: int) -> None:
        """Forget about so many timers, whichever: of a wheel that will not be turned again, to be freed in pieces."""
        del self._heap[-most:]
        for _ in range(min(most, len(self._armed))):
            self._armed.popitem()

    def due_at(self, key: K) -> int | None:
        """The time for which `key` is armed, or None."""
        entry = self._armed.get(key)
        return None if entry is None else entry[0]

    def next_due(self) -> int | None:
        """The earliest time for which any key is armed (it may already be past), or None when none is."""
        heap, armed = self._heap, self._armed
        while heap:
            entry = heap[0]
            if armed.get(entry[2]) is entry:
                return entry[0]
            heappop(heap)
        return None

    def advance(self, mono: int, most: int | None = None) -> list[K]:
        """Let time reach `mono`; returns and disarms the keys due by then, in order of due time, then of arming.

        All of them, or the first `most`; the others stay armed, for a time that is past.
        """
        mono = self._mono = max(mono, self._mono)
        heap, armed = self._heap, self._armed
        due: list[K] = []
        while heap and heap[0][0] <= mono and (most is None or len(due) < most):
            entry = heappop(heap)
            key = entry[2]
            if armed.get(key) is entry:
                del armed[key]
                due.append(key)
        return due

    def _tidy(self) -> None:
        if len(self._heap) > 2 * len(self._armed) + _SPARE:
            self._heap = list(self._armed.values())
            heapify(self._heap)
