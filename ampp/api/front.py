"""The short way for POST /api/v2/alerts and /silences: plain requests, answered without Hypercorn or Quart.

Prometheus posts on keep-alive connections and nothing else; per request Hypercorn starts tasks, channels and timers
that cost more than taking in the alerts. So every connection begins here. A request is answered here when all of it is
plain: HTTP/1.1, exactly one of those paths, a body, well-formed headers, one Content-Length, no Expect,
Transfer-Encoding, Upgrade or `Connection: close`. Anything else, also later on the same connection, is handed to
Hypercorn with every byte read so far, and the connection stays there. The front therefore never judges a request it
does not understand.

Slow clients: a request line and headers must be complete `_HEAD_TIME` seconds after their first byte, a body may pause
`_BODY_PAUSE` seconds; then the connection is closed.
"""

import os
import re
import time
from email.utils import formatdate
from functools import lru_cache
from http import HTTPStatus
from typing import Any, Final, TypeAlias

import trio

from ampp.api.reply import Reply
from ampp.api.shell import POSTS, Shell
from ampp.observe import stall

__all__ = ["Front", "Replay"]

_HEAD_TIME: Final = 30.0
_BODY_PAUSE: Final = 30.0
_LINGER: Final = 0.5
_LINGER_BYTES: Final = 16 << 20
_CHUNK: Final = 1 << 16

_KNOWN_HEADS: Final = 1024
_KNOWN_HEAD: Final = 2048
"""How many heads are remembered, and of how many bytes at most."""

_HEAD_END: Final = b"\r\n\r\n"
_END: Final = re.compile(rb"\n\r?\n")
_TOKEN: Final = rb"[!#$%&'*+\-.^_`|~0-9A-Za-z]+"
_HEADER: Final = re.compile(rb"(" + _TOKEN + rb"):[ \t]*([^\x00-\x08\x0a-\x1f\x7f]*?)[ \t]*\r\n")
_REFERRED: Final = frozenset((b"expect", b"transfer-encoding", b"upgrade", b"te", b"trailer"))
"""Headers that only Hypercorn understands."""


class Front:
    """All connections of one server. `prefix` as the shell's, `idle` seconds between requests, `head` bytes of one."""

    def __init__(self, shell: Shell, prefix: str, max_body: int, idle: float, head: int) -> None:
        self._shell: Final = shell
        self._paths: Final = {f"POST {prefix}{path} HTTP/1.1\r\n".encode(): path for path in POSTS}
        self._max_body: Final = max_body
        self._idle_time: Final = idle
        self._head_bytes: Final = head
        self._closing = False
        self._idle: set[trio.CancelScope] = set()
        self._heads: dict[bytes, _Wanted] = {}

    def close(self) -> None:
        """Shut idle connections now and the others after the request they are at."""
        self._closing = True
        for scope in self._idle:
            scope.cancel()

    async def serve(self, stream: Any) -> bytes | None:
        """Answer what can be answered here. Returns the bytes for Hypercorn to begin with, or None: it is over."""
        line = _Socket(stream.socket) if isinstance(stream, trio.SocketStream) else stream
        data = b""
        with trio.CancelScope() as scope:
            while not self._closing:
                end = data.find(_HEAD_END) + 4
                if end < 4:
                    data, end = await self._head(line, data, scope)
                    if end < 0:
                        return data or None
                wanted = self._wanted(data[:end])
                if wanted is None:
                    return data
                path, headers, size = wanted
                end += size
                if len(data) < end:
                    data = await self._rest(line, data, end, scope)
                    if len(data) < end:
                        return None
                reply, added = await self._shell.post(path, headers, data[end - size : end])
                data = data[end:]
                await line.send_all(_encoded(reply, added))
                if data:
                    # Whoever sends without waiting for answers must not keep the others from their turn.
                    await trio.lowlevel.checkpoint()
        return None

    async def _head(self, line: Any, data: bytes, scope: trio.CancelScope) -> tuple[bytes, int]:
        """Read until a head is complete: all that was read, and where the head ends, or -1 when there is nothing here
        to be understood."""
        searched = 0
        while True:
            found = _END.search(data, max(0, searched - 2))
            if found is not None:
                return data, found.end()
            searched = len(data)
            if len(data) > self._head_bytes or (data and not 0x41 <= data[0] <= 0x5A):
                return data, -1
            now = trio.current_time()
            if not data:
                # Moved seldom, since moving a deadline costs more than finding it somewhat early or late.
                if not self._idle_time / 2 < scope.deadline - now <= self._idle_time:
                    scope.deadline = now + self._idle_time
            elif scope.deadline - now > _HEAD_TIME:
                scope.deadline = now + _HEAD_TIME
            self._idle.add(scope)
            try:
                more = await line.receive_some(_CHUNK)
            finally:
                self._idle.discard(scope)
            if not more:
                return data, -1
            data = data + more if data else more

    async def _rest(self, line: Any, data: bytes, end: int, scope: trio.CancelScope) -> bytes:
        """Read on until there are `end` bytes; fewer when the client hung up."""
        parts, have = [data], len(data)
        while have < end:
            scope.deadline = trio.current_time() + _BODY_PAUSE
            more = await line.receive_some(_CHUNK)
            if not more:
                break
            parts.append(more)
            have += len(more)
            # Megabytes that are all there already are read without waiting for anything.
            await stall.rest()
        scope.deadline = trio.current_time() + self._idle_time
        return b"".join(parts)

    def _wanted(self, head: bytes) -> "_Wanted | None":
        """What a request's head asks for, if the request is one for here.

        A client's heads differ in nothing but the body's size, and are remembered whole.
        """
        wanted = self._heads.get(head)
        if wanted is None:
            wanted = self._parsed(head)
            if wanted is not None and len(head) <= _KNOWN_HEAD:
                if len(self._heads) >= _KNOWN_HEADS:
                    self._heads.clear()
                self._heads[head] = wanted
        return wanted

    def _parsed(self, head: bytes) -> "_Wanted | None":
        at = head.find(b"\n") + 1
        path = self._paths.get(head[:at])
        if path is None:
            return None
        headers: dict[bytes, bytes] = {}
        stop = len(head) - 2
        while at < stop:
            match = _HEADER.match(head, at, stop)
            if match is None:
                return None
            name = match[1].lower()
            if name in headers or name in _REFERRED:
                return None
            headers[name] = match[2]
            at = match.end()
        length = headers.get(b"content-length", b"")
        if b"host" not in headers or not length.isdigit() or len(length) > 12:
            return None
        if headers.get(b"connection", b"keep-alive").lower() != b"keep-alive":
            return None
        size = int(length)
        return (path, headers, size) if 0 < size <= self._max_body else None


_Wanted: TypeAlias = tuple[str, dict[bytes, bytes], int]
"""A request's path, its headers, their names in lower case, and the size of its body."""


class _Socket:
    """A connection without TLS, read and written with as little as can be between it and the system."""

    def __init__(self, socket: trio.socket.SocketType) -> None:
        self._number = socket.fileno()
        self._answered = False

    async def receive_some(self, max_bytes: int) -> bytes:
        """What has come, at most `max_bytes`; nothing when the client has hung up. Raises OSError."""
        if self._answered:
            # What comes next is an answer to ours, and cannot be there yet.
            self._answered = False
            await trio.lowlevel.wait_readable(self._number)
        while True:
            try:
                return os.read(self._number, max_bytes)
            except BlockingIOError:
                await trio.lowlevel.wait_readable(self._number)

    async def send_all(self, data: bytes) -> None:
        """Raises OSError."""
        sent = 0
        while sent < len(data):
            try:
                sent += os.write(self._number, data[sent:] if sent else data)
            except BlockingIOError:
                await trio.lowlevel.wait_writable(self._number)
        self._answered = True


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

    async def abort(self) -> None:
        """Hang up at once, also on who is writing: a client that reads nothing would hold that up for ever."""
        await trio.aclose_forcefully(self._stream)

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
