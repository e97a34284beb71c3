"""A webhook receiver that records what arrives, when, and answers as told.

Behaviours are per path and are used up one request at a time; a path without any answers 200:

    sink.behave("/pager", 500, 500)   # fail twice, then accept
    sink.behave("/pager", "hang")     # take the request, never answer
    sink.behave("/pager", "reset")    # take the request, reset the connection
    sink.behave("/pager", ("slow", 1.5))  # answer 200 after 1.5 s
    sink.always("/pager", 400)        # from now on, once the queue above is used up
"""

import json
import socket
import struct
import threading
import time
from collections import defaultdict, deque
from collections.abc import Callable
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any

__all__ = ["Behaviour", "Delivery", "Sink"]

Behaviour = int | str | tuple[str, float]


@dataclass(frozen=True)
class Delivery:
    """One request that reached the sink.

    Attributes:
        path: the request path with its query.
        at: wall time of arrival, seconds since the epoch, taken when the body was complete.
        headers: names in lower case.
        body: as received.
        status: what was answered; 0 when nothing was (hang, reset).
    """

    path: str
    at: float
    headers: dict[str, str]
    body: bytes
    status: int
    method: str = "POST"

    @property
    def payload(self) -> Any:
        """The body as JSON."""
        return json.loads(self.body)

    @property
    def ok(self) -> bool:
        return 200 <= self.status < 300

    def labels(self, status: str) -> set[str]:
        """The `alertname/instance` pairs with that status, handy for assertions."""
        return {
            "/".join(filter(None, (a["labels"].get("alertname", ""), a["labels"].get("instance", ""))))
            for a in self.payload["alerts"]
            if a["status"] == status
        }


@dataclass
class _Book:
    deliveries: list[Delivery] = field(default_factory=list)
    plans: dict[str, deque[Behaviour]] = field(default_factory=lambda: defaultdict(deque))
    standing: dict[str, Behaviour] = field(default_factory=dict)
    news: threading.Condition = field(default_factory=threading.Condition)
    closing: threading.Event = field(default_factory=threading.Event)


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False
    request_queue_size = 512
    book: _Book

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that goes away mid-request is part of what is tested: nothing to print."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    server: _Server

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
        """The book is the log."""

    def do_POST(self) -> None:
        length = int(self.headers.get("Content-Length") or 0)
        if self.headers.get("Transfer-Encoding", "").lower() == "chunked":
            body = self._chunks()
            length = len(body)
        else:
            body = self.rfile.read(length)
        if len(body) < length:
            # The sender died in the middle of it.
            self.close_connection = True
            return
        at = time.time()
        book = self.server.book
        with book.news:
            plan = book.plans[self.path]
            behaviour: Behaviour = plan.popleft() if plan else book.standing.get(self.path, 200)
        status = behaviour if isinstance(behaviour, int) else 200 if isinstance(behaviour, tuple) else 0
        delivery = Delivery(self.path, at, {k.lower(): v for k, v in self.headers.items()}, body, status, self.command)
        with book.news:
            book.deliveries.append(delivery)
            book.news.notify_all()
        if behaviour == "hang":
            book.closing.wait()
            self.close_connection = True
            return
        if behaviour == "reset":
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            self.connection.close()
            self.close_connection = True
            return
        if isinstance(behaviour, tuple):
            book.closing.wait(behaviour[1])
        self.send_response_only(status)
        self.send_header("Content-Length", "0")
        self.end_headers()

    do_PUT = do_POST
    do_GET = do_POST

    def _chunks(self) -> bytes:
        parts = []
        while size := int(self.rfile.readline().split(b";")[0], 16):
            parts.append(self.rfile.read(size))
            self.rfile.readline()
        while self.rfile.readline().strip():
            pass
        return b"".join(parts)


class Sink:
    """The receiver. A context manager; listens on loopback at a port the system picks."""

    def __init__(self) -> None:
        self._book = _Book()
        self._server = _Server(("127.0.0.1", 0), _Handler)
        self._server.book = self._book
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
        self._thread.start()

    def __enter__(self) -> "Sink":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    @property
    def port(self) -> int:
        return int(self._server.server_address[1])

    def url(self, path: str = "/") -> str:
        return f"http://127.0.0.1:{self.port}{path}"

    def behave(self, path: str, *behaviours: Behaviour) -> None:
        """Queue answers for the next requests to `path`."""
        with self._book.news:
            self._book.plans[path].extend(behaviours)

    def always(self, path: str, behaviour: Behaviour = 200) -> None:
        """Answer every request to `path` this way once its queue is empty, until told otherwise."""
        with self._book.news:
            self._book.standing[path] = behaviour

    def deliveries(self, path: str | None = None) -> list[Delivery]:
        """What has arrived so far, in order of arrival."""
        with self._book.news:
            return [d for d in self._book.deliveries if path is None or d.path == path]

    def wait(
        self, enough: Callable[[list[Delivery]], bool] | int, timeout: float = 10.0, path: str | None = None
    ) -> list[Delivery]:
        """Wait until `enough` (a count, or a test of the deliveries) holds; raises TimeoutError with what came."""
        deadline = time.monotonic() + timeout
        with self._book.news:
            while True:
                have = [d for d in self._book.deliveries if path is None or d.path == path]
                if len(have) >= enough if isinstance(enough, int) else enough(have):
                    return have
                left = deadline - time.monotonic()
                if left <= 0:
                    said = "\n".join(f"{d.at:.3f} {d.path} {d.status} {d.body[:300]!r}" for d in have)
                    raise TimeoutError(f"after {timeout} s the sink has {len(have)} deliveries:\n{said}")
                self._book.news.wait(left)

    def clear(self) -> None:
        with self._book.news:
            self._book.deliveries.clear()

    def close(self) -> None:
        self._book.closing.set()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join(5)
