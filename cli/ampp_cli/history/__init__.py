"""`ampp history`: what became of alerts."""

from typing import Final

from ampp_cli.group import Lazy, Table

__all__ = ["command"]

_COMMANDS: Final[Table] = {
    "query": ("List what happened, by any filter.", "ampp_cli.history.query"),
    "show": ("Show what became of one alert.", "ampp_cli.history.show"),
    "top": ("Show what fired most often.", "ampp_cli.history.top"),
    "flapping": ("Show what goes on and off.", "ampp_cli.history.flapping"),
    "report": ("Show a span of time in numbers.", "ampp_cli.history.report"),
}

command = Lazy("history", _COMMANDS, "Look at what happened.")
