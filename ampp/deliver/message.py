"""What is told: the data of a notification, as templates and the webhook's JSON see it (`ampp.template.data`)."""

from collections.abc import Iterable, Mapping, Sequence
from hashlib import sha256
from typing import Any

from ampp.core.alert import Snapshot
from ampp.core.labels import sort_for_notification
from ampp.core.notify import Notify
from ampp.template.data import FIRING, RESOLVED, Alert, Data, common, encode, quote_meta, written

__all__ = ["Message", "data", "encode", "group_hash", "in_order", "message", "raw_data"]


class Message(Data, frozen=True, rename="camel", kw_only=True):
    """The webhook body, format 4: `Data`, and which group it is. `truncated_alerts`: how many `max_alerts` kept out."""

    version: str
    group_key: str
    truncated_alerts: int


def data(notify: Notify, alerts: Sequence[Snapshot], external_url: str) -> Data:
    """What templates are told of `alerts`, which the caller has rid of those that the integration is not to hear of."""
    return Data(**_told(notify, alerts, external_url))


def message(notify: Notify, alerts: Sequence[Snapshot], external_url: str, max_alerts: int = 0) -> Message:
    """The webhook's message about `alerts`, chosen as for `data`.

    `max_alerts` keeps the first so many (0: all); status and common pairs are those of the kept ones.
    """
    kept = alerts[:max_alerts] if max_alerts else alerts
    return Message(
        **_told(notify, kept, external_url),
        version="4",
        group_key=notify.group_key,
        truncated_alerts=len(alerts) - len(kept),
    )


def _told(notify: Notify, alerts: Sequence[Snapshot], external_url: str) -> dict[str, Any]:
    return {
        "receiver": quote_meta(notify.integration.receiver),
        "notification_reason": notify.reason.value,
        "group_labels": notify.group_labels,
        "route_labels": dict(notify.route_labels.rendered()),
        "external_url": external_url,
        **_about(alerts),
    }


def in_order(alerts: Iterable[Snapshot]) -> list[Snapshot]:
    """The alerts as they are told, in upstream's order."""
    return sort_for_notification(alerts, lambda alert: alert.labels)


def group_hash(notify: Notify) -> str:
    """What the group is called where a receiver is to take all that is said of it as one thing (upstream Key.Hash)."""
    return sha256(notify.group_key.encode(errors="surrogateescape")).hexdigest()


def raw_data(
    receiver: str,
    group_labels: Mapping[str, str],
    route_labels: Mapping[str, str],
    alerts: Sequence[Snapshot],
    external_url: str,
) -> Data:
    """What the route's labels, which `route_labels` holds as written, are told of a flush; `alerts` in any order."""
    return Data(
        receiver=quote_meta(receiver),
        notification_reason="unknown",
        group_labels=dict(group_labels),
        route_labels=dict(route_labels),
        external_url=external_url,
        raw=True,
        **_about(in_order(alerts)),
    )


def _about(alerts: Sequence[Snapshot]) -> dict[str, Any]:
    return {
        "status": FIRING if any(alert.firing for alert in alerts) else RESOLVED,
        "alerts": tuple([_alert(alert) for alert in alerts]),
        "common_labels": common([alert.labels for alert in alerts]),
        "common_annotations": common([alert.annotations for alert in alerts]),
    }


def _alert(alert: Snapshot) -> Alert:
    return Alert(
        status=FIRING if alert.firing else RESOLVED,
        labels=alert.labels,
        annotations=alert.annotations,
        starts_at=written(alert.starts, alert.starts_off),
        ends_at=written(alert.ends, alert.ends_off),
        generator_url=alert.generator_url,
        fingerprint=f"{alert.fingerprint:016x}",
    )
