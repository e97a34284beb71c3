"""`ampp silence extend`."""

from datetime import UTC, datetime, timedelta

import click

from ampp_cli.output import Output, output_options
from ampp_cli.remote.client import Remote
from ampp_cli.remote.document import text
from ampp_cli.server import server_options
from ampp_cli.silence.listing import SILENCES
from ampp_cli.silence.target import put, silences_named
from ampp_cli.suggestion import silence_ids
from ampp_cli.when import WhenError, duration, instant, rfc3339

__all__ = ["command"]


@click.command("extend")
@click.argument("by")
@click.argument("ids", nargs=-1, shell_complete=silence_ids)
@click.option("--dry-run", is_flag=True, help="Show the silences as they would be instead.")
@output_options()
@server_options
def command(by: str, ids: tuple[str, ...], dry_run: bool, output: Output, remote: Remote) -> None:
    """Let the silences with these IDS end later BY a duration, such as 2h; - reads ids from stdin.

    One that is over already begins anew, with a new id, and lasts that long from now.
    """
    try:
        longer = timedelta(seconds=duration(by))
    except (WhenError, OverflowError) as error:
        raise click.BadParameter(str(error), param_hint="BY") from error
    changed = silences_named(remote, ids)
    now = datetime.now(UTC)
    for silence in changed:
        ends = datetime.fromtimestamp(instant(text(silence, "endsAt")), UTC)
        if ends <= now:
            silence["startsAt"] = rfc3339(now)
        silence["endsAt"] = rfc3339(max(ends, now) + longer)
    if not dry_run:
        for silence in changed:
            silence["id"] = put(remote, silence)
    output.show(SILENCES, changed)
