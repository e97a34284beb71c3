"""Slack, Discord, Mattermost and Rocket.Chat against a real server: what all of them do alike."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from ampp.config.receivers.discord import DiscordConfig
from ampp.config.receivers.mattermost import MattermostConfig
from ampp.config.receivers.rocketchat import RocketchatConfig
from ampp.config.receivers.slack import SlackConfig
from ampp.config.secret import Secret
from ampp.config.url import parse
from ampp.core.plan import Integration
from ampp.core.reason import FailureReason
from ampp.deliver.integrations import FACTORIES
from ampp.deliver.sender import Sender, SendError, Unsendable
from ampp.template.renderer import Renderer

from .kit import alert, notify
from .server import Answer, answer, close, garbage, reset, serving

RENDERER = Renderer()
YES = answer(200, b'{"ok":true,"success":true}', Content_Type="application/json")

CONFIGS: dict[str, Callable[..., Any]] = {
    "discord": lambda url, **more: DiscordConfig(webhook_url=Secret(url), **more),
    "mattermost": lambda url, **more: MattermostConfig(webhook_url=Secret(url), **more),
    "rocketchat": lambda url, **more: RocketchatConfig(
        **{"token": Secret("t"), "token_id": Secret("i"), **more}, api_url=parse(url)
    ),
    "slack": lambda url, **more: SlackConfig(api_url=Secret(url), **more),
}
CHATS = sorted(CONFIGS)
NAMING = ("mattermost", "rocketchat", "slack")
"""Those that put the channel in front of errors."""


def chat(kind: str, url: str, **more: object) -> Sender:
    sender = FACTORIES[kind](CONFIGS[kind](url, **more), "http://am:9093", RENDERER)
    assert not isinstance(sender, Unsendable)
    return sender


def told(kind: str, *, firing: bool = True, **more: Any) -> Any:
    to = Integration("team", kind, 0, True)
    return notify(to, alert(firing=firing, severity="high"), alert(firing=False, zone="a<b"), **more)


async def failure(kind: str, sender: Sender) -> SendError:
    one = told(kind)
    with pytest.raises(SendError) as caught:
        await sender.send(one, one.alerts)
    await sender.aclose()
    return caught.value


LINK = rb"http://am:9093/#/alerts?receiver=team"
LIST = {
    True: rb"\n\nAlerts Firing:\nLabels:\n - alertname = Down\n - severity = high\nAnnotations:\nSource: \n\n\n"
    rb"\nAlerts Resolved:\nLabels:\n - alertname = Down\n - zone = a\u003cb\nAnnotations:\nSource: \n\n\n",
    False: rb"\n\n\nAlerts Resolved:\nLabels:\n - alertname = Down\n - severity = high\nAnnotations:\nSource: \n"
    rb"Labels:\n - alertname = Down\n - zone = a\u003cb\nAnnotations:\nSource: \n\n\n",
}
MARKDOWN = {
    True: rb"\n\n# Alerts Firing:\n\nLabels:\n  - alertname = Down\n  - severity = high\n\nAnnotations:\n\n"
    rb"Source: \n\n\n\n\n# Alerts Resolved:\n\nLabels:\n  - alertname = Down\n  - zone = a\u003cb\n\nAnnotations:\n\n"
    rb"Source: \n\n\n\n",
    False: rb"\n\n\n# Alerts Resolved:\n\nLabels:\n  - alertname = Down\n  - severity = high\n\nAnnotations:\n\n"
    rb"Source: \n\nLabels:\n  - alertname = Down\n  - zone = a\u003cb\n\nAnnotations:\n\nSource: \n\n\n\n",
}
DEFAULTS = {
    ("discord", True): b'{"content":"","embeds":[{"title":"[FIRING:1] Down ","description":"%s","color":10038562}]}\n'
    % LIST[True],
    ("discord", False): b'{"content":"","embeds":[{"title":"[RESOLVED] Down ","description":"%s","color":3066993}]}\n'
    % LIST[False],
    ("mattermost", True): b'{"username":"Alertmanager","attachments":[{"fallback":"[FIRING:1] Down  | %s",'
    b'"color":"danger","text":"%s","title":"[FIRING:1] Down ","title_link":"%s"}]}\n' % (LINK, MARKDOWN[True], LINK),
    ("mattermost", False): b'{"username":"Alertmanager","attachments":[{"fallback":"[RESOLVED] Down  | %s",'
    b'"color":"good","text":"%s","title":"[RESOLVED] Down ","title_link":"%s"}]}\n' % (LINK, MARKDOWN[False], LINK),
    ("rocketchat", True): b'{"attachments":[{"title":"[FIRING:1] Down ","title_link":"%s","color":"red"}]}\n' % LINK,
    ("rocketchat", False): b'{"attachments":[{"title":"[RESOLVED] Down ","title_link":"%s","color":"green"}]}\n' % LINK,
    ("slack", True): b'{"username":"Alertmanager","attachments":[{"title":"[FIRING:1] Down ","title_link":"%s",'
    b'"text":"","fallback":"[FIRING:1] Down  | %s","callback_id":"","footer":"","color":"danger",'
    b'"mrkdwn_in":["fallback","pretext","text"]}]}\n' % (LINK, LINK),
    ("slack", False): b'{"username":"Alertmanager","attachments":[{"title":"[RESOLVED] Down ","title_link":"%s",'
    b'"text":"","fallback":"[RESOLVED] Down  | %s","callback_id":"","footer":"","color":"good",'
    b'"mrkdwn_in":["fallback","pretext","text"]}]}\n' % (LINK, LINK),
}


@pytest.mark.parametrize("firing", [True, False])
@pytest.mark.parametrize("kind", CHATS)
async def test_what_arrives_by_default(kind: str, firing: bool) -> None:
    async with serving(YES) as server:
        sender = chat(kind, server.url + "/path?q=1")
        one = told(kind, firing=firing, data={"kept": 1})
        assert await sender.send(one, one.alerts) == {"kept": 1}
        assert await sender.send(one, one.alerts) == {"kept": 1}
        await sender.aclose()
        first, second = server.requests
    target = "/path/api/v1/chat.postMessage?q=1" if kind == "rocketchat" else "/path?q=1"
    assert (first.method, first.target) == ("POST", target)
    assert first.body == DEFAULTS[kind, firing]
    assert dict(first.headers) == {
        "host": f"127.0.0.1:{server.port}",
        "user-agent": "Alertmanager/0.34.0",
        "content-type": "application/json",
        "content-length": str(len(first.body)),
        **({"x-auth-token": "t", "x-user-id": "i"} if kind == "rocketchat" else {}),
    }
    assert first.connection == second.connection == 0


@pytest.mark.parametrize(
    ("status", "retry", "reason"),
    [
        (301, False, FailureReason.OTHER),
        (400, False, FailureReason.CLIENT),
        (401, False, FailureReason.AUTH),
        (403, False, FailureReason.AUTH),
        (404, False, FailureReason.CLIENT),
        (429, False, FailureReason.RATE_LIMITED),
        (500, True, FailureReason.SERVER),
        (503, True, FailureReason.SERVER),
    ],
)
@pytest.mark.parametrize("kind", CHATS)
async def test_statuses(kind: str, status: int, retry: bool, reason: FailureReason) -> None:
    more = {"channel": '#"{{ .Status }}"'} if kind in NAMING else {}
    async with serving(answer(status, b"why\xff", Content_Type="application/json")) as server:
        error = await failure(kind, chat(kind, server.url, **more))
    prefix = r'channel "#\"firing\"": ' if kind in NAMING else ""
    assert str(error) == f"{prefix}unexpected status code {status}: why\ufffd"
    assert (error.retry, error.reason) == (retry, reason)


@pytest.mark.parametrize("behaviour", [close, reset, garbage])
@pytest.mark.parametrize("kind", CHATS)
async def test_broken_exchanges_are_retried_and_hide_the_url(kind: str, behaviour: Answer) -> None:
    async with serving(behaviour) as server:
        error = await failure(kind, chat(kind, server.url + "/secret-path"))
    assert str(error).startswith('Post "<redacted>": ')
    assert "secret" not in str(error)
    assert (error.retry, error.reason) == (True, FailureReason.OTHER)


@pytest.mark.parametrize("kind", ["discord", "mattermost", "rocketchat"])
async def test_what_cannot_be_rendered_is_not_sent(kind: str) -> None:
    async with serving(YES) as server:
        error = await failure(kind, chat(kind, server.url, title="{{ .Nope }}"))
    assert str(error) == 'template: :1:3: executing "" at <.Nope>: can\'t evaluate field Nope in type *template.Data'
    assert (error.retry, error.reason, server.requests) == (False, FailureReason.OTHER, [])


@pytest.mark.parametrize(
    ("kind", "field", "limit"),
    [
        ("slack", "title", 1024),
        ("rocketchat", "title", 1024),
        ("discord", "title", 256),
        ("discord", "message", 4096),
        ("discord", "content", 2000),
    ],
)
async def test_long_texts_are_cut(kind: str, field: str, limit: int) -> None:
    whole = "é😀" * limit
    async with serving(YES) as server:
        for length in (limit, limit + 1):
            sender = chat(kind, server.url, **{field: "{{ print `" + whole[:length] + "` }}"})
            one = told(kind)
            await sender.send(one, one.alerts)
            await sender.aclose()
        fits, cut = (request.body.decode() for request in server.requests)
    assert f'"{whole[:limit]}"' in fits
    assert f'"{whole[: limit - 1]}…"' in cut


@pytest.mark.parametrize(
    ("kind", "field", "prefix"),
    [
        ("slack", "api_url", ""),
        ("mattermost", "webhook_url", ""),
        ("discord", "webhook_url", "read webhook_url_file: "),
    ],
)
async def test_the_url_file_is_read_at_each_attempt(kind: str, field: str, prefix: str, tmp_path: Path) -> None:
    file = tmp_path / "url"
    make: Any = {"slack": SlackConfig, "mattermost": MattermostConfig, "discord": DiscordConfig}[kind]
    sender = FACTORIES[kind](make(**{f"{field}_file": str(file)}), "", RENDERER)
    assert not isinstance(sender, Unsendable)
    one = told(kind)
    async with serving(YES) as server:
        file.write_text(f"  {server.url}/one\n")
        await sender.send(one, one.alerts)
        file.write_text(f"{server.url}/two/{{{{ .Status }}}}")
        await sender.send(one, one.alerts)
        assert [request.target for request in server.requests] == ["/one", "/two/%7B%7B%20.Status%20%7D%7D"]
        file.write_text(" \n")
        with pytest.raises(SendError) as caught:
            await sender.send(one, one.alerts)
    empty = (
        ("webhook url missing", False)
        if kind == "mattermost"
        else ('Post "<redacted>": unsupported protocol scheme ""', True)
    )
    assert (str(caught.value), caught.value.retry) == empty
    file.unlink()
    error = await failure(kind, sender)
    assert (str(error), error.retry) == (f"{prefix}open {file}: no such file or directory", False)
