"""`ampp db`: look after the databases."""

from typing import Final

from ampp_cli.group import Lazy, Table

__all__ = ["command"]

_COMMANDS: Final[Table] = {
    "check": ("Look whether the databases are sound.", "ampp_cli.db.check"),
    "migrate": ("Bring them to the newest schema, or back to an older one.", "ampp_cli.db.migrate"),
    "compact": ("Write them anew without their free space.", "ampp_cli.db.compact"),
    "export": ("Write the history as JSON lines or CSV.", "ampp_cli.db.export"),
}

command = Lazy("db", _COMMANDS, "Look after the databases.")
