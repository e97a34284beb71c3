"""A difference between two sections of a configuration, field by field; secrets are told as changed, never shown."""

from collections.abc import Iterator, Mapping
from typing import Any, Final

import msgspec

from ampp.config.secret import Secret
from ampp.config.section import Section, section_fields

__all__ = ["PRESENT", "SECRET", "Change", "Item", "changed", "fields", "leaves"]

PRESENT: Final = "(present)"
"""What stands for a whole entry that is on one side only."""

SECRET: Final = "(secret)"
"""What stands for a secret on either side of a change."""


class Change(msgspec.Struct, frozen=True):
    """One field that differs; "" where it is absent. Secrets are told as changed only."""

    field: str
    old: str
    new: str


class Item(msgspec.Struct, frozen=True):
    """A part of the configuration that differs: `action` is added, removed or changed; `effect` what comes of it.

    `below` counts the routes below a route that share its effect.
    """

    action: str
    name: str
    changes: tuple[Change, ...] = ()
    effect: str = ""
    below: int = 0


def changed(
    before: Mapping[str, Any], after: Mapping[str, Any], *, whole: frozenset[str] = frozenset()
) -> list[Change]:
    """The fields that differ. Of those in `whole` that are there on one side only, nothing below is told."""
    found = []
    single = [path for path in whole if (path in before) != (path in after)]
    for path in [*before, *(path for path in after if path not in before)]:
        if any(path.startswith(one + ".") for one in single) or before.get(path) == after.get(path):
            continue
        if path in single:
            found.append(Change(path, "" if path in after else PRESENT, PRESENT if path in after else ""))
        else:
            found.append(Change(path, _text(before.get(path)), _text(after.get(path))))
    return found


def _text(value: Any) -> str:
    if isinstance(value, Secret):
        return SECRET
    if value is None:
        return ""
    return str(value).lower() if isinstance(value, bool) else str(value)


def fields(section: Section) -> Iterator[tuple[str, Any]]:
    """The fields of a section that hold something, by dotted path; secrets as they are."""
    for key, field in section_fields(type(section)).items():
        yield from leaves(key, getattr(section, field.name), field.kind)


def leaves(path: str, value: Any, kind: Any) -> Iterator[tuple[str, Any]]:
    """What a value of this kind holds, by dotted path below `path`; nothing for a value that is empty."""
    if value is None or value == "" or value == () or value == {}:
        return
    if isinstance(value, Section):
        for inner, leaf in fields(value):
            yield f"{path}.{inner}", leaf
    elif isinstance(value, Secret | bool):
        yield path, value
    elif isinstance(value, tuple) and hasattr(kind, "item"):
        for number, one in enumerate(value):
            yield from leaves(f"{path}[{number}]", one, kind.item)
    elif isinstance(value, dict) and hasattr(kind, "item"):
        for name, one in value.items():
            yield from leaves(f"{path}.{name}", one, kind.item)
    else:
        yield path, kind.tree(value)
