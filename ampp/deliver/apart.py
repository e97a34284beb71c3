"""What takes long for a notification, rendering above all, done beside the event loop: in threads, few at a time.

All of it is Python, so more threads would do no more of it. They would only take turns at the interpreter lock, and
whenever the event loop has let go of that, as it does for every look at a socket, it would have to wait for them all.
"""

from collections.abc import Callable
from typing import Final, TypeVar, TypeVarTuple, Unpack

import trio

__all__ = ["apart"]

_Given = TypeVarTuple("_Given")
_Result = TypeVar("_Result")

_AT_ONCE: Final = 2
"""Two, so that one template which takes its time does not keep all others waiting."""

_places: Final[trio.lowlevel.RunVar[trio.CapacityLimiter]] = trio.lowlevel.RunVar("deliver.apart")


async def apart(work: Callable[[Unpack[_Given]], _Result], *given: *_Given) -> _Result:
    """The result of `work(*given)`, which runs in a thread."""
    try:
        places = _places.get()
    except LookupError:
        places = trio.CapacityLimiter(_AT_ONCE)
        _places.set(places)
    return await trio.to_thread.run_sync(work, *given, limiter=places)
