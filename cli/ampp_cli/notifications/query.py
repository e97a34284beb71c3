"""`ampp notifications query`."""

from typing import Any, Final

import click

from ampp_cli.history.listing import add_span, span_options
from ampp_cli.output import DIM, GREEN, RED, YELLOW, Column, Listing, Output, output_options
from ampp_cli.remote.client import Query, Remote
from ampp_cli.server import server_options
from ampp_cli.when import ago

__all__ = ["command"]

_COLOURS: Final = {
    "delivered": GREEN,
    "failed": RED,
    "pending": YELLOW,
    "canceled": YELLOW,
    "overtaken": DIM,
    "not_sent": DIM,
}

_NOTIFICATIONS: Final = Listing(
    columns=(
        Column("When", lambda n: ago(n["at"]), until="extended"),
        Column("At", lambda n: str(n["at"]), least="wide"),
        Column("Receiver", lambda n: str(n["receiver"])),
        Column("Integration", lambda n: f"{n['integration']}[{n['integration_index']}]" if n["integration"] else "all"),
        Column("Status", lambda n: str(n["status"]), style=lambda n: _COLOURS.get(n["status"], "")),
        Column("Reason", lambda n: str(n["reason"])),
        Column("Firing", lambda n: str(n["firing"])),
        Column("Resolved", lambda n: str(n["resolved"])),
        Column("Attempts", lambda n: str(n["attempts"])),
        Column("Took", lambda n: "" if n["duration"] is None else f"{n['duration']:.3f}s", least="extended"),
        Column("To", lambda n: str(n["destination"]), least="extended", flexible=True),
        Column("Group", lambda n: str(n["group_key"]), flexible=True),
        Column("Error", lambda n: str(n["error"] or ""), flexible=True),
    ),
    name=lambda n: str(n["id"]),
)


@click.command("query")
@click.option("-r", "--receiver", multiple=True, help="Only to these receivers.")
@click.option("-i", "--integration", multiple=True, help="Only by these types, such as webhook.")
@click.option("-s", "--status", multiple=True, help=f"Only these: {', '.join(_COLOURS)}.")
@click.option("--group", default="", help="Only about this group, by its key.")
@click.option("--alert", default="", help="Only about groups this alert was in; its fingerprint.")
@click.option("-n", "--limit", default=50, type=click.IntRange(1, 1000), show_default=True, help="How many at most.")
@span_options
@output_options(watch=True)
@server_options
def command(
    receiver: tuple[str, ...],
    integration: tuple[str, ...],
    status: tuple[str, ...],
    group: str,
    alert: str,
    limit: int,
    since: str,
    until: str,
    output: Output,
    remote: Remote,
) -> None:
    """List decisions to tell somebody something, or not: why, and what came of it. The newest first."""
    query: Query = [("per_page", str(limit))]
    query += [("receiver", each) for each in receiver]
    query += [("integration", each) for each in integration]
    query += [("status", each) for each in status]
    query += [(name, value) for name, value in (("group", group), ("alert", alert)) if value]
    add_span(query, since, until)

    def draw() -> str:
        remote.renew()
        found: list[dict[str, Any]] = remote.get("/api/v2/notifications", query)["notifications"]
        return output.text(_NOTIFICATIONS, found)

    output.repeat(draw)
