"""`ntfy_configs`: a push message by ntfy, a server of whose kind anybody may run one."""

from dataclasses import dataclass
from functools import partial
from typing import Annotated, ClassVar, Self

import trio
from msgspec.structs import replace

from ampp.plugin import (
    KEEP,
    Client,
    Data,
    Global,
    GoDuration,
    HttpConfig,
    HttpEntry,
    Invalid,
    Notify,
    ReceiverType,
    Renderer,
    Rendering,
    SecretUrl,
    Snapshot,
    Text,
    check,
    data,
    limited,
    template,
)


class NtfyConfig(HttpEntry, frozen=True, kw_only=True):
    """One item of `ntfy_configs`. Every `Annotated` field is a key; its default holds when the key is absent."""

    go: ClassVar[str] = "ntfy.plain"
    type: ClassVar[str] = "ntfy"

    url: SecretUrl = None
    title: Text = template("__subject")
    message: Text = template("__text_alerts")
    priority: Text = "default"
    timeout: Annotated[GoDuration, KEEP] = 0

    def settle(self) -> Self:
        if self.url is None:
            raise Invalid("url is required", hint="the topic's address: https://ntfy.example/alerts")
        return self

    def inherit(self, base: Global) -> Self:
        return replace(self, http_config=self.http_config or base.http_config)


@dataclass
class Ntfy:
    """Sends to one topic."""

    config: NtfyConfig
    client: Client
    external_url: str
    renderer: Renderer

    async def send(self, notify: Notify, alerts: tuple[Snapshot, ...]) -> Data:
        """One attempt. `SendError` means that it failed, and says whether to try again."""
        body, headers = await trio.to_thread.run_sync(self.say, notify, alerts)
        post = partial(self.client.post, self.config.url.reveal(), body, headers)
        # Any 2xx is a yes; 5xx and 429 are tried again.
        check(await limited("ntfy", self.config.timeout, post), (429,))
        return notify.data

    def say(self, notify: Notify, alerts: tuple[Snapshot, ...]) -> tuple[bytes, dict[str, str]]:
        rendering = Rendering(self.renderer, data(notify, alerts, self.external_url))
        body = rendering.text(self.config.message).encode(errors="replace")
        headers = {
            "Title": " ".join(rendering.text(self.config.title).split()),
            "Priority": rendering.text(self.config.priority),
        }
        rendering.check()
        return body, headers

    async def aclose(self) -> None:
        await self.client.aclose()


def build(config: NtfyConfig, external_url: str, renderer: Renderer) -> Ntfy:
    return Ntfy(config, Client(config.http_config or HttpConfig()), external_url, renderer)


receiver = ReceiverType(NtfyConfig, build)
