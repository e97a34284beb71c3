"""`ampp silence expire`."""

import click

from ampp_cli.output import Output, output_options
from ampp_cli.remote.client import Remote
from ampp_cli.remote.operation import DELETE_SILENCE
from ampp_cli.server import server_options
from ampp_cli.silence.listing import SILENCES
from ampp_cli.silence.target import silences_named
from ampp_cli.suggestion import silence_ids

__all__ = ["command"]


@click.command("expire")
@click.argument("ids", nargs=-1, shell_complete=silence_ids)
@click.option("--dry-run", is_flag=True, help="Show which silences would end instead.")
@output_options()
@server_options
def command(ids: tuple[str, ...], dry_run: bool, output: Output, remote: Remote) -> None:
    """End the silences with these IDS, of which the beginnings will do; - reads ids from stdin.

    One that is over stays so. Unless every id is known, nothing is done.
    """
    silences = silences_named(remote, ids)
    if dry_run:
        output.show(SILENCES, silences)
        return
    for silence in silences:
        remote.call(DELETE_SILENCE, silence=str(silence["id"]))
