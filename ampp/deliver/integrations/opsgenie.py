"""Opsgenie: an alert opened, renewed and closed under the name of its group."""

from collections.abc import Iterator
from typing import Final
from urllib.parse import parse_qsl, urlencode

from msgspec.structs import replace

from ampp.config.http import HttpConfig
from ampp.config.receivers.opsgenie import OpsgenieConfig
from ampp.config.url import Url
from ampp.core.alert import Snapshot
from ampp.core.notify import Data, Notify
from ampp.deliver.apart import apart
from ampp.deliver.body import Body, encode
from ampp.deliver.http import Client, check
from ampp.deliver.message import data, group_hash
from ampp.deliver.rendering import Rendering
from ampp.deliver.secret import SecretError
from ampp.deliver.sender import Sender, SendError
from ampp.deliver.truncate import shortened
from ampp.template import data as model
from ampp.template.renderer import Renderer

__all__ = ["Opsgenie", "build"]

_MESSAGE_LIMIT: Final = 130
"""Code points."""


class _Responder(Body, frozen=True, kw_only=True):
    id: str = ""
    name: str = ""
    username: str = ""
    type: str


class _Alert(Body, frozen=True, kw_only=True):
    alias: str
    message: str
    description: str = ""
    details: dict[str, str]
    source: str
    responders: tuple[_Responder, ...] = ()
    tags: tuple[str, ...] = ()
    note: str = ""
    priority: str = ""
    entity: str = ""
    actions: tuple[str, ...] = ()


class _Message(Body, frozen=True, kw_only=True):
    message: str = ""


class _Description(Body, frozen=True, kw_only=True):
    description: str = ""


class _Close(Body, frozen=True, kw_only=True):
    source: str


_Request = tuple[str, str, bytes]
"""Method, address, body."""


class Opsgenie:
    """Sends to one Opsgenie account. `external_url` is the daemon's own."""

    def __init__(self, config: OpsgenieConfig, client: Client, external_url: str, renderer: Renderer) -> None:
        assert isinstance(config.api_url, Url)
        self._config = config
        self._api: Url = config.api_url
        self._client = client
        self._external_url = external_url
        self._renderer = renderer

    async def send(self, notify: Notify, alerts: tuple[Snapshot, ...]) -> Data:
        """See `Sender.send`. What the log holds as data stays as it is.

        With `update_alerts` there are three requests; the first that fails ends the attempt, and the next attempt
        begins anew.
        """
        config = self._config
        try:
            key = await self._client.files.either(config.api_key, config.api_key_file)
        except SecretError as error:
            raise SendError(f"read key_file error: {str(error).partition(': ')[2]}", retry=False) from None
        requests, key = await apart(self._say, notify, alerts, key)
        headers = {"Content-Type": "application/json", "Authorization": f"GenieKey {key}"}
        for method, url, body in requests:
            check(await self._client.request(method, url, body, headers), retry_codes=(429,))
        return notify.data

    async def aclose(self) -> None:
        await self._client.aclose()

    def _say(self, notify: Notify, alerts: tuple[Snapshot, ...], key: str) -> tuple[list[_Request], str]:
        """The requests in order, and the key, which may be a template."""
        told = data(notify, alerts, self._external_url)
        rendering = Rendering(self._renderer, told)
        text = rendering.text
        details = (told.common_labels or {}) | {name: text(value) for name, value in self._config.details.items()}
        alias = group_hash(notify)
        if told.status == model.FIRING:
            requests = list(self._firing(self._alert(notify, details, rendering)))
        else:
            close = _Close(source=text(self._config.source))
            requests = [("POST", self._of_alert(alias, "close"), encode(close))]
        key = text(key)
        if not self._config.api_key:
            key = key.strip()
        rendering.check("templating error: ")
        return requests, key

    def _alert(self, notify: Notify, details: dict[str, str], rendering: Rendering) -> _Alert:
        config, text = self._config, rendering.text
        message = shortened(text(config.message), _MESSAGE_LIMIT, "message", notify)
        responders = tuple(self._responders(rendering))
        return _Alert(
            alias=group_hash(notify),
            message=message,
            description=text(config.description),
            details=details,
            source=text(config.source),
            responders=responders,
            tags=_split(text(config.tags)),
            note=text(config.note),
            priority=text(config.priority),
            entity=text(config.entity),
            actions=_split(text(config.actions)),
        )

    def _responders(self, rendering: Rendering) -> Iterator[_Responder]:
        """Those that come to something. Upstream also runs the names of teams as templates, once they are rendered:
        a label could then take the whole message down.
        """
        text = rendering.text
        for one in self._config.responders:
            responder = _Responder(
                id=text(one.id), name=text(one.name), username=text(one.username), type=text(one.type)
            )
            if responder.type == "teams":
                for team in _split(responder.name):
                    yield _Responder(name=team, type="team")
            elif responder.id or responder.name or responder.username or responder.type:
                yield responder

    def _firing(self, alert: _Alert) -> Iterator[_Request]:
        yield "POST", str(replace(self._api, path=self._api.path + "v2/alerts")), encode(alert)
        if self._config.update_alerts:
            message, description = _Message(message=alert.message), _Description(description=alert.description)
            yield "PUT", self._of_alert(alert.alias, "message"), encode(message)
            yield "PUT", self._of_alert(alert.alias, "description"), encode(description)

    def _of_alert(self, alias: str, part: str) -> str:
        """Where something is done to an existing alert."""
        query = dict(parse_qsl(self._api.query, keep_blank_values=True)) | {"identifierType": "alias"}
        path = f"{self._api.path}v2/alerts/{alias}/{part}"
        return str(replace(self._api, path=path, query=urlencode(sorted(query.items()))))


def _split(text: str) -> tuple[str, ...]:
    """What stands between commas, where anything does; only the whole is trimmed."""
    return tuple(filter(None, text.strip().split(",")))


def build(config: OpsgenieConfig, external_url: str, renderer: Renderer) -> Sender:
    """The sender for one entry of `opsgenie_configs`. Raises `BuildError`."""
    return Opsgenie(config, Client(config.http_config or HttpConfig()), external_url, renderer)
