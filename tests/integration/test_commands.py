"""The commands that ask a server: against a running daemon, and against what goes wrong on the way."""

import contextlib
import datetime
import ipaddress
import json
import os
import pty
import signal
import socket
import ssl
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from ampp_cli import own
from ampp_cli.defaults import KNOWN
from ampp_cli.remote.wire import Connection, WireError
from tests.support import Api, Daemon, ampp_command
from tests.support.daemon import ampp_environment

CONFIG = """
route:
  receiver: team-x
  group_wait: 1h
receivers: [{name: team-x}]
"""

AMPP = [sys.executable, "-c", "import sys; sys.argv[0] = 'ampp'; from ampp_cli.main import main; sys.exit(main())"]
AMTOOL = [sys.executable, "-c", "import sys; sys.argv[0] = 'amtool'; from ampp_cli.main import main; sys.exit(main())"]


@pytest.fixture(scope="module")
def daemon() -> Iterator[Daemon]:
    with Daemon(ampp_command(), CONFIG) as running:
        running.api().wait_ready()
        yield running


@pytest.fixture(scope="module")
def api(daemon: Daemon) -> Api:
    api = daemon.api()
    api.post_alerts(
        [
            {
                "labels": {"alertname": "Disk", "instance": "db1", "job": "node"},
                "annotations": {"summary": "half\nfull \x1b[31m"},
                "startsAt": "2026-01-01T00:00:00Z",
                "endsAt": "2095-01-01T00:00:00Z",
            },
            {
                "labels": {"alertname": "Load", "instance": "web1"},
                "startsAt": "2026-01-02T00:00:00Z",
                "endsAt": "2095-01-01T00:00:00Z",
            },
        ]
    )
    return api


Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def run(
    daemon: Daemon, api: Api, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Run:
    """`ampp` in this process: status, stdout, stderr."""
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("AMPP_URL", daemon.url)
    monkeypatch.delenv("COLUMNS", raising=False)
    KNOWN.clear()

    def run(*words: str) -> tuple[int, str, str]:
        capsys.readouterr()
        status = own.main(list(words))
        return status, *capsys.readouterr()

    return run


def test_alerts_in_all_forms(run: Run) -> None:
    status, out, err = run("alert", "query")
    assert (status, err) == (0, "")
    assert [line.split()[0] for line in out.splitlines()] == ["Alertname", "Disk", "Load"]
    assert "half\\nfull \\x1b[31m" in out
    assert run("alert", "query", "--no-headers", "Load")[1].startswith("Load  active")
    assert "team-x" in run("alert", "query", "-o", "extended")[1]
    assert "2026-01-02T00:00:00.000Z (" in run("alert", "query", "-o", "wide")[1]
    listed = json.loads(run("alert", "query", "-o", "json")[1])
    assert {alert["labels"]["alertname"] for alert in listed} == {"Disk", "Load"}
    lines = run("alert", "query", "-o", "jsonl", "instance=~db.*")[1].splitlines()
    assert [json.loads(line)["labels"]["instance"] for line in lines] == ["db1"]
    assert run("alert", "query", "-o", "name", "Disk")[1] == listed[0]["fingerprint"] + "\n"
    assert run("alert", "query", "-o", "yaml", "Disk")[1].startswith("- annotations:\n    summary: ")


def test_a_table_fits_the_width(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "60")
    out = run("alert", "query")[1]
    assert max(map(len, out.splitlines())) <= 60
    assert "…" in out
    assert "…" not in run("alert", "query", "-o", "wide")[1]


def test_colour_only_where_it_is_wanted(run: Run) -> None:
    assert "\x1b" not in run("alert", "query")[1]
    assert "\x1b[31mactive\x1b[0m" in run("alert", "query", "--color=always")[1]
    assert "\x1b" not in run("alert", "query", "--color=always", "-o", "json")[1]


@pytest.mark.parametrize(("no_colour", "coloured"), [("", True), ("1", False)])
def test_colour_on_a_terminal(daemon: Daemon, api: Api, tmp_path: Path, no_colour: str, coloured: bool) -> None:
    ours, theirs = pty.openpty()
    environment = ampp_environment() | {"HOME": str(tmp_path), "TERM": "xterm", "NO_COLOR": no_colour}
    subprocess.run(
        [*AMPP, "alert", "query", "--url", daemon.url], stdout=theirs, env=environment, timeout=60, check=True
    )
    os.close(theirs)
    text = os.read(ours, 100_000).decode()
    os.close(ours)
    assert "Disk" in text
    assert ("\x1b[" in text) is coloured


def test_alerts_are_added(run: Run, api: Api, tmp_path: Path) -> None:
    status, out, err = run("alert", "add", "Typed", "node=a", "--annotation=summary=s", "--start=-5m", "-d", "1h")
    assert (status, out, err) == (0, "", "")
    (alert,) = api.alerts(['alertname="Typed"'])
    assert (alert["labels"], alert["annotations"]) == ({"alertname": "Typed", "node": "a"}, {"summary": "s"})
    status, out, _ = run("alert", "add", "Typed", "node=b", "--dry-run", "-o", "json")
    assert json.loads(out) == [{"labels": {"alertname": "Typed", "node": "b"}}]
    assert len(api.alerts(['alertname="Typed"'])) == 1
    (tmp_path / "alerts.json").write_text('[{"labels": {"alertname": "Typed", "node": "c"}}]')
    assert run("alert", "add", "-f", str(tmp_path / "alerts.json"))[0] == 0
    assert len(api.alerts(['alertname="Typed"'])) == 2
    run("alert", "add", "Typed", "node=a", "--end=-1m", "--start=-5m")
    run("alert", "add", "Typed", "node=c", "--end=-1m", "--start=-5m")
    assert api.alerts(['alertname="Typed"']) == []


def test_a_silence_from_its_beginning_to_its_end(run: Run, api: Api) -> None:
    words = ("silence", "add", "Disk", "instance=~db.*", "-c", "why", "-a", "me")
    status, out, _ = run(*words, "--dry-run")
    assert status == 0
    assert out.startswith('Would silence alertname="Disk" instance=~"db.*" from ')
    assert "1 alert matches now:\n" in out
    assert json.loads(run(*words, "--dry-run", "-o", "json")[1])["alerts"][0]["labels"]["instance"] == "db1"
    assert api.silences(['alertname="Disk"']) == []
    identity = run(*words, "-d", "2h")[1].strip()
    silence = api.silence(identity)
    assert (silence["createdBy"], silence["comment"]) == ("me", "why")
    assert run("silence", "query", "-q", "alertname=Disk")[1] == identity + "\n"
    assert "Suppressed by" in run("alert", "query", "-s", "-o", "extended")[1]
    assert f"silence {identity}" in run("alert", "query", "-A", "-o", "extended")[1]

    assert run("silence", "extend", "1d", identity[:8], "--dry-run")[0] == 0
    assert api.silence(identity)["endsAt"] == silence["endsAt"]
    run("silence", "extend", "1d", identity[:8])
    assert api.silence(identity)["endsAt"][:10] > silence["endsAt"][:10]
    assert run("silence", "update", identity, "-c", "because", "-q")[1] == identity + "\n"
    assert api.silence(identity)["comment"] == "because"

    exported = run("silence", "query", "-o", "json", "alertname=Disk")[1]
    assert json.loads(exported)[0]["id"] == identity
    assert run("silence", "expire", identity, "--dry-run")[0] == 0
    assert api.silence(identity)["status"]["state"] == "active"
    assert run("silence", "expire", identity) == (0, "", "")
    assert api.silence(identity)["status"]["state"] == "expired"
    assert identity in run("silence", "query", "--expired", "-q")[1]
    assert run("silence", "query", "-q", "alertname=Disk")[1] == ""


def test_silences_go_through_pipes(run: Run, api: Api, daemon: Daemon, tmp_path: Path) -> None:
    environment = ampp_environment() | {"HOME": str(tmp_path), "AMPP_URL": daemon.url}

    def piped(*words: str, text: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [*AMPP, *words], input=text, capture_output=True, text=True, timeout=60, check=False, env=environment
        )

    ids = [run("silence", "add", f"piped={n}", "-c", "x")[1].strip() for n in range(3)]
    exported = run("silence", "query", "-o", "json")[1]
    done = piped("silence", "expire", "-", text="\n".join(ids))
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    assert {api.silence(i)["status"]["state"] for i in ids} == {"expired"}
    done = piped("silence", "import", text=exported)
    assert (done.returncode, done.stderr) == (0, "")
    again = done.stdout.split()
    assert len(again) == 3
    assert not set(again) & set(ids)
    done = piped("silence", "expire", "-", text=" ".join(again))
    assert done.returncode == 0
    done = piped("silence", "import", "-", text='[{"matchers": []}]')
    assert done.returncode == 1
    assert done.stdout == ""
    assert "silence 1 (new): the server refuses the silence" in done.stderr


def test_the_server_and_its_configuration(run: Run, daemon: Daemon) -> None:
    out = run("status")[1]
    assert out.startswith(f"Server:   {daemon.url}\nVersion:  0.34.0")
    assert json.loads(run("status", "-o", "json")[1])["versionInfo"]["version"] == "0.34.0"
    assert run("cluster", "show")[1].startswith("Cluster:  disabled\n")
    assert "receiver: team-x" in run("config", "show")[1]
    assert json.loads(run("config", "show", "-o", "json")[1])["config"]["original"].startswith("global:")


@pytest.mark.parametrize(
    ("line", "status", "said"),
    [
        ("alrt query", 2, "ampp: no such command 'alrt': did you mean 'alert'? (see ampp --help)\n"),
        ("silence ad x", 2, "ampp silence: no such command 'ad': did you mean 'add'? (see ampp silence --help)\n"),
        ("alert query {x", 2, "Invalid value for matcher: {x: unexpected open or close brace: {x"),
        ("alert query a=~[", 2, "missing closing ]"),
        ("alert query instnce=db1", 0, "no alert has a label instnce; did you mean instance?\n"),
        ("alert query --url=ftp://h", 2, "ftp://h: the scheme must be http or https, not ftp"),
        ("alert query --timeout=x", 2, "'x' is no duration: write it like 30m, 2h or 1d12h"),
        ("alert add", 2, "an alert needs at least one label"),
        ("alert add x y!=z", 2, "y!=z: write name=value, not !="),
        ("alert add x --start=whenever", 2, "'whenever' is no time: write now, +2h"),
        ("alert add -f /nonexistent", 1, "ampp: /nonexistent: no such file or directory\n"),
        ("silence add", 2, "no matchers: say which alerts"),
        ("silence add a=~.*", 2, "these matchers fulfil every alert"),
        ("silence add x", 2, "say why: --comment TEXT"),
        ("silence add x -c y --end=2020-01-01", 2, "it would end (2020-01-01T"),
        ("silence add x -c y --start=2020-01-01 --end=2020-01-02", 2, "it would be over already"),
        ("silence add x -c y -d 1x", 2, "'1x' is no duration"),
        ("silence add x -c y --until-resolved", 2, "--until-resolved is not possible yet"),
        ("silence expire", 2, "no silence named: give ids, or - to read them from stdin"),
        ("silence expire ffffffff", 1, "ampp: no silence ffffffff"),
        ("silence update ffffffff", 2, "nothing to change"),
        ("silence extend x y", 2, "'x' is no duration"),
        ("silence import /nonexistent", 1, "ampp: /nonexistent: no such file or directory\n"),
        ("silence query --id=nope", 1, "no silence has an id that begins with nope"),
    ],
)
def test_mistakes_are_told_in_one_line(run: Run, line: str, status: int, said: str) -> None:
    done, _, err = run(*line.split())
    assert (done, err.count("\n")) == (status, 1)
    assert said in err


class Raw:
    """A server that answers every connection with the same bytes, whatever is asked."""

    def __init__(self, answer: bytes) -> None:
        self._answer = answer
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._socket.getsockname()[1]}"
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self) -> None:
        while True:
            try:
                connection, _ = self._socket.accept()
            except OSError:
                return
            with connection:
                connection.recv(65536)
                connection.sendall(self._answer)

    def close(self) -> None:
        self._socket.close()


def answer(body: str, status: str = "200 OK", kind: str = "application/json") -> bytes:
    return f"HTTP/1.1 {status}\r\nContent-Type: {kind}\r\nContent-Length: {len(body)}\r\n\r\n{body}".encode()


@pytest.mark.parametrize(
    ("sent", "ours", "amtool"),
    [
        (
            answer("no", "401 Unauthorized", "text/plain"),
            "answered 401: no (give user and password in the URL, or --http.config.file)\n",
            "[GET /alerts] getAlerts (status 401): {}\n\n",
        ),
        (answer('"full"\n', "500 X"), "answered 500: full\n", '[GET /alerts][500] getAlertsInternalServerError "full"'),
        (answer("<h1>x</h1>", "502 X", "text/html"), "answered 502\n", "[GET /alerts] getAlerts (status 502): {}\n\n"),
        (answer("[{"), "answered with something else than Alertmanager does: it is not JSON", "unexpected EOF\n\n"),
        (answer("[]")[:-1], "it broke off in the middle\n", "unexpected EOF\n\n"),
        (answer('{"a": 1}'), "a list was expected\n", "into Go value of type models.GettableAlerts\n\n"),
        (b"", "no answer from http://127.0.0.1:", "EOF\n\n"),
        (b"SSH-2.0-x\r\n", "what answers there does not speak HTTP\n", 'malformed HTTP response "SSH-2.0-x"\n\n'),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n[]\r\n0\r\n\r\n", "", ""),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n", "it broke off", "invalid byte in chunk"),
        (b"HTTP/1.0 200 OK\r\n\r\n[]", "", ""),
        (
            b"HTTP/1.1 307 X\r\nLocation: /x\r\nContent-Length: 0\r\n\r\n",
            "stopped after 10 redirects\n",
            "redirects\n\n",
        ),
    ],
)
def test_bad_answers(run: Run, sent: bytes, ours: str, amtool: str, capsys: pytest.CaptureFixture[str]) -> None:
    from ampp_cli import amtool as tool

    server = Raw(sent)
    try:
        status, out, err = run("alert", "query", "--url", server.url)
        assert (status, err.count("\n")) == ((1, 1) if ours else (0, 0))
        assert ours in err
        assert out.count("\n") == (0 if ours else 1)
        status = tool.main("amtool", [f"--alertmanager.url={server.url}", "--no-version-check", "alert"])
        err = capsys.readouterr().err
        assert status == (1 if amtool else 0)
        assert amtool in err
    finally:
        server.close()


class Fickle:
    """A server that answers the first request of its first connection, and closes it at the second's arrival."""

    def __init__(self) -> None:
        self.asked: list[bytes] = []
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.port = self._socket.getsockname()[1]
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self) -> None:
        for rounds in (1, 2):
            connection, _ = self._socket.accept()
            with connection:
                for number in range(2):
                    self.asked.append(connection.recv(65536).split(b" ")[0])
                    if rounds == 1 and number == 1:
                        break
                    connection.sendall(answer("[]"))

    def close(self) -> None:
        self._socket.close()


@pytest.mark.parametrize(("method", "asked"), [("GET", [b"GET"] * 3), ("POST", [b"POST"] * 2)])
def test_a_kept_connection_that_the_server_closes(method: str, asked: list[bytes]) -> None:
    """Reading is asked for again over a new connection; what changes something is never sent twice."""
    server = Fickle()
    connection = Connection("127.0.0.1", server.port, tls=False)
    try:
        until = time.monotonic() + 30
        assert connection.request(method, "/", {}, b"", until).status == 200
        if method == "GET":
            assert connection.request(method, "/", {}, b"", until).status == 200
        else:
            with pytest.raises(WireError):
                connection.request(method, "/", {}, b"", until)
        assert server.asked == asked
    finally:
        connection.close()
        server.close()


def test_servers_that_are_not_there(run: Run, daemon: Daemon) -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{unused.getsockname()[1]}"
        assert run("status", "--url", url) == (1, "", f"ampp: cannot reach {url}: connection refused\n")
    status, _, err = run("status", "--url", "http://nobody.invalid")
    assert status == 1
    assert err.startswith("ampp: cannot reach http://nobody.invalid: ")
    status, _, err = run("status", "--url", daemon.url.replace("http", "https"))
    assert (status, err.count("\n")) == (1, 1)
    assert "the server does not speak TLS: use http://" in err


def test_a_server_that_is_silent(run: Run) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"http://127.0.0.1:{silent.getsockname()[1]}"
        status, _, err = run("status", "--url", url, "--timeout=200ms")
        assert (status, err) == (1, f"ampp: no answer from {url}: no answer in time\n")


@pytest.mark.parametrize("program", [AMPP, AMTOOL])
def test_output_that_cannot_be_written(program: list[str], daemon: Daemon, api: Api, tmp_path: Path) -> None:
    environment = ampp_environment() | {"HOME": str(tmp_path)}
    line = [*program, "alert", "query", f"--alertmanager.url={daemon.url}"]
    with open("/dev/full", "wb") as full:
        done = subprocess.run(line, stdout=full, stderr=subprocess.PIPE, text=True, timeout=60, env=environment)
    assert done.returncode == 1
    assert done.stderr.endswith(": cannot write the output: no space left on device\n")
    assert done.stderr.count("\n") == 1
    reader, writer = os.pipe()
    os.close(reader)
    with open(writer, "wb") as gone:
        done = subprocess.run(line, stdout=gone, stderr=subprocess.PIPE, text=True, timeout=60, env=environment)
    assert (done.returncode, done.stderr) == (1, "")


def test_output_in_any_locale(daemon: Daemon, api: Api, tmp_path: Path) -> None:
    environment = ampp_environment() | {"HOME": str(tmp_path), "LC_ALL": "C", "PYTHONUTF8": "0", "COLUMNS": "60"}
    environment["PYTHONCOERCECLOCALE"] = "0"
    line = [*AMPP, "alert", "query", "--url", daemon.url]
    done = subprocess.run(line, capture_output=True, timeout=60, env=environment)
    assert (done.returncode, done.stderr) == (0, b"")
    assert "…".encode() in done.stdout


@pytest.mark.parametrize("program", [AMPP, AMTOOL])
def test_an_interrupt(program: list[str], tmp_path: Path) -> None:
    environment = ampp_environment() | {"HOME": str(tmp_path)}
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"http://127.0.0.1:{silent.getsockname()[1]}"
        line = [*program, "alert", "query", f"--alertmanager.url={url}"]
        waiting = subprocess.Popen(line, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment)
        connection, _ = silent.accept()
        connection.recv(1)
        waiting.send_signal(signal.SIGINT)
        out, err = waiting.communicate(timeout=30)
        connection.close()
    assert (waiting.returncode, out, err.strip()) == (130, "", "")


def test_watching(daemon: Daemon, api: Api, tmp_path: Path) -> None:
    environment = ampp_environment() | {"HOME": str(tmp_path), "PYTHONUNBUFFERED": "1"}
    line = [*AMPP, "alert", "query", "--url", daemon.url, "-o", "name", "Disk", "--watch", "--interval=0.1"]
    watching = subprocess.Popen(line, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment)
    assert watching.stdout is not None
    seen = [watching.stdout.readline() for _ in range(3)]
    watching.send_signal(signal.SIGINT)
    _, err = watching.communicate(timeout=30)
    assert len(set(seen)) == 1
    assert seen[0].strip()
    assert (watching.returncode, err.strip()) == (130, "")


def test_the_way_of_an_http_config(run: Run, daemon: Daemon, tmp_path: Path) -> None:
    (tmp_path / "http.yml").write_text("http_headers: {X-Team: {values: [a]}}\n")
    assert "Disk" in run("alert", "query", "--http.config.file", str(tmp_path / "http.yml"))[1]
    (tmp_path / "typo.yml").write_text("basic: {}\n")
    status, _, err = run("alert", "query", "--http.config.file", str(tmp_path / "typo.yml"))
    assert status == 1
    assert "field basic not found" in err
    with_user = daemon.url.replace("http://", "http://u:p@")
    status, _, err = run("alert", "query", "--http.config.file", str(tmp_path / "http.yml"), "--url", with_user)
    assert (status, err.count("\n")) == (2, 1)


def test_credentials_reach_the_server(run: Run) -> None:
    heard: list[bytes] = []
    with socket.create_server(("127.0.0.1", 0)) as server:

        def serve() -> None:
            connection, _ = server.accept()
            with connection:
                heard.append(connection.recv(65536))
                connection.sendall(answer("[]"))

        thread = threading.Thread(target=serve)
        thread.start()
        port = server.getsockname()[1]
        assert run("alert", "query", "--url", f"127.0.0.1:{port}/prefix/", "-o", "json")[0] == 0
        thread.join(10)
        assert heard[0].startswith(b"GET /prefix/api/v2/alerts?active=true&")
        assert b"Authorization" not in heard[0]
        thread = threading.Thread(target=serve)
        thread.start()
        assert run("alert", "query", "--url", f"http://me:p%20w@127.0.0.1:{port}", "-o", "json")[0] == 0
        thread.join(10)
        assert b"\r\nAuthorization: Basic bWU6cCB3\r\n" in heard[1]


@pytest.fixture
def secured(tmp_path: Path) -> Iterator[tuple[str, Path]]:
    """A server that speaks TLS with a certificate of its own making: its URL, and the certificate's file."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "test")])
    now = datetime.datetime.now(datetime.UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(hours=1))
        .not_valid_after(now + datetime.timedelta(hours=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), critical=False)
        .sign(key, hashes.SHA256())
    )
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    (tmp_path / "cert.pem").write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    (tmp_path / "key.pem").write_bytes(private)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(tmp_path / "cert.pem", tmp_path / "key.pem")

    def serve(listener: socket.socket) -> None:
        while True:
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            with contextlib.suppress(OSError), context.wrap_socket(connection, server_side=True) as safe:
                safe.recv(65536)
                safe.sendall(answer("[]"))

    with socket.create_server(("127.0.0.1", 0)) as listener:
        threading.Thread(target=serve, args=(listener,), daemon=True).start()
        yield f"https://127.0.0.1:{listener.getsockname()[1]}", tmp_path / "cert.pem"


def test_certificates(
    run: Run,
    secured: tuple[str, Path],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    from ampp_cli import amtool as tool

    url, certificate = secured
    status, _, err = run("alert", "query", "--url", url)
    assert (status, err.count("\n")) == (1, 1)
    assert err.startswith(f"ampp: cannot reach {url}: the server's certificate is not trusted: ")
    assert tool.main("amtool", [f"--alertmanager.url={url}", "--no-version-check", "alert"]) == 1
    assert "tls: failed to verify certificate: x509: " in capsys.readouterr().err
    (tmp_path / "http.yml").write_text(f"tls_config: {{ca_file: {certificate.name}}}\n")
    words = ("alert", "query", "--url", url, "--no-headers", "--http.config.file", str(tmp_path / "http.yml"))
    assert run(*words) == (0, "", "")
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    assert run("alert", "query", "--url", url, "--no-headers") == (0, "", "")


def test_ids_that_mean_several(run: Run, api: Api) -> None:
    """Prefixes are a convenience; none of them may end a silence that was not meant."""
    made = [api.post_silence([("n", "=", str(n))], time.time(), time.time() + 60).json["silenceID"] for n in range(17)]
    several = next(i[0] for i in made if sum(other.startswith(i[0]) for other in made) > 1)
    status, _, err = run("silence", "expire", several)
    assert status == 1
    assert "silences" in err
    for identity in made:
        assert api.silence(identity)["status"]["state"] == "active"
        api.expire_silence(identity)


@pytest.mark.parametrize(
    ("program", "words", "unwanted"),
    [
        (AMTOOL, ["--version"], {"json", "socket", "msgspec", "click", "ampp.core.matcher"}),
        (AMTOOL, ["alert", "query", "instance=~db.*", "job!=x"], {"msgspec", "click", "ampp.core.matcher", "shutil"}),
        (AMTOOL, ["silence"], {"msgspec", "click", "ampp.core.matcher", "ampp.config"}),
        (AMPP, ["--version"], {"click", "msgspec"}),
        (AMPP, ["alert", "query", "instance=~db.*"], {"msgspec", "yaml", "ampp.core.matcher", "ampp.config"}),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) and len(value) < 4 else "",
)
def test_nothing_is_imported_that_a_command_does_not_need(
    program: list[str], words: list[str], unwanted: set[str], daemon: Daemon, api: Api, tmp_path: Path
) -> None:
    """Starting is most of what a query costs; the daemon's rooms and the HTTP library are never part of it."""
    environment = ampp_environment() | {"HOME": str(tmp_path)}
    place = [] if words == ["--version"] else [f"--alertmanager.url={daemon.url}"]
    line = [program[0], "-X", "importtime", *program[1:], *words, *place]
    done = subprocess.run(line, capture_output=True, text=True, timeout=60, check=False, env=environment)
    assert done.returncode == 0, done.stderr[-2000:]
    imported = {part.rsplit("|", 1)[1].strip() for part in done.stderr.splitlines() if part.startswith("import time:")}
    assert "ampp_cli.main" in imported
    assert imported & (unwanted | {"httpx", "trio", "quart", "apsw", "ssl", "asyncio", "ampp.daemon"}) == set()
