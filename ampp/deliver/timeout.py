"""The `timeout` of a receiver: how long one attempt may wait for its answer."""

from collections.abc import Awaitable, Callable
from typing import TypeVar

import trio

from ampp.core.clock import SECOND
from ampp.core.duration import format_go
from ampp.deliver.sender import SendError

__all__ = ["limited"]

T = TypeVar("T")


async def limited(receiver: str, timeout: int, attempt: Callable[[], Awaitable[T]]) -> T:
    """What `attempt` yields within `timeout` nanoseconds (0 or less: no limit); `receiver` is the type's name.

    Raises `SendError`, to be tried again, when the time is over.
    """
    if timeout <= 0:
        return await attempt()
    with trio.move_on_after(timeout / SECOND):
        return await attempt()
    why = f"configured {receiver} timeout reached ({format_go(timeout)})"
    raise SendError(f'Post "<redacted>": {why}', retry=True)
