"""Bodies of requests as Go's encoding/json writes structs: fields in their order, optional ones only when set."""

from collections.abc import Sequence
from typing import Any

import msgspec

from ampp.template.jsontext import to_json

__all__ = ["Body", "encode"]


class Body(msgspec.Struct, frozen=True, kw_only=True):
    """A JSON object whose members are the fields, in order. A field at its default is left out (Go's omitempty).

    Say `frozen=True, kw_only=True` in subclasses too. What is a `dict` inside has its names sorted, as Go's maps have.
    """


def encode(body: Any) -> bytes:
    """JSON with the characters escaped that Go escapes, and a newline. Raises `CallError` for infinite numbers."""
    return _text(body).encode() + b"\n"


def _text(value: Any) -> str:
    if isinstance(value, Body):
        members = [
            f"{to_json(field.encode_name)}:{_text(member)}"
            for field in msgspec.structs.fields(value)
            for member in (getattr(value, field.name),)
            if field.required or member != field.default
        ]
        return "{" + ",".join(members) + "}"
    if isinstance(value, Sequence) and not isinstance(value, str):
        return "[" + ",".join(map(_text, value)) + "]"
    return to_json(value)
