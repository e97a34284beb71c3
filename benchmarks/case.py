"""The cases. Each takes a way to start a daemon and gives named numbers."""

import contextlib
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from benchmarks import load
from benchmarks.throttle import Throttle, throttled
from tests.support import Daemon

__all__ = ["CASES", "METRICS", "Case", "Metric", "Setting"]

CONFIG = """
route: {{receiver: hook, group_by: [alertname], group_wait: 1s, group_interval: 10s, repeat_interval: 4h}}
receivers: [{{name: hook, webhook_configs: [{{url: "http://127.0.0.1:{port}/"}}]}}]
"""


@dataclass(frozen=True)
class Metric:
    """`better` is `more` or `less`; `target` the ratio ampp must reach (`more`: ampp/real, `less`: real/ampp)."""

    unit: str
    better: str
    target: float | None = None


METRICS: dict[str, Metric] = {
    "re-sent, 64 per POST": Metric("alerts/s", "more", 10),
    "re-sent, 64 per POST, p95": Metric("ms", "less"),
    "re-sent with a changed annotation, 64 per POST": Metric("alerts/s", "more", 5),
    "all new, 64 per POST": Metric("alerts/s", "more", 1.5),
    "all new, 64 per POST, p95": Metric("ms", "less"),
    "re-sent, one per POST": Metric("alerts/s", "more", 1.5),
    "all new, one per POST": Metric("alerts/s", "more", 1),
    "GET /api/v2/alerts, 10k active": Metric("ms", "less", 10),
    "GET /api/v2/alerts/groups, 10k active": Metric("ms", "less"),
    "memory, idle": Metric("MiB", "less"),
    "memory, 10k active": Metric("MiB", "less"),
    "start to ready": Metric("s", "less"),
    "start to ready, 0.1 core": Metric("s", "less"),
}


@dataclass(frozen=True)
class Setting:
    """How to run: the command, where notifications go, and how long."""

    command: Sequence[str]
    hole: int
    quick: bool
    prefix: Sequence[str] = ()

    @contextlib.contextmanager
    def daemon(self, throttle: Throttle | None = None) -> Iterator[Daemon]:
        daemon = Daemon(
            self.command,
            CONFIG.format(port=self.hole),
            prefix=self.prefix,
            before_exec=throttle.enter if throttle else None,
        )
        try:
            if throttle and throttle.enter is None:
                raise RuntimeError(f"cannot hold a starting process by {throttle.how}")
            daemon.start(timeout=120)
            daemon.api().wait_ready(60)
            yield daemon
        finally:
            daemon.close()


Result = dict[str, float]
Case = Callable[[Setting], tuple[Result, dict[str, float]]]


def _address(daemon: Daemon) -> tuple[str, int]:
    return daemon.host, daemon.port


def _fill(daemon: Daemon, count: int) -> list[load.Body]:
    some = load.bodies(count, 64, daemon.host)
    result = load.blast(_address(daemon), load.once(some))
    if result.refused:
        raise RuntimeError(f"{result.refused} requests refused")
    return some


def _active(setting: Setting) -> int:
    return 2_000 if setting.quick else 10_000


def resent(setting: Setting) -> tuple[Result, dict[str, float]]:
    """What Prometheus does all day: the same alerts again, only their end later."""
    seconds = 1.5 if setting.quick else 5.0
    shares: dict[str, float] = {}
    found: Result = {}
    with setting.daemon() as daemon:
        some = _fill(daemon, _active(setting))
        time.sleep(0.5 if setting.quick else 3.0)
        run = load.blast(_address(daemon), load.forever(some, time.monotonic() + seconds))
        found["re-sent, 64 per POST"] = run.alerts_per_second
        found["re-sent, 64 per POST, p95"] = load.percentile(run.latencies, 0.95) * 1000
        shares["re-sent, 64 per POST"] = run.generator_share
        changing = load.bodies(_active(setting), 64, daemon.host, changing=True)
        run = load.blast(_address(daemon), load.forever(changing, time.monotonic() + seconds))
        found["re-sent with a changed annotation, 64 per POST"] = run.alerts_per_second
        shares["re-sent with a changed annotation, 64 per POST"] = run.generator_share
        single = load.bodies(_active(setting), 1, daemon.host)
        run = load.blast(_address(daemon), load.forever(single, time.monotonic() + seconds))
        found["re-sent, one per POST"] = run.alerts_per_second
        shares["re-sent, one per POST"] = run.generator_share
    return found, shares


def new(setting: Setting) -> tuple[Result, dict[str, float]]:
    """Nothing known before: every alert opens its own story."""
    found: Result = {}
    shares: dict[str, float] = {}
    with setting.daemon() as daemon:
        some = load.bodies(_active(setting) * 2, 64, daemon.host)
        run = load.blast(_address(daemon), load.once(some))
        found["all new, 64 per POST"] = run.alerts_per_second
        found["all new, 64 per POST, p95"] = load.percentile(run.latencies, 0.95) * 1000
        shares["all new, 64 per POST"] = run.generator_share
    with setting.daemon() as daemon:
        single = load.bodies(_active(setting), 1, daemon.host)
        run = load.blast(_address(daemon), load.once(single))
        found["all new, one per POST"] = run.alerts_per_second
        shares["all new, one per POST"] = run.generator_share
    return found, shares


def listing(setting: Setting) -> tuple[Result, dict[str, float]]:
    """What dashboards ask for, and what holding the alerts costs."""
    found: Result = {}
    with setting.daemon() as daemon:
        time.sleep(1.0)
        found["memory, idle"] = daemon.resident_bytes() / 2**20
        _fill(daemon, _active(setting))
        time.sleep(1.0 if setting.quick else 4.0)
        found["memory, 10k active"] = daemon.resident_bytes() / 2**20
        for name, path in (
            ("GET /api/v2/alerts, 10k active", "/api/v2/alerts"),
            ("GET /api/v2/alerts/groups, 10k active", "/api/v2/alerts/groups"),
        ):
            taken = sorted(load.one_get(_address(daemon), path)[0] for _ in range(3 if setting.quick else 10))
            found[name] = load.percentile(taken, 0.5) * 1000
    return found, {}


def starting(setting: Setting) -> tuple[Result, dict[str, float]]:
    """From exec to the first 200 of /-/ready."""
    found: Result = {}
    began = time.perf_counter()
    with setting.daemon():
        found["start to ready"] = time.perf_counter() - began
    with throttled(0.1) as throttle:
        if throttle.enter is not None:
            began = time.perf_counter()
            with setting.daemon(throttle):
                found["start to ready, 0.1 core"] = time.perf_counter() - began
    return found, {}


CASES: dict[str, Case] = {"resent": resent, "new": new, "listing": listing, "starting": starting}
