"""Handing alerts on: what another Alertmanager is told, up to a real daemon that takes it."""

import json
import time

import pytest

from ampp.config import ConfigError, load, warnings
from ampp.config import compile as compile_plan
from ampp.config.receivers.alertmanager import AlertmanagerConfig
from ampp.config.secret import Secret
from ampp.core.clock import HOUR, SECOND
from ampp.core.reason import FailureReason
from ampp.core.timestamp import parse_rfc3339
from ampp.deliver.integrations.alertmanager import Alertmanager, build
from ampp.deliver.sender import BuildError, SendError
from ampp.ingest.alertmanager import decode_alerts
from ampp.template.renderer import Renderer

from .kit import HOOK, alert, notify
from .server import answer, hang, serving

RENDERER = Renderer()


def forward(url: str, **more: object) -> Alertmanager:
    config = AlertmanagerConfig(url=Secret(url), **more)  # type: ignore[arg-type]
    sender = build(config, "http://am:9093/here", RENDERER)
    assert isinstance(sender, Alertmanager)
    return sender


async def test_what_arrives() -> None:
    async with serving(answer(200)) as server:
        sender = forward(server.url + "/pre/", expire_after=2 * HOUR)
        told = notify(HOOK, alert("Up", firing=False), alert("Dow<n", zone="ü"), token="t1", data={"kept": 1})
        before = time.time_ns()
        assert await sender.send(told, told.alerts) == {"kept": 1}
        await sender.aclose()
    (request,) = server.requests
    assert (request.method, request.target) == ("POST", "/pre/api/v2/alerts")
    assert request.header("content-type") == "application/json"
    assert request.header("idempotency-key") == "t1"
    resolved, firing = json.loads(request.body)
    assert resolved == {
        "labels": {"alertname": "Up"},
        "annotations": {},
        "startsAt": "2023-11-14T22:13:20Z",
        "endsAt": "2023-11-14T22:23:20Z",
    }
    assert firing["labels"] == {"alertname": "Dow<n", "zone": "ü"}
    ends = parse_rfc3339(firing["endsAt"])[0]
    assert before + 2 * HOUR <= ends <= time.time_ns() + 2 * HOUR
    # The daemon's own reader takes it back as it was.
    one, two = decode_alerts(request.body)
    assert (one.labels, one.starts, one.ends) == ({"alertname": "Up"}, 1_700_000_000 * SECOND, 1_700_000_600 * SECOND)
    assert two.ends == ends


@pytest.mark.parametrize("path", ["/api/v2/alerts", "/api/v2/alerts/", "", "/"])
async def test_both_forms_of_address(path: str) -> None:
    async with serving(answer(200)) as server:
        sender = forward(server.url + path)
        told = notify()
        await sender.send(told, told.alerts)
        await sender.aclose()
    assert server.requests[0].target == "/api/v2/alerts"


async def test_many_at_once() -> None:
    async with serving(answer(200)) as server:
        sender = forward(server.url)
        told = notify(HOOK, *(alert(f"A{i}") for i in range(700)))
        await sender.send(told, told.alerts)
        await sender.aclose()
    assert len(decode_alerts(server.requests[0].body)) == 700


@pytest.mark.parametrize(
    ("status", "retry", "reason"),
    [
        (400, False, FailureReason.CLIENT),
        (401, False, FailureReason.AUTH),
        (408, True, FailureReason.CLIENT),
        (429, True, FailureReason.RATE_LIMITED),
        (503, True, FailureReason.SERVER),
    ],
)
async def test_statuses(status: int, retry: bool, reason: FailureReason) -> None:
    async with serving(answer(status, b'"no"')) as server:
        sender = forward(server.url)
        told = notify()
        with pytest.raises(SendError) as caught:
            await sender.send(told, told.alerts)
        await sender.aclose()
    assert (str(caught.value), caught.value.retry, caught.value.reason) == (
        f'unexpected status code {status}: "no"',
        retry,
        reason,
    )


async def test_a_silent_one_is_given_up() -> None:
    async with serving(hang) as server:
        sender = forward(server.url, timeout=SECOND // 20)
        told = notify()
        with pytest.raises(SendError, match="configured alertmanager timeout reached") as caught:
            await sender.send(told, told.alerts)
        await sender.aclose()
    assert caught.value.retry


def test_nobody_sends_to_himself() -> None:
    with pytest.raises(BuildError, match="own external URL"):
        forward("http://am:9093/here/api/v2/alerts")


CONFIG = "route: {{receiver: a}}\nreceivers: [{{name: a, alertmanager_configs: [{{{}}}]}}]\n"


def test_the_dump_hides_the_address_and_shows_the_rest() -> None:
    dumped = load(CONFIG.format("url: 'http://u:p@h/', expire_after: 2d")).original()
    assert (
        "  alertmanager_configs:\n  - send_resolved: true\n    http_config:\n      follow_redirects: true\n"
        "      enable_http2: true\n    url: <secret>\n    expire_after: 2d\n    timeout: 10s\n"
    ) in dumped


@pytest.mark.parametrize(
    ("entry", "message"),
    [
        ("timeout: 5s", "one of url or url_file must be configured"),
        ("url: 'http://h', url_file: f", "at most one of url & url_file must be configured"),
        ("url: 'http://h', expire_after: 0s", "expire_after must be positive"),
        ("url: 'ftp://h'", 'unsupported scheme "ftp" for URL'),
    ],
)
def test_what_is_refused(entry: str, message: str) -> None:
    with pytest.raises(ConfigError) as caught:
        load(CONFIG.format(entry))
    assert str(caught.value) == message


def test_a_warning_when_alerts_would_end_between_two_notifications() -> None:
    def warned(expire_after: str) -> tuple[str, ...]:
        config = load(CONFIG.format(f"url: 'http://h', expire_after: {expire_after}"))
        return warnings(config, compile_plan(config))

    assert warned("4h10m") == ()
    assert warned("4h") == (
        'expire_after is not longer than repeat_interval and group_interval together: receiver "a", '
        'alertmanager[0], expire_after 4h, route "{}", repeat_interval 4h, group_interval 5m; alerts will end at '
        "the other Alertmanager between two notifications",
    )
