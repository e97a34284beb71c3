"""`victorops_configs`: an alert in Splunk On-Call."""

from typing import Annotated, ClassVar, Final, Self

from msgspec.structs import replace

from ampp.config.address import WebUrl
from ampp.config.error import Invalid
from ampp.config.globals import Global
from ampp.config.kind import SecretText, Text, TextMap
from ampp.config.receivers.entry import HttpEntry, either, template
from ampp.config.secret import Secret
from ampp.config.section import KEEP

__all__ = ["VictoropsConfig"]

_FIXED: Final = (
    "routing_key",
    "message_type",
    "state_message",
    "entity_display_name",
    "monitoring_tool",
    "entity_id",
    "entity_state",
)


class VictoropsConfig(HttpEntry, frozen=True, kw_only=True):
    """`api_url` ends in a slash after inheriting."""

    type: ClassVar[str] = "victorops"

    api_key: SecretText = Secret()
    api_key_file: Text = ""
    api_url: Annotated[WebUrl, KEEP] = None
    routing_key: Annotated[Text, KEEP] = ""
    message_type: Annotated[Text, KEEP] = "CRITICAL"
    state_message: Annotated[Text, KEEP] = template("victorops.default.state_message")
    entity_display_name: Annotated[Text, KEEP] = template("victorops.default.entity_display_name")
    monitoring_tool: Annotated[Text, KEEP] = template("victorops.default.monitoring_tool")
    custom_fields: TextMap = {}

    def settle(self) -> Self:
        if not self.routing_key:
            raise Invalid("missing Routing key in VictorOps config")
        if wrong := either(self.api_key, self.api_key_file, "api_key"):
            raise Invalid(wrong, field="api_key_file")
        for name in _FIXED:
            if name in self.custom_fields:
                raise Invalid(
                    f"victorOps config contains custom field {name} which cannot be used as it conflicts with the "
                    "fixed/static fields",
                    field="custom_fields",
                )
        return self

    def inherit(self, base: Global) -> Self:
        url = self.api_url or base.victorops_api_url
        if url is None:
            raise Invalid("no global VictorOps URL set")
        key, key_file = self.api_key or base.victorops_api_key, self.api_key_file or base.victorops_api_key_file
        if not key and not key_file:
            raise Invalid("no global VictorOps API Key set")
        return replace(
            self,
            http_config=self.http_config or base.http_config,
            api_url=url.with_slash(),
            api_key=key,
            api_key_file=key_file,
        )
