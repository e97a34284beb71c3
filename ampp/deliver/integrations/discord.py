"""Discord: an embed with title and message, and text above it, by webhook; the status alone decides."""

from typing import Final

from ampp.config.http import HttpConfig
from ampp.config.receivers.discord import DiscordConfig
from ampp.config.url import UrlError, parse
from ampp.core.alert import Snapshot
from ampp.core.notify import Data, Notify
from ampp.deliver import secret, truncate
from ampp.deliver.apart import apart
from ampp.deliver.body import Body, encode
from ampp.deliver.http import Client, check
from ampp.deliver.message import data
from ampp.deliver.rendering import Rendering
from ampp.deliver.sender import Sender, SendError
from ampp.template.data import FIRING
from ampp.template.renderer import Renderer

__all__ = ["Discord", "build"]

_TITLE: Final = 256
_DESCRIPTION: Final = 4096
_CONTENT: Final = 2000

_RED: Final = 0x992D22
_GREEN: Final = 0x2ECC71


class _Embed(Body, frozen=True, kw_only=True):
    title: str
    description: str
    color: int


class _Message(Body, frozen=True, kw_only=True):
    content: str
    embeds: tuple[_Embed, ...]
    username: str = ""
    avatar_url: str = ""


class Discord:
    """Sends to one Discord webhook. `external_url` is the daemon's own, for templates."""

    def __init__(self, config: DiscordConfig, client: Client, external_url: str, renderer: Renderer) -> None:
        self._config = config
        self._client = client
        self._external_url = external_url
        self._renderer = renderer

    async def send(self, notify: Notify, alerts: tuple[Snapshot, ...]) -> Data:
        """See `Sender.send`. What the log holds as data stays as it is."""
        body = await apart(self._say, notify, alerts)
        check(await self._client.post(await self._address(), body, {"Content-Type": "application/json"}))
        return notify.data

    async def aclose(self) -> None:
        await self._client.aclose()

    async def _address(self) -> str:
        url, file = self._config.webhook_url, self._config.webhook_url_file
        if url is not None:
            return url.reveal()
        try:
            return await self._client.files.read(file)
        except secret.SecretError as error:
            raise SendError(f"read webhook_url_file: {str(error).partition(': ')[2]}", retry=False) from None

    def _say(self, notify: Notify, alerts: tuple[Snapshot, ...]) -> bytes:
        told = data(notify, alerts, self._external_url)
        rendering = Rendering(self._renderer, told)
        title = truncate.shortened(rendering.text(self._config.title), _TITLE, "title", notify)
        description = truncate.shortened(rendering.text(self._config.message), _DESCRIPTION, "message", notify)
        content = truncate.shortened(rendering.text(self._config.content), _CONTENT, "message", notify)
        rendering.check()
        color = _RED if told.status == FIRING else _GREEN
        return encode(
            _Message(
                content=content,
                embeds=(_Embed(title=title, description=description, color=color),),
                username=self._config.username,
                avatar_url=_if_url(self._config.avatar_url),
            )
        )


def _if_url(text: str) -> str:
    """The text if it can be read as a URL, else nothing: a wrong picture is no reason to stay silent."""
    try:
        parse(text)
    except UrlError:
        return ""
    return text


def build(config: DiscordConfig, external_url: str, renderer: Renderer) -> Sender:
    """The sender for one entry of `discord_configs`. Raises `BuildError`."""
    return Discord(config, Client(config.http_config or HttpConfig()), external_url, renderer)
