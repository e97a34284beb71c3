"""`ampp cluster`: the servers that share the work."""

from typing import Final

from ampp_cli.group import Lazy, Table

__all__ = ["command"]

_COMMANDS: Final[Table] = {"show": ("Show how the cluster is, and its peers.", "ampp_cli.cluster_show")}

command = Lazy("cluster", _COMMANDS, "Look at the server's peers.")
