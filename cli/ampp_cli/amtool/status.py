"""`amtool config show` and `amtool cluster show`: what the server says of itself."""

import sys
from typing import Any, Final

from ampp_cli.amtool.layout import table
from ampp_cli.amtool.session import connected
from ampp_cli.kingpin import Parsed
from ampp_cli.remote.document import encode, items, mapping, text
from ampp_cli.remote.operation import GET_STATUS

__all__ = ["cluster", "config", "status_of"]


def status_of(parsed: Parsed) -> dict[str, Any]:
    """The server's status. Raises Failure."""
    with connected(parsed) as remote:
        return remote.fetch_object(GET_STATUS)


def config(parsed: Parsed) -> int:
    status = status_of(parsed)
    if parsed["output"] == "json":
        sys.stdout.write(encode(status) + "\n")
        return 0
    sys.stdout.write(text(status, "config", "original") + "\n")
    if parsed["output"] == "extended":
        lines = [f"{name} {text(status, 'versionInfo', name)}\n" for name in _VERSION]
        sys.stdout.write("".join(lines) + f"uptime {text(status, 'uptime')}\n")
    return 0


_VERSION: Final = ("buildUser", "goVersion", "revision", "version", "branch", "buildDate")


def cluster(parsed: Parsed) -> int:
    shown = mapping(status_of(parsed), "cluster")
    if parsed["output"] == "json":
        sys.stdout.write(encode(shown) + "\n")
        return 0
    sys.stdout.write(table([["Cluster Status:"], ["Node Name:"]], [text(shown, "status"), text(shown, "name")]))
    if parsed["output"] == "extended":
        peers = sorted(((text(peer, "address"), text(peer, "name")) for peer in items(shown, "peers")), key=_place)
        if not peers:
            sys.stdout.write("\nAddress  Name\n")
            return 0
        sys.stdout.write("\n" + table([["Address"], *peers], ["Name", *("" for _ in peers)]))
    return 0


def _place(peer: tuple[str, str]) -> tuple[bytes, int]:
    """By address, then port: addresses in their binary form, what is none before all others."""
    import ipaddress

    host, _, port = peer[0].rpartition(":")
    try:
        address = ipaddress.ip_address(host.strip("[]"))
        packed = address.packed if address.version == 6 else bytes(10) + b"\xff\xff" + address.packed
    except ValueError:
        packed = b""
    return packed, int(port) if port.isdigit() else 0
