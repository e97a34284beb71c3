"""`python -m benchmarks.history`: a history of a million events, loaded over HTTP, and how long its answers take.

The events come in by POST /api/v2/alerts, batches of 64, like any others: label sets fire and resolve by turns, their
starts spread over 30 days, all recorded within the minutes that loading takes. Then questions of every kind are asked
over HTTP, first of a daemon that has nothing else to do, then of one that takes in alerts at the same time, and the
event loop's stalls are read off /metrics.
"""

import argparse
import http.client
import json
import random
import re
import shutil
import statistics
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlencode

import apsw

from ampp.store.sqlite.database import connect
from benchmarks.load import percentile
from tests.support import Daemon, Sink, ampp_command
from tests.support.daemon import ampp_environment

CONFIG = """
route: {receiver: hook, group_by: [alertname], group_wait: 5s, group_interval: 30s, repeat_interval: 4h}
receivers: [{name: hook, webhook_configs: [{url: "SINK/hook", max_alerts: 10}]}]
"""

BATCH = 64
NAMES = 300
SPREAD = 30 * 86_400


def label_set(n: int) -> dict[str, str]:
    return {
        "alertname": f"Alert{n % NAMES:03d}Burning",
        "cluster": f"production-{n % 5}",
        "environment": "production" if n % 4 else "staging",
        "instance": f"10.{n // 62500}.{n // 250 % 250}.{n % 250}:9100",
        "job": "kubelet",
        "namespace": f"team-{n % 40}",
        "pod": f"api-{n % 500}-{n:06x}",
        "severity": ("critical", "warning", "info")[n % 3],
        "team": f"team-{n % 12}",
    }


def stamp(at: float) -> str:
    return datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3] + "Z"


def bodies(sets: int, rounds: int, begin: float) -> Iterator[bytes]:
    """Requests that make every label set fire and resolve `rounds` times, or fire once when that is 0; starts go from
    `begin` to now."""
    for turn in range(rounds or 1):
        base = begin + turn * (SPREAD / (rounds or 1))
        for ended in (False, True) if rounds else (False,):
            for first in range(0, sets, BATCH):
                some = []
                for n in range(first, min(first + BATCH, sets)):
                    starts = base + n * (SPREAD / (rounds or 1) / sets)
                    alert: dict[str, Any] = {
                        "labels": label_set(n),
                        "annotations": {
                            "summary": f"Pod api-{n % 500}-{n:06x} burns its budget",
                            "description": f"It has been restarting {turn} times in the last 10 minutes, which is more "
                            f"than what namespace team-{n % 40} allows.",
                            "runbook_url": "https://runbooks.example.com/burning",
                        },
                        "generatorURL": f"http://prometheus.example.com:9090/graph?g0.expr=alert_{n % NAMES}&g0.tab=1",
                        "startsAt": stamp(starts),
                    }
                    if ended:
                        alert["endsAt"] = stamp(starts + 60 + n % 7 * 300)
                    some.append(alert)
                yield json.dumps(some, separators=(",", ":")).encode()


class Client:
    """A connection kept open."""

    def __init__(self, host: str, port: int) -> None:
        self._connection = http.client.HTTPConnection(host, port, timeout=60)

    def call(self, method: str, path: str, body: bytes | None = None) -> tuple[int, bytes]:
        headers = {"Content-Type": "application/json"} if body is not None else {}
        self._connection.request(method, path, body, headers)
        answer = self._connection.getresponse()
        return answer.status, answer.read()

    def get(self, path: str) -> Any:
        status, body = self.call("GET", path)
        if status != 200:
            raise RuntimeError(f"{path}: {status} {body[:300]!r}")
        return json.loads(body)


def metric(client: Client, name: str) -> float:
    _, body = client.call("GET", "/metrics")
    found = re.search(rf"^{re.escape(name)} (\S+)$", body.decode(), re.MULTILINE)
    return float(found[1]) if found else 0.0


def stalls(client: Client) -> dict[float, float]:
    _, body = client.call("GET", "/metrics")
    rows = re.findall(r'^ampp_loop_stall_seconds_bucket\{le="([^"]+)"\} (\S+)$', body.decode(), re.MULTILINE)
    return {float(bound.replace("+Inf", "inf")): float(count) for bound, count in rows}


def stall_quantile(before: dict[float, float], after: dict[float, float], share: float) -> float:
    """The upper bound of the bucket in which the quantile lies."""
    counts = {bound: after[bound] - before.get(bound, 0) for bound in sorted(after)}
    total = max(counts.values(), default=0)
    return next((bound for bound, count in counts.items() if count >= share * total), float("inf"))


def questions(sets: int, pages: int, begin: float, chance: random.Random) -> dict[str, Callable[[], str]]:
    """A path for each kind of question, with values by chance. `pages`: how many of 50 events there are."""

    def n() -> int:
        return chance.randrange(sets)

    def path(**given: object) -> str:
        return "/api/v2/history?" + urlencode({name.replace("__", "["): value for name, value in given.items()})

    def labels(kind: str, label: str, value: str) -> str:
        return f"/api/v2/history?{kind}[{label}]={quote(value)}"

    def exact(*names: str, **more: object) -> str:
        """Several labels that some alert has."""
        some = label_set(n())
        return path(**{f"labels_exact[{name}]": some[name] for name in names}, **more)

    def day() -> dict[str, object]:
        start = begin + chance.random() * (SPREAD - 86_400)
        return {"from": stamp(start), "to": stamp(start + 86_400)}

    def span() -> str:
        return path(**day())

    def fingerprint() -> str:
        return chance.choice(fingerprints)

    fingerprints: list[str] = []
    made: dict[str, Callable[[], str]] = {
        "recent": lambda: "/api/v2/history/recent",
        "no filter": lambda: path(),
        "status": lambda: path(status=chance.choice(("firing", "resolved"))),
        "severity": lambda: path(severity=chance.choice(("critical", "warning", "info"))),
        "namespace": lambda: path(namespace=f"team-{n() % 40}"),
        "alert_name": lambda: path(alert_name=label_set(n())["alertname"]),
        "fingerprints": lambda: path(fingerprints=fingerprint()),
        "one alert": lambda: f"/api/v2/history/{fingerprint()}",
        "from, to (a day)": span,
        "labels_exact, rare": lambda: labels("labels_exact", "pod", label_set(n())["pod"]),
        "labels_exact, common": lambda: labels("labels_exact", "cluster", label_set(n())["cluster"]),
        "labels_exact, of three quarters": lambda: labels("labels_exact", "environment", "production"),
        "labels_exact, of all": lambda: labels("labels_exact", "job", "kubelet"),
        "labels_exact, two common": lambda: exact(*chance.sample(("cluster", "environment", "team"), 2)),
        "labels_exact, three common": lambda: exact("cluster", "environment", "team"),
        "labels_exact, two that no alert has": lambda: path(
            **{"labels_exact[environment]": "staging", "labels_exact[team]": f"team-{n() % 3 * 4 + 1 + n() % 3}"}
        ),
        "labels_exact, common, and a day": lambda: exact("cluster", **day()),
        "labels_exact, two common, and a day": lambda: exact("cluster", "team", **day()),
        "labels_exact, common, and severity": lambda: exact("cluster", severity="critical"),
        "labels_exact, common, and is_resolved": lambda: exact("cluster", is_resolved="true"),
        "is_resolved": lambda: path(is_resolved=chance.choice(("true", "false"))),
        "severity and namespace": lambda: path(severity="critical", namespace=f"team-{n() % 40}"),
        "deep page": lambda: path(page=chance.randrange(pages // 10, pages * 4 // 10)),
        "deep page, filtered": lambda: path(status="resolved", page=chance.randrange(pages // 10, pages * 4 // 10)),
        "cursor in the depth": lambda: path(cursor=chance.choice(cursors)),
        "generator_url": lambda: path(
            generator_url=f"http://prometheus.example.com:9090/graph?g0.expr=alert_{n() % NAMES}&g0.tab=1"
        ),
        "alert_name_pattern": lambda: path(alert_name_pattern=f"Alert{n() % 30:02d}%"),
        "alert_name_regex": lambda: path(alert_name_regex=f"^Alert{n() % 30:02d}[0-4]B"),
        "labels_ne": lambda: labels("labels_ne", "cluster", label_set(n())["cluster"]),
        "labels_regex": lambda: labels("labels_regex", "pod", f"-{n():06x}$"),
        "labels_regex, common": lambda: labels("labels_regex", "cluster", "production-[12]"),
        "labels_not_regex": lambda: labels("labels_not_regex", "namespace", "team-[1-3]."),
        "labels_exists": lambda: path(labels_exists="pod"),
        "labels_not_exists (none)": lambda: path(labels_not_exists="pod"),
        "search": lambda: path(search=f"{n():06x}"),
        "search (nothing)": lambda: path(search="nowhere to be found"),
        "duration_min": lambda: path(duration_min="30m"),
        "duration_min (nothing)": lambda: path(duration_min="1000h", is_resolved="true"),
        "is_flapping": lambda: path(is_flapping="true"),
        "sort by alert_name": lambda: path(sort_field="alert_name"),
        "sort by ends_at": lambda: path(sort_field="ends_at"),
        "top, 24 h": lambda: "/api/v2/history/top",
        "flapping, 24 h": lambda: "/api/v2/history/flapping",
        "stats, 24 h": lambda: "/api/v2/history/stats",
        "report, 24 h": lambda: "/api/v2/report?include_recent=true",
        "notifications": lambda: "/api/v2/notifications",
        "notifications, status": lambda: "/api/v2/notifications?status=delivered",
        "notifications, alert": lambda: f"/api/v2/notifications?alert={fingerprint()}",
    }
    cursors: list[str] = []

    def prepare(client: Client) -> None:
        for _ in range(200):
            shown = client.get(labels("labels_exact", "pod", label_set(n())["pod"]) + "&per_page=1")
            fingerprints.append(shown["alerts"][0][chance.choice(("fingerprint", "am_fingerprint"))])
        for _ in range(30):
            cursors.append(client.get(path(page=chance.randrange(pages // 20, pages * 4 // 10)))["next_cursor"])

    made["prepare"] = prepare  # type: ignore[assignment]
    return made


def ask(
    client: Client, asked: dict[str, Callable[[], str]], count: int, only: re.Pattern[str] | None
) -> list[list[Any]]:
    rows = []
    for name, question in asked.items():
        if name == "prepare" or (only and not only.search(name)):
            continue
        times, limited = [], 0
        until = time.monotonic() + 30
        for _ in range(count):
            path = question()
            began = time.perf_counter()
            shown = client.get(path)
            times.append(time.perf_counter() - began)
            limited += bool(shown.get("stopped_at_scan_limit"))
            if time.monotonic() > until:
                break
        times.sort()
        rows.append(
            [name, len(times), statistics.median(times) * 1e3, percentile(times, 0.95) * 1e3, times[-1] * 1e3, limited]
        )
    return rows


def say(text: str) -> None:
    print(text, flush=True)  # noqa: T201


def show(title: str, rows: list[list[Any]]) -> None:
    say(
        f"\n{title}\n| Question | n | p50 ms | p95 ms | max ms | stopped at the scan limit |\n|---|---|---|---|---|---|"
    )
    for name, count, median, high, most, limited in rows:
        say(f"| {name} | {count} | {median:.1f} | {high:.1f} | {most:.1f} | {limited or ''} |")


def load(daemon: Daemon, sets: int, rounds: int, begin: float, connections: int = 2) -> float:
    """POST everything; seconds it took."""
    source, lock = bodies(sets, rounds, begin), threading.Lock()
    failed: list[str] = []

    def work() -> None:
        client = Client(daemon.host, daemon.port)
        while True:
            with lock:
                body = next(source, None)
            if body is None:
                return
            status, answer = client.call("POST", "/api/v2/alerts", body)
            if status != 200:
                failed.append(f"{status} {answer[:200]!r}")
                return

    began = time.monotonic()
    workers = [threading.Thread(target=work) for _ in range(connections)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    if failed:
        raise RuntimeError(failed[0])
    return time.monotonic() - began


def settle(path: Path, sets: int) -> None:
    """Wait until every alert has its fingerprints and its stay in a group, and the log is in the database."""
    until = time.monotonic() + 300
    query = "SELECT (SELECT count(*) FROM member), (SELECT count(*) FROM alert WHERE fingerprint IS NULL)"
    connection = connect(path)
    try:
        while connection.execute(query).fetchone() != (sets, 0):
            if time.monotonic() > until:
                raise RuntimeError("the history has not come to rest")
            time.sleep(1)
        connection.wal_checkpoint(mode=apsw.SQLITE_CHECKPOINT_FULL)
    finally:
        connection.close(True)


class Traffic(threading.Thread):
    """Re-sent and changing alerts, at a steady rate, until stopped."""

    def __init__(self, daemon: Daemon, per_second: int) -> None:
        super().__init__(daemon=True)
        self._client = Client(daemon.host, daemon.port)
        self._pause = BATCH / per_second
        self.stop = threading.Event()
        self.sent = 0
        self.times: list[float] = []

    def run(self) -> None:
        turn = 0
        due = time.monotonic()
        while not self.stop.is_set():
            turn += 1
            some = [
                {"labels": {"alertname": "Traffic", "instance": f"i{turn % 64}-{n}", "job": "bench"},
                 "annotations": {"summary": f"turn {turn}"},
                 **({"endsAt": stamp(time.time())} if turn // 64 % 2 else {})}
                for n in range(BATCH)
            ]  # fmt: skip
            began = time.perf_counter()
            self._client.call("POST", "/api/v2/alerts", json.dumps(some).encode())
            self.times.append(time.perf_counter() - began)
            self.sent += BATCH
            due += self._pause
            time.sleep(max(0.0, due - time.monotonic()))


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.history", description=__doc__)
    parser.add_argument("--events", type=int, default=1_000_000)
    parser.add_argument("--sets", type=int, default=20_000, help="different label sets (default %(default)s)")
    parser.add_argument(
        "--once", action="store_true", help="only fire as many label sets, once each, and tell what they take on disk"
    )
    parser.add_argument("--questions", type=int, default=100, help="of each kind (default %(default)s)")
    parser.add_argument("--only", type=re.compile, help="kinds of questions that match this regular expression")
    parser.add_argument("--keep", metavar="DIR", type=Path, help="keep the data there; loaded only once")
    parser.add_argument(
        "--traffic", type=int, default=2_000, help="alerts per second while asking (default %(default)s)"
    )
    chosen = parser.parse_args()
    rounds = 0 if chosen.once else max(1, chosen.events // (2 * chosen.sets))
    folder = chosen.keep or Path(tempfile.mkdtemp(prefix="ampp-history-"))
    note = folder / "loaded.json"
    loaded = note.exists()
    begin = json.loads(note.read_text())["begin"] if loaded else time.time() - SPREAD
    environment = {**ampp_environment(), "AMPP_STORAGE_MAX_BYTES": "16GiB"}
    sink = Sink()
    try:
        config = CONFIG.replace("SINK", sink.url(""))
        with Daemon(ampp_command(), config, storage=folder / "data", environment=environment) as daemon:
            client = Client(daemon.host, daemon.port)
            if not loaded:
                before = stalls(client)
                cpu = daemon.cpu_seconds()
                took = load(daemon, chosen.sets, rounds, begin)
                behind = metric(client, "ampp_history_behind_records")
                began = time.monotonic()
                while metric(client, "ampp_history_behind_records") or metric(client, "ampp_history_events") < 1:
                    time.sleep(0.5)
                events = int(metric(client, "ampp_history_events"))
                after = stalls(client)
                say(
                    f"{events} events loaded in {took:.0f} s ({events / took:.0f}/s), history then {behind:.0f} "
                    f"records behind, caught up {time.monotonic() - began:.0f} s later; "
                    f"CPU {daemon.cpu_seconds() - cpu:.0f} s; "
                    f"loop stall p99 < {stall_quantile(before, after, 0.99) * 1e3:g} ms, "
                    f"p99.9 < {stall_quantile(before, after, 0.999) * 1e3:g} ms"
                )
                note.write_text(json.dumps({"begin": begin, "events": events}))
            events = json.loads(note.read_text())["events"]
            if chosen.once:
                settle(folder / "data" / "history.db", chosen.sets)
            size = sum(each.stat().st_size for each in (folder / "data").glob("history.db"))
            say(f"history.db: {size} bytes, {size / events:.0f} per event, all indexes in")
            if chosen.once:
                daemon.stop()
                return 0
            asked = questions(chosen.sets, events // 50, begin, random.Random(1))
            asked["prepare"](client)  # type: ignore[call-arg]
            before = stalls(client)
            show("Nothing else to do", ask(client, asked, chosen.questions, chosen.only))
            after = stalls(client)
            say(f"\nloop stall p99.9 < {stall_quantile(before, after, 0.999) * 1e3:g} ms")
            traffic = Traffic(daemon, chosen.traffic)
            traffic.start()
            before = stalls(client)
            show(f"While {chosen.traffic} alerts per second come in", ask(client, asked, chosen.questions, chosen.only))
            after = stalls(client)
            traffic.stop.set()
            traffic.join()
            times = sorted(traffic.times)
            say(
                f"\nloop stall p99 < {stall_quantile(before, after, 0.99) * 1e3:g} ms, "
                f"p99.9 < {stall_quantile(before, after, 0.999) * 1e3:g} ms; "
                f"{traffic.sent} alerts taken in, POST p50 {statistics.median(times) * 1e3:.1f} ms, "
                f"p95 {percentile(times, 0.95) * 1e3:.1f} ms"
            )
            daemon.stop()
    finally:
        sink.close()
        if chosen.keep is None:
            shutil.rmtree(folder, ignore_errors=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
