"""`rocketchat_configs`: a message in Rocket.Chat."""

from typing import Annotated, ClassVar, Self

from msgspec.structs import replace

from ampp.config.address import WebUrl
from ampp.config.error import Invalid
from ampp.config.globals import Global
from ampp.config.kind import Flag, FlagOrNone, SecretTextOrNone, Text
from ampp.config.receivers.entry import HttpEntry, template
from ampp.config.section import KEEP, Section, Sections

__all__ = ["RocketchatAction", "RocketchatConfig", "RocketchatField"]


class RocketchatField(Section, frozen=True, kw_only=True):
    """A cell of the attachment's table; `short` None: as the entry's `short_fields` says."""

    go: ClassVar[str] = "rocketchat.RocketchatAttachmentField"
    custom: ClassVar[bool] = False

    short: Annotated[FlagOrNone, KEEP] = None
    title: Annotated[Text, KEEP] = ""
    value: Annotated[Text, KEEP] = ""


class RocketchatAction(Section, frozen=True, kw_only=True):
    """A button. Upstream names no keys for these fields, so that they are the Go names in lower case."""

    go: ClassVar[str] = "rocketchat.RocketchatAttachmentAction"
    custom: ClassVar[bool] = False

    type: Annotated[Text, KEEP] = ""
    text: Annotated[Text, KEEP] = ""
    url: Annotated[Text, KEEP] = ""
    imageurl: Annotated[Text, KEEP] = ""
    iswebview: Annotated[Flag, KEEP] = False
    webviewheightratio: Annotated[Text, KEEP] = ""
    msg: Annotated[Text, KEEP] = ""
    msginchatwindow: Annotated[Flag, KEEP] = False
    msgprocessingtype: Annotated[Text, KEEP] = ""


class RocketchatConfig(HttpEntry, frozen=True, kw_only=True):
    """A message with one attachment."""

    go: ClassVar[str] = "rocketchat.plain"
    type: ClassVar[str] = "rocketchat"

    send_resolved: Annotated[Flag, KEEP] = False
    api_url: WebUrl = None
    token_id: SecretTextOrNone = None
    token_id_file: Text = ""
    token: SecretTextOrNone = None
    token_file: Text = ""
    channel: Text = ""
    color: Text = '{{ if eq .Status "firing" }}red{{ else }}green{{ end }}'
    title: Text = template("rocketchat.default.title")
    title_link: Text = template("rocketchat.default.titlelink")
    text: Text = template("rocketchat.default.text")
    fields: Annotated[
        tuple[RocketchatField, ...],
        Sections(RocketchatField, "[]*rocketchat.RocketchatAttachmentField", solid=True),
    ] = ()
    short_fields: Annotated[Flag, KEEP] = False
    emoji: Text = template("rocketchat.default.emoji")
    icon_url: Text = template("rocketchat.default.iconurl")
    image_url: Text = ""
    thumb_url: Text = ""
    link_names: Annotated[Flag, KEEP] = False
    actions: Annotated[
        tuple[RocketchatAction, ...],
        Sections(RocketchatAction, "[]*rocketchat.RocketchatAttachmentAction", solid=True),
    ] = ()

    def settle(self) -> Self:
        if self.token is not None and self.token_file:
            raise Invalid("at most one of token & token_file must be configured", field="token_file")
        if self.token_id is not None and self.token_id_file:
            raise Invalid("at most one of token_id & token_id_file must be configured", field="token_id_file")
        return self

    def inherit(self, base: Global) -> Self:
        token_id = base.rocketchat_token_id if self.token_id is None else self.token_id
        token_id_file = self.token_id_file or base.rocketchat_token_id_file
        if token_id is None and not token_id_file:
            raise Invalid("no global Rocketchat TokenID set either inline or in a file")
        token = base.rocketchat_token if self.token is None else self.token
        token_file = self.token_file or base.rocketchat_token_file
        if token is None and not token_file:
            raise Invalid("no global Rocketchat Token set either inline or in a file")
        return replace(
            self,
            http_config=self.http_config or base.http_config,
            api_url=self.api_url or base.rocketchat_api_url,
            token_id=token_id,
            token_id_file=token_id_file,
            token=token,
            token_file=token_file,
        )
