"""Clients of the live events: server-sent events over a plain connection, and WebSockets."""

import base64
import contextlib
import json
import os
import queue
import socket
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from wsproto.connection import Connection, ConnectionType
from wsproto.events import CloseConnection, TextMessage

from ampp.api.extensions.stream_contract import DATA, EVENT, EVENTS
from tests.support.schema import fits

__all__ = ["Listener", "Refused", "WebSocket", "close_all"]


@dataclass
class Refused(Exception):
    """The server answered with something else than a stream."""

    status: int
    headers: Mapping[str, str]
    body: bytes


class _Line:
    """A connection whose head is exchanged; `rest` is what came behind it."""

    def __init__(self, host: str, port: int, path: str, headers: Mapping[str, str], wanted: int) -> None:
        self.socket = socket.create_connection((host, port), timeout=20)
        lines = [f"GET {path} HTTP/1.1", f"Host: {host}:{port}", *(f"{k}: {v}" for k, v in headers.items()), "", ""]
        self.socket.sendall("\r\n".join(lines).encode())
        data = b""
        while b"\r\n\r\n" not in data:
            more = self.socket.recv(65536)
            if not more:
                raise ConnectionError(f"closed after {data!r}")
            data += more
        head, _, self.rest = data.partition(b"\r\n\r\n")
        first, *fields = head.decode("latin-1").split("\r\n")
        self.status = int(first.split()[1])
        self.headers = {k.lower(): v.strip() for k, _, v in (field.partition(":") for field in fields)}
        if self.status != wanted:
            length = int(self.headers.get("content-length", 0))
            while len(self.rest) < length:
                self.rest += self.socket.recv(65536)
            self.socket.close()
            raise Refused(self.status, self.headers, self.rest)


class _Reading:
    """Reads in a thread of its own; what came is had from `next`. None marks the end."""

    opened: ClassVar[list["_Reading"]] = []
    """Those not yet closed: see `close_all`."""

    line: _Line

    def __init__(self) -> None:
        self.opened.append(self)
        self._thread = threading.Thread(target=self._read, daemon=True)
        self._queue: queue.Queue[dict[str, Any] | None] = queue.Queue()
        self.ended = threading.Event()

    def next(self, timeout: float = 10.0) -> dict[str, Any]:
        """The next event, which is of the form described. Raises EOFError at the end, queue.Empty when none comes."""
        event = self._queue.get(timeout=timeout)
        if event is None:
            self._queue.put(None)
            raise EOFError
        name = DATA[event["type"]]
        fits(event, {**EVENT, "properties": {**EVENT["properties"], "data": EVENTS[name]}}, name)
        return event

    def _read(self) -> None:
        raise NotImplementedError

    def close(self) -> None:
        """Hang up. Closing alone would not, while the thread waits for more."""
        if self in self.opened:
            self.opened.remove(self)
        with contextlib.suppress(OSError):
            self.line.socket.shutdown(socket.SHUT_RDWR)
        if self._thread.is_alive():
            self._thread.join(5)
        self.line.socket.close()

    def until(self, *kinds: str, timeout: float = 10.0) -> dict[str, Any]:
        """The next event of one of these types; others are passed over."""
        while True:
            event = self.next(timeout)
            if event["type"] in kinds:
                return event


class Listener(_Reading):
    """Reads /api/v2/events/stream. `comments` gathers comment lines, `last_id` what a browser would resume from."""

    def __init__(
        self,
        host: str,
        port: int,
        path: str = "/api/v2/events/stream",
        headers: Mapping[str, str] | None = None,
        *,
        read: bool = True,
    ) -> None:
        self.line = _Line(host, port, path, headers or {}, 200)
        super().__init__()
        self.headers = self.line.headers
        self.comments: list[str] = []
        self.last_id = ""
        self._fields: dict[str, str] = {}
        if read:
            self.read()

    def read(self) -> None:
        """Begin to read."""
        self._thread.start()

    def _read(self) -> None:
        body, data = b"", self.line.rest
        try:
            while True:
                size, found, rest = data.partition(b"\r\n")
                if found and len(rest) >= int(size, 16) + 2:
                    length = int(size, 16)
                    if not length:
                        break
                    body += rest[:length]
                    data = rest[length + 2 :]
                    *lines, body = body.split(b"\n")
                    for line in lines:
                        self._take(line.decode())
                    continue
                more = self.line.socket.recv(65536)
                if not more:
                    break
                data += more
        except OSError:
            pass
        self.ended.set()
        self._queue.put(None)

    def _take(self, line: str) -> None:
        if not line:
            fields, self._fields = self._fields, {}
            self.last_id = fields.get("id", self.last_id)
            if "data" in fields:
                event = json.loads(fields["data"])
                assert event["type"] == fields["event"]
                assert event["id"] == fields["id"]
                self._queue.put(event)
        elif line.startswith(":"):
            self.comments.append(line)
        else:
            name, _, value = line.partition(": ")
            self._fields[name] = value


class WebSocket(_Reading):
    """Reads one of the WebSockets. `closed` is the server's close code, once it has said so."""

    def __init__(self, host: str, port: int, path: str, headers: Mapping[str, str] | None = None) -> None:
        upgrade = {
            "Upgrade": "websocket",
            "Connection": "Upgrade",
            "Sec-WebSocket-Version": "13",
            "Sec-WebSocket-Key": base64.b64encode(os.urandom(16)).decode(),
            **(headers or {}),
        }
        self.line = _Line(host, port, path, upgrade, 101)
        super().__init__()
        self.closed: int | None = None
        self._protocol = Connection(ConnectionType.CLIENT)
        self._thread.start()

    def send(self, text: str) -> None:
        self.line.socket.sendall(self._protocol.send(TextMessage(text)))

    def _read(self) -> None:
        text = ""
        data: bytes | None = self.line.rest
        try:
            while data is not None:
                if data:
                    self._protocol.receive_data(data)
                for event in self._protocol.events():
                    if isinstance(event, TextMessage):
                        text += event.data
                        if event.message_finished:
                            self._queue.put(json.loads(text))
                            text = ""
                    elif isinstance(event, CloseConnection):
                        self.closed = event.code
                        self.line.socket.sendall(self._protocol.send(event.response()))
                data = self.line.socket.recv(65536) or None
        except OSError:
            pass
        self.ended.set()
        self._queue.put(None)


def close_all() -> None:
    """Hang up everywhere."""
    for each in list(_Reading.opened):
        each.close()
