"""Texts that a receiver would not take are cut, and the log says so, in upstream's words."""

import importlib
import logging
from typing import Any

import pytest

from ampp.config import load
from ampp.core.plan import Integration
from ampp.deliver.sender import Sender
from ampp.template.renderer import Renderer

from .kit import alert, notify
from .server import answer, serving

LONG = "{{ .CommonLabels.long }}"


def built(kind: str, text: str, url: str) -> Sender:
    config = load(f"route: {{receiver: r}}\nreceivers:\n- name: r\n  {kind}_configs: [{text.replace('URL', url)}]\n")
    entry = config.entry("r", kind, 0)
    module = importlib.import_module(f"ampp.deliver.integrations.{kind}")
    sender: Sender = module.build(entry, "http://am", Renderer())
    return sender


@pytest.mark.parametrize(
    ("kind", "entry", "warnings"),
    [
        ("slack", f"{{api_url: URL, title: '{LONG}', channel: c}}", [("title", 1024)]),
        ("opsgenie", f"{{api_url: URL, api_key: k, message: '{LONG}'}}", [("message", 130)]),
        (
            "victorops",
            f"{{api_url: URL, api_key: k, routing_key: r, state_message: '{LONG}'}}",
            [("state_message", 20480)],
        ),
        (
            "discord",
            f"{{webhook_url: URL, title: '{LONG}', message: '{LONG}', content: '{LONG}'}}",
            [("title", 256), ("message", 4096), ("message", 2000)],
        ),
        (
            "telegram",
            f"{{api_url: URL, bot_token: t, chat_id: 1, parse_mode: '', message: '{LONG}'}}",
            [("message", 4096)],
        ),
        ("rocketchat", f"{{api_url: URL, token: t, token_id: i, title: '{LONG}'}}", [("title", 1024)]),
        ("mattermost", f"{{webhook_url: URL, text: '{LONG}', attachments: [{{title: t}}]}}", [("text", 16383)]),
        (
            "pagerduty",
            f"{{url: URL, routing_key: k, description: '{LONG}', details: {{a: f}}}}",
            [("summary", 1024)],
        ),
        (
            "jira",
            f"{{api_url: URL, project: p, issue_type: b, summary: '{LONG}', description: '{LONG}',"
            " http_config: {basic_auth: {username: u, password: p}}}",
            [("summary", 255), ("description", 32767)],
        ),
    ],
)
async def test_what_is_cut_is_told(
    kind: str, entry: str, warnings: list[tuple[str, int]], caplog: pytest.LogCaptureFixture
) -> None:
    reply = b'{"ok":true,"success":true,"issues":[]}' if kind != "mattermost" else b"ok"
    async with serving(answer(200, reply, Content_Type="application/json")) as server:
        sender = built(kind, entry, server.url)
        for size, told in ((max(limit for _, limit in warnings) + 1, True), (10, False)):
            caplog.clear()
            about = notify(Integration("r", kind, 0, True), alert(long="x" * size))
            with caplog.at_level(logging.WARNING):
                await sender.send(about, about.alerts)
            logged: list[Any] = [(record.getMessage(), vars(record)["attributes"]) for record in caplog.records]
            where = {"receiver": "r", "integration": f"{kind}[0]", "aggrGroup": about.group_key}
            assert logged == [(f"Truncated {what}", {**where, "max_runes": limit}) for what, limit in warnings if told]
        await sender.aclose()


@pytest.mark.parametrize(("labels", "level"), [(1, "WARNING"), (2, "ERROR")])
async def test_incidentio_keeps_one_alert(labels: int, level: str, caplog: pytest.LogCaptureFixture) -> None:
    async with serving(answer(202)) as server:
        sender = built("incidentio", "{url: URL, alert_source_token: t}", server.url)
        big = {f"l{i}": "x" * 200_000 for i in range(labels)}
        about = notify(Integration("r", "incidentio", 0, True), alert("A", **big), alert("B", **big))
        await sender.send(about, about.alerts)
        await sender.aclose()
    (record,) = caplog.records
    assert record.levelname == level
    assert record.getMessage().startswith("Truncated alert content due to incident.io payload size limit")
    assert vars(record)["attributes"]["max_size"] == 512 * 1024


async def test_pagerduty_leaves_details_out(caplog: pytest.LogCaptureFixture) -> None:
    async with serving(answer(202)) as server:
        sender = built("pagerduty", "{url: URL, routing_key: k}", server.url)
        about = notify(Integration("r", "pagerduty", 0, True), alert("A", big="x" * 600_000))
        await sender.send(about, about.alerts)
        await sender.aclose()
        assert b"Custom details have been removed" in server.requests[0].body
    assert "Truncated Details because the message exceeds the limit" in [r.getMessage() for r in caplog.records]
