"""The receiver of all notifications, in its own process so that it takes nothing from the generator.

As a program it prints its port and answers every POST with 200. A POST to a path that contains `timed` is noted by the
first `node-NNNNNN` in its body and the monotonic time, which all processes share. `GET /` tells what came since the
last `GET /reset`.
"""

import json
import os
import re
import resource
import select
import socket
import subprocess
import sys
import time
from dataclasses import dataclass
from http.client import HTTPConnection
from types import TracebackType
from typing import Any

from benchmarks.load import complete
from tests.support.daemon import ROOT

__all__ = ["Arrived", "Sink"]

_NODE = re.compile(rb"node-(\d{6})")
_OK = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"


@dataclass(frozen=True)
class Arrived:
    """What came since the reset: how many notifications, when first and last (monotonic), and the noted ones."""

    count: int
    first: float
    last: float
    noted: dict[str, float]


class Sink:
    """The process and what it has seen. A context manager."""

    def __init__(self) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "benchmarks.sink"], stdout=subprocess.PIPE, stdin=subprocess.DEVNULL, cwd=ROOT
        )
        assert self._process.stdout is not None
        self.port = int(self._process.stdout.readline())

    def __enter__(self) -> "Sink":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._process.kill()
        self._process.wait()

    def reset(self) -> None:
        self._get("/reset")

    def arrived(self) -> Arrived:
        return Arrived(**self._get("/"))

    def cpu_seconds(self) -> float:
        with open(f"/proc/{self._process.pid}/stat") as file:
            fields = file.read().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def _get(self, path: str) -> dict[str, Any]:
        connection = HTTPConnection("127.0.0.1", self.port, timeout=180)
        try:
            connection.request("GET", path)
            found: dict[str, Any] = json.loads(connection.getresponse().read())
            return found
        finally:
            connection.close()


def _serve() -> None:
    # Alertmanager opens a connection for each of thousands of groups at once.
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    listener = socket.create_server(("127.0.0.1", 0), backlog=4096)
    listener.setblocking(False)
    print(listener.getsockname()[1], flush=True)  # noqa: T201
    poll = select.epoll()
    poll.register(listener, select.EPOLLIN)
    clients: dict[int, socket.socket] = {}
    partial: dict[int, list[bytes]] = {}
    seen: dict[str, Any] = {"count": 0, "first": 0.0, "last": 0.0, "noted": {}}
    while True:
        for number, _ in poll.poll():
            if number == listener.fileno():
                _accept(listener, poll, clients)
                continue
            client = clients[number]
            try:
                data = client.recv(1 << 20)
            except BlockingIOError:
                continue
            except OSError:
                data = b""
            if not data:
                del clients[number]
                partial.pop(number, None)
                client.close()
                continue
            parts = partial.setdefault(number, [])
            parts.append(data)
            # Large bodies come in many pieces: only their beginning is looked at until there is enough.
            if not complete(parts[0], sum(map(len, parts)), parts[-1]):
                if not parts[0].count(b"\r\n\r\n"):
                    partial[number] = [b"".join(parts)]
                continue
            request = b"".join(partial.pop(number))
            client.setblocking(True)
            client.sendall(_answer(request, seen))
            client.setblocking(False)


def _accept(listener: socket.socket, poll: select.epoll, clients: dict[int, socket.socket]) -> None:
    while True:
        try:
            client, _ = listener.accept()
        except OSError:
            # Nobody waits any more; or there are as many connections as the system allows, and the rest wait.
            return
        client.setblocking(False)
        client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        clients[client.fileno()] = client
        poll.register(client.fileno(), select.EPOLLIN)


def _answer(request: bytes, seen: dict[str, Any]) -> bytes:
    at = time.monotonic()
    if request.startswith(b"POST"):
        seen["count"] += 1
        seen["first"] = seen["first"] or at
        seen["last"] = at
        if b"timed" in request[: request.find(b"\r\n")]:
            node = _NODE.search(request)
            if node is not None:
                seen["noted"].setdefault(node[1].decode(), at)
        return _OK
    if request.startswith(b"GET /reset"):
        seen.update(count=0, first=0.0, last=0.0, noted={})
    text = json.dumps(seen).encode()
    return b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\nConnection: close\r\n\r\n%b" % (len(text), text)


if __name__ == "__main__":
    _serve()
