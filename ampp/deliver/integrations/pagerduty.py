"""PagerDuty: an event by the Events API v2, or by v1 where a service key is configured."""

from collections.abc import Mapping
from functools import partial
from typing import Any, Final

import msgspec
from msgspec.structs import replace

from ampp.config.http import HttpConfig
from ampp.config.receivers.pagerduty import PagerdutyConfig
from ampp.core.alert import Snapshot
from ampp.core.notify import Data, Notify
from ampp.core.reason import FailureReason
from ampp.deliver.apart import apart
from ampp.deliver.body import Body, encode
from ampp.deliver.http import Answer, Client, check
from ampp.deliver.message import data, group_hash
from ampp.deliver.payload import fill
from ampp.deliver.rendering import Rendering
from ampp.deliver.reply import first
from ampp.deliver.secret import SecretError
from ampp.deliver.sender import Sender, SendError, about
from ampp.deliver.timeout import limited
from ampp.deliver.truncate import shortened
from ampp.observe.log import Logger
from ampp.template.data import FIRING
from ampp.template.error import TemplateError
from ampp.template.renderer import Renderer

__all__ = ["Pagerduty", "build"]

_log: Final = Logger("dispatcher")

_V1_URL: Final = "https://events.pagerduty.com/generic/2010-04-15/create_event.json"
"""Where v1 events go; as upstream, `url` is for v2 alone."""

_SUMMARY_LIMIT: Final = 1024
"""Code points of a summary, which v1 calls description."""

_SIZE_LIMIT: Final = 512_000
"""Bytes that PagerDuty takes. In a larger event the details give way to a note that says so."""

_TOO_LARGE: Final = {
    "error": "Custom details have been removed because the original event exceeds the maximum size of 512KB"
}


class _Image(Body, frozen=True, kw_only=True):
    src: str
    alt: str
    href: str


class _Link(Body, frozen=True, kw_only=True):
    href: str
    text: str


class _Payload(Body, frozen=True, kw_only=True):
    summary: str
    source: str
    severity: str
    class_: str = msgspec.field(default="", name="class")
    component: str = ""
    group: str = ""
    custom_details: Mapping[str, Any] | None = None


class _Event(Body, frozen=True, kw_only=True):
    """Of both versions: `service_key`, `incident_key`, `event_type`, `description` and `details` are v1's alone."""

    routing_key: str = ""
    service_key: str = ""
    dedup_key: str = ""
    incident_key: str = ""
    event_type: str = ""
    description: str = ""
    event_action: str
    payload: _Payload | None
    client: str = ""
    client_url: str = ""
    details: Mapping[str, Any] | None = None
    images: tuple[_Image, ...] = ()
    links: tuple[_Link, ...] = ()


class _Complaint(msgspec.Struct):
    message: str | None = None
    errors: list[str | None] | None = None


class Pagerduty:
    """Sends to one PagerDuty service. `external_url` is the daemon's own."""

    def __init__(self, config: PagerdutyConfig, client: Client, external_url: str, renderer: Renderer) -> None:
        self._config = config
        self._client = client
        self._external_url = external_url
        self._renderer = renderer
        self._v1 = bool(config.service_key or config.service_key_file)

    async def send(self, notify: Notify, alerts: tuple[Snapshot, ...]) -> Data:
        """See `Sender.send`. What the log holds as data stays as it is."""
        key = await self._key()
        body = await apart(self._say, notify, alerts, key)
        url = _V1_URL if self._v1 else str(self._config.url)
        post = partial(self._client.post, url, body, {"Content-Type": "application/json"})
        try:
            answer = await limited("pagerduty", self._config.timeout, post)
        except SendError as error:
            version = " v1" if self._v1 else ""
            text = f"failed to post message to PagerDuty{version}: {error}"
            raise SendError(text, retry=error.retry, reason=error.reason) from None
        self._check(answer)
        return notify.data

    async def aclose(self) -> None:
        await self._client.aclose()

    async def _key(self) -> str:
        config = self._config
        try:
            if self._v1:
                return await self._client.files.either(config.service_key, config.service_key_file)
            return await self._client.files.either(config.routing_key, config.routing_key_file)
        except SecretError as error:
            kind, why = "service" if self._v1 else "routing", str(error).partition(": ")[2]
            raise SendError(f"failed to read {kind} key from file: {why}", retry=False) from None

    def _say(self, notify: Notify, alerts: tuple[Snapshot, ...], key: str) -> bytes:
        """The body of the request; `key` may be a template."""
        told = data(notify, alerts, self._external_url)
        try:
            details = {name: fill(value, partial(self._text, told)) for name, value in self._config.details.items()}
        except TemplateError as error:
            raise SendError(f"failed to render details: {error}", retry=False) from None
        rendering = Rendering(self._renderer, told)
        write = self._v1_event if self._v1 else self._v2_event
        event = write(notify, told.status == FIRING, details, key, rendering)
        rendering.check(f"failed to template PagerDuty v{1 if self._v1 else 2} message: ")
        if not event.service_key and not event.routing_key:
            raise SendError(f"{'service' if self._v1 else 'routing'} key cannot be empty", retry=False)
        try:
            body = encode(event)
        except TemplateError as error:
            raise SendError(f"failed to encode PagerDuty message: {error}", retry=False) from None
        if len(body) <= _SIZE_LIMIT:
            return body
        _log.warn(
            "Truncated Details because the message exceeds the limit",
            **about(notify.integration),
            aggrGroup=notify.group_key,
            size=len(body),
            max_size=_SIZE_LIMIT,
        )
        return encode(_without_details(event))

    def _text(self, told: Any, template: str) -> str:
        return self._renderer.text(template, told)

    def _v1_event(
        self, notify: Notify, firing: bool, details: Mapping[str, Any], key: str, rendering: Rendering
    ) -> _Event:
        config, text = self._config, rendering.text
        return _Event(
            description=shortened(text(config.description), _SUMMARY_LIMIT, "description", notify),
            service_key=text(key),
            incident_key=group_hash(notify),
            event_type="trigger" if firing else "resolve",
            event_action="",
            payload=None,
            client=text(config.client) if firing else "",
            client_url=text(config.client_url) if firing else "",
            details=details,
        )

    def _v2_event(
        self, notify: Notify, firing: bool, details: Mapping[str, Any], key: str, rendering: Rendering
    ) -> _Event:
        config, text = self._config, rendering.text
        summary = shortened(text(config.description), _SUMMARY_LIMIT, "summary", notify)
        event = _Event(
            client=text(config.client),
            client_url=text(config.client_url),
            routing_key=text(key),
            dedup_key=group_hash(notify),
            event_action="trigger" if firing else "resolve",
            payload=_Payload(
                summary=summary,
                source=text(config.source),
                severity=text(config.severity or "error"),
                class_=text(config.class_),
                component=text(config.component),
                group=text(config.group),
                custom_details=details,
            ),
        )
        images = [_Image(src=text(one.src), alt=text(one.alt), href=text(one.href)) for one in config.images]
        links = [_Link(href=text(one.href), text=text(one.text)) for one in config.links]
        return replace(
            event,
            images=tuple(image for image in images if image.src),
            links=tuple(link for link in links if link.href),
        )

    def _check(self, answer: Answer) -> None:
        """PagerDuty asks for patience with 429, in v1 with 403. Upstream counts v1's failures under no reason."""
        said = replace(answer, body=_complaint(answer).encode())
        try:
            check(said, retry_codes=(403,) if self._v1 else (429,))
        except SendError as error:
            if self._v1:
                raise SendError(str(error), retry=error.retry, reason=FailureReason.OTHER) from None
            raise


def _without_details(event: _Event) -> _Event:
    if event.payload is None:
        return replace(event, details=_TOO_LARGE)
    return replace(event, payload=replace(event.payload, custom_details=_TOO_LARGE))


def _complaint(answer: Answer) -> str:
    """What PagerDuty found wrong with an event, which only a 400 says."""
    said = first(answer.body, _Complaint) if answer.status == 400 else None
    if said is None:
        return ""
    return f"{said.message or ''}: {','.join(error or '' for error in said.errors or ())}"


def build(config: PagerdutyConfig, external_url: str, renderer: Renderer) -> Sender:
    """The sender for one entry of `pagerduty_configs`. Raises `BuildError`."""
    return Pagerduty(config, Client(config.http_config or HttpConfig()), external_url, renderer)
