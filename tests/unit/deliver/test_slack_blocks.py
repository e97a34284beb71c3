"""What upstream's Slack receiver does not do: Block Kit, and the answers of a group below its first message."""

import json
import time
from typing import Any

import pytest

from ampp.config import ConfigError, load
from ampp.config.receivers.slack import SlackConfig
from ampp.core.notify import Data
from ampp.core.plan import Integration
from ampp.deliver.integrations import slack
from ampp.deliver.sender import SendError
from ampp.template.renderer import Renderer

from .kit import alert, notify
from .server import Answer, Server, answer, serving

RENDERER = Renderer()
TO = Integration("team", "slack", 0, True)


def posted(ts: str) -> Answer:
    return answer(200, json.dumps({"ok": True, "ts": ts, "channel": "C1"}).encode(), Content_Type="application/json")


def refused(why: str) -> Answer:
    return answer(200, json.dumps({"ok": False, "error": why}).encode(), Content_Type="application/json")


def config(url: str, options: str) -> SlackConfig:
    entry = load(
        f"global: {{slack_app_url: '{url}', slack_app_token: xoxb}}\nroute: {{receiver: a}}\n"
        f"receivers: [{{name: a, slack_configs: [{{channel: '#c', {options}}}]}}]"
    ).entry("a", "slack", 0)
    assert isinstance(entry, SlackConfig)
    return entry


async def tell(server: Server, options: str, *alerts: Any, data: Data | None = None) -> Data:
    sender = slack.build(config(server.url, options), "http://am:9093", RENDERER)
    told = notify(TO, *alerts, data=data or {})
    try:
        return await sender.send(told, told.alerts)  # type: ignore[union-attr]
    finally:
        await sender.aclose()  # type: ignore[union-attr]


def body(server: Server, number: int = -1) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(server.requests[number].body)
    return found


def check_blocks(blocks: list[dict[str, Any]]) -> None:
    """Slack's rules for what is used here."""
    assert 0 < len(blocks) <= 50
    for block in blocks:
        match block:
            case {"type": "divider", **rest}:
                assert rest == {}
            case {"type": "header", "text": {"type": "plain_text", "text": text, "emoji": True}, **rest}:
                assert rest == {}
                assert 0 < len(text) <= 150
            case {"type": "section", "text": {"type": "mrkdwn", "text": text}, **rest}:
                assert rest == {}
                assert 0 < len(text) <= 3000
            case {"type": "section", "fields": fields, **rest}:
                assert rest == {}
                assert 0 < len(fields) <= 10
                assert all(one["type"] == "mrkdwn" and 0 < len(one["text"]) <= 2000 for one in fields)
            case {"type": "actions", "elements": elements, **rest}:
                assert rest == {}
                assert 0 < len(elements) <= 25
                assert all(0 < len(one["text"]["text"]) <= 75 and len(one["url"]) <= 3000 for one in elements)
            case {"type": "context", "elements": [{"type": "mrkdwn", "text": text}], **rest}:
                assert rest == {}
                assert 0 < len(text) <= 3000
            case _:
                pytest.fail(f"not a block: {block}")


async def test_the_layout() -> None:
    options = (
        "blocks: true, text: 'look <here>', actions: [{type: button, text: Runbook, url: 'http://r', style: danger},"
        " {type: button, text: ack, name: ack}]"
    )
    one = alert("Down", severity="warning", namespace="a<b")
    async with serving(posted("1.0")) as server:
        assert await tell(server, options, one) == {}
    message = body(server)
    (attachment,) = message.pop("attachments")
    assert message == {"channel": "#c", "username": "Alertmanager"}
    assert (attachment["color"], set(attachment)) == ("#FFA500", {"color", "fallback", "blocks"})
    assert attachment["fallback"].startswith("[FIRING:1] Down")
    check_blocks(attachment["blocks"])
    header, text, fields, actions, divider, context = attachment["blocks"]
    assert header["text"]["text"] == "🔥 [FIRING:1] Down (a<b warning)"
    assert text["text"]["text"] == "look <here>"
    assert [field["text"] for field in fields["fields"]] == [
        "*Status*\n1 firing, 0 resolved",
        "*Started*\n2023-11-14T22:13:20Z",
        "*Severity*\nwarning",
        "*Namespace*\na&lt;b",
    ]
    assert actions["elements"] == [
        {
            "type": "button",
            "text": {"type": "plain_text", "text": "Runbook", "emoji": True},
            "url": "http://r",
            "style": "danger",
        }
    ]
    assert divider == {"type": "divider"}
    assert context["elements"][0]["text"] == (
        f"`{one.fingerprint:016x}` · <http://am:9093/#/alerts?receiver=team|Alertmanager>"
    )


@pytest.mark.parametrize(
    ("labels", "firing", "color"),
    [
        ({"severity": "critical"}, True, "#FF0000"),
        ({"severity": "info"}, True, "#36A64F"),
        ({"severity": "noise"}, True, "#808080"),
        ({"severity": "strange"}, True, "#FF0000"),
        ({}, True, "#FF0000"),
        ({"severity": "critical"}, False, "#36A64F"),
    ],
)
async def test_colors(labels: dict[str, str], firing: bool, color: str) -> None:
    async with serving(posted("1.0")) as server:
        await tell(server, "blocks: true", alert("Down", firing=firing, **labels))
        await tell(server, "blocks: true, color: '{{ .Status }}'", alert("Down", firing=firing, **labels))
    assert body(server, 0)["attachments"][0]["color"] == color
    assert body(server, 1)["attachments"][0]["color"] == ("firing" if firing else "resolved")
    assert body(server, 0)["attachments"][0]["blocks"][0]["text"]["text"].startswith("🔥" if firing else "✅")


async def test_everything_is_cut_to_what_slack_takes() -> None:
    long = "'{{ printf `%05000d` 1 }}'"
    fields = ", ".join(f"{{title: t{i}, value: {long}}}" for i in range(12))
    actions = ", ".join(f"{{type: button, text: {long}, url: 'http://x'}}" for _ in range(30))
    options = f"blocks: true, title: {long}, text: {long}, fields: [{fields}], actions: [{actions}]"
    async with serving(posted("1.0")) as server:
        await tell(server, options, *(alert(f"A{i}") for i in range(300)))
    blocks = body(server)["attachments"][0]["blocks"]
    check_blocks(blocks)
    assert "and 295 more" in blocks[-1]["elements"][0]["text"]


async def test_a_group_is_one_thread() -> None:
    ts = f"{time.time():.6f}"
    async with serving(posted(ts)) as server:
        data = await tell(server, "thread: true", alert(), data={"kept": 1})
        assert data == {"kept": 1, "threadTs": ts, "channelId": "C1"}
        assert await tell(server, "thread: true", alert(firing=False), data=data) == data
    first, second = body(server, 0), body(server, 1)
    assert (first["channel"], first.get("thread_ts")) == ("#c", None)
    assert (second["channel"], second["thread_ts"]) == ("C1", ts)
    assert server.requests[1].header("authorization") == "Bearer xoxb"


@pytest.mark.parametrize("ts", [f"{time.time() - 90_000:.6f}", "nonsense"], ids=["old", "nonsense"])
async def test_what_is_far_up_is_said_again_in_the_channel(ts: str) -> None:
    async with serving(posted("9.0")) as server:
        data = await tell(server, "thread: true", data={"threadTs": ts, "channelId": "C1"})
    assert data == {"threadTs": "9.0", "channelId": "C1"}
    assert "thread_ts" not in body(server)


async def test_a_thread_that_is_gone_begins_anew() -> None:
    data: Data = {"threadTs": f"{time.time():.6f}", "channelId": "C0"}
    async with serving(refused("thread_not_found"), posted("9.0")) as server:
        assert await tell(server, "thread: true", data=data) == {"threadTs": "9.0", "channelId": "C1"}
    assert body(server, 0)["channel"] == "C0"
    assert body(server, 1)["channel"] == "#c"
    async with serving(refused("channel_not_found"), posted("9.0")) as server:
        with pytest.raises(SendError, match="channel_not_found"):
            await tell(server, "thread: true", data=data)
    assert len(server.requests) == 1


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ("api_url: 'http://hook/'", "thread can only be used with bot tokens: "),
        ("api_url_file: f", "thread can only be used with bot tokens: "),
        (
            "api_url: 'https://slack.com/api/chat.postMessage', update_message: true",
            "at most one of update_message & thread must be configured",
        ),
    ],
)
def test_where_threads_cannot_be(options: str, message: str) -> None:
    with pytest.raises(ConfigError) as caught:
        load(f"route: {{receiver: a}}\nreceivers: [{{name: a, slack_configs: [{{thread: true, {options}}}]}}]")
    assert str(caught.value).startswith(message)


def test_neither_shows_in_a_dump_unless_set() -> None:
    def dumped(options: str) -> str:
        entries = f"[{{api_url: 'http://h'{options}}}]"
        return load(f"route: {{receiver: a}}\nreceivers: [{{name: a, slack_configs: {entries}}}]").original()

    assert "blocks" not in dumped("") + dumped(", blocks: false")
    assert "    timeout: 0s\n    blocks: true\n" in dumped(", blocks: true")
