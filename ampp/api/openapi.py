"""The contract of /api/v2 as an OpenAPI 3.1 document, served at /api/v2/openapi.json. A test holds it to the routes."""

from typing import Any, Final

import msgspec

from ampp.observe.build import BUILD

__all__ = ["document"]

_Node = dict[str, Any]

_TEXT: Final[_Node] = {"type": "string"}
_TIME: Final[_Node] = {"type": "string", "format": "date-time"}
_LABELS: Final[_Node] = {"type": "object", "additionalProperties": {"type": "string"}}


def _ref(name: str) -> _Node:
    return {"$ref": f"#/components/schemas/{name}"}


def _array(items: _Node, **rules: Any) -> _Node:
    return {"type": "array", "items": items, **rules}


def _object(properties: _Node, *required: str) -> _Node:
    return {"type": "object", "properties": properties, **({"required": list(required)} if required else {})}


_STATUS_NAMES: Final = ("branch", "buildDate", "buildUser", "goVersion", "revision", "version")
_SILENCE: Final[_Node] = {
    "annotations": _LABELS,
    "comment": _TEXT,
    "createdBy": _TEXT,
    "endsAt": _TIME,
    "matchers": _array(_ref("Matcher"), minItems=1),
    "startsAt": _TIME,
}
_SILENCE_REQUIRED: Final = ("comment", "createdBy", "endsAt", "matchers", "startsAt")
_ALERT: Final[_Node] = {
    "annotations": _LABELS,
    "endsAt": _TIME,
    "startsAt": _TIME,
    "generatorURL": {"type": "string", "format": "uri"},
    "labels": _LABELS,
}

_SCHEMAS: Final[_Node] = {
    "Status": _object(
        {
            "cluster": _object(
                {
                    "name": _TEXT,
                    "peers": _array(_object({"address": _TEXT, "name": _TEXT}, "address", "name")),
                    "status": {"enum": ["ready", "settling", "disabled"]},
                },
                "peers",
                "status",
            ),
            "config": _object({"original": _TEXT}, "original"),
            "uptime": {**_TIME, "description": "The instant at which the process started."},
            "versionInfo": _object(dict.fromkeys(_STATUS_NAMES, _TEXT), *_STATUS_NAMES),
        },
        "cluster",
        "config",
        "uptime",
        "versionInfo",
    ),
    "Receiver": _object({"labels": _LABELS, "name": _TEXT}, "name"),
    "Matcher": _object(
        {
            "isEqual": {"type": "boolean", "default": True},
            "isRegex": {"type": "boolean"},
            "name": _TEXT,
            "value": _TEXT,
        },
        "isRegex",
        "name",
        "value",
    ),
    "PostableAlert": _object(_ALERT, "labels"),
    "Alert": _object(
        {
            **_ALERT,
            "fingerprint": {"type": "string", "pattern": "^[0-9a-f]{16}$"},
            "receivers": _array(_object({"name": _TEXT}, "name")),
            "status": _object(
                {
                    "inhibitedBy": _array(_TEXT),
                    "mutedBy": _array(_TEXT),
                    "silencedBy": _array(_TEXT),
                    "state": {"enum": ["active", "suppressed", "unprocessed"]},
                },
                "inhibitedBy",
                "mutedBy",
                "silencedBy",
                "state",
            ),
            "updatedAt": _TIME,
        },
        "annotations",
        "endsAt",
        "fingerprint",
        "labels",
        "receivers",
        "startsAt",
        "status",
        "updatedAt",
    ),
    "AlertGroup": _object(
        {
            "alerts": _array(_ref("Alert")),
            "labels": _LABELS,
            "receiver": _object({"name": _TEXT}, "name"),
            "routeLabels": _LABELS,
        },
        "alerts",
        "labels",
        "receiver",
        "routeLabels",
    ),
    "PostableSilence": _object({"id": _TEXT, **_SILENCE}, *_SILENCE_REQUIRED),
    "Silence": _object(
        {
            "id": _TEXT,
            "status": _object({"state": {"enum": ["expired", "active", "pending"]}}, "state"),
            "updatedAt": _TIME,
            **_SILENCE,
        },
        "id",
        "status",
        "updatedAt",
        *_SILENCE_REQUIRED,
    ),
    "SilenceID": _object({"silenceID": _TEXT}, "silenceID"),
    "HandlerError": {"type": "string", "description": "What was wrong with what the request says."},
    "FrameworkError": _object({"code": {"type": "integer"}, "message": _TEXT}, "code", "message"),
}


def _flag(name: str, text: str) -> _Node:
    schema = {"type": "boolean", "default": True}
    return {"name": name, "in": "query", "description": text, "schema": schema}


def _many(name: str, text: str) -> _Node:
    return {"name": name, "in": "query", "description": text, "schema": _array(_TEXT), "explode": True}


_FILTER: Final = _many("filter", "A matcher, such as alertname=Foo; repeated, all must hold.")
_RECEIVER_MATCHERS: Final = _many("receiver_matchers", "A matcher on the receiver's labels; repeated, all must hold.")
_RECEIVER: Final = {"name": "receiver", "in": "query", "description": "A regular expression.", "schema": _TEXT}
_ALERT_FLAGS: Final = (
    _flag("active", "false leaves out alerts that are active."),
    _flag("silenced", "false leaves out alerts that are silenced."),
    _flag("inhibited", "false leaves out alerts that are inhibited."),
)
_ID: Final = {"name": "silenceID", "in": "path", "required": True, "schema": {"type": "string", "format": "uuid"}}


def _json(schema: _Node, text: str) -> _Node:
    return {"description": text, "content": {"application/json": {"schema": schema}}}


_BAD: Final = _json({"anyOf": [_ref("HandlerError"), _ref("FrameworkError")]}, "The request is wrong.")
_UNPROCESSABLE: Final = _json(_ref("FrameworkError"), "The request does not have the described form.")
_FAILED: Final = _json(_ref("HandlerError"), "The server failed.")
_UNSTORED: Final = _json(_ref("FrameworkError"), "Taken in, but it could not be written to disk.")


def _operation(name: str, text: str, responses: _Node, *parameters: _Node, body: _Node | None = None) -> _Node:
    operation: _Node = {"operationId": name, "summary": text}
    if parameters:
        operation["parameters"] = list(parameters)
    if body is not None:
        operation["requestBody"] = {"required": True, "content": {"application/json": {"schema": body}}}
    operation["responses"] = responses
    return operation


_PATHS: Final[_Node] = {
    "/status": {"get": _operation("getStatus", "Version, configuration, peers", {"200": _json(_ref("Status"), "OK")})},
    "/receivers": {
        "get": _operation(
            "getReceivers",
            "All configured receivers",
            {"200": _json(_array(_ref("Receiver")), "OK"), "400": _BAD},
            _RECEIVER_MATCHERS,
        )
    },
    "/alerts": {
        "get": _operation(
            "getAlerts",
            "Alerts that have not ended, by fingerprint",
            {"200": _json(_array(_ref("Alert")), "OK"), "400": _BAD, "500": _FAILED},
            *_ALERT_FLAGS,
            _flag("unprocessed", "Accepted and without effect."),
            _FILTER,
            _RECEIVER,
            _RECEIVER_MATCHERS,
        ),
        "post": _operation(
            "postAlerts",
            "Report alerts; those that are valid are taken in even when others are not",
            {"200": {"description": "Taken in"}, "400": _BAD, "422": _UNPROCESSABLE, "503": _UNSTORED},
            body=_array(_ref("PostableAlert")),
        ),
    },
    "/alerts/groups": {
        "get": _operation(
            "getAlertGroups",
            "Alerts as they are grouped for notification",
            {"200": _json(_array(_ref("AlertGroup")), "OK"), "400": _BAD, "500": _FAILED},
            *_ALERT_FLAGS,
            _flag("muted", "false leaves out groups muted by a time interval."),
            _FILTER,
            _RECEIVER,
            _RECEIVER_MATCHERS,
        )
    },
    "/silences": {
        "get": _operation(
            "getSilences",
            "Silences, active ones first",
            {"200": _json(_array(_ref("Silence")), "OK"), "400": _BAD, "500": _FAILED},
            _many("filter", "A matcher the silence must contain as it is; repeated, all must be contained."),
            _flag("active", "false leaves out active silences."),
            _flag("expired", "false leaves out expired silences."),
            _flag("pending", "false leaves out pending silences."),
        ),
        "post": _operation(
            "postSilences",
            "Create a silence, or change the one whose id is given",
            {
                "200": _json(_ref("SilenceID"), "The id that now stands"),
                "400": _BAD,
                "404": _json(_ref("HandlerError"), "No silence has the given id"),
                "422": _UNPROCESSABLE,
                "503": _UNSTORED,
            },
            body=_ref("PostableSilence"),
        ),
    },
    "/silence/{silenceID}": {
        "get": _operation(
            "getSilence",
            "One silence",
            {
                "200": _json(_ref("Silence"), "OK"),
                "404": {"description": "Unknown"},
                "422": _UNPROCESSABLE,
                "500": _FAILED,
            },
            _ID,
        ),
        "delete": _operation(
            "deleteSilence",
            "End a silence",
            {
                "200": {"description": "Ended"},
                "404": {"description": "Unknown"},
                "422": _UNPROCESSABLE,
                "503": _UNSTORED,
            },
            _ID,
        ),
    },
    "/openapi.json": {"get": _operation("getOpenAPI", "This document", {"200": _json({"type": "object"}, "OK")})},
}


def document() -> bytes:
    """The document, encoded."""
    return msgspec.json.encode(
        {
            "openapi": "3.1.0",
            "info": {
                "title": "Alertmanager API v2",
                "version": BUILD.version,
                "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
            },
            "servers": [{"url": "."}],
            "paths": _PATHS,
            "components": {"schemas": _SCHEMAS},
        }
    )
