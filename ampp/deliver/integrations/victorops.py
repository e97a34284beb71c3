"""Splunk On-Call, once VictorOps: an alert POSTed to an address that holds both keys."""

from typing import Final

from msgspec.structs import replace

from ampp.config.http import HttpConfig
from ampp.config.receivers.victorops import VictoropsConfig
from ampp.config.url import Url
from ampp.core.alert import Snapshot
from ampp.core.notify import Data, Notify
from ampp.deliver.apart import apart
from ampp.deliver.body import encode
from ampp.deliver.http import Client, check
from ampp.deliver.message import data, group_hash
from ampp.deliver.rendering import Rendering
from ampp.deliver.secret import SecretError
from ampp.deliver.sender import Sender, SendError
from ampp.deliver.truncate import shortened
from ampp.template import data as model
from ampp.template.renderer import Renderer

__all__ = ["Victorops", "build"]

_STATE_MESSAGE_LIMIT: Final = 20480
"""Code points."""

_FIRING_TYPES: Final = frozenset(("INFO", "WARNING", "CRITICAL"))


class Victorops:
    """Sends to one Splunk On-Call integration. `external_url` is the daemon's own."""

    def __init__(self, config: VictoropsConfig, client: Client, external_url: str, renderer: Renderer) -> None:
        assert isinstance(config.api_url, Url)
        self._config = config
        self._api: Url = config.api_url
        self._client = client
        self._external_url = external_url
        self._renderer = renderer

    async def send(self, notify: Notify, alerts: tuple[Snapshot, ...]) -> Data:
        """See `Sender.send`. What the log holds as data stays as it is."""
        try:
            key = await self._client.files.either(self._config.api_key, self._config.api_key_file)
        except SecretError as error:
            why = str(error).partition(": ")[2]
            raise SendError(f"failed to read API key from file: {why}", retry=False) from None
        url, body = await apart(self._say, notify, alerts, key)
        check(await self._client.post(url, body, {"Content-Type": "application/json"}))
        return notify.data

    async def aclose(self) -> None:
        await self._client.aclose()

    def _say(self, notify: Notify, alerts: tuple[Snapshot, ...], key: str) -> tuple[str, bytes]:
        """Where it goes, and the body."""
        config = self._config
        told = data(notify, alerts, self._external_url)
        addressing = Rendering(self._renderer, told)
        url = replace(self._api, path=f"{self._api.path}{key}/{addressing.text(config.routing_key)}")
        addressing.check("templating error: ")
        rendering = Rendering(self._renderer, told)
        kind = rendering.text(config.message_type)
        if told.status == model.RESOLVED:
            kind = "RECOVERY"
        elif kind not in _FIRING_TYPES:
            kind = "CRITICAL"
        event = {
            "message_type": kind,
            "entity_id": group_hash(notify),
            "state_message": shortened(
                rendering.text(config.state_message), _STATE_MESSAGE_LIMIT, "state_message", notify
            ),
            "entity_display_name": rendering.text(config.entity_display_name),
            "monitoring_tool": rendering.text(config.monitoring_tool),
        }
        event |= {name: rendering.text(text) for name, text in config.custom_fields.items()}
        if rendering.error is not None:
            # As upstream, which tries again though nothing will have changed.
            raise SendError(f"templating error: {rendering.error}", retry=True)
        return str(url), encode(event)


def build(config: VictoropsConfig, external_url: str, renderer: Renderer) -> Sender:
    """The sender for one entry of `victorops_configs`. Raises `BuildError`."""
    return Victorops(config, Client(config.http_config or HttpConfig()), external_url, renderer)
