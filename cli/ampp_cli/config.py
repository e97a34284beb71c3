"""`ampp config`: look into configurations, of files and of servers."""

from typing import Final

from ampp_cli.group import Lazy, Table

__all__ = ["command"]

_COMMANDS: Final[Table] = {
    "show": ("Show the configuration that a server runs with.", "ampp_cli.config_show"),
    "routes": ("Look into a routing tree.", "ampp_cli.routes"),
    "diff": ("Show what a change of configuration touches.", "ampp_cli.diff"),
}

command = Lazy("config", _COMMANDS, "Look into a configuration.")
