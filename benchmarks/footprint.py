"""Cases of what it costs to be there: memory, and the time from exec to ready."""

import time
from collections.abc import Iterator

from benchmarks import load
from benchmarks.body import bodies
from benchmarks.setting import Reading, Setting, address, fill, sent
from benchmarks.throttle import throttled

__all__ = ["memory", "starting"]


def memory(setting: Setting) -> Iterator[Reading]:
    """Resident memory: idle, and after alerts have come, been notified and come again."""
    with setting.daemon() as daemon:
        time.sleep(setting.span(2.0))
        yield Reading("memory, idle", "MiB", daemon.resident_bytes() / 2**20)
        for size, count in (("10k", 10_000), ("100k", 100_000)):
            fill(daemon, setting.size(count))
            time.sleep(setting.span(12.0))
            some = bodies(setting.size(count), 64)
            sent(load.blast(address(daemon), load.once(some), deadline=setting.deadline))
            time.sleep(setting.span(12.0))
            yield Reading(f"memory, {size} active", "MiB", daemon.resident_bytes() / 2**20, target=1)


def starting(setting: Setting) -> Iterator[Reading]:
    """From exec to the first 200 of /-/ready."""
    began = time.perf_counter()
    with setting.daemon() as daemon:
        yield Reading("start to ready, nothing stored", "s", time.perf_counter() - began)
        fill(daemon, setting.size(100_000))
        time.sleep(setting.span(15.0))
        daemon.stop(60)
        began = time.perf_counter()
        daemon.start(120)
        daemon.api().wait_ready(120)
        yield Reading("start to ready, after a run with 100k alerts", "s", time.perf_counter() - began)
    if setting.short:
        return
    with throttled(0.1) as throttle:
        if throttle.enter is not None:
            began = time.perf_counter()
            with setting.daemon(throttle=throttle):
                yield Reading(f"start to ready, {throttle.how}", "s", time.perf_counter() - began)
