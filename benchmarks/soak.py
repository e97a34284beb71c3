"""`python -m benchmarks.soak`: a steady load for a long time. Is memory flat, is every answer in time, is nothing lost?

A set of active alerts is sent again and again at a fixed rate; beside every 200 of those sent one is new, and one ends
an earlier new one. Requests are sent when they are due, and their time counts from then. Every minute a line says what
was. In the end what was acknowledged is compared with GET /api/v2/alerts, and again after some more of the same,
`kill -9` and a new start.
"""

import argparse
import json
import sys
import time
from collections import deque
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from benchmarks import load, stall
from benchmarks.body import Body, alerts, bodies, stamp
from benchmarks.fetch import fetch
from benchmarks.load import Due, percentile
from benchmarks.setting import address, config, fill
from benchmarks.sink import Sink
from tests.support import Daemon, ampp_command

_BATCH = 64
_EVERY = 25
_SHARE = 200
_LIFE = 20.0
"""Seconds for which a new alert fires before it is ended."""

_FRESH = 500_000
"""The number of the first new alert."""


class _Load:
    """What is sent, and what was acknowledged of the new alerts: which fire, and which are over."""

    def __init__(self, active: int, rate: float) -> None:
        self.wanted = {_instance(n) for n in range(active)}
        self.over: set[str] = set()
        self.latencies: list[float] = []
        self.sent = self.refused = 0
        self._some = bodies(active, _BATCH)
        self._rate = rate
        self._alive: deque[int] = deque()
        self._fresh = _FRESH
        self._number = 0
        self._at = 0.0

    def part(self, until: float) -> Iterator[Due]:
        """The requests due up to then."""
        self._at = self._at or time.monotonic()
        while self._at < until:
            body = self._some[self._number % len(self._some)]
            self._number += 1
            yield self._due(body)
            if self._number % _EVERY == 0:
                yield self._news(_EVERY * _BATCH // _SHARE)

    def _news(self, count: int) -> Due:
        begun = range(self._fresh, self._fresh + count)
        self._fresh += count
        self._alive.extend(begun)
        many = len(self._alive) > _LIFE * self._rate / _SHARE
        ended = [self._alive.popleft() for _ in range(count)] if many else []
        text = [*alerts(begun, alertname="Fresh"), *alerts(ended, alertname="Fresh", ends=stamp(-1200).decode())]
        return self._due(Body(text, count=len(text)), (set(map(_instance, begun)), set(map(_instance, ended))))

    def _due(self, body: Body, tag: object = None) -> Due:
        at, self._at = self._at, self._at + body.count / self._rate
        return Due(at, body.count, body.wire(stamp()), tag)

    def heard(self, request: Due, at: float, answered: float, ok: bool) -> None:
        self.latencies.append(answered - request.at)
        if not ok:
            self.refused += 1
            return
        self.sent += request.count
        if isinstance(request.tag, tuple):
            begun, ended = request.tag
            self.wanted |= begun
            self.wanted -= ended
            self.over |= ended

    def compare(self, daemon: Daemon) -> dict[str, int]:
        """What a listing lacks of what fires as far as was acknowledged, and has of what is over."""
        listed = json.loads(fetch(address(daemon), "/api/v2/alerts", 120).body)
        shown = {each["labels"]["instance"] for each in listed}
        lost, back = len(self.wanted - shown), len(self.over & shown)
        return {"firing": len(self.wanted), "lost": lost, "over": len(self.over), "come back": back}


def _instance(number: int) -> str:
    return f"node-{number:06d}.example.com:9100"


def _waits(latencies: list[float]) -> dict[str, float]:
    ordered = sorted(latencies)
    parts = {"p50": 0.5, "p95": 0.95, "p99.9": 0.999, "longest": 1.0}
    return {f"{name} ms": round(percentile(ordered, part) * 1000, 2) for name, part in parts.items()}


def _stalls(held: stall.Stall) -> dict[str, float]:
    return {
        "stall p99.9 ms at most": round(held.at_most(0.999) * 1000, 1),
        "longest stall ms at most": round(held.at_most(1.0) * 1000, 1),
    }


def _house(daemon: Daemon, sink: Sink) -> dict[str, float]:
    return {
        "RSS MiB": round(daemon.resident_bytes() / 2**20, 1),
        "stored MiB": round(sum(each.stat().st_size for each in daemon.storage.glob("*")) / 2**20, 1),
        "notifications": sink.arrived().count,
        "failed": stall.counter(address(daemon), "alertmanager_notifications_failed_total"),
    }


def soak(daemon: Daemon, sink: Sink, minutes: float, active: int, rate: float, connections: int) -> Iterator[Any]:
    """A line before, one each minute, and the summary."""
    fill(daemon, active)
    time.sleep(min(15.0, 15 * minutes))
    sender = _Load(active, rate)
    before = start = stall.read(address(daemon))
    memory = _house(daemon, sink)["RSS MiB"]
    yield {"minute": 0, **_house(daemon, sink)}
    latencies: list[float] = []
    began = at = time.monotonic()
    minute, sent = 0, 0
    while at < began + minutes * 60:
        minute += 1
        until = began + min(minute, minutes) * 60
        share = load.paced(address(daemon), sender.part(until), sender.heard, connections)
        now, held = time.monotonic(), stall.read(address(daemon))
        yield {
            "minute": minute,
            "alerts/s": round((sender.sent - sent) / (now - at)),
            **_waits(sender.latencies),
            **_house(daemon, sink),
            **_stalls(held - before),
            "generator": round(share, 2),
        }
        latencies += sender.latencies
        sender.latencies.clear()
        sent, before, at = sender.sent, held, max(until, time.monotonic())
    summary: dict[str, Any] = {
        "minutes": round((at - began) / 60, 2),
        "alerts": sender.sent,
        "alerts/s": round(sender.sent / (at - began)),
        **_waits(latencies),
        "refused": sender.refused,
        "RSS MiB at start": memory,
        "RSS MiB at end": _house(daemon, sink)["RSS MiB"],
        **_stalls(before - start),
        "listed": sender.compare(daemon),
    }
    # The last words before a crash are the likeliest to be lost.
    load.paced(address(daemon), sender.part(time.monotonic() + 2), sender.heard, connections)
    daemon.kill()
    began = time.monotonic()
    daemon.start(120)
    daemon.api().wait_ready(120)
    summary["ready again after kill -9, s"] = round(time.monotonic() - began, 2)
    summary["listed after kill -9"] = sender.compare(daemon)
    yield summary


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.soak", description=__doc__)
    parser.add_argument("--rate", type=float, default=10_000, help="alerts a second (default 10000)")
    parser.add_argument("--minutes", type=float, default=60, help="how long (default 60)")
    parser.add_argument("--active", type=int, default=100_000, help="alerts that fire throughout (default 100000)")
    parser.add_argument("--connections", type=int, default=4, help="of the sender (default 4)")
    parser.add_argument("--command", help="another daemon than this tree's ampp")
    parser.add_argument("--json", metavar="FILE", type=Path, help="write everything to this file too")
    chosen = parser.parse_args()
    lines: list[Any] = []
    with Sink() as sink:
        text = config(sink, by="alertname, namespace", interval="1m")
        daemon = Daemon(chosen.command.split() if chosen.command else ampp_command(), text)
        try:
            daemon.start(120)
            daemon.api().wait_ready(120)
            for line in soak(daemon, sink, chosen.minutes, chosen.active, chosen.rate, chosen.connections):
                lines.append(line)
                print("  ".join(f"{name} {value}" for name, value in line.items()), flush=True)  # noqa: T201
        finally:
            daemon.close()
    if chosen.json:
        chosen.json.write_text(json.dumps(lines, indent=1))
    summary = lines[-1]
    compared = (summary["listed"], summary["listed after kill -9"])
    return 1 if summary["refused"] or any(each["lost"] or each["come back"] for each in compared) else 0


if __name__ == "__main__":
    sys.exit(main())
