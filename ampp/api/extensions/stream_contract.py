"""The live events, for the OpenAPI document. They are served beside the application, by `ampp.api.stream`."""

from typing import Any, Final

from ampp.api.extensions.openapi import (
    INTEGER,
    TEXT,
    TIME,
    array,
    flag,
    maybe,
    obj,
    one_of,
    operation,
    parameter,
    ref,
)
from ampp.feed.event import SOURCES, Kind

__all__ = ["DATA", "DESCRIBED", "EVENT", "EVENTS"]

_TYPES: Final = [kind.value for kind in Kind]
_LABELS: Final = {"type": "object", "additionalProperties": TEXT}
_GROUP: Final = {"group_key": TEXT, "receiver": TEXT, "group_labels": _LABELS}
_DECISION: Final = obj(
    {
        "integration": TEXT,
        "integration_index": INTEGER,
        "send": flag,
        "reason": TEXT,
        "firing": INTEGER,
        "resolved": INTEGER,
    }
)
EVENTS: Final[dict[str, Any]] = {
    "AlertEvent": obj(
        {
            "fingerprint": TEXT,
            "am_fingerprint": TEXT,
            "alertname": TEXT,
            "severity": TEXT,
            "status": one_of(("firing", "resolved")),
            "state": one_of(("active", "suppressed", "resolved")),
            "starts_at": TIME,
            "ends_at": TIME,
            "receivers": array(TEXT),
            "silenced_by": array(TEXT),
            "inhibited_by": maybe(obj({"rule": TEXT, "fingerprint": TEXT})),
            "labels": _LABELS,
            "labels_omitted": flag,
        }
    ),
    "GroupEvent": obj(
        {
            **_GROUP,
            "next_flush": TIME,
            "suppressed": {"type": "object", "additionalProperties": INTEGER},
            "decisions": array(_DECISION),
        },
        optional=("next_flush", "suppressed", "decisions"),
    ),
    "NotificationEvent": obj(
        {
            "group_key": TEXT,
            "receiver": TEXT,
            "integration": TEXT,
            "integration_index": INTEGER,
            "attempts": INTEGER,
            "duration": {"type": "number"},
            "reason": TEXT,
            "error": TEXT,
        }
    ),
    "SilenceEvent": obj(
        {
            "id": TEXT,
            "status": one_of(("pending", "active", "expired")),
            "creator": TEXT,
            "comment": TEXT,
            "matchers": array(TEXT),
            "starts_at": TIME,
            "ends_at": TIME,
            "updated_at": TIME,
        },
        optional=("status", "creator", "comment", "matchers", "starts_at", "ends_at", "updated_at"),
    ),
    "ConfigEvent": obj({"hash": TEXT, "message": TEXT}, optional=("hash", "message")),
    "HealthEvent": obj({"component": TEXT, "status": TEXT, "message": TEXT}),
    "StatsEvent": obj(
        dict.fromkeys(
            (
                *("firing_alerts", "active_alerts", "suppressed_alerts", "silenced_alerts", "inhibited_alerts"),
                *("resolved_alerts", "active_silences"),
            ),
            INTEGER,
        )
    ),
    "ManyEvent": obj({"count": INTEGER}),
    "ControlEvent": obj({}),
}
"""What events carry, by name: each topic's, that of many changes at once, and that of ready, reset and ping."""

DATA: Final[dict[str, str]] = {
    kind.value: "ManyEvent" if kind.value.endswith("_many") else f"{kind.topic.capitalize()}Event" for kind in Kind
} | {"changed": "ManyEvent", **dict.fromkeys(("ready", "reset", "ping"), "ControlEvent")}
"""The name of what an event carries, by the event's type."""

EVENT: Final = obj(
    {
        "type": one_of([*_TYPES, "changed", "ready", "reset", "ping"]),
        "id": TEXT,
        "sequence": INTEGER,
        "timestamp": TIME,
        "source": one_of(sorted({*SOURCES.values()})),
        "data": {"anyOf": [ref(name) for name in EVENTS]},
    }
)
_SINCE: Final = parameter("since", "The id of the last event known: what came after it is told first.")
_TOPICS: Final = parameter("topics", f"Which of {', '.join(sorted(SOURCES))}, with commas; all by default.")
_BRIEF: Final = parameter(
    "brief", "With true, what was gathered is told as one event, changed, with nothing but how many there were."
)


def _socket(name: str, text: str) -> Any:
    return operation(name, text, EVENT, _SINCE, _TOPICS, _BRIEF, errors=(400, 403, 503), status=101)


DESCRIBED: Final[dict[str, Any]] = {
    "events/stream": operation(
        "streamEvents",
        "What changes, as it changes: server-sent events",
        EVENT,
        _SINCE,
        _TOPICS,
        _BRIEF,
        errors=(400, 403, 503),
        media="text/event-stream",
    ),
    "ws/dashboard": _socket("openDashboardSocket", "The same events over a WebSocket, one in a message"),
    "ws/silences": _socket("openSilencesSocket", "Events of silences over a WebSocket"),
}
"""Each operation by the path it is served at; all of them are GET."""
