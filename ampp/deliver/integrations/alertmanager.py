"""Another Alertmanager: the alerts as they are, POSTed to its API v2, which merges what it knows already.

A firing alert is sent with an end in the future (`expire_after`), since the other side would else take it for resolved
after its own resolve_timeout, long before this side tells of it again.
"""

import time
from functools import partial
from typing import Any, Final

import httpx

from ampp.config.http import HttpConfig
from ampp.config.receivers.alertmanager import AlertmanagerConfig
from ampp.core.alert import Snapshot
from ampp.core.notify import Data, Notify
from ampp.core.timestamp import format_rfc3339nano
from ampp.deliver import secret
from ampp.deliver.apart import apart
from ampp.deliver.body import encode
from ampp.deliver.http import Client, check
from ampp.deliver.sender import BuildError, Sender, SendError
from ampp.deliver.timeout import limited
from ampp.template.renderer import Renderer

__all__ = ["Alertmanager", "build"]

_PATH: Final = "/api/v2/alerts"

_MANY: Final = 500
"""Alerts from which on the body is written in a thread, so that nobody else waits for it."""

_AGAIN: Final = (408, 429)
"""Statuses besides 5xx after which the same may succeed later."""


class Alertmanager:
    """Hands alerts on. Several may hold them: the other side knows an alert by its labels."""

    def __init__(self, config: AlertmanagerConfig, client: Client) -> None:
        self._config = config
        self._client = client

    async def send(self, notify: Notify, alerts: tuple[Snapshot, ...]) -> Data:
        """See `Sender.send`. What the log holds as data stays as it is."""
        until = time.time_ns() + self._config.expire_after
        if len(alerts) < _MANY:
            body = _body(alerts, until)
        else:
            body = await apart(_body, alerts, until)
        url = _endpoint(await self._address())
        headers = {"Content-Type": "application/json", "Idempotency-Key": notify.token}
        check(
            await limited("alertmanager", self._config.timeout, partial(self._client.post, url, body, headers)), _AGAIN
        )
        return notify.data

    async def aclose(self) -> None:
        await self._client.aclose()

    async def _address(self) -> str:
        try:
            return await self._client.files.either(self._config.url or "", self._config.url_file)
        except secret.SecretError as error:
            raise SendError(f"read url_file: {str(error).partition(': ')[2]}", retry=False) from None


def _endpoint(address: str) -> str:
    try:
        url = httpx.URL(address)
    except httpx.InvalidURL:
        return address  # which the client refuses in its own words
    path = url.path.rstrip("/")
    return str(url.copy_with(path=path if path.endswith(_PATH) else path + _PATH))


def _body(alerts: tuple[Snapshot, ...], until: int) -> bytes:
    return encode([_posted(alert, until) for alert in alerts])


def _posted(alert: Snapshot, until: int) -> dict[str, Any]:
    posted: dict[str, Any] = {
        "labels": alert.labels,
        "annotations": alert.annotations,
        "startsAt": format_rfc3339nano(alert.starts, alert.starts_off),
        "endsAt": format_rfc3339nano(until) if alert.firing else format_rfc3339nano(alert.ends, alert.ends_off),
    }
    return posted | ({"generatorURL": alert.generator_url} if alert.generator_url else {})


def build(config: AlertmanagerConfig, external_url: str, renderer: Renderer) -> Sender:
    """The sender for one entry of `alertmanager_configs`. Raises `BuildError`, also for sending to oneself."""
    if config.url and _endpoint(config.url.reveal()) == _endpoint(external_url):
        raise BuildError("url is this server's own external URL: alerts would go round in a circle and never end")
    return Alertmanager(config, Client(config.http_config or HttpConfig()))
