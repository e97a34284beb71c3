"""Giving memory back: what a burst of requests needed and freed, the C library keeps unless it is asked.

A listing of ten thousand alerts is made of as many small pieces; freed, they stay in glibc's lists for the next one.
In a container with a hard limit that is memory the kernel counts against us.
"""

import contextlib
import ctypes
import gc
import time
from collections.abc import Iterator
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

_LONG: Final = 0.005
"""Seconds of a full collection after which what has survived it is looked at no more."""


_FULL: Final = 2
"""Collections of the middle generation until a full one is due, instead of ten: while state grows, a full one looks at
what came since the last, and of five times as much that takes 40 ms."""


class _Sparing:
    """A hook of the garbage collector: lets no full collection become long.

    A full collection stops the interpreter and looks through all that has ever survived: with some hundred thousand
    alerts in as many groups that is a tenth of a second, again and again while they come in. Nearly all of it is state,
    and state is freed when the last reference to it goes: what refers to itself says so and lets go (`Group.end`). So
    what a long collection has found alive is exempt from the next. What of it was part of a cycle after all (requests
    that were under way, a configuration since replaced) is freed when everything is looked at again (`give_back`).
    """

    def __init__(self) -> None:
        self._began = 0.0

    def __call__(self, phase: str, info: dict[str, int]) -> None:
        if info["generation"] != 2:
            return
        if phase == "start":
            self._began = time.perf_counter()
        elif time.perf_counter() - self._began > _LONG:
            gc.freeze()


def spare() -> None:
    """Keep large blocks out of the heap, the heap in two pieces, and what lives long out of Python's full collections.

    Called once, before threads start and before there is any state. What the program consists of lives as long as the
    process; looking through all of it again, with the interpreter at a standstill, is half of a full collection.

    glibc raises its threshold for large blocks to the largest one freed; after the first big answer the next would lie
    in the heap, with small blocks above it that keep it from shrinking. And it gives every thread a heap of its own.
    """
    gc.freeze()
    young, middle, _ = gc.get_threshold()
    gc.set_threshold(young, middle, _FULL)
    gc.callbacks.append(_Sparing())
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
            gc.freeze()
        gc.enable()


async def give_back() -> None:
    """Return freed memory to the system now and then, until cancelled; what is only garbage as a cycle, rarely."""
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
    afresh = trio.current_time() + _AFRESH
    while True:
        await trio.sleep(_EVERY)
        if trim is not None:
            await trio.to_thread.run_sync(trim, 0)
        if trio.current_time() >= afresh:
            afresh += _AFRESH
            gc.unfreeze()
