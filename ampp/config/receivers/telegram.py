"""`telegram_configs`: a message from a Telegram bot."""

from typing import Annotated, ClassVar, Self

from msgspec.structs import replace

from ampp.config.address import WebUrl
from ampp.config.error import Invalid
from ampp.config.globals import Global
from ampp.config.kind import Flag, Integer, Integer64, SecretText, Text
from ampp.config.receivers.entry import HttpEntry, either, template
from ampp.config.secret import Secret
from ampp.config.section import KEEP

__all__ = ["TelegramConfig"]


class TelegramConfig(HttpEntry, frozen=True, kw_only=True):
    """`chat_id` 0 means that it stands in `chat_id_file`."""

    go: ClassVar[str] = "telegram.plain"
    type: ClassVar[str] = "telegram"

    api_url: Annotated[WebUrl, KEEP] = None
    bot_token: SecretText = Secret()
    bot_token_file: Text = ""
    chat_id: Integer64 = 0
    chat_id_file: Text = ""
    message_thread_id: Integer = 0
    message: Text = template("telegram.default.message")
    disable_notifications: Flag = False
    parse_mode: Text = "HTML"

    def settle(self) -> Self:
        if wrong := either(self.bot_token, self.bot_token_file, "bot_token"):
            raise Invalid(wrong, field="bot_token_file")
        missing = "missing chat_id or chat_id_file on telegram_config"
        if wrong := either(self.chat_id, self.chat_id_file, "chat_id", missing):
            raise Invalid(wrong)
        if self.parse_mode not in ("", "Markdown", "MarkdownV2", "HTML"):
            raise Invalid(
                "unknown parse_mode on telegram_config, must be Markdown, MarkdownV2, HTML or empty string",
                field="parse_mode",
            )
        return self

    def inherit(self, base: Global) -> Self:
        token, token_file = self.bot_token, self.bot_token_file
        if not token and not token_file:
            token, token_file = base.telegram_bot_token, base.telegram_bot_token_file
            if not token and not token_file:
                raise Invalid("missing bot_token or bot_token_file on telegram_config")
        return replace(
            self,
            http_config=self.http_config or base.http_config,
            api_url=self.api_url or base.telegram_api_url,
            bot_token=token,
            bot_token_file=token_file,
        )
