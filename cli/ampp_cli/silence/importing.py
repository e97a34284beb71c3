"""`ampp silence import`."""

from typing import Any

import click

from ampp_cli.document import list_from
from ampp_cli.output import Output, output_options
from ampp_cli.remote.client import Refused, Remote
from ampp_cli.remote.document import text
from ampp_cli.remote.operation import POST_SILENCES
from ampp_cli.server import server_options
from ampp_cli.silence.listing import SILENCES
from ampp_cli.silence.target import posted, put

__all__ = ["command"]


@click.command("import")
@click.argument("file", default="-")
@click.option("-f", "--force", is_flag=True, help="Add all as new ones, also those that are there.")
@click.option("--dry-run", is_flag=True, help="Show what would be sent instead.")
@output_options()
@server_options
def command(file: str, force: bool, dry_run: bool, output: Output, remote: Remote) -> int:
    """Add the silences of FILE, a JSON list as `ampp silence query -o json` prints it; - or nothing for stdin.

    Prints their ids. One with an id that the server knows is changed; others get a new id. The exit status is 1 if any
    was refused.
    """
    silences = list_from(file)
    if force:
        silences = [{name: value for name, value in silence.items() if name != "id"} for silence in silences]
    if dry_run:
        output.show(SILENCES, silences)
        return 0
    failed = 0
    for number, silence in enumerate(silences, 1):
        remote.renew()
        try:
            click.echo(_put(remote, silence))
        except click.ClickException as error:
            failed += 1
            click.echo(f"silence {number} ({silence.get('id') or 'new'}): {error.format_message()}", err=True)
    if failed:
        raise click.ClickException(f"{failed} of {len(silences)} silences could not be imported")
    return 0


def _put(remote: Remote, silence: dict[str, Any]) -> str:
    if silence.get("id"):
        try:
            reply = remote.call(POST_SILENCES, value=posted(silence))
        except Refused as error:
            if error.status != 404:
                raise click.ClickException(f"the server refuses it: {error.payload or error}") from error
            silence = {name: value for name, value in silence.items() if name != "id"}
        else:
            return text(remote.object(POST_SILENCES, reply), "silenceID")
    return put(remote, silence)
