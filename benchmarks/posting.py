"""Cases of POST /api/v2/alerts: what Prometheus does all day, what it does when all breaks at once, and both."""

import time
from collections.abc import Iterator

from benchmarks import load
from benchmarks.body import bodies
from benchmarks.dashboard import Dashboards
from benchmarks.load import percentile
from benchmarks.setting import Reading, Setting, address, fill, sent

__all__ = ["mixed", "new", "resent", "single"]

_ACTIVE = {"10k": 10_000, "100k": 100_000}


def _rate(name: str, run: load.Blast, target: float | None = None) -> Iterator[Reading]:
    yield Reading(name, "alerts/s", run.alerts_per_second, "more", target, run.generator_share)
    yield Reading(f"{name}, p95", "ms", percentile(run.latencies, 0.95) * 1000, share=run.generator_share)


def resent(setting: Setting) -> Iterator[Reading]:
    """The same alerts again, only their end later; then also with another annotation in every one."""
    for size, count in setting.sizes(_ACTIVE).items():
        with setting.daemon() as daemon:
            fill(daemon, setting.size(count))
            # Until the first notifications are out.
            time.sleep(setting.span(4.0 if size == "10k" else 15.0))
            for batch in (64, 256):
                some = bodies(setting.size(count), batch)
                for connections in (1, 4, 16):
                    until = time.monotonic() + setting.span(3.0)
                    run = sent(load.blast(address(daemon), load.forever(some, until), connections, setting.deadline))
                    name = f"re-sent, {size} active, {batch} per POST, {connections} connection{'s'[: connections - 1]}"
                    yield from _rate(name, run, 10 if (batch, connections) == (64, 4) else None)
            for batch in (64, 256):
                some = bodies(setting.size(count), batch, changing=True)
                until = time.monotonic() + setting.span(3.0)
                run = sent(load.blast(address(daemon), load.forever(some, until), 4, setting.deadline))
                name = f"changed annotation, {size} active, {batch} per POST, 4 connections"
                yield from _rate(name, run, 5 if batch == 64 else None)


def single(setting: Setting) -> Iterator[Reading]:
    """One alert per POST."""
    with setting.daemon() as daemon:
        for connections, first in ((1, 0), (4, 20_000), (16, 40_000)):
            some = bodies(setting.size(10_000), 1, first=first)
            run = sent(load.blast(address(daemon), load.once(some), connections, setting.deadline))
            yield from _rate(
                f"new, one per POST, {connections} connection{'s'[: connections - 1]}",
                run,
                1 if connections == 4 else None,
            )
        some = bodies(setting.size(10_000), 1)
        for connections in (1, 4, 16):
            until = time.monotonic() + setting.span(3.0)
            run = sent(load.blast(address(daemon), load.forever(some, until), connections, setting.deadline))
            yield from _rate(
                f"re-sent, one per POST, {connections} connection{'s'[: connections - 1]}",
                run,
                1.5 if connections == 4 else None,
            )


def new(setting: Setting) -> Iterator[Reading]:
    """Nothing known before: every alert opens its own story."""
    for batch in (64, 256):
        with setting.daemon() as daemon:
            some = bodies(setting.size(50_000), batch)
            run = sent(load.blast(address(daemon), load.once(some), 4, setting.deadline))
            yield from _rate(f"all new, 0 to 50k, {batch} per POST, 4 connections", run, 1.5 if batch == 64 else None)


def mixed(setting: Setting) -> Iterator[Reading]:
    """Re-sends while ten dashboards poll."""
    with setting.daemon() as daemon:
        some = fill(daemon, setting.size(10_000))
        time.sleep(setting.span(4.0))
        seconds = setting.span(10.0)
        dashboards = Dashboards(address(daemon), 10, seconds, setting.deadline)
        try:
            run = load.blast(address(daemon), load.forever(some, time.monotonic() + seconds), deadline=setting.deadline)
        finally:
            polled = dashboards.result()
        name = "10 dashboards polling, 10k active"
        yield from _rate(f"re-sent, 64 per POST, 4 connections, {name}", sent(run))
        taken, share = sorted(polled["latencies"]), polled["share"]
        yield Reading(f"{name}: groups answered", "answers", len(taken), "more", share=share)
        yield Reading(f"{name}: GET groups, p50", "ms", percentile(taken, 0.5) * 1000, share=share)
        yield Reading(f"{name}: GET groups, p95", "ms", percentile(taken, 0.95) * 1000, share=share)
