"""`ampp history show`."""

import click

from ampp_cli.history.listing import EVENTS
from ampp_cli.output import Output, output_options
from ampp_cli.remote.client import Remote
from ampp_cli.server import server_options

__all__ = ["command"]


@click.command("show")
@click.argument("fingerprint")
@click.option("-n", "--limit", default=100, type=click.IntRange(1, 1000), show_default=True, help="How many at most.")
@output_options(watch=True)
@server_options
def command(fingerprint: str, limit: int, output: Output, remote: Remote) -> None:
    """Show what became of one alert, the newest first. FINGERPRINT has 16 or 64 hexadecimal digits."""

    def draw() -> str:
        remote.renew()
        found = remote.get(f"/api/v2/history/{_escaped(fingerprint)}", [("limit", str(limit))])
        return output.text(EVENTS, found["alerts"])

    output.repeat(draw)


def _escaped(text: str) -> str:
    from urllib.parse import quote

    return quote(text, safe="")
