"""The API's documentation, drawn from the OpenAPI documents that this very server gives."""

from collections.abc import Iterator
from typing import Any, Final
from urllib.parse import urljoin

import msgspec

from ampp.api.reply import Reply
from ampp.api.visit import Visit
from ampp.web.answer import documents
from ampp.web.frame import Room

__all__ = ["page"]

_TITLES: Final = ("Alertmanager's API v2", "What ampp has beyond it")
_LINKS: Final = ("api/v2/openapi.json", "api/v2/extensions/openapi.json")
_DEEP: Final = 6
_METHODS: Final = ("get", "post", "put", "delete", "patch")


class Field(msgspec.Struct, frozen=True):
    """A line of a body's outline: how deep it is, its name, its type, whether it is always there, what it means."""

    depth: int
    name: str
    kind: str
    always: bool
    text: str


class Operation(msgspec.Struct, frozen=True):
    """One operation as shown. `parameters`: name, place, type, required, description. `body`, `result`: the outlines of
    what it takes, and of what it answers when all is well."""

    id: str
    method: str
    path: str
    text: str
    parameters: tuple[tuple[str, str, str, bool, str], ...]
    answers: tuple[tuple[str, str], ...]
    body: tuple[Field, ...]
    result: tuple[Field, ...]


class Chapter(msgspec.Struct, frozen=True):
    """One document."""

    title: str
    link: str
    operations: tuple[Operation, ...]


async def page(room: Room, visit: Visit, _: str) -> Reply:
    """GET /ui/api."""
    chapters = [
        Chapter(title, link, tuple(_operations(document, link)))
        for title, link, document in zip(_TITLES, _LINKS, await documents(room.live), strict=True)
    ]
    return await room.frame.page(visit, "api.html", title="API", section="status", chapters=chapters)


def _operations(document: Any, link: str) -> list[Operation]:
    found = []
    for path, item in document["paths"].items():
        shared = item.get("parameters", [])
        for method in _METHODS:
            if method not in item:
                continue
            operation = item[method]
            parameters = [_resolved(document, each) for each in (*shared, *operation.get("parameters", []))]
            base = urljoin(f"/{link}", str(document["servers"][0]["url"])).rstrip("/")
            found.append(
                Operation(
                    id=str(operation.get("operationId", f"{method} {path}")),
                    method=method.upper(),
                    path=base + path,
                    text=str(operation.get("description") or operation.get("summary") or ""),
                    parameters=tuple(
                        (
                            str(each["name"]),
                            str(each["in"]),
                            _type(each.get("schema", each)),
                            bool(each.get("required")),
                            str(each.get("description", "")),
                        )
                        for each in parameters
                        if each.get("in") != "body"
                    ),
                    answers=tuple(
                        (str(code), str(_resolved(document, answer).get("description", "")))
                        for code, answer in operation.get("responses", {}).items()
                    ),
                    body=_outline(document, operation.get("requestBody", {})),
                    result=_outline(document, _success(operation)),
                )
            )
    return found


def _success(operation: Any) -> Any:
    return next((answer for code, answer in operation["responses"].items() if int(code) < 300), {})


def _outline(document: Any, message: Any) -> tuple[Field, ...]:
    """What is in a body, line by line."""
    for content in message.get("content", {}).values():
        schema = content.get("schema", {})
        root = Field(0, "", _type(_resolved(document, schema)), True, "")
        return (root, *_fields(document, schema, 1, ()))
    return ()


def _fields(document: Any, schema: Any, depth: int, above: tuple[str, ...]) -> Iterator[Field]:
    name = schema.get("$ref", "")
    if depth > _DEEP or name in above:
        return
    above = (*above, name) if name else above
    schema = _resolved(document, schema)
    if "anyOf" in schema:
        ways = [each for each in schema["anyOf"] if each.get("type") != "null"]
        for way in ways:
            if len(ways) > 1 and "$ref" in way:
                yield Field(depth, _type(way), "object", False, "")
            yield from _fields(document, way, depth + (len(ways) > 1), above)
    elif "items" in schema:
        yield from _fields(document, schema["items"], depth, above)
    for key, inner in schema.get("properties", {}).items():
        shown = _resolved(document, inner)
        always = key in schema.get("required", ())
        yield Field(depth, str(key), _type(shown), always, str(shown.get("description", "")))
        yield from _fields(document, inner, depth + 1, above)


def _resolved(document: Any, node: Any) -> Any:
    """The node that a local `$ref` stands for."""
    link = node.get("$ref")
    if not link:
        return node
    for part in link.removeprefix("#/").split("/"):
        document = document[part]
    return document


def _type(schema: Any) -> str:
    if "$ref" in schema:
        return str(schema["$ref"]).rpartition("/")[2]
    if "anyOf" in schema:
        return " or ".join(dict.fromkeys(map(_type, schema["anyOf"])))
    if "enum" in schema:
        return " | ".join(map(str, schema["enum"]))
    kind = schema.get("type", "")
    if isinstance(kind, list):
        return " or ".join(map(str, kind))
    if kind == "array":
        return f"list of {_type(schema.get('items', {})) or 'values'}"
    if kind == "object" and isinstance(schema.get("additionalProperties"), dict):
        return f"object of {_type(schema['additionalProperties'])}"
    return str(schema.get("format") or kind)
