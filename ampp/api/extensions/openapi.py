"""The OpenAPI 3.1 document of the extensions, made of the routes themselves: each brings its operation.

It stands beside Alertmanager's document and not in it, so that clients generated from that one stay as they are:
`/api/v2/openapi.json` is Alertmanager's API, `/api/v2/extensions/openapi.json` is ampp's.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Final

import msgspec

from ampp import __version__
from ampp.api.extensions.answer import STATUS, Ask, Route, answer
from ampp.api.reply import Reply

__all__ = [
    "INTEGER",
    "TEXT",
    "TIME",
    "array",
    "flag",
    "maybe",
    "obj",
    "one_of",
    "operation",
    "parameter",
    "ref",
    "with_document",
]

Node = Mapping[str, Any]

TEXT: Final[Node] = {"type": "string"}
INTEGER: Final[Node] = {"type": "integer"}
TIME: Final[Node] = {"type": "string", "format": "date-time"}
flag: Final[Node] = {"type": "boolean"}


def array(items: Node) -> Node:
    """A list of such."""
    return {"type": "array", "items": items}


def obj(fields: Mapping[str, Node], *, optional: Sequence[str] = ()) -> Node:
    """An object with these fields; all but the `optional` ones are always there."""
    return {
        "type": "object",
        "required": [name for name in fields if name not in optional],
        "properties": dict(fields),
    }


def maybe(schema: Node) -> Node:
    """Such, or null."""
    return {"anyOf": [schema, {"type": "null"}]}


def ref(name: str) -> Node:
    """What stands under that name among the document's schemas."""
    return {"$ref": f"#/components/schemas/{name}"}


def one_of(words: Sequence[str]) -> Node:
    """One of a few words."""
    return {"type": "string", "enum": list(words)}


def parameter(name: str, text: str, schema: Node = TEXT, *, several: bool = False, path: bool = False) -> Node:
    """A query parameter, or one in the path. `several`: it may be repeated."""
    if path:
        return {"name": name, "in": "path", "required": True, "description": text, "schema": schema}
    if several:
        return {"name": name, "in": "query", "description": text, "schema": array(schema), "explode": True}
    return {"name": name, "in": "query", "description": text, "schema": schema}


def operation(
    name: str,
    text: str,
    result: Node | None,
    *parameters: Node,
    errors: Sequence[int] = (400, 503, 504),
    body: Node | None = None,
    status: int = 200,
    media: str = "application/json",
) -> Node:
    """One operation: its id, what it does, what success (`status`) carries, and which errors there are."""
    made: dict[str, Any] = {"operationId": name, "summary": text, "parameters": list(parameters)}
    if body is not None:
        made["requestBody"] = {"required": True, "content": {"application/json": {"schema": body}}}
    success = {"description": "Done"} if result is None else _content("OK", result, media)
    made["responses"] = {str(status): success}
    for each in errors:
        made["responses"][str(each)] = _content(_WORDS[each], ref("Error"))
    return made


def _content(text: str, schema: Node, media: str = "application/json") -> Node:
    return {"description": text, "content": {media: {"schema": schema}}}


_WORDS: Final = {
    400: "A parameter is wrong; details name it",
    403: "A page of another origin made the request",
    404: "There is no such thing",
    409: "It conflicts with what there is",
    500: "It failed",
    503: "It cannot be had now",
    504: "It took longer than it may",
}

_FREE: Final = {"type": "object", "additionalProperties": True}
_OPENAPI: Final = obj(
    {
        "openapi": TEXT,
        "info": _FREE,
        "servers": array(_FREE),
        "paths": _FREE,
        "components": _FREE,
    }
)
_ERROR: Final = obj(
    {
        "error": obj(
            {
                "code": one_of(tuple(STATUS)),
                "message": TEXT,
                "details": array(obj({"field": TEXT, "message": TEXT, "value": TEXT}, optional=("value",))),
                "request_id": TEXT,
                "timestamp": TIME,
            },
            optional=("details",),
        )
    }
)


def with_document(
    routes: Sequence[Route], described: Mapping[str, Node], schemas: Mapping[str, Node]
) -> tuple[Route, ...]:
    """The routes, and one that serves the document about all of them and about what is `described`: GET operations by
    their paths, which are served elsewhere. `schemas`: what operations refer to by name."""
    encoded: list[Any] = []

    async def get(ask: Ask) -> Reply:
        return answer(ask, encoded[0])

    text = "This document"
    complete = (
        *routes,
        Route("GET", "extensions/openapi.json", get, operation("getExtensions", text, _OPENAPI, errors=())),
    )
    encoded.append(msgspec.Raw(msgspec.json.encode(_document(complete, described, schemas))))
    return complete


def _document(routes: Sequence[Route], described: Mapping[str, Node], schemas: Mapping[str, Node]) -> Node:
    paths: dict[str, dict[str, Any]] = {f"/{path}": {"get": operation} for path, operation in described.items()}
    for route in routes:
        paths.setdefault(f"/{route.path}", {})[route.method.lower()] = route.operation
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "ampp extensions",
            "version": __version__,
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "servers": [{"url": ".."}],
        "paths": paths,
        "components": {"schemas": {"Error": _ERROR, **schemas}},
    }
