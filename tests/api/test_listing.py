"""Long listings are sent in pieces, which nobody can tell who reads them."""

import math
from typing import Any

import httpx
import trio
import trio.testing
from prometheus_client import CollectorRegistry

from ampp.api.later import Later
from ampp.api.shell import Limits, Shell
from ampp.core.clock import SECOND
from ampp.observe.traffic import HttpMetrics
from tests.api.conftest import exchange

LONG = "x" * 30_000


async def test_a_listing_of_several_pieces_is_whole_and_as_long_as_it_says(client: httpx.AsyncClient) -> None:
    numbers = [f"{number:03}" for number in range(150)]
    for first in range(0, 150, 50):
        some = [
            {"labels": {"alertname": "Long", "n": number}, "annotations": {"text": LONG + number}}
            for number in numbers[first : first + 50]
        ]
        assert (await client.post("/api/v2/alerts", json=some)).status_code == 200
    for path in ("/api/v2/alerts", "/api/v2/alerts/groups"):
        response = await client.get(path)
        assert int(response.headers["content-length"]) == len(response.content) > 4 << 20
        assert "transfer-encoding" not in response.headers
        assert response.headers["content-type"] == "application/json"
        told = response.json()
        alerts = told if path.endswith("alerts") else [alert for group in told for alert in group["alerts"]]
        assert sorted(alert["labels"]["n"] for alert in alerts) == numbers
        assert all(alert["annotations"]["text"] == LONG + alert["labels"]["n"] for alert in alerts)
    fingerprints = [alert["fingerprint"] for alert in (await client.get("/api/v2/alerts")).json()]
    assert fingerprints == sorted(fingerprints)
    old = await exchange(client, b"GET /api/v2/alerts HTTP/1.0\r\nHost: h\r\n\r\n")
    head, _, body = old.partition(b"\r\n\r\n")
    assert b"content-length: %d" % len(body) in head.lower()
    assert len(body) > 4 << 20


async def test_who_hangs_up_in_the_midst_of_a_listing_costs_nothing_else(client: httpx.AsyncClient) -> None:
    some = [{"labels": {"alertname": "Long", "n": str(n)}, "annotations": {"text": LONG * 6}} for n in range(40)]
    assert (await client.post("/api/v2/alerts", json=some)).status_code == 200
    url = client.base_url
    for _ in range(12):
        stream = await trio.open_tcp_stream(url.host, url.port or 80)
        await stream.send_all(b"GET /api/v2/alerts HTTP/1.1\r\nHost: h\r\n\r\n")
        assert await stream.receive_some(100)
        await stream.aclose()
    # As many GETs as may be under way at a time would be no more, had one of them not ended.
    with trio.fail_after(20):
        while (response := await client.get("/api/v2/alerts")).status_code == 503:
            await trio.sleep(0.05)
    assert len(response.json()) == 40


async def test_the_time_limit_is_for_an_answer_to_begin(autojump_clock: trio.testing.MockClock) -> None:
    async def app(scope: Any, receive: Any, send: Any) -> None:
        await trio.sleep(0.5)
        await send({"type": "http.response.start", "status": 200, "headers": []})
        for _ in range(5):
            await send({"type": "http.response.body", "body": b"x", "more_body": True})
        await send({"type": "http.response.body", "body": b"", "more_body": False})

    async def receive() -> Any:
        return {"type": "http.request", "body": b"", "more_body": False}

    sent: list[Any] = []

    async def send(message: Any) -> None:
        await trio.sleep(10)
        sent.append(message)

    shell = Shell(
        Later(lambda: app),
        None,  # type: ignore[arg-type]
        HttpMetrics(CollectorRegistry()),
        Limits(timeout=SECOND),
        "",
        None,
    )
    await shell.load()
    scope = {
        "type": "http",
        "method": "GET",
        "path": "/x",
        "raw_path": b"/x",
        "query_string": b"",
        "headers": [],
        "http_version": "1.1",
    }
    with trio.fail_after(math.inf):
        await shell(scope, receive, send)
    assert b"".join(message.get("body", b"") for message in sent) == b"xxxxx"
    assert sent[-1]["more_body"] is False
