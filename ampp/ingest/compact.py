"""The fast readers of POST /api/v2/alerts: what Prometheus and its kin send, compact JSON of known fields.

Two of them, from narrow to wide; what neither takes goes to the careful reader (`ampp.ingest.alertmanager`), which
alone speaks of errors:

- `read_repeats` takes a body in which every alert is known and says what it said before, all but its end. It reads no
  JSON. It cuts the body where Prometheus' objects meet and knows each piece again by its labels' bytes and a hash of
  the rest (`Content.mark`). A piece equal to what has been read before is what it was then: members in the order
  annotations, endsAt, startsAt, generatorURL, labels, and nothing else. The bytes at which it cuts cannot stand inside
  a JSON string, where each of their quotes would need a backslash.
- `read_compact` takes any list of objects with known fields, each once. It proves that no field stands twice by adding
  up the lengths of what it read (a repeated field is bytes it did not read).
"""

from collections.abc import Mapping
from functools import lru_cache
from sys import intern
from typing import Final

import msgspec

from ampp.core.alert import NO_ANNOTATIONS, Alert, Content, PostedAlert
from ampp.core.book import Repeats
from ampp.core.clock import ZERO
from ampp.core.labels import canonical
from ampp.core.labels import key as label_key
from ampp.core.timestamp import TimestampError, parse_api
from ampp.ingest.uri import valid_uri

__all__ = ["read_compact", "read_repeats"]

_FIRST: Final = b'[{"annotations":{'
_NEXT: Final = b'},{"annotations":{'
_ENDS_AT: Final = b'},"endsAt":"'
_LABELS_AT: Final = b',"labels":'


def read_repeats(body: bytes, known: Mapping[bytes, Alert]) -> Repeats | None:
    """The alerts of `body` if all of them are repeated, else None. `known`: the book, by `Alert.key`."""
    if not body.startswith(_FIRST) or not body.endswith(b"}]"):
        return None
    repeats = Repeats([], [], [])
    alerts, contents, ends = repeats.alerts, repeats.contents, repeats.ends
    stamp, size, end = _NO_STAMP, len(_NO_STAMP), (ZERO, 0)
    find = known.get
    for piece in body[len(_FIRST) : -2].split(_NEXT):
        annotations, _, rest = piece.partition(_ENDS_AT)
        rest, _, labels = rest.rpartition(_LABELS_AT)
        alert = find(labels)
        if alert is None:
            return None
        if not rest.startswith(stamp):
            text, quote, _ = rest.partition(b'",')
            stamp, size = text + quote, len(text) + 2
            try:
                end = _instant(b'"%b"' % text)
            except (msgspec.DecodeError, UnicodeDecodeError, TimestampError):
                return None
            if end[0] == ZERO:
                return None
        mark = hash(annotations) ^ hash(rest[size:])
        content = alert.content
        if content is None:
            return None
        if content.mark != mark:
            content = content.other
            if content is None or content.mark != mark:
                return None
        alerts.append(alert)
        contents.append(content)
        ends.append(end)
    return repeats


_NO_STAMP: Final = b"\x00"
"""No JSON text begins like this."""

_NOTHING: Final = msgspec.Raw(b"")


class _Compact(msgspec.Struct, forbid_unknown_fields=True, gc=False):
    labels: msgspec.Raw
    annotations: msgspec.Raw = _NOTHING
    startsAt: msgspec.Raw = _NOTHING
    endsAt: msgspec.Raw = _NOTHING
    generatorURL: msgspec.Raw = _NOTHING


_decode_list: Final = msgspec.json.Decoder(list[_Compact]).decode
_decode_map: Final = msgspec.json.Decoder(dict[str, str]).decode
_decode_string: Final = msgspec.json.Decoder(str).decode

_LABELS: Final = len('{"labels":}') + len(",")
_ANNOTATIONS: Final = len(',"annotations":')
_STARTS: Final = len(',"startsAt":')
_ENDS: Final = len(',"endsAt":')
_URL: Final = len(',"generatorURL":')


def read_compact(body: bytes, known: Mapping[bytes, Alert], local_offset: int) -> list[PostedAlert] | None:
    """The alerts, or None when the careful reader must look. What `known` alerts say already is not read again.

    Raises msgspec.DecodeError, UnicodeDecodeError, TimestampError, RecursionError: then, too, it must.
    """
    posts: list[PostedAlert] = []
    read = len("[]") - (1 if len(body) > 2 else 0)
    for compact in _decode_list(body):
        raw = bytes(compact.labels)
        read += _LABELS + len(raw)
        annotations_raw = bytes(compact.annotations)
        starts_raw = bytes(compact.startsAt)
        ends_raw = bytes(compact.endsAt)
        url_raw = bytes(compact.generatorURL)
        if annotations_raw:
            read += _ANNOTATIONS + len(annotations_raw)

        ends, ends_off = ZERO, local_offset
        if ends_raw:
            read += _ENDS + len(ends_raw)
            ends, ends_off = _instant(ends_raw)
            if ends == ZERO:
                ends_off = local_offset
        rest = b""
        if starts_raw:
            read += _STARTS + len(starts_raw)
            rest = b'"startsAt":' + starts_raw
        if url_raw:
            read += _URL + len(url_raw)
            rest += b',"generatorURL":' + url_raw

        alert = known.get(raw) or known.get(_aliases.get(raw, b""))
        old = None
        if alert is None:
            labels, key = _learn(raw)
        else:
            labels, key, old = alert.labels, alert.key, alert.content
        mark = hash(annotations_raw[1:-1]) ^ hash(rest)
        if old is not None and old.mark == mark:
            kept = said = old
        elif old is not None and old.other is not None and old.other.mark == mark:
            kept, said = old, old.other
        else:
            url = ""
            if url_raw:
                url = _url(url_raw)
                if url and not valid_uri(url):
                    return None
            starts, starts_off = _instant(starts_raw) if starts_raw else (ZERO, 0)
            annotations = _in_order(_decode_map(annotations_raw)) if annotations_raw else NO_ANNOTATIONS
            other = None
            if old is not None and old.annotations == annotations:
                annotations = old.annotations
                other = Content(old.mark, annotations, old.starts, old.starts_off, old.generator_url)
            kept = said = Content(mark, annotations or NO_ANNOTATIONS, starts, starts_off, url, other)
        # A start that is not given becomes the end, or now: it then takes that one's zone.
        starts_off = said.starts_off if said.starts != ZERO else ends_off
        posts.append(
            PostedAlert(
                labels, said.annotations, said.starts, ends, said.generator_url, starts_off, ends_off, key, kept
            )
        )
    return posts if read == len(body) else None


_ALIASES_MAX: Final = 1 << 16
_aliases: dict[bytes, bytes] = {}
"""The keys of label sets whose senders write them in another way: not in order, or with more escapes."""

_ORDERED_MAX: Final = 10_000
_ordered: dict[tuple[str, ...], tuple[str, ...]] = {}
"""Sets of names known to stand in order."""


def _learn(raw: bytes) -> tuple[dict[str, str], bytes]:
    """A label set met for the first time, and its key."""
    found = _decode_map(raw)
    names = _names_in_order(found)
    if names is None or b'""' in raw:
        found = canonical(found)
        names = tuple(map(intern, found))
    # Most values are shared by many alerts (job, cluster, severity): one copy of each will do.
    labels = dict(zip(names, map(intern, found.values()), strict=True))
    key = label_key(labels)
    if key == raw:
        return labels, raw
    if len(_aliases) >= _ALIASES_MAX:
        _aliases.clear()
    _aliases[raw] = key
    return labels, key


def _names_in_order(pairs: dict[str, str]) -> tuple[str, ...] | None:
    """The names, one value for all sets of the same; None when they are out of order."""
    names = tuple(pairs)
    known = _ordered.get(names)
    if known is None:
        if list(names) != sorted(names):
            return None
        if len(_ordered) >= _ORDERED_MAX:
            _ordered.clear()
        known = _ordered[names] = tuple(map(intern, names))
    return known


def _in_order(annotations: dict[str, str]) -> dict[str, str]:
    return annotations if _names_in_order(annotations) is not None else dict(sorted(annotations.items()))


@lru_cache(maxsize=2048)
def _instant(raw: bytes) -> tuple[int, int]:
    return parse_api(_decode_string(raw))


@lru_cache(maxsize=1024)
def _url(raw: bytes) -> str:
    return _decode_string(raw)
