"""What a request is before it meets a framework: ASGI's types, and what is written into or read from its scope."""

from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any, Final, TypeAlias

__all__ = ["API", "PREFIX", "ROUTE", "App", "Message", "Receive", "Scope", "Send", "header", "is_api", "origin_form"]

Scope: TypeAlias = MutableMapping[str, Any]
Message: TypeAlias = MutableMapping[str, Any]
Receive: TypeAlias = Callable[[], Awaitable[Message]]
Send: TypeAlias = Callable[[Message], Awaitable[None]]
App: TypeAlias = Callable[[Any, Any, Any], Awaitable[None]]

API: Final = "/api/v2/"

ROUTE: Final = "ampp.route"
"""Where the scope of a request says by which route it was served, for those whose path holds a value."""

PREFIX: Final = "ampp.prefix"
"""Where the scope of a request says which route prefix was taken off its path."""


def is_api(path: str) -> bool:
    """Whether errors for this path (without prefix) take the API's form."""
    return path.startswith(API)


def header(scope: Scope, wanted: bytes) -> str | None:
    """The value of the first header of that name (in lower case), None where there is none."""
    for name, value in scope["headers"]:
        if name == wanted:
            return str(value.decode("latin-1"))
    return None


def origin_form(scope: Scope) -> Scope:
    """A request to `http://host/path`, the form proxies send, is one to `/path`."""
    if scope["path"].startswith("/") or "://" not in scope["path"]:
        return scope
    path = "/" + scope["path"].partition("://")[2].partition("/")[2]
    return {**scope, "path": path, "raw_path": b"/" + scope["raw_path"].partition(b"://")[2].partition(b"/")[2]}
