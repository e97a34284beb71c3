"""`mattermost_configs`: a message by Mattermost webhook."""

from typing import Annotated, ClassVar, Self

from msgspec.structs import replace

from ampp.config.address import SecretUrl
from ampp.config.error import Invalid
from ampp.config.globals import Global
from ampp.config.kind import Flag, FlagOrNone, Text
from ampp.config.receivers.entry import HttpEntry, template
from ampp.config.section import Section, Sections, Struct

__all__ = [
    "MattermostAttachment",
    "MattermostConfig",
    "MattermostField",
    "MattermostPriority",
    "MattermostProps",
]


class MattermostPriority(Section, frozen=True, kw_only=True):
    """How urgent the message is, and whether readers must acknowledge it."""

    go: ClassVar[str] = "mattermost.MattermostPriority"
    custom: ClassVar[bool] = False

    priority: Text = ""
    requested_ack: Flag = False
    persistent_notifications: Flag = False


class MattermostProps(Section, frozen=True, kw_only=True):
    """Extra properties of the message."""

    go: ClassVar[str] = "mattermost.MattermostProps"
    custom: ClassVar[bool] = False

    card: Text = ""


class MattermostField(Section, frozen=True, kw_only=True):
    """A cell of an attachment's table."""

    go: ClassVar[str] = "mattermost.plain"

    title: Text = ""
    value: Text = ""
    short: FlagOrNone = None

    def settle(self) -> Self:
        if not self.title:
            raise Invalid("missing title in Mattermost field configuration")
        if not self.value:
            raise Invalid("missing value in Mattermost field configuration")
        return self


_FIELDS = Sections(MattermostField, "[]*mattermost.MattermostField", solid=True)


class MattermostAttachment(Section, frozen=True, kw_only=True):
    """One attachment; without any, the entry's own fields make one."""

    go: ClassVar[str] = "mattermost.MattermostAttachment"
    custom: ClassVar[bool] = False

    fallback: Text = ""
    color: Text = ""
    pretext: Text = ""
    text: Text = ""
    author_name: Text = ""
    author_link: Text = ""
    author_icon: Text = ""
    title: Text = ""
    title_link: Text = ""
    fields: Annotated[tuple[MattermostField, ...], _FIELDS] = ()
    thumb_url: Text = ""
    footer: Text = ""
    footer_icon: Text = ""
    image_url: Text = ""


class MattermostConfig(HttpEntry, frozen=True, kw_only=True):
    """A message with attachments."""

    go: ClassVar[str] = "mattermost.plain"
    type: ClassVar[str] = "mattermost"

    webhook_url: SecretUrl = None
    webhook_url_file: Text = ""
    channel: Text = ""
    username: Text = template("mattermost.default.username")
    text: Text = template("mattermost.default.text")
    fallback: Text = template("mattermost.default.fallback")
    color: Text = template("mattermost.default.color")
    pretext: Text = ""
    author_name: Text = ""
    author_link: Text = ""
    author_icon: Text = ""
    title: Text = template("mattermost.default.title")
    title_link: Text = template("mattermost.default.titlelink")
    fields: Annotated[tuple[MattermostField, ...], _FIELDS] = ()
    thumb_url: Text = ""
    footer: Text = ""
    footer_icon: Text = ""
    image_url: Text = ""
    icon_url: Text = ""
    icon_emoji: Text = ""
    attachments: Annotated[
        tuple[MattermostAttachment, ...],
        Sections(MattermostAttachment, "[]*mattermost.MattermostAttachment", solid=True),
    ] = ()
    type_: Text = ""
    props: Annotated[MattermostProps | None, Struct(MattermostProps)] = None
    priority: Annotated[MattermostPriority | None, Struct(MattermostPriority)] = None

    def settle(self) -> Self:
        if self.webhook_url is not None and self.webhook_url_file:
            raise Invalid("at most one of webhook_url & webhook_url_file must be configured", field="webhook_url_file")
        return self

    def inherit(self, base: Global) -> Self:
        url, url_file = self.webhook_url, self.webhook_url_file
        if url is None and not url_file:
            url, url_file = base.mattermost_webhook_url, base.mattermost_webhook_url_file
            if url is None and not url_file:
                raise Invalid("missing webhook_url or webhook_url_file on mattermost_config")
        return replace(
            self, http_config=self.http_config or base.http_config, webhook_url=url, webhook_url_file=url_file
        )
