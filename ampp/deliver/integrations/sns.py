"""Amazon SNS: a message to a topic, a phone or an endpoint of Amazon's notification service."""

import os
import time
from collections.abc import Callable, Mapping
from typing import Final

import msgspec

from ampp.config.http import HttpConfig
from ampp.config.receivers.sns import SnsConfig
from ampp.core.alert import Snapshot
from ampp.core.notify import Data, Notify
from ampp.core.reason import FailureReason
from ampp.deliver import destination
from ampp.deliver.apart import apart
from ampp.deliver.aws.place import address
from ampp.deliver.aws.provider import Provider
from ampp.deliver.aws.query import ask
from ampp.deliver.http import Client
from ampp.deliver.message import data, group_hash
from ampp.deliver.rendering import Rendering
from ampp.deliver.sender import Sender, SendError
from ampp.template.renderer import Renderer

__all__ = ["Sns", "build"]

_VERSION: Final = "2010-03-31"
_LIMIT: Final = 256 * 1024
_PHONE_LIMIT: Final = 1600
"""Bytes that a message may have."""


class Sns:
    """Publishes as one identity. `external_url` is the daemon's own; `wall` tells the time in nanoseconds."""

    def __init__(
        self,
        config: SnsConfig,
        client: Client,
        external_url: str,
        renderer: Renderer,
        environment: Mapping[str, str] = os.environ,
        wall: Callable[[], int] = time.time_ns,
    ) -> None:
        self._config = config
        self._client = client
        self._external_url = external_url
        self._renderer = renderer
        self._environment = environment
        self._wall = wall
        self._provider = Provider(config.sigv4, client, environment, wall)

    async def send(self, notify: Notify, alerts: tuple[Snapshot, ...]) -> Data:
        """See `Sender.send`. What the log holds as data stays as it is."""
        url, fields = await apart(self._say, notify, alerts)
        region = await self._provider.region()
        await ask(
            self._client,
            url or address("sns", region, self._environment),
            fields,
            await self._provider.credentials(region),
            region=region,
            service="sns",
            wall=self._wall(),
            influenced=not destination.fixed(self._config.api_url),
        )
        return notify.data

    async def aclose(self) -> None:
        await self._client.aclose()

    def _say(self, notify: Notify, alerts: tuple[Snapshot, ...]) -> tuple[str, dict[str, bytes | str]]:
        """Where it goes, unless that is for the region to say, and the form."""
        config = self._config
        rendering = Rendering(self._renderer, data(notify, alerts, self._external_url))

        def render(name: str, template: str) -> bytes:
            return _checked(rendering, name, rendering.text(template))

        url = render("api_url", config.api_url).decode(errors="replace")
        attributes = {rendering.text(name): rendering.text(value) for name, value in config.attributes.items()}
        _checked(rendering, "attributes", "")
        fields: dict[str, bytes | str] = {"Action": "Publish", "Version": _VERSION}
        limit = _LIMIT
        if config.topic_arn:
            fields["TopicArn"] = topic = render("topic_arn", config.topic_arn)
            if topic.endswith(b".fifo"):
                fields["MessageDeduplicationId"] = fields["MessageGroupId"] = group_hash(notify)
        if config.phone_number:
            fields["PhoneNumber"] = render("phone_number", config.phone_number)
            limit = _PHONE_LIMIT
        if config.target_arn:
            fields["TargetArn"] = render("target_arn", config.target_arn)
        message = render("message", config.message)
        if len(message) > limit:
            attributes["truncated"] = "true"
        # As upstream, the cut may go through a character.
        fields["Message"] = message[:limit]
        if config.subject:
            fields["Subject"] = render("subject", config.subject)
        for number, name in enumerate(sorted(attributes), 1):
            entry = f"MessageAttributes.entry.{number}"
            fields[f"{entry}.Name"] = _bytes(name)
            fields[f"{entry}.Value.DataType"] = "String"
            fields[f"{entry}.Value.StringValue"] = _bytes(attributes[name])
        return url, fields


def _checked(rendering: Rendering, name: str, text: str) -> bytes:
    if rendering.error is not None:
        # Upstream tries again here, though nothing will have changed.
        why = f"execute '{name}' template: {rendering.error}"
        raise SendError(why, retry=True, reason=FailureReason.CLIENT)
    return _bytes(text)


def _bytes(text: str) -> bytes:
    return text.encode(errors="surrogateescape")


def build(
    config: SnsConfig, external_url: str, renderer: Renderer, environment: Mapping[str, str] = os.environ
) -> Sender:
    """The sender for one entry of `sns_configs`. Raises `BuildError`."""
    http = config.http_config or HttpConfig()
    bundle = environment.get("AWS_CA_BUNDLE", "")
    if config.use_aws_http_client or bundle:
        # Then only what is about TLS and proxies counts, and the bundle where no other authority is given.
        tls = http.tls_config
        if bundle and not (tls.ca or tls.ca_file or tls.ca_ref):
            tls = msgspec.structs.replace(tls, ca_file=bundle)
        http = HttpConfig(
            tls_config=tls,
            proxy_url=http.proxy_url,
            no_proxy=http.no_proxy,
            proxy_from_environment=http.proxy_from_environment,
            proxy_connect_header=http.proxy_connect_header,
        )
    return Sns(config, Client(http), external_url, renderer, environment)
