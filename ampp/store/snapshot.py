"""Alertmanager's own snapshot files, `nflog` and `silences`, read and written so that daemons can be swapped both
ways.

A file is a run of protobuf messages, each preceded by its length; an empty file is an empty log. Field numbers are in
the tables of the functions below (upstream: nflogpb/nflog.proto, silencepb/silence.proto). What 0.25 and what 0.34
write are both read: matchers directly in the silence (field 2) or in sets (field 11), a comment of its own or the
first of a list. Written is what both read: the first set stands in field 2 as well. Unknown fields are skipped.
"""

import os
import secrets
import struct
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Final, NoReturn, TypeVar

from ampp.core.clock import SECOND, ZERO
from ampp.core.matcher import Matcher, Op
from ampp.core.record import LogEntry
from ampp.core.silence import Silence
from ampp.store import wire
from ampp.store.error import SnapshotError

__all__ = [
    "decode_log_entry",
    "decode_silence",
    "encode_log_entry",
    "encode_silence",
    "newer",
    "read_log",
    "read_silences",
    "size_of",
    "write_log",
    "write_silences",
]

T = TypeVar("T")

_OPS: Final = (Op.EQ, Op.RE, Op.NE, Op.NRE)
_FIRST_SECOND: Final = ZERO // SECOND
_LAST_SECOND: Final = 253_402_300_799
_OP_NUMBERS: Final = {op: number for number, op in enumerate(_OPS)}


def newer(path: Path, exported: int) -> bool:
    """Whether somebody else wrote the file since we last did: it exists and its modification time, in nanoseconds, is
    later than `exported`, which was that of our own last export (0: never)."""
    try:
        return path.stat().st_mtime_ns > exported
    except FileNotFoundError:
        return False


def read_log(path: Path) -> list[LogEntry]:
    """The notification log in the file, the last one per key. Raises SnapshotError."""
    return list({entry.key: entry for entry in _read(path, decode_log_entry)}.values())


def read_silences(path: Path) -> tuple[list[Silence], list[str]]:
    """The silences in the file, the last one per id, and warnings about those left out. Raises SnapshotError."""
    silences = list({silence.id: silence for silence in _read(path, decode_silence)}.values())
    warnings = [
        f"{path}: silence {silence.id} has no matchers and is left out"
        for silence in silences
        if not silence.matcher_sets
    ]
    return [silence for silence in silences if silence.matcher_sets], warnings


def write_log(path: Path, entries: Iterable[LogEntry]) -> int:
    """Replace the file in one step. Returns its size in bytes. Raises OSError."""
    return _write(path, map(encode_log_entry, entries))


def write_silences(path: Path, silences: Iterable[Silence]) -> int:
    """Replace the file in one step. Returns its size in bytes. Raises OSError."""
    return _write(path, map(encode_silence, silences))


def size_of(silence: Silence) -> int:
    """What `--silences.max-per-silence-bytes` limits: the encoded message, without the copy kept for older readers."""
    return len(_mesh(_silence(silence, copy=False), silence.expires))


def encode_log_entry(entry: LogEntry) -> bytes:
    """One nflogpb.MeshEntry."""
    receiver = wire.text(1, entry.receiver) + wire.text(2, entry.integration) + wire.number(3, entry.idx)
    message = (
        wire.text(1, entry.group_key)
        + wire.blob(2, receiver)
        + wire.blob(5, _time(entry.timestamp))
        + _packed(6, entry.firing)
        + _packed(7, entry.resolved)
        + b"".join(
            wire.blob(8, wire.blob(1, key.encode()) + wire.blob(2, _data(value)))
            for key, value in sorted(entry.data.items())
        )
    )
    return _mesh(message, entry.expires)


def decode_log_entry(data: bytes) -> LogEntry:
    """One nflogpb.MeshEntry. Raises WireError or ValueError."""
    message, expires = _unmesh(data)
    group_key, receiver, timestamp = "", None, 0
    firing: tuple[int, ...] = ()
    resolved: tuple[int, ...] = ()
    extra: dict[str, str | int | float] = {}
    for field, value in wire.fields(message):
        if field == 1:
            group_key = _bytes(value).decode(errors="replace")
        elif field == 2:
            receiver = _bytes(value)
        elif field == 5:
            timestamp = _read_time(_bytes(value))
        elif field == 6:
            firing += _hashes(value)
        elif field == 7:
            resolved += _hashes(value)
        elif field == 8:
            pair = dict(wire.fields(_bytes(value)))
            extra[_bytes(pair.get(1, b"")).decode()] = _read_data(_bytes(pair.get(2, b"")))
    if receiver is None:
        raise ValueError("an entry without a receiver")
    names = dict(wire.fields(receiver))
    return LogEntry(
        group_key,
        _bytes(names.get(1, b"")).decode(),
        _bytes(names.get(2, b"")).decode(),
        _int(names.get(3, 0)),
        timestamp,
        firing,
        resolved,
        expires,
        extra,
    )


def encode_silence(silence: Silence) -> bytes:
    """One silencepb.MeshSilence."""
    return _mesh(_silence(silence, copy=True), silence.expires)


def _silence(silence: Silence, *, copy: bool) -> bytes:
    sets = [b"".join(wire.blob(1, _matcher(each)) for each in matchers) for matchers in silence.matcher_sets]
    first = silence.matcher_sets[0] if copy and silence.matcher_sets else ()
    return (
        wire.text(1, silence.id)
        + b"".join(wire.blob(2, _matcher(each)) for each in first)
        + wire.blob(3, _time(silence.starts))
        + wire.blob(4, _time(silence.ends))
        + wire.blob(5, _time(silence.updated))
        + wire.text(8, silence.created_by)
        + wire.text(9, silence.comment)
        + b"".join(
            wire.blob(10, wire.blob(1, key.encode()) + wire.blob(2, value.encode()))
            for key, value in sorted(silence.annotations.items())
        )
        + b"".join(wire.blob(11, each) for each in sets)
    )


def decode_silence(data: bytes) -> Silence:
    """One silencepb.MeshSilence. Raises WireError or ValueError."""
    message, expires = _unmesh(data)
    texts = {1: "", 8: "", 9: ""}
    times = {3: 0, 4: 0, 5: 0}
    old: list[Matcher] = []
    sets: list[tuple[Matcher, ...]] = []
    comments: list[bytes] = []
    annotations = {}
    for field, value in wire.fields(message):
        if field in texts:
            texts[field] = _bytes(value).decode()
        elif field in times:
            times[field] = _read_time(_bytes(value))
        elif field == 2:
            old.append(_read_matcher(_bytes(value)))
        elif field == 7:
            comments.append(_bytes(value))
        elif field == 10:
            pair = dict(wire.fields(_bytes(value)))
            annotations[_bytes(pair.get(1, b"")).decode()] = _bytes(pair.get(2, b"")).decode()
        elif field == 11:
            sets.append(tuple(_read_matcher(_bytes(each)) for inner, each in wire.fields(_bytes(value)) if inner == 1))
    if comments:
        first = dict(wire.fields(comments[0]))
        texts[8], texts[9] = (_bytes(first.get(number, b"")).decode() for number in (1, 2))
    return Silence(
        id=texts[1],
        matcher_sets=tuple(sets) or ((tuple(old),) if old else ()),
        starts=times[3],
        ends=times[4],
        updated=times[5],
        created_by=texts[8],
        comment=texts[9],
        annotations=annotations,
        expires=expires,
    )


def _matcher(matcher: Matcher) -> bytes:
    return wire.number(1, _OP_NUMBERS[matcher.op]) + wire.text(2, matcher.name) + wire.text(3, matcher.value)


def _read_matcher(data: bytes) -> Matcher:
    parts = dict(wire.fields(data))
    kind = _int(parts.get(1, 0))
    if kind >= len(_OPS):
        raise ValueError(f"a matcher of unknown type {kind}")
    return Matcher(_bytes(parts.get(2, b"")).decode(), _OPS[kind], _bytes(parts.get(3, b"")).decode())


def _mesh(message: bytes, expires: int) -> bytes:
    return wire.blob(1, message) + wire.blob(2, _time(expires))


def _unmesh(data: bytes) -> tuple[bytes, int]:
    parts = dict(wire.fields(data))
    if 1 not in parts:
        raise ValueError("a message without content")
    return _bytes(parts[1]), _read_time(_bytes(parts.get(2, b"")))


def _time(at: int) -> bytes:
    """A Timestamp, held within the years 1 to 9999: 0.25 does not start over a file with any other."""
    seconds, nanos = divmod(at, SECOND)
    seconds = min(max(seconds, _FIRST_SECOND), _LAST_SECOND)
    return wire.number(1, seconds) + wire.number(2, nanos)


def _read_time(data: bytes) -> int:
    parts = dict(wire.fields(data))
    return wire.signed(_int(parts.get(1, 0))) * SECOND + wire.signed(_int(parts.get(2, 0)))


def _packed(field: int, hashes: tuple[int, ...]) -> bytes:
    return wire.blob(field, b"".join(map(wire.varint, hashes))) if hashes else b""


def _hashes(value: int | bytes) -> tuple[int, ...]:
    return (value,) if isinstance(value, int) else wire.varints(value)


def _data(value: str | int | float) -> bytes:
    if isinstance(value, str):
        return wire.blob(1, value.encode())
    if isinstance(value, int):
        return wire.varint(2 << 3) + wire.varint(value)
    return wire.varint(3 << 3 | 1) + struct.pack("<d", value)


def _read_data(data: bytes) -> str | int | float:
    for field, value in wire.fields(data):
        if field == 1:
            return _bytes(value).decode()
        if field == 2:
            return wire.signed(_int(value))
        if field == 3:
            number: float = struct.unpack("<d", _bytes(value))[0]
            return number
    return ""


def _bytes(value: int | bytes) -> bytes:
    return value if isinstance(value, bytes) else _mistyped()


def _int(value: int | bytes) -> int:
    return value if isinstance(value, int) else _mistyped()


def _mistyped() -> NoReturn:
    raise wire.WireError("a field of another type than expected")


def _read(path: Path, decode: Callable[[bytes], T]) -> list[T]:
    try:
        return [decode(message) for message in wire.delimited(path.read_bytes())]
    except (ValueError, struct.error) as error:
        raise SnapshotError(
            f"{path} is not a snapshot of Alertmanager, or a damaged one: {error}. "
            "Restore it, or move it away to start without it"
        ) from error
    except OSError as error:
        raise SnapshotError(f"cannot read {path}: {error.strerror}") from error


def _write(path: Path, messages: Iterable[bytes]) -> int:
    """Write beside the target, make that durable, and put it in the target's place; upstream names it alike."""
    draft = path.with_name(f"{path.name}.{secrets.token_hex(8)}")
    fd = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    try:
        with open(fd, "wb") as file:
            for message in messages:
                file.write(wire.varint(len(message)) + message)
            file.flush()
            os.fsync(fd)
            size = file.tell()
        draft.rename(path)
    except BaseException:
        draft.unlink(missing_ok=True)
        raise
    folder = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
    return size
