"""Dashboards that poll, in a process of their own: each asks for all groups and, when it has them, waits a second.

Prints one JSON object: the seconds each answer took, how many were refused (Alertmanager serves eight GETs at once),
how many came too late, and the share of a core that reading them took.
"""

import json
import subprocess
import sys
import threading
import time
from typing import Any

from benchmarks.fetch import fetch
from benchmarks.load import Address, Overdue
from tests.support.daemon import ROOT

__all__ = ["Dashboards"]

PATH = "/api/v2/alerts/groups"
_PAUSE = 1.0


class Dashboards:
    """`count` of them, polling for `seconds`. Started when made; `result` waits for their end."""

    def __init__(self, address: Address, count: int, seconds: float, deadline: float) -> None:
        arguments = [*address, count, seconds, deadline]
        self._process = subprocess.Popen(
            [sys.executable, "-m", "benchmarks.dashboard", *map(str, arguments)], stdout=subprocess.PIPE, cwd=ROOT
        )
        self._limit = seconds + deadline + 30

    def result(self) -> dict[str, Any]:
        try:
            out, _ = self._process.communicate(timeout=self._limit)
        finally:
            self._process.kill()
            self._process.wait()
        found: dict[str, Any] = json.loads(out)
        return found


def _poll(address: Address, until: float, deadline: float, found: dict[str, Any]) -> None:
    while time.monotonic() < until:
        try:
            found["latencies"].append(fetch(address, PATH, deadline).seconds)
        except Overdue:
            found["late"] += 1
        except ConnectionError:
            found["refused"] += 1
        time.sleep(min(_PAUSE, max(0.0, until - time.monotonic())))


def main() -> None:
    host, port, count, seconds, deadline = sys.argv[1:]
    found: dict[str, Any] = {"latencies": [], "refused": 0, "late": 0}
    start = time.monotonic()
    threads = [
        threading.Thread(target=_poll, args=((host, int(port)), start + float(seconds), float(deadline), found))
        for _ in range(int(count))
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    found["share"] = time.process_time() / (time.monotonic() - start)
    json.dump(found, sys.stdout)


if __name__ == "__main__":
    main()
