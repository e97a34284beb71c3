"""`msteams_configs`: a message card by Microsoft Teams connector."""

from typing import ClassVar, Self

from msgspec.structs import replace

from ampp.config.address import SecretUrl
from ampp.config.error import Invalid
from ampp.config.globals import Global
from ampp.config.kind import Text
from ampp.config.receivers.discord import check_webhook_url
from ampp.config.receivers.entry import HttpEntry, template

__all__ = ["MsteamsConfig"]


class MsteamsConfig(HttpEntry, frozen=True, kw_only=True):
    """The older connector; see `msteamsv2` for workflows."""

    go: ClassVar[str] = "msteams.plain"
    type: ClassVar[str] = "msteams"

    webhook_url: SecretUrl = None
    webhook_url_file: Text = ""
    title: Text = template("msteams.default.title")
    summary: Text = template("msteams.default.summary")
    text: Text = template("msteams.default.text")

    def settle(self) -> Self:
        check_webhook_url(self.webhook_url, self.webhook_url_file)
        return self

    def inherit(self, base: Global) -> Self:
        if self.webhook_url is None and not self.webhook_url_file:
            raise Invalid("no msteams webhook URL or URLFile provided")
        return replace(self, http_config=self.http_config or base.http_config)
