"""Structures out of the configuration whose texts are templates: webhook payloads, PagerDuty details, Jira fields."""

from collections.abc import Callable, Mapping
from typing import Any

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


def _read(text: str) -> Any:
    try:
        value = untyped(text)
    except UntypedError:
        return text
    return text if isinstance(value, str) else _named(value)


def _named(value: Any) -> Any:
    """The value with only those members of mappings whose names are texts."""
    if isinstance(value, list):
        return [_named(item) for item in value]
    if isinstance(value, dict):
        return {name: _named(item) for name, item in value.items() if isinstance(name, str)}
    return value
