"""Cases of GET: what dashboards ask for, at three sizes, with silences and with inhibition."""

import time
from collections.abc import Iterator

from benchmarks import load
from benchmarks.body import bodies, silences
from benchmarks.fetch import fetch
from benchmarks.setting import Reading, Setting, address, config, fill, median, sent
from tests.support import Daemon

__all__ = ["inhibited", "listed", "silenced"]

_FILTER = "?filter=alertname%3D%22HighLatency3%22"
_SIZES = {"1k": 1_000, "10k": 10_000, "100k": 100_000}
_PATHS = {
    "GET alerts, one in twenty": f"/api/v2/alerts{_FILTER}",
    "GET groups, one in twenty": f"/api/v2/alerts/groups{_FILTER}",
    "GET alerts": "/api/v2/alerts",
    "GET groups": "/api/v2/alerts/groups",
}


class _Lister:
    """Asks one daemon, which is started anew after it owed an answer: it may still be working on it."""

    def __init__(self, setting: Setting, count: int) -> None:
        self._setting = setting
        self._count = count
        self._held = setting.daemon()
        self._daemon: Daemon | None = None

    def close(self) -> None:
        if self._daemon is not None:
            self._held.__exit__(None, None, None)
            self._daemon = None

    def _filled(self) -> Daemon:
        if self._daemon is None:
            self._held = self._setting.daemon()
            self._daemon = self._held.__enter__()
            fill(self._daemon, self._count)
            time.sleep(self._setting.span(3.0 + self._count / 10_000))
        return self._daemon

    def ask(self, name: str, path: str, times: int, *, target: float = 0, after: bool = False) -> Reading:
        def once() -> tuple[float, float]:
            daemon = self._filled()
            if after:
                sent(load.blast(address(daemon), load.once(bodies(self._count, 64)), deadline=self._setting.deadline))
            found = fetch(address(daemon), path, self._setting.deadline)
            return found.seconds * 1000, found.share

        more = {"target": target} if target else {}
        reading = self._setting.ask(name, "ms", lambda: median(once, times), **more)
        if reading.value is None:
            self.close()
        return reading


def listed(setting: Setting) -> Iterator[Reading]:
    """Alerts and groups, whole and filtered. The first listing after many alerts came differs from the later ones, and
    the one after a round of re-sends is what dashboards meet."""
    for size, full in setting.sizes(_SIZES).items():
        lister = _Lister(setting, setting.size(full))
        try:
            yield lister.ask(f"GET alerts, {size} active, the first time", "/api/v2/alerts", 1)
            for name, path in _PATHS.items():
                target = 10 if (name, size) == ("GET alerts", "10k") else 0
                yield lister.ask(f"{name}, {size} active", path, 3 if size == "100k" else 5, target=target)
            for name in ("GET alerts", "GET groups"):
                yield lister.ask(f"{name}, {size} active, after re-sends", _PATHS[name], 3, after=True)
        finally:
            lister.close()


def silenced(setting: Setting) -> Iterator[Reading]:
    """10,000 silences over 10,000 alerts, half of which they silence."""
    count = setting.size(10_000)
    with setting.daemon() as daemon:
        fill(daemon, count)
        time.sleep(setting.span(3.0))
        run = sent(load.blast(address(daemon), load.once(silences(count)), 4, setting.deadline))
        yield Reading(
            "10k silences: create, 4 connections", "silences/s", run.requests / run.seconds, "more",
            share=run.generator_share,
        )  # fmt: skip
        yield Reading("10k silences: create, p95", "ms", load.percentile(run.latencies, 0.95) * 1000)

        def get(path: str) -> tuple[float, float]:
            found = fetch(address(daemon), path, setting.deadline)
            return found.seconds * 1000, found.share

        yield setting.ask("10k silences: list", "ms", lambda: median(lambda: get("/api/v2/silences"), 3))
        path = "/api/v2/alerts?silenced=false"
        yield setting.ask("10k silences: GET alerts not silenced, the first time", "ms", lambda: get(path))
        yield setting.ask("10k silences: GET alerts not silenced", "ms", lambda: median(lambda: get(path), 3))

        number = count

        def after_one_more() -> tuple[float, float]:
            nonlocal number
            number += 1
            sent(load.blast(address(daemon), load.once(silences(1, number)), 1, setting.deadline))
            return get(path)

        name = "10k silences: GET alerts not silenced, after one more silence"
        yield setting.ask(name, "ms", lambda: median(after_one_more, 3))


def inhibited(setting: Setting) -> Iterator[Reading]:
    """1,000 inhibit rules, 10 sources for each, and as many alerts that they inhibit."""
    rules = setting.size(1_000)
    count = 10 * rules
    text = "inhibit_rules:\n" + "".join(
        f'- {{source_matchers: [kind="source", rule="{n}"], target_matchers: [kind="target", rule="{n}"], '
        "equal: [cluster]}\n"
        for n in range(rules)
    )
    with setting.daemon(config(setting.sink, more=text)) as daemon:
        for number, kind in enumerate(("source", "target")):
            some = bodies(count, 64, first=number * count, kind=kind, rule=f"{{n%{rules}}}")
            run = sent(load.blast(address(daemon), load.once(some), 4, setting.deadline))
            name = f"1,000 inhibit rules: 10k new {kind}s, 64 per POST"
            yield Reading(name, "alerts/s", run.alerts_per_second, "more", share=run.generator_share)
        time.sleep(setting.span(3.0))

        def get() -> tuple[float, float]:
            found = fetch(address(daemon), "/api/v2/alerts?inhibited=false", setting.deadline)
            return found.seconds * 1000, found.share

        yield setting.ask("1,000 inhibit rules: GET alerts not inhibited, the first time", "ms", get)
        yield setting.ask("1,000 inhibit rules: GET alerts not inhibited", "ms", lambda: median(get, 3))
