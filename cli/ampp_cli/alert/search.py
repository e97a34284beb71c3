"""What `ampp alert query` does."""

from __future__ import annotations

import sys

from ampp_cli.alert.listing import ALERTS
from ampp_cli.option import Option
from ampp_cli.remote.document import mapping, text
from ampp_cli.remote.operation import GET_ALERTS
from ampp_cli.selection import filters_from, near_miss

TYPE_CHECKING = False  # see ampp_cli.remote
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Final

    from ampp_cli.output import Output
    from ampp_cli.remote.client import Query, Remote

__all__ = ["OPTIONS", "search"]

OPTIONS: Final = (
    Option("active", "-a", "--active", flag=True, help="Those that notify."),
    Option("silenced", "-s", "--silenced", flag=True, help="Those that a silence mutes."),
    Option("inhibited", "-i", "--inhibited", flag=True, help="Those that other alerts mute."),
    Option("unprocessed", "-u", "--unprocessed", flag=True, help="Those not yet routed."),
    Option("everything", "-A", "--all", flag=True, help="All of these."),
    Option(
        "receiver",
        "-r",
        "--receiver",
        default="",
        suggested="receiver_names",
        help="Only those that go to a receiver; a regular expression.",
    ),
)


def search(
    matchers: Sequence[str],
    active: bool,
    silenced: bool,
    inhibited: bool,
    unprocessed: bool,
    everything: bool,
    receiver: str,
    output: Output,
    remote: Remote,
) -> None:
    """Show the alerts that fulfil all matchers."""
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
                sys.stdout.flush()
                sys.stderr.write(f"{hint}\n")
        return output.text(ALERTS, alerts)

    output.repeat(draw)
