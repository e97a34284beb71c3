"""Pushover: a push message to phones. All of it travels in the query of the address."""

from typing import Final
from urllib.parse import quote_plus

from ampp.config.http import HttpConfig
from ampp.config.receivers.pushover import PushoverConfig
from ampp.config.secret import Secret
from ampp.core.alert import Snapshot
from ampp.core.clock import SECOND
from ampp.core.notify import Data, Notify
from ampp.deliver import truncate
from ampp.deliver.apart import apart
from ampp.deliver.http import Client, check
from ampp.deliver.message import data
from ampp.deliver.rendering import Rendering
from ampp.deliver.secret import SecretError
from ampp.deliver.sender import Sender, SendError
from ampp.template.function import trim_space
from ampp.template.renderer import Renderer

__all__ = ["Pushover", "build"]

_ADDRESS: Final = "https://api.pushover.net/1/messages.json"
_TITLE_LIMIT: Final = 250
_MESSAGE_LIMIT: Final = 1024
_URL_LIMIT: Final = 512
"""Characters, as https://pushover.net/api#limits has them."""


class Pushover:
    """Sends to one user or group of users. `external_url` is the daemon's own; `address` is where Pushover listens."""

    def __init__(
        self,
        config: PushoverConfig,
        client: Client,
        external_url: str,
        renderer: Renderer,
        address: str = _ADDRESS,
    ) -> None:
        self._config = config
        self._client = client
        self._external_url = external_url
        self._renderer = renderer
        self._address = address

    async def send(self, notify: Notify, alerts: tuple[Snapshot, ...]) -> Data:
        """See `Sender.send`. What the log holds as data stays as it is."""
        config = self._config
        token = await self._secret(config.token, config.token_file, "token_file")
        user = await self._secret(config.user_key, config.user_key_file, "user_key_file")
        query = await apart(self._say, notify, alerts, token, user)
        check(await self._client.post(f"{self._address}?{query}", b"", {"Content-Type": "text/plain"}))
        return notify.data

    async def aclose(self) -> None:
        await self._client.aclose()

    async def _secret(self, value: Secret, path: str, key: str) -> str:
        try:
            return value.reveal() or await self._client.files.untrimmed(path)
        except SecretError as error:
            raise SendError(f"read {key}: {str(error).partition(': ')[2]}", retry=False) from None

    def _say(self, notify: Notify, alerts: tuple[Snapshot, ...], token: str, user: str) -> str:
        config = self._config
        rendering = Rendering(self._renderer, data(notify, alerts, self._external_url))
        text = rendering.text
        says = {
            "token": text(token),
            "user": text(user),
            "title": truncate.shortened(text(config.title), _TITLE_LIMIT, "title", notify),
        }
        message = rendering.html(config.message) if config.html else text(config.message)
        # Pushover refuses empty messages.
        says["message"] = trim_space(truncate.shortened(message, _MESSAGE_LIMIT, "message", notify)) or "(no details)"
        says |= {
            "url": truncate.shortened(text(config.url), _URL_LIMIT, "URL", notify),
            "url_title": text(config.url_title),
            "priority": text(config.priority),
            "retry": str(config.retry // SECOND),
            "expire": str(config.expire // SECOND),
            "device": text(config.device),
            "sound": text(config.sound),
        }
        if config.html:
            says["html"] = "1"
        if config.monospace:
            says["monospace"] = "1"
        if config.ttl >= SECOND:
            says["ttl"] = str(config.ttl // SECOND)
        rendering.check()
        return "&".join(f"{name}={quote_plus(says[name], errors='surrogateescape')}" for name in sorted(says))


def build(config: PushoverConfig, external_url: str, renderer: Renderer) -> Sender:
    """The sender for one entry of `pushover_configs`. Raises `BuildError`."""
    return Pushover(config, Client(config.http_config or HttpConfig()), external_url, renderer)
