"""`ampp cluster show`."""

from typing import Any, Final

import click

from ampp_cli.output import Column, Listing, Output, output_options
from ampp_cli.remote.client import Remote
from ampp_cli.remote.operation import GET_STATUS
from ampp_cli.server import server_options
from ampp_cli.table import clean

__all__ = ["command"]

_PEERS: Final = Listing(
    columns=(
        Column("Address", lambda peer: str(peer.get("address", ""))),
        Column("Name", lambda peer: str(peer.get("name", ""))),
    ),
    name=lambda peer: str(peer.get("name", "")),
)


@click.command("show")
@output_options(watch=True)
@server_options
def command(output: Output, remote: Remote) -> None:
    """Show how the cluster is, and its peers."""

    def draw() -> str:
        remote.renew()
        cluster: dict[str, Any] = remote.fetch(GET_STATUS, dict[str, Any]).get("cluster") or {}
        peers = cluster.get("peers") or []
        if output.form == "name":
            return output.text(_PEERS, peers)
        head = output.object(
            cluster, [("Cluster", clean(str(cluster.get("status", "")))), ("Node", clean(str(cluster.get("name", ""))))]
        )
        return head + "\n" + output.text(_PEERS, peers) if output.for_people and peers else head

    output.repeat(draw)
