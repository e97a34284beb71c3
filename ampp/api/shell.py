"""The ASGI shell around the application: what concerns every request, whatever it asks for.

From the outside in, as upstream layers its handlers: the web configuration's guard (rate limit, headers, password); the
path made clean; the route prefix; metrics; the limit of GETs in flight; the time limit; the body, whole and bounded;
then CORS for the API, and at last the application. New alerts and silences (`POSTS`) are answered without it.
"""

import math
import posixpath
import time
from collections.abc import Awaitable, Callable, Mapping
from functools import lru_cache
from typing import Any, Final, Protocol

import msgspec
import trio

from ampp.api.cors import ANYONE, cors, is_preflight
from ampp.api.later import Later
from ampp.api.negotiate import refuse_content_type
from ampp.api.origin import Origins
from ampp.api.reply import JSON, TEXT, Reply, plain_error, redirect
from ampp.api.scope import API, PREFIX, ROUTE, App, Message, Receive, Scope, Send, header, is_api, origin_form
from ampp.api.stream import SOCKETS, STREAMS, Streams
from ampp.api.v2 import V2
from ampp.core.clock import SECOND
from ampp.core.duration import format_go

__all__ = ["MAX_BODY", "POSTS", "Guard", "HttpMeter", "Limits", "Shell"]

MAX_BODY: Final = 10 << 20
"""Bytes of a request body taken by default."""

_BODY_PAUSE: Final = 30.0
"""Seconds a client may let pass in the middle of a body."""


class HttpMeter(Protocol):
    """The HTTP families of `ampp.observe.metrics.HttpMetrics`."""

    @property
    def in_flight(self) -> Any: ...

    @property
    def limit_exceeded(self) -> Any: ...

    def observe(self, handler: str, method: str, code: int, seconds: float) -> None: ...

    def observe_size(self, handler: str, method: str, size: int) -> None: ...


class Guard(Protocol):
    """The web configuration in force: see `ampp.api.guard`."""

    async def admit(self, authorization: str | None) -> tuple[Reply | None, tuple[tuple[str, str], ...]]:
        """A refusal or None, and the headers every answer to this request must carry."""


class Limits(msgspec.Struct, frozen=True):
    """`get_concurrency` GETs at once; `timeout` nanoseconds for an answer (0: any); `max_body` bytes."""

    get_concurrency: int = 8
    timeout: int = 0
    max_body: int = MAX_BODY


class _Refused(Exception):
    """The request was refused while its body was read."""

    def __init__(self, reply: Reply) -> None:
        super().__init__(reply.status)
        self.reply = reply


class Shell:
    """The ASGI application that the server runs. `prefix` is "" or begins, and does not end, with a slash."""

    def __init__(
        self,
        app: Later[App],
        v2: V2,
        meter: HttpMeter,
        limits: Limits,
        prefix: str,
        guard: Guard | None,
        streams: Streams | None = None,
        origins: Origins | None = None,
    ) -> None:
        self._app: Final = app
        self._v2: Final = v2
        self._meter: Final = meter
        self._limits: Final = limits
        self._prefix: Final = prefix
        self._guard: Final = guard
        self._streams: Final = streams
        self._origins: Final = origins
        self._getting = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            await self._http(scope, receive, send)
        elif scope["type"] == "websocket":
            await self._websocket(scope, receive, send)
        else:
            await self._inner(scope, receive, send)

    async def _websocket(self, scope: Scope, receive: Receive, send: Send) -> None:
        refusal, added = await self._admit(scope)
        inner = self._inside(scope["path"])
        if refusal is None and inner is None:
            refusal = plain_error(404, "404 page not found")
        if refusal is not None:
            await _Answer(send, added, "websocket.http.response").reply(refusal)
        elif self._streams is not None and inner in SOCKETS:
            await self._streams.serve_socket({**scope, "path": inner}, receive, send)
        else:
            await self._inner({**scope, "path": inner}, receive, send)

    async def load(self) -> None:
        """Load the application. Raises what goes wrong with that."""
        await self._app.get()

    async def _inner(self, scope: Scope, receive: Receive, send: Send) -> None:
        await (await self._app.get())(scope, receive, send)

    def close(self) -> None:
        """End what would not end by itself: the server is shutting down."""
        if self._streams is not None:
            self._streams.close()

    async def _admit(self, scope: Scope) -> tuple[Reply | None, tuple[tuple[str, str], ...]]:
        return (None, ()) if self._guard is None else await self._guard.admit(header(scope, b"authorization"))

    @property
    def limits(self) -> Limits:
        return self._limits

    @property
    def prefix(self) -> str:
        return self._prefix

    async def post(
        self, path: str, headers: Mapping[bytes, bytes], body: bytes
    ) -> tuple[Reply, tuple[tuple[str, str], ...]]:
        """The answer to a POST, taken apart elsewhere, to one of `POSTS`; and further headers to send with it."""
        added: tuple[tuple[str, str], ...] = ()
        if self._guard is not None:
            refusal, added = await self._guard.admit(_text(headers.get(b"authorization")))
            if refusal is not None:
                return refusal, added
        added += _HOT_FOREIGN if b"origin" in headers else _HOT
        started = time.perf_counter()
        timeout = self._limits.timeout
        reply = _timed_out(timeout)
        if timeout > 0:
            with trio.move_on_after(timeout / SECOND):
                reply = await self._posted(path, _text(headers.get(b"content-type")), body)
        else:
            reply = await self._posted(path, _text(headers.get(b"content-type")), body)
        self._meter.observe(path, "post", reply.status, time.perf_counter() - started)
        return reply, added

    async def _posted(self, path: str, content_type: str | None, body: bytes) -> Reply:
        refusal = refuse_content_type(content_type) if body else None
        return refusal or await POSTS[path](self._v2, body)

    def _inside(self, path: str) -> str | None:
        """The path without the prefix, or None when it lies outside."""
        if not self._prefix:
            return path
        return path.removeprefix(self._prefix) if path.startswith(self._prefix + "/") else None

    async def _http(self, scope: Scope, receive: Receive, send: Send) -> None:
        scope = origin_form(scope)
        refusal, added = await self._admit(scope)
        answer = _Answer(send, added)
        if refusal is None:
            refusal = self._misplaced(scope)
        if refusal is not None:
            await answer.reply(refusal)
            return
        path = self._inside(scope["path"])
        assert path is not None
        if self._streams is not None and path in STREAMS:
            await self._streams.serve_events(scope, receive, send, added)
            return
        scope = {
            **scope,
            "path": path,
            "raw_path": scope["raw_path"].removeprefix(self._prefix.encode()),
            PREFIX: self._prefix,
        }
        method = scope["method"]
        started = time.perf_counter()
        try:
            await self._limited(scope, receive, answer)
        finally:
            handler = scope.get(ROUTE) or _handler(path, answer.status)
            if handler is not None:
                verb = method.lower() if method in _METHODS else "unknown"
                self._meter.observe(handler, verb, answer.status, time.perf_counter() - started)
                if not is_api(path):
                    self._meter.observe_size(handler, verb, answer.size)

    def _misplaced(self, scope: Scope) -> Reply | None:
        """Where a request with a path that is not clean, or not ours, belongs."""
        path, method = scope["path"], scope["method"]
        query = b"?" + scope["query_string"] if scope["query_string"] else b""
        clean = _clean(scope["raw_path"].decode("latin-1"))
        if clean != scope["raw_path"].decode("latin-1") and method != "CONNECT":
            return redirect(301, clean + query.decode("latin-1"), method)
        if path == f"{self._prefix}/api/v2":
            return redirect(301, path + "/" + query.decode("latin-1"), method)
        if self._inside(path) is not None:
            return None
        if path == self._prefix:
            return redirect(301, path + "/", method)
        if path == "/":
            return redirect(302, self._prefix, method) if method == "GET" else _not_allowed()
        return plain_error(404, "404 page not found")

    async def _limited(self, scope: Scope, receive: Receive, answer: "_Answer") -> None:
        if scope["method"] != "GET":
            await self._timed(scope, receive, answer)
            return
        if self._getting >= self._limits.get_concurrency:
            self._meter.limit_exceeded.inc()
            await answer.reply(
                plain_error(
                    503,
                    f"Limit of concurrent GET requests reached ({self._limits.get_concurrency}), try again later.\n",
                )
            )
            return
        self._getting += 1
        self._meter.in_flight.inc()
        try:
            await self._timed(scope, receive, answer)
        finally:
            self._getting -= 1
            self._meter.in_flight.dec()

    async def _timed(self, scope: Scope, receive: Receive, answer: "_Answer") -> None:
        if self._limits.timeout <= 0:
            await self._served(scope, receive, answer)
            return
        with trio.move_on_after(self._limits.timeout / SECOND) as time_limit:
            answer.time_limit = time_limit
            await self._served(scope, receive, answer)
        if time_limit.cancelled_caught and not answer.started:
            await answer.reply(_timed_out(self._limits.timeout))

    async def _served(self, scope: Scope, receive: Receive, answer: "_Answer") -> None:
        try:
            body = await self._body(scope, receive)
        except _Refused as refused:
            await answer.reply(refused.reply)
            return
        if body is None:
            return
        path = scope["path"]
        if foreign := self._foreign(scope, path):
            await answer.reply(foreign)
            return
        if is_api(path):
            answer.added += cors(scope)
            if is_preflight(scope):
                await answer.reply(Reply(204))
                return
            answer.added += (("Cache-Control", "no-store"),)
            if path in POSTS and scope["method"] == "POST" and body:
                await answer.reply(await self._posted(path, header(scope, b"content-type"), body))
                return
        await self._inner(scope, _Replayed(body), answer.send)

    def _foreign(self, scope: Scope, path: str) -> Reply | None:
        """The refusal of a write that another site's page had a browser make.

        Alertmanager's own operations are left as they are: they take nothing that a page could send without asking.
        """
        if self._origins is None or scope["method"] in _READS or _is_alertmanagers(path):
            return None
        why = self._origins.foreign(lambda name: header(scope, name))
        if not why:
            return None
        if "text/html" in (header(scope, b"accept") or ""):
            return plain_error(403, why)
        from ampp.api.extensions.answer import failure_body, new_id

        return Reply(403, failure_body(new_id(header(scope, b"x-request-id")), "AUTHORIZATION_ERROR", why), JSON)

    async def _body(self, scope: Scope, receive: Receive) -> bytes | None:
        """The whole body, or None when the client went away. Raises `_Refused`."""
        most = self._limits.max_body
        declared = header(scope, b"content-length")
        if declared is not None and declared.isdigit() and int(declared) > most:
            raise _Refused(_too_large(most))
        parts: list[bytes] = []
        size = 0
        while True:
            with trio.move_on_after(_BODY_PAUSE) as pause:
                message = await receive()
            if pause.cancelled_caught:
                raise _Refused(_closing(408, "Request Timeout"))
            if message["type"] != "http.request":
                return None
            part = message.get("body", b"")
            size += len(part)
            if size > most:
                raise _Refused(_too_large(most))
            if part:
                parts.append(part)
            if not message.get("more_body"):
                return parts[0] if len(parts) == 1 else b"".join(parts)


class _Answer:
    """The way back to the client: adds headers to what the application sends, and notes what it was. `kind` is how the
    messages' types begin."""

    def __init__(self, send: Send, added: tuple[tuple[str, str], ...], kind: str = "http.response") -> None:
        self._send = send
        self._start = f"{kind}.start"
        self._body = f"{kind}.body"
        self.added = added
        self.started = False
        self.time_limit: trio.CancelScope | None = None
        self.status = 0
        self.size = 0

    async def send(self, message: Message) -> None:
        if message["type"] == self._start:
            self.started = True
            if self.time_limit is not None:
                # As upstream: what is limited is the time until there is an answer, not that a slow client takes.
                self.time_limit.deadline = math.inf
            self.status = message["status"]
            headers = [*message["headers"]]
            own = {name.lower() for name, _ in headers}
            headers += [
                (name.lower().encode(), value.encode("latin-1"))
                for name, value in self.added
                if name != "Cache-Control" or b"cache-control" not in own
            ]
            message = {**message, "headers": headers}
        elif message["type"] == self._body:
            self.size += len(message.get("body", b""))
        await self._send(message)

    async def reply(self, reply: Reply) -> None:
        headers = [(name.lower().encode(), value.encode("latin-1")) for name, value in reply.headers]
        if reply.content_type is not None:
            headers.append((b"content-type", reply.content_type.encode()))
        if reply.status != 204:
            headers.append((b"content-length", str(reply.size).encode()))
        await self.send({"type": self._start, "status": reply.status, "headers": headers})
        for part in reply.long or ():
            await self.send({"type": self._body, "body": part, "more_body": True})
        await self.send({"type": self._body, "body": reply.body, "more_body": False})


class _Replayed:
    """`receive` for the application: the body already read, and nothing after it.

    In particular no disconnect, which would make Quart cancel what it is at: a silence, a reload begun is finished even
    if the client has gone, and one that has only shut its sending side still gets its answer.
    """

    def __init__(self, body: bytes) -> None:
        self._body: bytes | None = body

    async def __call__(self) -> Message:
        body, self._body = self._body, None
        if body is None:
            await trio.sleep_forever()
        return {"type": "http.request", "body": body, "more_body": False}


def _clean(path: str) -> str:
    """Go's ServeMux: no empty, `.` or `..` elements; a final slash stays."""
    clean = posixpath.normpath(path if path.startswith("/") else "/" + path)
    if clean.startswith("//"):
        clean = clean[1:]
    return clean + "/" if path.endswith("/") and clean != "/" else clean


def _handler(path: str, status: int) -> str | None:
    """The metrics' name of what served `path`: the route, so that their number is bounded. None: not counted."""
    if is_api(path) and status:
        if path.startswith(f"{API}silence/"):
            return f"{API}silence/{{silenceID}}"
        return API if status == 404 else path.rstrip("/")
    if status in (0, 301, 308, 404):
        return None
    return "/api/v1/silence/:sid" if path.startswith("/api/v1/silence/") else path


_READS: Final = frozenset(("GET", "HEAD", "OPTIONS"))
_WRITES: Final = frozenset((f"{API}alerts", f"{API}silences"))


def _is_alertmanagers(path: str) -> bool:
    """Whether Alertmanager's API takes writes here."""
    return path.rstrip("/") in _WRITES or path.startswith(f"{API}silence/")


_METHODS: Final = frozenset(("GET", "PUT", "HEAD", "POST", "DELETE", "CONNECT", "OPTIONS", "TRACE", "PATCH"))
POSTS: Final[Mapping[str, Callable[[V2, bytes], Awaitable[Reply]]]] = {
    f"{API}alerts": lambda v2, body: v2.post_alerts(body),
    f"{API}silences": lambda v2, body: v2.post_silences(body),
}
"""What POSTs need no application: their paths, without the prefix, and what answers a body."""

_HOT: Final = (("Vary", "Origin"), ("Cache-Control", "no-store"))
_HOT_FOREIGN: Final = (("Vary", "Origin"), ANYONE, ("Cache-Control", "no-store"))


@lru_cache(maxsize=8)
def _timed_out(timeout: int) -> Reply:
    text = f"Exceeded configured timeout of {format_go(timeout)}.\n"
    return Reply(503, text.encode(), TEXT)


def _text(header: bytes | None) -> str | None:
    return None if header is None else header.decode("latin-1")


def _closing(status: int, text: str) -> Reply:
    return plain_error(status, text, (("Connection", "close"),))


def _not_allowed() -> Reply:
    return plain_error(405, "Method Not Allowed", (("Allow", "GET, OPTIONS"),))


def _too_large(most: int) -> Reply:
    body = msgspec.json.encode(
        {
            "code": 413,
            "message": f"the request body is larger than the limit of {most} bytes",
            "what": "request body",
            "limit": most,
            "hint": "send smaller batches, or raise limits.request_bytes in ampp.yml",
        }
    )
    return Reply(413, body, JSON, (("Connection", "close"),))
