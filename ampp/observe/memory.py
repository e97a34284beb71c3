"""Giving memory back: what a burst of requests needed and freed, the C library keeps unless it is asked.

A listing of ten thousand alerts is made of as many small pieces; freed, they stay in glibc's lists for the next one.
In a container with a hard limit that is memory the kernel counts against us.
"""

import contextlib
import ctypes
import gc
import time
from collections.abc import Callable, Iterator
from typing import Final

import trio

__all__ = ["give_back", "spare", "undisturbed"]

_MMAP_THRESHOLD, _ARENA_MAX = -3, -8
"""glibc's names for what mallopt(3) sets."""

_LARGE: Final = 1 << 18

_EVERY: Final = 10.0
"""Seconds between two calls; one takes about a millisecond of a thread's time."""

_AFRESH: Final = 6 * 3600.0
"""Seconds after which everything is looked at again, once."""

_LONG: Final = 0.001
"""Seconds of a full collection after which what has survived it is looked at no more."""

_FULL: Final = 2
"""Collections of the middle generation until a full one is due, instead of ten: while state grows, a full one looks at
what came since the last, and of five times as much that takes 40 ms."""

_GROUP: Final = 8
"""Objects that the collector counts of a group, at most; of an alert in a large group there is none."""

_SLACK: Final = 150_000
"""Objects more than that until everything is looked at again. Loading what is loaded late makes some 60,000. Garbage of
so many takes some forty megabytes; to look at all of it and what the program consists of, two tenths of a second."""


class _Sparing:
    """A hook of the garbage collector: lets no full collection become long.

    A full collection stops the interpreter and looks through all that has ever survived: with some hundred thousand
    alerts in as many groups that is a tenth of a second, again and again while they come in. Nearly all of it is state,
    and state is freed when the last reference to it goes: what refers to itself says so and lets go (`Group.end`). So
    what a long collection has found alive is exempt from the next.

    What of it was part of a cycle after all (connections that were being opened, a configuration since replaced) is
    freed when everything is looked at again: when more is exempt than the state explains, and every few hours.
    """

    def __init__(self) -> None:
        self._began = 0.0
        self._known = 0
        self._spared = 0
        self._afresh = False

    def __call__(self, phase: str, info: dict[str, int]) -> None:
        if info["generation"] != 2 or self._afresh:
            return
        if phase == "start":
            self._began = time.perf_counter()
        elif time.perf_counter() - self._began > _LONG:
            self.exempt(len(gc.get_objects(2)))

    def exempt(self, objects: int) -> None:
        """From now on, pass over all that is there; so many `objects` of it had not been exempt."""
        self._spared += objects
        gc.freeze()

    def overdue(self, groups: int) -> bool:
        """Whether more has been exempt since everything was looked at than so many groups explain."""
        most = _SLACK + _GROUP * groups
        if self._spared > most:
            # What has been freed since is counted no more. That takes some milliseconds, so it is not done each time.
            self._spared = gc.get_freeze_count() - self._known
        return self._spared > most

    def look_afresh(self) -> None:
        """Look at everything, and free what is garbage."""
        self._afresh = True
        gc.unfreeze()
        gc.collect()
        self._afresh = False
        self.exempt_all()

    def exempt_all(self) -> None:
        """From now on, pass over all that is there; none of it is garbage."""
        gc.freeze()
        self._known, self._spared = gc.get_freeze_count(), 0


_sparing: Final = _Sparing()


def spare() -> None:
    """Keep large blocks out of the heap, the heap in two pieces, and what lives long out of Python's full collections.

    Called once, before threads start and before there is any state. What the program consists of lives as long as the
    process; looking through all of it again, with the interpreter at a standstill, is half of a full collection.

    glibc raises its threshold for large blocks to the largest one freed; after the first big answer the next would lie
    in the heap, with small blocks above it that keep it from shrinking. And it gives every thread a heap of its own.
    """
    _sparing.exempt_all()
    young, middle, _ = gc.get_threshold()
    gc.set_threshold(young, middle, _FULL)
    gc.callbacks.append(_sparing)
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is not None:
        mallopt(_MMAP_THRESHOLD, _LARGE)
        mallopt(_ARENA_MAX, 2)


@contextlib.contextmanager
def undisturbed() -> Iterator[None]:
    """Put off garbage collections until the end of the block: where very much is made, nearly all of it to stay, they
    would take a third of the time. What was made in a long one is exempt from them, as the first alone, with the
    interpreter at a standstill, would look through it for as long."""
    began = time.perf_counter()
    gc.disable()
    try:
        yield
    finally:
        if time.perf_counter() - began > _LONG:
            _sparing.exempt(gc.get_count()[0])
        gc.enable()


async def give_back(groups: Callable[[], int]) -> None:
    """Return freed memory to the system now and then, until cancelled; what is only garbage as a cycle when there is
    much of it, or rarely. `groups` tells how many there are."""
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
    afresh = trio.current_time() + _AFRESH
    while True:
        await trio.sleep(_EVERY)
        if trio.current_time() >= afresh or _sparing.overdue(groups()):
            afresh = trio.current_time() + _AFRESH
            _sparing.look_afresh()
        if trim is not None:
            await trio.to_thread.run_sync(trim, 0)
