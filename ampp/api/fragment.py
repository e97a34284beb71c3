"""The API's objects as JSON bytes, member by member in upstream's order.

Upstream composes alerts and silences of two schemas: first its own members in alphabetical order, then those it
inherits. Inside them `<`, `>` and `&` are escaped, elsewhere not. Both follow from how its Go code is generated.

An alert's bytes are kept on the alert (`Alert.fragment`) together with the status they show, so that listing ten
thousand alerts copies byte strings, also when they have been repeated since. Whoever changes more of an alert than its
end clears it (`ampp.core.book`). What many alerts have in common is one object for all of them.
"""

from collections.abc import Iterable
from functools import lru_cache
from typing import Final

import msgspec

from ampp.api.reply import go_json, html_escaped
from ampp.api.zone import local_offset
from ampp.core.alert import Alert
from ampp.core.book import fingerprint
from ampp.core.labels import fingerprint_hex
from ampp.core.matcher import Matcher, Op
from ampp.core.silence import Silence
from ampp.core.timestamp import format_millis
from ampp.core.view import AlertView, GroupView, Status

__all__ = ["Unshowable", "group_tail", "silence_json", "write_alerts"]

_encode: Final = msgspec.json.Encoder().encode


class _Fragment(msgspec.Struct, frozen=True, gc=False):
    """The status shown, and the bytes that show it and all else but the end, the last report, and the labels, whose
    JSON the alert's key mostly is. The end goes between `head` and `mark`, the last report before `tail`.

    `size`: bytes of all these, labels included."""

    status: Status
    head: bytes
    mark: bytes
    middle: bytes
    tail: bytes
    labels: bytes | None
    size: int


_instant: Final = lru_cache(maxsize=4096)(lambda wall, offset: format_millis(wall, offset).encode())

_same: Final = lru_cache(maxsize=4096)(int)
"""The number itself, one object for all that are equal."""

_MOMENTS: Final = 4096
"""Last reports whose text is kept."""

_moments: Final[dict[int, bytes]] = {}


def write_alerts(views: Iterable[AlertView], out: list[bytes]) -> int:
    """Add the alerts' objects to `out`, in pieces, and remember the pieces on the alerts; returns how many bytes these
    are. Before each stands the end of another one and a comma, and its own end is missing.

    The pieces are those remembered: a long listing makes nothing new that would lie between them in memory.
    """
    size, moments = 0, _moments
    ends, ends_off, end = 0, 0, _instant(0, 0)
    for view in views:
        alert, status = view.alert, view.status
        known = alert.fragment
        if known is None or (known.status is not status and known.status != status):
            known = alert.fragment = _fragment(alert, status)
        if alert.ends != ends or alert.ends_off != ends_off:
            # Those reported together mostly end together.
            ends, ends_off = alert.ends, alert.ends_off
            end = _instant(ends, ends_off)
        moment = moments.get(alert.updated) or _moment(alert.updated)
        size += known.size + len(end) + len(moment)
        out += (known.head, end, known.mark, known.middle, moment, known.tail, known.labels or alert.key)
    return size


def _moment(wall: int) -> bytes:
    if len(_moments) >= _MOMENTS:
        _moments.clear()
    moment = _moments[wall] = format_millis(wall, local_offset(wall)).encode()
    return moment


def _fragment(alert: Alert, status: Status) -> _Fragment:
    head = html_escaped(b'},{"annotations":' + _encode(alert.annotations) + b',"endsAt":"')
    mark = b'","fingerprint":"%b","receivers":%b,"startsAt":"%b","status":' % (
        fingerprint_hex(fingerprint(alert)).encode(),
        _receivers(status.receivers),
        _instant(alert.starts, alert.starts_off),
    )
    middle = _middle(status)
    tail = _tail(alert.generator_url)
    labels = html_escaped(alert.key)
    size = len(head) + len(mark) + len(middle) + len(tail) + len(labels)
    return _Fragment(status, head, mark, middle, tail, None if labels == alert.key else labels, _same(size))


@lru_cache(maxsize=1024)
def _receivers(names: tuple[str, ...]) -> bytes:
    return html_escaped(_encode([{"name": name} for name in names]))


@lru_cache(maxsize=1024)
def _middle(status: Status) -> bytes:
    shown = {
        "inhibitedBy": status.inhibited_by,
        "mutedBy": status.muted_by,
        "silencedBy": status.silenced_by,
        "state": "suppressed" if status.suppressed else "active",
    }
    return html_escaped(_encode(shown)) + b',"updatedAt":"'


@lru_cache(maxsize=1024)
def _tail(generator_url: str) -> bytes:
    url = b'generatorURL":' + _encode(generator_url) + b',"' if generator_url else b""
    return html_escaped(b'","' + url + b'labels":')


def group_tail(group: GroupView) -> bytes:
    """A group object from the end of its alerts on; `{"alerts":[…]` goes before it."""
    rest = {"labels": group.labels, "receiver": {"name": group.receiver}, "routeLabels": group.route_labels.rendered()}
    return b"," + go_json(rest)[1:]


class Unshowable(ValueError):
    """A silence that this version of the API has no form for."""


_KINDS: Final = {Op.EQ: (True, False), Op.NE: (False, False), Op.RE: (True, True), Op.NRE: (False, True)}
"""(isEqual, isRegex) by operator."""


_KEPT: Final = 16_384
"""Silences whose JSON is kept, once they were listed: it changes in nothing but the state until they do."""

_kept: Final[dict[str, tuple[Silence, bytes, bytes]]] = {}


def silence_json(silence: Silence, wall: int) -> bytes:
    """One silence object; its times are shown in UTC. Raises `Unshowable` for several matcher sets."""
    kept = _kept.get(silence.id)
    if kept is None or kept[0] is not silence:
        if len(_kept) >= _KEPT:
            _kept.clear()
        kept = _kept[silence.id] = (silence, *_around_state(silence))
    return kept[1] + _STATES[silence.state(wall)] + kept[2]


_STATES: Final = {state: b'"status":{"state":"%b"}' % state.encode() for state in ("active", "pending", "expired")}


def _around_state(silence: Silence) -> tuple[bytes, bytes]:
    """What stands before and after a silence's state."""
    if len(silence.matcher_sets) > 1:
        raise Unshowable(f"silence '{silence.id}' has multiple matcher sets which is not supported by this API version")
    shown: dict[str, object] = {"updatedAt": format_millis(silence.updated)}
    if silence.annotations:
        shown["annotations"] = dict(sorted(silence.annotations.items()))
    shown |= {
        "comment": silence.comment,
        "createdBy": silence.created_by,
        "endsAt": format_millis(silence.ends),
        "matchers": [_matcher(matcher) for matchers in silence.matcher_sets for matcher in matchers],
        "startsAt": format_millis(silence.starts),
    }
    return html_escaped(_encode({"id": silence.id}))[:-1] + b",", b"," + html_escaped(_encode(shown))[1:]


def _matcher(matcher: Matcher) -> dict[str, object]:
    is_equal, is_regex = _KINDS[matcher.op]
    return {"isEqual": is_equal, "isRegex": is_regex, "name": matcher.name, "value": matcher.value}
