"""`python -m benchmarks.stages`: what one alert costs on its way in, stage by stage, in microseconds of processor time.

Each stage runs alone and in this process, on the parts the daemon is made of; the fastest of several runs counts. The
last line of each table is the daemon's own processor time under the same load, all threads included; what it exceeds
the sum by is what the stages cost each other in caches, locks and wake-ups.
"""

import argparse
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import trio

from ampp.api.front import Front
from ampp.api.later import Later
from ampp.api.reply import Reply, empty
from ampp.api.shell import Limits, Shell
from ampp.core.alert import Alert
from ampp.core.book import Repeats, row_of
from ampp.core.record import Record
from ampp.ingest.alertmanager import decode_alerts
from ampp.ingest.compact import read_repeats
from ampp.observe.metrics import Metrics
from ampp.options import Features
from ampp.store.sqlite import SqliteStore
from ampp.store.sqlite.codec import encode
from benchmarks import load
from benchmarks.body import bodies, instant
from benchmarks.inside import best, engine, moment, texts
from benchmarks.setting import address, config, sent
from benchmarks.sink import Sink
from tests.support import Daemon, ampp_command
from tests.support.daemon import ROOT

_REQUESTS = 4_000
_SHORT = 160


class _Nothing:
    """Stands where the API stands, and does nothing with what it is given."""

    async def post_alerts(self, body: bytes) -> Reply:
        return empty()


def _http(size: int, requests: int) -> float:
    """A request read, taken apart, answered and counted, by alert: all but what is done with the body."""
    nothing: Any = _Nothing()
    shell = Shell(Later(lambda: nothing), nothing, Metrics(Features(), None).http, Limits(), "", None)
    front = Front(shell, "", 10 << 20, 650, 1 << 20)
    used = 0.0

    async def serve() -> None:
        nonlocal used
        async with trio.open_nursery() as nursery:
            listeners = await trio.open_tcp_listeners(0, host="127.0.0.1")
            port = listeners[0].socket.getsockname()[1]
            nursery.start_soon(trio.serve_listeners, front.serve, listeners)
            command = [
                sys.executable,
                "-m",
                "benchmarks.stages",
                "--send",
                str(port),
                "--requests",
                str(requests),
                "--batch",
                str(size),
            ]
            began = time.thread_time()
            await trio.run_process(command, cwd=ROOT, stdin=subprocess.DEVNULL)
            used = time.thread_time() - began
            nursery.cancel_scope.cancel()

    trio.run(serve)
    return used / (requests * size) * 1e6


def _send(port: int, size: int, requests: int) -> None:
    """The other end of `_http`."""
    some = bodies(size * 16, size)
    wires = (each for _ in range(requests // 16) for each in load.once(some))
    sent(load.blast(("127.0.0.1", port), wires))


def _again(active: int, size: int, *, changing: bool) -> list[tuple[str, float]]:
    some = engine()
    book = some.book.alerts
    for text in texts(active, 64):
        some.receive(decode_alerts(text, 0, book), moment())
    for text in texts(active, size, changing=changing):
        _taken(read_repeats(text, book), some)
    keys = [b"".join([alert.key[:1], alert.key[1:]]) for alert in book.values()]

    def look_up() -> None:
        find = book.get
        for key in keys:
            find(key)

    def fresh_keys() -> None:
        # The hash of bytes is remembered in them: only new ones cost what a request's cost.
        keys[:] = [b"".join([key[:1], key[1:]]) for key in keys]

    found = []
    for _ in range(5):
        fresh_keys()
        found.append(best(active, look_up, 1))
    looked = min(found)
    reads, merges = [], []
    for _ in range(5):
        bodies_now = texts(active, size, changing=changing)
        read: list[Repeats | None] = []
        reads.append(best(active, partial(_each, lambda text: read.append(read_repeats(text, book)), bodies_now), 1))  # noqa: B023
        at = moment()
        done: list[int] = []
        merges.append(best(active, partial(_each, lambda one: done.append(some.refresh(one, at)), read), 1))  # noqa: B023
        if sum(done) != active:
            raise RuntimeError(f"{active - sum(done)} of {active} alerts were more than a repetition")
    return [
        ("cut" if not changing else "cut, and read the annotations", min(reads) - looked),
        ("look up", looked),
        ("merge", min(merges)),
    ]


def _taken(repeats: Repeats | None, some: Any) -> None:
    if repeats is None or some.refresh(repeats, moment()) != len(repeats.alerts):
        raise RuntimeError("a known alert was not known again")


def _each(call: Callable[[Any], object], things: list[Any]) -> None:
    for thing in things:
        call(thing)


def _behind(rows: list[Alert]) -> float:
    """A refresh written behind the answer, by alert written: on the event loop and on the writer's thread."""

    async def measure(store: SqliteStore) -> float:
        began = time.process_time()
        for first in range(0, len(rows), 500):
            store.refresh([row_of(alert) for alert in rows[first : first + 500]])
        await _written(store)
        return (time.process_time() - began) / len(rows) * 1e6

    return trio.run(_stored, measure)


def _news(count: int, size: int) -> list[tuple[str, float]]:
    decodes, merges, encodes = [], [], []
    records: list[Record] = []
    for _ in range(5):
        some = engine()
        bodies_now = texts(count, size)
        read: list[Any] = []
        decodes.append(
            best(count, partial(_each, lambda text: read.append(decode_alerts(text, 0, {})), bodies_now), 1)  # noqa: B023
        )
        at = moment()
        got: list[Any] = []
        merges.append(best(count, partial(_each, lambda one: got.append(some.receive(one, at)), read), 1))  # noqa: B023
        records = [each.record(at.wall) for each in got]
        encodes.append(best(count, partial(_each, encode, records), 1))

    async def commit(store: SqliteStore) -> float:
        """The journal and, behind it, the table of current alerts: the writer's thread."""
        began, own = time.process_time(), time.thread_time()
        for first in range(0, len(records), 4):
            tickets = [store.append((record,)) for record in records[first : first + 4]]
            for ticket in tickets:
                await ticket.durable()
        await _written(store)
        return (time.process_time() - began - (time.thread_time() - own)) / count * 1e6

    return [
        ("decode", min(decodes)),
        ("merge, route and seat", min(merges)),
        ("journal: encode", min(encodes)),
        ("journal: write, and the table of current alerts", trio.run(_stored, commit)),
    ]


async def _stored(measure: Callable[[SqliteStore], Any]) -> float:
    with tempfile.TemporaryDirectory(prefix="ampp-stages-") as folder:
        store = SqliteStore.open(Path(folder))
        store.load()
        store.append(())
        found: float = await measure(store)
        await store.aclose()
    return found


async def _written(store: SqliteStore) -> None:
    """Until nothing waits for the writer any more."""
    while (health := store.health()).queue or health.behind:
        await trio.sleep(0.05)


def _daemon(active: int, size: int) -> dict[str, float]:
    """Processor time of a whole daemon, by alert."""
    found, starts = {}, instant()
    with Sink() as sink, Daemon(ampp_command(), config(sink, wait="1h", interval="1h")) as daemon:
        daemon.api().wait_ready()
        many = active if size > 1 else active // 2
        for name, some, seconds in (
            ("new", bodies(many, size, starts=starts), 0.0),
            ("again", bodies(many, size, starts=starts), 2.0),
        ):
            began = daemon.cpu_seconds()
            plan = load.forever(some, time.monotonic() + seconds) if seconds else load.once(some)
            run = sent(load.blast(address(daemon), plan))
            if not seconds:
                time.sleep(1.0)
            found[name] = (daemon.cpu_seconds() - began) / run.alerts * 1e6
    return found


def _table(title: str, stages: list[tuple[str, float]], whole: float | None) -> None:
    print(f"\n| {title} | µs per alert |\n|---|---|")  # noqa: T201
    for name, took in stages:
        print(f"| {name} | {took:.2f} |")  # noqa: T201
    print(f"| sum | {sum(took for _, took in stages):.2f} |")  # noqa: T201
    if whole is not None:
        print(f"| the whole daemon | {whole:.2f} |")  # noqa: T201


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.stages", description=__doc__)
    parser.add_argument("--active", type=int, default=10_000, help="alerts known (default 10000)")
    parser.add_argument("--short", action="store_true", help="with little of all: that it runs, not how fast")
    parser.add_argument("--send", type=int, help=argparse.SUPPRESS)
    parser.add_argument("--requests", type=int, help=argparse.SUPPRESS)
    parser.add_argument("--batch", type=int, action="append", help="alerts per POST (default 64 and 1)")
    chosen = parser.parse_args()
    if chosen.send:
        _send(chosen.send, chosen.batch[0], chosen.requests)
        return 0
    requests, rounds = (_SHORT, 1) if chosen.short else (_REQUESTS, 3)
    for size in chosen.batch or [64, 1]:
        http = ("HTTP", min(_http(size, requests) for _ in range(rounds)))
        whole = _daemon(chosen.active, size)
        again = _again(chosen.active, size, changing=False)
        _table(f"re-sent, {size} per POST, {chosen.active:,} active", [http, *again], whole["again"])
        changed = _again(chosen.active, size, changing=True)
        _table(f"re-sent with a changed annotation, {size} per POST", [http, *changed], None)
        _table(f"new, {size} per POST", [http, *_news(chosen.active, size)], whole["new"])
    some = engine()
    for text in texts(chosen.active, 64):
        some.receive(decode_alerts(text, 0, some.book.alerts), moment())
    behind = _behind(list(some.book))
    print(f"\nA refresh written behind the answer costs {behind:.1f} µs; at most 5,000 a second are.")  # noqa: T201
    return 0


if __name__ == "__main__":
    sys.exit(main())
