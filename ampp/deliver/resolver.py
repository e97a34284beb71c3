"""Looking up host names without one dead name server, or one name it cannot answer, delaying all the rest.

The system's resolver blocks, so it runs in threads. Those that trio shares out are few and everybody's: a name that
takes its time, asked for by sixty attempts at once, would leave none for a database or a password check. Here each
name has a few of its own.
"""

import socket
from functools import partial
from typing import Any, Final

import trio

__all__ = ["Resolver"]

_AT_ONCE: Final = 2
"""Threads that may ask for the same name at the same time."""


class Resolver(trio.abc.HostnameResolver):
    """The system's resolver; to be set with `trio.socket.set_custom_hostname_resolver`."""

    def __init__(self) -> None:
        # Per name, its threads and how many wait for an answer. A name nobody asks for any more is forgotten.
        self._asking: dict[bytes | str | None, tuple[trio.CapacityLimiter, int]] = {}

    async def getaddrinfo(
        self,
        host: bytes | str | None,
        port: bytes | str | int | None,
        family: int = 0,
        type: int = 0,  # noqa: A002 - the name is trio's
        proto: int = 0,
        flags: int = 0,
    ) -> Any:
        limiter, users = self._asking.get(host, (trio.CapacityLimiter(_AT_ONCE), 0))
        self._asking[host] = (limiter, users + 1)
        try:
            return await trio.to_thread.run_sync(
                partial(socket.getaddrinfo, host, port, family, type, proto, flags),
                limiter=limiter,
                abandon_on_cancel=True,
            )
        finally:
            limiter, users = self._asking[host]
            if users > 1 or limiter.borrowed_tokens:
                self._asking[host] = (limiter, users - 1)
            else:
                del self._asking[host]

    async def getnameinfo(self, sockaddr: Any, flags: int) -> tuple[str, str]:
        return await trio.to_thread.run_sync(socket.getnameinfo, sockaddr, flags, abandon_on_cancel=True)
