"""`wechat_configs`: a message to WeChat Work."""

from typing import Annotated, ClassVar, Self

from msgspec.structs import replace

from ampp.config.address import WebUrl
from ampp.config.error import Invalid
from ampp.config.globals import Global
from ampp.config.kind import Flag, SecretText, Text
from ampp.config.receivers.entry import HttpEntry, either, template
from ampp.config.secret import Secret
from ampp.config.section import KEEP
from ampp.core.quote import go_quote

__all__ = ["WechatConfig"]


class WechatConfig(HttpEntry, frozen=True, kw_only=True):
    """`message_type` is `text` or `markdown`; `api_url` ends in a slash after inheriting."""

    type: ClassVar[str] = "wechat"

    send_resolved: Annotated[Flag, KEEP] = False
    api_secret: SecretText = Secret()
    api_secret_file: Text = ""
    corp_id: Text = ""
    message: Text = template("wechat.default.message")
    api_url: WebUrl = None
    to_user: Text = template("wechat.default.to_user")
    to_party: Text = template("wechat.default.to_party")
    to_tag: Text = template("wechat.default.to_tag")
    agent_id: Text = template("wechat.default.agent_id")
    message_type: Text = ""

    def settle(self) -> Self:
        kind = self.message_type or "text"
        if kind not in ("text", "markdown"):
            raise Invalid(
                f"weChat message type {go_quote(kind)} does not match valid options ^(text|markdown)$",
                field="message_type",
            )
        if wrong := either(self.api_secret, self.api_secret_file, "api_secret"):
            raise Invalid(wrong, field="api_secret_file")
        return replace(self, message_type=kind)

    def inherit(self, base: Global) -> Self:
        url = self.api_url or base.wechat_api_url
        if url is None:
            raise Invalid("no global Wechat URL set")
        secret, secret_file = self.api_secret, self.api_secret_file
        if not secret and not secret_file:
            secret, secret_file = base.wechat_api_secret, base.wechat_api_secret_file
            if not secret and not secret_file:
                raise Invalid("no global Wechat Api Secret set either inline or in a file")
        corp_id = self.corp_id or base.wechat_api_corp_id
        if not corp_id:
            raise Invalid("no global Wechat CorpID set")
        return replace(
            self,
            http_config=self.http_config or base.http_config,
            api_url=url.with_slash(),
            api_secret=secret,
            api_secret_file=secret_file,
            corp_id=corp_id,
        )
