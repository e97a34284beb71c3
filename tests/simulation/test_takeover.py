"""A new plan made ready while the engine goes on puts everything where it would have been put in one go."""

from random import Random
from typing import Any

import pytest

from ampp.core.engine import Effects
from ampp.core.record import Collected, GroupDropped
from ampp.core.takeover import Takeover, load_plan
from tests.simulation.aftermath import actual, expected
from tests.simulation.world import World, plan_of

ACTS = ("post", "post", "post", "wait", "silence", "expire", "upkeep")


def lived(seed: int) -> World:
    world = World(seed)
    for _ in range(60):
        world.step()
    return world


def standing(world: World, effects: Effects) -> dict[str, Any]:
    engine, now = world.engine, world.now()
    alerts = {alert.key: alert for group in engine.groups for alert in group.alerts.values()}
    alerts |= engine.book.alerts
    return {
        "members": {group.name: sorted(group.alerts) for group in engine.groups},
        "alerts": {
            key: (
                [route.id for route in engine.groups.route(alert)],
                sorted(group.name for group in alert.groups),
                alert.seated,
                (found := engine.muting.inhibited_by(alert, now.wall)) and found.rule_index,
            )
            for key, alert in alerts.items()
        },
        "sources": {alert.key for alert in engine.book if engine.muting.inhibitor.may_inhibit(alert)},
        "timers": all(group.seat in engine.groups.wheel for group in engine.groups),
        "inherited": {group.name: (group.flushed, group.muted_by, group.flight is None) for group in engine.groups},
        "dropped": sorted((r.route, r.labels) for r in effects.records if isinstance(r, GroupDropped)),
        "collected": sorted(key for r in effects.records if isinstance(r, Collected) for key in r.alerts),
        "canceled": sorted(effects.canceled),
        "outbox": sorted(engine.outbox),
    }


@pytest.mark.parametrize("seed", range(28))
def test_what_happens_meanwhile_makes_no_difference(seed: int) -> None:
    random, keep_timers = Random(seed), bool(seed % 2)
    apart, at_once = lived(seed), lived(seed)
    plan = plan_of(random)
    done: list[str] = []
    takeover = Takeover(apart.engine, plan, keep_timers=keep_timers, pace=1)
    for _ in takeover.prepare(apart.now()):
        if random.random() < 0.1:
            done.append(random.choice(ACTS))
            getattr(apart, done[-1])()
    pieces = takeover.succeed(apart.now())
    for records in takeover.clear(apart.now()):
        pieces.records += records
    for act in done:
        getattr(at_once, act)()
    whole = load_plan(at_once.engine, plan, at_once.now(), keep_timers=keep_timers)
    assert standing(apart, pieces) == standing(at_once, whole)


@pytest.mark.parametrize("first", range(0, 60, 15))
def test_a_reload_comes_to_what_it_is_to_come_to(first: int) -> None:
    """Many reloads in each world, often to the same plan, so that much is there to be inherited."""
    collected = 0
    for seed in range(first, first + 15):
        world, random = World(seed), Random(seed)
        for _ in range(100):
            world.step()
            if random.random() < 0.25:
                plan = random.choice((world.plan, world.plan, plan_of(random)))
                keep_timers, pieces = random.random() < 0.8, random.random() < 0.5
                takeover = Takeover(world.engine, plan, keep_timers=keep_timers, pace=1)
                for _ in takeover.prepare(world.now()):
                    if pieces:
                        world.meanwhile()
                wanted = expected(world.engine, plan, world.now(), keep_timers=keep_timers)
                out = takeover.succeed(world.now())
                for records in takeover.clear(world.now()):
                    out.records += records
                found = actual(world.engine, out)
                if pieces:
                    # Timers of new groups run from when these were made ready.
                    for which in (wanted, found):
                        which["groups"] = {name: state[2:] for name, state in which["groups"].items()}
                assert found == wanted, seed
                collected += len(wanted["collected"])
                world.plan = plan
                world.carry(out)
                world.timers.clear()
                world.disturb()
    assert collected
