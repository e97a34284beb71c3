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


async def test_an_idle_loop_is_on_time(histogram: Histogram, autojump_clock: trio.testing.MockClock) -> None:
    with trio.move_on_after(10):
        await stall.watch(histogram)
    assert count(histogram, "_count") == 199
    assert count(histogram, "_sum") == pytest.approx(0, abs=1e-6)


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
