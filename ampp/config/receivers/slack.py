"""`slack_configs`: a message with one attachment, by incoming webhook or by app token."""

from typing import Annotated, ClassVar, Self

from msgspec.structs import replace

from ampp.config.address import SecretUrl, WebUrl
from ampp.config.error import Invalid
from ampp.config.globals import Global
from ampp.config.http import Authorization, HttpConfig
from ampp.config.kind import Flag, FlagOrNone, GoDuration, SecretText, Strings, Text
from ampp.config.receivers.entry import HttpEntry, template
from ampp.config.secret import Secret
from ampp.config.section import KEEP, Section, Sections, Struct

__all__ = ["SlackAction", "SlackConfig", "SlackConfirmation", "SlackField"]

_UPDATABLE = "https://slack.com/api/chat.postMessage"


class SlackConfirmation(Section, frozen=True, kw_only=True):
    """The question asked before an action."""

    text: Text = ""
    title: Text = ""
    ok_text: Text = ""
    dismiss_text: Text = ""

    def settle(self) -> Self:
        if not self.text:
            raise Invalid("missing text in Slack confirmation configuration")
        return self


class SlackAction(Section, frozen=True, kw_only=True):
    """A button: with a `url` a link, else a named message action."""

    type: Text = ""
    text: Text = ""
    url: Text = ""
    style: Text = ""
    name: Text = ""
    value: Text = ""
    confirm: Annotated[SlackConfirmation | None, Struct(SlackConfirmation, outer="*config.SlackConfirmationField")] = (
        None
    )

    def settle(self) -> Self:
        if not self.type:
            raise Invalid("missing type in Slack action configuration")
        if not self.text:
            raise Invalid("missing text in Slack action configuration")
        if self.url:
            return replace(self, name="", value="", confirm=None)
        if not self.name:
            raise Invalid("missing name or url in Slack action configuration")
        return self


class SlackField(Section, frozen=True, kw_only=True):
    """A cell of the attachment's table; `short` None: as the entry's `short_fields` says."""

    title: Text = ""
    value: Text = ""
    short: FlagOrNone = None

    def settle(self) -> Self:
        if not self.title:
            raise Invalid("missing title in Slack field configuration")
        if not self.value:
            raise Invalid("missing value in Slack field configuration")
        return self


class SlackConfig(HttpEntry, frozen=True, kw_only=True):
    """After inheriting, `api_url` is where to post (the app URL when a token is used, sent by `http_config`).

    Upstream does not know `blocks`: lay the message out with Block Kit, and `thread`: answer the group's first message.
    """

    type: ClassVar[str] = "slack"

    send_resolved: Annotated[Flag, KEEP] = False
    api_url: SecretUrl = None
    api_url_file: Text = ""
    app_token: SecretText = Secret()
    app_token_file: Text = ""
    app_url: WebUrl = None
    channel: Text = ""
    username: Text = template("slack.default.username")
    color: Text = template("slack.default.color")
    title: Text = template("slack.default.title")
    title_link: Text = template("slack.default.titlelink")
    pretext: Text = template("slack.default.pretext")
    text: Text = template("slack.default.text")
    message_text: Text = ""
    fields: Annotated[tuple[SlackField, ...], Sections(SlackField, "[]*config.SlackField", solid=True)] = ()
    short_fields: Annotated[Flag, KEEP] = False
    footer: Text = template("slack.default.footer")
    fallback: Text = template("slack.default.fallback")
    callback_id: Text = template("slack.default.callbackid")
    icon_emoji: Text = template("slack.default.iconemoji")
    icon_url: Text = template("slack.default.iconurl")
    image_url: Text = ""
    thumb_url: Text = ""
    link_names: Annotated[Flag, KEEP] = False
    mrkdwn_in: Strings = ()
    actions: Annotated[tuple[SlackAction, ...], Sections(SlackAction, "[]*config.SlackAction", solid=True)] = ()
    update_message: Annotated[Flag, KEEP] = False
    timeout: Annotated[GoDuration, KEEP] = 0
    blocks: Flag = False
    thread: Flag = False

    def settle(self) -> Self:
        if self.api_url is not None and self.api_url_file:
            raise Invalid("at most one of api_url & api_url_file must be configured", field="api_url_file")
        if self.app_token and self.app_token_file:
            raise Invalid("at most one of app_token & app_token_file must be configured", field="app_token_file")
        if (self.api_url is not None or self.api_url_file) and (self.app_token or self.app_token_file):
            raise Invalid("at most one of api_url/api_url_file & app_token/app_token_file must be configured")
        if self.update_message and (self.api_url is None or self.api_url.reveal() != _UPDATABLE):
            raise Invalid(
                f"update_message can only be used with bot tokens. api_url must be set to {_UPDATABLE}",
                field="update_message",
            )
        if self.update_message and self.thread:
            raise Invalid("at most one of update_message & thread must be configured", field="thread")
        return self

    def inherit(self, base: Global) -> Self:
        app_url = self.app_url or base.slack_app_url
        if app_url is None:
            raise Invalid("no global Slack App URL set")
        own = self.http_config
        token, token_file = self.app_token, self.app_token_file
        if not token and not token_file and (own is None or own.authorization is None) and self.api_url is None:
            token, token_file = base.slack_app_token, base.slack_app_token_file
        api_url, api_url_file = self.api_url, self.api_url_file
        if api_url is None and not api_url_file:
            api_url, api_url_file = base.slack_api_url, base.slack_api_url_file
        if api_url is None and not api_url_file and not token and not token_file:
            raise Invalid(
                "no Slack API URL nor App token set either inline or in a file",
                hint="set api_url or app_token here, or slack_api_url or slack_app_token in global",
            )
        by_bot = bool(token or token_file) or (api_url is not None and api_url.reveal() == _UPDATABLE)
        if self.thread and not by_bot:
            raise Invalid(
                f"thread can only be used with bot tokens: set app_token, or api_url to {_UPDATABLE}",
                field="thread",
                hint="an incoming webhook does not say where its message went, so nothing can answer it",
            )
        http = own or base.http_config
        if token or token_file:
            http = http or HttpConfig()
            if http.authorization is not None:
                raise Invalid("http authorization can't be set when using Slack App tokens", field="http_config")
            bearer = Authorization(type="Bearer", credentials=token, credentials_file=token_file)
            http, api_url = replace(http, authorization=bearer), Secret(str(app_url))
        return replace(
            self,
            http_config=http,
            app_url=app_url,
            app_token=token,
            app_token_file=token_file,
            api_url=api_url,
            api_url_file=api_url_file,
        )
