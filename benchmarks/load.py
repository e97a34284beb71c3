"""The load: pre-encoded requests written to raw sockets by one small event loop.

It does as little as it can per request, so that what is measured is the server. How much of a core it used is reported
with every number: near 1.0 the load, not the server, was the limit.
"""

import select
import socket
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from benchmarks.body import Body, stamp

__all__ = ["Blast", "Due", "Overdue", "blast", "complete", "forever", "once", "paced", "percentile"]

Address = tuple[str, int]


class Overdue(TimeoutError):
    """No answer within the time allowed."""

    def __init__(self, seconds: float) -> None:
        super().__init__(f"no answer in {seconds:g} s")
        self.seconds = seconds


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


class _Wire:
    """Keep-alive connections with at most one request in flight on each."""

    def __init__(self, address: Address, connections: int) -> None:
        self._poll = select.epoll()
        self._sockets: dict[int, socket.socket] = {}
        self._partial: dict[int, bytes] = {}
        for _ in range(connections):
            one = socket.create_connection(address)
            one.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self._sockets[one.fileno()] = one
            self._poll.register(one.fileno(), select.EPOLLIN)

    def __iter__(self) -> Iterator[int]:
        return iter(self._sockets)

    def send(self, number: int, data: bytes) -> None:
        self._sockets[number].sendall(data)

    def answers(self, timeout: float) -> Iterator[tuple[int, bytes]]:
        """(connection, answer) of those that came within `timeout` seconds. Raises ConnectionError."""
        for number, _ in self._poll.poll(timeout):
            data = self._sockets[number].recv(65536)
            if not data:
                raise ConnectionError("the server closed the connection")
            if number in self._partial:
                data = self._partial.pop(number) + data
            if complete(data, len(data), data):
                yield number, data
            else:
                self._partial[number] = data

    def close(self) -> None:
        self._poll.close()
        for one in self._sockets.values():
            one.close()


def blast(
    address: Address, requests: Iterable[tuple[int, bytes]], connections: int = 4, deadline: float = 120.0
) -> Blast:
    """Send all requests, one in flight per connection, and wait for every answer.

    Raises:
        ConnectionError: the server closed a connection.
        Overdue: not all was answered `deadline` seconds after the last request was due to be sent.
    """
    source = iter(requests)
    wire = _Wire(address, connections)
    began: dict[int, tuple[float, int]] = {}
    latencies: list[float] = []
    sent = refused = 0
    cpu, start = time.process_time(), time.perf_counter()

    def send(number: int) -> bool:
        item = next(source, None)
        if item is None:
            return False
        began[number] = (time.perf_counter(), item[0])
        wire.send(number, item[1])
        return True

    try:
        busy = {number for number in wire if send(number)}
        while busy:
            if time.perf_counter() - min(began[number][0] for number in busy) > deadline:
                raise Overdue(deadline)
            for number, data in wire.answers(1.0):
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
    finally:
        wire.close()
    latencies.sort()
    return Blast(len(latencies), sent, seconds, latencies, used / seconds if seconds else 0.0, refused)


@dataclass(frozen=True)
class Due:
    """A request with a time (monotonic) at which it is to be sent."""

    at: float
    count: int
    data: bytes
    tag: object = None


def paced(
    address: Address,
    plan: Iterable[Due],
    heard: Callable[[Due, float, float, bool], None],
    connections: int = 4,
    deadline: float = 60.0,
) -> float:
    """Send each request when it is due, or as soon after as a connection is free; the generator's share of a core.

    `heard(request, sent, answered, ok)` is called with every answer. Who wants the delay a sender feels counts from
    when the request was due, not from when it could be sent. Raises as `blast` does.
    """
    source = iter(plan)
    wire = _Wire(address, connections)
    idle = list(wire)
    busy: dict[int, tuple[Due, float]] = {}
    coming = next(source, None)
    cpu, start = time.process_time(), time.monotonic()
    try:
        while coming is not None or busy:
            now = time.monotonic()
            while coming is not None and idle and coming.at <= now:
                number = idle.pop()
                busy[number] = (coming, now)
                wire.send(number, coming.data)
                coming = next(source, None)
                now = time.monotonic()
            if busy and now - min(sent for _, sent in busy.values()) > deadline:
                raise Overdue(deadline)
            wait = max(0.0, coming.at - now) if coming is not None and idle else 1.0
            for number, data in wire.answers(min(wait, 1.0)):
                request, sent = busy.pop(number)
                idle.append(number)
                heard(request, sent, time.monotonic(), data[9:12] == b"200")
        return (time.process_time() - cpu) / (time.monotonic() - start)
    finally:
        wire.close()


def complete(beginning: bytes, size: int, ending: bytes) -> bool:
    """Whether `size` bytes that begin and end like this are a whole message of HTTP/1.1."""
    end = beginning.find(b"\r\n\r\n")
    if end < 0:
        return False
    head = beginning[:end].lower()
    at = head.find(b"content-length:")
    if at < 0:
        return ending.endswith(b"0\r\n\r\n") if b"chunked" in head else True
    return size >= end + 4 + int(head[at + 15 :].split(b"\r\n", 1)[0])


def percentile(ordered: list[float], share: float) -> float:
    return ordered[min(len(ordered) - 1, int(len(ordered) * share))] if ordered else 0.0
