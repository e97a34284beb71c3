"""Rocket.Chat: a message with one attachment by its REST API, which may say no with status 200.

The token and its id are read from their files when the sender is made, as upstream does: a new token takes a reload.
"""

from typing import Final

import msgspec

from ampp.config.http import HttpConfig
from ampp.config.receivers.rocketchat import RocketchatConfig
from ampp.config.secret import Secret
from ampp.core.alert import Snapshot
from ampp.core.notify import Data, Notify
from ampp.core.reason import FailureReason
from ampp.deliver import reply, secret, truncate
from ampp.deliver.apart import apart
from ampp.deliver.body import Body, encode
from ampp.deliver.channel import naming
from ampp.deliver.http import Client, check
from ampp.deliver.message import data
from ampp.deliver.rendering import Rendering
from ampp.deliver.sender import BuildError, Sender, SendError
from ampp.template.renderer import Renderer

__all__ = ["Rocketchat", "build"]

_TITLE: Final = 1024
_PATH: Final = "api/v1/chat.postMessage"


class _Field(Body, frozen=True, kw_only=True):
    short: bool
    title: str = ""
    value: str = ""


class _Action(Body, frozen=True, kw_only=True):
    type: str
    text: str = ""
    url: str = ""
    is_webview: bool
    msg: str = ""
    msg_in_chat_window: bool


class _Attachment(Body, frozen=True, kw_only=True):
    title: str = ""
    title_link: str = ""
    text: str = ""
    image_url: str = ""
    thumb_url: str = ""
    color: str = ""
    fields: tuple[_Field, ...] = ()
    actions: tuple[_Action, ...] = ()


class _Message(Body, frozen=True, kw_only=True):
    channel: str = ""
    emoji: str = ""
    avatar: str = ""
    attachments: tuple[_Attachment, ...]


class _Reply(msgspec.Struct):
    success: bool | None = None
    error: str | None = None


class Rocketchat:
    """Sends to one Rocket.Chat channel as the user of `token`. `external_url` is the daemon's own, for templates."""

    def __init__(
        self,
        config: RocketchatConfig,
        client: Client,
        external_url: str,
        renderer: Renderer,
        *,
        token: Secret,
        token_id: Secret,
    ) -> None:
        assert config.api_url is not None
        self._config = config
        self._client = client
        self._external_url = external_url
        self._renderer = renderer
        self._url = str(config.api_url.below(_PATH))
        self._token = token
        self._token_id = token_id

    async def send(self, notify: Notify, alerts: tuple[Snapshot, ...]) -> Data:
        """See `Sender.send`. What the log holds as data stays as it is."""
        message = await apart(self._say, notify, alerts)
        headers = {
            "Content-Type": "application/json",
            "X-Auth-Token": self._token.reveal(),
            "X-User-Id": self._token_id.reveal(),
        }
        answer = await self._client.post(self._url, encode(message), headers, decisive=True)
        with naming(message.channel):
            check(answer)
            said = reply.read(answer, _Reply)
            if not said.success:
                text = f"error response from Rocketchat: {said.error or ''}"
                raise SendError(text, retry=False, reason=FailureReason.CLIENT)
        return notify.data

    async def aclose(self) -> None:
        await self._client.aclose()

    def _say(self, notify: Notify, alerts: tuple[Snapshot, ...]) -> _Message:
        config = self._config
        rendering = Rendering(self._renderer, data(notify, alerts, self._external_url))
        text = rendering.text
        attachment = _Attachment(
            title=truncate.shortened(text(config.title), _TITLE, "title", notify),
            title_link=text(config.title_link),
            text=text(config.text),
            image_url=text(config.image_url),
            thumb_url=text(config.thumb_url),
            color=text(config.color),
            fields=tuple(
                _Field(
                    title=text(field.title),
                    value=text(field.value),
                    short=config.short_fields if field.short is None else field.short,
                )
                for field in config.fields
            ),
            actions=tuple(
                _Action(
                    # Upstream knows no other, whatever the configuration says, and leaves the rest of it out.
                    type="button",
                    text=text(action.text),
                    url=text(action.url),
                    msg=text(action.msg),
                    is_webview=False,
                    msg_in_chat_window=False,
                )
                for action in config.actions
            ),
        )
        message = _Message(
            channel=text(config.channel),
            emoji=text(config.emoji),
            avatar=text(config.icon_url),
            attachments=(attachment,),
        )
        rendering.check()
        return message


def _read(value: Secret | None, file: str) -> Secret:
    """The secret in the file if one is named, else the value."""
    if not file:
        return value or Secret()
    try:
        return Secret(secret.text(secret.read_now(file)))
    except secret.SecretError as error:
        raise BuildError(f"could not read {file}: {str(error).partition(': ')[2]}") from None


def build(config: RocketchatConfig, external_url: str, renderer: Renderer) -> Sender:
    """The sender for one entry of `rocketchat_configs`. Raises `BuildError`."""
    client = Client(config.http_config or HttpConfig())
    token = _read(config.token, config.token_file)
    token_id = _read(config.token_id, config.token_id_file)
    return Rocketchat(config, client, external_url, renderer, token=token, token_id=token_id)
