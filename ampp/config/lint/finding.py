"""What a lint says: a named rule, how much it matters, where, in which words, and what may help."""

from enum import Enum

import msgspec

__all__ = ["Finding", "Rule", "Severity"]


class Severity(Enum):
    """`ERROR`: cannot be used. `WARN`: can be used, but hardly does what was meant. `INFO`: worth knowing."""

    ERROR = "error"
    WARN = "warn"
    INFO = "info"


class Rule(msgspec.Struct, frozen=True):
    """One thing that is looked for; `meaning` says in a sentence what it finds."""

    name: str
    severity: Severity
    meaning: str


class Finding(msgspec.Struct, frozen=True):
    """One finding. `line` and `column` are 1-based; 0 means that no place is known."""

    rule: str
    severity: Severity
    file: str
    line: int
    column: int
    text: str
    hint: str = ""
