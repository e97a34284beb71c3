"""Cases of the command line: each tool as a process of its own, amtool against its own side's server."""

import statistics
import subprocess
import time
from collections.abc import Iterator, Sequence

from benchmarks.setting import Reading, Setting, fill

__all__ = ["commands", "queries"]


def _took(command: Sequence[str], times: int, deadline: float) -> float:
    """Milliseconds, the median after a first run that warms the file cache."""
    taken = []
    for _ in range(1 + times):
        began = time.perf_counter()
        done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, timeout=deadline, check=False)
        taken.append((time.perf_counter() - began) * 1000)
        if done.returncode:
            raise RuntimeError(f"{' '.join(command)}: exit status {done.returncode}: {done.stderr[-300:]!r}")
    return statistics.median(taken[1:])


def _times(setting: Setting) -> int:
    return 1 if setting.short else 7


def commands(setting: Setting) -> Iterator[Reading]:
    """`--version` of the daemon and of amtool."""
    times = _times(setting)
    yield Reading("ampp --version / alertmanager --version", "ms", _took(setting.version, times, setting.deadline))
    yield Reading("amtool --version", "ms", _took([*setting.amtool, "--version"], times, setting.deadline))


def queries(setting: Setting) -> Iterator[Reading]:
    """amtool against 10,000 alerts."""
    times = _times(setting)
    with setting.daemon() as daemon:
        fill(daemon, setting.size(10_000))
        time.sleep(setting.span(3.0))
        query = [*setting.amtool, f"--alertmanager.url={daemon.url}", "alert", "query"]
        for name, command in (
            ("amtool alert query, one instance of 10k", [*query, "instance=node-000007.example.com:9100"]),
            ("amtool alert query, one alertname of 10k", [*query, "HighLatency3"]),
            ("amtool alert query, all 10k", query),
            ("amtool alert query, all 10k, as JSON", [*query, "-o", "json"]),
        ):
            yield Reading(name, "ms", _took(command, times, setting.deadline))
