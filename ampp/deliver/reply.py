"""What a receiver says in JSON, read as leniently as Go does: unknown members and wrong UTF-8 are no errors, and names
of members match in any case."""

from functools import lru_cache
from json import JSONDecoder
from typing import Any, TypeVar, get_args

import msgspec

from ampp.core.quote import go_quote
from ampp.core.reason import FailureReason
from ampp.deliver.answer import Answer
from ampp.deliver.sender import SendError

__all__ = ["decode", "first", "read", "whole"]

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
        return decode(text, kind) or kind()
    except (msgspec.DecodeError, RecursionError) as error:
        raise SendError(
            f"could not unmarshal JSON response {go_quote(text)}: {error}", retry=True, reason=FailureReason.CLIENT
        ) from None


def first(body: bytes, kind: type[T]) -> T | None:
    """The JSON value that `body` begins with, as `kind`; None if there is no such thing."""
    try:
        value, _ = JSONDecoder().raw_decode(body.decode(errors="replace").lstrip())
        return msgspec.convert(_fitted(value, kind), kind)
    except (ValueError, RecursionError):
        return None


def decode(text: str | bytes, kind: type[T]) -> T | None:
    """The JSON text as `kind`; None for `null`. Raises `msgspec.DecodeError` and `RecursionError`."""
    value = _fitted(msgspec.json.decode(text), kind)
    return None if value is None else msgspec.convert(value, kind)


def _fitted(value: Any, kind: type[msgspec.Struct]) -> Any:
    """The value with the names of `kind`'s members where it has them in another case; of several, the last counts."""
    if isinstance(value, list):
        return [_fitted(item, kind) for item in value]
    if not isinstance(value, dict):
        return value
    out: dict[str, Any] = {}
    members = _members(kind)
    for name, member in value.items():
        known, inner = members.get(name.casefold(), ("", None))
        if known:
            out[known] = _fitted(member, inner) if inner is not None else member
    return out


@lru_cache(maxsize=64)
def _members(kind: type[msgspec.Struct]) -> dict[str, tuple[str, type[msgspec.Struct] | None]]:
    """By its name in lower case, each member's name and, if objects are in it, their kind."""
    return {
        field.encode_name.casefold(): (field.encode_name, _object(field.type)) for field in msgspec.structs.fields(kind)
    }


def _object(kind: Any) -> type[msgspec.Struct] | None:
    """The kind of object in an annotation such as `list[_Issue] | None`."""
    if isinstance(kind, type) and issubclass(kind, msgspec.Struct):
        return kind
    return next(filter(None, map(_object, get_args(kind))), None)
