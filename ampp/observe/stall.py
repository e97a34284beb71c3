"""How long the event loop was held up: how late one that waited for it would have been woken.

A stall of the loop delays notifications, answers and everything else alike; the design allows none above 50 ms. The
loop itself is watched while it runs, which costs nothing while it does not: waking twenty times a second is most of
what an idle daemon would take. What holds the whole process up shows by a timer that comes late, so there is one every
quarter of a second. The same task feeds systemd's watchdog, so that a loop which no longer turns gets the process
restarted.
"""

import time
from collections import deque
from collections.abc import Callable, Iterator
from typing import Final, TypeVar

import trio
from prometheus_client import Histogram

from ampp.core.clock import SECOND
from ampp.observe import systemd

__all__ = ["SLICE", "Pace", "Turns", "in_slices", "overlong", "rest", "watch"]

T = TypeVar("T")

SLICE: Final = 0.005
"""Seconds that a task with much to do works before it lets others have their turn."""

_TIMER = 0.25

_LONG: Final = 0.01
"""Seconds after which a turn of the loop is to come to its end."""

_SPELL: Final = 64
"""Things done between two looks at the clock."""

_REST: Final = 8
"""Turns that a task lets pass for others at most, however long those are."""


class Turns(trio.abc.Instrument):
    """Observes into `stall`, in seconds, how long one would have waited for the loop who was due at some moment of each
    `interval`: until the end of the turn that was on at that moment, or began next. `clock`: monotonic seconds."""

    def __init__(self, stall: Histogram, interval: float, clock: Callable[[], float] = time.perf_counter) -> None:
        self._observe = stall.observe
        self._interval = interval
        self._clock = clock
        self._begun = clock()
        self._due = self._begun + interval
        self._wake = float("inf")

    def age(self) -> float:
        """Seconds since the present turn of the loop began."""
        return self._clock() - self._begun

    def after_io_wait(self, timeout: float) -> None:
        # A timer that comes late is as bad as a turn that began when it should and took so long.
        now = self._clock()
        self._begun = now if now < self._wake else self._wake

    def before_io_wait(self, timeout: float) -> None:
        now = self._clock()
        if now >= self._due:
            self._observe(now - max(self._due, self._begun))
            self._due = now + self._interval
        self._wake = now + timeout


_turns: Final[trio.lowlevel.RunVar[Turns | None]] = trio.lowlevel.RunVar("stall.turns")


def overlong() -> bool:
    """Whether the present turn of the loop has lasted so long that what can wait is to wait for the next. Without a
    `watch`, never."""
    turns = _turns.get(None)
    return turns is not None and turns.age() > _LONG


async def rest() -> None:
    """Wait for a turn that is not `overlong`, a few turns at most: for tasks of which very many may go on at once.

    Once is not enough, as all that wait for the next turn go on in it together.
    """
    for _ in range(_REST):
        if not overlong():
            return
        await trio.lowlevel.checkpoint()


class Pace:
    """Does much a little at a time: between two pieces of its work, a task waits for `pause`.

    What it does between two pauses nobody else sees half done; what it reads may be otherwise after one.
    """

    __slots__ = ("_began", "_worked")

    def __init__(self) -> None:
        self._worked = 0.0
        self._began = time.perf_counter()

    @property
    def worked(self) -> float:
        """Seconds since it was made, but for those in which others had their turn."""
        return self._worked + time.perf_counter() - self._began

    def spell(self, things: deque[T]) -> Iterator[T]:
        """Take out and yield the first of the things, so many as may be done until the next `pause`; some dozens at
        least."""
        while things:
            for _ in range(min(_SPELL, len(things))):
                yield things.popleft()
            if time.perf_counter() - self._began > SLICE or overlong():
                return

    async def pause(self) -> None:
        """Let others have their turn, if this task has had its `SLICE` or the turn of the loop is `overlong`."""
        worked = time.perf_counter() - self._began
        if worked > SLICE or overlong():
            self._worked += worked
            await trio.lowlevel.checkpoint()
            self._began = time.perf_counter()


async def in_slices(batches: Iterator[list[T]]) -> list[T]:
    """All that the iterator yields. Lets other tasks run in between."""
    pace = Pace()
    views: list[T] = []
    for batch in batches:
        views += batch
        await pace.pause()
    return views


async def watch(stall: Histogram, *, interval: float = 0.05) -> None:
    """Observe into `stall`, in seconds, forever: run it as a task of its own and cancel it to end it.

    `interval`: seconds between two looks. The watchdog is fed at a third of the time it allows.
    """
    limit = systemd.watchdog_interval()
    feed_every = limit / SECOND / 3 if limit is not None else float("inf")
    turns = Turns(stall, interval)
    trio.lowlevel.add_instrument(turns)
    _turns.set(turns)
    try:
        fed = trio.current_time() - feed_every
        while True:
            due = trio.current_time()
            if due - fed >= feed_every:
                systemd.notify("WATCHDOG=1")
                fed = due
            await trio.sleep(min(_TIMER, feed_every))
    finally:
        trio.lowlevel.remove_instrument(turns)
