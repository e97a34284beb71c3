"""What is kept for reuse once an exchange is over: connections, each under the way and the destination it serves."""

from collections.abc import Hashable
from typing import Final, Generic, Protocol, TypeVar

import trio

__all__ = ["IDLE", "Closable", "Pool"]

_SPARE: Final = 64
"""Unused connections to keep: as many as one integration has attempts under way (`ampp.deliver.worker`)."""

IDLE: Final = 300.0
"""Seconds after which an unused connection is no longer kept."""

_FAREWELL: Final = 1.0
"""Seconds that a connection may take to close in good order."""


class Closable(Protocol):
    """Something with an end of its own."""

    async def aclose(self) -> None: ...


T = TypeVar("T", bound=Closable)


class Pool(Generic[T]):
    """Unused connections of one integration, in the order in which they were given back."""

    def __init__(self) -> None:
        self._spare: list[tuple[float, Hashable, T]] = []
        self._closed = False

    def take(self, key: Hashable) -> T | None:
        """The connection under `key` that was used last, if there is one; to be given back unless it has ended."""
        spare = self._spare
        for at in range(len(spare) - 1, -1, -1):
            if spare[at][1] == key:
                return spare.pop(at)[2]
        return None

    async def give(self, key: Hashable, one: T) -> None:
        """Take a connection back, and part with those that are too many or too old."""
        now = trio.current_time()
        self._spare.append((now, key, one))
        while self._spare and (self._closed or len(self._spare) > _SPARE or self._spare[0][0] < now - IDLE):
            await close(self._spare.pop(0)[2])

    async def aclose(self) -> None:
        """Close what is unused now, and what is under way when it is given back."""
        self._closed = True
        while self._spare:
            await close(self._spare.pop(0)[2])


async def close(one: Closable) -> None:
    """Close in good order, soon and whatever happens."""
    with trio.CancelScope(shield=True, deadline=trio.current_time() + _FAREWELL):
        await one.aclose()
