"""A real HTTP/1.1 server on loopback that answers as a test says, down to the byte and to when the connection ends."""

import contextlib
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import TypeAlias

import msgspec
import trio


class Request(msgspec.Struct):
    """What came in: `headers` with lower-case names in order; `connection` counts connections from 0."""

    method: str
    target: str
    headers: list[tuple[str, str]]
    body: bytes
    connection: int

    def header(self, name: str) -> str | None:
        """The header's value, several joined by commas, None if it is not there."""
        values = [value for key, value in self.headers if key == name.lower()]
        return ", ".join(values) if values else None


Answer: TypeAlias = Callable[[Request, trio.abc.Stream], Awaitable[None]]


def answer(status: int, body: bytes = b"", **headers: str) -> Answer:
    """Answer so; header names are given with underscores."""

    async def act(_request: Request, stream: trio.abc.Stream) -> None:
        lines = [f"HTTP/1.1 {status} X", f"Content-Length: {len(body)}"]
        lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
        await stream.send_all("\r\n".join([*lines, "", ""]).encode() + body)

    return act


async def hang(_request: Request, _stream: trio.abc.Stream) -> None:
    """Never answer."""
    await trio.sleep_forever()


async def close(_request: Request, stream: trio.abc.Stream) -> None:
    """Hang up without a word."""
    await stream.aclose()


async def garbage(_request: Request, stream: trio.abc.Stream) -> None:
    """Answer what is not HTTP."""
    await stream.send_all(b"hello there\r\n\r\n")
    await stream.aclose()


async def reset(_request: Request, stream: trio.abc.Stream) -> None:
    """Reset the connection."""
    import socket
    import struct

    assert isinstance(stream, trio.SocketStream)
    stream.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    await stream.aclose()


def endless(status: int, piece: bytes, every: float) -> Answer:
    """Answer with a body that never ends: `piece` again and again."""

    async def act(_request: Request, stream: trio.abc.Stream) -> None:
        await stream.send_all(f"HTTP/1.1 {status} X\r\nContent-Length: 1000000000\r\n\r\n".encode())
        with contextlib.suppress(trio.BrokenResourceError):
            while True:
                await stream.send_all(piece)
                await trio.sleep(every)

    return act


class Server:
    """Takes one step of `steps` per request, the last one for ever, and keeps what came in `requests`."""

    def __init__(self, *steps: Answer) -> None:
        self.steps = list(steps)
        self.requests: list[Request] = []
        self.connections = 0
        self.port = 0
        self.scheme = "http"

    @property
    def url(self) -> str:
        return f"{self.scheme}://127.0.0.1:{self.port}"

    async def serve(self, stream: trio.abc.Stream) -> None:
        connection, self.connections = self.connections, self.connections + 1
        buffer = bytearray()
        with contextlib.suppress(trio.BrokenResourceError, trio.ClosedResourceError, ssl.SSLError):
            while (request := await read(stream, buffer, connection)) is not None:
                self.requests.append(request)
                step = self.steps.pop(0) if len(self.steps) > 1 else self.steps[0]
                await step(request, stream)
        with contextlib.suppress(trio.BrokenResourceError):
            await stream.aclose()


async def read(stream: trio.abc.Stream, buffer: bytearray, connection: int) -> Request | None:
    while b"\r\n\r\n" not in buffer:
        data = await stream.receive_some()
        if not data:
            return None
        buffer += data
    head, _, rest = bytes(buffer).partition(b"\r\n\r\n")
    first, *lines = head.decode().split("\r\n")
    headers = [(name.lower(), value) for name, value in (line.split(": ", 1) for line in lines)]
    length = int(dict(headers).get("content-length", "0"))
    body = bytearray(rest)
    while len(body) < length:
        data = await stream.receive_some()
        if not data:
            return None
        body += data
    buffer[:] = body[length:]
    method, target, _ = first.split(" ")
    return Request(method, target, headers, bytes(body[:length]), connection)


@contextlib.asynccontextmanager
async def serving(*steps: Answer, tls: ssl.SSLContext | None = None) -> AsyncIterator[Server]:
    """A server for the time of the block, with TLS if `tls` is given."""
    server = Server(*steps)
    listeners = await trio.open_tcp_listeners(0, host="127.0.0.1")
    server.port = listeners[0].socket.getsockname()[1]
    wrapped: list[trio.abc.Listener[trio.abc.Stream]] = list(listeners)
    if tls is not None:
        server.scheme = "https"
        wrapped = [trio.SSLListener(one, tls, https_compatible=True) for one in listeners]
    async with trio.open_nursery() as nursery:
        nursery.start_soon(trio.serve_listeners, server.serve, wrapped)
        yield server
        nursery.cancel_scope.cancel()
