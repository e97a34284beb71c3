"""What the operations on recorded configurations take and answer, for the OpenAPI document."""

from typing import Any, Final

from ampp.api.extensions.openapi import INTEGER, TEXT, TIME, array, flag, maybe, obj, one_of, operation, parameter
from ampp.config.difference import SECTIONS

__all__ = ["CONTRACT"]

_FIELDS: Final = {"number": INTEGER, "at": TIME, "hash": TEXT, "text": INTEGER, "kept_timers": flag}
_VERSION: Final = obj(_FIELDS)
_ITEM: Final = obj(
    {
        "action": one_of(("added", "removed", "changed")),
        "name": TEXT,
        "changes": array(obj({"field": TEXT, "old": TEXT, "new": TEXT})),
        "effect": TEXT,
        "below": INTEGER,
    }
)
_LIMIT: Final = {"type": "integer", "minimum": 1, "maximum": 10_000, "default": 100}
_NUMBER: Final = parameter("number", "Which version.", INTEGER, path=True)

CONTRACT: Final[dict[str, Any]] = {
    "config/versions": operation(
        "listConfigVersions",
        "The configurations that took effect, newest first",
        obj({"versions": array(_VERSION), "count": INTEGER}),
        parameter("limit", "How many at most.", _LIMIT),
    ),
    "config/versions/{number}": operation(
        "getConfigVersion",
        "One of them: effective YAML, without its secrets",
        obj({**_FIELDS, "yaml": maybe(TEXT)}),
        _NUMBER,
        errors=(400, 404, 503, 504),
    ),
    "config/versions/{number}/difference": operation(
        "compareConfigVersions",
        "What differs from another version to this one",
        obj(
            {
                "from": maybe(_VERSION),
                "to": _VERSION,
                "difference": maybe(obj({**dict.fromkeys(SECTIONS, array(_ITEM)), "touched": array(TEXT)})),
                "text": array(TEXT),
                "text_omitted": INTEGER,
                "trouble": TEXT,
            }
        ),
        _NUMBER,
        parameter("from", "From which; by default the last one before it that has another text.", INTEGER),
        errors=(400, 404, 503, 504),
    ),
}
"""Each operation by the path it is served at."""
