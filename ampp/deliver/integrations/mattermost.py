"""Mattermost: a message with attachments by incoming webhook; the status alone decides."""

from collections.abc import Iterable
from typing import Final

from ampp.config.http import HttpConfig
from ampp.config.receivers.mattermost import (
    MattermostAttachment,
    MattermostConfig,
    MattermostField,
    MattermostPriority,
)
from ampp.core.alert import Snapshot
from ampp.core.notify import Data, Notify
from ampp.deliver import secret, truncate
from ampp.deliver.apart import apart
from ampp.deliver.body import Body, encode
from ampp.deliver.channel import naming
from ampp.deliver.http import Client, check
from ampp.deliver.message import data
from ampp.deliver.rendering import Rendering
from ampp.deliver.sender import Sender, SendError
from ampp.template.renderer import Renderer

__all__ = ["Mattermost", "build"]

_TEXT: Final = 16383
_URGENT: Final = "urgent"
_STANDARD: Final = "standard"
_PRIORITIES: Final = (_URGENT, "important", _STANDARD)


class _Field(Body, frozen=True, kw_only=True):
    title: str = ""
    value: str = ""
    short: bool | None = None


class _Attachment(Body, frozen=True, kw_only=True):
    fallback: str = ""
    color: str = ""
    pretext: str = ""
    text: str = ""
    author_name: str = ""
    author_link: str = ""
    author_icon: str = ""
    title: str = ""
    title_link: str = ""
    fields: tuple[_Field, ...] = ()
    thumb_url: str = ""
    footer: str = ""
    footer_icon: str = ""
    image_url: str = ""


class _Props(Body, frozen=True, kw_only=True):
    card: str = ""


class _Priority(Body, frozen=True, kw_only=True):
    priority: str = ""
    requested_ack: bool = False
    persistent_notifications: bool = False


class _Message(Body, frozen=True, kw_only=True):
    text: str = ""
    channel: str = ""
    username: str = ""
    icon_url: str = ""
    icon_emoji: str = ""
    attachments: tuple[_Attachment, ...]
    type: str = ""
    props: _Props | None = None
    priority: _Priority | None = None


class Mattermost:
    """Sends to one Mattermost webhook. `external_url` is the daemon's own, for templates."""

    def __init__(self, config: MattermostConfig, client: Client, external_url: str, renderer: Renderer) -> None:
        self._config = config
        self._client = client
        self._external_url = external_url
        self._renderer = renderer

    async def send(self, notify: Notify, alerts: tuple[Snapshot, ...]) -> Data:
        """See `Sender.send`. What the log holds as data stays as it is."""
        url = await self._address()
        message = await apart(self._say, notify, alerts)
        answer = await self._client.post(url, encode(message), {"Content-Type": "application/json"})
        with naming(message.channel):
            check(answer)
        return notify.data

    async def aclose(self) -> None:
        await self._client.aclose()

    async def _address(self) -> str:
        try:
            url = self._config.webhook_url
            found = url.reveal() if url is not None else await self._client.files.read(self._config.webhook_url_file)
        except secret.SecretError as error:
            raise SendError(str(error).partition(": ")[2], retry=False) from None
        if not found:
            raise SendError("webhook url missing", retry=False)
        return found

    def _say(self, notify: Notify, alerts: tuple[Snapshot, ...]) -> _Message:
        """The message, its parts rendered in upstream's order.

        Without attachments of their own the entry's fields make one, in which the text is, at any length.
        """
        config = self._config
        rendering = Rendering(self._renderer, data(notify, alerts, self._external_url))
        text = rendering.text
        said = text(config.text)
        channel = text(config.channel)
        username = text(config.username)
        icon_url = text(config.icon_url)
        icon_emoji = text(config.icon_emoji)
        kind = text(config.type_)
        priority = config.priority and config.priority.priority and _priority(config.priority, rendering)
        props = config.props and config.props.card and _Props(card=text(config.props.card))
        if config.attachments:
            above = truncate.shortened(said, _TEXT, "text", notify)
            attachments = tuple(_attachment(one, rendering, None) for one in config.attachments)
        else:
            above = ""
            attachments = (_attachment(config, rendering, said),)
        rendering.check()
        return _Message(
            text=above,
            channel=channel,
            username=username,
            icon_url=icon_url,
            icon_emoji=icon_emoji,
            attachments=attachments,
            type=kind,
            props=props or None,
            priority=priority or None,
        )


def _attachment(of: MattermostAttachment | MattermostConfig, rendering: Rendering, said: str | None) -> _Attachment:
    """The attachment of these strings; `said` is its text if that is already rendered."""
    text = rendering.text
    fallback, color, pretext = text(of.fallback), text(of.color), text(of.pretext)
    return _Attachment(
        fallback=fallback,
        color=color,
        pretext=pretext,
        text=text(of.text) if said is None else said,
        author_name=text(of.author_name),
        author_link=text(of.author_link),
        author_icon=text(of.author_icon),
        title=text(of.title),
        title_link=text(of.title_link),
        thumb_url=text(of.thumb_url),
        footer=text(of.footer),
        footer_icon=text(of.footer_icon),
        image_url=text(of.image_url),
        fields=_fields(of.fields, rendering),
    )


def _fields(fields: Iterable[MattermostField], rendering: Rendering) -> tuple[_Field, ...]:
    text = rendering.text
    return tuple(_Field(title=text(field.title), value=text(field.value), short=field.short) for field in fields)


def _priority(config: MattermostPriority, rendering: Rendering) -> _Priority:
    """The priority, with what Mattermost would refuse taken out: only urgent messages may keep on notifying."""
    priority = rendering.text(config.priority).lower()
    if priority not in _PRIORITIES:
        priority = _STANDARD
    return _Priority(
        priority=priority,
        requested_ack=config.requested_ack and priority != _STANDARD,
        persistent_notifications=config.persistent_notifications and priority == _URGENT,
    )


def build(config: MattermostConfig, external_url: str, renderer: Renderer) -> Sender:
    """The sender for one entry of `mattermost_configs`. Raises `BuildError`."""
    return Mattermost(config, Client(config.http_config or HttpConfig()), external_url, renderer)
