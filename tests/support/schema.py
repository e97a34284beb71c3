"""Whether an answer is of the form that the OpenAPI document gives it."""

from collections.abc import Mapping
from typing import Any

__all__ = ["fits"]

_PYTHON: dict[str, Any] = {
    "object": dict,
    "array": list,
    "string": str,
    "boolean": bool,
    "null": type(None),
    "integer": int,
    "number": (int, float),
}


def fits(value: Any, schema: Mapping[str, Any], place: str, schemas: Mapping[str, Any] | None = None) -> None:
    """Assert that the value is of the described form. `schemas`: what the description refers to by name."""
    if "$ref" in schema:
        assert schemas is not None, place
        return fits(value, schemas[schema["$ref"].rpartition("/")[2]], place, schemas)
    if "anyOf" in schema:
        # Null is the other way there is; what is wrong with the value is then what the first one says of it.
        kinds = [each for each in schema["anyOf"] if each.get("type") != "null"]
        assert value is not None or len(kinds) < len(schema["anyOf"]), place
        return None if value is None else fits(value, kinds[0], place, schemas)
    given = schema.get("type", [])
    names = [given] if isinstance(given, str) else given
    assert not names or any(isinstance(value, _PYTHON[name]) for name in names), (place, names, value)
    if "enum" in schema:
        assert value in schema["enum"], (place, value)
    if isinstance(value, dict) and "properties" in schema:
        assert set(schema["required"]) <= set(value) <= set(schema["properties"]), (place, sorted(value))
        for name, each in value.items():
            fits(each, schema["properties"][name], f"{place}.{name}", schemas)
    elif isinstance(value, dict) and isinstance(schema.get("additionalProperties"), dict):
        for name, each in value.items():
            fits(each, schema["additionalProperties"], f"{place}.{name}", schemas)
    if isinstance(value, list):
        for each in value:
            fits(each, schema["items"], f"{place}[]", schemas)
    return None
