"""`ampp silence`: mute alerts for a time."""

from typing import Final

from ampp_cli.group import Lazy, Table

__all__ = ["command"]

_COMMANDS: Final[Table] = {
    "query": ("List silences.", "ampp_cli.silence.query"),
    "add": ("Silence alerts.", "ampp_cli.silence.add"),
    "extend": ("Let silences last longer.", "ampp_cli.silence.extend"),
    "update": ("Change times or comment of silences.", "ampp_cli.silence.update"),
    "expire": ("End silences.", "ampp_cli.silence.expire"),
    "import": ("Add silences from a file.", "ampp_cli.silence.importing"),
}

command = Lazy("silence", _COMMANDS, "Mute alerts for a time.")
