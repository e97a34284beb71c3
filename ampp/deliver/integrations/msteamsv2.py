"""Microsoft Teams by workflow: an adaptive card, POSTed to the workflow's URL."""

from typing import Final

import msgspec

from ampp.config.http import HttpConfig
from ampp.config.receivers.msteamsv2 import Msteamsv2Config
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

__all__ = ["Msteamsv2", "build"]

_RED: Final = "Attention"
_GREEN: Final = "Good"


class _Block(Body, frozen=True, kw_only=True):
    type: str
    text: str
    weight: str = ""
    size: str = ""
    wrap: bool
    style: str = ""
    color: str = ""


class _Width(Body, frozen=True, kw_only=True):
    width: str


class _Card(Body, frozen=True, kw_only=True):
    schema: str = msgspec.field(name="$schema")
    type: str
    version: str
    body: tuple[_Block, ...]
    msteams: _Width


class _Attachment(Body, frozen=True, kw_only=True, rename="camel"):
    content_type: str
    content_url: None
    content: _Card


class _Message(Body, frozen=True, kw_only=True):
    type: str
    attachments: tuple[_Attachment, ...]


class Msteamsv2:
    """Sends to one workflow. `external_url` is the daemon's own."""

    def __init__(self, config: Msteamsv2Config, client: Client, external_url: str, renderer: Renderer) -> None:
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
        title, text = rendering.text(self._config.title), rendering.text(self._config.text)
        rendering.check()
        return encode(_message(title, text, _RED if told.status == FIRING else _GREEN))


def _message(title: str, text: str, color: str) -> _Message:
    heading = _Block(
        type="TextBlock", text=title, weight="Bolder", size="Medium", wrap=True, style="heading", color=color
    )
    card = _Card(
        schema="http://adaptivecards.io/schemas/adaptive-card.json",
        type="AdaptiveCard",
        version="1.2",
        body=(heading, _Block(type="TextBlock", text=text, wrap=True)),
        msteams=_Width(width="full"),
    )
    kind = "application/vnd.microsoft.card.adaptive"
    return _Message(type="message", attachments=(_Attachment(content_type=kind, content_url=None, content=card),))


def build(config: Msteamsv2Config, external_url: str, renderer: Renderer) -> Sender:
    """The sender for one entry of `msteamsv2_configs`. Raises `BuildError`."""
    return Msteamsv2(config, Client(config.http_config or HttpConfig()), external_url, renderer)
