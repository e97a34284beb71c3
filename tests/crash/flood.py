"""A flood of new alerts on a small volume: `python -m tests.crash.flood --rate 2000 --seconds 120` (needs root).

Every alert is new, is resolved a while later and then collected, so that routing state stays small while journal and
history would take all there is. The history may give way; a POST must never be refused for want of room. Afterwards
the history must be whole again: it has read all there is, answers, and holds the newest.
"""

import argparse
import itertools
import json
import subprocess
import sys
import tempfile
import threading
import time
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path

import msgspec

from ampp.store.sqlite.care import inspect
from tests.support import Daemon, Sink, ampp_command
from tests.support.api import Api
from tests.support.daemon import ampp_environment

__all__ = ["Outcome", "flood", "volume"]

CONFIG = """
route: {receiver: hook, group_by: [alertname], group_wait: 5s, group_interval: 10s, repeat_interval: 4h}
receivers: [{name: hook, webhook_configs: [{url: "SINK/hook", max_alerts: 10}]}]
"""

BATCH = 64
SENDERS = 4
LIVES = 5.0
"""Seconds from an alert's start to its end."""


class Outcome(msgspec.Struct):
    """`refused`: answers other than 200, by status. `largest`: most bytes of the directory's files, in MiB, as
    they were seen. `slowest`: seconds that a POST took. `wrong`: what is not as it should be in the end."""

    alerts: int = 0
    refused: dict[int, int] = {}
    largest: float = 0.0
    slowest: float = 0.0
    wrong: list[str] = []
    report: str = ""


def body(first: int, ended: bool) -> bytes:
    """Alerts `first` and following; each has a label set that no other has."""
    now = datetime.now(UTC).isoformat()
    some = [
        {
            "labels": {
                "alertname": f"Flood{n % 20}",
                "instance": f"node-{n:08d}:9100",
                "namespace": f"team-{n % 50}",
                "severity": "warning" if n % 3 else "critical",
            },
            "annotations": {"summary": f"Node {n} is under water"},
            "generatorURL": "http://prometheus.example.com:9090/graph?g0.expr=flood",
            **({"endsAt": now} if ended else {}),
        }
        for n in range(first, first + BATCH)
    ]
    return json.dumps(some, separators=(",", ":")).encode()


def _post(api: Api, some: bytes) -> int:
    return api.request("POST", "/api/v2/alerts", some, {"Content-Type": "application/json"}).status


def metrics(api: Api) -> dict[str, float]:
    lines = api.request("GET", "/metrics").body.decode().splitlines()
    pairs = (line.rsplit(" ", 1) for line in lines if line.startswith("ampp_history") and "{" not in line)
    return {name: float(value) for name, value in pairs}


def flood(
    storage: Path, *, rate: int, seconds: float, settle: float = 60.0, environment: dict[str, str] | None = None
) -> Outcome:
    """Send `rate` new alerts a second to a daemon that keeps its state in `storage`."""
    outcome = Outcome(refused={}, wrong=[])
    sink = Sink()
    try:
        with Daemon(
            ampp_command(),
            CONFIG.replace("SINK", sink.url("")),
            storage=storage,
            arguments=["--alerts.gc-interval=3s"],
            environment={**ampp_environment(), **(environment or {})},
        ) as daemon:
            api = daemon.api()
            api.wait_ready(30)
            _pour(daemon, storage, outcome, rate, seconds)
            _look(api, outcome, settle)
            outcome.report = "\n".join(line for line in daemon.log.splitlines() if "history" in line or "ERROR" in line)
            if daemon.stop() != 0:
                outcome.wrong.append("it did not stop well")
    finally:
        sink.close()
    outcome.wrong += [f"{each.name}: {each.problems}" for each in inspect(storage) if not each.ok]
    return outcome


def _pour(daemon: Daemon, storage: Path, outcome: Outcome, rate: int, seconds: float) -> None:
    """Several senders at once; meanwhile say once in a while how things are."""
    began = time.monotonic()
    senders = [
        threading.Thread(target=_send, args=(daemon, outcome, each, rate / SENDERS, began + seconds), daemon=True)
        for each in range(SENDERS)
    ]
    for each in senders:
        each.start()
    api = daemon.api()
    said = began
    while any(each.is_alive() for each in senders):
        time.sleep(0.5)
        sizes = {}
        for path in storage.glob("*.db*"):
            with suppress(FileNotFoundError):
                sizes[path.name] = path.stat().st_size / 2**20
        outcome.largest = max(outcome.largest, sum(sizes.values()))
        now = time.monotonic()
        if now - said > 5:
            said = now
            some = metrics(api)
            print(  # noqa: T201
                f"{now - began:4.0f} s: {outcome.alerts} alerts, refused {outcome.refused}, "
                f"slowest {outcome.slowest:.1f} s; "
                + ", ".join(f"{name} {size:.1f}" for name, size in sorted(sizes.items()) if "shm" not in name)
                + f" MiB; behind {some.get('ampp_history_behind_records', 0):.0f}, "
                f"lost {some.get('ampp_history_lost_records', 0):.0f}, up {some.get('ampp_history_up', 0):.0f}",
                flush=True,
            )


def _send(daemon: Daemon, outcome: Outcome, sender: int, rate: float, until: float) -> None:
    """New alerts, numbered from the sender's own range on, and their ends."""
    api = daemon.api()
    began = time.monotonic()
    ending: deque[tuple[float, int]] = deque()
    number = 0
    while (now := time.monotonic()) < until or ending:
        if ending and (now >= until or ending[0][0] <= now):
            first, ended = ending.popleft()[1], True
        elif number < (now - began) * rate:
            first, ended = sender * 1_000_000 + number, False
            number += BATCH
            ending.append((now + LIVES, first))
        else:
            time.sleep(0.005)
            continue
        sent = time.monotonic()
        status = _post(api, body(first, ended))
        outcome.slowest = max(outcome.slowest, time.monotonic() - sent)
        if status != 200:
            outcome.refused[status] = outcome.refused.get(status, 0) + 1
        outcome.alerts += BATCH * (not ended)


def _look(api: Api, outcome: Outcome, settle: float) -> None:
    """Whether the history is whole again."""
    deadline = time.monotonic() + settle
    while True:
        some = metrics(api)
        if some.get("ampp_history_up") == 1 and some.get("ampp_history_behind_records") == 0:
            break
        if time.monotonic() > deadline:
            outcome.wrong.append(f"the history has not caught up: {some}")
            return
        time.sleep(0.5)
    # The history may give way once more, with the first of them.
    for number in itertools.count():
        body = json.dumps([{"labels": {"alertname": "AfterTheFlood", "number": str(number)}}]).encode()
        status = _post(api, body)
        if status != 200:
            outcome.wrong.append(f"after the flood a POST was answered {status}")
        time.sleep(1)
        shown = json.loads(api.request("GET", "/api/v2/history?alert_name=AfterTheFlood").body)
        if shown.get("alerts"):
            return
        if time.monotonic() > deadline:
            break
    outcome.wrong.append(f"what came after the flood is not in the history: {shown}")


@contextmanager
def volume(size: int) -> Iterator[Path]:
    """A file system of so many bytes, gone afterwards."""
    with tempfile.TemporaryDirectory(prefix="ampp-flood-") as made:
        subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={size}", "none", made], check=True)
        try:
            yield Path(made)
        finally:
            subprocess.run(["umount", "-l", made], check=True)


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.crash.flood", description=__doc__)
    parser.add_argument("--rate", type=int, default=2_000, help="new alerts per second (default %(default)s)")
    parser.add_argument("--seconds", type=float, default=120)
    parser.add_argument("--mebibytes", type=int, default=50, help="size of the volume (default %(default)s)")
    chosen = parser.parse_args()
    with volume(chosen.mebibytes << 20) as made:
        outcome = flood(made / "data", rate=chosen.rate, seconds=chosen.seconds)
    print(outcome.report)  # noqa: T201
    print(  # noqa: T201
        f"{outcome.alerts} alerts in {chosen.seconds:.0f} s, slowest POST {outcome.slowest:.1f} s, "
        f"refused {outcome.refused or 'none'}, at most {outcome.largest:.1f} MiB; "
        + ("; ".join(outcome.wrong) or "whole again")
    )
    return bool(outcome.refused or outcome.wrong)


if __name__ == "__main__":
    sys.exit(main())
