"""WeChat Work: a message from an application. It is sent with a token, which is fetched with the secret and kept.

What the server says in JSON decides once it has answered 200.
"""

from typing import Final
from urllib.parse import parse_qs, urlencode

import msgspec
import trio
from msgspec.structs import replace

from ampp.config.http import HttpConfig
from ampp.config.receivers.wechat import WechatConfig
from ampp.config.url import Url
from ampp.core.alert import Snapshot
from ampp.core.notify import Data, Notify
from ampp.deliver import reply
from ampp.deliver.apart import apart
from ampp.deliver.body import Body, encode
from ampp.deliver.http import Answer, Client
from ampp.deliver.message import data
from ampp.deliver.rendering import Rendering
from ampp.deliver.secret import SecretError
from ampp.deliver.sender import Sender, SendError, status_reason
from ampp.template.data import Data as Told
from ampp.template.renderer import Renderer

__all__ = ["Wechat", "build"]

_TOKEN_LIFE: Final = 2 * 60 * 60
"""Seconds that a token is used."""

_EXPIRED: Final = 42001
"""What the server says when a token's time is over."""


class _Content(Body, frozen=True, kw_only=True):
    content: str


class _Message(Body, frozen=True, kw_only=True):
    text: _Content
    touser: str = ""
    toparty: str = ""
    totag: str = ""
    agentid: str = ""
    safe: str
    msgtype: str
    markdown: _Content


class _Token(msgspec.Struct):
    access_token: str = ""


class _Reply(msgspec.Struct):
    errcode: int = 0
    errmsg: str = ""


class Wechat:
    """Sends as one application. `external_url` is the daemon's own."""

    def __init__(self, config: WechatConfig, client: Client, external_url: str, renderer: Renderer) -> None:
        assert config.api_url is not None
        self._config = config
        self._api: Url = config.api_url
        self._client = client
        self._external_url = external_url
        self._renderer = renderer
        self._token = ""
        self._token_ends = 0.0
        self._fetching = trio.Lock()

    async def send(self, notify: Notify, alerts: tuple[Snapshot, ...]) -> Data:
        """See `Sender.send`. What the log holds as data stays as it is."""
        told = data(notify, alerts, self._external_url)
        token = await self._access(told)
        body = await apart(self._say, told)
        url = self._url("message/send", {**parse_qs(self._api.query, keep_blank_values=True), "access_token": [token]})
        answer = await self._client.post(url, body, {"Content-Type": "application/json"}, decisive=True)
        if answer.status != 200:
            text = f"unexpected status code {answer.status}"
            raise SendError(text, retry=True, reason=status_reason(answer.status))
        said = reply.read(answer, _Reply)
        if said.errcode == _EXPIRED and token == self._token:
            self._token = ""
        if said.errcode:
            raise SendError(said.errmsg, retry=said.errcode == _EXPIRED)
        return notify.data

    async def aclose(self) -> None:
        await self._client.aclose()

    async def _access(self, told: Told) -> str:
        """The token, fetched if there is none that is still good."""
        async with self._fetching:
            if not self._token or trio.current_time() > self._token_ends:
                query = await apart(self._ask, told, await self._secret())
                token = _access_token(await self._client.request("GET", self._url("gettoken", query), None, {}))
                if not token:
                    raise SendError(f"invalid APISecret for CorpID: {self._config.corp_id}", retry=False)
                self._token, self._token_ends = token, trio.current_time() + _TOKEN_LIFE
            return self._token

    async def _secret(self) -> str:
        try:
            return await self._client.files.either(self._config.api_secret, self._config.api_secret_file)
        except SecretError as error:
            raise SendError(str(error).partition(": ")[2], retry=False) from None

    def _ask(self, told: Told, secret: str) -> dict[str, list[str]]:
        rendering = Rendering(self._renderer, told)
        query = {"corpsecret": [rendering.text(secret)], "corpid": [rendering.text(self._config.corp_id)]}
        rendering.check("templating error: ")
        return query

    def _say(self, told: Told) -> bytes:
        config = self._config
        rendering = Rendering(self._renderer, told)
        touser, toparty, totag, agentid, message = map(
            rendering.text, (config.to_user, config.to_party, config.to_tag, config.agent_id, config.message)
        )
        rendering.check("templating error: ")
        markdown = config.message_type == "markdown"
        return encode(
            _Message(
                text=_Content(content="" if markdown else message),
                touser=touser,
                toparty=toparty,
                totag=totag,
                agentid=agentid,
                safe="0",
                msgtype=config.message_type,
                markdown=_Content(content=message if markdown else ""),
            )
        )

    def _url(self, name: str, query: dict[str, list[str]]) -> str:
        text = urlencode(sorted(query.items()), doseq=True, errors="surrogateescape")
        return str(replace(self._api, path=self._api.path + name, query=text))


def _access_token(answer: Answer) -> str:
    """What the server gave, whatever the status; what is no JSON is final, as upstream has it."""
    try:
        return (reply.decode(reply.whole(answer), _Token) or _Token()).access_token
    except (msgspec.DecodeError, RecursionError) as error:
        raise SendError(str(error), retry=False) from None


def build(config: WechatConfig, external_url: str, renderer: Renderer) -> Sender:
    """The sender for one entry of `wechat_configs`. Raises `BuildError`."""
    return Wechat(config, Client(config.http_config or HttpConfig()), external_url, renderer)
