"""What the history's operations take and give, for the OpenAPI document."""

from typing import Any, Final

from ampp.api.extensions.openapi import INTEGER, TEXT, TIME, array, flag, obj, one_of, operation, parameter
from ampp.core.reason import EventKind, NotificationStatus
from ampp.history.page import SORTS

__all__ = ["CONTRACT", "EVENT", "FILTERS", "NOTIFICATION"]

_NUMBER: Final = {"type": "number"}
_MAYBE_NUMBER: Final = {"type": ["number", "null"]}
_MAYBE_TEXT: Final = {"type": ["string", "null"]}
_MAYBE_TIME: Final = {"type": ["string", "null"], "format": "date-time"}
_LABELS: Final = {"type": "object", "additionalProperties": TEXT}
_COUNTS: Final = {"type": "object", "additionalProperties": INTEGER}
_FINGERPRINT: Final = {"type": "string", "pattern": "^([0-9a-fA-F]{16}|[0-9a-fA-F]{64})$"}


def _label(name: str, text: str) -> dict[str, object]:
    """`name[label]=value`, which OpenAPI calls a deep object."""
    made = dict(parameter(name, text, _LABELS))
    return {**made, "style": "deepObject", "explode": True}


_FROM: Final = parameter("from", "Not before this moment.", TIME)
_TO: Final = parameter("to", "Not after this moment; at most 90 days after `from`.", TIME)
_SINCE: Final = parameter("since", "Another name of `from`.", TIME)
_UNTIL: Final = parameter("until", "Another name of `to`.", TIME)
_WINDOW: Final = (_FROM, _TO, _SINCE, _UNTIL)

FILTERS: Final = (
    parameter("status", "State after the event.", one_of(("firing", "resolved")), several=True),
    parameter("event", "What became of the alert.", one_of([kind.value for kind in EventKind]), several=True),
    parameter("severity", "Label severity.", several=True),
    parameter("namespace", "Label namespace.", several=True),
    parameter("fingerprints", "Alertmanager's fingerprint or the long one.", _FINGERPRINT, several=True),
    parameter("fingerprint", "Another name of `fingerprints`.", _FINGERPRINT, several=True),
    parameter("alert_name", "Label alertname.", several=True),
    parameter("alertname", "Another name of `alert_name`.", several=True),
    parameter("alert_name_pattern", "The name as SQL's LIKE has it: % for any text, _ for any character."),
    parameter("alert_name_regex", "A regular expression found in the name."),
    _label("labels", "Labels that must all be there with these values; also as labels=name=value."),
    _label("labels_exact", "Another name of `labels`."),
    _label("labels_ne", "Labels that must not have these values; absent ones do not."),
    _label("labels_not_equal", "Another name of `labels_ne`."),
    _label("labels_regex", "Labels in whose values these regular expressions are found."),
    _label("labels_not_regex", "Labels in whose values they are not; absent ones pass."),
    parameter("labels_exists", "A label that must be there.", several=True),
    parameter("labels_not_exists", "A label that must not be there.", several=True),
    parameter("search", "A text in the name, the summary or the description, whatever its case."),
    parameter("duration_min", "Least time from start to end, or to now while it fires; such as 90s or 2d."),
    parameter("duration_max", "Most time from start to end, or to now while it fires."),
    parameter("generator_url", "The source's URL."),
    parameter("is_flapping", "Whether the alert flaps within the span, by default the last 24 hours.", flag),
    parameter("is_resolved", "Whether the event has an end.", flag),
    *_WINDOW,
)
"""Every filter of the list of events."""

_PAGING: Final = (
    parameter("page", "Which page.", {"type": "integer", "minimum": 1, "maximum": 10_000, "default": 1}),
    parameter("per_page", "Rows on a page.", {"type": "integer", "minimum": 1, "maximum": 1_000, "default": 50}),
    parameter("limit", "Another name of `per_page`.", INTEGER),
    parameter("offset", "Rows before the first, instead of `page`.", INTEGER),
    parameter("cursor", "`next_cursor` of the page before, instead of `page`: new rows move nothing."),
    parameter("sort_order", "Descending unless asked otherwise.", one_of(("asc", "desc"))),
)
_SORTED: Final = (*_PAGING, parameter("sort_field", "`starts_at` unless asked otherwise.", one_of(tuple(SORTS))))

EVENT: Final = obj(
    {
        "id": INTEGER,
        "event": one_of([kind.value for kind in EventKind]),
        "fingerprint": TEXT,
        "am_fingerprint": TEXT,
        "status": one_of(("firing", "resolved")),
        "alert_name": TEXT,
        "severity": TEXT,
        "namespace": TEXT,
        "labels": _LABELS,
        "annotations": _LABELS,
        "starts_at": TIME,
        "ends_at": _MAYBE_TIME,
        "generator_url": TEXT,
        "created_at": TIME,
        "updated_at": TIME,
        "suppressed_by": obj({"reason": TEXT, "by": array(TEXT)}),
        "group_key": TEXT,
    },
    optional=("suppressed_by", "group_key"),
)

_AROUND: Final = {
    "total": INTEGER,
    "total_exact": flag,
    "page": INTEGER,
    "per_page": INTEGER,
    "total_pages": INTEGER,
    "has_next": flag,
    "has_prev": flag,
    "next_cursor": _MAYBE_TEXT,
    "stopped_at_scan_limit": flag,
}
_PAGE: Final = {"alerts": array(EVENT), **_AROUND}
_RANGE: Final = obj({"from": TIME, "to": TIME})

_NAMED: Final = {"fingerprint": TEXT, "am_fingerprint": TEXT, "alert_name": TEXT, "namespace": TEXT}
_TOP: Final = obj({**_NAMED, "fire_count": INTEGER, "last_fired_at": TIME, "avg_duration": _MAYBE_NUMBER})
_FLAPPING: Final = obj({**_NAMED, "transition_count": INTEGER, "flapping_score": _NUMBER, "last_transition_at": TIME})
_POINTS: Final = array(obj({"timestamp": TIME, "count": INTEGER}))
_STATS: Final = obj(
    {
        "time_range": _RANGE,
        "total_alerts": INTEGER,
        "firing_alerts": INTEGER,
        "resolved_alerts": INTEGER,
        "alerts_by_status": _COUNTS,
        "alerts_by_severity": _COUNTS,
        "alerts_by_namespace": _COUNTS,
        "unique_fingerprints": INTEGER,
        "avg_resolution_time": _MAYBE_NUMBER,
        "trends": obj({"hourly": _POINTS, "daily": _POINTS, "weekly": _POINTS}),
    }
)
_TRY: Final = obj({"number": INTEGER, "at": TIME, "duration": _NUMBER, "error": _MAYBE_TEXT})
NOTIFICATION: Final = obj(
    {
        "id": INTEGER,
        "at": TIME,
        "receiver": TEXT,
        "integration": TEXT,
        "integration_index": INTEGER,
        "group_key": TEXT,
        "group_labels": _LABELS,
        "sent": flag,
        "status": one_of([status.value for status in NotificationStatus]),
        "reason": TEXT,
        "firing": INTEGER,
        "resolved": INTEGER,
        "suppressed": INTEGER,
        "destination": TEXT,
        "next_flush": TIME,
        "ended_at": _MAYBE_TIME,
        "attempts": INTEGER,
        "duration": _MAYBE_NUMBER,
        "failure": _MAYBE_TEXT,
        "error": _MAYBE_TEXT,
        "tries": array(_TRY),
    }
)
_METADATA: Final = obj(
    {
        "generated_at": TIME,
        "request_id": TEXT,
        "processing_time_ms": _NUMBER,
        "cache_hit": flag,
        "partial_failure": flag,
        "errors": array(TEXT),
    }
)


def _given(schema: Any) -> Any:
    """A parameter's value in JSON: where it may be repeated, one value or a list."""
    return {"anyOf": [schema["items"], schema]} if schema.get("type") == "array" else schema


_SEARCH: Final = obj(
    {
        "query": TEXT,
        "filters": {
            "type": "object",
            "description": "The filters of the list, by name.",
            "properties": {str(each["name"]): _given(each["schema"]) for each in FILTERS},
            "required": [],
            "additionalProperties": False,
        },
        "pagination": obj(
            {"page": INTEGER, "per_page": INTEGER, "cursor": TEXT}, optional=("page", "per_page", "cursor")
        ),
        "sorting": obj({"field": one_of(tuple(SORTS)), "order": one_of(("asc", "desc"))}, optional=("field", "order")),
    },
    optional=("filters", "pagination", "sorting"),
)


def _limit(default: int, most: int) -> dict[str, object]:
    bounds = {"type": "integer", "minimum": 1, "maximum": most, "default": default}
    return dict(parameter("limit", "How many at most.", bounds))


_THRESHOLD: Final = {"type": "integer", "minimum": 1, "maximum": 100, "default": 3}
_ALERTS: Final = {"count": INTEGER, "limit": INTEGER, "timestamp": TIME}

CONTRACT: Final = {
    "history": operation("listHistory", "What became of alerts, one row a change", obj(_PAGE), *FILTERS, *_SORTED),
    "history/search": operation(
        "searchHistory", "The list, asked for in the body", obj({**_PAGE, "query": TEXT}), body=_SEARCH
    ),
    "history/{fingerprint}": operation(
        "getAlertHistory",
        "What became of one alert, newest first",
        obj({"fingerprint": TEXT, "am_fingerprint": TEXT, "alerts": array(EVENT), "count": INTEGER, "limit": INTEGER}),
        parameter("fingerprint", "16 or 64 hexadecimal digits.", _FINGERPRINT, path=True),
        _limit(100, 1_000),
        errors=(400, 404, 503, 504),
    ),
    "history/recent": operation(
        "getRecentHistory", "What was recorded last", obj({"alerts": array(EVENT), **_ALERTS}), _limit(50, 1_000)
    ),
    "history/top": operation(
        "getTopAlerts",
        "What began to fire most often, by default in the last 24 hours",
        obj({"alerts": array(_TOP), **_ALERTS, "time_range": _RANGE}),
        _limit(10, 100),
        *_WINDOW,
    ),
    "history/flapping": operation(
        "getFlappingAlerts",
        "What went from firing to resolved and back most often, by default in the last 24 hours",
        obj(
            {
                "alerts": array(_FLAPPING),
                "count": INTEGER,
                "threshold": INTEGER,
                "time_range": _RANGE,
                "timestamp": TIME,
            }
        ),
        parameter("threshold", "Changes from which on an alert flaps.", _THRESHOLD),
        *_WINDOW,
    ),
    "history/stats": operation(
        "getHistoryStats", "How much there was of what, by default in the last 24 hours", _STATS, *_WINDOW
    ),
    "report": operation(
        "getReport",
        "Counts, what fired most and what flaps, by default in the last 24 hours",
        obj(
            {
                "metadata": _METADATA,
                "summary": _STATS,
                "top_alerts": array(_TOP),
                "flapping_alerts": array(_FLAPPING),
                "recent_alerts": array(EVENT),
            },
            optional=("recent_alerts",),
        ),
        parameter("namespace", "Alerts of this namespace only."),
        parameter("severity", "Alerts of this severity only.", one_of(("critical", "warning", "info", "noise"))),
        parameter("top", "How many of the most frequent.", {**_THRESHOLD, "default": 10}),
        parameter("min_flap", "Changes from which on an alert flaps.", _THRESHOLD),
        parameter("include_recent", "Whether the last 20 events are added.", flag),
        *_WINDOW,
    ),
    "notifications": operation(
        "listNotifications",
        "Decisions to tell somebody, or not, newest first",
        obj({"notifications": array(NOTIFICATION), **_AROUND}),
        parameter("receiver", "The receiver's name.", several=True),
        parameter("integration", "The type, such as webhook.", several=True),
        parameter("status", "What came of it.", one_of([status.value for status in NotificationStatus]), several=True),
        parameter("reason", "Why it was decided so.", several=True),
        parameter("group", "The group key, as notifications carry it."),
        parameter("alert", "The fingerprint of an alert that was in the group at that time.", _FINGERPRINT),
        *_WINDOW,
        *_PAGING,
        parameter("sort_field", "Taken for the sake of uniformity.", one_of(("created_at",))),
    ),
}
"""Each operation by the path it is served at."""
