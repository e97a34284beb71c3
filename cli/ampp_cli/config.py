"""`ampp config`: look into configurations, of files and of servers."""

from typing import Final

from ampp_cli.group import Lazy, Table

__all__ = ["command"]

_COMMANDS: Final[Table] = {}

command = Lazy("config", _COMMANDS, "Look into a configuration.")
