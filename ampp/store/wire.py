"""The protobuf wire format, as much of it as Alertmanager's snapshot files need.

A message is a run of fields, each a varint tag (`number << 3 | type`) and a value: type 0 a varint, 1 eight bytes,
2 a length and that many bytes, 5 four bytes. Groups (types 3 and 4) were never used there and are refused. proto3
leaves out a scalar that has its zero value; the writers below do the same, so that sizes agree with upstream's.
"""

from collections.abc import Iterator
from typing import Final, TypeAlias

__all__ = ["Field", "WireError", "blob", "delimited", "fields", "number", "signed", "text", "varint", "varints"]

Field: TypeAlias = tuple[int, int | bytes]
"""A field's number and its value: `int` for varints, `bytes` for all other types."""

_MASK: Final = (1 << 64) - 1
_FIXED: Final = {1: 8, 5: 4}


class WireError(ValueError):
    """The bytes are not a protobuf message: cut short, or of a type that does not exist."""


def varint(value: int) -> bytes:
    """`value` as a varint; a negative one as its 64-bit two's complement, ten bytes long."""
    value &= _MASK
    out = bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)
    return bytes(out)


def number(field: int, value: int) -> bytes:
    """An integer field; nothing at all when it is 0."""
    return varint(field << 3) + varint(value) if value else b""


def blob(field: int, value: bytes) -> bytes:
    """A length-delimited field, present even when empty: messages, map entries, members of a oneof."""
    return varint(field << 3 | 2) + varint(len(value)) + value


def text(field: int, value: str) -> bytes:
    """A string field; nothing at all when it is empty."""
    return blob(field, value.encode()) if value else b""


def signed(value: int) -> int:
    """A varint read as int64."""
    return value - (1 << 64) if value >> 63 else value


def _varint(data: bytes, at: int) -> tuple[int, int]:
    """The varint at `at` and where it ends."""
    value = shift = 0
    while True:
        if at >= len(data):
            raise WireError(f"cut short inside a number at byte {at}")
        if shift > 63:
            raise WireError(f"number longer than 64 bits at byte {at}")
        byte = data[at]
        at += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value & _MASK, at
        shift += 7


def varints(data: bytes) -> tuple[int, ...]:
    """The numbers of a packed repeated field, unsigned."""
    out, at = [], 0
    while at < len(data):
        value, at = _varint(data, at)
        out.append(value)
    return tuple(out)


def fields(data: bytes) -> Iterator[Field]:
    """The fields of one message in the order written. Raises WireError."""
    at = 0
    while at < len(data):
        tag, at = _varint(data, at)
        kind = tag & 7
        if kind == 0:
            value, at = _varint(data, at)
            yield tag >> 3, value
            continue
        if kind == 2:
            size, at = _varint(data, at)
        elif kind in _FIXED:
            size = _FIXED[kind]
        else:
            raise WireError(f"wire type {kind} at byte {at}")
        if at + size > len(data):
            raise WireError(f"cut short at byte {len(data)}: {at + size - len(data)} bytes of a field are missing")
        yield tag >> 3, data[at : at + size]
        at += size


def delimited(data: bytes) -> Iterator[bytes]:
    """The messages of a file in which each is preceded by its length. Raises WireError."""
    at = 0
    while at < len(data):
        size, at = _varint(data, at)
        if at + size > len(data):
            raise WireError(f"cut short at byte {len(data)}: {at + size - len(data)} bytes of a message are missing")
        yield data[at : at + size]
        at += size
