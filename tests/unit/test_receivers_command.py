"""`ampp receivers test` against real servers, and that a dry run neither sends nor gives secrets away."""

import contextlib
import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from click.testing import CliRunner

from ampp_cli import own


class Server:
    """A real HTTP server in a thread, since the command runs an event loop of its own."""

    def __init__(self, status: int = 200, answer: bytes = b"ok") -> None:
        self.requests: list[tuple[str, str, dict[str, str], bytes]] = []
        requests = self.requests

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                requests.append((self.command, self.path, dict(self.headers), body))
                self.send_response(status)
                self.send_header("Content-Length", str(len(answer)))
                self.end_headers()
                self.wfile.write(answer)

            def log_message(self, *_: object) -> None:
                pass

        self.http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.http.server_port}"


@contextlib.contextmanager
def serving(status: int = 200) -> Iterator[Server]:
    server = Server(status)
    thread = threading.Thread(target=server.http.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield server
    finally:
        server.http.shutdown()
        thread.join()
        server.http.server_close()


@pytest.fixture(autouse=True)
def _here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def write(url: str) -> None:
    Path("alertmanager.yml").write_text(
        f"""
route: {{receiver: other}}
receivers:
- name: other
- name: team
  webhook_configs:
  - url: {url}/h00k/path
    http_config: {{authorization: {{credentials: t0ken}}, http_headers: {{X-Key: {{secrets: [h3ader]}}}}}}
  - url_file: url
    send_resolved: false
  slack_configs:
  - api_url: {url}/sl4ck
    channel: '#{{{{ .CommonLabels.severity }}}}'
"""
    )
    Path("url").write_text(f"{url}/fr0mfile\n")


def run(*words: str) -> tuple[int, str]:
    done = CliRunner().invoke(own._ampp, ["receivers", "test", *words], prog_name="ampp", standalone_mode=False)
    if done.exception is not None:
        return 1, f"{done.output}{done.exception}"
    return int(done.return_value), done.output


def test_every_integration_is_told() -> None:
    with serving() as server:
        write(server.url)
        assert run("team", "--web.external-url=http://am/") == (
            0,
            "webhook[0]: sent\nwebhook[1]: sent\nslack[0]: sent\n",
        )
    assert [path for _, path, _, _ in server.requests] == ["/h00k/path", "/fr0mfile", "/sl4ck"]
    _, _, headers, body = server.requests[0]
    assert (headers["Authorization"], headers["X-Key"]) == ("Bearer t0ken", "h3ader")
    told = json.loads(body)
    assert (told["receiver"], told["status"], told["externalURL"]) == ("team", "firing", "http://am")
    (alert,) = told["alerts"]
    assert alert["labels"] == {"alertname": "TestAlert", "severity": "info", "test": "true"}
    assert json.loads(server.requests[2][3])["channel"] == "#info"


def test_a_failure_is_told_and_does_not_stop_the_rest() -> None:
    with serving(500) as server:
        write(server.url)
        status, output = run("team")
    assert status == 1
    assert output.splitlines()[:2] == [f"webhook[{i}]: failed: unexpected status code 500: ok" for i in (0, 1)]
    assert output.splitlines()[2].startswith("slack[0]: failed: ")
    assert len(server.requests) == 3


def test_alerts_of_a_file() -> None:
    one = {"labels": {"alertname": "Disk", "severity": "page"}, "endsAt": "2020-01-01T00:00:00Z"}
    Path("one.json").write_text(json.dumps(one))
    Path("two.json").write_text(
        json.dumps([{"labels": {"alertname": "Up", "job": "b"}}, {"labels": {"job": "a", "alertname": "Up"}}])
    )
    with serving() as server:
        write(server.url)
        status, output = run("team", "--alert=one.json")
        assert (status, output) == (
            0,
            "webhook[0]: sent\n"
            "webhook[1]: nothing to send, since send_resolved is off and all alerts have ended\n"
            "slack[0]: nothing to send, since send_resolved is off and all alerts have ended\n",
        )
        assert run("team", "--alert=two.json")[0] == 0
    resolved, two = json.loads(server.requests[0][3]), json.loads(server.requests[1][3])
    assert (resolved["status"], resolved["alerts"][0]["endsAt"]) == ("resolved", "2020-01-01T00:00:00Z")
    assert resolved["alerts"][0]["labels"] == {"alertname": "Disk", "severity": "page", "test": "true"}
    assert [alert["labels"]["job"] for alert in two["alerts"]] == ["a", "b"]
    # Both calls with one name speak of one group, whatever else the alerts carry.
    assert two["groupKey"] == '{}:{alertname="Up", test="true"}'


SECRETS = ("h00k", "t0ken", "h3ader", "fr0mfile", "sl4ck")


def test_a_dry_run_shows_all_but_secrets_and_sends_nothing() -> None:
    with serving() as server:
        write(server.url)
        status, output = run("team", "--dry-run")
        shown = run("team", "--dry-run", "--show-secrets")
    assert server.requests == []
    assert status == 0
    assert not [secret for secret in SECRETS if secret in output]
    host = server.url.removeprefix("http://")
    head, _, body = output.partition("\n\n")
    assert head.startswith(
        f"webhook[0]: request 1\nPOST http://{host}/<redacted>\nHost: {host}\nUser-Agent: Alertmanager/0.34.0\n"
        "Content-Type: application/json\nIdempotency-Key: "
    )
    assert head.endswith(
        f"\nX-Key: <secret>\nAuthorization: Bearer <secret>\nContent-Length: {len(body.splitlines()[0]) + 1}"
    )
    assert json.loads(body.splitlines()[0])["alerts"][0]["labels"]["test"] == "true"
    assert "webhook[1]: request 1\n" in output
    assert shown[0] == 0
    assert not [secret for secret in SECRETS if secret not in shown[1]]
    assert f"POST {server.url}/h00k/path\n" in shown[1]


def test_secrets_do_not_show_in_bodies_either() -> None:
    write("http://127.0.0.1:1")
    text = Path("alertmanager.yml").read_text().replace("t0ken", '"k\\"ü y"')
    Path("alertmanager.yml").write_text(
        text.replace("#{{ .CommonLabels.severity }}", 'k"ü y {{ "k\\"ü y" | urlquery }}')
    )
    _, output = run("team", "--dry-run")
    assert '"channel":"<secret> <secret>"' in output


def test_a_dry_run_shows_the_whole_mail_and_its_envelope() -> None:
    Path("password").write_text("p4ssw0rd")
    Path("alertmanager.yml").write_text(
        "route: {receiver: m}\nreceivers:\n- name: m\n  email_configs:\n"
        "  - {to: 'Ann <a@b>, e@f', from: c@d, smarthost: 'localhost:1', require_tls: false, html: '', text: '.dot ü\\n"
        "{{ .CommonLabels.alertname }}'}\n"
        "  - {to: a@b, from: c@d, smarthost: 'localhost:1', auth_username: jo, auth_password_file: password}\n"
        "  - {to: '{{ .Nothing }}', from: c@d, smarthost: 'localhost:465'}\n"
    )
    # That nothing listens on port 1 would show.
    status, output = run("m", "--dry-run")
    assert status == 1
    first, second = output.split("email[1]: mail 1\n")
    envelope, _, mail = first.partition("\n\n")
    assert envelope == (
        "email[0]: mail 1\nServer: localhost:1, no TLS, without credentials\n"
        "MAIL FROM:<c@d>\nRCPT TO:<a@b>\nRCPT TO:<e@f>"
    )
    headers, _, body = mail.partition("\n\n")
    assert "Subject: [FIRING:1] TestAlert true (info)\n" in headers
    assert "\nTo: Ann <a@b>, e@f\n" in headers
    assert "\nMessage-Id: <" in headers
    assert "\n.dot =C3=BC" in body
    assert "TestAlert" in body
    assert second.startswith("Server: localhost:1, STARTTLS required, as jo if the server asks who it is\n")
    assert "text/html" in second
    assert "email[2]: failed before anything was sent: execute 'to' template: " in second
    assert "p4ssw0rd" not in output


def test_a_dry_run_shows_what_sns_would_get_and_how_credentials_come(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_PROFILE", "AWS_CA_BUNDLE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_CONFIG_FILE", "/nonexistent")
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", "/nonexistent")
    Path("alertmanager.yml").write_text(
        "route: {receiver: m}\nreceivers:\n- name: m\n  sns_configs:\n"
        "  - {topic_arn: 'arn:t', sigv4: {region: r-1, access_key: AK, secret_key: s3cr3tkey, role_arn: 'arn:role'}}\n"
        "  - {topic_arn: 'arn:t', sigv4: {region: r-1}}\n"
    )
    status, output = run("m", "--dry-run")
    assert status == 0
    asked = [line for line in output.splitlines() if line.startswith(("POST", "GET", "PUT", "Action="))]
    assert [line.split("&")[0] for line in asked] == [
        "POST https://sts.r-1.amazonaws.com/",
        "Action=AssumeRole",
        "POST https://sns.r-1.amazonaws.com/",
        "Action=Publish",
        "PUT http://169.254.169.254/<redacted>",
        "GET http://169.254.169.254/<redacted>",
        "GET http://169.254.169.254/<redacted>",
        "POST https://sns.r-1.amazonaws.com/",
        "Action=Publish",
    ]
    assert "TopicArn=arn%3At" in asked[3]
    assert "s3cr3tkey" not in output
    assert "X-Amz-Security-Token: <secret>" in output


def test_a_test_refuses_what_the_daemon_refuses() -> None:
    with serving() as server:
        Path("alertmanager.yml").write_text(
            "route: {receiver: m}\nreceivers:\n- name: m\n"
            "  webhook_configs: [{url: 'http://{{ .CommonLabels.to }}/'}]\n"
        )
        Path("alert.json").write_text(json.dumps({"labels": {"to": server.url.removeprefix("http://")}}))
        Path("ampp.yml").write_text("network: {refuse: internal}\n")
        assert run("m", "--alert=alert.json") == (0, "webhook[0]: sent\n")
        status, output = run("m", "--alert=alert.json", "--ampp.config.file=ampp.yml")
    assert status == 1
    assert 'webhook[0]: failed: Post "<redacted>": refused to dial 127.0.0.1, a loopback address' in output
    assert len(server.requests) == 1


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["taem"], "no receiver named taem in the configuration: did you mean team?"),
        (["team", "--show-secrets"], "--show-secrets goes with --dry-run"),
        (["team", "--config.file=nope.yml"], "open nope.yml: no such file or directory"),
        (["team", "--alert=empty.json"], "empty.json: no alert in it"),
        (["team", "--alert=broken.json"], "broken.json: "),
        (["team", "--web.external-url=ftp://h"], "scheme, only 'http' and 'https' are supported"),
        (["team", "--timeout=1d"], "time: unknown unit"),
    ],
)
def test_mistakes(words: list[str], message: str) -> None:
    write("http://127.0.0.1:1")
    Path("empty.json").write_text("[]")
    Path("broken.json").write_text("[{")
    status, output = run(*words)
    assert status == 1
    assert message in output


def test_a_receiver_without_integrations() -> None:
    write("http://127.0.0.1:1")
    assert run("other") == (0, "receiver other has no integrations: nothing to send\n")
