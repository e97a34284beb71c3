"""Rootly: an incident is declared for a group of alerts, changed as more is told, and resolved when all are over.

The notification log keeps the incident's id between notifications, so a restart neither loses nor doubles it. An
incident that somebody deleted is declared anew; one that somebody resolved already is fine.
"""

from functools import partial
from typing import Any, Final
from urllib.parse import quote

import msgspec

from ampp.config.http import HttpConfig
from ampp.config.receivers.rootly import RootlyConfig
from ampp.core.alert import Snapshot
from ampp.core.notify import Data, Notify
from ampp.core.timestamp import format_rfc3339nano
from ampp.deliver.apart import apart
from ampp.deliver.body import encode
from ampp.deliver.http import Answer, Client, check
from ampp.deliver.message import data as told_data
from ampp.deliver.rendering import Rendering
from ampp.deliver.reply import read
from ampp.deliver.sender import Sender, SendError
from ampp.deliver.timeout import limited
from ampp.deliver.truncate import runes
from ampp.template.renderer import Renderer

__all__ = ["Rootly", "build"]

_ID: Final = "rootly_incident_id"
_MEDIA_TYPE: Final = "application/vnd.api+json"
_TITLE: Final = 255
_SUMMARY: Final = 10_000
_RESOLUTION: Final = 1_000
_LABELS: Final = 20
_AGAIN: Final = (408, 429)
"""Statuses besides 5xx after which the same may succeed later."""


class _Incident(msgspec.Struct, frozen=True):
    id: str = ""


class _Declared(msgspec.Struct, frozen=True):
    data: _Incident = _Incident()


class Rootly:
    """Sends to one Rootly account. `external_url` is the daemon's own, for templates."""

    def __init__(self, config: RootlyConfig, client: Client, external_url: str, renderer: Renderer) -> None:
        self._config = config
        self._client = client
        self._external_url = external_url
        self._renderer = renderer
        self._incidents = str(config.api_url).rstrip("/") + "/v1/incidents"

    async def send(self, notify: Notify, alerts: tuple[Snapshot, ...]) -> Data:
        """See `Sender.send`. The log keeps the id of the open incident."""
        rest = {name: value for name, value in notify.data.items() if name != _ID}
        known = str(notify.data.get(_ID, ""))
        if not any(alert.firing for alert in alerts):
            if known:
                said = await apart(self._resolution, notify, alerts)
                answer = await self._ask("PUT", f"{self._incidents}/{quote(known, safe='')}/resolve", said, notify)
                if answer.status not in (404, 409):
                    check(answer, _AGAIN)
            return rest
        if known and not self._config.update:
            return notify.data
        said = await apart(self._attributes, notify, alerts)
        if known:
            answer = await self._ask("PUT", f"{self._incidents}/{quote(known, safe='')}", said, notify)
            if answer.status != 404:
                check(answer, _AGAIN)
                return notify.data
        started = min(alert.starts for alert in alerts if alert.firing)
        said |= {"started_at": format_rfc3339nano(started), "private": self._config.private}
        answer = await self._ask("POST", self._incidents, said, notify)
        check(answer, _AGAIN)
        declared = read(answer, _Declared).data.id
        if not declared:
            # Declaring another would not help: the first is there.
            raise SendError("the incident was declared, but the answer does not say its id", retry=False)
        return rest | {_ID: declared}

    async def aclose(self) -> None:
        await self._client.aclose()

    async def _ask(self, method: str, url: str, attributes: dict[str, Any], notify: Notify) -> Answer:
        body = encode({"data": {"type": "incidents", "attributes": attributes}})
        headers = {"Content-Type": _MEDIA_TYPE, "Accept": _MEDIA_TYPE, "Idempotency-Key": notify.token}
        ask = partial(self._client.request, method, url, body, headers, decisive=True)
        return await limited("rootly", self._config.timeout, ask)

    def _attributes(self, notify: Notify, alerts: tuple[Snapshot, ...]) -> dict[str, Any]:
        config, data = self._config, told_data(notify, alerts, self._external_url)
        rendering = Rendering(self._renderer, data)
        labels = {name: rendering.text(value) for name, value in config.labels.items()} or dict(
            data.common_labels or {}
        )
        lists = {
            "environment_ids": config.environment_ids,
            "service_ids": config.service_ids,
            "group_ids": config.group_ids,
            "incident_type_ids": config.incident_type_ids,
        }
        said: dict[str, Any] = {
            "title": runes(rendering.text(config.title).strip(), _TITLE),
            "summary": runes(rendering.text(config.summary).strip(), _SUMMARY),
            "severity_id": rendering.text(config.severity_id).strip(),
            **{name: _filled([rendering.text(text).strip() for text in texts]) for name, texts in lists.items()},
            "labels": dict(sorted(labels.items())[:_LABELS]),
        }
        rendering.check()
        return {name: value for name, value in said.items() if value}

    def _resolution(self, notify: Notify, alerts: tuple[Snapshot, ...]) -> dict[str, Any]:
        rendering = Rendering(self._renderer, told_data(notify, alerts, self._external_url))
        text = runes(rendering.text(self._config.resolution_message).strip(), _RESOLUTION)
        rendering.check()
        return {"resolution_message": text}


def _filled(texts: list[str]) -> list[str]:
    return [text for text in texts if text]


def build(config: RootlyConfig, external_url: str, renderer: Renderer) -> Sender:
    """The sender for one entry of `rootly_configs`. Raises `BuildError`."""
    return Rootly(config, Client(config.http_config or HttpConfig()), external_url, renderer)
