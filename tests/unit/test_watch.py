"""What the journal and the clock amount to, on an engine without a daemon around it."""

import json
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager
from itertools import pairwise
from typing import Any

import pytest
import trio

from ampp.core.alert import PostedAlert
from ampp.core.clock import SECOND
from ampp.deliver.health import Health
from ampp.feed.feed import Feed, Gap
from ampp.feed.watch import ONE_BY_ONE, Component, Watch
from ampp.observe import stall
from tests.stories.story import Story

ROUTES = "route: {receiver: ops, group_by: [alertname], group_wait: 30s, group_interval: 5m, repeat_interval: 4h}"


class World:
    """An engine, a feed about it, and the watch between them."""

    def __init__(self) -> None:
        self.story = Story(ROUTES)
        self.engine = self.story.engine
        self.feed = Feed()
        self.parts: Mapping[str, Component] = {"store": Component("healthy")}
        self.broken = 0
        self.watch = Watch(self.feed, self.engine, self.health, lambda: self.parts, lambda: self.story.now.wall)
        self.number = 0

    def health(self) -> Iterator[Health]:
        if self.broken:
            self.broken -= 1
            raise RuntimeError("a defect")
        return iter(())

    def post(self, *alerts: PostedAlert) -> None:
        now = self.story.now
        record = self.engine.receive(alerts, now).record(now.wall)
        if record is not None:
            self.feed.heard((record,))

    async def told(self) -> list[tuple[str, Any]]:
        """What is told within the next seconds."""
        events = []
        with trio.move_on_after(5):
            while True:
                new = await self.feed.after(self.number)
                self.number = new[-1].number
                events += [json.loads(event.json) for event in new]
        return [(event["type"], event["data"]) for event in events]


@asynccontextmanager
async def watched() -> AsyncIterator[World]:
    world = World()
    with world.feed.listening():
        async with trio.open_nursery() as nursery:
            nursery.start_soon(world.watch.run)
            assert await world.told() == []
            yield world
            nursery.cancel_scope.cancel()


def alert(name: str, **more: Any) -> PostedAlert:
    return PostedAlert(labels={"alertname": name}, **more)


async def test_of_an_alert_that_changes_quickly_the_last_state_is_told(autojump_clock: Any) -> None:
    async with watched() as world:
        wall = world.story.now.wall
        world.post(alert("A"))
        world.post(alert("A", starts=wall - 60 * SECOND, ends=wall - SECOND))
        world.post(alert("B"))
        told = await world.told()
        assert [(kind, data["alertname"]) for kind, data in told[:2]] == [
            ("alert_resolved", "A"),
            ("alert_created", "B"),
        ]
        assert told[2][0] == "stats_updated"
        assert (told[2][1]["firing_alerts"], told[2][1]["resolved_alerts"]) == (1, 1)
        world.post(alert("B"))
        assert await world.told() == []


async def test_labels_too_large_are_left_out_and_crowds_told_as_one(autojump_clock: Any) -> None:
    async with watched() as world:
        world.post(PostedAlert(labels={"alertname": "Large", "l": "x" * 20_000}))
        [(kind, data), _] = await world.told()
        assert (kind, data["labels"], data["labels_omitted"]) == ("alert_created", {}, True)
        world.post(*[alert(f"A{n}") for n in range(ONE_BY_ONE + 1)])
        [(kind, data), _] = await world.told()
        assert (kind, data) == ("alert_many", {"count": ONE_BY_ONE + 1})


async def test_what_changes_while_many_are_looked_at_is_told_afterwards(
    autojump_clock: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stall, "SLICE", -1.0)
    async with watched() as world:
        wall, counts = world.story.now.wall, world.watch._standings.counts
        seen = [0]

        class Meddle(trio.abc.Instrument):
            def before_io_wait(self, timeout: float) -> None:
                if not any(seen) and counts.active:
                    world.post(alert("A0", starts=wall - 60 * SECOND, ends=wall - SECOND), alert("B"))
                seen.append(counts.active)

        trio.lowlevel.add_instrument(meddle := Meddle())
        world.post(*[alert(f"A{n}") for n in range(2_000)])
        told = await world.told()
        trio.lowlevel.remove_instrument(meddle)
        steps = [later - sooner for sooner, later in pairwise(seen)]
        assert max(steps) <= 256
        assert told[0] == ("alert_many", {"count": 2_000})
        said = [(kind, data["alertname"]) for kind, data in told if kind in ("alert_resolved", "alert_created")]
        assert said == [("alert_resolved", "A0"), ("alert_created", "B")]
        assert (told[-1][1]["firing_alerts"], told[-1][1]["resolved_alerts"]) == (2_000, 1)


async def test_a_part_that_fares_otherwise_is_told(autojump_clock: Any) -> None:
    async with watched() as world:
        world.parts = {"store": Component("unhealthy", "disk full")}
        assert await world.told() == [
            ("health_changed", {"component": "store", "status": "unhealthy", "message": "disk full"})
        ]
        world.parts = {"store": Component("healthy")}
        assert await world.told() == [("health_changed", {"component": "store", "status": "healthy", "message": ""})]


async def test_a_defect_costs_listeners_a_reset_and_no_more(autojump_clock: Any) -> None:
    async with watched() as world:
        world.post(alert("A"))
        world.broken = 1
        with pytest.raises(Gap) as gap:
            await world.told()
        world.number = gap.value.number
        assert await world.told() == []
        world.post(alert("B"))
        assert [kind for kind, _ in await world.told()] == ["alert_created", "stats_updated"]


async def test_what_happens_before_the_first_look_is_a_gap_and_never_nothing(autojump_clock: Any) -> None:
    world = World()
    world.feed.place()
    world.post(alert("A"))
    async with trio.open_nursery() as nursery:
        nursery.start_soon(world.watch.run)
        with pytest.raises(Gap) as gap:
            await world.feed.after(world.number)
        world.number = gap.value.number
        assert await world.told() == []
        world.post(alert("B"))
        [(kind, data), _] = await world.told()
        assert (kind, data["alertname"]) == ("alert_created", "B")
        nursery.cancel_scope.cancel()
