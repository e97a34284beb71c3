"""A hierarchical timing wheel: 100,000 timers, each armed or cancelled in constant time, and no clock of its own.

Theory of operation. Time is cut into ticks of `resolution` nanoseconds, counted from the wheel's origin. A tick number
is read as digits of base 256; level 0 holds the lowest digit. A key waits at the level of the highest digit in which
its tick differs from the current tick, in the slot of its own digit there:

    current tick  00 02 07          tick 00 02 31 waits at level 0, slot 31
                                    tick 00 05 00 waits at level 1, slot 05
                                    tick 01 00 00 waits at level 2, slot 01

Invariants:

- The place of a key follows from its due time and the current tick alone, so no place is stored. This stays true as
  time goes on because `advance` moves a slot's keys down whenever the current tick enters that slot.
- All keys of a lower level are due before all keys of a higher one, and inside a level slots are due in their order.
  The earliest key is therefore in the first slot of the first level that holds anything.
- The earliest time in a slot is remembered until its holder leaves: when the first group of thousands has had its turn,
  the others, which wait in one slot, need not all be asked for the next one.
- A key armed for a time already past waits in the current slot, and is due at the next `advance`.
- Time never runs backwards: an earlier time given to `advance` is taken as the latest one seen.

Slots never hold ticks of the past, so a jump of hours touches each waiting key at most once, however many ticks it
skips.
"""

from collections.abc import Hashable
from typing import Generic, TypeVar

from ampp.core.clock import MILLISECOND

__all__ = ["Wheel"]

K = TypeVar("K", bound=Hashable)

_BITS = 8
_MASK = (1 << _BITS) - 1


class Wheel(Generic[K]):
    """Timers by key, on a monotonic clock of the caller's in nanoseconds.

    `mono` is the time at which the wheel starts, `resolution` the width of a tick in nanoseconds. The resolution only
    shapes the wheel: `advance` is exact to the nanosecond, neither early nor late.
    """

    __slots__ = (
        "_armed",
        "_firsts",
        "_levels",
        "_mono",
        "_next",
        "_origin",
        "_resolution",
        "_sequence",
        "_stale",
        "_tick",
    )

    def __init__(self, mono: int = 0, resolution: int = MILLISECOND) -> None:
        if resolution < 1:
            raise ValueError("resolution must be at least one nanosecond")
        self._origin = mono
        self._resolution = resolution
        self._mono = mono
        self._tick = 0
        self._levels: list[dict[int, set[K]]] = []
        # The earliest due time in each slot of each level, where it is known.
        self._firsts: list[dict[int, int]] = []
        # key -> (due, sequence): the sequence makes the order of keys due at the same instant that of their arming.
        self._armed: dict[K, tuple[int, int]] = {}
        self._sequence = 0
        # The earliest due time, known unless stale: it can only become stale when its holder leaves.
        self._next: int | None = None
        self._stale = False

    def __len__(self) -> int:
        return len(self._armed)

    def __contains__(self, key: object) -> bool:
        return key in self._armed

    def arm(self, key: K, at: int) -> None:
        """Make `key` due at `at`, instead of at whatever time it was armed for before. A past `at` is due at once."""
        if key in self._armed:
            self.cancel(key)
        self._sequence += 1
        self._armed[key] = (at, self._sequence)
        self._place(key, at)
        if not self._stale and (self._next is None or at < self._next):
            self._next = at

    def cancel(self, key: K) -> bool:
        """Forget `key`; says whether it was armed."""
        entry = self._armed.pop(key, None)
        if entry is None:
            return False
        at = entry[0]
        level, digit = self._locate(at)
        slots = self._levels[level]
        slot = slots[digit]
        slot.remove(key)
        firsts = self._firsts[level]
        if firsts.get(digit) == at:
            del firsts[digit]
        if not slot:
            del slots[digit]
        if at == self._next:
            self._stale = True
        return True

    def due_at(self, key: K) -> int | None:
        """The time for which `key` is armed, or None."""
        entry = self._armed.get(key)
        return None if entry is None else entry[0]

    def next_due(self) -> int | None:
        """The earliest time for which any key is armed (it may already be past), or None for an empty wheel."""
        if self._stale:
            self._next = self._earliest()
            self._stale = False
        return self._next

    def advance(self, mono: int) -> list[K]:
        """Let time reach `mono`; returns and disarms every key due by then, in order of due time, then of arming."""
        mono = self._mono = max(mono, self._mono)
        reached = (mono - self._origin) // self._resolution
        following = self.next_due()
        if following is None or following > mono:
            # Nothing is due, but the wheel may still turn: the slots entered must be moved down.
            if reached != self._tick:
                self._turn(reached)
            return []
        due = self._turn(reached)
        armed = self._armed
        slots = self._levels[0] if self._levels else {}
        here = slots.get(reached & _MASK)
        if here is not None:
            ripe = [key for key in here if armed[key][0] <= mono]
            due += ripe
            here.difference_update(ripe)
            self._firsts[0].pop(reached & _MASK, None)
            if not here:
                del slots[reached & _MASK]
        due.sort(key=armed.__getitem__)
        for key in due:
            del armed[key]
        self._stale = True
        return due

    def _locate(self, at: int) -> tuple[int, int]:
        tick = (at - self._origin) // self._resolution
        differing = tick ^ self._tick
        if tick <= self._tick or differing <= _MASK:
            return 0, max(tick, self._tick) & _MASK
        level = (differing.bit_length() - 1) // _BITS
        return level, tick >> level * _BITS & _MASK

    def _place(self, key: K, at: int) -> None:
        level, digit = self._locate(at)
        levels = self._levels
        while len(levels) <= level:
            levels.append({})
            self._firsts.append({})
        slot, firsts = levels[level].get(digit), self._firsts[level]
        if slot is None:
            levels[level][digit] = {key}
            firsts[digit] = at
        else:
            slot.add(key)
            if at < firsts.get(digit, at):
                firsts[digit] = at

    def _turn(self, tick: int) -> list[K]:
        """Make `tick` current; takes out and returns, in no order, the keys of all ticks before it."""
        passed: list[K] = []
        differing = tick ^ self._tick
        if not differing:
            return passed
        top = (differing.bit_length() - 1) // _BITS
        digit = tick >> top * _BITS & _MASK
        for slots in self._levels[:top]:
            for slot in slots.values():
                passed += slot
            slots.clear()
        for firsts in self._firsts[:top]:
            firsts.clear()
        entered: set[K] = set()
        if top < len(self._levels):
            slots, firsts = self._levels[top], self._firsts[top]
            for past in [d for d in slots if d < digit]:
                passed += slots.pop(past)
                firsts.pop(past, None)
            if top:
                entered = slots.pop(digit, entered)
                firsts.pop(digit, None)
        self._tick = tick
        for key in entered:
            at = self._armed[key][0]
            if (at - self._origin) // self._resolution < tick:
                passed.append(key)
            else:
                self._place(key, at)
        return passed

    def _earliest(self) -> int | None:
        for slots, firsts in zip(self._levels, self._firsts, strict=True):
            if slots:
                digit = min(slots)
                first = firsts.get(digit)
                if first is None:
                    armed = self._armed
                    first = firsts[digit] = min(armed[key][0] for key in slots[digit])
                return first
        return None
