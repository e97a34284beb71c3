"""Cases of notifications: from POST to webhook, a reload among many groups, and very many groups due at once."""

import threading
import time
from collections.abc import Iterator
from heapq import merge

from benchmarks import load, stall
from benchmarks.body import Body, alerts, bodies, instant, stamp
from benchmarks.fetch import fetch
from benchmarks.load import Due, percentile
from benchmarks.setting import Reading, Setting, address, config, fill, sent

__all__ = ["due", "latency", "reloaded"]

_PROBES = 500_000
"""The number of the first alert that is watched on its way to the webhook."""


def latency(setting: Setting) -> Iterator[Reading]:
    """A new alert every 10 ms, each a group of its own with group_wait 0; first alone, then beside re-sends."""
    with setting.daemon(config(setting.sink, by="'...'", wait="0s", interval="5m")) as daemon:
        some = fill(daemon, setting.size(1_000))
        time.sleep(setting.span(3.0))
        for first, rate, beside in ((_PROBES, 0, ""), (_PROBES + 10_000, 10_000, ", beside 10,000 re-sent/s")):
            setting.sink.reset()
            count = setting.size(1_000)
            began = time.monotonic() + 0.1
            probes = (
                Due(began + n * 0.01, 1, Body(alerts([first + n])).wire(stamp()), f"{first + n:06d}")
                for n in range(count)
            )
            seconds = count * 0.01
            resends = (
                Due(began + n * 64 / rate, 64, some[n % len(some)].wire(stamp()), None)
                for n in range(int(seconds * rate / 64))
            ) if rate else iter(())  # fmt: skip
            posted: dict[str, float] = {}
            refused = 0

            def heard(request: Due, at: float, answered: float, ok: bool) -> None:
                nonlocal refused
                refused += not ok
                if request.tag is not None:
                    posted[str(request.tag)] = at  # noqa: B023 - called within this turn of the loop

            share = load.paced(
                address(daemon), merge(probes, resends, key=lambda each: each.at), heard, 8, setting.deadline
            )
            if refused:
                raise RuntimeError(f"{refused} requests refused")
            noted: dict[str, float] = {}
            limit = time.monotonic() + setting.deadline
            while len(noted) < count and time.monotonic() < limit:
                noted = {node: at for node, at in setting.sink.arrived().noted.items() if node in posted}
                time.sleep(0.1)
            if len(noted) < count:
                raise RuntimeError(f"{count - len(noted)} of {count} alerts not notified in {setting.deadline:g} s")
            taken = sorted(at - posted[node] for node, at in noted.items())
            for name, part in (("p50", 0.5), ("p99", 0.99)):
                yield Reading(f"POST to webhook{beside}, {name}", "ms", percentile(taken, part) * 1000, share=share)


def reloaded(setting: Setting) -> Iterator[Reading]:
    """A reload while 10,000 groups stand and one sender goes on."""
    with setting.daemon(config(setting.sink, by="instance", wait="30m", interval="30m")) as daemon:
        some = bodies(setting.size(10_000), 64, starts=_this_hour())
        sent(load.blast(address(daemon), load.once(some)))
        time.sleep(setting.span(2.0))
        took: list[float] = []

        def reload() -> None:
            for _ in range(3):
                time.sleep(setting.span(1.0))
                took.append(fetch(address(daemon), "/-/reload", setting.deadline, "POST").seconds)

        thread = threading.Thread(target=reload)
        thread.start()
        run = sent(load.blast(address(daemon), load.forever(some, time.monotonic() + setting.span(6.0)), 1))
        thread.join()
        if len(took) < 3:
            raise RuntimeError("a reload was not answered")
        yield Reading("reload with 10k groups: answered", "ms", sorted(took)[1] * 1000)
        yield Reading(
            "reload with 10k groups: longest POST meanwhile", "ms", run.latencies[-1] * 1000, share=run.generator_share
        )


def due(setting: Setting) -> Iterator[Reading]:
    """100,000 groups of one alert, due in the order in which they came, all within the seconds it took to post them."""
    count, wait = setting.size(100_000), 1 if setting.short else 30
    name = "100k groups due"
    text = config(setting.sink, by="'...'", wait=f"{wait}s", interval="1h")
    with setting.daemon(text) as daemon:
        setting.sink.reset()
        # Not older than group_wait, or they would be told at once.
        some = bodies(count, 256, starts=instant())
        began, used = time.monotonic(), setting.sink.cpu_seconds()
        run = sent(load.blast(address(daemon), load.once(some), 4, setting.deadline))
        yield Reading(
            "100k groups, new with the alert, 256 per POST", "alerts/s", run.alerts_per_second, "more",
            share=run.generator_share,
        )  # fmt: skip
        before = stall.read(address(daemon)) if setting.ours else None
        limit = began + wait + 3 * setting.deadline
        while (seen := setting.sink.arrived()).count < count and time.monotonic() < limit:
            fetch(address(daemon), "/-/healthy", setting.deadline)
            time.sleep(0.5)
        share = (setting.sink.cpu_seconds() - used) / (time.monotonic() - began - wait)
        lasted = seen.last - (began + wait)
        yield Reading(f"{name}: notifications", "per s", seen.count / max(lasted, 1e-9), "more", share=share)
        yield Reading(
            f"{name}: until all are notified", "s", lasted if seen.count >= count else None, share=share,
            deadline=3 * setting.deadline,
        )  # fmt: skip
        if before is not None:
            held = stall.read(address(daemon)) - before
            yield Reading(f"{name}: loop stall, p99.9 at most", "ms", held.at_most(0.999) * 1000)
            yield Reading(f"{name}: longest loop stall, at most", "ms", held.at_most(1.0) * 1000)


_STARTED = instant()


def _this_hour() -> str:
    """When this run began: the same for both sides, so that the bodies are encoded once."""
    return _STARTED
