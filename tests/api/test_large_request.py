"""A POST of very many alerts is taken in in pieces, and comes to what it would come to at once."""

import re
import shutil
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import httpx
import msgspec
import pytest
import trio

from ampp import live
from ampp.core.alert import PostedAlert
from ampp.core.clock import Now
from ampp.core.engine import Effects, Engine
from ampp.core.intake import Received
from ampp.core.takeover import Takeover
from ampp.observe import stall
from ampp.store.error import StoreDown
from ampp.store.sqlite.store import SqliteStore
from tests.api.conftest import CONFIG, Start

MANY = 1_500
PIECE = 64
OVER = {"startsAt": "2026-01-01T00:00:00Z", "endsAt": "2026-01-01T01:00:00Z"}


def labels(n: int) -> dict[str, str]:
    return {"alertname": f"A{n % 3}", "n": str(n), "severity": "critical" if n % 9 else "warning"}


def some(many: int = MANY) -> list[dict[str, Any]]:
    """Of every kind: firing, over, invalid, known already from the same request, resolved in it."""
    kinds: list[dict[str, Any]] = [
        {},
        {"annotations": {"b": "2", "a": "1"}},
        {"startsAt": "2026-01-01T00:00:00Z", "endsAt": "2099-01-01T00:00:00Z"},
        OVER,
        {"endsAt": "2026-01-01T00:00:00Z", "startsAt": "2026-01-02T00:00:00Z"},
        {"labels": {}},
    ]
    found = [{"labels": labels(n), **kinds[n % 7 % len(kinds)]} for n in range(many)]
    return found + [{**found[n], "annotations": {"again": str(n)}} for n in range(0, many, 11)]


class Pieces:
    """How many alerts the engine took in, each time it was given some."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.sizes: list[int] = []
        self.begun = trio.Event()
        receive = Engine.receive

        def received(engine: Engine, posts: Iterable[PostedAlert], now: Now, came: int | None = None) -> Received:
            return receive(engine, self._counted(posts), now, came)

        monkeypatch.setattr(Engine, "receive", received)

    def _counted(self, posts: Iterable[PostedAlert]) -> Iterator[PostedAlert]:
        self.sizes.append(0)
        for post in posts:
            self.sizes[-1] += 1
            self.begun.set()
            yield post


@pytest.fixture
def pieces(monkeypatch: pytest.MonkeyPatch) -> Pieces:
    monkeypatch.setattr(stall, "SLICE", -1.0)
    return Pieces(monkeypatch)


async def listed(client: httpx.AsyncClient, path: str = "alerts") -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = (await client.get(f"/api/v2/{path}")).json()
    return found


async def outcome(client: httpx.AsyncClient, body: bytes) -> tuple[object, ...]:
    """The answer, and what can be seen afterwards but for the times of this very run."""
    answer = await client.post("/api/v2/alerts", content=body, headers={"content-type": "application/json"})
    shown = await listed(client)
    starts: set[str] = set()
    for alert in shown:
        del alert["updatedAt"]
        if not alert["startsAt"].startswith("2026-01-0"):
            starts.add(alert.pop("startsAt"))
            alert["endsAt"] = alert["endsAt"][:4]
    metrics = (await client.get("/metrics")).text
    counts = re.findall(r"^(alertmanager_alerts(?:_received_total|_invalid_total|)\{.*)$", metrics, re.MULTILINE)
    return answer.status_code, answer.text, shown, len(starts), sorted(counts)


async def test_it_comes_to_what_it_would_at_once(
    start: Start, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, pieces: Pieces
) -> None:
    body = msgspec.json.encode(some())
    async with start() as client:
        found = await outcome(client, body)
    assert sum(pieces.sizes) == len(some())
    assert max(pieces.sizes) == PIECE
    monkeypatch.setattr(live, "_MANY", len(some()))
    pieces.sizes.clear()
    shutil.rmtree(tmp_path / "data")
    async with start() as client:
        expected = await outcome(client, body)
    assert pieces.sizes == [len(some())]
    assert found == expected
    assert found[0] == 400
    assert found[3] == 1, "what began when it came began at one moment"


async def test_a_fault_near_the_end_stores_nothing(start: Start, pieces: Pieces) -> None:
    body = msgspec.json.encode([{"labels": labels(n)} for n in range(MANY)])
    async with start() as client:
        for broken in (body[:-1], body[:-2] + b',"labels":3}]', body.replace(b'"1499"', b'"\xff')):
            answer = await client.post("/api/v2/alerts", content=broken, headers={"content-type": "application/json"})
            assert answer.status_code == 400
        assert await listed(client) == []
    assert not pieces.sizes


async def test_a_reload_may_come_in_between(
    start: Start, pieces: Pieces, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    alerts = [{"labels": labels(n)} for n in range(MANY)]
    prepare, succeed, pause = Takeover.prepare, Takeover.succeed, stall.Pace.pause
    preparing = trio.Event()
    before: list[int] = []

    def prepared(takeover: Takeover, now: Now) -> Iterator[None]:
        preparing.set()
        return prepare(takeover, now)

    def succeeded(takeover: Takeover, now: Now) -> Effects:
        before.append(len(pieces.sizes))
        return succeed(takeover, now)

    async def paused(pace: stall.Pace) -> None:
        await preparing.wait()
        await pause(pace)

    async with start() as client:
        monkeypatch.setattr(Takeover, "prepare", prepared)
        monkeypatch.setattr(Takeover, "succeed", succeeded)
        monkeypatch.setattr(stall.Pace, "pause", paused)

        async def reload() -> None:
            await pieces.begun.wait()
            assert (await client.post("/-/reload")).status_code == 200

        (tmp_path / "alertmanager.yml").write_text(CONFIG.replace("group_by: [alertname]", "group_by: [severity]"))
        async with trio.open_nursery() as nursery:
            nursery.start_soon(reload)
            assert (await client.post("/api/v2/alerts", json=alerts)).status_code == 200
        assert 1 <= before[0] < len(pieces.sizes)
        groups = await listed(client, "alerts/groups")
        members = {group["labels"]["severity"]: len(group["alerts"]) for group in groups}
        assert members == {"critical": MANY - len(range(0, MANY, 9)), "warning": len(range(0, MANY, 9))}
        # All are known to the new inhibitor, too: each warning has a source.
        muted = [alert for group in groups for alert in group["alerts"] if alert["status"]["inhibitedBy"]]
        assert len(muted) == members["warning"]


async def test_what_was_begun_is_taken_in_whole_and_kept(start: Start, pieces: Pieces) -> None:
    """Though the sender has hung up, and the daemon is told to end."""
    body = msgspec.json.encode([{"labels": labels(n)} for n in range(MANY)])
    head = b"POST /api/v2/alerts HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n"
    async with start() as client:
        stream = await trio.open_tcp_stream(client.base_url.host, client.base_url.port or 80)
        await stream.send_all(head % len(body) + body)
        await pieces.begun.wait()
        await stream.aclose()
        assert len(pieces.sizes) < MANY // PIECE
    async with start() as client:
        assert len(await listed(client)) == MANY


async def test_one_piece_that_was_not_written_is_told(
    start: Start, pieces: Pieces, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Though the last one was."""
    append, asked = SqliteStore.append, 0

    class Broken:
        def then(self, call: Any) -> None:
            call("no room")

    def sometimes(store: SqliteStore, records: Any) -> Any:
        nonlocal asked
        asked += pieces.begun.is_set()
        return Broken() if asked == 2 else append(store, records)

    monkeypatch.setattr(SqliteStore, "append", sometimes)
    async with start() as client:
        answer = await client.post("/api/v2/alerts", json=[{"labels": labels(n)} for n in range(MANY)])
        assert (answer.status_code, answer.json()["message"]) == (503, str(StoreDown("no room")))
        assert len(await listed(client)) == MANY
