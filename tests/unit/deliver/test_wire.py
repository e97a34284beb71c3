"""Our way of asking a server beside httpx's: the same bytes go out, and the same answer is understood."""

import contextlib
import re
import ssl
from collections.abc import AsyncIterator

import h11
import httpx
import pytest
import trio
from hypothesis import given, settings
from hypothesis import strategies as st

from ampp.deliver.answer import Answer, receive
from ampp.deliver.fault import describe
from ampp.deliver.http import _Foreign
from ampp.deliver.wire import Wire, _plain, _plain_head, _turn

from .server import answer, serving

Pieces = tuple[bytes, ...]
"""What a server says, piece by piece; it hangs up where it has said all and nobody can know by then."""


class Canned:
    """Says the same to everybody, and keeps the requests as they came."""

    def __init__(self, pieces: Pieces, hangs_up: bool) -> None:
        self.heard: list[bytes] = []
        self.connections = 0
        self._pieces = pieces
        self._hangs_up = hangs_up

    async def serve(self, stream: trio.SocketStream) -> None:
        self.connections += 1
        data = b""
        with contextlib.suppress(trio.BrokenResourceError):
            while data or (data := bytes(await stream.receive_some())):
                length = re.search(rb"(?i)content-length: (\d+)", data)
                end = data.find(b"\r\n\r\n") + 4 + int(length[1] if length else 0)
                while len(data) < end:
                    data += bytes(await stream.receive_some())
                self.heard.append(data[:end])
                data = data[end:]
                for number, piece in enumerate(self._pieces):
                    if number:
                        await trio.sleep(0.002)
                    await stream.send_all(piece)
                if self._hangs_up:
                    await stream.aclose()
                    return


@contextlib.asynccontextmanager
async def saying(*pieces: bytes, hangs_up: bool = False) -> AsyncIterator[tuple[Canned, httpx.URL]]:
    canned = Canned(pieces, hangs_up)
    (listener,) = await trio.open_tcp_listeners(0, host="127.0.0.1")
    async with trio.open_nursery() as nursery:
        nursery.start_soon(trio.serve_listeners, canned.serve, [listener])
        yield canned, httpx.URL(f"http://127.0.0.1:{listener.socket.getsockname()[1]}/a%20b?q=%2F&r=%C3%A9")
        nursery.cancel_scope.cancel()


class Body(httpx.AsyncByteStream):
    def __init__(self, data: bytes) -> None:
        self._data = data

    async def __aiter__(self) -> AsyncIterator[bytes]:
        if self._data:
            yield self._data


FIELDS = [(b"User-Agent", b"Alertmanager/0"), (b"X-Two", b"a"), (b"X-Two", b"b \xc3\xa9"), (b"x-empty", b"")]


def lines(url: httpx.URL, body: bytes | None, *more: tuple[bytes, bytes]) -> list[tuple[bytes, bytes]]:
    length = [] if body is None else [(b"Content-Length", b"%d" % len(body))]
    return [(b"Host", url.netloc), *FIELDS, *more, *length]


async def by_httpx(method: str, url: httpx.URL, body: bytes | None, *more: tuple[bytes, bytes]) -> Answer | str:
    async with httpx.AsyncHTTPTransport(trust_env=False) as transport:
        try:
            response = await transport.handle_async_request(
                httpx.Request(method, url, headers=lines(url, body, *more), stream=Body(body or b""))
            )
        except httpx.TransportError as error:
            return describe(error, url.host, url.port or 0)
        return await receive(_Foreign(response), False)


async def by_wire(
    wire: Wire, method: str, url: httpx.URL, body: bytes | None, *more: tuple[bytes, bytes]
) -> Answer | str:
    try:
        response = await wire.exchange(method, url, lines(url, body, *more), body, False)
    except httpx.TransportError as error:
        return describe(error, url.host, url.port or 0)
    return await receive(response, False)


OK = b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 5\r\n\r\n"
CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n"


@pytest.mark.parametrize(
    ("pieces", "hangs_up", "kept"),
    [
        ((OK + b"hello",), False, True),
        ((OK, b"he", b"llo"), False, True),
        ((OK[:20], OK[20:] + b"hello"), False, True),
        ((OK + b"hello and more",), False, False),
        ((OK + b"hell",), True, False),
        ((b"HTTP/1.1 204 No Content\r\n\r\n",), False, True),
        ((b"HTTP/1.1 204 No Content\r\nContent-Length: 3\r\n\r\n",), False, True),
        ((b"HTTP/1.1 503\r\nRetry-After: 7\r\nContent-Length: 0\r\n\r\n",), False, True),
        ((b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\nConnection: Close\r\n\r\nok",), False, False),
        ((b"HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\nok",), False, False),
        ((b"HTTP/1.1 200 OK\r\n\r\nuntil ", b"the end"), True, False),
        ((CHUNKED + b"\r\n3\r\nabc\r\n", b"2;x=y\r\nde\r\n0\r\n\r\n"), False, True),
        ((CHUNKED + b"\r\nno\r\n",), True, False),
        ((CHUNKED + b"Content-Length: 3\r\n\r\n1\r\na\r\n0\r\n\r\n",), False, True),
        ((b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab",), True, False),
        ((b"HTTP/1.1 200 OK\r\nContent-Length: 2, 2\r\n\r\nab",), False, True),
        ((b"HTTP/1.1 200 OK\r\nContent-Length: -2\r\n\r\nab",), True, False),
        ((b"HTTP/1.1 200 OK\nContent-Length: 2\n\nab",), False, True),
        ((b"HTTP/1.1 200 OK\r\nContent-Type: a\r\n b\r\nContent-Length: 2\r\n\r\nab",), False, True),
        ((b"HTTP/1.1 200 OK\r\nContent-Type: caf\xe9\r\nContent-Length: 2\r\n\r\nab",), False, True),
        ((b"HTTP/1.1 200 OK\r\nBad Name: 1\r\nContent-Length: 2\r\n\r\nab",), True, False),
        ((b"HTTP/1.1 100 Continue\r\n\r\n" + OK + b"hello",), False, True),
        ((b"HTTP/1.1 103 Early\r\nLink: x\r\n\r\n", OK + b"hello"), False, True),
        ((b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\n\r\n",), True, False),
        ((b"HTTP/2 200\r\n\r\n",), True, False),
        ((b"hello there\r\n\r\n",), True, False),
        ((b"HTTP/1.1 200 OK\r\nX: " + b"a" * 120_000,), True, False),
        ((b"HTTP/1.1 200 OK\r\n",), True, False),
        ((), True, False),
    ],
)
async def test_answers_are_understood_as_httpx_does(pieces: Pieces, hangs_up: bool, kept: bool) -> None:
    async with saying(*pieces, hangs_up=hangs_up) as (canned, url):
        theirs = await by_httpx("POST", url, b"{}")
        before = canned.connections
        wire = Wire(ssl.create_default_context())
        ours = [await by_wire(wire, "POST", url, b"{}") for _ in range(2)]
        assert ours == [theirs, theirs]
        assert canned.heard[1:] == canned.heard[:1] * 2
        assert canned.connections - before == (1 if kept else 2)
        await wire.aclose()


@pytest.mark.parametrize(
    ("method", "body"), [("GET", None), ("HEAD", None), ("PUT", b""), ("DELETE", b"x"), ("POST", b"y" * 300_000)]
)
@pytest.mark.parametrize("more", [(), ((b"Connection", b"close"),), ((b"TE", b"trailers"),)])
async def test_requests_are_written_as_httpx_does(
    method: str, body: bytes | None, more: tuple[tuple[bytes, bytes], ...]
) -> None:
    said = OK if method == "HEAD" else OK + b"hello"
    async with saying(said) as (canned, url):
        wire = Wire(ssl.create_default_context())
        for _ in range(2):
            assert await by_wire(wire, method, url, body, *more) == await by_httpx(method, url, body, *more)
        assert canned.heard[1:] == canned.heard[:1] * 3
        # httpx's are connections of their own; ours is kept unless the request says that it must not be.
        assert canned.connections == (4 if (b"Connection", b"close") in more else 3)
        await wire.aclose()


@pytest.mark.parametrize("field", [(b"X", b"a\r\nb: c"), (b"X", b"a\nb"), (b"X y", b"a"), (b"X", b"a\x00")])
async def test_what_must_not_be_in_a_request_is_not_sent(field: tuple[bytes, bytes]) -> None:
    async with saying(OK + b"hello") as (canned, url):
        wire = Wire(ssl.create_default_context())
        with pytest.raises(httpx.LocalProtocolError, match=r"[Ii]llegal"):
            await wire.exchange("POST", url, [(b"Host", b"h"), field], None, False)
        assert canned.heard == []


async def test_a_kept_connection_that_was_closed_is_not_used() -> None:
    async with serving(answer(200, b"once")) as server:
        url = httpx.URL(server.url)
        wire = Wire(ssl.create_default_context())
        assert await by_wire(wire, "POST", url, b"") == Answer(200, b"once")
        key = ("http", url.raw_host, url.port, False)
        line = wire._kept(key)
        assert line is not None
        line.raw.shutdown(trio.socket.SHUT_RDWR)
        await wire._release(key, line, True)
        assert await by_wire(wire, "POST", url, b"") == Answer(200, b"once")
        assert server.connections == 2
        await wire.aclose()


NAMES = st.sampled_from([b"Content-Length", b"content-length", b"Connection", b"Transfer-Encoding", b"X", b"Location"])
VALUES = st.one_of(
    st.sampled_from([b"0", b"3", b"close", b"keep-alive", b"chunked", b"a b", b"", b" 3", b"3 ", b"03", b"+3", b"3\t"]),
    st.binary(max_size=6),
)
STARTS = st.sampled_from([b"HTTP/1.1 200 OK", b"HTTP/1.1 404", b"HTTP/1.1 204 x", b"HTTP/1.1 200", b"HTTP/1.0 200 OK"])


@settings(max_examples=200, deadline=None)
@given(
    st.lists(st.tuples(NAMES, VALUES | st.sampled_from([b"h", b"a\r\nX: y"])), max_size=3),
    st.sampled_from([[], [(b"Host", b"h")], [(b"host", b"g"), (b"Host", b"h")]]),
    st.sampled_from([None, b"", b"abc"]),
)
def test_a_request_taken_for_plain_is_written_as_h11_does(
    fields: list[tuple[bytes, bytes]], hosts: list[tuple[bytes, bytes]], body: bytes | None
) -> None:
    url = httpx.URL("http://h/a?b")
    head = _plain_head("POST", url, [*hosts, *fields], body)
    if head is not None:
        assert _turn("POST", url, [*hosts, *fields], body)[1] == head


@settings(max_examples=400, deadline=None)
@given(STARTS, st.lists(st.tuples(NAMES, VALUES), max_size=4), st.binary(max_size=8), st.binary(max_size=3))
def test_what_is_taken_for_plain_h11_reads_alike(
    start: bytes, fields: list[tuple[bytes, bytes]], body: bytes, odd: bytes
) -> None:
    data = b"\r\n".join([start, *(name + b": " + value for name, value in fields), odd, b""]) + body
    for said in (data, data.replace(b"\r\n" + odd + b"\r\n", b"\r\n\r\n", 1)):
        plain = _plain(said)
        if plain is None:
            continue
        status, lines, size, lasting, begins = plain
        turn = h11.Connection(h11.CLIENT)
        turn.send(h11.Request(method="POST", target="/", headers=[("Host", "h")]))
        turn.send(h11.EndOfMessage())
        turn.receive_data(said[:begins] + b"b" * size)
        event = turn.next_event()
        assert isinstance(event, h11.Response)
        assert (event.status_code, list(event.headers)) == (status, lines)
        read = b""
        while isinstance(event := turn.next_event(), h11.Data):
            read += bytes(event.data)
        assert isinstance(event, h11.EndOfMessage)
        assert len(read) == size
        assert (turn.their_state is h11.DONE) or not lasting
