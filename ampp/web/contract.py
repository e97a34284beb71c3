"""The API's documentation, drawn from the OpenAPI documents that this very server gives."""

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
_METHODS: Final = ("get", "post", "put", "delete", "patch")


class Operation(msgspec.Struct, frozen=True):
    """One operation as shown. `parameters`: name, place, type, required, description."""

    id: str
    method: str
    path: str
    text: str
    parameters: tuple[tuple[str, str, str, bool, str], ...]
    answers: tuple[tuple[str, str], ...]
    takes_body: bool


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
                    takes_body="requestBody" in operation or any(each.get("in") == "body" for each in parameters),
                )
            )
    return found


def _resolved(document: Any, node: Any) -> Any:
    """The node that a local `$ref` stands for."""
    link = node.get("$ref")
    if not link:
        return node
    for part in link.removeprefix("#/").split("/"):
        document = document[part]
    return document


def _type(schema: Any) -> str:
    kind = schema.get("type", "")
    if isinstance(kind, list):
        return " or ".join(map(str, kind))
    if kind == "array":
        return f"list of {_type(schema.get('items', {})) or 'values'}"
    if "enum" in schema:
        return " | ".join(map(str, schema["enum"]))
    return str(schema.get("format") or kind)
