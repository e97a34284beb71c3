"""`ampp alert query`."""

import click

from ampp_cli.alert.listing import ALERTS
from ampp_cli.output import Output, output_options
from ampp_cli.remote.client import Query, Remote
from ampp_cli.remote.document import mapping, text
from ampp_cli.remote.operation import GET_ALERTS
from ampp_cli.selection import filters_from, near_miss
from ampp_cli.server import server_options
from ampp_cli.suggestion import label_names, receiver_names

__all__ = ["command"]


@click.command("query")
@click.argument("matchers", nargs=-1, shell_complete=label_names)
@click.option("-a", "--active", is_flag=True, help="Those that notify.")
@click.option("-s", "--silenced", is_flag=True, help="Those that a silence mutes.")
@click.option("-i", "--inhibited", is_flag=True, help="Those that other alerts mute.")
@click.option("-u", "--unprocessed", is_flag=True, help="Those not yet routed.")
@click.option("-A", "--all", "everything", is_flag=True, help="All of these.")
@click.option(
    "-r",
    "--receiver",
    default="",
    shell_complete=receiver_names,
    help="Only those that go to a receiver; a regular expression.",
)
@output_options(watch=True)
@server_options
def command(
    matchers: tuple[str, ...],
    active: bool,
    silenced: bool,
    inhibited: bool,
    unprocessed: bool,
    everything: bool,
    receiver: str,
    output: Output,
    remote: Remote,
) -> None:
    """List the alerts that fulfil all MATCHERS, by default those that are active, the oldest first.

    A matcher is label=value, label!=value, label=~regex or label!~regex. A first word that is none of these is the name
    of an alert.
    """
    chosen = filters_from(matchers)
    states = {"active": active, "silenced": silenced, "inhibited": inhibited, "unprocessed": unprocessed}
    if everything:
        states = dict.fromkeys(states, True)
    elif not any(states.values()):
        states["active"] = True
    query: Query = [(name, str(wanted).lower()) for name, wanted in states.items()]
    query += [("filter", wanted.text) for wanted in chosen]
    if receiver:
        query.append(("receiver", receiver))

    def draw() -> str:
        remote.renew()
        alerts = remote.fetch_list(GET_ALERTS, query)
        if output.form != "json":
            alerts.sort(key=lambda alert: text(alert, "startsAt"))
        if not alerts and matchers and not output.watch:
            everyone = remote.fetch_list(GET_ALERTS)
            hint = near_miss(
                [wanted.name for wanted in chosen], {name for alert in everyone for name in mapping(alert, "labels")}
            )
            if hint:
                click.echo(hint, err=True)
        return output.text(ALERTS, alerts)

    output.repeat(draw)
