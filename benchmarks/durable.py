"""`python -m benchmarks.durable`: how long a POST of new alerts waits for the disk while the log is put away behind it.

New alerts come at a fixed rate, each answered once it is on disk, and are unfolded into the history meanwhile. Hardly
any is notified, unless `--interval` has their groups tell of them. Time counts from when a request was due. SQLite
writes the database itself, and not its log, only in a checkpoint; so those are counted by looking at when the file was
changed.
"""

import argparse
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from benchmarks import load
from benchmarks.body import bodies, stamp
from benchmarks.load import Due, percentile
from benchmarks.setting import address, config
from benchmarks.sink import Sink
from tests.support import Daemon, ampp_command

_APART: Final = 0.1
"""Seconds without a change after which the next one is another checkpoint."""


class _Heard:
    """What was answered, and which answers had a checkpoint under way while they were waited for."""

    def __init__(self, files: list[Path]) -> None:
        self.latencies: list[float] = []
        self.beside: list[float] = []
        self.refused = 0
        self.checkpoints = dict.fromkeys(files, 0)
        self._changed = {file: file.stat().st_mtime_ns for file in files}

    def __call__(self, request: Due, sent: float, answered: float, ok: bool) -> None:
        self.latencies.append(answered - request.at)
        self.refused += not ok
        wall, beside = time.time_ns(), False
        for file, before in self._changed.items():
            changed = file.stat().st_mtime_ns
            if changed == before:
                continue
            if changed - before > _APART * 1e9:
                self.checkpoints[file] += 1
            self._changed[file] = changed
            beside |= changed > wall - (answered - request.at) * 1e9
        if beside:
            self.beside.append(answered - request.at)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rate", type=int, default=2_000, help="new alerts a second")
    parser.add_argument("--batch", type=int, default=10, help="alerts in one POST")
    parser.add_argument("--seconds", type=int, default=60)
    parser.add_argument("--interval", default="1h", help="group_interval: how often all there is is notified")
    given = parser.parse_args()
    some = bodies(given.rate * given.seconds, given.batch)
    with Sink() as sink, Daemon(ampp_command(), config(sink, wait="1h", interval=given.interval)) as daemon:
        daemon.api().wait_ready()
        heard = _Heard([daemon.storage / "alerts.db", daemon.storage / "history.db"])
        start, mark = time.monotonic() + 0.5, stamp()
        plan = (Due(start + i * given.batch / given.rate, b.count, b.wire(mark)) for i, b in enumerate(some))
        load.paced(address(daemon), plan, heard, connections=8)
    sys.stdout.write("\n".join(_report(heard, given.rate, given.batch)) + "\n")


def _report(heard: _Heard, rate: int, batch: int) -> Iterator[str]:
    ordered, beside = sorted(heard.latencies), sorted(heard.beside)
    yield f"{len(ordered):,} POSTs of {batch} new alerts, {rate:,} alerts a second; refused: {heard.refused}"
    yield f"all: {_told(ordered)}"
    yield f"those beside a checkpoint, {len(beside):,}: {_told(beside)}"
    for file, count in heard.checkpoints.items():
        yield f"checkpoints of {file.name}: {count}"


def _told(ordered: list[float]) -> str:
    shares = ((0.5, "p50"), (0.95, "p95"), (0.99, "p99"), (0.999, "p99.9"), (1.0, "longest"))
    return ", ".join(f"{name} {percentile(ordered, share) * 1e3:.1f} ms" for share, name in shares)


if __name__ == "__main__":
    main()
