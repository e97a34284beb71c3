"""Label sets: their canonical form, identity, hashes, text and orders.

A canonical label set is a plain `dict[str, str]` whose keys stand in byte order of their UTF-8 (the same as the order
of `str`), without empty values, changed by nobody after it was made. All functions here but `canonical` expect one.
"""

import hashlib
import re
from collections.abc import Callable, Iterable, Mapping
from functools import cache, lru_cache
from itertools import chain
from typing import Final, TypeAlias, TypeVar, cast

import msgspec
import xxhash

from ampp.core.matcher import Mode
from ampp.core.quote import go_quote

__all__ = [
    "EMPTY_FINGERPRINT",
    "canonical",
    "fingerprint",
    "fingerprint_hex",
    "format_set",
    "hash64",
    "key",
    "notification_order",
    "set_order",
    "sha256_hex",
    "sort_for_notification",
    "valid_name",
    "valid_value",
]

T = TypeVar("T")

EMPTY_FINGERPRINT: Final = 14695981039346656037
"""FNV-1a's offset basis: the fingerprint of no labels."""

_CLASSIC_NAME: Final = re.compile(r"[a-zA-Z_][a-zA-Z0-9_]*")
_SURROGATE: Final = re.compile("[\ud800-\udfff]")
_encode: Final = msgspec.json.Encoder().encode


def canonical(labels: Mapping[str, str]) -> dict[str, str]:
    """A canonical copy: sorted by name, empty values dropped (an empty label is no label)."""
    return {name: labels[name] for name in sorted(labels) if labels[name]}


def key(labels: dict[str, str]) -> bytes:
    """The identity of a label set: the compact JSON object of its sorted labels."""
    return _encode(labels)


def fingerprint(labels: dict[str, str]) -> int:
    """Upstream's alert fingerprint: 64-bit FNV-1a over name, 0xFF, value, 0xFF of each label."""
    return _fnv1a()(_hashed(labels))


@cache
def _fnv1a() -> Callable[[bytes], int]:
    """The command line does without it, and without the time it takes to load."""
    from fnv_c import fnv1a_64

    return cast(Callable[[bytes], int], fnv1a_64)


def _hashed(labels: dict[str, str]) -> bytes:
    """What both hashes are made of: names and values, each followed by the byte 0xFF."""
    parts = [*chain.from_iterable(labels.items()), ""]
    text = "\xff".join(parts)
    if text.count("\xff") < len(parts):
        # One encoding for all parts: U+00FF, which is none of theirs, stands for the byte.
        return text.encode().replace(b"\xc3\xbf", b"\xff")
    return b"\xff".join([part.encode() for part in parts])


def fingerprint_hex(value: int) -> str:
    """A fingerprint as the API shows it: 16 lowercase hex digits."""
    return f"{value:016x}"


def sha256_hex(labels: dict[str, str]) -> str:
    """The long fingerprint, 64 hex digits: SHA-256 of the alert's name and every label, as `name|k=v|k=v`."""
    text = "|".join([labels.get("alertname", ""), *[f"{name}={value}" for name, value in labels.items()]])
    return hashlib.sha256(text.encode()).hexdigest()


def hash64(labels: dict[str, str]) -> int:
    """The notification log's alert hash: xxHash64, seed 0, over the bytes the fingerprint is made of."""
    return xxhash.xxh64_intdigest(_hashed(labels))


def format_set(labels: Mapping[str, str]) -> str:
    """`{a="x", b="y"}`: names raw, values Go-quoted; as in group keys. `labels` must be in order."""
    return "{" + ", ".join([f"{name}={go_quote(value)}" for name, value in labels.items()]) + "}"


SetOrder: TypeAlias = tuple[int, tuple[tuple[tuple[int, ...], str], ...]]
NotificationOrder: TypeAlias = tuple[bool, str, bool, str, SetOrder]


@lru_cache(maxsize=4096)
def _reversed_name(name: str) -> tuple[int, ...]:
    """Sorts names backwards: at the first difference of two sets, the one lacking the smaller name comes first."""
    return (*[-ord(c) for c in name], 1)


def set_order(labels: dict[str, str]) -> SetOrder:
    """Sort key of upstream's order of label sets (model.LabelSet.Before), used for lists of groups."""
    return len(labels), tuple([(_reversed_name(name), value) for name, value in labels.items()])


def notification_order(labels: dict[str, str]) -> NotificationOrder:
    """Sort key of alerts inside a notification: `job`, then `instance` (those lacking it last), then the whole set."""
    job = labels.get("job")
    instance = labels.get("instance")
    return job is None, job or "", instance is None, instance or "", set_order(labels)


def sort_for_notification(items: Iterable[T], labels_of: Callable[[T], dict[str, str]]) -> list[T]:
    """The items by `notification_order` of their labels. Whole label sets are compared only where job and instance
    are equal, which is seldom: that comparison costs most."""
    done: list[T] = []
    for some in _parted(items, "job", labels_of):
        for equals in _parted(some, "instance", labels_of):
            if len(equals) > 1:
                equals.sort(key=lambda item: set_order(labels_of(item)))
            done += equals
    return done


def _parted(items: Iterable[T], name: str, labels_of: Callable[[T], dict[str, str]]) -> list[list[T]]:
    """The items by one label, those with the same value together; those that lack it come last."""
    parts: dict[str | None, list[T]] = {}
    for item in items:
        parts.setdefault(labels_of(item).get(name), []).append(item)
    lacking = parts.pop(None, None)
    # Strings by themselves are compared quickest.
    ordered = [parts[value] for value in sorted(cast("dict[str, list[T]]", parts))]
    return ordered if lacking is None else [*ordered, lacking]


def valid_name(name: str, mode: Mode) -> bool:
    """Whether `name` may name a label in `mode`: any non-empty valid UTF-8, or the classic identifier rule."""
    if mode is Mode.CLASSIC:
        return _CLASSIC_NAME.fullmatch(name) is not None
    return name != "" and valid_value(name)


def valid_value(value: str) -> bool:
    """Whether `value` is valid UTF-8, that is: free of lone surrogates."""
    return value.isascii() or _SURROGATE.search(value) is None
