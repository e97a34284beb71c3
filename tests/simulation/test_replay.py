"""What a replay makes of a recorded world: the same as the world did, and no less when groups are let sleep."""

from contextlib import closing
from pathlib import Path
from random import Random

import pytest

from ampp.core.record import Started
from ampp.history import tape as files
from ampp.history.backtest import Asked, Report, backtest
from ampp.history.sleep import Sleep
from tests.simulation.recorded import Recorded, Tape
from tests.simulation.swept import store, sweep
from tests.simulation.world import plan_of


def world_of(seed: int, *, restarts: bool = False) -> Recorded:
    """A world; without `restarts` one that runs through."""
    world = Recorded(seed)
    if not restarts:
        world.restart = lambda: None  # type: ignore[method-assign]
    for _ in range(120):
        world.step()
    return world


def run(world: Recorded, candidate: int | None = None) -> Report:
    plan = world.plan if candidate is None else plan_of(Random(candidate))
    # Which of several at one instant are the examples depends on their order.
    return backtest(
        Tape(world.tape, world.projection.alerts.values()), Asked(plan, examples=0), read=world.plans.__getitem__
    )


@pytest.mark.parametrize("first", range(0, 30, 10))
def test_the_world_is_reproduced(first: int) -> None:
    for seed in range(first, first + 10):
        found = run(world_of(seed))
        assert found.recorded is not None
        assert found.recorded.reproduced, (seed, found.recorded, found.receivers)


def test_a_world_with_restarts_is_reproduced() -> None:
    """Brutal ones: whatever was under way is lost, and nothing says when the run ended."""
    restarts = 0
    for seed in range(20):
        world = world_of(seed, restarts=True)
        found = run(world)
        assert found.recorded is not None
        assert found.recorded.reproduced, (seed, found.recorded, found.receivers)
        restarts += sum(isinstance(record, Started) for record in world.tape) - 1
    assert restarts > 20


def test_a_turn_that_waited_for_a_delivery_is_taken_once() -> None:
    """Worlds in which it comes with the delivery's end, and something new before the next delivery ends."""
    for seed, restarts in ((295, False), (178, True)):
        found = run(world_of(seed, restarts=restarts))
        assert found.recorded is not None
        assert found.recorded.reproduced, (seed, found.recorded, found.receivers)


def test_what_a_turn_repeats_when_a_delivery_ends_has_been_reported_again() -> None:
    """A world with a turn that waited, to repeat what was held since a restart."""
    found = run(world_of(1827, restarts=True))
    assert found.recorded is not None
    assert found.recorded.reproduced, (found.recorded, found.receivers)


def test_a_report_of_the_very_instant_of_a_start_came_before_it_if_it_is_recorded_before() -> None:
    found = run(world_of(2060, restarts=True))
    assert found.recorded is not None
    assert found.recorded.reproduced, (found.recorded, found.receivers)


def test_a_world_whose_journal_was_swept_is_reproduced(tmp_path: Path) -> None:
    compared = 0
    for seed, share in ((3, 0.3), (24, 0.3), (27, 0.6)):
        world = world_of(seed)
        directory = tmp_path / str(seed)
        directory.mkdir()
        store(world, directory)
        sweep(directory, share)
        with closing(files.Tape(directory)) as tape:
            found = backtest(tape, Asked(world.plan, examples=0), read=world.plans.__getitem__)
        assert not found.period.complete
        assert found.recorded is not None
        assert found.recorded.reproduced, (seed, found.recorded, found.receivers)
        compared += sum(one.notifications for one in found.recorded.receivers.values())
    assert compared > 100


def test_sleeping_groups_miss_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    worlds = [(world_of(seed), seed) for seed in range(200, 212)]
    sleeping = [run(world, candidate) for world, candidate in worlds]
    monkeypatch.setattr(Sleep, "doze", lambda self, group, wall: None)
    awake = [run(world, candidate) for world, candidate in worlds]
    assert any(not found.same for found in awake)
    assert sleeping == awake
