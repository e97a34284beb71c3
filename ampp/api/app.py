"""The Quart application: which path is served by what. Everything around it (limits, prefix, CORS) is `shell`'s.

Paths here carry no route prefix. Two error styles meet: below /api/v2/ errors are JSON, elsewhere plain text.
"""

import logging
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, Final

from quart import Request, Response, has_websocket_context, request, websocket
from quart.wrappers import Websocket
from quart_trio import QuartTrio
from werkzeug.exceptions import HTTPException, MethodNotAllowed, NotFound

from ampp.api import ops
from ampp.api.extensions.answer import Ask, Route, failure, new_id
from ampp.api.negotiate import refuse_accept, refuse_content_type
from ampp.api.openapi import document
from ampp.api.port import Port
from ampp.api.query import Query
from ampp.api.reply import JSON, Long, Reply, framework_error, plain_error, redirect
from ampp.api.scope import API, PREFIX, ROUTE, is_api
from ampp.api.v2 import V2
from ampp.api.visit import Pages, Visit

__all__ = ["build_app"]

_log: Final = logging.getLogger("ampp.api")

_V1: Final = {
    "/api/v1/status": ["GET"],
    "/api/v1/receivers": ["GET"],
    "/api/v1/alerts": ["GET", "POST"],
    "/api/v1/silences": ["GET", "POST"],
    "/api/v1/silence/<silence_id>": ["GET", "DELETE"],
}


_WITH_HEAD: Final = ("/-/healthy", "/-/ready")


def build_app(
    live: Port,
    v2: V2,
    exposition: Callable[[], Awaitable[bytes]],
    pages: Pages,
    extensions: Sequence[Route] = (),
) -> QuartTrio:
    """The application. `exposition` gives /metrics its body, `pages` what people see; `extensions` are served below
    /api/v2/ and at the top alike."""
    app = QuartTrio("ampp.api", static_folder=None)
    app.config["PROVIDE_AUTOMATIC_OPTIONS"] = False
    app.config["BODY_TIMEOUT"] = app.config["RESPONSE_TIMEOUT"] = None  # the shell's and --web.timeout's business
    app.url_map.merge_slashes = False
    app.url_map.redirect_defaults = False
    _route_api(app, v2)
    _route_extensions(app, extensions)
    _route_ops(app, live, exposition)
    _route_pages(app, pages)
    for rule in app.url_map.iter_rules():
        # Quart lets HEAD through wherever GET is; upstream knows it on two paths only.
        if rule.methods is not None and rule.rule not in _WITH_HEAD:
            rule.methods.discard("HEAD")

    @app.errorhandler(NotFound)
    async def not_found(_: NotFound) -> Response:
        return _respond(_not_found(app))

    @app.errorhandler(MethodNotAllowed)
    async def not_allowed(error: MethodNotAllowed) -> Response:
        return _respond(_not_allowed(list(error.valid_methods or ())))

    @app.errorhandler(HTTPException)
    async def refused(error: HTTPException) -> Response:
        code, text = error.code or 500, error.name
        return _respond(framework_error(code, text) if is_api(_asked().path) else plain_error(code, text))

    @app.errorhandler(Exception)
    async def failed(error: Exception) -> Response:
        _log.error("Request failed", exc_info=error, extra={"path": _asked().path, "method": _asked().method})
        text = "internal server error"
        return _respond(framework_error(500, text) if is_api(_asked().path) else plain_error(500, text))

    return app


def _route_api(app: QuartTrio, v2: V2) -> None:
    encoded = document()

    def add(path: str, method: str, operation: Callable[..., Awaitable[Reply]], *needs: str) -> None:
        async def view(**path_values: str) -> Response:
            body = await request.get_data()
            refusal = (
                refuse_content_type(request.headers.get("Content-Type"))
                if body
                else refuse_accept(_joined(request.headers.getlist("Accept")))
            )
            if refusal is not None:
                return _respond(refusal)
            given: list[Any] = list(path_values.values())
            if "query" in needs:
                given.append(Query(request.query_string.decode("latin-1")))
            if "body" in needs:
                given.append(body)
            return _respond(await operation(*given))

        app.add_url_rule(API + path, f"{operation.__name__}", view, methods=[method], strict_slashes=False)

    async def get_openapi() -> Reply:
        return Reply(200, encoded, JSON)

    add("status", "GET", v2.get_status)
    add("receivers", "GET", v2.get_receivers, "query")
    add("alerts", "GET", v2.get_alerts, "query")
    add("alerts", "POST", v2.post_alerts, "body")
    add("alerts/groups", "GET", v2.get_groups, "query")
    add("silences", "GET", v2.get_silences, "query")
    add("silences", "POST", v2.post_silences, "body")
    add("silence/<silence_id>", "GET", v2.get_silence)
    add("silence/<silence_id>", "DELETE", v2.delete_silence)
    add("openapi.json", "GET", get_openapi)


def _route_extensions(app: QuartTrio, routes: Sequence[Route]) -> None:
    """The paths in the order given: one with a value in its place comes after those that are spelt out."""

    def add(route: Route, place: str) -> None:
        async def view(**values: str) -> Response:
            scope: Any = request.scope
            scope[ROUTE] = place + route.path
            body: Any = await request.get_data()
            ask = Ask(
                parameters=Query(request.query_string.decode("latin-1")).values(),
                path=values,
                body=body,
                request_id=new_id(request.headers.get("X-Request-ID")),
                if_none_match=request.headers.get("If-None-Match", ""),
                if_match=request.headers.get("If-Match", ""),
            )
            if body and refuse_content_type(request.headers.get("Content-Type")) is not None:
                return _respond(failure(ask, "UNSUPPORTED_MEDIA_TYPE", "the body must be application/json"))
            return _respond(await route.handler(ask))

        rule = place + route.path.replace("{", "<").replace("}", ">")
        app.add_url_rule(rule, f"{route.method} {rule}", view, methods=[route.method], strict_slashes=False)

    for route in routes:
        for place in route.places:
            add(route, place)


def _joined(headers: list[str]) -> str | None:
    return ",".join(headers) if headers else None


def _route_ops(app: QuartTrio, live: Port, exposition: Callable[[], Awaitable[bytes]]) -> None:
    def add(path: str, methods: list[str], answer: Callable[[], Awaitable[Reply]]) -> None:
        async def view(**_: str) -> Response:
            if request.method == "OPTIONS":
                return _respond(Reply(200, headers=(("Allow", _allow([*methods, "OPTIONS"])),)))
            return _respond(await answer())

        app.add_url_rule(path, path, view, methods=[*methods, "OPTIONS"])

    async def ok() -> Reply:
        return ops.ok(request.method)

    async def reload() -> Reply:
        return await ops.reload(live)

    async def metrics() -> Reply:
        return await ops.scrape(exposition, request.headers.get("Accept-Encoding", ""))

    async def v1() -> Reply:
        return ops.v1_gone(request.path, request.method)

    add("/-/healthy", ["GET", "HEAD"], ok)
    add("/-/ready", ["GET", "HEAD"], ok)
    add("/-/reload", ["POST"], reload)
    add("/metrics", ["GET"], metrics)
    for path, methods in _V1.items():
        add(path, methods, v1)


_PAGES: Final = {
    "/": ("GET",),
    "/favicon.ico": ("GET",),
    "/ui/": ("GET",),
    "/ui/<path:rest>": ("GET", "POST"),
}


def _route_pages(app: QuartTrio, pages: Pages) -> None:
    def add(path: str, methods: tuple[str, ...]) -> None:
        async def view(**_: str) -> Response:
            if request.method == "OPTIONS":
                return _respond(Reply(200, headers=(("Allow", _allow([*methods, "OPTIONS"])),)))
            body: Any = await request.get_data()
            visit = Visit(
                method=request.method,
                path=request.path,
                query=Query(request.query_string.decode("latin-1")),
                headers={name.lower(): value for name, value in request.headers.items()},
                body=body,
            )
            reply, name = await pages(visit)
            scope: Any = request.scope
            scope[ROUTE] = name
            return _respond(reply)

        app.add_url_rule(path, path, view, methods=[*methods, "OPTIONS"])

    for path, methods in _PAGES.items():
        add(path, methods)


def _respond(reply: Reply) -> Response:
    if reply.long is not None:
        response = Response(_Parts(reply.long), reply.status)
        response.headers["Content-Length"] = str(reply.size)
    else:
        response = Response(reply.body, reply.status)
    del response.headers["Content-Type"]
    if reply.content_type is not None:
        response.headers["Content-Type"] = reply.content_type
    for name, value in reply.headers:
        response.headers.add(name, value)
    return response


class _Parts:
    """A long body as Quart takes it: part by part."""

    def __init__(self, body: Long) -> None:
        self._left = iter(body)

    def __aiter__(self) -> "_Parts":
        return self

    async def __anext__(self) -> bytes:
        for part in self._left:
            return part
        raise StopAsyncIteration


def _asked() -> Request | Websocket:
    """What is being answered; a WebSocket that no route takes is answered like any other request."""
    return websocket if has_websocket_context() else request


def _not_found(app: QuartTrio) -> Reply:
    asked = _asked()
    path = asked.path
    if is_api(path):
        return framework_error(404, f"path {asked.scope['raw_path'].decode('latin-1')} was not found")
    # Go's router sends a wrong case or a stray final slash to the right place.
    wanted = path.rstrip("/").lower() or "/"
    if wanted != path and not is_api(wanted) and any(rule.rule == wanted for rule in app.url_map.iter_rules()):
        location = str(asked.scope.get(PREFIX, "")) + wanted
        return redirect(301 if asked.method == "GET" else 308, location, asked.method)
    return plain_error(404, "404 page not found")


def _allow(methods: list[str]) -> str:
    return ", ".join(sorted(methods))


def _not_allowed(methods: list[str]) -> Reply:
    asked = _asked()
    if is_api(asked.path):
        known = ",".join(sorted(set(methods) - {"HEAD", "OPTIONS"}))
        message = f"method {asked.method} is not allowed, but [{known}] are"
        reply = framework_error(405, message, (("Allow", known),))
        return reply if asked.method != "HEAD" else Reply(405, b"", JSON, reply.headers)
    return plain_error(405, "Method Not Allowed", (("Allow", _allow([*{*methods, "OPTIONS"}])),))
