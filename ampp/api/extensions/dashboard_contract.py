"""What the dashboard's operations take and answer, for the OpenAPI document."""

from typing import Any, Final

from ampp.api.extensions.openapi import INTEGER, TEXT, TIME, array, flag, obj, one_of, operation, parameter

__all__ = ["CONTRACT"]

_STATUS: Final = one_of(("firing", "resolved"))
_LABELS: Final = {"type": "object", "additionalProperties": TEXT}
_OVERVIEW: Final = obj(
    {
        "total_alerts": INTEGER,
        "firing_alerts": INTEGER,
        "active_alerts": INTEGER,
        "suppressed_alerts": INTEGER,
        "silenced_alerts": INTEGER,
        "inhibited_alerts": INTEGER,
        "resolved_alerts": INTEGER,
        "alerts_last_24h": {"type": ["integer", "null"]},
        "active_silences": INTEGER,
        "groups": INTEGER,
        "classification_enabled": flag,
        "publishing_targets": INTEGER,
        "failing_targets": INTEGER,
        "successful_publishes": INTEGER,
        "failed_publishes": INTEGER,
        "system_healthy": flag,
        "last_event_id": TEXT,
        "last_updated": TIME,
    }
)
_RECENT: Final = obj(
    {
        "fingerprint": TEXT,
        "am_fingerprint": TEXT,
        "alert_name": TEXT,
        "status": _STATUS,
        "severity": TEXT,
        "summary": TEXT,
        "starts_at": TIME,
        "labels": _LABELS,
    }
)
_LIMIT: Final = {"type": "integer", "minimum": 1, "maximum": 50, "default": 10}

CONTRACT: Final[dict[str, Any]] = {
    "dashboard/overview": operation("getOverview", "Counts, at most five seconds old", _OVERVIEW, errors=()),
    "dashboard/alerts/recent": operation(
        "listRecentAlerts",
        "The alerts that began last, of those still remembered",
        obj({"alerts": array(_RECENT), "count": INTEGER, "limit": INTEGER, "filters": _LABELS, "timestamp": TIME}),
        parameter("limit", "How many at most.", _LIMIT),
        parameter("status", "Only such.", _STATUS),
        parameter("severity", "Only such."),
        parameter("include_classification", "Taken for the sake of other programs: nothing is classified.", flag),
        errors=(400,),
    ),
}
"""Each operation by the path it is served at."""
