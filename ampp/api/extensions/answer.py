"""How extensions answer: JSON with snake_case keys, errors in one shape, and a request id on everything.

An error is `{"error": {"code", "message", "details"?, "request_id", "timestamp"}}`, where `details` names the fields at
fault. The id is the client's own `X-Request-ID`, if it has the form of one, or a new one.
"""

import re
import time
import uuid
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Final, TypeAlias, TypeVar

import msgspec

from ampp.api.reply import JSON, Reply
from ampp.core.clock import MILLISECOND
from ampp.core.timestamp import format_millis
from ampp.history.error import FieldError
from ampp.store.error import StoreDown

__all__ = [
    "STATUS",
    "Ask",
    "Handler",
    "Problem",
    "Route",
    "answer",
    "decoded",
    "failure",
    "failure_body",
    "guarded",
    "new_id",
    "timestamp",
    "wrong",
]

T = TypeVar("T")

STATUS: Final = {
    "VALIDATION_ERROR": 400,
    "AUTHORIZATION_ERROR": 403,
    "NOT_FOUND": 404,
    "METHOD_NOT_ALLOWED": 405,
    "CONFLICT": 409,
    "UNSUPPORTED_MEDIA_TYPE": 415,
    "INTERNAL_ERROR": 500,
    "SERVICE_UNAVAILABLE": 503,
    "TIMEOUT_ERROR": 504,
}
"""Codes and the HTTP status that goes with each."""

_SHOWN: Final = 200
"""Characters of a wrong value that are shown."""

VERSION: Final = "2.0.0"
_ID: Final = re.compile(r"[A-Za-z0-9._:-]{1,128}")

_encode: Final = msgspec.json.Encoder().encode


class Problem(Exception):
    """A request cannot be answered as asked. `code` is a key of `STATUS`; `details` as `failure` takes them."""

    def __init__(self, code: str, message: str, *details: Mapping[str, Any]) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.details = details


class Ask(msgspec.Struct, frozen=True):
    """One request. `parameters`: every query parameter's values; `path`: the values in its path."""

    parameters: Mapping[str, list[str]]
    path: Mapping[str, str]
    body: bytes
    request_id: str
    if_none_match: str = ""
    if_match: str = ""


Handler: TypeAlias = Callable[[Ask], Awaitable[Reply]]


class Route(msgspec.Struct, frozen=True):
    """`path` has no slash in front; parts in braces are handed over as `Ask.path`. `operation`: its OpenAPI object.

    `places`: what stands before the path, each ending with a slash.
    """

    method: str
    path: str
    handler: Handler
    operation: Mapping[str, Any]
    places: tuple[str, ...] = ("/api/v2/", "/")


def guarded(handler: Handler) -> Handler:
    """The handler, with what goes wrong turned into an answer."""

    async def answering(ask: Ask) -> Reply:
        try:
            return await handler(ask)
        except Problem as problem:
            return failure(ask, problem.code, problem.message, *problem.details)
        except FieldError as error:
            fault = wrong(error.field, error.message, error.value)
            return failure(ask, fault.code, fault.message, *fault.details)
        except StoreDown as down:
            return failure(ask, "SERVICE_UNAVAILABLE", str(down))

    return answering


def wrong(field: str, message: str, value: str | None = None) -> Problem:
    """What to raise when one field or parameter is not what it should be."""
    detail = {"field": field, "message": message}
    if value is not None:
        detail["value"] = value[:_SHOWN]
    return Problem("VALIDATION_ERROR", f"{field}: {message}", detail)


def decoded(ask: Ask, kind: type[T]) -> T:
    """The body as a value of this type. Raises Problem."""
    try:
        return msgspec.json.decode(ask.body or b"null", type=kind)
    except msgspec.DecodeError as error:
        raise wrong("body", str(error)) from None


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
    return Reply(STATUS[code], failure_body(ask.request_id, code, message, *details), JSON, _always(ask))


def failure_body(request_id: str, code: str, message: str, *details: Mapping[str, Any]) -> bytes:
    """The error as JSON."""
    error: dict[str, Any] = {"code": code, "message": message}
    if details:
        error["details"] = details
    error["request_id"] = request_id
    error["timestamp"] = timestamp()
    return _encode({"error": error}) + b"\n"


def _always(ask: Ask) -> tuple[tuple[str, str], ...]:
    return ("X-Request-ID", ask.request_id), ("X-API-Version", VERSION)
