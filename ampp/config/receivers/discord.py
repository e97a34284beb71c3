"""`discord_configs`: a message by Discord webhook."""

from typing import ClassVar, Self

from msgspec.structs import replace

from ampp.config.address import SecretUrl
from ampp.config.error import Invalid
from ampp.config.globals import Global
from ampp.config.kind import Text
from ampp.config.receivers.entry import HttpEntry, template

__all__ = ["DiscordConfig", "check_webhook_url"]


def check_webhook_url(url: object, file: str) -> None:
    """Raise `Invalid` unless exactly one of `webhook_url` and `webhook_url_file` is given."""
    if url is None and not file:
        raise Invalid("one of webhook_url or webhook_url_file must be configured")
    if url is not None and file:
        raise Invalid("at most one of webhook_url & webhook_url_file must be configured", field="webhook_url_file")


class DiscordConfig(HttpEntry, frozen=True, kw_only=True):
    """An embed with title and message, and text above it."""

    go: ClassVar[str] = "discord.plain"
    type: ClassVar[str] = "discord"

    webhook_url: SecretUrl = None
    webhook_url_file: Text = ""
    content: Text = ""
    title: Text = template("discord.default.title")
    message: Text = template("discord.default.message")
    username: Text = ""
    avatar_url: Text = ""

    def settle(self) -> Self:
        check_webhook_url(self.webhook_url, self.webhook_url_file)
        return self

    def inherit(self, base: Global) -> Self:
        if self.webhook_url is None and not self.webhook_url_file:
            raise Invalid("no discord webhook URL or URLFile provided")
        return replace(self, http_config=self.http_config or base.http_config)
