"""`ampp alert`: look at alerts, and add some."""

from typing import Final

from ampp_cli.group import Lazy, Table

__all__ = ["command"]

_COMMANDS: Final[Table] = {
    "query": ("List alerts.", "ampp_cli.alert.query"),
    "add": ("Add an alert, or alerts from a file.", "ampp_cli.alert.add"),
}

command = Lazy("alert", _COMMANDS, "Look at alerts, and add some.")
