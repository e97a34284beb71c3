"""`ampp alert add`."""

from datetime import UTC, datetime
from typing import Any

import click

from ampp_cli.document import list_from
from ampp_cli.output import Output, output_options
from ampp_cli.remote.client import Remote
from ampp_cli.remote.operation import POST_ALERTS
from ampp_cli.selection import labels_from
from ampp_cli.server import server_options
from ampp_cli.suggestion import label_names
from ampp_cli.when import WhenError, duration, moment, rfc3339

__all__ = ["command"]


@click.command("add")
@click.argument("labels", nargs=-1, shell_complete=label_names)
@click.option("-f", "--file", metavar="FILE", help="A JSON list of alerts instead, as the API takes it; - for stdin.")
@click.option("--annotation", "annotations", multiple=True, metavar="NAME=VALUE", help="Repeatable.")
@click.option("--generator-url", default="", metavar="URL", help="Where the alert comes from.")
@click.option("--start", metavar="TIME", help="RFC 3339, +2h, -15m, 14:30, …")
@click.option("--end", metavar="TIME", help="When it is over, if nobody repeats it; in the past: it is resolved.")
@click.option("-d", "--duration", "lasts", metavar="DURATION", help="The same as a time from its start.")
@click.option("--dry-run", is_flag=True, help="Show what would be sent instead.")
@output_options()
@server_options
def command(
    labels: tuple[str, ...],
    file: str | None,
    annotations: tuple[str, ...],
    generator_url: str,
    start: str | None,
    end: str | None,
    lasts: str | None,
    dry_run: bool,
    output: Output,
    remote: Remote,
) -> None:
    """Add an alert with LABELS, each name=value.

    A first word without = is the name of the alert. A single - reads a JSON list of alerts from stdin.
    """
    if labels == ("-",):
        labels, file = (), "-"
    if file is not None:
        if labels or annotations or start or end or lasts:
            raise click.UsageError("a file of alerts says everything itself: leave out labels and other options")
        alerts = list_from(file)
    else:
        alerts = [_alert(labels, annotations, generator_url, start, end, lasts)]
    if dry_run:
        click.echo(output.document(alerts), nl=False)
        return
    remote.call(POST_ALERTS, value=alerts)


def _alert(
    labels: tuple[str, ...],
    annotations: tuple[str, ...],
    generator_url: str,
    start: str | None,
    end: str | None,
    lasts: str | None,
) -> dict[str, Any]:
    words = list(labels)
    named = {}
    if words and "=" not in words[0]:
        named = {"alertname": words.pop(0)}
    alert: dict[str, Any] = {"labels": named | labels_from(words, "label")}
    if not alert["labels"]:
        raise click.UsageError("an alert needs at least one label, such as its name")
    if end is not None and lasts is not None:
        raise click.UsageError("--end and --duration say the same: give one")
    if annotations:
        alert["annotations"] = labels_from(annotations, "annotation")
    if generator_url:
        alert["generatorURL"] = generator_url
    now = datetime.now(UTC)
    try:
        begins = moment(start, now) if start is not None else now
        if start is not None or end is not None or lasts is not None:
            alert["startsAt"] = rfc3339(begins)
        if end is not None:
            alert["endsAt"] = rfc3339(moment(end, now))
        elif lasts is not None:
            alert["endsAt"] = rfc3339(datetime.fromtimestamp(begins.timestamp() + duration(lasts), UTC))
    except WhenError as error:
        raise click.UsageError(str(error)) from error
    return alert
