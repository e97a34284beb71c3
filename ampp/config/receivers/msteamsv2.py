"""`msteamsv2_configs`: an adaptive card by Microsoft Teams workflow."""

from typing import ClassVar, Self

from msgspec.structs import replace

from ampp.config.address import SecretUrl
from ampp.config.error import Invalid
from ampp.config.globals import Global
from ampp.config.kind import Text
from ampp.config.receivers.discord import check_webhook_url
from ampp.config.receivers.entry import HttpEntry, template

__all__ = ["Msteamsv2Config"]


class Msteamsv2Config(HttpEntry, frozen=True, kw_only=True):
    """The one entry whose own `http_config` still inherits something: the global `proxy_url`."""

    go: ClassVar[str] = "msteamsv2.plain"
    type: ClassVar[str] = "msteamsv2"

    webhook_url: SecretUrl = None
    webhook_url_file: Text = ""
    title: Text = template("msteamsv2.default.title")
    text: Text = template("msteamsv2.default.text")

    def settle(self) -> Self:
        check_webhook_url(self.webhook_url, self.webhook_url_file)
        return self

    def inherit(self, base: Global) -> Self:
        http = self.http_config or base.http_config
        if http is not None and http.proxy_url is None and base.http_config is not None:
            http = replace(http, proxy_url=base.http_config.proxy_url)
        if self.webhook_url is None and not self.webhook_url_file:
            raise Invalid("no msteamsv2 webhook URL or URLFile provided")
        return replace(self, http_config=http)
