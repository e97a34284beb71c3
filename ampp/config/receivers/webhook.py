"""`webhook_configs`: the alert group as JSON to a URL."""

from typing import Annotated, ClassVar, Self

from msgspec.structs import replace

from ampp.config.address import TemplateUrl
from ampp.config.error import Invalid
from ampp.config.globals import Global
from ampp.config.kind import AnyValue, GoDuration, Text, Unsigned
from ampp.config.receivers.entry import HttpEntry
from ampp.config.secret import Secret
from ampp.config.section import KEEP

__all__ = ["WebhookConfig"]


class WebhookConfig(HttpEntry, frozen=True, kw_only=True):
    """`timeout` in nanoseconds, 0 for none; `max_alerts` 0 for all; `payload` replaces the body when set."""

    go: ClassVar[str] = "webhook.plain"
    type: ClassVar[str] = "webhook"

    url: TemplateUrl = Secret()
    url_file: Annotated[Text, KEEP] = ""
    max_alerts: Annotated[Unsigned, KEEP] = 0
    timeout: Annotated[GoDuration, KEEP] = 0
    payload: AnyValue = None

    def settle(self) -> Self:
        if not self.url and not self.url_file:
            raise Invalid("one of url or url_file must be configured")
        if self.url and self.url_file:
            raise Invalid("at most one of url & url_file must be configured", field="url_file")
        return self

    def inherit(self, base: Global) -> Self:
        return replace(self, http_config=self.http_config or base.http_config)
