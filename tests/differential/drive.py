"""Drive timelines into several daemons at once, at the same instants, and gather what each of them did."""

import json
import math
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from tests.differential.timeline import Action, Timeline
from tests.support import Daemon, Delivery, Sink
from tests.support.api import rfc3339

__all__ = ["LATE", "Seen", "drive"]

LATE = 0.1
"""Seconds by which an action may be late before a timeline proves nothing."""


@dataclass
class Seen:
    """What one daemon did with one timeline. Times are seconds from the timeline's start."""

    base: float
    deliveries: list[Delivery] = field(default_factory=list)
    looks: list[tuple[float, dict[str, Any]]] = field(default_factory=list)
    silences: dict[str, str] = field(default_factory=dict)
    refused: list[str] = field(default_factory=list)
    latest: float = 0.0


def config(timelines: Sequence[Timeline], url: str) -> str:
    """One alertmanager.yml (JSON is YAML) in which the timelines cannot touch each other."""
    whole = {
        "global": {"resolve_timeout": "5m"},
        "route": {"receiver": "nobody", "routes": [t.route.yaml() for t in timelines]},
        "receivers": [{"name": "nobody"}, *(r for t in timelines for r in t.receivers)],
        "inhibit_rules": [rule for t in timelines for rule in t.inhibit_rules],
    }
    return json.dumps(whole, indent=1).replace("SINK/", f"{url}/")


class _Actor(threading.Thread):
    """Plays one timeline into one daemon."""

    def __init__(self, timeline: Timeline, daemon: Daemon, sink: Sink, base: float) -> None:
        super().__init__(daemon=True)
        self.timeline = timeline
        self.sink = sink
        self.api = daemon.api()
        self.seen = Seen(base)

    def run(self) -> None:
        for action in self.timeline.actions:
            left = self.seen.base + action.at - time.time()
            if left > 0:
                time.sleep(left)
            self.seen.latest = max(self.seen.latest, time.time() - self.seen.base - action.at)
            try:
                self._do(action)
            except (OSError, AssertionError, ValueError) as error:
                self.seen.refused.append(f"{action.at} {action.kind}: {error!r}")
        time.sleep(max(0.0, self.seen.base + self.timeline.ends + 0.5 - time.time()))
        self.api.close()

    def _do(self, action: Action) -> None:
        data = action.data
        if action.kind == "post":
            self._took(action, self.api.post_alerts([self._alert(a) for a in data]))
        elif action.kind == "silence":
            known = self.seen.silences.get(data["handle"])
            answer = self.api.post_silence(
                [(n, op, v) for n, op, v in data["matchers"]],
                self.seen.base + data["starts"],
                self.seen.base + data["ends"],
                **({"id": known} if known else {}),
            )
            self._took(action, answer)
            if answer.status == 200:
                self.seen.silences[data["handle"]] = answer.json["silenceID"]
        elif action.kind == "expire":
            self._took(action, self.api.expire_silence(self.seen.silences[data["handle"]]))
        elif action.kind == "break":
            self.sink.always(data["path"], data["status"])
        elif action.kind == "look":
            mine = [f'timeline="{self.timeline.seed}"']
            self.seen.looks.append(
                (
                    action.at,
                    {
                        "alerts": self.api.alerts(mine),
                        "groups": self.api.groups(mine),
                        "silences": self.api.silences(mine),
                    },
                )
            )

    def _took(self, action: Action, answer: Any) -> None:
        if answer.status != 200:
            self.seen.refused.append(f"{action.at} {action.kind}: {answer.status} {answer.body[:200]!r}")

    def _alert(self, alert: dict[str, Any]) -> dict[str, Any]:
        times: dict[str, Any] = {k: rfc3339(self.seen.base + alert[k]) for k in ("startsAt", "endsAt") if k in alert}
        return {**alert, **times}


def drive(
    timelines: Sequence[Timeline],
    commands: Sequence[Sequence[str]],
    *,
    reloads: Sequence[float] = (),
    said: Callable[[str], None] = lambda text: None,
) -> list[dict[int, Seen]]:
    """Play all timelines into one daemon per command; returns, per daemon, what was seen by seed.

    Timelines start spread over one second, so that their flushes do not all fall together, unless `reloads` (seconds
    from the start, whole) bind them to one start.
    """
    sinks = [Sink() for _ in commands]
    daemons = [
        Daemon(
            command,
            config(timelines, sink.url("")),
            arguments=["--web.external-url=http://alerts.example/am/", "--web.route-prefix=/"],
        )
        for command, sink in zip(commands, sinks, strict=True)
    ]
    try:
        for daemon in daemons:
            daemon.start()
            api = daemon.api()
            api.wait_ready()
            api.close()
        start = math.ceil(time.time()) + 1.0
        actors = [
            [
                _Actor(timeline, daemon, sink, start + (0.0 if reloads else number / len(timelines)))
                for number, timeline in enumerate(timelines)
            ]
            for daemon, sink in zip(daemons, sinks, strict=True)
        ]
        for row in actors:
            for actor in row:
                actor.start()
        for at in reloads:
            time.sleep(max(0.0, start + at - time.time()))
            for daemon in daemons:
                daemon.reload(daemon.config_file.read_text())
        for row in actors:
            for actor in row:
                actor.join()
        seen = []
        for row, sink, daemon in zip(actors, sinks, daemons, strict=True):
            for actor in row:
                mine = f"/{actor.timeline.seed}/"
                actor.seen.deliveries = [d for d in sink.deliveries() if d.path.startswith(mine)]
            seen.append({actor.timeline.seed: actor.seen for actor in row})
            said(f"{daemon.command[0]}: {daemon.cpu_seconds():.1f} s of CPU, {len(sink.deliveries())} notifications")
        return seen
    finally:
        for daemon in daemons:
            daemon.close()
        for sink in sinks:
            sink.close()
