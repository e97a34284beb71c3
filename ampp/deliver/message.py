"""What a notification says: the data model that templates see, and the webhook body made of it.

The shapes are upstream's template.Data and webhook.Message (format version 4). The field names of the structs here are
the JSON keys, in order; `encode` writes them to the byte as Go's json.Encoder does.
"""

import re
from collections.abc import Mapping, Sequence
from typing import Final

import msgspec

from ampp.core.alert import Snapshot
from ampp.core.notify import Notify
from ampp.core.timestamp import format_rfc3339nano

__all__ = ["Data", "Entry", "Message", "encode", "message", "quote_meta"]

FIRING: Final = "firing"
RESOLVED: Final = "resolved"


class Entry(msgspec.Struct, frozen=True, rename="camel", gc=False):
    """One alert as receivers see it. Times are RFC 3339 texts; `ends_at` is Go's zero time while firing."""

    status: str
    labels: dict[str, str]
    annotations: dict[str, str]
    starts_at: str
    ends_at: str
    generator_url: str = msgspec.field(name="generatorURL")
    fingerprint: str


class Data(msgspec.Struct, frozen=True, rename="camel"):
    """The root of every template. `receiver` is the receiver's name, regexp-quoted, as upstream gives it everywhere."""

    receiver: str
    status: str
    alerts: tuple[Entry, ...]
    notification_reason: str = msgspec.field(name="notification_reason")
    group_labels: dict[str, str]
    common_labels: dict[str, str]
    common_annotations: dict[str, str]
    route_labels: dict[str, str]
    external_url: str = msgspec.field(name="externalURL")


class Message(Data, frozen=True, rename="camel"):
    """The webhook body: `Data`, and which group it is. `truncated_alerts` is how many `max_alerts` kept out."""

    version: str
    group_key: str
    truncated_alerts: int


def message(notify: Notify, alerts: Sequence[Snapshot], external_url: str, max_alerts: int = 0) -> Message:
    """The message about `alerts`, which the caller has rid of those that the integration is not to hear of.

    `max_alerts` keeps the first so many (0: all); status and common pairs are those of the kept ones.
    """
    kept = alerts[:max_alerts] if max_alerts else alerts
    return Message(
        receiver=quote_meta(notify.integration.receiver),
        status=FIRING if any(alert.firing for alert in kept) else RESOLVED,
        alerts=tuple(_entry(alert) for alert in kept),
        notification_reason=notify.reason.value,
        group_labels=notify.group_labels,
        common_labels=_common([alert.labels for alert in kept]),
        common_annotations=_common([alert.annotations for alert in kept]),
        route_labels=notify.route_labels,
        external_url=external_url,
        version="4",
        group_key=notify.group_key,
        truncated_alerts=len(alerts) - len(kept),
    )


def _entry(alert: Snapshot) -> Entry:
    return Entry(
        status=FIRING if alert.firing else RESOLVED,
        labels=alert.labels,
        annotations=alert.annotations,
        starts_at=format_rfc3339nano(alert.starts, alert.starts_off),
        ends_at=format_rfc3339nano(alert.ends, alert.ends_off),
        generator_url=alert.generator_url,
        fingerprint=f"{alert.fingerprint:016x}",
    )


def _common(sets: Sequence[Mapping[str, str]]) -> dict[str, str]:
    """The pairs of the first set that hold in all others, where a missing name reads as the empty text (upstream)."""
    if not sets:
        return {}
    common = dict(sets[0])
    for other in sets[1:]:
        if not common:
            break
        if other is sets[0]:
            continue
        common = {name: value for name, value in common.items() if other.get(name, "") == value}
    return common


_META: Final = re.compile(r"[\\.+*?()|\[\]{}^$]")


def quote_meta(text: str) -> str:
    """Go's regexp.QuoteMeta: a backslash before each character that a regular expression gives a meaning."""
    return _META.sub(r"\\\g<0>", text)


_ENCODER: Final = msgspec.json.Encoder(order="deterministic")

# None of these can stand outside a string in JSON, so replacing them in the finished bytes is safe.
_ESCAPES: Final = (
    (b"<", rb"\u003c"),
    (b">", rb"\u003e"),
    (b"&", rb"\u0026"),
    ("\u2028".encode(), rb"\u2028"),
    ("\u2029".encode(), rb"\u2029"),
)


def encode(value: object) -> bytes:
    """JSON as Go's json.Encoder writes it: map keys sorted, `<>&` and the two line separators escaped, a newline."""
    text = _ENCODER.encode(value)
    for raw, escaped in _ESCAPES:
        if raw in text:
            text = text.replace(raw, escaped)
    return text + b"\n"
