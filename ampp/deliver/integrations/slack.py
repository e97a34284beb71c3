"""Slack: a message with one attachment, by incoming webhook or as a bot.

Slack may say no with status 200: a webhook's answer is then not the text `ok`, the web API's JSON not `"ok": true`.
What a template cannot render is left out with all that is rendered after it, and the rest is sent, as upstream does:
half a page wakes somebody up, none does not.
"""

from functools import partial
from typing import Final

import msgspec
import trio

from ampp.config.http import HttpConfig
from ampp.config.receivers.slack import SlackAction, SlackConfig, SlackConfirmation
from ampp.core.alert import Snapshot
from ampp.core.notify import Data, Notify
from ampp.core.reason import FailureReason
from ampp.deliver import reply, secret, truncate
from ampp.deliver.body import Body, encode
from ampp.deliver.channel import naming
from ampp.deliver.http import Answer, Client, check
from ampp.deliver.message import data
from ampp.deliver.rendering import Rendering
from ampp.deliver.sender import Sender, SendError, about
from ampp.deliver.timeout import limited
from ampp.observe.log import Logger
from ampp.template.renderer import Renderer

__all__ = ["Slack", "build"]

_log: Final = Logger("dispatcher")

_TITLE: Final = 1024
_MARKDOWN_IN: Final = ("fallback", "pretext", "text")
_UPDATE: Final = "https://slack.com/api/chat.update"
_TIMESTAMP: Final = "threadTs"
_CHANNEL: Final = "channelId"
"""Upstream's names in the notification log for where the message is that later ones replace."""


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


class _Message(Body, frozen=True, kw_only=True):
    channel: str = ""
    ts: str = ""
    username: str = ""
    icon_emoji: str = ""
    icon_url: str = ""
    link_names: bool = False
    text: str = ""
    attachments: tuple[_Attachment, ...]


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
        """See `Sender.send`. With `update_message` the log keeps where the message is, for the next to replace it."""
        message = await trio.to_thread.run_sync(self._say, notify, alerts)
        url = await self._address()
        before = str(notify.data.get(_TIMESTAMP, "")), str(notify.data.get(_CHANNEL, ""))
        if self._config.update_message and all(before):
            url = _UPDATE
            message = msgspec.structs.replace(message, ts=before[0], channel=before[1])
        post = partial(self._client.post, url, encode(message), {"Content-Type": "application/json"}, decisive=True)
        answer = await limited("slack", self._config.timeout, post)
        with naming(message.channel):
            check(answer)
            said = _understand(answer)
        if self._config.update_message and said.ts and said.channel:
            return {**notify.data, _TIMESTAMP: said.ts, _CHANNEL: said.channel}
        return notify.data

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
        rendering = Rendering(self._renderer, data(notify, alerts, self._external_url))
        text = rendering.text
        attachment = _Attachment(
            title=truncate.runes(text(config.title), _TITLE),
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
