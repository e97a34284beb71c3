"""incident.io: the webhook's message, POSTed to an alert source; too large a one keeps its first alert alone."""

from functools import partial
from typing import Final

import msgspec
from msgspec.structs import replace

from ampp.config.http import Authorization, HttpConfig
from ampp.config.receivers.incidentio import IncidentioConfig
from ampp.config.secret import Secret
from ampp.core.alert import Snapshot
from ampp.core.notify import Data, Notify
from ampp.deliver import secret
from ampp.deliver.apart import apart
from ampp.deliver.http import Answer, Client, check
from ampp.deliver.message import encode, message
from ampp.deliver.reply import first
from ampp.deliver.sender import BuildError, Sender, SendError, about
from ampp.deliver.timeout import limited
from ampp.observe.log import Logger
from ampp.template.renderer import Renderer

__all__ = ["Incidentio", "build"]

_log: Final = Logger("dispatcher")

_SIZE_LIMIT: Final = 512 * 1024
"""Bytes that incident.io takes. What is still larger with one alert is sent all the same, as upstream does."""


class _Complaint(msgspec.Struct):
    message: str | None = None
    error: str | None = None
    errors: list[str | None] | None = None


class Incidentio:
    """Sends to one alert source. `external_url` is the daemon's own, shown in every message."""

    def __init__(self, config: IncidentioConfig, client: Client, external_url: str) -> None:
        self._config = config
        self._client = client
        self._external_url = external_url

    async def send(self, notify: Notify, alerts: tuple[Snapshot, ...]) -> Data:
        """See `Sender.send`. What the log holds as data stays as it is."""
        body = await apart(self._say, notify, alerts)
        post = partial(self._client.post, await self._address(), body, {"Content-Type": "application/json"})
        answer = await limited("incident.io", self._config.timeout, post)
        check(replace(answer, body=_complaint(answer).encode()), retry_codes=(429,))
        return notify.data

    async def aclose(self) -> None:
        await self._client.aclose()

    async def _address(self) -> str:
        try:
            return await self._client.files.either(str(self._config.url or ""), self._config.url_file)
        except secret.SecretError as error:
            raise SendError(f"read url_file: {str(error).partition(': ')[2]}", retry=False) from None

    def _say(self, notify: Notify, alerts: tuple[Snapshot, ...]) -> bytes:
        told = replace(message(notify, alerts, self._external_url, self._config.max_alerts), version="1")
        body = encode(told)
        if len(body) > _SIZE_LIMIT:
            # What is common stays that of all alerts, and truncatedAlerts counts only what max_alerts kept out.
            size, body = len(body), encode(replace(told, alerts=(told.alerts or ())[:1]))
            over = len(body) > _SIZE_LIMIT
            (_log.error if over else _log.warn)(
                "Truncated alert content due to incident.io payload size limit"
                + (", but still exceeds limit" if over else ""),
                **about(notify.integration),
                aggrGroup=notify.group_key,
                original_size=size,
                final_size=len(body),
                max_size=_SIZE_LIMIT,
            )
        return body


def _complaint(answer: Answer) -> str:
    """What incident.io says is wrong, if it says so in its usual form."""
    said = first(answer.body, _Complaint)
    if said is None:
        return ""
    errors = ", ".join(error or "" for error in said.errors or ())
    parts = [part for part in (said.message, said.error) if part]
    return ": ".join([*parts, errors] if said.errors else parts)


def build(config: IncidentioConfig, external_url: str, renderer: Renderer) -> Sender:
    """The sender for one entry of `incidentio_configs`. The token's file is read here, once. Raises `BuildError`."""
    http = config.http_config or HttpConfig()
    token = config.alert_source_token.reveal()
    if path := config.alert_source_token_file:
        try:
            token = secret.text(secret.read_now(path))
        except secret.SecretError as error:
            why = str(error).partition(": ")[2]
            raise BuildError(f"failed to read alert_source_token_file: {why}") from None
    if token:
        http = replace(http, authorization=Authorization(type="Bearer", credentials=Secret(token)))
    return Incidentio(config, Client(http), external_url)
