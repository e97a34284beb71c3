"""Connections to reuse, one httpx transport for each exchange under way.

One transport could serve all, but httpcore looks at each of its connections for each other one whenever a request
comes or goes: with sixty at once that is most of the work. A transport that only ever holds one connection has nothing
to look at.
"""

from collections import deque
from collections.abc import Callable
from typing import Final

import httpx
import trio

__all__ = ["Pool"]

_SPARE: Final = 16
"""Unused connections to keep."""

_IDLE: Final = 300.0
"""Seconds after which an unused connection is no longer kept."""


class Pool:
    """Transports made by `make`, for one way to one kind of destination."""

    def __init__(self, make: Callable[[], httpx.AsyncHTTPTransport]) -> None:
        self._make = make
        self._spare: deque[tuple[float, httpx.AsyncHTTPTransport]] = deque()
        self._closed = False

    def take(self) -> httpx.AsyncHTTPTransport:
        """A transport for one exchange, to be given back: the one that was used last, or a new one."""
        return self._spare.pop()[1] if self._spare else self._make()

    async def give(self, transport: httpx.AsyncHTTPTransport) -> None:
        """Take a transport back, and part with those that are too many or too old."""
        now = trio.current_time()
        self._spare.append((now, transport))
        while self._spare and (self._closed or len(self._spare) > _SPARE or self._spare[0][0] < now - _IDLE):
            await _close(self._spare.popleft()[1])

    async def aclose(self) -> None:
        """Close what is unused now, and what is under way when it is given back."""
        self._closed = True
        while self._spare:
            await _close(self._spare.popleft()[1])


async def _close(transport: httpx.AsyncHTTPTransport) -> None:
    with trio.CancelScope(shield=True):
        await transport.aclose()
