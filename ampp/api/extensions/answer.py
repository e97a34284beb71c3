"""How extensions answer: JSON with snake_case keys, errors in one shape, and a request id on everything.

An error is `{"error": {"code", "message", "details"?, "request_id", "timestamp"}}`, where `details` names the fields at
fault. The id is the client's own `X-Request-ID`, if it has the form of one, or a new one.
"""

import re
import time
import uuid
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Final, TypeAlias

import msgspec

from ampp.api.reply import JSON, Reply
from ampp.core.clock import MILLISECOND
from ampp.core.timestamp import format_millis

__all__ = ["STATUS", "Ask", "Handler", "Route", "answer", "failure", "new_id", "timestamp"]

STATUS: Final = {
    "VALIDATION_ERROR": 400,
    "NOT_FOUND": 404,
    "METHOD_NOT_ALLOWED": 405,
    "CONFLICT": 409,
    "UNSUPPORTED_MEDIA_TYPE": 415,
    "INTERNAL_ERROR": 500,
    "SERVICE_UNAVAILABLE": 503,
    "TIMEOUT_ERROR": 504,
}
"""Codes and the HTTP status that goes with each."""

VERSION: Final = "2.0.0"
_ID: Final = re.compile(r"[A-Za-z0-9._:-]{1,128}")

_encode: Final = msgspec.json.Encoder().encode


class Ask(msgspec.Struct, frozen=True):
    """One request. `parameters`: every query parameter's values; `path`: the values in its path."""

    parameters: Mapping[str, list[str]]
    path: Mapping[str, str]
    body: bytes
    request_id: str
    if_none_match: str = ""


Handler: TypeAlias = Callable[[Ask], Awaitable[Reply]]


class Route(msgspec.Struct, frozen=True):
    """`path` has no slash in front; parts in braces are handed over as `Ask.path`. `operation`: its OpenAPI object."""

    method: str
    path: str
    handler: Handler
    operation: Mapping[str, Any]


def new_id(given: str | None) -> str:
    """The id of a request, the client's own if it gave one."""
    return given if given and _ID.fullmatch(given) else str(uuid.uuid4())


def timestamp() -> str:
    """This moment, RFC 3339 in UTC."""
    return format_millis(time.time_ns() // MILLISECOND * MILLISECOND)


def answer(ask: Ask, value: Any, *, status: int = 200, headers: tuple[tuple[str, str], ...] = ()) -> Reply:
    """`value` as the answer."""
    return Reply(status, _encode(value) + b"\n", JSON, (*_always(ask), *headers))


def failure(ask: Ask, code: str, message: str, *details: Mapping[str, Any]) -> Reply:
    """An error; `code` is a key of `STATUS`, `details` are objects with `field`, `message` and perhaps `value`."""
    error: dict[str, Any] = {"code": code, "message": message}
    if details:
        error["details"] = details
    error["request_id"] = ask.request_id
    error["timestamp"] = timestamp()
    return Reply(STATUS[code], _encode({"error": error}) + b"\n", JSON, _always(ask))


def _always(ask: Ask) -> tuple[tuple[str, str], ...]:
    return ("X-Request-ID", ask.request_id), ("X-API-Version", VERSION)
