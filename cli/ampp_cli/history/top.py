"""`ampp history top`."""

import click

from ampp_cli.history.listing import TOP, add_span, span_options
from ampp_cli.output import Output, output_options
from ampp_cli.remote.client import Query, Remote
from ampp_cli.server import server_options

__all__ = ["command"]


@click.command("top")
@click.option("-n", "--limit", default=10, type=click.IntRange(1, 100), show_default=True, help="How many at most.")
@span_options
@output_options(watch=True)
@server_options
def command(limit: int, since: str, until: str, output: Output, remote: Remote) -> None:
    """Show which alerts began to fire most often, by default in the last 24 hours."""
    query: Query = [("limit", str(limit))]
    add_span(query, since, until)

    def draw() -> str:
        remote.renew()
        return output.text(TOP, remote.get("/api/v2/history/top", query)["alerts"])

    output.repeat(draw)
