"""One sender per receiver type, each in a file of its type's name; `FACTORIES` says which types can send."""

from collections.abc import Callable, Mapping
from importlib import import_module
from typing import Any, Final, TypeAlias

from ampp.config import Config
from ampp.core.plan import Integration, Plan, Receiver
from ampp.deliver import plugin
from ampp.deliver.sender import BuildError, Sender, Senders, Unsendable, label
from ampp.template.renderer import Renderer

__all__ = ["FACTORIES", "TYPES", "Factory", "build", "build_for"]

Factory: TypeAlias = Callable[[Any, str, Renderer], Sender | Unsendable]
"""Makes a sender of one entry of a `<type>_configs` list, the daemon's external URL and the templates.

Raises `BuildError`.
"""


def _of(kind: str) -> Factory:
    """The factory in the module of that name, which is imported when a receiver needs it: a daemon uses few of them."""

    def make(entry: Any, external_url: str, renderer: Renderer) -> Sender | Unsendable:
        module = import_module(f"{__name__}.{kind}")
        made: Sender | Unsendable = module.build(entry, external_url, renderer)
        return made

    return make


TYPES: Final = (
    "alertmanager",
    "discord",
    "email",
    "incidentio",
    "jira",
    "mattermost",
    "msteams",
    "msteamsv2",
    "opsgenie",
    "pagerduty",
    "pushover",
    "rocketchat",
    "rootly",
    "slack",
    "sns",
    "telegram",
    "victorops",
    "webex",
    "webhook",
    "wechat",
)

FACTORIES: Final[Mapping[str, Factory]] = {kind: _of(kind) for kind in TYPES}


def build(config: Config, plan: Plan, external_url: str, renderer: Renderer) -> Senders:
    """The senders of all receivers that routes use, in the plan's order (upstream neither builds nor checks the rest).

    Reads certificate files, so it blocks. Raises `BuildError`: then nothing of `config` may be put in force.
    """
    used = {route.receiver for route in plan.root.walk()}
    return {
        to: sender
        for name, receiver in plan.receivers.items()
        if name in used
        for to, sender in build_for(config, receiver, external_url, renderer).items()
    }


def build_for(config: Config, receiver: Receiver, external_url: str, renderer: Renderer) -> Senders:
    """The senders of one receiver, used or not. As `build`."""
    return {
        to: _sender(to, config.entry(receiver.name, to.name, to.idx), external_url, renderer)
        for to in receiver.integrations
    }


def _sender(to: Integration, entry: Any, external_url: str, renderer: Renderer) -> Sender | Unsendable:
    factory = FACTORIES.get(to.name) or plugin.factory(to.name)
    if factory is None:
        return Unsendable(f"this version cannot send to {to.name} receivers")
    try:
        return factory(entry, external_url, renderer)
    except BuildError as error:
        raise BuildError(f"receiver {to.receiver}, {label(to)}: {error}") from None
