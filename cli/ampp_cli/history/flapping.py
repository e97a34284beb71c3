"""`ampp history flapping`."""

import click

from ampp_cli.history.listing import FLAPPING, add_span, span_options
from ampp_cli.output import Output, output_options
from ampp_cli.remote.client import Query, Remote
from ampp_cli.server import server_options

__all__ = ["command"]


@click.command("flapping")
@click.option("--threshold", default=3, type=click.IntRange(1, 100), show_default=True, help="Changes at least.")
@span_options
@output_options(watch=True)
@server_options
def command(threshold: int, since: str, until: str, output: Output, remote: Remote) -> None:
    """Show which alerts went from firing to resolved and back most often, by default in the last 24 hours."""
    query: Query = [("threshold", str(threshold))]
    add_span(query, since, until)

    def draw() -> str:
        remote.renew()
        return output.text(FLAPPING, remote.get("/api/v2/history/flapping", query)["alerts"])

    output.repeat(draw)
