"""Live events over HTTP (server-sent events) and over WebSockets: the ASGI side of `ampp.feed`.

Every listener is one task that reads the feed at its own pace. What it is told first is `ready`, with the place it
begins at, or `reset`, when the place it asked for is gone: then it must look at everything anew. `reset` comes also
when it has fallen behind further than the feed remembers. One that takes nothing for `WRITE` seconds is hung up on,
since the system's buffers hold far more than it could be behind.

An open stream takes none of the slots that bound GET requests, and --web.timeout does not end it; there is a limit of
its own. At the end of the process `close` lets every stream end properly at once.
"""

import contextlib
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Final

import msgspec
import trio

from ampp.api.extensions.answer import STATUS, Problem, failure_body, new_id, wrong
from ampp.api.origin import Origins
from ampp.api.query import Query
from ampp.api.scope import Receive, Scope, Send
from ampp.core.clock import MILLISECOND
from ampp.core.timestamp import format_millis
from ampp.feed.event import SOURCES, Event, number_of, place
from ampp.feed.feed import Feed, Gap
from ampp.observe.metrics import StreamMetrics

__all__ = ["ABORT", "SOCKETS", "STREAMS", "Streams"]


STREAMS: Final = ("/api/v2/events/stream", "/events/stream")
SOCKETS: Final[Mapping[str, frozenset[str]]] = {
    "/ws/dashboard": frozenset(SOURCES),
    "/api/v2/ws/dashboard": frozenset(SOURCES),
    "/ws/silences": frozenset(("silence",)),
    "/api/v2/ws/silences": frozenset(("silence",)),
}
"""The WebSockets, and the topics each tells of unless it is asked for fewer."""

ABORT: Final = "ampp.abort"
"""Where a request's `state` has what hangs up its connection, whatever is being written to it."""

PING: Final = 25.0
"""Seconds of silence after which a sign of life is sent."""

WRITE: Final = 10.0
"""Seconds that a listener has to take what it is sent."""

LEAVE: Final = 1.0
"""The same at the end of the process."""

_encode: Final = msgspec.json.Encoder().encode


class _Asked(msgspec.Struct, frozen=True):
    """What a listener wants: from where on, of which topics, and how much of it."""

    since: str | None
    topics: frozenset[str]
    brief: bool
    """Whether it is enough to know that something changed."""


class Streams:
    """All open streams. `limit`: how many there may be at once."""

    def __init__(self, feed: Feed, origins: Origins, metrics: StreamMetrics, limit: int) -> None:
        self._feed: Final = feed
        self._origins: Final = origins
        self._metrics: Final = metrics
        self._limit: Final = limit
        self._ending: Final = trio.Event()

    def close(self) -> None:
        """End every stream, and let none begin."""
        self._ending.set()

    # -- server-sent events ------------------------------------------------------------------------------------------

    async def serve_events(self, scope: Scope, receive: Receive, send: Send, added: Sequence[tuple[str, str]]) -> None:
        """Answer one request for the stream; `added` are headers that every answer carries."""
        headers = [(name.lower().encode(), value.encode("latin-1")) for name, value in added]
        try:
            if scope["method"] != "GET":
                raise Problem("METHOD_NOT_ALLOWED", f"method {scope['method']} is not allowed, but [GET] is")
            asked = self._asked(scope, frozenset(SOURCES))
            begun, first = self._begin(asked)
        except Problem as problem:
            await _refuse(problem, scope, send, headers, "http.response")
            return
        headers += _EVENT_STREAM
        # Who has the head may count on hearing of what happens from then on.
        async with self._open(scope, receive, "http.disconnect", "sse") as line:
            async with line.timed():
                await send({"type": "http.response.start", "status": 200, "headers": headers})

            async def write(pieces: Sequence[bytes]) -> None:
                async with line.timed():
                    await send({"type": "http.response.body", "body": b"".join(pieces), "more_body": True})

            await write([b"retry: 1000\n\n", _sse(*first)])
            async for number, told in line.follow(self._feed, begun):
                match told:
                    case None:
                        await write([b": ping\nid: %b\n\n" % place(self._feed.run, number).encode()])
                    case Gap():
                        await write([_sse(*self._control("reset", number))])
                    case _:
                        frames = [_sse(*event) for event in self._wanted(asked, told)]
                        if frames:
                            await write(frames)
            if not line.gone:
                async with line.timed():
                    await send({"type": "http.response.body", "body": b"", "more_body": False})

    # -- WebSockets --------------------------------------------------------------------------------------------------

    async def serve_socket(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one WebSocket. What the client says is not listened to."""
        if (await receive())["type"] != "websocket.connect":
            return
        try:
            topics = SOCKETS.get(scope["path"])
            if topics is None:
                raise Problem("NOT_FOUND", "there is no WebSocket here")
            asked = self._asked(scope, topics)
            begun, first = self._begin(asked)
        except Problem as problem:
            await _refuse(problem, scope, send, [], "websocket.http.response")
            return
        async with self._open(scope, receive, "websocket.disconnect", "websocket") as line:
            async with line.timed():
                await send({"type": "websocket.accept", "subprotocol": None, "headers": []})

            async def write(messages: Sequence[bytes]) -> None:
                async with line.timed():
                    for message in messages:
                        await send({"type": "websocket.send", "text": message.decode(), "bytes": None})

            await write([first[2]])
            async for number, told in line.follow(self._feed, begun):
                match told:
                    case None:
                        await write([self._control("ping", number)[2]])
                    case Gap():
                        await write([self._control("reset", number)[2]])
                    case _:
                        await write([json for _, _, json in self._wanted(asked, told)])
            if not line.gone:
                async with line.timed():
                    await send({"type": "websocket.close", "code": 1001, "reason": "the server is shutting down"})

    # -- both --------------------------------------------------------------------------------------------------------

    def _asked(self, scope: Scope, topics: frozenset[str]) -> _Asked:
        def header(wanted: bytes) -> str | None:
            return next((value.decode("latin-1") for name, value in scope["headers"] if name == wanted), None)

        foreign = self._origins.foreign(header)
        if foreign:
            raise Problem("AUTHORIZATION_ERROR", foreign)
        if self._ending.is_set():
            raise Problem("SERVICE_UNAVAILABLE", "the server is shutting down")
        if self._feed.listeners >= self._limit:
            raise Problem("SERVICE_UNAVAILABLE", f"there are {self._limit} open streams already (limits.streams)")
        query = Query(scope["query_string"].decode("latin-1"))
        since = header(b"last-event-id") or query.last("since") or None
        if since is not None:
            try:
                number_of(since, self._feed.run)
            except ValueError as error:
                raise wrong("since", str(error), since) from None
        wanted = frozenset(word for given in query.all("topics") for word in given.split(",") if word)
        if unknown := wanted - topics:
            raise wrong("topics", f"there are: {', '.join(sorted(topics))}", min(unknown))
        brief = query.last("brief")
        if brief not in ("", "true", "false"):
            raise wrong("brief", "must be true or false", brief)
        return _Asked(since, wanted or topics, brief == "true")

    def _begin(self, asked: _Asked) -> tuple[int, tuple[str, str, bytes]]:
        """Behind which event to go on, and what to say first."""
        try:
            number = self._feed.start(asked.since)
        except Gap as gap:
            return gap.number, self._control("reset", gap.number)
        return number, self._control("ready", number)

    def _wanted(self, asked: _Asked, told: Sequence[Event]) -> Sequence[tuple[str, str, bytes]]:
        """What is said of these events: the word, the place and the JSON of each, or briefly of all of them."""
        events = [event for event in told if event.kind.topic in asked.topics]
        if events and asked.brief:
            return [self._control("changed", events[-1].number, count=len(events))]
        return [(event.kind.value, event.place, event.json) for event in events]

    def _control(self, word: str, number: int, **data: int) -> tuple[str, str, bytes]:
        """What is said to one listener and is no event: its word, the present place, and its JSON."""
        where = place(self._feed.run, number)
        if word == "reset":
            self._metrics.resets.inc()
        told = {
            "type": word,
            "id": where,
            "sequence": number,
            "timestamp": format_millis(time.time_ns() // MILLISECOND * MILLISECOND),
            "source": "system",
            "data": data,
        }
        return word, where, _encode(told)

    @asynccontextmanager
    async def _open(self, scope: Scope, receive: Receive, farewell: str, kind: str) -> AsyncIterator["_Line"]:
        line = _Line(scope, self._ending, self._metrics)
        with self._feed.listening(), self._metrics.listeners.labels(kind).track_inprogress():
            async with trio.open_nursery() as nursery:
                nursery.start_soon(line.watch, receive, farewell)
                nursery.start_soon(line.part)
                yield line
                nursery.cancel_scope.cancel()


class _Line:
    """One listener's connection: whether it is still there, and how long it takes to take what it is sent."""

    def __init__(self, scope: Scope, ending: trio.Event, metrics: StreamMetrics) -> None:
        self._abort: Callable[[], Awaitable[None]] | None = scope.get("state", {}).get(ABORT)
        self._ending = ending
        self._metrics = metrics
        self._waiting: trio.CancelScope | None = None
        self.over = False
        self.gone = False

    async def watch(self, receive: Receive, farewell: str) -> None:
        """Read what the client says, until it goes."""
        while (await receive())["type"] != farewell:
            pass
        self.gone = True
        self._finish()

    async def part(self) -> None:
        """Wait for the end of the process."""
        await self._ending.wait()
        self._finish()

    def _finish(self) -> None:
        self.over = True
        if self._waiting is not None:
            self._waiting.cancel()

    async def follow(self, feed: Feed, number: int) -> AsyncIterator[tuple[int, list[Event] | Gap | None]]:
        """What there is to tell after event `number`, with the number told up to; None is a sign of life."""
        while not self.over:
            told: list[Event] | Gap | None = None
            with trio.move_on_after(PING) as self._waiting:
                try:
                    told = await feed.after(number)
                except Gap as gap:
                    told = gap
            self._waiting = None
            if self.over:
                return
            if isinstance(told, Gap):
                number = told.number
            elif told:
                number = told[-1].number
            yield number, told

    @asynccontextmanager
    async def timed(self) -> AsyncIterator[None]:
        """Hang up if what is done herein takes too long."""
        async with trio.open_nursery() as nursery:
            nursery.start_soon(self._alarm)
            yield
            nursery.cancel_scope.cancel()

    async def _alarm(self) -> None:
        with trio.move_on_after(WRITE):
            await self._ending.wait()
            await trio.sleep(LEAVE)
        self._metrics.dropped.inc()
        self.gone = True
        self._finish()
        if self._abort is not None:
            await self._abort()


_EVENT_STREAM: Final = [
    (b"content-type", b"text/event-stream; charset=utf-8"),
    (b"cache-control", b"no-store"),
    (b"x-accel-buffering", b"no"),
]


def _sse(word: str, where: str, json: bytes) -> bytes:
    """One event as the stream has it. JSON has no line break in it."""
    return b"id: %b\nevent: %b\ndata: %b\n\n" % (where.encode(), word.encode(), json)


async def _refuse(problem: Problem, scope: Scope, send: Send, headers: list[tuple[bytes, bytes]], kind: str) -> None:
    """Answer with an error, on a WebSocket instead of opening it."""
    given = next((value.decode("latin-1") for name, value in scope["headers"] if name == b"x-request-id"), None)
    status = STATUS[problem.code]
    body = failure_body(new_id(given), problem.code, problem.message, *problem.details)
    headers = [
        *headers,
        (b"content-type", b"application/json"),
        (b"content-length", str(len(body)).encode()),
        (b"cache-control", b"no-store"),
    ]
    if status == 405:
        headers.append((b"allow", b"GET"))
    if status == 503:
        headers.append((b"retry-after", b"5"))
    with contextlib.suppress(trio.BrokenResourceError):
        await send({"type": f"{kind}.start", "status": status, "headers": headers})
        await send({"type": f"{kind}.body", "body": body, "more_body": False})
