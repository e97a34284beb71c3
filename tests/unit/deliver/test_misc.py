"""Pushover, Telegram, Webex, Teams and WeChat against a real server: what arrives, and what each answer means."""

from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any, TypeAlias
from urllib.parse import parse_qs, urlsplit

import msgspec
import pytest
import trio

from ampp.config.http import HttpConfig
from ampp.config.receivers.msteams import MsteamsConfig
from ampp.config.receivers.msteamsv2 import Msteamsv2Config
from ampp.config.receivers.pushover import PushoverConfig
from ampp.config.receivers.telegram import TelegramConfig
from ampp.config.receivers.webex import WebexConfig
from ampp.config.receivers.wechat import WechatConfig
from ampp.config.secret import Secret
from ampp.config.url import parse
from ampp.core.alert import Snapshot
from ampp.core.clock import SECOND
from ampp.core.reason import FailureReason
from ampp.deliver.http import Client
from ampp.deliver.integrations import msteams, msteamsv2, telegram, webex, wechat
from ampp.deliver.integrations.pushover import Pushover
from ampp.deliver.sender import Sender, SendError, Unsendable
from ampp.template.renderer import Renderer

from .kit import HOOK, alert, notify
from .server import Answer, Server, answer, close, serving

RENDERER = Renderer()
AM = "http://am:9093"
Make: TypeAlias = Callable[..., Sender]


def pushover_to(url: str, /, **more: Any) -> Sender:
    config = PushoverConfig(**{"token": Secret("t"), "user_key": Secret("u"), **more})
    return Pushover(config, Client(HttpConfig()), AM, RENDERER, f"{url}/1/messages.json")


def telegram_to(url: str, /, **more: Any) -> Sender | Unsendable:
    config = TelegramConfig(**{"api_url": parse(url), "bot_token": Secret("1:tok"), "chat_id": -1, **more})
    return telegram.build(config, AM, RENDERER)


def webex_to(url: str, /, **more: Any) -> Sender | Unsendable:
    return webex.build(WebexConfig(**{"api_url": parse(url + "/v1"), "room_id": "r", **more}), AM, RENDERER)


def msteams_to(url: str, /, **more: Any) -> Sender | Unsendable:
    return msteams.build(MsteamsConfig(**{"webhook_url": Secret(url + "/t"), **more}), AM, RENDERER)


def msteamsv2_to(url: str, /, **more: Any) -> Sender | Unsendable:
    return msteamsv2.build(Msteamsv2Config(**{"webhook_url": Secret(url + "/t"), **more}), AM, RENDERER)


def wechat_to(url: str, /, **more: Any) -> Sender | Unsendable:
    given = {"api_url": parse(url + "/cgi/"), "corp_id": "c&d", "api_secret": Secret("s"), "message_type": "text"}
    return wechat.build(WechatConfig(**{**given, **more}), AM, RENDERER)


PLAIN = [pushover_to, webex_to, msteams_to, msteamsv2_to]
ALL = [*PLAIN, telegram_to, wechat_to]


@pytest.fixture
async def make() -> AsyncIterator[Callable[..., Sender]]:
    """Makes senders, which are closed at the end."""
    made: list[Sender] = []

    def build(kind: Make, server: Server | str, /, **more: Any) -> Sender:
        made.append(kind(server if isinstance(server, str) else server.url, **more))
        return made[-1]

    yield build
    for sender in made:
        await sender.aclose()


async def tell(sender: Sender, *alerts: Snapshot) -> None:
    told = notify(HOOK, *alerts, data={"kept": 1})
    assert await sender.send(told, told.alerts) == {"kept": 1}


async def failure(sender: Sender) -> SendError:
    told = notify()
    with pytest.raises(SendError) as caught:
        await sender.send(told, told.alerts)
    return caught.value


def said(server: Server, at: int = -1) -> Any:
    return msgspec.json.decode(server.requests[at].body)


@pytest.mark.parametrize("kind", PLAIN)
@pytest.mark.parametrize(
    ("status", "retry", "reason"),
    [
        (400, False, FailureReason.CLIENT),
        (401, False, FailureReason.AUTH),
        (429, False, FailureReason.RATE_LIMITED),
        (500, True, FailureReason.SERVER),
        (304, False, FailureReason.OTHER),
    ],
)
async def test_statuses(make: Make, kind: Make, status: int, retry: bool, reason: FailureReason) -> None:
    async with serving(answer(status, b"why")) as server:
        error = await failure(make(kind, server))
    shown = "" if status == 304 else ": why"
    assert (str(error), error.retry, error.reason) == (f"unexpected status code {status}{shown}", retry, reason)


@pytest.mark.parametrize("kind", ALL)
async def test_a_broken_exchange_is_retried_and_hides_the_secrets(make: Make, kind: Make) -> None:
    async with serving(close) as server:
        error = await failure(make(kind, server))
    assert str(error) in ('Post "<redacted>": EOF', 'Get "<redacted>": EOF')
    assert (error.retry, error.reason) == (True, FailureReason.OTHER)


@pytest.mark.parametrize(
    ("kind", "field", "context"),
    [
        (pushover_to, "url_title", ""),
        (pushover_to, "token", ""),
        (telegram_to, "message", ""),
        (webex_to, "message", ""),
        (msteams_to, "summary", ""),
        (msteamsv2_to, "text", ""),
        (wechat_to, "message", "templating error: "),
        (wechat_to, "corp_id", "templating error: "),
    ],
)
async def test_a_template_that_fails_is_final(make: Make, kind: Make, field: str, context: str) -> None:
    bad = "{{ .X }}"
    async with serving(answer(200, b'{"access_token":"T"}')) as server:
        error = await failure(make(kind, server, **{field: Secret(bad) if field == "token" else bad}))
        assert str(error).startswith(f"{context}template: :1:3: executing")
        assert (error.retry, [one.target for one in server.requests if one.method == "POST"]) == (False, [])


# Teams.


@pytest.mark.parametrize("kind", [msteams_to, msteamsv2_to])
async def test_the_url_is_read_from_its_file_for_each_message(make: Make, kind: Make, tmp_path: Path) -> None:
    path = tmp_path / "url"
    async with serving(answer(200)) as server:
        sender = make(kind, server, webhook_url=None, webhook_url_file=str(path))
        error = await failure(sender)
        why = f"read webhook_url_file: open {path}: no such file or directory"
        assert (str(error), error.retry) == (why, False)
        for name in ("/a", "/b"):
            path.write_text(f" {server.url}{name}\n")
            await tell(sender)
        assert [one.target for one in server.requests] == ["/a", "/b"]


async def test_cards_are_coloured(make: Make) -> None:
    async with serving(answer(200)) as server:
        for kind in (msteams_to, msteamsv2_to):
            for firing in (True, False):
                await tell(make(kind, server), alert(firing=firing), alert(firing=False))
        colors = [
            one["themeColor"] if "themeColor" in one else one["attachments"][0]["content"]["body"][0]["color"]
            for one in (said(server, at) for at in range(4))
        ]
        assert colors == ["8C1A1A", "2DC72D", "Attention", "Good"]
        assert server.requests[0].header("content-type") == "application/json"


# Webex.


async def test_webex_cuts_bytes_and_swallows_a_bad_room(make: Make) -> None:
    async with serving(answer(200)) as server:
        await tell(make(webex_to, server, message='{{ printf "%04001d" 0 }}' + "é" * 2000, room_id="{{ .X }}"))
        # Half a character would still fit before the ellipsis.
        assert said(server) == {"markdown": "0" * 4001 + "é" * 1717 + "…"}
        await tell(make(webex_to, server, message="é" * 3719 + "0"))
        assert said(server) == {"markdown": "é" * 3719 + "0", "roomId": "r"}


# Pushover.


async def test_pushover_reads_its_keys_as_they_stand(make: Make, tmp_path: Path) -> None:
    for name in ("token", "user"):
        (tmp_path / name).write_text(f"{name} {{{{ .Status }}}}\n")
    files = {"token_file": str(tmp_path / "token"), "user_key_file": str(tmp_path / "user")}
    async with serving(answer(200)) as server:
        await tell(make(pushover_to, server, token=Secret(), user_key=Secret(), **files))
        request = server.requests[0]
        assert (request.method, request.body) == ("POST", b"")
        assert request.header("content-type") == "text/plain"
        assert request.header("content-length") == "0"
        target = urlsplit(request.target)
        assert target.path == "/1/messages.json"
        query = parse_qs(target.query, keep_blank_values=True, strict_parsing=True)
        assert (query["token"], query["user"]) == (["token firing\n"], ["user firing\n"])
        assert (query["priority"], query["retry"], query["expire"]) == (["2"], ["60"], ["3600"])
        (tmp_path / "user").unlink()
        error = await failure(make(pushover_to, server, user_key=Secret(), user_key_file=files["user_key_file"]))
        assert str(error) == f"read user_key_file: open {files['user_key_file']}: no such file or directory"
        assert not error.retry


@pytest.mark.parametrize(
    ("more", "expected"),
    [
        ({"title": "é" * 250}, {"title": "é" * 250}),
        ({"title": "é" * 251}, {"title": "é" * 249 + "…"}),
        ({"message": "\n" + "\U0001f600" * 1024}, {"message": "\U0001f600" * 1022 + "…"}),
        ({"message": "\u00a0\n"}, {"message": "(no details)"}),
        ({"url": "x" * 513}, {"url": "x" * 511 + "…"}),
        ({"message": "{{ `<&` }}", "html": True}, {"message": "&lt;&amp;", "html": "1"}),
        ({"message": "{{ `<&` }}", "monospace": True}, {"message": "<&", "monospace": "1"}),
        ({"ttl": 999_999_999}, {"ttl": ""}),
        ({"ttl": 90 * SECOND}, {"ttl": "90"}),
    ],
)
async def test_pushover_fields(make: Make, more: dict[str, Any], expected: dict[str, str]) -> None:
    async with serving(answer(200)) as server:
        await tell(make(pushover_to, server, **more))
        query = parse_qs(urlsplit(server.requests[0].target).query, keep_blank_values=True, strict_parsing=True)
    assert list(query) == sorted(query)
    assert {name: query.get(name, [""])[0] for name in expected} == expected


# Telegram.

YES = answer(200, b'{"ok":true,"result":{"message_id":1}}')


@pytest.mark.parametrize(
    ("reply", "text", "reason"),
    [
        (
            answer(400, b'{"ok":false,"error_code":400,"description":"Bad Request: chat not found"}'),
            "telegram: Bad Request: chat not found (400)",
            FailureReason.CLIENT,
        ),
        (
            answer(200, b'{"ok":false,"error_code":401,"description":"Unauthorized"}'),
            "telegram: Unauthorized (401)",
            FailureReason.AUTH,
        ),
        (
            answer(429, b'{"ok":false,"error_code":429,"description":"x","parameters":{"retry_after":3}}'),
            "telegram: x (429)",
            FailureReason.RATE_LIMITED,
        ),
    ],
)
async def test_telegram_always_tries_again(make: Make, reply: Answer, text: str, reason: FailureReason) -> None:
    async with serving(reply) as server:
        error = await failure(make(telegram_to, server))
    assert (str(error), error.retry, error.reason) == (text, True, reason)


async def test_telegram_goes_by_the_body_alone(make: Make) -> None:
    async with serving(answer(500, b'{"ok":true}'), answer(200, b"<html>")) as server:
        await tell(make(telegram_to, server))
        error = await failure(make(telegram_to, server))
    assert str(error).startswith("could not unmarshal JSON response")
    assert error.retry


async def test_telegram_messages(make: Make) -> None:
    text = "é{{ `<b>'+` }}"
    async with serving(YES) as server:
        await tell(make(telegram_to, server, message=text))
        request = server.requests[0]
        assert (request.method, request.target) == ("POST", "/bot1:tok/sendMessage")
        assert request.header("user-agent") == "Go-http-client/1.1"
        assert request.body.decode() == (
            '{"chat_id":"-1","disable_web_page_preview":"true","parse_mode":"HTML",'
            '"text":"é\\u0026lt;b\\u0026gt;\\u0026#39;\\u0026#43;"}\n'
        )
        await tell(
            make(
                *(telegram_to, server),
                message=text,
                parse_mode="MarkdownV2",
                disable_notifications=True,
                message_thread_id=5,
            )
        )
        assert server.requests[-1].body.decode() == (
            '{"chat_id":"-1","disable_notification":"true","disable_web_page_preview":"true",'
            '"message_thread_id":"5","parse_mode":"MarkdownV2","text":"é\\u003cb\\u003e\'+"}\n'
        )


@pytest.mark.parametrize(
    ("mode", "length", "text"),
    [
        ("HTML", 4096, "é" * 4096),
        (
            *("HTML", 4097),
            "Alertmanager notification could not be sent: message length exceeds Telegram limits.\n"
            "\t\t\tPlease check the template used for producing the message content.",
        ),
        ("", 4096, "é" * 4096),
        ("Markdown", 4097, "é" * 4095 + "…"),
    ],
)
async def test_telegram_limits(make: Make, mode: str, length: int, text: str) -> None:
    async with serving(YES) as server:
        await tell(make(telegram_to, server, message="é" * length, parse_mode=mode))
        assert said(server)["text"] == text
        assert said(server).get("parse_mode", "") == mode


async def test_telegram_files(make: Make, tmp_path: Path) -> None:
    token, chat = tmp_path / "token", tmp_path / "chat"
    files = {"bot_token_file": str(token), "chat_id_file": str(chat)}
    async with serving(YES) as server:
        sender = make(telegram_to, server, bot_token=Secret(), chat_id=0, **files)
        error = await failure(sender)
        assert str(error) == f"could not read {token}: open {token}: no such file or directory"
        assert error.retry
        token.write_text(" 2:new\n")
        for content, why in (("x", "invalid syntax"), ("9223372036854775808", "value out of range")):
            chat.write_text(content)
            error = await failure(sender)
            wrong = f'could not parse chat_id from {chat}: strconv.ParseInt: parsing "{content}": {why}'
            assert (str(error), error.retry) == (wrong, True)
        chat.write_text("-100123\n")
        await tell(sender)
        assert (server.requests[0].target, said(server)["chat_id"]) == ("/bot2:new/sendMessage", "-100123")


# WeChat.

TOKEN = answer(200, b'{"errcode":0,"errmsg":"ok","access_token":"T&1","expires_in":7200}')
SENT = answer(200, b'{"errcode":0,"errmsg":"ok"}')
EXPIRED = answer(200, b'{"errcode":42001,"errmsg":"access_token expired"}')


async def test_wechat_keeps_its_token_for_two_hours(make: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    async with serving(TOKEN, SENT, SENT, TOKEN, SENT) as server:
        sender = make(wechat_to, server, to_user="@all", message="é {{ .Status }}", message_type="markdown")
        await tell(sender)
        await tell(sender, alert(firing=False))
        real, ahead = trio.current_time, 2 * 60 * 60 + 1
        monkeypatch.setattr("ampp.deliver.integrations.wechat.trio.current_time", lambda: real() + ahead)
        await tell(sender)
        fetch, send = "/cgi/gettoken?corpid=c%26d&corpsecret=s", "/cgi/message/send?access_token=T%261"
        assert [(one.method, one.target) for one in server.requests] == [
            ("GET", fetch),
            ("POST", send),
            ("POST", send),
            ("GET", fetch),
            ("POST", send),
        ]
        assert server.requests[0].header("content-type") is None
        assert [request.body.decode() for request in server.requests[1:3]] == [
            '{"text":{"content":""},"touser":"@all","safe":"0","msgtype":"markdown",'
            f'"markdown":{{"content":"é {status}"}}}}\n'
            for status in ("firing", "resolved")
        ]


async def test_wechat_drops_an_expired_token(make: Make) -> None:
    async with serving(TOKEN, EXPIRED, TOKEN, SENT) as server:
        sender = make(wechat_to, server)
        error = await failure(sender)
        assert (str(error), error.retry) == ("access_token expired", True)
        await tell(sender)
        assert [one.method for one in server.requests] == ["GET", "POST", "GET", "POST"]


async def test_wechat_fetches_one_token_for_all(make: Make) -> None:
    async with serving(TOKEN, SENT) as server:
        sender = make(wechat_to, server)
        async with trio.open_nursery() as nursery:
            for _ in range(4):
                nursery.start_soon(tell, sender)
        assert [one.method for one in server.requests].count("GET") == 1
        assert len(server.requests) == 5


@pytest.mark.parametrize(
    ("steps", "text", "retry", "reason"),
    [
        ((answer(200, b'{"errcode":40001}'),), "invalid APISecret for CorpID: c&d", False, FailureReason.OTHER),
        ((answer(502, b"<html>"),), "JSON is malformed", False, FailureReason.OTHER),
        ((TOKEN, answer(404)), "unexpected status code 404", True, FailureReason.CLIENT),
        ((TOKEN, answer(201, b'{"errcode":0}')), "unexpected status code 201", True, FailureReason.OTHER),
        ((TOKEN, answer(429)), "unexpected status code 429", True, FailureReason.RATE_LIMITED),
        ((TOKEN, answer(200, b"x")), "could not unmarshal JSON response", True, FailureReason.CLIENT),
        (
            (TOKEN, answer(200, b'{"errcode":81013,"errmsg":"user & party & tag all invalid"}')),
            *("user & party & tag all invalid", False, FailureReason.OTHER),
        ),
    ],
)
async def test_wechat_answers(
    make: Make, steps: tuple[Answer, ...], text: str, retry: bool, reason: FailureReason
) -> None:
    async with serving(*steps) as server:
        error = await failure(make(wechat_to, server))
    assert str(error).startswith(text)
    assert (error.retry, error.reason) == (retry, reason)


async def test_wechat_reads_its_secret_for_each_token(make: Make, tmp_path: Path) -> None:
    path = tmp_path / "secret"
    async with serving(TOKEN, SENT) as server:
        sender = make(wechat_to, server, api_secret=Secret(), api_secret_file=str(path))
        error = await failure(sender)
        assert (str(error), error.retry) == (f"open {path}: no such file or directory", False)
        path.write_text("s {{ .Status }}\n")
        await tell(sender)
        assert server.requests[0].target == "/cgi/gettoken?corpid=c%26d&corpsecret=s+firing"
