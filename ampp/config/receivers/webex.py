"""`webex_configs`: a message in a Webex room."""

from typing import Annotated, ClassVar, Self

from msgspec.structs import replace

from ampp.config.address import WebUrl
from ampp.config.error import Invalid
from ampp.config.globals import Global
from ampp.config.kind import Text
from ampp.config.receivers.entry import HttpEntry, template
from ampp.config.section import KEEP

__all__ = ["WebexConfig"]


class WebexConfig(HttpEntry, frozen=True, kw_only=True):
    """The bot's token stands in the entry's own `http_config.authorization`."""

    type: ClassVar[str] = "webex"

    api_url: WebUrl = None
    message: Text = template("webex.default.message")
    room_id: Annotated[Text, KEEP] = ""

    def settle(self) -> Self:
        if not self.room_id:
            raise Invalid("missing room_id on webex_config")
        if self.http_config is None or self.http_config.authorization is None:
            raise Invalid(
                "missing webex_configs.http_config.authorization",
                hint="write http_config: {authorization: {credentials: <token>}} in this entry",
            )
        return self

    def inherit(self, base: Global) -> Self:
        url = self.api_url or base.webex_api_url
        if url is None:
            raise Invalid("no global Webex URL set")
        return replace(self, http_config=self.http_config or base.http_config, api_url=url)
