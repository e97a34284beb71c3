"""`ampp notifications`: what was told to whom."""

from typing import Final

from ampp_cli.group import Lazy, Table

__all__ = ["command"]

_COMMANDS: Final[Table] = {
    "query": ("List decisions to notify, and what came of them.", "ampp_cli.notifications.query"),
}

command = Lazy("notifications", _COMMANDS, "Look at what was told to whom.")
