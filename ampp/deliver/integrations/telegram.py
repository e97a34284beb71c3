"""Telegram: a message from a bot to a chat. What the bot server says in JSON decides, not the HTTP status."""

import re
from typing import Final

import msgspec

from ampp.config.http import HttpConfig
from ampp.config.receivers.telegram import TelegramConfig
from ampp.core.alert import Snapshot
from ampp.core.notify import Data, Notify
from ampp.core.quote import go_quote
from ampp.deliver import reply, truncate
from ampp.deliver.apart import apart
from ampp.deliver.body import encode
from ampp.deliver.http import Client
from ampp.deliver.message import data
from ampp.deliver.rendering import Rendering
from ampp.deliver.secret import SecretError
from ampp.deliver.sender import Sender, SendError, status_reason
from ampp.template.renderer import Renderer

__all__ = ["Telegram", "build"]

_LIMIT: Final = 4096
"""Characters that a message may have."""

_TOO_LONG: Final = (
    "Alertmanager notification could not be sent: message length exceeds Telegram limits.\n"
    "\t\t\tPlease check the template used for producing the message content."
)
"""Told in the place of html, which cannot be cut anywhere; to the byte as upstream."""

_HEADERS: Final = {"Content-Type": "application/json", "User-Agent": "Go-http-client/1.1"}
"""As upstream's bot library, which does not say who it is."""


class _Reply(msgspec.Struct):
    ok: bool = False
    error_code: int = 0
    description: str = ""


class Telegram:
    """Sends to one chat. `external_url` is the daemon's own."""

    def __init__(self, config: TelegramConfig, client: Client, external_url: str, renderer: Renderer) -> None:
        self._config = config
        self._client = client
        self._external_url = external_url
        self._renderer = renderer

    async def send(self, notify: Notify, alerts: tuple[Snapshot, ...]) -> Data:
        """See `Sender.send`. What the log holds as data stays as it is. Whatever Telegram answers is tried again."""
        config = self._config
        text = await apart(self._say, notify, alerts)
        token = await self._token()
        says = {"chat_id": await self._chat(), "text": text, "disable_web_page_preview": "true"}
        if config.disable_notifications:
            says["disable_notification"] = "true"
        if config.message_thread_id:
            says["message_thread_id"] = str(config.message_thread_id)
        if config.parse_mode:
            says["parse_mode"] = config.parse_mode
        url = f"{config.api_url}/bot{token}/sendMessage"
        said = reply.read(await self._client.post(url, encode(says), _HEADERS, decisive=True), _Reply)
        if not said.ok:
            why = f"telegram: {said.description} ({said.error_code})"
            raise SendError(why, retry=True, reason=status_reason(said.error_code))
        return notify.data

    async def aclose(self) -> None:
        await self._client.aclose()

    def _say(self, notify: Notify, alerts: tuple[Snapshot, ...]) -> str:
        rendering = Rendering(self._renderer, data(notify, alerts, self._external_url))
        html = self._config.parse_mode == "HTML"
        text = rendering.html(self._config.message) if html else rendering.text(self._config.message)
        rendering.check()
        if html:
            return text if len(text) <= _LIMIT else _TOO_LONG
        return truncate.shortened(text, _LIMIT, "message", notify)

    async def _token(self) -> str:
        return await self._read(self._config.bot_token_file) or self._config.bot_token.reveal()

    async def _chat(self) -> str:
        path = self._config.chat_id_file
        if not path:
            return str(self._config.chat_id)
        text = await self._read(path)
        if not re.fullmatch(r"[+-]?[0-9]+", text):
            why = "invalid syntax"
        elif not -(2**63) <= int(text) < 2**63:
            why = "value out of range"
        else:
            return str(int(text))
        raise SendError(
            f"could not parse chat_id from {path}: strconv.ParseInt: parsing {go_quote(text)}: {why}", retry=True
        )

    async def _read(self, path: str) -> str:
        try:
            return await self._client.files.either("", path)
        except SecretError as error:
            why = str(error).partition(": ")[2]
            raise SendError(f"could not read {path}: {why}", retry=True) from None


def build(config: TelegramConfig, external_url: str, renderer: Renderer) -> Sender:
    """The sender for one entry of `telegram_configs`. Raises `BuildError`."""
    return Telegram(config, Client(config.http_config or HttpConfig()), external_url, renderer)
