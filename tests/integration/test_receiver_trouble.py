"""What goes wrong with templates, files, certificates and answers while a daemon runs: one clear line in the log, a
reason in the metrics, and nobody else hears later for it."""

import datetime
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.support.api import Api
from tests.support.daemon import Daemon, ampp_command
from tests.support.sink import Sink
from tests.unit.deliver.test_http import Authority

HOUR = datetime.timedelta(hours=1)


def wait_for(what: Callable[[], bool], seconds: float = 60) -> None:
    deadline = time.monotonic() + seconds
    while not what():
        assert time.monotonic() < deadline
        time.sleep(0.05)


class Answering:
    """A server of one answer, given byte by byte, over TLS when `tls` says with what."""

    def __init__(
        self, answer: Callable[[socket.socket], None], tls: Callable[[], ssl.SSLContext] | None = None
    ) -> None:
        self._answer = answer
        self._tls = tls
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=64)
        self.port = self._listener.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self) -> None:
        while True:
            try:
                sock, _ = self._listener.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(sock,), daemon=True).start()

    def _serve(self, sock: socket.socket) -> None:
        try:
            if self._tls is not None:
                sock = self._tls().wrap_socket(sock, server_side=True)
            with sock:
                head = b""
                while b"\r\n\r\n" not in head:
                    head += sock.recv(65536)
                length = int(head.lower().partition(b"content-length: ")[2].split(b"\r\n")[0])
                got = len(head.partition(b"\r\n\r\n")[2])
                while got < length:
                    got += len(sock.recv(65536))
                self._answer(sock)
        except OSError:
            sock.close()

    def close(self) -> None:
        self._listener.close()


def yes(sock: socket.socket) -> None:
    sock.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok")


def pour(kind: bytes, pieces: int, pause: float = 0.0) -> Callable[[socket.socket], None]:
    """10 GB, by the megabyte or for as long as there is somebody to take it."""

    def answer(sock: socket.socket) -> None:
        sock.sendall(b"HTTP/1.1 200 OK\r\nContent-Type: " + kind + b"\r\nContent-Length: 10737418240\r\n\r\n")
        for _ in range(pieces):
            sock.sendall(bytes(1 << 20) if not pause else b" ")
            time.sleep(pause)

    return answer


@pytest.fixture
def servers() -> Iterator[dict[str, Answering]]:
    made = {
        "flood": Answering(pour(b"application/json", 10_240)),
        "drip": Answering(pour(b"application/json", 10_000, 0.1)),
        "flood-but-taken": Answering(pour(b"text/plain", 10_240)),
    }
    yield made
    for server in made.values():
        server.close()


def total(api: Api, reason: str, receiver: str) -> float:
    text = api.request("GET", "/metrics").body.decode()
    return sum(
        float(line.rpartition(" ")[2])
        for line in text.splitlines()
        if line.startswith("alertmanager_notifications_failed_total{")
        and f'reason="{reason}"' in line
        and f'receiver_name="{receiver}"' in line
    )


def told_of(daemon: Daemon, receiver: str) -> list[str]:
    """The lines that say a notification to the receiver failed for good."""
    return [
        line
        for line in daemon.log.splitlines()
        if "level=ERROR" in line and "Notify for alerts failed" in line and f'err="{receiver}/' in line
    ]


def memory(pid: int) -> int:
    """The most the process ever had, in bytes."""
    status = Path(f"/proc/{pid}/status").read_text()
    return int(status.partition("VmHWM:")[2].split()[0]) * 1024


EXPECTED = {
    # receiver: (what the log says of its failure, the reason in the metrics)
    "undefined": ('failed to render custom payload: template: :1:12: executing "" at <{{template "nope" .}}>', "other"),
    "url-file": ("read url_file: open ", "other"),
    "credentials": ("unable to read authorization credentials: unable to read file ", "other"),
    "flood": ("could not read response body: more than 1048576 bytes", "clientError"),
    "drip": ("could not read response body: timeout awaiting response body", "clientError"),
    "metadata": ("refused to dial 169.254.169.254, a link-local address", "destinationRefused"),
}


def test_each_trouble_is_told_once_and_costs_nobody_else(servers: dict[str, Answering], tmp_path: Path) -> None:
    for name in ("url", "token"):
        (tmp_path / name).write_text("http://127.0.0.1:1/")
    with Sink() as sink:
        undefined, loop = '{{ template "nope" . }}', '{{ template "round" . }}'
        hooks = {
            "undefined": f"webhook_configs: [{{url: '{sink.url('/u')}', payload: {{a: '{undefined}'}}}}]",
            "loop": f"webhook_configs: [{{url: '{sink.url('/loop')}', payload: {{a: '{loop}'}}}}]",
            "url-file": f"webhook_configs: [{{url_file: '{tmp_path / 'url'}'}}]",
            "credentials": f"webhook_configs: [{{url: '{sink.url('/c')}', http_config: "
            f"{{authorization: {{credentials_file: '{tmp_path / 'token'}'}}}}}}]",
            "flood": f"slack_configs: [{{api_url: 'http://127.0.0.1:{servers['flood'].port}/', channel: c}}]",
            "drip": f"slack_configs: [{{api_url: 'http://127.0.0.1:{servers['drip'].port}/', channel: c}}]",
            "flood-but-taken": f"webhook_configs: [{{url: 'http://127.0.0.1:{servers['flood-but-taken'].port}/'}}]",
            "metadata": "webhook_configs: [{url: 'http://{{ .CommonLabels.to }}/latest/meta-data/'}]",
            "good": f"webhook_configs: [{{url: '{sink.url('/good')}'}}]",
        }
        (tmp_path / "round.tmpl").write_text('{{ define "round" }}{{ template "round" . }}{{ end }}')
        routes = "".join(f"  - {{receiver: {name}, continue: true}}\n" for name in hooks)
        config = (
            f"templates: ['{tmp_path}/*.tmpl']\n"
            "route:\n  receiver: good\n  group_by: [alertname]\n  group_wait: 100ms\n  group_interval: 10s\n"
            f"  routes:\n{routes}receivers:\n" + "".join(f"- name: {name}\n  {text}\n" for name, text in hooks.items())
        )
        feature = "--enable-feature=receiver-name-in-metrics"
        with Daemon(ampp_command(), config, arguments=[feature]) as daemon:
            for name in ("url", "token"):
                (tmp_path / name).unlink()
            api = daemon.api()
            assert api.post_alerts([{"labels": {"alertname": "one", "to": "169.254.169.254"}}]).status == 200
            sink.wait(1, 20, path="/good")
            [said] = sink.wait(1, 20, path="/loop")
            assert "could not be rendered" in said.payload["message"]
            for name, (text, reason) in EXPECTED.items():
                wait_for(lambda name=name, reason=reason: total(api, reason, name) > 0)  # type: ignore[misc]
                # Every failure has its line, and no other; a group's next turn may bring one more meanwhile.
                wait_for(lambda name=name, reason=reason: total(api, reason, name) == len(told_of(daemon, name)))  # type: ignore[misc]
                assert all(text in line.replace('\\"', '"') for line in told_of(daemon, name)), told_of(daemon, name)
            fine = (
                'msg="A message was too much to render; a plain one takes its place" component=dispatcher receiver=loop'
            )
            assert daemon.log.count(fine) == 1
            assert total(api, "", "flood-but-taken") == 0
            assert f"{'flood-but-taken'}/webhook[0]" not in daemon.log
            assert "Traceback" not in daemon.log
            assert sink.deliveries("/u") == sink.deliveries("/c") == []
            assert memory(daemon.pid) < 500 << 20
            assert daemon.stop() == 0


def test_a_certificate_that_expires(tmp_path: Path) -> None:
    authority = Authority(tmp_path)
    expired = threading.Event()

    def context() -> ssl.SSLContext:
        return authority.server("127.0.0.1", ends=-HOUR / 2 if expired.is_set() else HOUR)

    heard: list[float] = []

    def answer(sock: socket.socket) -> None:
        heard.append(time.time())
        yes(sock)

    server = Answering(answer, context)
    (tmp_path / "ca.pem").write_text(authority.pem)
    with Sink() as sink:
        config = (
            "route: {receiver: tls, group_by: [alertname], group_wait: 50ms, group_interval: 10s, "
            "routes: [{receiver: tls, continue: true}, {receiver: good}]}\nreceivers:\n"
            f"- name: tls\n  webhook_configs: [{{url: 'https://127.0.0.1:{server.port}/', "
            f"http_config: {{tls_config: {{ca_file: '{tmp_path / 'ca.pem'}'}}}}}}]\n"
            f"- name: good\n  webhook_configs: [{{url: '{sink.url('/good')}'}}]\n"
        )
        with Daemon(ampp_command(), config, arguments=["--enable-feature=receiver-name-in-metrics"]) as daemon:
            api = daemon.api()
            api.post_alerts([{"labels": {"alertname": "before"}}])
            wait_for(lambda: len(heard) == 1)
            expired.set()
            api.post_alerts([{"labels": {"alertname": "after"}}])
            sink.wait(2, 20, path="/good")
            wait_for(lambda: total(api, "other", "tls") == 1)
            lines = [line for line in daemon.log.splitlines() if "x509: certificate has expired" in line]
            # One when it is seen, and one when the time for it is over; the next turn may have begun.
            assert ["level=WARN" in line for line in lines[:2]] == [True, False]
            # A renewed one is taken up with the group's next turn.
            expired.clear()
            wait_for(lambda: len(heard) == 2)
    server.close()


@pytest.mark.parametrize(
    ("files", "words"),
    [
        ({"a.tmpl": "fine", "b.tmpl": '{{ define "x" }}\n{{ if }}{{ end }}'}, "b.tmpl:2: missing value for if"),
        ({"a.tmpl": "{{ nope 1 }}"}, 'a.tmpl:1: function "nope" not defined'),
        ({"a.tmpl": "fine", "b.tmpl": '{{ define "x" }}'}, "b.tmpl:1: unexpected EOF"),
    ],
)
def test_templates_that_do_not_parse_change_nothing(files: dict[str, str], words: str, tmp_path: Path) -> None:
    with Sink() as sink:
        config = (
            f"templates: ['{tmp_path}/*.tmpl']\nroute: {{receiver: a, group_wait: 50ms, group_interval: 1s}}\n"
            f"receivers: [{{name: a, webhook_configs: [{{url: '{sink.url('/a')}'}}]}}]\n"
        )
        # A glob that nothing matches is no error, as upstream has it.
        with Daemon(ampp_command(), config) as daemon:
            for name, text in files.items():
                (tmp_path / name).write_text(text)
            answer = daemon.api().request("POST", "/-/reload")
            assert answer.status == 500
            assert words in answer.body.decode()
            daemon.wait_log("level=ERROR", 20)
            told = [line for line in daemon.log.splitlines() if "level=ERROR" in line]
            assert len(told) == 1
            assert words in told[0].replace('\\"', '"')
            daemon.api().post_alerts([{"labels": {"alertname": "still"}}])
            sink.wait(1, 20, path="/a")


def test_what_failed_is_told_after_a_kill() -> None:
    with Sink() as sink:
        sink.always("/x", 500)
        config = (
            "route: {receiver: x, group_by: [alertname], group_wait: 50ms, group_interval: 1h, repeat_interval: 4h}\n"
            f"receivers: [{{name: x, webhook_configs: [{{url: '{sink.url('/x')}'}}]}}]\n"
        )
        with Daemon(ampp_command(), config) as daemon:
            daemon.api().post_alerts([{"labels": {"alertname": "kept"}}])
            first = sink.wait(1, 20)[0]
            daemon.kill()
            sink.always("/x", 200)
            sink.clear()
            daemon.start()
            # Its group's next turn is an hour away; what had a place in the outbox does not wait for that.
            again = sink.wait(1, 30)[0]
            assert again.ok
            assert again.payload["groupLabels"] == {"alertname": "kept"}
            assert again.headers["idempotency-key"] == first.headers["idempotency-key"]
