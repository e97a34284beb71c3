"""What only Slack does: fields, actions, answers that say no with status 200, messages that replace earlier ones."""

from typing import Any

import pytest
import trio

from ampp.config import load
from ampp.config.receivers.slack import SlackAction, SlackConfirmation, SlackField
from ampp.core.clock import MILLISECOND
from ampp.core.notify import Data
from ampp.core.reason import FailureReason
from ampp.deliver import answer as answer_of
from ampp.deliver.integrations import FACTORIES, slack
from ampp.deliver.sender import Sender, SendError, Unsendable

from .server import Answer, Request, answer, endless, hang, serving
from .test_chat import RENDERER, YES, chat, failure, told

TAIL = b'"callback_id":"","footer":"","color":"c","mrkdwn_in":["fallback","pretext","text"]}]}\n'
PLAIN: dict[str, Any] = {"username": "", "title": "", "title_link": "", "fallback": "", "color": "c"}


async def sent(**config: object) -> bytes:
    async with serving(YES) as server:
        sender = chat("slack", server.url, **{**PLAIN, **config})
        one = told("slack")
        await sender.send(one, one.alerts)
        await sender.aclose()
        return server.requests[0].body


async def test_every_part_in_its_place() -> None:
    status = "{{ .Status }}"
    body = await sent(
        channel=f"#{status}",
        username=f"u {status}",
        icon_emoji=f":{status}:",
        icon_url=f"http://i/{status}",
        link_names=True,
        message_text=f"m {status} <b>",
        title=f"t {status}",
        title_link=f"l {status}",
        pretext=f"p {status}",
        text=f"x {status}",
        fallback=f"f {status}",
        callback_id=f"c {status}",
        image_url=f"http://g/{status}",
        thumb_url=f"http://h/{status}",
        footer=f"o {status}",
        color=f"r {status}",
        mrkdwn_in=("text", status),
        short_fields=True,
        fields=(
            SlackField(title=f"a {status}", value=f"b {status}"),
            SlackField(title="c", value="d", short=False),
            SlackField(title="{{ .GroupLabels.none }}", value="{{ .GroupLabels.none }}", short=True),
        ),
        actions=(
            SlackAction(type="button", text=f"t {status}", url=f"http://u/{status}", style=f"s {status}"),
            SlackAction(
                type="button",
                text="ack",
                name=f"n {status}",
                value=f"v {status}",
                confirm=SlackConfirmation(text=f"q {status}", title="t", ok_text="y", dismiss_text="n"),
            ),
            SlackAction(type="button", text="more", name="n", confirm=SlackConfirmation(text="only")),
        ),
    )
    assert body == (
        rb'{"channel":"#firing","username":"u firing","icon_emoji":":firing:","icon_url":"http://i/firing",'
        rb'"link_names":true,"text":"m firing \u003cb\u003e","attachments":[{"title":"t firing",'
        rb'"title_link":"l firing",'
        rb'"pretext":"p firing","text":"x firing","fallback":"f firing","callback_id":"c firing","fields":['
        rb'{"title":"a firing","value":"b firing","short":true},{"title":"c","value":"d","short":false},'
        rb'{"short":true}],'
        rb'"actions":[{"type":"button","text":"t firing","url":"http://u/firing","style":"s firing"},'
        rb'{"type":"button","text":"ack","name":"n firing","value":"v firing",'
        rb'"confirm":{"text":"q firing","title":"t","ok_text":"y","dismiss_text":"n"}},'
        rb'{"type":"button","text":"more","name":"n","confirm":{"text":"only"}}],'
        rb'"image_url":"http://g/firing","thumb_url":"http://h/firing","footer":"o firing","color":"r firing",'
        rb'"mrkdwn_in":["text","{{ .Status }}"]}]}' + b"\n"
    )


async def test_what_cannot_be_rendered_is_left_out_with_all_that_follows(caplog: pytest.LogCaptureFixture) -> None:
    body = await sent(
        title="first",
        pretext="{{ .Nope }}",
        text="gone",
        color="gone",
        channel="gone",
        message_text="gone",
        username="u",
    )
    assert body == (
        b'{"attachments":[{"title":"first","text":"","fallback":"","callback_id":"","footer":"",'
        b'"mrkdwn_in":["fallback","pretext","text"]}]}\n'
    )
    assert [record.getMessage() for record in caplog.records] == ["Sending without what cannot be rendered"]


JSON = "application/json; charset=utf-8"


@pytest.mark.parametrize(
    ("act", "text", "retry"),
    [
        (
            answer(200, b'{"ok":false,"error":"channel_not_found","needed":1}', Content_Type=JSON),
            "error response from Slack: channel_not_found",
            False,
        ),
        (answer(200, b'{"error":null}', Content_Type=JSON), "error response from Slack: ", False),
        (answer(200, b"null", Content_Type=JSON), "error response from Slack: ", False),
        (answer(200, b"ok", Content_Type=JSON), 'could not unmarshal JSON response "ok": JSON is malformed: ', True),
        (answer(200, b"", Content_Type=JSON), 'could not unmarshal JSON response "": ', True),
        (answer(200, b'{"ok":1}', Content_Type=JSON), 'could not unmarshal JSON response "{\\"ok\\":1}": ', True),
        (answer(200, b"[" * 5000, Content_Type=JSON), "could not unmarshal JSON response ", True),
        (answer(200, b'{"ok":true}'), 'received an error response from Slack: {"ok":true}', False),
        (answer(200, b"ok\n", Content_Type="text/html"), "received an error response from Slack: ok\n", False),
        (
            answer(200, b"no_team\xff", Content_Type="text/html"),
            "received an error response from Slack: no_team\ufffd",
            False,
        ),
        (answer(204), "received an error response from Slack: ", False),
    ],
)
async def test_answers_that_say_no(act: Answer, text: str, retry: bool) -> None:
    async with serving(act) as server:
        error = await failure("slack", chat("slack", server.url, channel="#{{ .Status }}"))
    assert str(error).startswith(f'channel "#firing": {text}')
    assert (error.retry, error.reason) == (retry, FailureReason.CLIENT)


@pytest.mark.parametrize(
    "act",
    [
        answer(200, b"ok"),
        answer(202, b"ok", Content_Type="text/html"),
        answer(200, b'{"ok":true,"ts":null,"warnings":["\xff"],"a":[{}]}', Content_Type="application/json"),
    ],
)
async def test_answers_that_say_yes(act: Answer) -> None:
    async with serving(act) as server:
        sender = chat("slack", server.url)
        one = told("slack")
        assert await sender.send(one, one.alerts) == {}
        await sender.aclose()


async def cut_off(_request: Request, stream: trio.abc.Stream) -> None:
    await stream.send_all(b"HTTP/1.1 200 X\r\nContent-Length: 100\r\n\r\nok")
    await stream.aclose()


async def late(_request: Request, stream: trio.abc.Stream) -> None:
    await stream.send_all(b"HTTP/1.1 200 X\r\nContent-Length: 2\r\n\r\no")
    await trio.sleep(0.2)
    await stream.send_all(b"k")


async def test_the_answer_is_read_to_its_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(answer_of, "SETTLED_WAIT", 0.01)
    async with serving(late, cut_off) as server:
        sender = chat("slack", server.url)
        one = told("slack")
        await sender.send(one, one.alerts)
        error = await failure("slack", sender)
    assert (str(error), error.retry) == ('channel "": could not read response body: unexpected EOF', True)
    monkeypatch.setattr(answer_of, "_BODY_WAIT", 0.1)
    async with serving(endless(200, b"drip", 0.01), endless(200, b"x" * 100_000, 0)) as server:
        error = await failure("slack", chat("slack", server.url))
        assert str(error) == 'channel "": could not read response body: timeout awaiting response body'
        error = await failure("slack", chat("slack", server.url))
        assert str(error) == 'channel "": could not read response body: more than 1048576 bytes'
        assert error.retry


async def test_an_answer_larger_than_what_is_shown_of_errors() -> None:
    body = b'{"ok":true,"message":"' + b"x" * 2 * answer_of.BODY_LIMIT + b'"}'
    async with serving(answer(200, body, Content_Type="application/json")) as server:
        sender = chat("slack", server.url)
        one = told("slack")
        assert await sender.send(one, one.alerts) == {}
        await sender.aclose()


async def test_the_configured_timeout_ends_an_attempt() -> None:
    async with serving(hang) as server:
        error = await failure("slack", chat("slack", server.url, timeout=50 * MILLISECOND))
    assert str(error) == 'Post "<redacted>": configured slack timeout reached (50ms)'
    assert error.retry


def bot(url: str, more: str = "") -> Sender:
    config = load(
        "route: {receiver: r}\nreceivers: [{name: r, slack_configs: [{app_token: xoxb-1, app_url: '"
        + url
        + "/api/chat.postMessage', channel: '#c'"
        + more
        + "}]}]"
    )
    sender = FACTORIES["slack"](config.entry("r", "slack", 0), "", RENDERER)
    assert not isinstance(sender, Unsendable)
    return sender


async def test_a_bot_shows_its_token() -> None:
    async with serving(answer(302, Location="http://localhost:1/"), YES) as server:
        sender = bot(server.url)
        error = await failure("slack", sender)
        assert "connection refused" in str(error)
        one = told("slack")
        await sender.send(one, one.alerts)
        await sender.aclose()
        assert [(one.target, one.header("authorization")) for one in server.requests] == [
            ("/api/chat.postMessage", "Bearer xoxb-1")
        ] * 2


async def test_a_message_replaces_the_one_before(monkeypatch: pytest.MonkeyPatch) -> None:
    said = [b'{"ok":true,"ts":"1.5","channel":"C1"}', b'{"ok":true,"ts":"1.6","channel":"C1"}', b'{"ok":true}', b"ok"]
    steps = [answer(200, body, Content_Type="application/json") for body in said[:3]] + [answer(200, said[3])]
    async with serving(*steps) as server:
        monkeypatch.setattr(slack, "_UPDATE", server.url + "/api/chat.update")
        sender = chat("slack", server.url + "/api/chat.postMessage", channel="#c", update_message=True)
        data: Data = {"other": 7}
        seen = []
        for _ in range(4):
            one = told("slack", data=data)
            data = await sender.send(one, one.alerts)
            seen.append(data)
        await sender.aclose()
    assert seen == [
        {"other": 7, "threadTs": "1.5", "channelId": "C1"},
        {"other": 7, "threadTs": "1.6", "channelId": "C1"},
        {"other": 7, "threadTs": "1.6", "channelId": "C1"},
        {"other": 7, "threadTs": "1.6", "channelId": "C1"},
    ]
    assert [request.target for request in server.requests] == ["/api/chat.postMessage"] + ["/api/chat.update"] * 3
    starts = [request.body[:38] for request in server.requests]
    assert starts[0] == b'{"channel":"#c","username":"Alertmanag'
    assert starts[1] == b'{"channel":"C1","ts":"1.5","username":'
    assert starts[2] == starts[3] == b'{"channel":"C1","ts":"1.6","username":'


@pytest.mark.parametrize(
    ("update", "data"),
    [(False, {"threadTs": "1.5", "channelId": "C1"}), (True, {"threadTs": "1.5"}), (True, {"channelId": "C1"})],
)
async def test_nothing_is_replaced_unless_asked_for_and_known(update: bool, data: Data) -> None:
    act = answer(200, b'{"ok":true,"ts":"9","channel":"C9"}', Content_Type="application/json")
    async with serving(act) as server:
        sender = chat("slack", server.url, channel="#c", update_message=update)
        one = told("slack", data=data)
        kept = await sender.send(one, one.alerts)
        await sender.aclose()
    assert kept == ({"threadTs": "9", "channelId": "C9"} if update else data)
    assert server.requests[0].body.startswith(b'{"channel":"#c","username":')


async def test_errors_about_a_replaced_message_name_its_channel(monkeypatch: pytest.MonkeyPatch) -> None:
    async with serving(answer(500)) as server:
        monkeypatch.setattr(slack, "_UPDATE", server.url)
        sender = chat("slack", server.url, channel="#c", update_message=True)
        one = told("slack", data={"threadTs": "1", "channelId": "C1"})
        with pytest.raises(SendError, match=r'^channel "C1": unexpected status code 500$'):
            await sender.send(one, one.alerts)
        await sender.aclose()
