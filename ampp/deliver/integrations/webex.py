"""Webex: a message in markdown to a room."""

from typing import Final

from ampp.config.http import HttpConfig
from ampp.config.receivers.webex import WebexConfig
from ampp.core.alert import Snapshot
from ampp.core.notify import Data, Notify
from ampp.deliver import truncate
from ampp.deliver.apart import apart
from ampp.deliver.body import Body, encode
from ampp.deliver.http import Client, check
from ampp.deliver.message import data
from ampp.deliver.rendering import Rendering
from ampp.deliver.sender import Sender
from ampp.observe.log import Logger
from ampp.template.renderer import Renderer

__all__ = ["Webex", "build"]

_log: Final = Logger("dispatcher")

_LIMIT: Final = 7439
"""Bytes that a message may have."""


class _Message(Body, frozen=True, kw_only=True, rename="camel"):
    markdown: str
    room_id: str = ""


class Webex:
    """Sends to one room. `external_url` is the daemon's own."""

    def __init__(self, config: WebexConfig, client: Client, external_url: str, renderer: Renderer) -> None:
        self._config = config
        self._client = client
        self._external_url = external_url
        self._renderer = renderer

    async def send(self, notify: Notify, alerts: tuple[Snapshot, ...]) -> Data:
        """See `Sender.send`. What the log holds as data stays as it is."""
        body = await apart(self._say, notify, alerts)
        check(await self._client.post(str(self._config.api_url), body, {"Content-Type": "application/json"}))
        return notify.data

    async def aclose(self) -> None:
        await self._client.aclose()

    def _say(self, notify: Notify, alerts: tuple[Snapshot, ...]) -> bytes:
        rendering = Rendering(self._renderer, data(notify, alerts, self._external_url))
        message = rendering.text(self._config.message)
        rendering.check()
        # As upstream, a room that cannot be rendered is left out, and the answer will say so.
        room = rendering.text(self._config.room_id)
        cut = truncate.octets(message, _LIMIT)
        if cut != message:
            _log.debug("message truncated due to exceeding maximum allowed length by webex", truncated_message=cut)
        return encode(_Message(markdown=cut, room_id=room))


def build(config: WebexConfig, external_url: str, renderer: Renderer) -> Sender:
    """The sender for one entry of `webex_configs`. Raises `BuildError`."""
    return Webex(config, Client(config.http_config or HttpConfig()), external_url, renderer)
