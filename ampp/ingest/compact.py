"""The fast readers of POST /api/v2/alerts: what Prometheus and its kin send, compact JSON of known fields.

Three of them, from narrow to wide; what none takes goes to the careful reader (`ampp.ingest.alertmanager`), which
alone speaks of errors:

- `read_repeats` takes a body in which every alert is known, with its members in Prometheus' order: annotations, endsAt,
  startsAt, generatorURL, labels. It cuts the body where these meet and reads no JSON but what has changed since the
  sender's last word: a piece whose bytes are those of the last time (`Content`) is what it was then. The bytes at which
  it cuts cannot stand inside a JSON string, where each of their quotes would need a backslash; so when every piece is
  well-formed by itself the body is, and holds nothing else.
- `read_ordered` takes a body that is written so, whether its alerts are known or not.
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
from ampp.core.timestamp import TimestampError, parse_api
from ampp.ingest.labelset import aliases, learn, names_in_order
from ampp.ingest.uri import valid_uri

__all__ = ["read_compact", "read_ordered", "read_repeats"]

_FIRST: Final = b'[{"annotations":{'
_NEXT: Final = b'},{"annotations":{'
_ENDS_AT: Final = b'},"endsAt":"'
_LABELS_AT: Final = b',"labels":'
_STARTS_AT: Final = b'","startsAt":'
_URL_AT: Final = b',"generatorURL":'


def read_repeats(body: bytes, known: Mapping[bytes, Alert]) -> Repeats | None:
    """The alerts of `body` if all of them are known, else None. `known`: the book, by `Alert.key`."""
    if not body.startswith(_FIRST) or not body.endswith(b"}]"):
        return None
    first = body.find(_NEXT)
    first = first if first >= 0 else len(body) - 2
    if body[body.rfind(_LABELS_AT, 0, first) + len(_LABELS_AT) : first] not in known:
        return None
    try:
        return _read_pieces(body[len(_FIRST) : -2].split(_NEXT), known)
    except (msgspec.DecodeError, UnicodeDecodeError, TimestampError):
        return None


def _read_pieces(pieces: list[bytes], known: Mapping[bytes, Alert]) -> Repeats | None:
    repeats = Repeats([], [], [], [])
    add_alert, add_content, find = repeats.alerts.append, repeats.contents.append, known.get
    stamp, size = _NO_STAMP, len(_NO_STAMP)
    for piece in pieces:
        annotations, _, rest = piece.partition(_ENDS_AT)
        rest, _, labels = rest.rpartition(_LABELS_AT)
        alert = find(labels)
        if alert is None:
            return None
        if not rest.startswith(stamp):
            text, starts_at, _ = rest.partition(_STARTS_AT)
            stamp, size = text + starts_at, len(text) + len(starts_at)
            ends, ends_off = _instant(b'"%b"' % text)
            if ends == ZERO:
                return None
            repeats.runs.append((len(repeats.alerts), ends, ends_off))
        rest = rest[size:]
        content = alert.content
        if content is None or content.annotations_mark != hash(annotations) or content.rest_mark != hash(rest):
            content = _content(b"{%b}" % annotations, rest, content)
            if content is None or content.rest_mark == _NO_START:
                return None
            repeats.changed.append(content)
        add_alert(alert)
        add_content(content)
    return repeats


def read_ordered(body: bytes, known: Mapping[bytes, Alert]) -> list[PostedAlert] | None:
    """The alerts of `body` if all members are there and in Prometheus' order, else None. `known`: as for
    `read_repeats`."""
    if not body.startswith(_FIRST) or not body.endswith(b"}]"):
        return None
    try:
        return _read_ordered(body[len(_FIRST) : -2].split(_NEXT), known)
    except (msgspec.DecodeError, UnicodeDecodeError, TimestampError):
        return None


def _read_ordered(pieces: list[bytes], known: Mapping[bytes, Alert]) -> list[PostedAlert] | None:
    posts: list[PostedAlert] = []
    add, find = posts.append, known.get
    stamp, size, ends, ends_off = _NO_STAMP, len(_NO_STAMP), ZERO, 0
    content: Content | None = None
    for piece in pieces:
        annotations, _, rest = piece.partition(_ENDS_AT)
        rest, _, raw = rest.rpartition(_LABELS_AT)
        if not rest.startswith(stamp):
            text, starts_at, _ = rest.partition(_STARTS_AT)
            stamp, size = text + starts_at, len(text) + len(starts_at)
            ends, ends_off = _instant(b'"%b"' % text)
            if ends == ZERO:
                return None
        rest = rest[size:]
        alert = find(raw)
        if alert is None and aliases:
            alert = find(aliases.get(raw, b""))
        if alert is None:
            labels, key = learn(raw)
            # Alerts that begin together are mostly of one rule: the last one's start and URL are this one's.
            content = _content(b"{%b}" % annotations, rest, content)
        else:
            labels, key, content = alert.labels, alert.key, alert.content
            if content is None or content.annotations_mark != hash(annotations) or content.rest_mark != hash(rest):
                content = _content(b"{%b}" % annotations, rest, content)
        if content is None or content.starts == ZERO:
            return None
        add(
            PostedAlert(
                labels,
                content.annotations,
                content.starts,
                ends,
                content.generator_url,
                content.starts_off,
                ends_off,
                key,
                content,
            )
        )
    return posts


def _content(annotations: bytes, rest: bytes, old: Content | None) -> Content | None:
    """What a sender says; None for what the careful reader must judge. What `old`, his last word or another's, said in
    the same bytes is not read again.

    `annotations` is a JSON object or nothing, `rest` the value of startsAt and the member generatorURL, each if given,
    as they were cut out or put together. Raises as the decoder does.
    """
    annotations_mark, rest_mark = hash(annotations[1:-1]), hash(rest)
    if old is not None and old.annotations_mark == annotations_mark:
        said = old.annotations
    else:
        said = _annotations(annotations) if annotations else NO_ANNOTATIONS
        if old is not None and old.annotations == said:
            said = old.annotations
    if old is not None and old.rest_mark == rest_mark:
        starts, starts_off, url = old.starts, old.starts_off, old.generator_url
    else:
        starts_raw, _, url_raw = rest.partition(_URL_AT)
        starts, starts_off = ZERO, 0
        if starts_raw:
            starts, starts_off = _instant(starts_raw)
        else:
            rest_mark = _NO_START
        found = _url(url_raw) if url_raw else ""
        if found is None:
            return None
        url = found
    return Content(annotations_mark, rest_mark, said or NO_ANNOTATIONS, starts, starts_off, url)


_NO_START: Final = -1
"""Stands for the mark of a content without a start, since it is no hash: such alerts are read anew each time."""

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
_URL: Final = len(_URL_AT)


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
            rest = starts_raw
        if url_raw:
            read += _URL + len(url_raw)
            rest += _URL_AT + url_raw

        alert = known.get(raw)
        if alert is None and aliases:
            alert = known.get(aliases.get(raw, b""))
        if alert is None:
            labels, key = learn(raw)
            content = _content(annotations_raw, rest, None)
        else:
            labels, key, content = alert.labels, alert.key, alert.content
            if (
                content is None
                or content.annotations_mark != hash(annotations_raw[1:-1])
                or content.rest_mark != hash(rest)
            ):
                content = _content(annotations_raw, rest, content)
        if content is None:
            return None
        # A start that is not given becomes the end, or now: it then takes that one's zone.
        starts_off = content.starts_off if content.starts != ZERO else ends_off
        posts.append(
            PostedAlert(
                labels,
                content.annotations,
                content.starts,
                ends,
                content.generator_url,
                starts_off,
                ends_off,
                key,
                content,
            )
        )
    return posts if read == len(body) else None


_SHORT: Final = 64


def _annotations(raw: bytes) -> dict[str, str]:
    """In order, and with one copy of each short text: summaries and runbooks are mostly the same for all alerts of a
    rule."""
    annotations = _decode_map(raw)
    if names_in_order(annotations) is None:
        annotations = dict(sorted(annotations.items()))
    for name, value in annotations.items():
        if len(value) <= _SHORT:
            annotations[name] = intern(value)
    return annotations


@lru_cache(maxsize=2048)
def _instant(raw: bytes) -> tuple[int, int]:
    return parse_api(_decode_string(raw))


@lru_cache(maxsize=1024)
def _url(raw: bytes) -> str | None:
    """None for one that upstream refuses."""
    url = _decode_string(raw)
    return url if not url or valid_uri(url) else None
