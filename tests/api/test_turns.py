"""However many alerts there are, no turn of the loop does much: neither for a page nor when they are forgotten."""

import sys
from collections.abc import Iterator
from types import FrameType
from typing import Any

import httpx
import pytest
import trio

from ampp.core.alert import Alert
from ampp.core.clock import SECOND, Now
from ampp.core.engine import Engine
from ampp.observe import stall
from tests.api.conftest import Start

MANY = 2_000


class Calls(trio.abc.Instrument):
    """The most calls of functions that there were in one turn of the loop: what it does, however fast."""

    def __init__(self) -> None:
        self.most = 0
        self._calls = 0

    def _count(self, frame: FrameType, event: str, argument: Any) -> None:
        if event == "call":
            self._calls += 1

    def after_io_wait(self, timeout: float) -> None:
        self._calls = 0
        sys.setprofile(self._count)

    def before_io_wait(self, timeout: float) -> None:
        sys.setprofile(None)
        self.most = max(self.most, self._calls)


async def fill(client: httpx.AsyncClient, **more: str) -> None:
    """Post the alerts, in three groups."""
    for first in range(0, MANY, 100):
        some = [
            {"labels": {"alertname": f"A{n % 3}", "n": str(n), "service": f"s{n}", "severity": f"v{n % 9}"}, **more}
            for n in range(first, first + 100)
        ]
        assert (await client.post("/api/v2/alerts", json=some)).status_code == 200


PAGES = ["ui/alerts", "ui/alerts?view=table", "ui/alerts?by=n&sort=size", "ui/groups"]


async def test_no_turn_looks_at_all_alerts_for_a_page(start: Start, monkeypatch: pytest.MonkeyPatch) -> None:
    async with start() as client:
        await fill(client)
        for page in (PAGES[0], PAGES[-1]):
            # Once before, as templates are loaded when first needed.
            assert (await client.get(f"/{page}")).status_code == 200
        monkeypatch.setattr(stall, "SLICE", -1.0)
        for page in PAGES:
            trio.lowlevel.add_instrument(calls := Calls())
            try:
                assert (await client.get(f"/{page}")).status_code == 200
            finally:
                trio.lowlevel.remove_instrument(calls)
                sys.setprofile(None)
            assert calls.most < MANY, page


async def test_what_is_over_is_forgotten_in_many_turns(start: Start, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stall, "SLICE", -1.0)
    turn, collecting = 0, Engine.collecting
    gone: dict[int, int] = {}

    class Turns(trio.abc.Instrument):
        def before_io_wait(self, timeout: float) -> None:
            nonlocal turn
            turn += 1

    def watched(engine: Engine, now: Now) -> Iterator[list[Alert]]:
        for batch in collecting(engine, now):
            gone[turn] = gone.get(turn, 0) + len(batch)
            yield batch

    monkeypatch.setattr(Engine, "collecting", watched)
    async with start(alert_gc_interval=SECOND // 5) as client:
        trio.lowlevel.add_instrument(Turns())
        await fill(client, startsAt="2026-01-01T00:00:00Z", endsAt="2026-01-01T01:00:00Z")
        with trio.fail_after(20):
            while sum(gone.values()) < MANY:
                await trio.sleep(0.05)
    assert sum(gone.values()) == MANY
    assert max(gone.values()) <= 64
