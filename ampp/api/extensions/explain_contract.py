"""What the explanation's operation takes and gives, for the OpenAPI document."""

from typing import Final

from ampp.api.extensions.history_contract import EVENT, NOTIFICATION
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
from ampp.core.reason import SuppressReason

__all__ = ["CONTRACT", "SCHEMAS"]

_LABELS: Final = {"type": "object", "additionalProperties": TEXT}
_MAYBE_TEXT: Final = {"type": ["string", "null"]}
_MAYBE_TIME: Final = {"type": ["string", "null"], "format": "date-time"}
_FINGERPRINT: Final = {"type": "string", "pattern": "^([0-9a-fA-F]{16}|[0-9a-fA-F]{64})$"}

_STEP: Final = obj(
    {
        "route": TEXT,
        "receiver": TEXT,
        "outcome": one_of(("matched", "failed", "skipped")),
        "matchers": array(TEXT),
        "chosen": flag,
        "continues": flag,
        "failed": TEXT,
        "value": TEXT,
        "children": array(ref("RouteStep")),
    },
    optional=("matchers", "chosen", "continues", "failed", "value", "children"),
)
_INTEGRATION: Final = obj(
    {
        "integration": TEXT,
        "index": INTEGER,
        "send_resolved": flag,
        "last_told": _MAYBE_TIME,
        "next_repeat": _MAYBE_TIME,
        "text": TEXT,
        "decision": maybe(NOTIFICATION),
        "decisions": array(NOTIFICATION),
    }
)
_GROUP: Final = obj(
    {
        "route": TEXT,
        "receiver": TEXT,
        "group_key": TEXT,
        "group_labels": _LABELS,
        "group_wait": TEXT,
        "group_interval": TEXT,
        "repeat_interval": TEXT,
        "next_flush": _MAYBE_TIME,
        "text": TEXT,
        "integrations": array(_INTEGRATION),
    }
)
_SILENCE: Final = obj(
    {
        "id": TEXT,
        "created_by": TEXT,
        "comment": TEXT,
        "starts_at": TIME,
        "ends_at": TIME,
        "matchers": array(TEXT),
    }
)
_SUPPRESSION: Final = obj(
    {
        "reason": one_of(tuple(reason.value for reason in SuppressReason)),
        "text": TEXT,
        "group_key": _MAYBE_TEXT,
        "silence": maybe(_SILENCE),
        "rule": _MAYBE_TEXT,
        "source": maybe(obj({"fingerprint": TEXT, "labels": maybe(_LABELS)})),
        "interval": _MAYBE_TEXT,
    }
)
_EXPLANATION: Final = obj(
    {
        "fingerprint": TEXT,
        "labels": _LABELS,
        "at": TIME,
        "live": flag,
        "state": one_of(("firing", "suppressed", "resolved", "expired")),
        "starts_at": TIME,
        "ends_at": _MAYBE_TIME,
        "suppressed_since": _MAYBE_TIME,
        "summary": array(TEXT),
        "config": obj({"since": TIME, "hash": TEXT}),
        "routes": ref("RouteStep"),
        "groups": array(_GROUP),
        "suppressions": array(_SUPPRESSION),
        "events": array(EVENT),
        "notes": array(TEXT),
    }
)

CONTRACT: Final = {
    "alerts/{fingerprint}/explain": operation(
        "explainAlert",
        "Why somebody was told about an alert, or was not",
        _EXPLANATION,
        parameter("fingerprint", "Alertmanager's fingerprint or the long one.", _FINGERPRINT, path=True),
        parameter("at", "A moment of the past; now when not given.", TIME),
        errors=(400, 404, 503, 504),
    )
}

SCHEMAS: Final = {"RouteStep": _STEP}
"""What refers to itself, by name."""
