"""`ampp config show`."""

import click

from ampp_cli.output import Output, output_options
from ampp_cli.remote.client import Remote
from ampp_cli.remote.document import text
from ampp_cli.remote.operation import GET_STATUS
from ampp_cli.server import server_options

__all__ = ["command"]


@click.command("show")
@output_options()
@server_options
def command(output: Output, remote: Remote) -> None:
    """Show the configuration that the server runs with, secrets hidden; as json or jsonl with the server's status."""
    status = remote.fetch_object(GET_STATUS)
    if output.form in ("json", "jsonl"):
        click.echo(output.document(status), nl=False)
        return
    shown = text(status, "config", "original")
    click.echo(shown if shown.endswith("\n") else shown + "\n", nl=False)
