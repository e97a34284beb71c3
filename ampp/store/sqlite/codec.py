"""Values to bytes and back: msgspec's msgpack, with room for instants beyond 64 bits.

msgpack has no integer past 64 bits, and nanoseconds since 1970 leave that range in the years 1677 and 2554, while
senders do write `9999-12-31T23:59:59Z` and Go's zero time is year 1. Such a value is written with its large integers
as decimal text; a lax reader turns text back into an integer wherever the type asks for one. Ordinary values never
see either step.
"""

from typing import Any, Final, Generic, TypeVar

import msgspec
import xxhash

from ampp.core.record import AlertRow, GroupRow, LogEntry, OutboxRow, Record
from ampp.core.silence import Silence

__all__ = ["ALERT", "GROUP", "LOG", "OUTBOX", "RECORD", "SILENCE", "Reader", "digest", "encode"]

T = TypeVar("T")

_LOW: Final = -(1 << 63)
_HIGH: Final = (1 << 64) - 1
_encode: Final = msgspec.msgpack.Encoder().encode


def encode(value: Any) -> bytes:
    """`value` as msgpack; a `Reader` of its type gives back an equal one."""
    try:
        return _encode(value)
    except OverflowError:
        return _encode(_spelled(msgspec.to_builtins(value, builtin_types=(bytes,))))


def _spelled(value: Any) -> Any:
    if isinstance(value, int):
        return value if _LOW <= value <= _HIGH else str(value)
    if isinstance(value, dict):
        return {key: _spelled(each) for key, each in value.items()}
    if isinstance(value, (list, tuple)):
        return [_spelled(each) for each in value]
    return value


class Reader(Generic[T]):
    """Reads what `encode` wrote for one type. Raises msgspec.DecodeError (ValidationError among them)."""

    def __init__(self, kind: Any) -> None:
        self._strict: msgspec.msgpack.Decoder[T] = msgspec.msgpack.Decoder(kind)
        self._lax: msgspec.msgpack.Decoder[T] = msgspec.msgpack.Decoder(kind, strict=False)

    def __call__(self, data: bytes) -> T:
        try:
            return self._strict.decode(data)
        except msgspec.ValidationError:
            return self._lax.decode(data)


ALERT: Final[Reader[AlertRow]] = Reader(AlertRow)
GROUP: Final[Reader[GroupRow]] = Reader(GroupRow)
LOG: Final[Reader[LogEntry]] = Reader(LogEntry)
OUTBOX: Final[Reader[OutboxRow]] = Reader(OutboxRow)
RECORD: Final[Reader[Record]] = Reader(Record)
SILENCE: Final[Reader[Silence]] = Reader(Silence)

digest: Final = xxhash.xxh3_128_digest
"""Sixteen bytes that stand for an alert's key in the index of `alerts`."""
