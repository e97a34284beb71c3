"""What the operations on inhibition take and answer, for the OpenAPI document."""

from typing import Any, Final

from ampp.api.extensions.openapi import INTEGER, TEXT, TIME, array, flag, obj, operation, parameter

__all__ = ["CONTRACT"]

_LABELS: Final = {"type": "object", "additionalProperties": TEXT}
_RULE: Final = obj(
    {
        "index": INTEGER,
        "name": TEXT,
        "source_match": _LABELS,
        "source_match_re": _LABELS,
        "target_match": _LABELS,
        "target_match_re": _LABELS,
        "source_matchers": array(TEXT),
        "target_matchers": array(TEXT),
        "equal": array(TEXT),
    }
)
_RELATION: Final = obj(
    {
        "target_fingerprint": TEXT,
        "target_am_fingerprint": TEXT,
        "target_labels": _LABELS,
        "source_fingerprint": TEXT,
        "source_am_fingerprint": TEXT,
        "source_labels": _LABELS,
        "rule_name": TEXT,
        "rule_index": INTEGER,
        "inhibited_at": TIME,
        "expires_at": TIME,
    }
)
_LIMIT: Final = {"type": "integer", "minimum": 1, "maximum": 10_000, "default": 1_000}

CONTRACT: Final[dict[str, Any]] = {
    "inhibition/rules": operation(
        "listInhibitionRules", "The rules in force, in order", obj({"rules": array(_RULE), "count": INTEGER}), errors=()
    ),
    "inhibition/status": operation(
        "listInhibited",
        "Which alerts are kept quiet now, by which others",
        obj({"active": array(_RELATION), "count": INTEGER}),
        parameter("limit", "How many at most; the count is of all.", _LIMIT),
        errors=(400,),
    ),
    "inhibition/check": operation(
        "checkInhibited",
        "Whether an alert with these labels would be kept quiet now",
        obj(
            {
                "alert": obj({"labels": _LABELS}),
                "inhibited": flag,
                "inhibited_by": obj({"fingerprint": TEXT, "am_fingerprint": TEXT, "labels": _LABELS}),
                "rule": _RULE,
                "latency_ms": {"type": "number"},
            },
            optional=("inhibited_by", "rule"),
        ),
        errors=(400,),
        body={"anyOf": [obj({"labels": _LABELS}), obj({"alert": obj({"labels": _LABELS})})]},
    ),
}
"""Each operation by the path it is served at."""
