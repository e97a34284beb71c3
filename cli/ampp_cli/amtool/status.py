"""`amtool config show` and `amtool cluster show`: what the server says of itself."""

import sys

from ampp_cli.amtool.failure import Failure
from ampp_cli.amtool.layout import table
from ampp_cli.amtool.session import connect, worded
from ampp_cli.kingpin import Parsed
from ampp_cli.remote.client import RemoteError
from ampp_cli.remote.model import Peer, Status, Version, encode
from ampp_cli.remote.operation import GET_STATUS

__all__ = ["cluster", "config", "status_of"]


def status_of(parsed: Parsed) -> Status:
    """The server's status. Raises Failure."""
    try:
        return connect(parsed).fetch(GET_STATUS, Status)
    except RemoteError as error:
        raise Failure(worded(error)) from error


def config(parsed: Parsed) -> int:
    status = status_of(parsed)
    if parsed["output"] == "json":
        sys.stdout.write(encode(status).decode() + "\n")
        return 0
    sys.stdout.write(status.config.original + "\n")
    if parsed["output"] == "extended":
        version = status.version_info or Version()
        sys.stdout.write(
            f"buildUser {version.build_user}\ngoVersion {version.go_version}\nrevision {version.revision}\n"
            f"version {version.version}\nbranch {version.branch}\nbuildDate {version.build_date}\n"
            f"uptime {status.uptime}\n"
        )
    return 0


def cluster(parsed: Parsed) -> int:
    shown = status_of(parsed).cluster
    if parsed["output"] == "json":
        sys.stdout.write(encode(shown).decode() + "\n")
        return 0
    name = shown.name if isinstance(shown.name, str) else ""
    sys.stdout.write(table([["Cluster Status:"], ["Node Name:"]], [shown.status, name]))
    if parsed["output"] == "extended":
        peers = sorted(shown.peers or (), key=_place)
        if not peers:
            sys.stdout.write("\nAddress  Name\n")
            return 0
        rows = [["Address"], *([peer.address, peer.name] for peer in peers)]
        sys.stdout.write("\n" + table(rows, ["Name", *("" for _ in peers)]))
    return 0


def _place(peer: Peer) -> tuple[bytes, int]:
    """By address, then port: addresses in their binary form, what is none before all others."""
    import ipaddress

    host, _, port = peer.address.rpartition(":")
    try:
        address = ipaddress.ip_address(host.strip("[]"))
        packed = address.packed if address.version == 6 else bytes(10) + b"\xff\xff" + address.packed
    except ValueError:
        packed = b""
    return packed, int(port) if port.isdigit() else 0
