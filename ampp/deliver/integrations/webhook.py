"""The webhook: the message as JSON, POSTed to a URL; any 2xx is a yes, 5xx and silence are tried again."""

from collections.abc import Mapping
from functools import partial
from typing import Final

from ampp.config.http import HttpConfig
from ampp.config.receivers.webhook import WebhookConfig
from ampp.core.alert import Snapshot
from ampp.core.notify import Data, Notify
from ampp.deliver import destination, secret
from ampp.deliver.apart import apart
from ampp.deliver.http import Answer, Client, check
from ampp.deliver.message import encode, message
from ampp.deliver.payload import fill
from ampp.deliver.rendering import stand_in
from ampp.deliver.sender import Sender, SendError
from ampp.deliver.timeout import limited
from ampp.template.error import LimitError, TemplateError
from ampp.template.jsontext import to_json
from ampp.template.renderer import Renderer

__all__ = ["Webhook", "build"]

_MANY: Final = 500
"""Alerts from which on the body is written in a thread, so that nobody else waits for it. Templates always are."""


class Webhook:
    """Sends to one webhook. `external_url` is the daemon's own, shown in every message."""

    def __init__(self, config: WebhookConfig, client: Client, external_url: str, renderer: Renderer) -> None:
        self._config = config
        self._client = client
        self._external_url = external_url
        self._renderer = renderer

    async def send(self, notify: Notify, alerts: tuple[Snapshot, ...]) -> Data:
        """See `Sender.send`. What the log holds as data stays as it is."""
        address = await self._address()
        plain = self._config.payload is None and "{{" not in address
        if plain and len(alerts) < _MANY:
            body, url = self._say(notify, alerts, address)
        else:
            body, url = await apart(self._say, notify, alerts, address)
        # Content-Type as upstream; the key lets a receiver recognise a repetition, also one after a crash.
        headers = {"Content-Type": "application/json", "Idempotency-Key": notify.token}
        check(await self._post(url, body, headers, influenced=not destination.fixed(address)))
        return notify.data

    async def aclose(self) -> None:
        await self._client.aclose()

    def _say(self, notify: Notify, alerts: tuple[Snapshot, ...], address: str) -> tuple[bytes, str]:
        """The body, and where it goes."""
        told = message(notify, alerts, self._external_url, self._config.max_alerts)

        def render(template: str) -> str:
            return self._renderer.text(template, told)

        if self._config.payload is None:
            body = encode(told)
        else:
            try:
                body = to_json(fill(self._config.payload, render)).encode() + b"\n"
            except LimitError as error:
                body = to_json({"message": stand_in(told, error)}).encode() + b"\n"
            except TemplateError as error:
                raise SendError(f"failed to render custom payload: {error}", retry=False) from None
        try:
            url = render(address)
        except TemplateError as error:
            raise SendError(f"failed to template webhook URL: {error}", retry=False) from None
        if not url:
            raise SendError("webhook URL is empty after templating", retry=False)
        return body, url

    async def _address(self) -> str:
        try:
            return await self._client.files.either(self._config.url, self._config.url_file)
        except secret.SecretError as error:
            raise SendError(f"read url_file: {str(error).partition(': ')[2]}", retry=False) from None

    async def _post(self, url: str, body: bytes, headers: Mapping[str, str], *, influenced: bool) -> Answer:
        post = partial(self._client.post, url, body, headers, influenced=influenced)
        return await limited("webhook", self._config.timeout, post)


def build(config: WebhookConfig, external_url: str, renderer: Renderer) -> Sender:
    """The sender for one entry of `webhook_configs`. Raises `BuildError`."""
    return Webhook(config, Client(config.http_config or HttpConfig()), external_url, renderer)
