"""How a connection to an influenced destination is made (`ampp.deliver.destination`)."""

import contextlib
import socket
import ssl
from collections.abc import Iterable
from typing import Any, Final

import httpcore
import httpx
import trio

from ampp.deliver.destination import Refused, check

__all__ = ["Dialler", "guarded"]


class Dialler(httpcore.AsyncNetworkBackend):
    """Dials for httpcore, and refuses what the level of the moment refuses (`Refused`)."""

    def __init__(self) -> None:
        self._inner: Final = httpcore.TrioBackend()

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.AsyncNetworkStream:
        # A name that cannot be looked up fails once more, in the inner one's words, when it is dialled.
        with trio.move_on_after(float("inf") if timeout is None else timeout), contextlib.suppress(OSError):
            found = await trio.socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
            check(str(entry[4][0]) for entry in found)
        stream = await self._inner.connect_tcp(host, port, timeout, local_address, socket_options)
        try:
            check((str(stream.get_extra_info("server_addr")[0]),))
        except Refused:
            await stream.aclose()
            raise
        return stream

    async def connect_unix_socket(
        self, path: str, timeout: float | None = None, socket_options: Iterable[Any] | None = None
    ) -> httpcore.AsyncNetworkStream:
        raise Refused("refused to dial a socket of this machine")

    async def sleep(self, seconds: float) -> None:
        await trio.sleep(seconds)


def guarded(transport: httpx.AsyncHTTPTransport, context: ssl.SSLContext, idle: float) -> httpx.AsyncHTTPTransport:
    """`transport`, dialling by `Dialler`; it has no argument for that. `idle`: seconds to keep a connection."""
    transport._pool = httpcore.AsyncConnectionPool(
        ssl_context=context,
        max_connections=None,
        max_keepalive_connections=None,
        keepalive_expiry=idle,
        network_backend=Dialler(),
    )
    return transport
