"""Slack: a message with one attachment, by incoming webhook or as a bot.

Slack may say no with status 200: a webhook's answer is then not the text `ok`, the web API's JSON not `"ok": true`.
What a template cannot render is left out with all that is rendered after it, and the rest is sent, as upstream does:
half a page wakes somebody up, none does not.
"""

import time
from functools import partial
from typing import Any, Final

import msgspec

from ampp.config.http import HttpConfig
from ampp.config.receivers.slack import SlackAction, SlackConfig, SlackConfirmation
from ampp.core.alert import Snapshot
from ampp.core.notify import Data, Notify
from ampp.core.reason import FailureReason
from ampp.deliver import blockkit, reply, secret, truncate
from ampp.deliver.apart import apart
from ampp.deliver.body import Body, encode
from ampp.deliver.channel import naming
from ampp.deliver.http import Answer, Client, check
from ampp.deliver.message import data
from ampp.deliver.rendering import Rendering
from ampp.deliver.sender import Sender, SendError, about
from ampp.deliver.timeout import limited
from ampp.observe.log import Logger
from ampp.template.data import Data as Told
from ampp.template.renderer import Renderer

__all__ = ["Slack", "build"]

_log: Final = Logger("dispatcher")

_TITLE: Final = 1024
_MARKDOWN_IN: Final = ("fallback", "pretext", "text")
_UPDATE: Final = "https://slack.com/api/chat.update"
_TIMESTAMP: Final = "threadTs"
_CHANNEL: Final = "channelId"
"""Upstream's names in the notification log for where the message is that later ones replace, or answer."""

_THREAD_AGE: Final = 24 * 3600
"""Seconds after which a thread is too far up for anybody to see what is added to it."""

_DEFAULT_COLOR: Final = SlackConfig().color

_THREAD_GONE: Final = ("thread_not_found", "message_not_found")


class _Field(Body, frozen=True, kw_only=True):
    title: str = ""
    value: str = ""
    short: bool


class _Confirmation(Body, frozen=True, kw_only=True):
    text: str = ""
    title: str = ""
    ok_text: str = ""
    dismiss_text: str = ""


class _Action(Body, frozen=True, kw_only=True):
    type: str = ""
    text: str = ""
    url: str = ""
    style: str = ""
    name: str = ""
    value: str = ""
    confirm: _Confirmation | None = None


class _Attachment(Body, frozen=True, kw_only=True):
    title: str = ""
    title_link: str = ""
    pretext: str = ""
    text: str
    fallback: str
    callback_id: str
    fields: tuple[_Field, ...] = ()
    actions: tuple[_Action, ...] = ()
    image_url: str = ""
    thumb_url: str = ""
    footer: str
    color: str = ""
    mrkdwn_in: tuple[str, ...] = ()


class _Laid(Body, frozen=True, kw_only=True):
    """An attachment that is laid out with Block Kit, which knows none of the other fields."""

    color: str = ""
    fallback: str
    blocks: list[dict[str, Any]]


class _Message(Body, frozen=True, kw_only=True):
    channel: str = ""
    ts: str = ""
    thread_ts: str = ""
    username: str = ""
    icon_emoji: str = ""
    icon_url: str = ""
    link_names: bool = False
    text: str = ""
    attachments: tuple[_Attachment | _Laid, ...]


class _Reply(msgspec.Struct):
    ok: bool | None = None
    error: str | None = None
    channel: str | None = None
    ts: str | None = None


class Slack:
    """Sends to one Slack channel. `external_url` is the daemon's own, for templates."""

    def __init__(self, config: SlackConfig, client: Client, external_url: str, renderer: Renderer) -> None:
        self._config = config
        self._client = client
        self._external_url = external_url
        self._renderer = renderer

    async def send(self, notify: Notify, alerts: tuple[Snapshot, ...]) -> Data:
        """See `Sender.send`. With `update_message` the log keeps where the message is, for the next to replace it.

        With `thread` it keeps where the first message is, for the next to answer it: a first notification, or one that
        comes a day later, is said in the channel again.
        """
        message = await apart(self._say, notify, alerts)
        url = await self._address()
        timestamp, channel = str(notify.data.get(_TIMESTAMP, "")), str(notify.data.get(_CHANNEL, ""))
        if self._config.thread:
            return await self._converse(notify, url, message, timestamp, channel)
        if self._config.update_message and timestamp and channel:
            url = _UPDATE
            message = msgspec.structs.replace(message, ts=timestamp, channel=channel)
        said = await self._post(url, message)
        if self._config.update_message and said.ts and said.channel:
            return {**notify.data, _TIMESTAMP: said.ts, _CHANNEL: said.channel}
        return notify.data

    async def _converse(self, notify: Notify, url: str, message: _Message, timestamp: str, channel: str) -> Data:
        if channel and _recent(timestamp):
            try:
                await self._post(url, msgspec.structs.replace(message, thread_ts=timestamp, channel=channel))
            except SendError as error:
                if not str(error).endswith(_THREAD_GONE):
                    raise
            else:
                return notify.data
        said = await self._post(url, message)
        if said.ts and said.channel:
            return {**notify.data, _TIMESTAMP: said.ts, _CHANNEL: said.channel}
        return notify.data

    async def _post(self, url: str, message: _Message) -> _Reply:
        post = partial(self._client.post, url, encode(message), {"Content-Type": "application/json"}, decisive=True)
        answer = await limited("slack", self._config.timeout, post)
        with naming(message.channel):
            check(answer)
            return _understand(answer)

    async def aclose(self) -> None:
        await self._client.aclose()

    async def _address(self) -> str:
        url, file = self._config.api_url, self._config.api_url_file
        if url is not None:
            return url.reveal()
        try:
            return await self._client.files.read(file)
        except secret.SecretError as error:
            raise SendError(str(error).partition(": ")[2], retry=False) from None

    def _say(self, notify: Notify, alerts: tuple[Snapshot, ...]) -> _Message:
        """The message, its parts rendered in upstream's order."""
        config = self._config
        told = data(notify, alerts, self._external_url)
        rendering = Rendering(self._renderer, told)
        text = rendering.text
        attachment = self._laid(told, rendering) if config.blocks else self._attachment(notify, rendering)
        message = _Message(
            channel=text(config.channel),
            username=text(config.username),
            icon_emoji=text(config.icon_emoji),
            icon_url=text(config.icon_url),
            link_names=config.link_names,
            text=text(config.message_text),
            attachments=(attachment,),
        )
        if rendering.error is not None:
            _log.warn("Sending without what cannot be rendered", **about(notify.integration), err=rendering.error)
        return message

    def _laid(self, told: Told, rendering: Rendering) -> _Laid:
        config, text = self._config, rendering.text
        return _Laid(
            color=text(config.color) if config.color != _DEFAULT_COLOR else blockkit.color(told),
            fallback=text(config.fallback),
            blocks=blockkit.blocks(
                told,
                title=text(config.title),
                text="\n".join(filter(None, (text(config.pretext), text(config.text)))),
                link=text(config.title_link),
                fields=[(text(field.title), text(field.value)) for field in config.fields],
                buttons=[(text(action.text), text(action.url), text(action.style)) for action in config.actions],
            ),
        )

    def _attachment(self, notify: Notify, rendering: Rendering) -> _Attachment:
        config, text = self._config, rendering.text
        return _Attachment(
            title=truncate.shortened(text(config.title), _TITLE, "title", notify),
            title_link=text(config.title_link),
            pretext=text(config.pretext),
            text=text(config.text),
            fallback=text(config.fallback),
            callback_id=text(config.callback_id),
            image_url=text(config.image_url),
            thumb_url=text(config.thumb_url),
            footer=text(config.footer),
            color=text(config.color),
            mrkdwn_in=config.mrkdwn_in or _MARKDOWN_IN,
            fields=tuple(
                _Field(
                    title=text(field.title),
                    value=text(field.value),
                    short=config.short_fields if field.short is None else field.short,
                )
                for field in config.fields
            ),
            actions=tuple(_action(action, rendering) for action in config.actions),
        )


def _action(action: SlackAction, rendering: Rendering) -> _Action:
    text = rendering.text
    return _Action(
        type=text(action.type),
        text=text(action.text),
        url=text(action.url),
        style=text(action.style),
        name=text(action.name),
        value=text(action.value),
        confirm=None if action.confirm is None else _confirmation(action.confirm, rendering),
    )


def _confirmation(confirm: SlackConfirmation, rendering: Rendering) -> _Confirmation:
    text = rendering.text
    title = text(confirm.title)
    return _Confirmation(
        title=title, text=text(confirm.text), ok_text=text(confirm.ok_text), dismiss_text=text(confirm.dismiss_text)
    )


def _recent(timestamp: str) -> bool:
    """Whether a message of this Slack timestamp, seconds since 1970 with decimals, is where people still look."""
    try:
        return time.time() - float(timestamp) < _THREAD_AGE
    except ValueError:
        return False


def _understand(answer: Answer) -> _Reply:
    """What an answer of status 2xx says. Raises `SendError` if it is a no."""
    if answer.content_type.startswith("application/json"):
        said = reply.read(answer, _Reply)
        if not said.ok:
            raise _refusal(f"error response from Slack: {said.error or ''}")
        return said
    body = reply.whole(answer)
    if body != b"ok":
        raise _refusal(f"received an error response from Slack: {body.decode(errors='replace')}")
    return _Reply(ok=True)


def _refusal(text: str) -> SendError:
    return SendError(text, retry=False, reason=FailureReason.CLIENT)


def build(config: SlackConfig, external_url: str, renderer: Renderer) -> Sender:
    """The sender for one entry of `slack_configs`. Raises `BuildError`."""
    return Slack(config, Client(config.http_config or HttpConfig()), external_url, renderer)
