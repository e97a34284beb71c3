"""Kill a daemon under load, start it again on the same storage, and count what it forgot.

Every request that was answered 200 is a promise: the alert, resolve, silence or expiry must be there after the
restart. A request without an answer may have happened or not; what it touched is left out. Notifications recorded by
the sink must not repeat what was already told, except those that were being sent at the kill.
"""

import http.client
import random
import shutil
import sqlite3
import tempfile
import threading
import time
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.support import Api, Daemon, Delivery, Sink
from tests.support.api import instant, rfc3339

__all__ = ["CONFIG", "Ledger", "Report", "Trial"]

CONFIG = """
route:
  receiver: hook
  group_by: [batch]
  group_wait: 200ms
  group_interval: 500ms
  repeat_interval: 4h
receivers:
  - name: hook
    webhook_configs: [{url: "SINK/hook", send_resolved: true}]
"""

_SETTLE = 25.0
"""Seconds within which everything owed must have been told after a restart: a flush deadline (10 s) and slack."""

_FAILURES = (OSError, http.client.HTTPException)


@dataclass
class Promise:
    """What the daemon has acknowledged about one alert."""

    starts: str
    batch: str
    resolved: bool = False
    unsure: bool = False


@dataclass
class Ledger:
    """Everything acknowledged so far, by identity. Guarded by `lock`."""

    alerts: dict[str, Promise] = field(default_factory=dict)
    silences: dict[str, dict[str, Any]] = field(default_factory=dict)
    unsure: set[str] = field(default_factory=set)
    lock: threading.Lock = field(default_factory=threading.Lock)
    acknowledged: int = 0


@dataclass
class Report:
    """One round."""

    acknowledged: int = 0
    lost: list[str] = field(default_factory=list)
    untold: list[str] = field(default_factory=list)
    duplicates: list[str] = field(default_factory=list)
    unfinished: int = 0
    restart_seconds: float = 0.0

    @property
    def good(self) -> bool:
        return not self.lost and not self.untold and len(self.duplicates) <= self.unfinished


class _Load(threading.Thread):
    """Posts until the daemon stops answering. Never sends what it has sent before."""

    def __init__(self, trial: "Trial", number: int) -> None:
        super().__init__(daemon=True)
        self.trial = trial
        self.number = number
        self.random = random.Random(f"{trial.seed}/{trial.round}/{number}")
        self.mine: list[str] = []
        self.silences: list[str] = []
        self.stop = threading.Event()

    def run(self) -> None:
        daemon = self.trial.daemon
        api = daemon.api(5)
        while not self.stop.is_set():
            chance = self.random.random()
            try:
                if chance < 0.55 or not self.mine:
                    self._fire(api)
                elif chance < 0.80:
                    self._resolve(api)
                elif chance < 0.92 or not self.silences:
                    self._silence(api)
                else:
                    self._expire(api)
            except _FAILURES:
                break
            self.stop.wait(self.random.expovariate(1 / 0.012))
        api.close()

    def _fire(self, api: Api) -> None:
        ledger, trial = self.trial.ledger, self.trial
        new: dict[str, Promise] = {}
        for _ in range(self.random.choice([1, 1, 4, 8])):
            trial_number = f"{trial.round}-{self.number}-{len(self.mine) + len(new)}"
            starts = rfc3339(round(time.time() - self.random.uniform(0, 5), 3))
            new[trial_number] = Promise(starts, f"{trial.round}-{self.random.randrange(6)}", unsure=True)
        with ledger.lock:
            ledger.alerts.update(new)
        answer = api.post_alerts([trial.wire(name, promise, 3600) for name, promise in new.items()])
        self._expect(answer.status, "alerts")
        with ledger.lock:
            for promise in new.values():
                promise.unsure = False
            ledger.acknowledged += len(new)
        self.mine += new

    def _resolve(self, api: Api) -> None:
        ledger, trial = self.trial.ledger, self.trial
        some = self.random.sample(self.mine, min(len(self.mine), self.random.choice([1, 1, 3])))
        with ledger.lock:
            some = [n for n in some if not ledger.alerts[n].resolved]
            for name in some:
                ledger.alerts[name].unsure = True
        if not some:
            return
        answer = api.post_alerts([trial.wire(n, ledger.alerts[n], 0) for n in some])
        self._expect(answer.status, "resolves")
        with ledger.lock:
            for name in some:
                ledger.alerts[name].resolved = True
                ledger.alerts[name].unsure = False
            ledger.acknowledged += len(some)

    def _silence(self, api: Api) -> None:
        ledger = self.trial.ledger
        now = time.time()
        value = f"{self.trial.round}-{self.number}-{len(self.silences)}-{now}"
        pending = self.random.random() < 0.3
        starts, ends = now + (600 if pending else 0), now + 3600
        answer = api.post_silence([("quiet", "=", value)], starts, ends, comment=value)
        self._expect(answer.status, "silence")
        identity = answer.json["silenceID"]
        with ledger.lock:
            ledger.silences[identity] = {
                "value": value,
                "ends": ends,
                "state": "pending" if pending else "active",
            }
            ledger.acknowledged += 1
        self.silences.append(identity)

    def _expire(self, api: Api) -> None:
        ledger = self.trial.ledger
        identity = self.silences.pop(self.random.randrange(len(self.silences)))
        with ledger.lock:
            ledger.unsure.add(identity)
        self._expect(api.expire_silence(identity).status, "expiry")
        with ledger.lock:
            ledger.unsure.discard(identity)
            ledger.silences[identity]["state"] = "expired"
            ledger.acknowledged += 1

    def _expect(self, status: int, what: str) -> None:
        if status != 200:
            with self.trial.ledger.lock:
                self.trial.refused.append(f"{what}: {status}")


class Trial:
    """Rounds of load, kill and reckoning on one storage folder."""

    def __init__(self, command: Sequence[str], *, seed: int = 0, loaders: int = 3) -> None:
        self.seed = seed
        self.random = random.Random(seed)
        self.round = 0
        self.loaders = loaders
        self.ledger = Ledger()
        self.refused: list[str] = []
        self.sink = Sink()
        # Answers take their time, so that a kill often finds notifications sent and not yet known to be.
        self.sink.always("/hook", ("slow", 0.08))
        self.daemon = Daemon(command, CONFIG.replace("SINK", self.sink.url("")))
        self.daemon.start()

    def __enter__(self) -> "Trial":
        return self

    def __exit__(self, *error: object) -> None:
        self.daemon.close()
        self.sink.close()

    def wire(self, name: str, promise: Promise, ends_in: float) -> dict[str, Any]:
        return {
            "labels": {"alertname": "Crash", "batch": promise.batch, "name": name},
            "annotations": {"summary": f"alert {name}"},
            "startsAt": promise.starts,
            "endsAt": rfc3339(time.time() + ends_in),
        }

    def play(self) -> Report:
        """One round: load, kill -9 somewhere in it, restart, compare."""
        self.round += 1
        report = Report()
        self._retire()
        before = self.ledger.acknowledged
        loads = [_Load(self, number) for number in range(self.loaders)]
        for load in loads:
            load.start()
        time.sleep(self.random.uniform(0.2, 2.5))
        self.daemon.kill()
        killed = time.time()
        for load in loads:
            load.stop.set()
            load.join(10)
        report.acknowledged = self.ledger.acknowledged - before
        report.unfinished = _unfinished(self.daemon.storage / "alerts.db")
        self.daemon.start()
        report.restart_seconds = self.daemon.ready_seconds
        api = self.daemon.api()
        api.wait_ready()
        report.lost = [*self._lost_alerts(api), *self._lost_silences(api), *self.refused]
        self.refused.clear()
        report.untold = self._wait_told()
        report.duplicates = _duplicates(self.sink.deliveries(), killed)
        api.close()
        return report

    def _retire(self) -> None:
        """Resolve what is left of older rounds, so that state stays small."""
        old = [
            name
            for name, p in self.ledger.alerts.items()
            if not p.resolved and int(name.split("-")[0]) <= self.round - 3
        ]
        api = self.daemon.api()
        for begin in range(0, len(old), 64):
            some = old[begin : begin + 64]
            if api.post_alerts([self.wire(n, self.ledger.alerts[n], 0) for n in some]).status == 200:
                for name in some:
                    self.ledger.alerts[name].resolved = True
                    self.ledger.alerts[name].unsure = False
        api.close()

    def _lost_alerts(self, api: Api) -> list[str]:
        found = {a["labels"]["name"]: a for a in api.alerts()}
        lost = []
        for name, promise in self.ledger.alerts.items():
            if promise.unsure:
                # It was being sent at the kill: what the daemon says now is what counts from here on.
                promise.resolved = name not in found
                continue
            if promise.resolved:
                if name in found:
                    lost.append(f"resolve of {name}: firing again")
            elif name not in found:
                lost.append(f"alert {name}")
            elif abs(instant(found[name]["startsAt"]) - instant(promise.starts)) > 0.0015:
                lost.append(f"start of {name}: {promise.starts} became {found[name]['startsAt']}")
            elif found[name]["annotations"] != {"summary": f"alert {name}"}:
                lost.append(f"annotations of {name}: {found[name]['annotations']}")
        return lost

    def _lost_silences(self, api: Api) -> list[str]:
        found = {s["id"]: s for s in api.silences()}
        lost = []
        for identity, wanted in self.ledger.silences.items():
            silence = found.get(identity)
            if silence is None:
                lost.append(f"silence {identity}")
                continue
            state = silence["status"]["state"]
            if identity in self.ledger.unsure:
                wanted["state"] = state
            elif state != wanted["state"]:
                lost.append(f"silence {identity}: {wanted['state']} became {state}")
            elif state != "expired" and abs(instant(silence["endsAt"]) - wanted["ends"]) > 0.0015:
                lost.append(f"end of silence {identity}: {silence['endsAt']}")
            if silence["comment"] != wanted["value"] or silence["matchers"][0]["value"] != wanted["value"]:
                lost.append(f"silence {identity}: another text")
        self.ledger.unsure.clear()
        return lost

    def _wait_told(self) -> list[str]:
        """Wait until each firing alert was told as firing and each resolve of a told alert as resolved."""
        deadline = time.monotonic() + _SETTLE
        while True:
            fired, ended = _told(self.sink.deliveries())
            owed = [
                f"{'resolve of ' if p.resolved else ''}{name}"
                for name, p in self.ledger.alerts.items()
                if (name in fired and name not in ended if p.resolved else name not in fired)
            ]
            for promise in self.ledger.alerts.values():
                promise.unsure = False
            if not owed or time.monotonic() > deadline:
                return owed
            time.sleep(0.1)


def _told(deliveries: Sequence[Delivery]) -> tuple[set[str], set[str]]:
    fired: set[str] = set()
    ended: set[str] = set()
    for delivery in deliveries:
        if delivery.ok:
            for alert in delivery.payload["alerts"]:
                (fired if alert["status"] == "firing" else ended).add(alert["labels"]["name"])
    return fired, ended


def _content(payload: Mapping[str, Any]) -> frozenset[tuple[str, str, str]]:
    return frozenset((a["fingerprint"], a["status"], a["startsAt"]) for a in payload["alerts"])


def _duplicates(deliveries: Sequence[Delivery], killed: float) -> list[str]:
    """Notifications since the kill whose content their group was told last, or ever before the kill."""
    told: dict[str, list[frozenset[tuple[str, str, str]]]] = defaultdict(list)
    found = []
    for delivery in deliveries:
        payload = delivery.payload
        content = _content(payload)
        group = payload["groupKey"]
        if delivery.at > killed and content in told[group]:
            found.append(f"{group} {payload['status']} {len(content)} alerts")
        told[group].append(content)
    return found


def _unfinished(database: Path) -> int:
    """Rows of the outbox at the kill. Read from a copy: opening the file itself would recover it."""
    if not database.exists():
        return 0
    with tempfile.TemporaryDirectory(prefix="ampp-outbox-") as folder:
        for file in database.parent.glob(database.name + "*"):
            if not file.name.endswith("-shm"):
                shutil.copy(file, folder)
        connection = sqlite3.connect(Path(folder) / database.name)
        try:
            count: int = connection.execute("SELECT count(*) FROM outbox").fetchone()[0]
        finally:
            connection.close()
    return count
