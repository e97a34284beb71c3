"""`ampp cluster show`."""

from typing import Final

import click

from ampp_cli.output import Column, Listing, Output, output_options
from ampp_cli.remote.client import Remote
from ampp_cli.remote.document import items, mapping, text
from ampp_cli.remote.operation import GET_STATUS
from ampp_cli.server import server_options
from ampp_cli.table import clean

__all__ = ["command"]

_PEERS: Final = Listing(
    columns=(
        Column("Address", lambda peer: text(peer, "address")),
        Column("Name", lambda peer: text(peer, "name")),
    ),
    name=lambda peer: text(peer, "name"),
)


@click.command("show")
@output_options(watch=True)
@server_options
def command(output: Output, remote: Remote) -> None:
    """Show how the cluster is, and its peers."""

    def draw() -> str:
        remote.renew()
        cluster = mapping(remote.fetch_object(GET_STATUS), "cluster")
        peers = items(cluster, "peers")
        if output.form == "name":
            return output.text(_PEERS, peers)
        head = output.object(
            cluster, [("Cluster", clean(text(cluster, "status"))), ("Node", clean(text(cluster, "name")))]
        )
        return head + "\n" + output.text(_PEERS, peers) if output.for_people and peers else head

    output.repeat(draw)
