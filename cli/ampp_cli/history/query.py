"""`ampp history query`."""

from typing import Any, Final

import click

from ampp_cli.history.listing import EVENTS, add_span, span_options
from ampp_cli.output import Output, output_options
from ampp_cli.remote.client import Query, Remote
from ampp_cli.selection import matchers_from
from ampp_cli.server import server_options

__all__ = ["command"]

_FILTERS: Final = {"=": "labels_exact", "!=": "labels_ne", "=~": "labels_regex", "!~": "labels_not_regex"}


@click.command("query")
@click.argument("matchers", nargs=-1)
@click.option("--event", multiple=True, help="Only these: firing, suppressed, unsuppressed, resolved, expired.")
@click.option("--search", default="", help="A text in name, summary or description.")
@click.option("--filter", "filters", multiple=True, metavar="NAME=VALUE", help="Any other filter of the API.")
@click.option("--sort", default="", help="What to sort by, such as starts_at or created_at.")
@click.option("--asc", is_flag=True, help="The smallest first.")
@click.option("-n", "--limit", default=50, type=click.IntRange(1), show_default=True, help="How many at most.")
@span_options
@output_options(watch=True)
@server_options
def command(
    matchers: tuple[str, ...],
    event: tuple[str, ...],
    search: str,
    filters: tuple[str, ...],
    sort: str,
    asc: bool,
    limit: int,
    since: str,
    until: str,
    output: Output,
    remote: Remote,
) -> None:
    """List what happened to alerts that fulfil all MATCHERS, the newest first.

    A matcher is label=value, label!=value, label=~regex or label!~regex; as everywhere, an expression must match the
    whole value. A first word that is none of these is the name of an alert.
    """
    query: Query = []
    for matcher in matchers_from(matchers):
        operator, value = matcher.op.value, matcher.value
        if operator.endswith("~"):
            value = f"^(?:{value})$"
        query.append((f"{_FILTERS[operator]}[{matcher.name}]", value))
    query += [("event", each) for each in event]
    query += [("search", search)] if search else []
    for each in filters:
        name, mark, value = each.partition("=")
        if not mark:
            raise click.BadParameter(f"{each!r} is not NAME=VALUE", param_hint="--filter")
        query.append((name, value))
    query += [("sort_field", sort)] if sort else []
    query += [("sort_order", "asc")] if asc else []
    add_span(query, since, until)

    def draw() -> str:
        remote.renew()
        events: list[dict[str, Any]] = []
        cursor = ""
        while len(events) < limit:
            asked = [*query, ("per_page", str(min(1000, limit - len(events)))), ("cursor", cursor)]
            page = remote.get("/api/v2/history", asked)
            events += page["alerts"]
            cursor = page["next_cursor"] or ""
            if page["stopped_at_scan_limit"]:
                click.echo("the search stopped at its limit before everything was looked at: narrow it", err=True)
                break
            if not cursor:
                break
        return output.text(EVENTS, events)

    output.repeat(draw)
