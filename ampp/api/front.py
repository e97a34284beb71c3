"""The short way for POST /api/v2/alerts: a connection's plainest requests, answered without Hypercorn or Quart.

Prometheus posts on keep-alive connections and nothing else; per request Hypercorn starts tasks, channels and timers
that cost more than taking in the alerts. So every connection begins here. A request is answered here when all of it is
plain: HTTP/1.1, exactly that path, well-formed headers, one Content-Length, no Expect, Transfer-Encoding, Upgrade or
`Connection: close`. Anything else, also later on the same connection, is handed to Hypercorn with every byte read so
far, and the connection stays there. The front therefore never judges a request it does not understand.

Slow clients: a request line and headers must be complete `_HEAD_TIME` seconds after their first byte, a body may pause
`_BODY_PAUSE` seconds; then the connection is closed.
"""

import re
import time
from email.utils import formatdate
from functools import lru_cache
from http import HTTPStatus
from typing import Any, Final

import trio

from ampp.api.reply import Reply
from ampp.api.shell import Shell

__all__ = ["Front", "Replay"]

_HEAD_TIME: Final = 30.0
_BODY_PAUSE: Final = 30.0
_LINGER: Final = 0.5
_LINGER_BYTES: Final = 16 << 20
_CHUNK: Final = 1 << 16

_END: Final = re.compile(rb"\n\r?\n")
_TOKEN: Final = rb"[!#$%&'*+\-.^_`|~0-9A-Za-z]+"
_HEADER: Final = re.compile(rb"(" + _TOKEN + rb"):[ \t]*([^\x00-\x08\x0a-\x1f\x7f]*?)[ \t]*\r\n")
_REFERRED: Final = frozenset((b"expect", b"transfer-encoding", b"upgrade", b"te", b"trailer"))
"""Headers that only Hypercorn understands."""


class Front:
    """All connections of one server. `prefix` as the shell's, `idle` seconds between requests, `head` bytes of one."""

    def __init__(self, shell: Shell, prefix: str, max_body: int, idle: float, head: int) -> None:
        self._shell: Final = shell
        self._start: Final = f"POST {prefix}/api/v2/alerts HTTP/1.1\r\n".encode()
        self._max_body: Final = max_body
        self._idle_time: Final = idle
        self._head_bytes: Final = head
        self._closing = False
        self._idle: set[trio.CancelScope] = set()

    def close(self) -> None:
        """Shut idle connections now and the others after the request they are at."""
        self._closing = True
        for scope in self._idle:
            scope.cancel()

    async def serve(self, stream: Any) -> bytes | None:
        """Answer what can be answered here. Returns the bytes for Hypercorn to begin with, or None: it is over."""
        buffer = bytearray()
        with trio.CancelScope() as scope:
            while not self._closing:
                end = await self._head(stream, buffer, scope)
                if end < 0:
                    return bytes(buffer) if buffer else None
                wanted = self._plain(buffer, end)
                if wanted is None:
                    return bytes(buffer)
                headers, size = wanted
                while len(buffer) < end + size:
                    scope.deadline = trio.current_time() + _BODY_PAUSE
                    data = await stream.receive_some(_CHUNK)
                    if not data:
                        return None
                    buffer += data
                scope.deadline = float("inf")
                body = bytes(memoryview(buffer)[end : end + size])
                del buffer[: end + size]
                reply, added = await self._shell.post_alerts(headers, body)
                await stream.send_all(_encoded(reply, added))
        return None

    async def _head(self, stream: Any, buffer: bytearray, scope: trio.CancelScope) -> int:
        """Read until a head is complete; where it ends, or -1 when there is nothing here to be understood."""
        searched = 0
        started = bool(buffer)
        while True:
            found = _END.search(buffer, max(0, searched - 2))
            if found is not None:
                return found.end()
            searched = len(buffer)
            if searched > self._head_bytes or (buffer and not 0x41 <= buffer[0] <= 0x5A):
                return -1
            if not started or searched == 0:
                scope.deadline = trio.current_time() + self._idle_time
            self._idle.add(scope)
            try:
                data = await stream.receive_some(_CHUNK)
            finally:
                self._idle.discard(scope)
            if not data:
                return -1
            if not started:
                started = True
                scope.deadline = trio.current_time() + _HEAD_TIME
            buffer += data

    def _plain(self, buffer: bytearray, end: int) -> tuple[dict[bytes, bytes], int] | None:
        """Headers (names in lower case) and size of body, if the request is one for here."""
        start = len(self._start)
        if not buffer.startswith(self._start):
            return None
        headers: dict[bytes, bytes] = {}
        at = start
        stop = end - 2
        while at < stop:
            match = _HEADER.match(buffer, at, stop)
            if match is None:
                return None
            name = bytes(match[1]).lower()
            if name in headers or name in _REFERRED:
                return None
            headers[name] = bytes(match[2])
            at = match.end()
        length = headers.get(b"content-length", b"")
        if b"host" not in headers or not length.isdigit() or len(length) > 12:
            return None
        if headers.get(b"connection", b"keep-alive").lower() != b"keep-alive":
            return None
        size = int(length)
        return (headers, size) if size <= self._max_body else None


class Replay:
    """A stream that first gives back bytes read from it before, and that closes so that the client hears why.

    Closing a socket that still holds unread data makes the system send a reset, which can overtake the answer (a 413, a
    431) on its way. So what the client is still sending is read and dropped for a moment first.
    """

    def __init__(self, stream: Any, data: bytes) -> None:
        self._stream = stream
        self._data = data
        self._ended = False

    async def receive_some(self, max_bytes: int | None = None) -> bytes:
        if self._data:
            data, self._data = self._data, b""
            return data
        received: bytes = await self._stream.receive_some(max_bytes)
        self._ended = not received
        return received

    async def aclose(self) -> None:
        try:
            if not self._ended:
                with trio.move_on_after(_LINGER):
                    dropped = 0
                    while dropped < _LINGER_BYTES and (data := await self._stream.receive_some(_CHUNK)):
                        dropped += len(data)
        except (trio.BrokenResourceError, trio.ClosedResourceError, trio.BusyResourceError):
            pass
        finally:
            await self._stream.aclose()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)


def _encoded(reply: Reply, added: tuple[tuple[str, str], ...]) -> bytes:
    """The answer as HTTP/1.1."""
    head = _known_head(reply.status, reply.content_type, reply.headers + added, int(time.time()))
    return b"%bcontent-length: %d\r\n\r\n%b" % (head, len(reply.body), reply.body)


@lru_cache(maxsize=64)
def _known_head(status: int, content_type: str | None, headers: tuple[tuple[str, str], ...], now: int) -> bytes:
    lines = [f"HTTP/1.1 {status} {HTTPStatus(status).phrase}"]
    lines += [f"{name.lower()}: {value}" for name, value in headers]
    if content_type is not None:
        lines.append(f"content-type: {content_type}")
    lines.append(f"date: {formatdate(now, usegmt=True)}")
    return "\r\n".join([*lines, ""]).encode("latin-1")
