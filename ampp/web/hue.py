"""The colour of a label, by the daemon's rules and the visitor's own."""

import zlib
from collections.abc import Sequence
from typing import Final

from ampp.config.colour import COLOURS, ColourRule

__all__ = ["Palette"]

_OWN: Final = COLOURS[:-1]
"""What values get by themselves: all but grey, which looks like none."""


class Palette:
    """Rules to look labels up in. Of several that concern a label, see `ampp.config.colour`."""

    def __init__(self, rules: Sequence[ColourRule]) -> None:
        self._exact = {(rule.name, rule.value): rule.colour for rule in rules if rule.value is not None}
        self._all = {rule.name: rule.colour for rule in rules if rule.value is None}

    def __call__(self, name: str, value: str) -> str:
        """The style class of a label, with a space before it, or nothing."""
        colour = self._exact.get((name, value))
        if colour is None:
            colour = self._all.get(name)
            if colour is None:
                return ""
        return f" hue-{colour or _OWN[zlib.crc32(value.encode(errors='replace')) % len(_OWN)]}"
