"""Which labels are coloured, and how: rules such as `cluster`, `team=*:blue` and `env=prod:pink`, with commas between.

A name alone gives each of the label's values a colour of its own, always the same; `*` stands for every value. Where
several rules concern a label, one that names the value goes before one for all of them, and a later before an earlier.
"""

from collections.abc import Sequence
from typing import Final

import msgspec

from ampp.config.error import closest
from ampp.core.quote import go_quote

__all__ = ["COLOURS", "ColourRule", "format_rules", "parse_rules"]

COLOURS: Final = ("blue", "teal", "green", "olive", "brown", "pink", "purple", "grey")
"""Red and amber are severity's."""

_MOST: Final = 100


class ColourRule(msgspec.Struct, frozen=True):
    """`value` is None for every value; `colour` is "" where each value has its own."""

    name: str
    value: str | None = None
    colour: str = ""


def parse_rules(text: str) -> tuple[ColourRule, ...]:
    """The rules. Raises ValueError with what is wrong."""
    parts = [part.strip() for part in text.split(",") if part.strip()]
    if len(parts) > _MOST:
        raise ValueError(f"more than {_MOST} rules")
    return tuple(map(_rule, parts))


def _rule(text: str) -> ColourRule:
    name, equals, rest = text.partition("=")
    value, _, colour = rest.rpartition(":")
    if not name or (equals and not (value and colour)):
        raise ValueError(f"{go_quote(text)} is not a rule: write label, label=*:colour or label=value:colour")
    if not equals:
        return ColourRule(name)
    if colour not in COLOURS:
        near = closest(colour, COLOURS)
        raise ValueError(
            f"{go_quote(colour)} is no colour here, there are {', '.join(COLOURS)}" + (f" ({near}?)" if near else "")
        )
    return ColourRule(name, None if value == "*" else value, colour)


def format_rules(rules: Sequence[ColourRule]) -> str:
    """The text that reads as these rules."""
    return ", ".join(
        rule.name + (f"={'*' if rule.value is None else rule.value}:{rule.colour}" if rule.colour else "")
        for rule in rules
    )
