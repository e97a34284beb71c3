"""`ampp silence add`."""

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import click

from ampp_cli.account import user_name
from ampp_cli.alert.listing import ALERTS
from ampp_cli.output import Output, output_options
from ampp_cli.remembered import Remembered
from ampp_cli.remote.client import Remote
from ampp_cli.remote.document import mapping
from ampp_cli.remote.operation import GET_ALERTS
from ampp_cli.selection import labels_from, matchers_from, near_miss
from ampp_cli.server import server_options
from ampp_cli.silence.listing import matchers_of
from ampp_cli.silence.target import put
from ampp_cli.suggestion import label_names
from ampp_cli.when import WhenError, duration, moment, rfc3339

if TYPE_CHECKING:
    from ampp.core.matcher import Matcher

__all__ = ["command", "period"]


@click.command("add")
@click.argument("matchers", nargs=-1, shell_complete=label_names)
@click.option("-a", "--author", "creator", cls=Remembered, metavar="NAME", help="By default the user who runs this.")
@click.option("-c", "--comment", cls=Remembered, default="", help="Why.")
@click.option("-d", "--duration", "lasts", cls=Remembered, default="1h", show_default=True, help="30m, 2h, 1d12h, …")
@click.option("--start", metavar="TIME", help="now, +2h, 14:30, '2026-11-27 14:30', RFC 3339. By default now.")
@click.option("--end", metavar="TIME", help="The same forms; instead of --duration.")
@click.option("--until-resolved", is_flag=True, help="End with the alerts (not possible yet).")
@click.option("--annotation", "annotations", multiple=True, metavar="NAME=VALUE", help="Repeatable.")
@click.option("--require-comment/--no-require-comment", cls=Remembered, default=True, hidden=True)
@click.option("--dry-run", is_flag=True, help="Show the silence and the alerts that it would mute instead.")
@output_options()
@server_options
def command(
    matchers: tuple[str, ...],
    creator: str | None,
    comment: str,
    lasts: str,
    start: str | None,
    end: str | None,
    until_resolved: bool,
    annotations: tuple[str, ...],
    require_comment: bool,
    dry_run: bool,
    output: Output,
    remote: Remote,
) -> None:
    """Silence the alerts that fulfil all MATCHERS; prints the id of the silence.

    A matcher is label=value, label!=value, label=~regex or label!~regex. A first word that is none of these is the name
    of an alert.
    """
    if until_resolved:
        raise click.UsageError(
            "--until-resolved is not possible yet: give a --duration; `ampp silence extend` lengthens it"
        )
    chosen = matchers_from(matchers)
    if not chosen:
        raise click.UsageError("no matchers: say which alerts, for example alertname=DiskFull instance=~db.*")
    if all(matcher.matches("") for matcher in chosen):
        raise click.UsageError("these matchers fulfil every alert: at least one must not match an empty value")
    begins, ends = period(datetime.now(UTC), start, end, lasts)
    if require_comment and not comment:
        raise click.UsageError("say why: --comment TEXT")
    silence: dict[str, Any] = {
        "matchers": [_typed(matcher) for matcher in chosen],
        "startsAt": rfc3339(begins),
        "endsAt": rfc3339(ends),
        "createdBy": user_name() if creator is None else creator,
        "comment": comment,
    }
    if annotations:
        silence["annotations"] = labels_from(annotations, "annotation")
    if dry_run:
        _show(silence, chosen, output, remote)
    else:
        click.echo(put(remote, silence))


def period(now: datetime, start: str | None, end: str | None, lasts: str) -> tuple[datetime, datetime]:
    """From when to when. Raises click.UsageError, also for what is over already."""
    try:
        begins = moment(start, now) if start is not None else now
        ends = moment(end, now) if end is not None else begins + timedelta(seconds=duration(lasts))
    except (WhenError, OverflowError) as error:
        raise click.UsageError(str(error)) from error
    if ends <= begins:
        raise click.UsageError(f"it would end ({rfc3339(ends)}) before it starts ({rfc3339(begins)})")
    if ends <= now:
        raise click.UsageError(f"it would be over already: {rfc3339(ends)} is past")
    return begins, ends


def _typed(matcher: "Matcher") -> dict[str, Any]:
    return {
        "name": matcher.name,
        "value": matcher.value,
        "isRegex": "~" in matcher.op.value,
        "isEqual": not matcher.op.value.startswith("!"),
    }


def _show(silence: dict[str, Any], chosen: "list[Matcher]", output: Output, remote: Remote) -> None:
    query = [(state, "true") for state in ("active", "inhibited", "silenced", "unprocessed")]
    query += [("filter", str(matcher)) for matcher in chosen]
    alerts = remote.fetch_list(GET_ALERTS, query)
    if not output.for_people:
        if output.form == "name":
            output.show(ALERTS, alerts)
        else:
            click.echo(output.document({"silence": silence, "alerts": alerts}), nl=False)
        return
    click.echo(f"Would silence {matchers_of(silence)} from {silence['startsAt']} to {silence['endsAt']}.")
    if alerts:
        click.echo(f"{len(alerts)} alert{'s match' if len(alerts) > 1 else ' matches'} now:")
        output.show(ALERTS, alerts)
        return
    everyone = remote.fetch_list(GET_ALERTS)
    hint = near_miss(
        [matcher.name for matcher in chosen], {name for alert in everyone for name in mapping(alert, "labels")}
    )
    click.echo(f"No alert matches now{f': {hint}' if hint else '.'}")
