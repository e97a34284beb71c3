"""The load: pre-encoded requests written to raw sockets by one small event loop.

It does as little as it can per request, so that what is measured is the server. How much of a core it used is reported
with every number: near 1.0 the load, not the server, was the limit.
"""

import json
import select
import socket
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime

__all__ = ["Blast", "Body", "alerts", "blast", "bodies", "one_get", "percentile"]

_STAMP = b"@@STAMP@@"


@dataclass(frozen=True)
class Blast:
    """What a run of requests gave. Latencies in seconds, sorted."""

    requests: int
    alerts: int
    seconds: float
    latencies: list[float]
    generator_share: float
    refused: int

    @property
    def alerts_per_second(self) -> float:
        return self.alerts / self.seconds


class Body:
    """One POST of alerts whose end times (and what else carries the stamp) can be renewed at almost no cost."""

    def __init__(self, some: list[dict[str, object]], host: str) -> None:
        text = json.dumps(some, separators=(",", ":")).encode()
        self.count = len(some)
        self._parts = text.split(_STAMP)
        self._head = (
            f"POST /api/v2/alerts HTTP/1.1\r\nHost: {host}\r\nUser-Agent: Prometheus/2.42.0\r\n"
            "Content-Type: application/json\r\nContent-Length: "
        ).encode()

    def wire(self, stamp: bytes) -> bytes:
        body = stamp.join(self._parts)
        return b"%s%d\r\n\r\n%s" % (self._head, len(body), body)


def alerts(begin: int, end: int, *, changing: bool = False) -> list[dict[str, object]]:
    """Alerts as Prometheus sends them: 9 labels, 3 annotations, some 650 bytes; 20 alert names."""
    stamp = _STAMP.decode()
    return [
        {
            "annotations": {
                "description": f"The request latency of instance node-{n:06d} has been above its limit for 10 minutes",
                "runbook_url": "https://runbooks.example.com/high-latency",
                "summary": f"High latency, seen {stamp}" if changing else "High latency on this instance",
            },
            "endsAt": stamp,
            "startsAt": "2026-01-01T00:00:00.000Z",
            "generatorURL": "http://prometheus.example.com:9090/graph?g0.expr=rate%28http_seconds%5B5m%5D%29&g0.tab=1",
            "labels": {
                "alertname": f"HighLatency{n % 20}",
                "cluster": "production-eu-1",
                "environment": "production",
                "instance": f"node-{n:06d}.example.com:9100",
                "job": "node-exporter",
                "namespace": f"team-{n % 50}",
                "replica": "a",
                "severity": "warning" if n % 3 else "critical",
                "team": f"team-{n % 7}",
            },
        }
        for n in range(begin, end)
    ]


def bodies(count: int, size: int, host: str, *, first: int = 0, changing: bool = False) -> list[Body]:
    """`count` alerts from number `first` on, in requests of `size`."""
    return [
        Body(alerts(n, min(n + size, first + count), changing=changing), host)
        for n in range(first, first + count, size)
    ]


def stamp(later: float = 0.0) -> bytes:
    """An end time some minutes ahead, as Prometheus sets it; differs from call to call by milliseconds."""
    at = datetime.fromtimestamp(time.time() + 1200 + later, UTC)
    return at.strftime("%Y-%m-%dT%H:%M:%S.").encode() + b"%03dZ" % (at.microsecond // 1000)


def forever(some: list[Body], until: float) -> Iterator[tuple[int, bytes]]:
    """The bodies round and round until the monotonic time `until`, a new stamp each round."""
    while True:
        mark = stamp()
        for body in some:
            if time.monotonic() >= until:
                return
            yield body.count, body.wire(mark)


def once(some: list[Body]) -> Iterator[tuple[int, bytes]]:
    mark = stamp()
    for body in some:
        yield body.count, body.wire(mark)


def blast(address: tuple[str, int], requests: Iterable[tuple[int, bytes]], connections: int = 4) -> Blast:
    """Send all requests, one in flight per connection, and wait for every answer.

    Raises:
        ConnectionError: the server closed a connection.
    """
    source = iter(requests)
    poll = select.epoll()
    sockets: dict[int, socket.socket] = {}
    began: dict[int, tuple[float, int]] = {}
    latencies: list[float] = []
    sent = refused = 0
    for _ in range(connections):
        one = socket.create_connection(address)
        one.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        sockets[one.fileno()] = one
        poll.register(one.fileno(), select.EPOLLIN)
    cpu, start = time.process_time(), time.perf_counter()

    def send(number: int) -> bool:
        item = next(source, None)
        if item is None:
            return False
        began[number] = (time.perf_counter(), item[0])
        sockets[number].sendall(item[1])
        return True

    busy = {number for number in sockets if send(number)}
    partial: dict[int, bytes] = {}
    while busy:
        for number, _ in poll.poll(10):
            data = sockets[number].recv(65536)
            if not data:
                raise ConnectionError("the server closed the connection")
            if number in partial:
                data = partial.pop(number) + data
            if not _complete(data):
                partial[number] = data
                continue
            at, count = began[number]
            latencies.append(time.perf_counter() - at)
            if data[9:12] == b"200":
                sent += count
            else:
                refused += 1
            if not send(number):
                busy.discard(number)
    seconds = time.perf_counter() - start
    used = time.process_time() - cpu
    poll.close()
    for one in sockets.values():
        one.close()
    latencies.sort()
    return Blast(len(latencies), sent, seconds, latencies, used / seconds if seconds else 0.0, refused)


def _complete(data: bytes) -> bool:
    end = data.find(b"\r\n\r\n")
    if end < 0:
        return False
    head = data[:end].lower()
    at = head.find(b"content-length:")
    if at < 0:
        return data.endswith(b"0\r\n\r\n") if b"chunked" in head else True
    length = int(head[at + 15 :].split(b"\r\n", 1)[0])
    return len(data) >= end + 4 + length


def one_get(address: tuple[str, int], path: str) -> tuple[float, int]:
    """Seconds to the last byte of one GET, and the bytes that came. A new connection, as a dashboard would."""
    start = time.perf_counter()
    with socket.create_connection(address) as one:
        one.sendall(f"GET {path} HTTP/1.1\r\nHost: {address[0]}\r\nConnection: close\r\n\r\n".encode())
        size = 0
        first = b""
        while data := one.recv(1 << 20):
            first = first or data
            size += len(data)
    if first[9:12] != b"200":
        raise ConnectionError(f"GET {path}: {first[:200]!r}")
    return time.perf_counter() - start, size


def percentile(ordered: list[float], share: float) -> float:
    return ordered[min(len(ordered) - 1, int(len(ordered) * share))] if ordered else 0.0


def timed(action: Callable[[], object]) -> float:
    start = time.perf_counter()
    action()
    return time.perf_counter() - start
