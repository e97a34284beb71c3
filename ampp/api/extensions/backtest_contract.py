"""What the backtest's operations take and give, for the OpenAPI document."""

from typing import Final

from ampp.api.extensions.openapi import INTEGER, TEXT, TIME, array, flag, obj, one_of, operation, parameter

__all__ = ["CONTRACT"]

_LABELS: Final = {"type": "object", "additionalProperties": TEXT}
_TOTALS: Final = obj({"notifications": INTEGER, "delivered": INTEGER, "failed": INTEGER, "assumed": INTEGER})
_EXAMPLE: Final = obj(
    {
        "at": TIME,
        "receiver": TEXT,
        "integration": TEXT,
        "reason": TEXT,
        "group_labels": _LABELS,
        "firing": INTEGER,
        "resolved": INTEGER,
        "alerts": array(_LABELS),
        "times": INTEGER,
    }
)
_CHANGES: Final = obj({"count": INTEGER, "examples": array(_EXAMPLE)})
_TOLD: Final = obj(
    {
        "count": INTEGER,
        "examples": array(obj({"fingerprint": TEXT, "labels": _LABELS, "before": array(TEXT), "after": array(TEXT)})),
    }
)
_REPORT: Final = obj(
    {
        "same": flag,
        "period": obj({"since": TIME, "until": TIME, "journal_since": TIME, "complete": flag}),
        "records": obj(
            {"replayed": INTEGER, "broken": INTEGER, "newer": {"type": "object", "additionalProperties": INTEGER}}
        ),
        "receivers": array(
            obj({"receiver": TEXT, "before": _TOTALS, "after": _TOTALS, "vanished": INTEGER, "added": INTEGER})
        ),
        "vanished": _CHANGES,
        "added": _CHANGES,
        "alerts_moved": _TOLD,
        "alerts_lost": _TOLD,
        "alerts_gained": _TOLD,
        "recorded": {
            "anyOf": [
                obj({"receivers": {"type": "object", "additionalProperties": _TOTALS}, "reproduced": flag}),
                {"type": "null"},
            ]
        },
        "notes": array(TEXT),
    }
)
_JOB: Final = obj(
    {
        "id": TEXT,
        "state": one_of(("running", "done", "failed", "canceled")),
        "done": INTEGER,
        "all": INTEGER,
        "error": {"type": ["string", "null"]},
        "report": {"anyOf": [_REPORT, {"type": "null"}]},
    }
)
_BODY: Final = obj(
    {
        "config": TEXT,
        "baseline": TEXT,
        "since": TEXT,
        "match": array(TEXT),
        "examples": {"type": "integer", "minimum": 0, "maximum": 100},
    },
    optional=("baseline", "since", "match", "examples"),
)
_ID: Final = parameter("id", "As the start of the backtest gave it.", path=True)

CONTRACT: Final = {
    "start": operation("startBacktest", "Try a configuration on recorded history", _JOB, errors=(400, 409), body=_BODY),
    "show": operation("getBacktest", "How far a backtest is, or its report", _JOB, _ID, errors=(404,)),
    "cancel": operation("cancelBacktest", "Give a backtest up", _JOB, _ID, errors=(404,)),
}
