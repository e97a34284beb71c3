"""Structures out of the configuration whose texts are templates: webhook payloads, PagerDuty details, Jira fields."""

import re
from collections.abc import Callable, Mapping
from typing import Any, Final

import msgspec

from ampp.config.untyped import UntypedError, untyped

__all__ = ["fill"]


def fill(value: Any, render: Callable[[str], str]) -> Any:
    """The structure with every text rendered, and read as YAML in its turn: `42` becomes a number, `[1, 2]` a list.

    What so becomes a structure is final: texts in it are neither rendered nor read again. Names in mappings are
    rendered too; those that are no texts are left out, as upstream does. Raises what `render` raises.
    """
    if isinstance(value, str):
        return _read(render(value))
    if isinstance(value, list | tuple):
        return [fill(item, render) for item in value]
    if isinstance(value, Mapping):
        return {render(name): fill(item, render) for name, item in value.items() if isinstance(name, str)}
    return value


_NO_YAML: Final = re.compile(r"\\ud|[0-9]{19}", re.IGNORECASE)


def _read(text: str) -> Any:
    value = _json(text)
    if value is not None:
        return value
    try:
        value = untyped(text)
    except UntypedError:
        return text
    return text if isinstance(value, str) else _named(value)


def _json(text: str) -> Any:
    """What a text that `toJson` wrote means; None for all others, and for JSON that YAML reads in another way.

    JSON is YAML but for this: surrogates that are escaped, integers beyond 64 bits, characters that do not print, and
    names of more than 1024 characters. It is read in a fraction of the time, which counts with a thousand alerts.
    """
    if not text.startswith(("[", "{")) or not text.isprintable() or _NO_YAML.search(text):
        return None
    if max(map(len, text.split('"'))) > 1000:
        return None
    try:
        return msgspec.json.decode(text)
    except (msgspec.DecodeError, RecursionError):
        return None


def _named(value: Any) -> Any:
    """The value with only those members of mappings whose names are texts."""
    if isinstance(value, list):
        return [_named(item) for item in value]
    if isinstance(value, dict):
        return {name: _named(item) for name, item in value.items() if isinstance(name, str)}
    return value
