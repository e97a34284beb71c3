"""`incidentio_configs`: the alert group as JSON to an incident.io alert source."""

from typing import Annotated, ClassVar, Self

from msgspec.structs import replace

from ampp.config.address import WebUrl
from ampp.config.error import Invalid
from ampp.config.globals import Global
from ampp.config.kind import GoDuration, SecretText, Text, Unsigned
from ampp.config.receivers.entry import HttpEntry, either
from ampp.config.secret import Secret
from ampp.config.section import KEEP

__all__ = ["IncidentioConfig"]


class IncidentioConfig(HttpEntry, frozen=True, kw_only=True):
    """`timeout` in nanoseconds, 0 for none; `max_alerts` 0 for all."""

    go: ClassVar[str] = "incidentio.plain"
    type: ClassVar[str] = "incidentio"

    url: Annotated[WebUrl, KEEP] = None
    url_file: Annotated[Text, KEEP] = ""
    alert_source_token: SecretText = Secret()
    alert_source_token_file: Text = ""
    max_alerts: Annotated[Unsigned, KEEP] = 0
    timeout: Annotated[GoDuration, KEEP] = 0

    def settle(self) -> Self:
        if wrong := either(self.url, self.url_file, "url", "one of url or url_file must be configured"):
            raise Invalid(wrong)
        token = bool(self.alert_source_token or self.alert_source_token_file)
        if wrong := either(self.alert_source_token, self.alert_source_token_file, "alert_source_token"):
            raise Invalid(wrong)
        own = self.http_config
        if own is not None and own.authorization is not None and token:
            raise Invalid(
                "cannot specify alert_source_token or alert_source_token_file when using http_config.authorization"
            )
        if own is not None and own.authorization is None and not token:
            raise Invalid(
                "at least one of alert_source_token, alert_source_token_file or http_config.authorization "
                "must be configured"
            )
        return self

    def inherit(self, base: Global) -> Self:
        return replace(self, http_config=self.http_config or base.http_config)
