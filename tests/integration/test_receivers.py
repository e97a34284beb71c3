"""Webhook receivers that misbehave: the log names each, none delays another, and all hear the truth in the end."""

import socket
import struct
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tests.support.api import rfc3339
from tests.support.daemon import Daemon, ampp_command
from tests.support.sink import Delivery, Sink

Answering = Callable[[socket.socket, threading.Event], None]


def hang(sock: socket.socket, over: threading.Event) -> None:
    over.wait()


def reset(sock: socket.socket, over: threading.Event) -> None:
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


def fail(sock: socket.socket, over: threading.Event) -> None:
    sock.sendall(b"HTTP/1.1 500 Internal Server Error\r\nContent-Length: 4\r\nConnection: close\r\n\r\nno!\n")


def redirect(sock: socket.socket, over: threading.Event) -> None:
    host, port = sock.getsockname()
    head = f"HTTP/1.1 307 Temporary Redirect\r\nLocation: http://{host}:{port}/again\r\nContent-Length: 0\r\n"
    sock.sendall(head.encode() + b"Connection: close\r\n\r\n")


def pour(sock: socket.socket, over: threading.Event) -> None:
    sock.sendall(b"HTTP/1.1 503 Service Unavailable\r\nConnection: close\r\n\r\n")
    while not over.is_set():
        sock.sendall(bytes(1 << 16))


def pour_headers(sock: socket.socket, over: threading.Event) -> None:
    sock.sendall(b"HTTP/1.1 200 OK\r\n")
    while not over.is_set():
        sock.sendall(b"X: " + b"y" * 60_000 + b"\r\n")


def drip(sock: socket.socket, over: threading.Event) -> None:
    for byte in b"HTTP/1.1 200 OK\r\n" + b"X: y\r\n" * 100_000:
        if over.wait(1):
            return
        sock.sendall(bytes([byte]))


def babble(sock: socket.socket, over: threading.Event) -> None:
    sock.sendall(bytes(range(256)) * 100)


BAD: dict[str, tuple[Answering, str]] = {
    "hang": (hang, "context deadline exceeded"),
    "reset": (reset, ""),
    "fail": (fail, "unexpected status code 500"),
    "redirect": (redirect, "stopped after 10 redirects"),
    "pour": (pour, "unexpected status code 503"),
    "pour-headers": (pour_headers, ""),
    "drip": (drip, "context deadline exceeded"),
    "babble": (babble, ""),
}


class BadReceiver:
    """Takes connections, reads a little, and answers in its own way until told to be good."""

    def __init__(self, answer: Answering) -> None:
        self.requests = 0
        self.over = threading.Event()
        self._answer = answer
        self._socket = socket.create_server(("127.0.0.1", 0), backlog=64)
        self.url = f"http://127.0.0.1:{self._socket.getsockname()[1]}/"
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self) -> None:
        while True:
            try:
                sock, _ = self._socket.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(sock,), daemon=True).start()

    def _serve(self, sock: socket.socket) -> None:
        with sock:
            try:
                sock.recv(1 << 20)
                self.requests += 1
                self._answer(sock, self.over)
            except OSError:
                pass

    def close(self) -> None:
        self.over.set()
        self._socket.close()


@pytest.fixture
def bad() -> Iterator[dict[str, BadReceiver]]:
    receivers = {name: BadReceiver(answer) for name, (answer, _) in BAD.items()}
    yield receivers
    for receiver in receivers.values():
        receiver.close()


def config(urls: dict[str, str], group_interval: str = "1s") -> str:
    routes = "".join(f"  - {{receiver: {name}, continue: true}}\n" for name in urls)
    receivers = "".join(f"- {{name: {name}, webhook_configs: [{{url: '{url}'}}]}}\n" for name, url in urls.items())
    return (
        f"route:\n  receiver: {next(iter(urls))}\n  group_by: [alertname]\n  group_wait: 100ms\n"
        f"  group_interval: {group_interval}\n  repeat_interval: 1h\n  routes:\n{routes}receivers:\n{receivers}"
    )


def firing(*names: str, **labels: str) -> list[dict[str, Any]]:
    return [{"labels": {"alertname": name, **labels}} for name in names]


def test_bad_receivers_delay_no_good_one(bad: dict[str, BadReceiver]) -> None:
    with Sink() as sink:
        gone = socket.create_server(("127.0.0.1", 0))
        down = f"http://127.0.0.1:{gone.getsockname()[1]}/"
        gone.close()
        urls = {name: receiver.url for name, receiver in bad.items()} | {"down": down, "good": sink.url("/good")}
        with Daemon(ampp_command(), config(urls), arguments=["--enable-feature=receiver-name-in-metrics"]) as daemon:
            api = daemon.api()
            assert api.post_alerts(firing("one")).status == 200
            sink.wait(1, 30)
            assert all(not receiver.over.is_set() for receiver in bad.values())
            for number in range(5):
                assert api.post_alerts(firing(f"more-{number}")).status == 200
            deliveries = sink.wait(6, 30)
            assert sorted(d.payload["groupLabels"]["alertname"] for d in deliveries) == sorted(
                ["one", *[f"more-{number}" for number in range(5)]]
            )
            assert api.request("GET", "/-/healthy").status == 200
            for name in urls:
                if name == "good":
                    continue
                text = BAD[name][1] if name in BAD else "connection refused"
                wait_for(lambda name=name, text=text: complaint(daemon, name, text), 40)  # type: ignore[misc]
            metrics = api.request("GET", "/metrics").body.decode()
            for name in urls:
                failed = [
                    line
                    for line in metrics.splitlines()
                    if line.startswith("alertmanager_notifications_failed_total{") and f'"{name}"' in line
                ]
                total = sum(float(line.rpartition(" ")[2]) for line in failed)
                assert (total > 0) == (name != "good"), (name, failed)
            assert "Traceback" not in daemon.log
            assert daemon.stop() == 0


def complaint(daemon: Daemon, receiver: str, text: str) -> bool:
    return any(
        "Notify for alerts failed" in line and f"{receiver}/webhook[0]" in line and text in line
        for line in daemon.log.splitlines()
    )


def _whole(deliveries: list[Delivery]) -> bool:
    return any(each.ok and len(each.payload["alerts"]) > 1 for each in deliveries)


def wait_for(what: Callable[[], bool], seconds: float) -> None:
    deadline = time.monotonic() + seconds
    while not what():
        assert time.monotonic() < deadline
        time.sleep(0.05)


@pytest.mark.parametrize("trouble", [500, "reset"])
def test_a_receiver_that_recovers_hears_the_latest_once(trouble: int | str) -> None:
    with Sink() as sink:
        sink.always("/x", trouble)
        with Daemon(ampp_command(), config({"x": sink.url("/x")})) as daemon:
            api = daemon.api()
            ends = rfc3339(time.time() + 3600)
            api.post_alerts(firing("g", instance="a"))
            sink.wait(1, 20)
            api.post_alerts(firing("g", instance="b"))
            api.post_alerts([{**firing("g", instance="a")[0], "endsAt": rfc3339(time.time())}])
            api.post_alerts([{**firing("g", instance="c")[0], "endsAt": ends}])
            sink.wait(2, 30)
            sink.clear()
            sink.always("/x", 200)
            told = [d for d in sink.wait(_whole, 40) if d.ok]
            assert told[-1].labels("firing") == {"g/b", "g/c"}
            time.sleep(2.5)
            told = [d for d in sink.deliveries("/x") if d.ok]
            states = [(d.labels("firing"), d.labels("resolved")) for d in told]
            assert len(states) == len({str(state) for state in states})
            assert len(told) <= 2
