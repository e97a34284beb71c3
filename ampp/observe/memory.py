"""Giving memory back: what a burst of requests needed and freed, the C library keeps unless it is asked.

A listing of ten thousand alerts is made of as many small pieces; freed, they stay in glibc's lists for the next one.
In a container with a hard limit that is memory the kernel counts against us.
"""

import ctypes
from typing import Final

import trio

__all__ = ["give_back"]

_EVERY: Final = 10.0
"""Seconds between two calls; one takes about a millisecond of a thread's time."""


async def give_back() -> None:
    """Return freed memory to the system now and then, until cancelled. Does nothing without glibc."""
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
    if trim is None:
        return
    while True:
        await trio.sleep(_EVERY)
        await trio.to_thread.run_sync(trim, 0)
