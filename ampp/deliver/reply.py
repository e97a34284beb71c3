"""What a receiver says in JSON, read as leniently as Go does: unknown members and wrong UTF-8 are no errors."""

from json import JSONDecoder
from typing import Optional, TypeVar

import msgspec

from ampp.core.quote import go_quote
from ampp.core.reason import FailureReason
from ampp.deliver.http import Answer
from ampp.deliver.sender import SendError

__all__ = ["first", "read", "whole"]

T = TypeVar("T", bound=msgspec.Struct)


def whole(answer: Answer) -> bytes:
    """The body. Raises `SendError`, to be tried again, if it did not come to its end."""
    if answer.flaw:
        raise SendError(f"could not read response body: {answer.flaw}", retry=True, reason=FailureReason.CLIENT)
    return answer.body


def read(answer: Answer, kind: type[T]) -> T:
    """The body as `kind`; `null` says nothing. Raises `SendError`, to be tried again, if it cannot be read so."""
    text = whole(answer).decode(errors="replace")
    try:
        return msgspec.json.decode(text, type=Optional[kind]) or kind()  # noqa: UP045 - `kind` is a value here
    except (msgspec.DecodeError, RecursionError) as error:
        raise SendError(
            f"could not unmarshal JSON response {go_quote(text)}: {error}", retry=True, reason=FailureReason.CLIENT
        ) from None


def first(body: bytes, kind: type[T]) -> T | None:
    """The JSON value that `body` begins with, as `kind`; None if there is no such thing."""
    try:
        value, _ = JSONDecoder().raw_decode(body.decode(errors="replace").lstrip())
        return msgspec.convert(value, kind)
    except (ValueError, RecursionError):
        return None
