"""The API's objects as JSON bytes, member by member in upstream's order.

Upstream composes alerts and silences of two schemas: first its own members in alphabetical order, then those it
inherits. Inside them `<`, `>` and `&` are escaped, elsewhere not. Both follow from how its Go code is generated.

An alert's bytes are kept on the alert (`Alert.fragment`) together with the status they show, so that listing ten
thousand alerts copies byte strings, also when they have been repeated since. Whoever changes more of an alert than its
end clears it (`ampp.core.book`).
"""

from collections.abc import Iterable
from functools import lru_cache
from typing import Final

import msgspec

from ampp.api.reply import go_json, html_escaped
from ampp.api.zone import local_offset
from ampp.core.book import fingerprint
from ampp.core.labels import fingerprint_hex
from ampp.core.matcher import Matcher, Op
from ampp.core.silence import Silence
from ampp.core.timestamp import format_millis
from ampp.core.view import AlertView, GroupView

__all__ = ["Unshowable", "group_tail", "silence_json", "write_alerts"]

_encode: Final = msgspec.json.Encoder().encode


class _Fragment(msgspec.Struct, frozen=True, gc=False):
    """The status shown, and the bytes that show it and all else but the end, the last report, and the labels, whose
    JSON the alert's key mostly is. The end goes between `head` and `middle`, the last report before `tail`."""

    receivers: tuple[str, ...]
    silenced_by: tuple[str, ...]
    inhibited_by: tuple[str, ...]
    muted_by: tuple[str, ...]
    head: bytes
    middle: bytes
    tail: bytes
    labels: bytes | None


_instant: Final = lru_cache(maxsize=4096)(lambda wall, offset: format_millis(wall, offset).encode())
_local_instant: Final = lru_cache(maxsize=4096)(lambda wall: format_millis(wall, local_offset(wall)).encode())


def write_alerts(views: Iterable[AlertView], out: list[bytes]) -> None:
    """Add the alerts' objects to `out`, in pieces, a comma before each, and remember the pieces on the alerts.

    The pieces are those remembered: a long listing makes nothing new that would lie between them in memory.
    """
    for view in views:
        alert = view.alert
        known = alert.fragment
        if (
            known is None
            or known.silenced_by != view.silenced_by
            or known.inhibited_by != view.inhibited_by
            or known.muted_by != view.muted_by
            or known.receivers != view.receivers
        ):
            known = alert.fragment = _fragment(view)
        out += (
            known.head,
            _instant(alert.ends, alert.ends_off),
            known.middle,
            _local_instant(alert.updated),
            known.tail,
            known.labels or alert.key,
            b"}",
        )


def _fragment(view: AlertView) -> _Fragment:
    alert = view.alert
    middle = b'","fingerprint":"%b","receivers":%b,"startsAt":"%b","status":%b,"updatedAt":"' % (
        fingerprint_hex(fingerprint(alert)).encode(),
        _receivers(view.receivers),
        _instant(alert.starts, alert.starts_off),
        _status(view),
    )
    url = b'generatorURL":' + _encode(alert.generator_url) + b',"' if alert.generator_url else b""
    labels = html_escaped(alert.key)
    return _Fragment(
        view.receivers,
        view.silenced_by,
        view.inhibited_by,
        view.muted_by,
        html_escaped(b',{"annotations":' + _encode(alert.annotations) + b',"endsAt":"'),
        html_escaped(middle),
        html_escaped(b'","' + url + b'labels":'),
        None if labels == alert.key else labels,
    )


@lru_cache(maxsize=1024)
def _receivers(names: tuple[str, ...]) -> bytes:
    return _encode([{"name": name} for name in names])


def _status(view: AlertView) -> bytes:
    if not view.suppressed:
        return b'{"inhibitedBy":[],"mutedBy":[],"silencedBy":[],"state":"active"}'
    return _encode(
        {
            "inhibitedBy": view.inhibited_by,
            "mutedBy": view.muted_by,
            "silencedBy": view.silenced_by,
            "state": "suppressed",
        }
    )


def group_tail(group: GroupView) -> bytes:
    """A group object from the end of its alerts on; `{"alerts":[…]` goes before it."""
    rest = {"labels": group.labels, "receiver": {"name": group.receiver}, "routeLabels": group.route_labels.rendered()}
    return b"," + go_json(rest)[1:]


class Unshowable(ValueError):
    """A silence that this version of the API has no form for."""


_KINDS: Final = {Op.EQ: (True, False), Op.NE: (False, False), Op.RE: (True, True), Op.NRE: (False, True)}
"""(isEqual, isRegex) by operator."""


def silence_json(silence: Silence, wall: int) -> bytes:
    """One silence object; its times are shown in UTC. Raises `Unshowable` for several matcher sets."""
    if len(silence.matcher_sets) > 1:
        raise Unshowable(f"silence '{silence.id}' has multiple matcher sets which is not supported by this API version")
    shown: dict[str, object] = {
        "id": silence.id,
        "status": {"state": silence.state(wall)},
        "updatedAt": format_millis(silence.updated),
    }
    if silence.annotations:
        shown["annotations"] = dict(sorted(silence.annotations.items()))
    shown |= {
        "comment": silence.comment,
        "createdBy": silence.created_by,
        "endsAt": format_millis(silence.ends),
        "matchers": [_matcher(matcher) for matchers in silence.matcher_sets for matcher in matchers],
        "startsAt": format_millis(silence.starts),
    }
    return html_escaped(_encode(shown))


def _matcher(matcher: Matcher) -> dict[str, object]:
    is_equal, is_regex = _KINDS[matcher.op]
    return {"isEqual": is_equal, "isRegex": is_regex, "name": matcher.name, "value": matcher.value}
