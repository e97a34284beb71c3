"""What the operations on silences take and answer, for the OpenAPI document."""

from typing import Any, Final

from ampp.api.extensions.openapi import TEXT, TIME, array, flag, obj, one_of, operation, parameter

__all__ = ["CONTRACT", "SILENCE"]

_LABELS: Final = {"type": "object", "additionalProperties": TEXT}
_MATCHER: Final = obj({"name": TEXT, "value": TEXT, "isRegex": flag, "isEqual": flag})
_WRITABLE: Final = {
    "matchers": array(_MATCHER),
    "startsAt": TIME,
    "endsAt": TIME,
    "createdBy": TEXT,
    "comment": TEXT,
    "annotations": _LABELS,
}
SILENCE: Final = obj(
    {
        "id": TEXT,
        "status": obj({"state": one_of(("active", "pending", "expired"))}),
        "updatedAt": TIME,
        **_WRITABLE,
    },
    optional=("annotations",),
)
"""A silence as Alertmanager shows it."""

_ID: Final = parameter("id", "The silence's id.", {"type": "string", "format": "uuid"}, path=True)
_IF_MATCH: Final = {
    "name": "If-Match",
    "in": "header",
    "description": "The ETag it was read with: refused if it has changed since.",
    "schema": TEXT,
}

CONTRACT: Final[dict[tuple[str, str], Any]] = {
    ("POST", "silences/check"): operation(
        "checkSilenced",
        "Which silences keep an alert with these labels quiet now",
        obj(
            {
                "silenced": flag,
                "silenceIDs": array(TEXT),
                "silences": array(SILENCE),
                "latencyMs": {"type": "number"},
            }
        ),
        errors=(400,),
        body={"anyOf": [obj({"labels": _LABELS}), obj({"alert": obj({"labels": _LABELS})})]},
    ),
    ("POST", "silences/bulk/delete"): operation(
        "expireSilences",
        "End many silences now; 207 when some of them are not known",
        obj(
            {"deleted": {"type": "integer"}, "errors": array(obj({"id": TEXT, "error": TEXT}))},
            optional=("errors",),
        ),
        errors=(400, 403, 503),
        body=obj({"ids": {**array(TEXT), "minItems": 1, "maxItems": 100}}),
    ),
    ("GET", "silences/{id}"): operation("getSilenceById", "One silence", SILENCE, _ID, errors=(400, 404)),
    ("PUT", "silences/{id}"): operation(
        "changeSilence",
        "Change what is given of a silence; a change of its past ends it and makes another, whose id is answered",
        SILENCE,
        _ID,
        _IF_MATCH,
        errors=(400, 403, 404, 409, 503),
        body=obj({**_WRITABLE, "updatedAt": TIME}, optional=(*_WRITABLE, "updatedAt")),
    ),
    ("DELETE", "silences/{id}"): operation(
        "expireSilence", "End a silence now", None, _ID, errors=(400, 403, 404, 503), status=204
    ),
}
"""Each operation by method and path."""
