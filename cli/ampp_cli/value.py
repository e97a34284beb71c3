"""What the text of a flag or an argument may be: kingpin's readers of values, and the error of a wrong line."""

from __future__ import annotations

import os

TYPE_CHECKING = False  # see ampp_cli.remote: amtool is to answer at once, too
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any, Final

    from ampp_cli.kingpin import Parsed

    Parser = Callable[[str], Any]

__all__ = ["UsageError", "decimal", "enum", "existing_file", "go_quote", "number", "reason_of", "text", "truth"]

_FLOAT: Final = r"[+-]?([0-9](_?[0-9])*(\.([0-9](_?[0-9])*)?)?|\.[0-9](_?[0-9])*)([eE][+-]?[0-9]+)?"


class UsageError(ValueError):
    """The command line is wrong; the message is kingpin's, without the program's name.

    `parsed` holds what was understood before the error. `sound`: the line has the right form, and a value is wrong.
    """

    parsed: Parsed
    sound = False


def go_quote(text: str) -> str:
    """Only mistakes need it."""
    from ampp.core.quote import go_quote

    return go_quote(text)


def text(value: str) -> str:
    return value


def number(value: str) -> int:
    """A whole number, read as kingpin does: any float, cut down to the range of a 64-bit integer."""
    return int(max(-(2.0**63), min(decimal(value), 2.0**63 - 1024)))


def decimal(value: str) -> float:
    """A finite float."""
    import re

    if not re.fullmatch(_FLOAT, value):
        raise UsageError(f"strconv.ParseFloat: parsing {go_quote(value)}: invalid syntax")
    number = float(value)
    if number in (float("inf"), float("-inf")):
        raise UsageError(f"strconv.ParseFloat: parsing {go_quote(value)}: value out of range")
    return number


def enum(*choices: str) -> Parser:
    """One of `choices`, in that spelling."""

    def read(value: str) -> str:
        if value not in choices:
            raise UsageError(f"enum value must be one of {','.join(choices)}, got '{value}'")
        return value

    return read


def existing_file(value: str) -> str:
    """The path of a file that is there and no directory."""
    if not os.path.exists(value):
        raise UsageError(f"path '{value}' does not exist")
    if os.path.isdir(value):
        raise UsageError(f"'{value}' is a directory")
    return value


def truth(text: str) -> bool:
    """Go's strconv.ParseBool."""
    if text in ("1", "t", "T", "TRUE", "true", "True"):
        return True
    if text in ("0", "f", "F", "FALSE", "false", "False"):
        return False
    raise UsageError(f"strconv.ParseBool: parsing {go_quote(text)}: invalid syntax")


def reason_of(error: OSError) -> str:
    """The error's text as Go has it: "no such file or directory"."""
    reason = error.strerror or str(error)
    return reason[:1].lower() + reason[1:]
