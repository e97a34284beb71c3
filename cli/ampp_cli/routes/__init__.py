"""`ampp config routes`: the routing tree of a configuration."""

from typing import Final

from ampp_cli.group import Lazy, Table

__all__ = ["command"]

_COMMANDS: Final[Table] = {
    "show": ("Show the routing tree with what holds on each route.", "ampp_cli.routes.show"),
    "test": ("Show where alerts go, or check that they go where they should.", "ampp_cli.routes.test"),
}

command = Lazy("routes", _COMMANDS, "Look into a routing tree.")
