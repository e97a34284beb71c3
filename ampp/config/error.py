"""What can be wrong with a configuration, and how it is told.

    ConfigError(ValueError)     the only error that leaves `load`: upstream's text, where, and a hint
    Invalid(Exception)          raised inside the loader by a check that does not know where it stands

`str(ConfigError)` is exactly the text Alertmanager prints; `render()` adds the place and the hint below it.
"""

from collections.abc import Iterable, Sequence
from typing import Final

import msgspec

__all__ = ["ConfigError", "Fault", "Invalid", "closest"]

_SIMILAR: Final = 0.5


class Fault(msgspec.Struct, frozen=True):
    """One of several errors told together: upstream's words with the line inside, the true place, a hint."""

    text: str
    line: int
    column: int
    hint: str = ""


class ConfigError(ValueError):
    """A configuration that cannot be used. `line` and `column` are 1-based; 0 means that no place is known.

    `faults`: the single errors, where the message tells several; place and hint are then those of the first.
    """

    def __init__(
        self,
        message: str,
        file: str = "",
        line: int = 0,
        column: int = 0,
        hint: str = "",
        faults: Sequence[Fault] = (),
    ) -> None:
        super().__init__(message)
        self.faults = tuple(faults)
        self.message = message
        self.file = file
        self.line = line
        self.column = column
        self.hint = hint

    def __str__(self) -> str:
        return self.message

    def render(self) -> str:
        """Upstream's text first, then `at FILE:LINE:COLUMN` and `hint: …`, each on a line of its own where known."""
        parts = [self.message]
        if self.line:
            parts.append(f"at {self.file or '<config>'}:{self.line}:{self.column}")
        elif self.file:
            parts.append(f"in {self.file}")
        if self.hint:
            parts.append(f"hint: {self.hint}")
        return "\n  ".join(parts)


class Invalid(Exception):
    """A failed check. `field` names the key of the checked mapping to point at; the loader fills in the place."""

    def __init__(self, message: str, *, field: str = "", hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.field = field
        self.hint = hint
        self.line = 0
        self.column = 0


def closest(word: str, known: Iterable[str]) -> str:
    """The known word most like `word`, or "" when none is near."""
    import difflib  # only mistakes need it

    found = difflib.get_close_matches(word.lower(), list(known), n=1, cutoff=_SIMILAR)
    return found[0] if found else ""
