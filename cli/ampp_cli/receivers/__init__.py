"""`ampp receivers`: look after receivers."""

from typing import Final

from ampp_cli.group import Lazy, Table

__all__ = ["command"]

_COMMANDS: Final[Table] = {
    "test": ("Send a test notification, or show what would be sent.", "ampp_cli.receivers.test"),
}

command = Lazy("receivers", _COMMANDS, "Look after receivers.")
