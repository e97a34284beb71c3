"""The webhook against a real server: what arrives there, and what each answer makes of the attempt."""

from pathlib import Path

import msgspec
import pytest
import trio

from ampp.config.http import HttpConfig
from ampp.config.receivers.webhook import WebhookConfig
from ampp.config.secret import Secret
from ampp.core.clock import MILLISECOND
from ampp.core.reason import FailureReason
from ampp.deliver import answer as answer_of
from ampp.deliver.integrations.webhook import Webhook, build
from ampp.deliver.message import encode, message
from ampp.deliver.sender import SendError
from ampp.template.renderer import Renderer

from .kit import HOOK, OTHER, alert, notify, running
from .server import Answer, answer, close, endless, garbage, hang, reset, serving

RENDERER = Renderer()


def hook(url: str, **more: object) -> Webhook:
    config = WebhookConfig(**{"url": Secret(url), "http_config": HttpConfig(), **more})  # type: ignore[arg-type]
    sender = build(config, "http://am:9093", RENDERER)
    assert isinstance(sender, Webhook)
    return sender


async def failure(sender: Webhook) -> SendError:
    told = notify()
    with pytest.raises(SendError) as caught:
        await sender.send(told, told.alerts)
    await sender.aclose()
    return caught.value


async def test_what_arrives() -> None:
    async with serving(answer(200)) as server:
        sender = hook(server.url + "/path?q=1")
        told = notify(token="abc", data={"kept": 1})
        assert await sender.send(told, told.alerts) == {"kept": 1}
        assert await sender.send(told, told.alerts) == {"kept": 1}
        await sender.aclose()
        first, second = server.requests
        assert (first.method, first.target) == ("POST", "/path?q=1")
        assert first.body == encode(message(told, told.alerts, "http://am:9093"))
        assert dict(first.headers) == {
            "host": f"127.0.0.1:{server.port}",
            "user-agent": "Alertmanager/0.34.0",
            "content-type": "application/json",
            "content-length": str(len(first.body)),
            "idempotency-key": "abc",
        }
        assert first.connection == second.connection == 0


async def test_a_large_notification_arrives_whole() -> None:
    async with serving(answer(204)) as server:
        sender = hook(server.url, max_alerts=1500)
        told = notify(HOOK, *(alert(f"A{i}") for i in range(2000)))
        await sender.send(told, told.alerts)
        await sender.aclose()
        body = msgspec.json.decode(server.requests[0].body)
        assert (len(body["alerts"]), body["truncatedAlerts"]) == (1500, 500)


@pytest.mark.parametrize(
    ("status", "retry", "reason"),
    [
        (301, False, FailureReason.OTHER),
        (304, False, FailureReason.OTHER),
        (400, False, FailureReason.CLIENT),
        (401, False, FailureReason.AUTH),
        (403, False, FailureReason.AUTH),
        (404, False, FailureReason.CLIENT),
        (429, False, FailureReason.RATE_LIMITED),
        (500, True, FailureReason.SERVER),
        (503, True, FailureReason.SERVER),
    ],
)
async def test_statuses(status: int, retry: bool, reason: FailureReason) -> None:
    async with serving(answer(status, b"try\xff later")) as server:
        error = await failure(hook(server.url))
    shown = ": try\ufffd later" if status != 304 else ""
    assert (str(error), error.retry, error.reason) == (f"unexpected status code {status}{shown}", retry, reason)


@pytest.mark.parametrize(
    ("behaviour", "text"),
    [
        (close, 'Post "<redacted>": EOF'),
        (reset, "connection reset by peer"),
        (garbage, "net/http: HTTP/1.x transport connection broken: "),
    ],
)
async def test_broken_exchanges_are_retried_and_hide_the_url(behaviour: Answer, text: str) -> None:
    async with serving(behaviour) as server:
        error = await failure(hook(server.url + "/secret-path"))
    assert text in str(error)
    assert str(error).startswith('Post "<redacted>": ')
    assert "secret" not in str(error)
    assert (error.retry, error.reason) == (True, FailureReason.OTHER)


async def test_nobody_listens() -> None:
    async with serving(answer(200)) as server:
        pass
    error = await failure(hook(server.url + "/secret"))
    assert str(error) == f'Post "<redacted>": dial tcp 127.0.0.1:{server.port}: connect: connection refused'
    assert error.retry


@pytest.mark.parametrize(
    ("url", "text"),
    [
        ("ftp://host/x", 'Post "<redacted>": unsupported protocol scheme "ftp"'),
        ("secret", 'Post "<redacted>": unsupported protocol scheme ""'),
        ("http:///secret", 'Post "<redacted>": http: no Host in request URL'),
        ("http://host:secret/", 'parse "<redacted>": invalid URL'),
        ("http://nowhere.invalid/secret", 'Post "<redacted>": dial tcp: lookup nowhere.invalid'),
    ],
)
async def test_addresses_that_lead_nowhere(url: str, text: str) -> None:
    error = await failure(hook(url))
    assert str(error).startswith(text)
    assert error.retry


async def test_the_configured_timeout_ends_an_attempt() -> None:
    async with serving(hang) as server:
        error = await failure(hook(server.url, timeout=50 * MILLISECOND))
    assert str(error) == 'Post "<redacted>": configured webhook timeout reached (50ms)'
    assert error.retry


async def test_an_endless_body_neither_hangs_nor_fills_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(answer_of, "_BODY_WAIT", 0.1)
    monkeypatch.setattr(answer_of, "SETTLED_WAIT", 0.1)
    async with serving(
        endless(500, b"x" * 10_000, 0), endless(500, b"drip ", 0.01), endless(200, b"drip", 0.01)
    ) as server:
        sender = hook(server.url)
        told = notify()
        with pytest.raises(SendError) as flooded:
            await sender.send(told, told.alerts)
        assert str(flooded.value) == "unexpected status code 500: " + "x" * answer_of.BODY_LIMIT
        with pytest.raises(SendError, match=r"^unexpected status code 500: drip drip"):
            await sender.send(told, told.alerts)
        await sender.send(told, told.alerts)
        await sender.aclose()
        # What was not read to its end cannot be used again.
        assert [request.connection for request in server.requests] == [0, 1, 2]


async def test_a_yes_stays_a_yes_though_the_deadline_passes_in_its_body(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(answer_of, "SETTLED_WAIT", 0.3)
    async with serving(endless(200, b"drip", 0.01)) as server, running({HOOK: hook(server.url)}) as stage:
        stage.delivery.submit(notify(within=0.15))
        [outcome] = await stage.until(1)
        assert outcome.ok


async def test_the_url_file_is_read_at_each_attempt(tmp_path: Path) -> None:
    file = tmp_path / "url"
    async with serving(answer(200)) as server:
        file.write_text(f"  {server.url}/one\n")
        sender = hook("", url_file=str(file))
        told = notify()
        await sender.send(told, told.alerts)
        file.write_text(f"{server.url}/two")
        await sender.send(told, told.alerts)
        assert [request.target for request in server.requests] == ["/one", "/two"]
    file.unlink()
    error = await failure(sender)
    assert str(error) == f"read url_file: open {file}: no such file or directory"
    assert not error.retry
    for content, text in (
        (" \n", "webhook URL is empty after templating"),
        ("{{ .CommonLabels.none }}", "webhook URL is empty after templating"),
        (
            "http://{{ .x }}/",
            'failed to template webhook URL: template: :1:10: executing "" at <.x>: '
            "can't evaluate field x in type *template.Data",
        ),
    ):
        file.write_text(content)
        error = await failure(hook("", url_file=str(file)))
        assert (str(error), error.retry) == (text, False)


async def test_address_and_payload_are_rendered() -> None:
    payload = {
        "{{ .Status }}": "{{ len .Alerts }}",
        "as written": [1, 2.0, True, None, "plain", "{{ .GroupLabels }}"],
        "read": [
            *("1e3", "yes", "~", "{a: '{{ .Status }}', 1: gone}", "2023-01-02", '"quoted"', "a: b: c", "- <x>"),
            "{x: 1, x: 2}",
        ],
        7: "gone",
    }
    async with serving(answer(200)) as server:
        sender = hook(server.url + "/{{ .GroupLabels.alertname | toLower }}", payload=payload)
        told = notify()
        await sender.send(told, told.alerts)
        await sender.aclose()
        [request] = server.requests
    assert request.target == "/down"
    assert request.body == (
        b'{"as written":[1,2,true,null,"plain","alertname=Down"],"firing":1,'
        b'"read":[1000,true,null,{"a":"firing"},"2023-01-02","\\"quoted\\"","a: b: c",["\\u003cx\\u003e"],{"x":2}]}\n'
    )


@pytest.mark.parametrize(
    ("payload", "text"),
    [
        ({"a": ["{{ .x }}"]}, 'template: :1:3: executing "" at <.x>: can\'t evaluate field x in type *template.Data'),
        (
            ["{{ template `none` }}"],
            'template: :1:12: executing "" at <{{template "none"}}>: template "none" not defined',
        ),
        ({"a": ".inf"}, "json: unsupported value: +Inf"),
    ],
)
async def test_a_payload_that_cannot_be_rendered_is_not_tried_again(payload: object, text: str) -> None:
    error = await failure(hook("http://127.0.0.1:1/", payload=payload))
    assert str(error) == f"failed to render custom payload: {text}"
    assert not error.retry


async def test_a_receiver_that_recovers_is_told_once() -> None:
    steps = [answer(500), close, answer(503), answer(200)]
    async with serving(*steps) as server, running({HOOK: hook(server.url)}, random=lambda: 0.0) as stage:
        stage.delivery.submit(notify(token="same"))
        [outcome] = await stage.until(1)
        assert (outcome.ok, outcome.attempts) == (True, 4)
        assert [request.header("idempotency-key") for request in server.requests] == ["same"] * 4
        assert len({request.body for request in server.requests}) == 1


async def test_one_dead_receiver_does_not_delay_another() -> None:
    async with serving(hang) as dead, serving(answer(200)) as alive:
        senders = {HOOK: hook(dead.url), OTHER: hook(alive.url)}
        async with running(senders, per_integration=8, total=8, grace=0.1) as stage:
            for i in range(50):
                stage.delivery.submit(notify(HOOK, group=f"g{i}"))
            for i in range(50):
                stage.delivery.submit(notify(OTHER, group=f"g{i}"))
            with trio.fail_after(20):
                await stage.until(50)
            assert all(outcome.ok and outcome.notify.integration == OTHER for outcome in stage.outcomes)
            assert len(alive.requests) == 50
            assert dead.connections <= 8
