"""What the operations on receivers take and answer, for the OpenAPI document."""

from typing import Any, Final

from ampp.api.extensions.openapi import INTEGER, TEXT, TIME, array, flag, obj, one_of, operation, parameter

__all__ = ["CONTRACT"]

_STATES: Final = ("healthy", "retrying", "failing", "unsendable", "unknown")
_MAYBE_TIME: Final = {"type": ["string", "null"], "format": "date-time"}
_INTEGRATION: Final = obj(
    {
        "integration": TEXT,
        "integration_index": INTEGER,
        "send_resolved": flag,
        "state": one_of(_STATES),
        "last_success": _MAYBE_TIME,
        "last_failure": _MAYBE_TIME,
        "failures": INTEGER,
        "error": TEXT,
        "queued": INTEGER,
        "running": INTEGER,
    }
)
_RECEIVER: Final = obj({"name": TEXT, "state": one_of((*_STATES, "unused")), "integrations": array(_INTEGRATION)})
_RESULT: Final = obj(
    {
        "integration": TEXT,
        "integration_index": INTEGER,
        "sent": flag,
        "error": TEXT,
        "duration": {"type": "number"},
    }
)
_LABELS: Final = {"type": "object", "additionalProperties": TEXT}
_ALERT: Final = obj(
    {"labels": _LABELS, "annotations": _LABELS, "startsAt": TIME, "endsAt": TIME, "generatorURL": TEXT},
    optional=("annotations", "startsAt", "endsAt", "generatorURL"),
)

CONTRACT: Final[dict[str, Any]] = {
    "receivers/health": operation(
        "listReceiverHealth",
        "How every receiver's integrations fare since the start",
        obj({"receivers": array(_RECEIVER), "count": INTEGER}),
        parameter("receiver", "Only receivers of these names.", several=True),
        errors=(),
    ),
    "receivers/test": operation(
        "testReceiver",
        "Tell a receiver something once, to see whether it arrives; nothing of it enters groups, logs or history",
        obj({"receiver": TEXT, "sent": flag, "results": array(_RESULT)}),
        errors=(400, 403, 404, 409, 500),
        body=obj(
            {
                "receiver": TEXT,
                "integration": TEXT,
                "integration_index": INTEGER,
                "alerts": {**array(_ALERT), "description": "Alerts as POST /alerts takes them; a sample if none."},
            },
            optional=("integration", "integration_index", "alerts"),
        ),
    ),
}
"""Each operation by the path it is served at."""
