"""Where an integration sends to, in words that may be shown to anybody: a host, a channel, an address; no secret."""

from typing import Final
from urllib.parse import urlsplit

from ampp.config.document import Config
from ampp.config.receivers import Entry
from ampp.config.secret import Secret
from ampp.core.plan import Integration, Plan

__all__ = ["destination", "destinations"]

_URLS: Final = ("url", "webhook_url", "api_url", "smarthost")
_PLACES: Final = (
    "to",
    "channel",
    "room_id",
    "chat_id",
    "topic_arn",
    "target_arn",
    "phone_number",
    "project",
    "to_user",
)


def destinations(config: Config, plan: Plan) -> dict[str, str]:
    """The destination of every integration of the plan, by `receiver/type/index`."""
    return {
        f"{to.receiver}/{to.name}/{to.idx}": destination(config, to)
        for receiver in plan.receivers.values()
        for to in receiver.integrations
    }


def destination(config: Config, to: Integration) -> str:
    """Host and place, such as `hooks.slack.com #alerts`; of a URL no more than the host, since its path may be a key.

    Empty when the configuration says neither.
    """
    entry = config.entry(to.receiver, to.name, to.idx)
    return " ".join(filter(None, (_host(entry), _place(entry))))


def _host(entry: Entry) -> str:
    for name in _URLS:
        value = getattr(entry, name, None)
        text = value.reveal() if isinstance(value, Secret) else str(value or "")
        if text and name == "smarthost":
            return text
        if text and "{{" not in text:
            try:
                parts = urlsplit(text)
                return f"{parts.hostname}:{parts.port}" if parts.port else parts.hostname or ""
            except ValueError:
                return ""
    return ""


def _place(entry: Entry) -> str:
    for name in _PLACES:
        value = getattr(entry, name, None)
        if value and not isinstance(value, Secret):
            return str(value)
    return ""
