"""One sender per receiver type, each in a file of its type's name; `FACTORIES` says which types can send."""

from collections.abc import Callable, Mapping
from typing import Any, Final, TypeAlias

from ampp.config import Config
from ampp.core.plan import Integration, Plan
from ampp.deliver.integrations import (
    discord,
    email,
    incidentio,
    jira,
    mattermost,
    msteams,
    msteamsv2,
    opsgenie,
    pagerduty,
    pushover,
    rocketchat,
    slack,
    sns,
    telegram,
    victorops,
    webex,
    webhook,
    wechat,
)
from ampp.deliver.sender import BuildError, Sender, Senders, Unsendable, label
from ampp.template.renderer import Renderer

__all__ = ["FACTORIES", "Factory", "build"]

Factory: TypeAlias = Callable[[Any, str, Renderer], Sender | Unsendable]
"""Makes a sender of one entry of a `<type>_configs` list, the daemon's external URL and the templates.

Raises `BuildError`.
"""

FACTORIES: Final[Mapping[str, Factory]] = {
    "discord": discord.build,
    "email": email.build,
    "incidentio": incidentio.build,
    "jira": jira.build,
    "mattermost": mattermost.build,
    "msteams": msteams.build,
    "msteamsv2": msteamsv2.build,
    "opsgenie": opsgenie.build,
    "pagerduty": pagerduty.build,
    "pushover": pushover.build,
    "rocketchat": rocketchat.build,
    "slack": slack.build,
    "sns": sns.build,
    "telegram": telegram.build,
    "victorops": victorops.build,
    "webex": webex.build,
    "webhook": webhook.build,
    "wechat": wechat.build,
}


def build(config: Config, plan: Plan, external_url: str, renderer: Renderer) -> Senders:
    """The senders of all receivers that routes use, in the plan's order (upstream neither builds nor checks the rest).

    Reads certificate files, so it blocks. Raises `BuildError`: then nothing of `config` may be put in force.
    """
    used = {route.receiver for route in plan.root.walk()}
    return {
        to: _sender(to, config.entry(name, to.name, to.idx), external_url, renderer)
        for name, receiver in plan.receivers.items()
        if name in used
        for to in receiver.integrations
    }


def _sender(to: Integration, entry: Any, external_url: str, renderer: Renderer) -> Sender | Unsendable:
    factory = FACTORIES.get(to.name)
    if factory is None:
        return Unsendable(f"this version cannot send to {to.name} receivers")
    try:
        return factory(entry, external_url, renderer)
    except BuildError as error:
        raise BuildError(f"receiver {to.receiver}, {label(to)}: {error}") from None
