"""`ampp silence query`."""

import time
from typing import Any

import click

from ampp_cli.output import Output, output_options
from ampp_cli.remote.client import Query, Remote
from ampp_cli.remote.document import text
from ampp_cli.remote.operation import GET_SILENCES
from ampp_cli.selection import filters_from
from ampp_cli.server import server_options
from ampp_cli.silence.listing import SILENCES
from ampp_cli.suggestion import label_names, silence_ids
from ampp_cli.when import WhenError, duration, instant

__all__ = ["command"]


@click.command("query")
@click.argument("matchers", nargs=-1, shell_complete=label_names)
@click.option("-e", "--expired", is_flag=True, help="Those that are over, instead of the others.")
@click.option("-A", "--all", "everything", is_flag=True, help="Those that are over, too.")
@click.option("-q", "--quiet", is_flag=True, help="Only ids; the same as -o name.")
@click.option("--created-by", metavar="AUTHOR", help="Only those of one author.")
@click.option(
    "--id",
    "beginning",
    metavar="ID",
    shell_complete=silence_ids,
    help="Only the one with this id, or whose id begins so.",
)
@click.option("--within", metavar="DURATION", help="Only those that end within that time, or ended if --expired.")
@output_options(watch=True)
@server_options
def command(
    matchers: tuple[str, ...],
    expired: bool,
    everything: bool,
    quiet: bool,
    created_by: str | None,
    beginning: str | None,
    within: str | None,
    output: Output,
    remote: Remote,
) -> None:
    """List the silences that have all MATCHERS among theirs, by default those that are not over.

    The next to end comes first.
    """
    query: Query = [("filter", wanted.text) for wanted in filters_from(matchers)]
    try:
        limit = duration(within) if within is not None else None
    except WhenError as error:
        raise click.BadParameter(str(error), param_hint="--within") from error
    if quiet:
        output = output._replace(form="name")

    def keep(silence: dict[str, Any], now: float) -> bool:
        ends = instant(text(silence, "endsAt"))
        if not everything and (ends <= now) != expired:
            return False
        if limit is not None and not (now - limit <= ends <= now if expired else now <= ends <= now + limit):
            return False
        if created_by is not None and text(silence, "createdBy") != created_by:
            return False
        return beginning is None or text(silence, "id").startswith(beginning)

    def draw() -> str:
        remote.renew()
        now = time.time()
        found = [s for s in remote.fetch_list(GET_SILENCES, query) if keep(s, now)]
        found.sort(key=lambda silence: instant(text(silence, "endsAt")))
        if beginning is not None and not found and not output.watch:
            raise click.ClickException(
                f"no silence has an id that begins with {beginning} (--all looks among those over)"
            )
        return output.text(SILENCES, found)

    output.repeat(draw)
