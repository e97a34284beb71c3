"""Label sets met for the first time: their labels, and the key by which each is known from then on.

Most of a new label set is old: its names, and all values but one or two. So a set is cut where its members meet, and a
member whose bytes have been met lately is not read again, and not kept twice. What cannot be cut so, since it is not
written as `ampp.core.labels.key` would write it, is read as any other JSON.
"""

from sys import intern
from typing import Final

import msgspec

from ampp.core.labels import canonical
from ampp.core.labels import key as label_key

__all__ = ["aliases", "learn", "names_in_order"]

_read_map: Final = msgspec.json.Decoder(dict[str, str]).decode

_ALIASES_MAX: Final = 1 << 16
aliases: Final[dict[bytes, bytes]] = {}
"""The keys of label sets whose senders write them in another way: not in order, or with more escapes."""

_ORDERED_MAX: Final = 10_000
_ordered: dict[tuple[str, ...], tuple[str, ...]] = {}
"""Sets of names known to stand in order."""

_PAIRS_MAX: Final = 2_048
_PAIR_BYTES: Final = 128
"""Bytes of a member from which on it is not remembered."""

_LONG: Final = 8_192
"""Bytes of a label set from which on its alias is not remembered, and characters of a set's names from which on these
are not: whoever sends such ones must not fill the memory with what is long gone."""


class _OtherwiseWritten(Exception):
    """A member is not what `label_key` would make of it."""


class _Pairs(dict[bytes, tuple[str, str]]):
    """Names and values by the bytes of a member, without the quotes at its ends: those met lately.

    When there are many they become the former ones, of which those that are met again come back. Several threads may
    ask at once.
    """

    _former: dict[bytes, tuple[str, str]] = {}

    def __missing__(self, member: bytes) -> tuple[str, str]:
        pair = self._former.get(member)
        if pair is None:
            pair = _read_pair(member)
            if len(member) >= _PAIR_BYTES:
                return pair
        if len(self) >= _PAIRS_MAX:
            self._former = dict(self)
            self.clear()
        self[member] = pair
        return pair


def _read_pair(member: bytes) -> tuple[str, str]:
    text = member.decode()
    if text.count('"') == 2 and text.isascii() and text.isprintable() and "\\" not in text:
        # Such characters stand for themselves, whoever writes them.
        name, _, value = text.partition('":"')
    else:
        raw = b'{"%b"}' % member
        read = _read_map(raw)
        # Between two pairs there would be a place to cut, or a space that should not be there.
        if label_key(read) != raw:
            raise _OtherwiseWritten
        ((name, value),) = read.items()
    if not value:
        raise _OtherwiseWritten
    return intern(name), value


_pair: Final = _Pairs().__getitem__


def learn(raw: bytes) -> tuple[dict[str, str], bytes]:
    """The labels of a JSON object, in canonical order and without empty ones, and their key.

    Raises msgspec.DecodeError and UnicodeDecodeError when it is not an object of strings.
    """
    labels = _from_members(raw)
    if labels is None:
        labels = {intern(name): intern(value) for name, value in canonical(_read_map(raw)).items()}
    elif names_in_order(labels) is not None:
        return labels, raw
    else:
        labels = canonical(labels)
    key = label_key(labels)
    if key != raw and len(raw) < _LONG:
        if len(aliases) >= _ALIASES_MAX:
            aliases.clear()
        aliases[raw] = key
    return labels, key


def _from_members(raw: bytes) -> dict[str, str] | None:
    """The labels as they stand there, each once and in the form that `label_key` would give it; None if they do not."""
    if not raw.startswith(b'{"') or not raw.endswith(b'"}'):
        return None
    members = raw[2:-2].split(b'","')
    try:
        labels = dict(map(_pair, members))
    except (_OtherwiseWritten, msgspec.DecodeError, UnicodeDecodeError):
        # It may be well-formed all the same: a value that is a comma looks like a place to cut.
        return None
    return labels if len(labels) == len(members) else None


def names_in_order(pairs: dict[str, str]) -> tuple[str, ...] | None:
    """The names, mostly one value for all sets of the same; None when they are out of order."""
    names = tuple(pairs)
    known = _ordered.get(names)
    if known is None:
        if list(names) != sorted(names):
            return None
        if sum(map(len, names)) >= _LONG:
            return names
        if len(_ordered) >= _ORDERED_MAX:
            _ordered.clear()
        known = _ordered[names] = tuple(map(intern, names))
    return known
