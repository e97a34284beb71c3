"""The stall watch, on a clock of our own and on the real loop."""

import os
import socket
import time
from pathlib import Path

import pytest
import trio
import trio.testing
from prometheus_client import CollectorRegistry, Histogram

from ampp.observe import stall


@pytest.fixture
def histogram() -> Histogram:
    return Histogram("stall", "", buckets=(0.05, 0.2), registry=CollectorRegistry())


def count(histogram: Histogram, suffix: str, le: str | None = None) -> float:
    (family,) = histogram.collect()
    return sum(s.value for s in family.samples if s.name == "stall" + suffix and (le is None or s.labels["le"] == le))


@pytest.mark.parametrize(
    ("turns", "sum_", "seen"),
    [
        # A turn begins at, ends at, and wants to be woken after: nobody is looked for before 1.0.
        ([(0.1, 0.9, 5)], 0, 0),
        ([(0.1, 1.5, 5)], 0.5, 1),
        ([(0.1, 0.2, 5), (1.1, 1.4, 5)], 0.3, 1),
        ([(0.1, 0.2, 5), (1.1, 1.4, 5), (1.5, 2.0, 5), (3.0, 3.1, 5)], 0.4, 2),
        # A timer that comes late: the loop was not let run.
        ([(0.1, 0.2, 1), (2.2, 2.3, 5)], 1.1, 1),
        ([(0.1, 0.2, 3), (2.2, 2.3, 5)], 0.1, 1),
        ([(0.1, 0.2, 0), (0.2, 3.0, 0)], 2.0, 1),
    ],
)
def test_whoever_is_due_waits_for_the_end_of_a_turn(
    histogram: Histogram, turns: list[tuple[float, float, float]], sum_: float, seen: int
) -> None:
    now = [0.0]
    watched = stall.Turns(histogram, 1.0, lambda: now[0])
    for begins, ends, timeout in turns:
        now[0] = begins
        watched.after_io_wait(0)
        now[0] = ends
        watched.before_io_wait(timeout)
    assert count(histogram, "_sum") == pytest.approx(sum_)
    assert count(histogram, "_count") == seen


async def test_a_held_up_loop_is_seen(histogram: Histogram) -> None:
    async with trio.open_nursery() as nursery:
        nursery.start_soon(stall.watch, histogram)
        await trio.testing.wait_all_tasks_blocked()
        time.sleep(0.3)
        await trio.testing.wait_all_tasks_blocked()
        with trio.fail_after(10):
            while count(histogram, "_count") == 0:
                await trio.sleep(0.01)
        nursery.cancel_scope.cancel()
    assert count(histogram, "_bucket", "+Inf") - count(histogram, "_bucket", "0.2") >= 1


async def test_it_ends_with_its_task(histogram: Histogram) -> None:
    with trio.move_on_after(0.01):
        await stall.watch(histogram)
    seen = count(histogram, "_count")
    time.sleep(0.1)
    await trio.sleep(0)
    assert count(histogram, "_count") == seen


async def test_the_watchdog_is_fed_in_time(
    histogram: Histogram, autojump_clock: trio.testing.MockClock, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("NOTIFY_SOCKET", str(tmp_path / "notify"))
    monkeypatch.setenv("WATCHDOG_USEC", "3000000")
    monkeypatch.setenv("WATCHDOG_PID", str(os.getpid()))
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        manager.bind(str(tmp_path / "notify"))
        manager.setblocking(False)
        fed = 0
        with trio.move_on_after(10.5):
            async with trio.open_nursery() as nursery:
                nursery.start_soon(stall.watch, histogram)
                while True:
                    await trio.sleep(1)
                    assert manager.recv(99) == b"WATCHDOG=1"
                    fed += 1
    assert fed == 10


async def test_who_may_rest_waits_for_a_turn_that_is_young(
    histogram: Histogram,
) -> None:
    """Each of these tasks makes a turn overlong, so that no two of them go on in the same one."""
    turn, on = 0, []

    class Count(trio.abc.Instrument):
        def before_io_wait(self, timeout: float) -> None:
            nonlocal turn
            turn += 1

    async def work() -> None:
        await stall.rest()
        on.append(turn)
        until = time.perf_counter() + 2 * stall._LONG
        while time.perf_counter() < until:
            pass

    assert not stall.overlong()
    await work()
    trio.lowlevel.add_instrument(Count())
    async with trio.open_nursery() as watching:
        watching.start_soon(stall.watch, histogram)
        await trio.testing.wait_all_tasks_blocked()
        async with trio.open_nursery() as nursery:
            for _ in range(5):
                nursery.start_soon(work)
        watching.cancel_scope.cancel()
    assert len(set(on)) == 6, on


async def test_who_paces_himself_pauses_after_his_slice_and_counts_what_he_worked(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    clock, turns = 100.0, 0
    monkeypatch.setattr(stall.time, "perf_counter", lambda: clock)

    class Turns(trio.abc.Instrument):
        def before_io_wait(self, timeout: float) -> None:
            nonlocal turns, clock
            turns += 1
            clock += 7.0

    trio.lowlevel.add_instrument(Turns())
    pace = stall.Pace()
    for work, pauses in [(0.6, 0), (0.3, 0), (0.2, 1), (0.9, 1), (0.2, 2), (5, 3)]:
        clock += work * stall.SLICE
        await pace.pause()
        assert turns == pauses
    assert pace.worked == pytest.approx(7.2 * stall.SLICE)


async def test_who_paces_himself_pauses_in_an_overlong_turn_though_he_has_just_begun(histogram: Histogram) -> None:
    began, went_on = 0, 0

    class Turns(trio.abc.Instrument):
        count = 0

        def before_io_wait(self, timeout: float) -> None:
            self.count += 1

    turns = Turns()
    trio.lowlevel.add_instrument(turns)
    async with trio.open_nursery() as watching:
        watching.start_soon(stall.watch, histogram)
        await trio.testing.wait_all_tasks_blocked()
        until = time.perf_counter() + 2 * stall._LONG
        while time.perf_counter() < until:
            pass
        began = turns.count
        await stall.Pace().pause()
        went_on = turns.count
        watching.cancel_scope.cancel()
    assert went_on == began + 1
