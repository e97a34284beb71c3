"""HTTP/1.1 with a server that is dialled directly: one request and its answer at a time on a connection that is kept.

Theory of operation. Most requests are plain, of well-formed lines that say nothing but how long the body is; and so are
most answers: a whole head in what is read first, with one Content-Length. Those are written and read here, for a tenth
of what h11 takes. Any other request is h11's, which refuses what must not be in one, and any other answer, from its
first byte on. Nothing is judged here that is not understood.

An answer's connection is kept when the answer was read to its end and neither side wants it closed. A kept one that the
server has closed meanwhile, or has said something on, is not used again.

Errors are those of httpx, by which `ampp.deliver.fault` names them, as for requests that go through a proxy.
"""

import contextlib
import os
import re
import socket
import ssl
from collections.abc import AsyncIterable, Awaitable, Callable, Iterable, Iterator
from typing import Final, Protocol, TypeAlias

import h11
import httpx
import trio

from ampp.deliver import destination
from ampp.deliver.dial import dial
from ampp.deliver.pool import Pool

__all__ = ["CONNECT_WAIT", "DEFAULT_PORTS", "Headers", "Response", "Wire"]

CONNECT_WAIT: Final = 15.0
"""Seconds for a connection, and again for its TLS handshake. Shorter than the system's, so that more is tried."""

DEFAULT_PORTS: Final = {"http": 80, "https": 443, "socks5": 1080, "socks5h": 1080}

_CHUNK: Final = 1 << 16
_HEAD_BYTES: Final = 100 << 10
"""Bytes of an answer's head."""

_TOGETHER: Final = 1 << 16
"""Bytes of a body up to which it is sent in one piece with its head."""

_TOKEN: Final = rb"[!#$%&'*+\-.^_`|~0-9A-Za-z]+"
_STATUS: Final = re.compile(rb"HTTP/1\.1 ([2-9][0-9][0-9])(?: [\t -~]*)?\r\n")
_LINE: Final = re.compile(rb"(" + _TOKEN + rb"):[ \t]*((?:[!-~]+(?:[ \t]+[!-~]+)*)?)[ \t]*\r\n")
_UNPLAIN: Final = frozenset((b"transfer-encoding", b"upgrade", b"trailer"))

_HEAD: Final = re.compile(
    rb"[A-Z]+ [!-~]+ HTTP/1\.1\r\n(?:" + _TOKEN + rb": (?:[!-~\x80-\xff]+(?:[ \t]+[!-~\x80-\xff]+)*)?\r\n)+\r\n"
)
_SPECIAL: Final = frozenset((b"connection", b"transfer-encoding", b"upgrade", b"expect", b"te", b"trailer"))


class Headers(Protocol):
    """A mapping of header names, in any case, to values; several of one name are joined by commas."""

    def get(self, name: str, default: str = "", /) -> str: ...


class Response(Protocol):
    """The head of an answer and a stream of its body, to be closed in any case."""

    @property
    def status_code(self) -> int: ...

    @property
    def headers(self) -> Headers: ...

    @property
    def stream(self) -> AsyncIterable[bytes]: ...

    def at_hand(self) -> bytes | None:
        """The body, instead of the stream, if it is there already and somebody knows."""

    async def aclose(self) -> None: ...


class Wire:
    """The connections of one integration to where it sends without a proxy. `context` is for TLS."""

    def __init__(self, context: ssl.SSLContext) -> None:
        self._context: Final = context
        self._pool: Final[Pool[_Line]] = Pool()

    async def exchange(
        self, method: str, url: httpx.URL, fields: list[tuple[bytes, bytes]], body: bytes | None, guarded: bool
    ) -> Response:
        """Send a request with these header lines and wait for the head of its answer.

        `guarded`: only to addresses that the level of the moment does not refuse. Raises `destination.Refused`,
        `httpx.TransportError`.
        """
        turn: h11.Connection | None = None
        head = _plain_head(method, url, fields, body)
        if head is None:
            turn, head = _turn(method, url, fields, body)
        key = (url.scheme, url.raw_host, url.port, guarded)
        line = self._kept(key) or await self._dialled(url, guarded)
        done = False
        try:
            await line.send(head, body or b"")
            data = await line.receive()
            plain = None if method == "HEAD" or turn is not None else _plain(data)
            if plain is None:
                turn = turn or _turn(method, url, fields, body)[0]
                answer = await _read_by(turn, line, data)
            else:
                status, lines, size, lasting, start = plain
                answer = _Response(status, lines, _Measured(line, data[start:], size, lasting))
            answer.release = lambda lasting: self._release(key, line, lasting)
            done = True
            return answer
        finally:
            if not done:
                await trio.aclose_forcefully(line.stream)

    async def aclose(self) -> None:
        """Close what is unused now, and what is under way when it is over."""
        await self._pool.aclose()

    def _kept(self, key: tuple[object, ...]) -> "_Line | None":
        while (line := self._pool.take(key)) is not None:
            if not line.raw.is_readable():
                return line
            line.raw.close()
        return None

    async def _release(self, key: tuple[object, ...], line: "_Line", lasting: bool) -> None:
        if lasting:
            await self._pool.give(key, line)
        else:
            await trio.aclose_forcefully(line.stream)

    async def _dialled(self, url: httpx.URL, guarded: bool) -> "_Line":
        host, port = url.raw_host.decode("ascii"), url.port or DEFAULT_PORTS[url.scheme]
        with _connecting():
            tcp = await _dial(host, port, guarded)
        if url.scheme != "https":
            return _Line(tcp, tcp.socket)
        tls = trio.SSLStream(tcp, self._context, server_hostname=host, https_compatible=True)
        try:
            with _connecting():
                await tls.do_handshake()
        except BaseException:
            await trio.aclose_forcefully(tcp)
            raise
        return _Line(tls, tcp.socket)


@contextlib.contextmanager
def _connecting() -> Iterator[None]:
    try:
        with trio.fail_after(CONNECT_WAIT):
            yield
    except trio.TooSlowError as error:
        raise httpx.ConnectTimeout("") from error
    except (OSError, trio.BrokenResourceError) as error:
        raise httpx.ConnectError(str(error)) from error


async def _dial(host: str, port: int, guarded: bool) -> trio.SocketStream:
    if not guarded:
        return await dial(host, port)
    # A name that cannot be looked up fails once more, in the usual words, when it is dialled.
    with contextlib.suppress(OSError):
        found = await trio.socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        destination.check(str(entry[4][0]) for entry in found)
    stream = await dial(host, port)
    try:
        destination.check((str(stream.socket.getpeername()[0]),))
    except destination.Refused:
        await trio.aclose_forcefully(stream)
        raise
    return stream


class _Line:
    """A connection: its stream, and the socket at the bottom of it, which without TLS is used directly."""

    def __init__(self, stream: trio.abc.Stream, raw: trio.socket.SocketType) -> None:
        self.stream = stream
        self.raw = raw
        self._number = raw.fileno() if isinstance(stream, trio.SocketStream) else -1

    async def send(self, head: bytes, body: bytes) -> None:
        # Who hangs up on a request may have answered it before, so that is not the last word.
        with contextlib.suppress(trio.BrokenResourceError, OSError):
            if len(body) <= _TOGETHER:
                await self._send(head + body)
            else:
                await self._send(head)
                await self._send(body)

    async def _send(self, data: bytes) -> None:
        if self._number < 0:
            await self.stream.send_all(data)
            return
        rest = memoryview(data)
        while rest:
            try:
                rest = rest[os.write(self._number, rest) :]
            except BlockingIOError:
                await trio.lowlevel.wait_writable(self._number)

    async def receive(self) -> bytes:
        try:
            if self._number < 0:
                return bytes(await self.stream.receive_some(_CHUNK))
            while True:
                await trio.lowlevel.wait_readable(self._number)
                with contextlib.suppress(BlockingIOError):
                    return os.read(self._number, _CHUNK)
        except (trio.BrokenResourceError, OSError) as error:
            raise httpx.ReadError(str(error)) from error

    async def aclose(self) -> None:
        await self.stream.aclose()


class _Fields:
    """Header lines as they came, their names in lower case."""

    def __init__(self, lines: Iterable[tuple[bytes, bytes]]) -> None:
        self._lines: Final = lines

    def get(self, name: str, default: str = "", /) -> str:
        wanted = name.lower().encode()
        found = [value for key, value in self._lines if key == wanted]
        return _text(b", ".join(found)) if found else default


def _text(value: bytes) -> str:
    try:
        return value.decode()
    except UnicodeDecodeError:
        return value.decode("latin-1")


def _plain_head(method: str, url: httpx.URL, fields: list[tuple[bytes, bytes]], body: bytes | None) -> bytes | None:
    """A plain request's head."""
    lines = [b"%b %b HTTP/1.1" % (method.encode(), url.raw_path), *(b"%b: %b" % field for field in fields), b"", b""]
    head = b"\r\n".join(lines)
    # A line break inside of a line would make one more of them.
    if head.count(b"\r\n") != len(lines) - 1 or _HEAD.fullmatch(head) is None:
        return None
    names = [name.lower() for name, _ in fields]
    sizes = [value for name, (_, value) in zip(names, fields, strict=True) if name == b"content-length"]
    if names.count(b"host") != 1 or not _SPECIAL.isdisjoint(names):
        return None
    return head if sizes == ([] if body is None else [b"%d" % len(body)]) else None


def _turn(
    method: str, url: httpx.URL, fields: list[tuple[bytes, bytes]], body: bytes | None
) -> tuple[h11.Connection, bytes]:
    """h11's view of a request that was sent, and the head it has written. Raises `httpx.LocalProtocolError`."""
    turn = h11.Connection(h11.CLIENT, max_incomplete_event_size=_HEAD_BYTES)
    try:
        head = turn.send(h11.Request(method=method, target=url.raw_path, headers=fields)) or b""
        if body:
            turn.send(h11.Data(data=body))
        turn.send(h11.EndOfMessage())
    except h11.LocalProtocolError as error:
        raise httpx.LocalProtocolError(str(error)) from error
    return turn, head


_Release: TypeAlias = Callable[[bool], Awaitable[None]]


class _Response:
    """See `Response`. `release` is told, once, whether the connection can be used again."""

    release: _Release

    def __init__(self, status: int, lines: Iterable[tuple[bytes, bytes]], stream: "_Measured | _Parsed") -> None:
        self.status_code: Final = status
        self.headers: Final = _Fields(lines)
        self.stream: Final = stream
        self._open = True

    def at_hand(self) -> bytes | None:
        return self.stream.at_hand() if isinstance(self.stream, _Measured) else None

    async def aclose(self) -> None:
        if self._open:
            self._open = False
            await self.release(self.stream.lasting)


def _plain(data: bytes) -> tuple[int, list[tuple[bytes, bytes]], int, bool, int] | None:
    """Of a plain answer: status, header lines, size of the body, whether the connection lasts, where the body is."""
    status = _STATUS.match(data)
    if status is None:
        return None
    lines: list[tuple[bytes, bytes]] = []
    at, size, lasting = status.end(), -1, True
    while line := _LINE.match(data, at):
        name, value = line[1].lower(), line[2]
        if name == b"content-length":
            if size >= 0 or not value.isdigit() or len(value) > 15:
                return None
            size = int(value)
        elif name == b"connection":
            lasting = value.lower() == b"keep-alive"
        elif name in _UNPLAIN:
            return None
        lines.append((name, value))
        at = line.end()
    code = int(status[1])
    if size < 0 or code in (204, 304) or data[at : at + 2] != b"\r\n" or at > _HEAD_BYTES:
        return None
    return code, lines, size, lasting, at + 2


class _Measured:
    """A body of `size` bytes, of which `data` is the beginning. `lasting`: whether the connection can be used again."""

    def __init__(self, line: _Line, data: bytes, size: int, lasting: bool) -> None:
        self._line = line
        self._data = data
        self._missing = size
        self._lasting = lasting

    @property
    def lasting(self) -> bool:
        return self._lasting and not self._missing and not self._data

    def at_hand(self) -> bytes | None:
        if len(self._data) < self._missing:
            return None
        piece, self._data, self._missing = self._data[: self._missing], self._data[self._missing :], 0
        return piece

    def __aiter__(self) -> "_Measured":
        return self

    async def __anext__(self) -> bytes:
        if not self._missing:
            raise StopAsyncIteration
        data = self._data or await self._line.receive()
        if not data:
            raise httpx.RemoteProtocolError("peer closed connection without sending complete message body")
        # What comes after the body nobody has asked for: it is left, and so is the connection.
        piece, self._data = data[: self._missing], data[self._missing :]
        self._missing -= len(piece)
        return piece


async def _read_by(turn: h11.Connection, line: _Line, data: bytes) -> _Response:
    """The answer that begins with `data` as h11 understands it."""
    body = _Parsed(turn, line)
    body.take(data)
    while True:
        event = await body.event()
        if isinstance(event, h11.Response) or (
            isinstance(event, h11.InformationalResponse) and event.status_code == 101
        ):
            return _Response(event.status_code, list(event.headers), body)


class _Parsed:
    """A body as h11 cuts it out of what comes. `lasting` as in `_Measured`."""

    def __init__(self, turn: h11.Connection, line: _Line) -> None:
        self._turn = turn
        self._line = line

    @property
    def lasting(self) -> bool:
        turn = self._turn
        return turn.our_state is h11.DONE and turn.their_state is h11.DONE and not turn.trailing_data[0]

    def take(self, data: bytes) -> None:
        if not data and self._turn.their_state is h11.SEND_RESPONSE:
            raise httpx.RemoteProtocolError("Server disconnected without sending a response.")
        self._turn.receive_data(data)

    async def event(self) -> object:
        """The next thing that is neither want of data nor nothing. Raises `httpx.TransportError`."""
        while True:
            try:
                event = self._turn.next_event()
            except h11.RemoteProtocolError as error:
                raise httpx.RemoteProtocolError(str(error)) from error
            if event is not h11.NEED_DATA:
                return event
            self.take(await self._line.receive())

    def __aiter__(self) -> "_Parsed":
        return self

    async def __anext__(self) -> bytes:
        event = await self.event()
        if isinstance(event, h11.Data):
            return bytes(event.data)
        raise StopAsyncIteration
