"""JSON as it comes from and goes to a server, as plain values, whatever its size.

msgspec is several times as fast as the standard library's decoder, and takes longer to import than that takes for a
small answer: the size decides. Values are looked into with `text` and its sisters, which give something empty where a
server has answered with another shape than it should, so that no answer can break a command.
"""

from __future__ import annotations

import _json

TYPE_CHECKING = False  # see this room's docstring
if TYPE_CHECKING:
    from typing import Any, Final

__all__ = ["decode", "encode", "items", "mapping", "text"]

_LARGE: Final = 3_000_000
"""Bytes from which on msgspec is faster, its import included."""
_MANY: Final = 4000
"""The same of objects to be written."""


def decode(body: bytes) -> Any:
    """The value. Raises ValueError for what is no JSON."""
    if b"\\ud" in body or b"\\uD" in body:
        # Halves of characters, which no output takes; Go replaces them, too.
        import json

        value = json.loads(body.decode(errors="replace"))
        whole = json.dumps(value, ensure_ascii=False).encode("utf-16", "surrogatepass")
        return json.loads(whole.decode("utf-16", "replace"))
    if len(body) < _LARGE:
        return _small(body.decode(errors="replace"))
    import msgspec

    try:
        return msgspec.json.decode(body)
    except msgspec.DecodeError as error:
        raise ValueError(str(error)) from error


class _Settings:
    """What the standard library's decoder tells the scanner below it when nothing else is asked for."""

    strict = True
    object_hook = object_pairs_hook = None
    parse_float, parse_int = float, int
    parse_constant = {"NaN": float("nan"), "Infinity": float("inf"), "-Infinity": float("-inf")}.__getitem__


_scan: Final = _json.make_scanner(_Settings())  # type: ignore[arg-type]  # typeshed knows the decoder alone


def _small(text: str) -> Any:
    """What `json.loads` gives, without its import but for what is no JSON: it knows what is wrong."""
    text = text.strip(" \t\n\r")
    try:
        value, end = _scan(text, 0)
        if end == len(text):
            return value
    except (StopIteration, ValueError, RecursionError):
        pass
    import json

    return json.loads(text)


def encode(value: Any) -> str:
    """JSON as Go's encoder writes it, HTML escapes and all, without a newline; members in the order they are in."""
    if isinstance(value, list) and len(value) > _MANY:
        import msgspec

        encoded = msgspec.json.encode(value).decode()
    else:
        import json

        encoded = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    for raw, escaped in _ESCAPES:
        encoded = encoded.replace(raw, escaped)
    return encoded


_ESCAPES: Final = (
    ("<", "\\u003c"),
    (">", "\\u003e"),
    ("&", "\\u0026"),
    ("\u2028", "\\u2028"),
    ("\u2029", "\\u2029"),
)


def _at(value: Any, path: tuple[str, ...]) -> Any:
    for name in path:
        if not isinstance(value, dict):
            return None
        value = value.get(name)
    return value


def text(value: Any, *path: str) -> str:
    """The text at the end of the path of member names; "" where there is none."""
    found = _at(value, path)
    return found if isinstance(found, str) else "" if found is None else str(found)


def mapping(value: Any, *path: str) -> dict[str, Any]:
    """The object there, or an empty one."""
    found = _at(value, path)
    return found if isinstance(found, dict) else {}


def items(value: Any, *path: str) -> list[Any]:
    """The list there, or an empty one."""
    found = _at(value, path)
    return found if isinstance(found, list) else []
