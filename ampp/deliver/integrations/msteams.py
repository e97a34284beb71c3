"""Microsoft Teams by connector: a message card, POSTed to the connector's URL."""

from typing import Final

import msgspec

from ampp.config.http import HttpConfig
from ampp.config.receivers.msteams import MsteamsConfig
from ampp.core.alert import Snapshot
from ampp.core.notify import Data, Notify
from ampp.deliver.apart import apart
from ampp.deliver.body import Body, encode
from ampp.deliver.http import Client, check
from ampp.deliver.message import data
from ampp.deliver.rendering import Rendering
from ampp.deliver.secret import address
from ampp.deliver.sender import Sender
from ampp.template.data import FIRING
from ampp.template.renderer import Renderer

__all__ = ["Msteams", "build"]

_RED: Final = "8C1A1A"
_GREEN: Final = "2DC72D"


class _Card(Body, frozen=True, kw_only=True):
    context: str = msgspec.field(name="@context")
    type: str
    title: str
    summary: str
    text: str
    theme_color: str = msgspec.field(name="themeColor")


class Msteams:
    """Sends to one connector. `external_url` is the daemon's own."""

    def __init__(self, config: MsteamsConfig, client: Client, external_url: str, renderer: Renderer) -> None:
        self._config = config
        self._client = client
        self._external_url = external_url
        self._renderer = renderer

    async def send(self, notify: Notify, alerts: tuple[Snapshot, ...]) -> Data:
        """See `Sender.send`. What the log holds as data stays as it is."""
        body = await apart(self._say, notify, alerts)
        url = await address(self._client.files, self._config.webhook_url, self._config.webhook_url_file)
        check(await self._client.post(url, body, {"Content-Type": "application/json"}))
        return notify.data

    async def aclose(self) -> None:
        await self._client.aclose()

    def _say(self, notify: Notify, alerts: tuple[Snapshot, ...]) -> bytes:
        told = data(notify, alerts, self._external_url)
        rendering = Rendering(self._renderer, told)
        title, text, summary = map(rendering.text, (self._config.title, self._config.text, self._config.summary))
        rendering.check()
        return encode(
            _Card(
                context="http://schema.org/extensions",
                type="MessageCard",
                title=title,
                summary=summary,
                text=text,
                theme_color=_RED if told.status == FIRING else _GREEN,
            )
        )


def build(config: MsteamsConfig, external_url: str, renderer: Renderer) -> Sender:
    """The sender for one entry of `msteams_configs`. Raises `BuildError`."""
    return Msteams(config, Client(config.http_config or HttpConfig()), external_url, renderer)
