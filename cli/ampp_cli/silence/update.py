"""`ampp silence update`."""

from datetime import UTC, datetime

import click

from ampp_cli.output import Output, output_options
from ampp_cli.remote.client import Remote
from ampp_cli.remote.document import text
from ampp_cli.server import server_options
from ampp_cli.silence.add import period
from ampp_cli.silence.listing import SILENCES
from ampp_cli.silence.target import put, silences_named
from ampp_cli.suggestion import silence_ids
from ampp_cli.when import rfc3339

__all__ = ["command"]


@click.command("update")
@click.argument("ids", nargs=-1, shell_complete=silence_ids)
@click.option("-c", "--comment", help="The new comment.")
@click.option("-d", "--duration", "lasts", metavar="DURATION", help="How long it lasts, from its start.")
@click.option("--start", metavar="TIME", help="When it starts.")
@click.option("--end", metavar="TIME", help="When it ends; instead of --duration.")
@click.option("-q", "--quiet", is_flag=True, help="Print only the ids that the silences now have.")
@click.option("--dry-run", is_flag=True, help="Show the silences as they would be instead.")
@output_options()
@server_options
def command(
    ids: tuple[str, ...],
    comment: str | None,
    lasts: str | None,
    start: str | None,
    end: str | None,
    quiet: bool,
    dry_run: bool,
    output: Output,
    remote: Remote,
) -> None:
    """Change times or comment of the silences with these IDS; shows them as they now are.

    A silence that is over, or whose start moves, becomes a new one with a new id. What a silence matches cannot be
    changed.
    """
    if comment is None and lasts is None and start is None and end is None:
        raise click.UsageError("nothing to change: give --comment, --duration, --start or --end")
    changed = silences_named(remote, ids)
    for silence in changed:
        if lasts is not None or start is not None or end is not None:
            begins, ends = period(
                datetime.now(UTC),
                text(silence, "startsAt") if start is None else start,
                text(silence, "endsAt") if end is None and lasts is None else end,
                lasts or "",
            )
            silence |= {"startsAt": rfc3339(begins), "endsAt": rfc3339(ends)}
        if comment is not None:
            silence["comment"] = comment
    if not dry_run:
        for silence in changed:
            silence["id"] = put(remote, silence)
    if quiet:
        click.echo("".join(f"{silence['id']}\n" for silence in changed), nl=False)
    else:
        output.show(SILENCES, changed)
