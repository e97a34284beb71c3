"""Every receiver type, firing and resolved, from a running daemon to a server of its kind on this machine."""

import json
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from socket import socket
from socketserver import StreamRequestHandler, ThreadingTCPServer
from typing import Any

import pytest

from tests.support import Daemon, ampp_command
from tests.unit.deliver.mailbox import mailbox
from tests.unit.deliver.test_http import Authority

WAIT = 40.0

ANSWERS: dict[str, dict[str, Any] | str] = {
    "/sns": "<PublishResponse><PublishResult><MessageId>m</MessageId></PublishResult></PublishResponse>",
    "/jira/rest/api/2/search": {"issues": [{"key": "OPS-1", "fields": {"status": {"statusCategory": {"key": "new"}}}}]},
    "/jira/rest/api/2/issue/OPS-1/transitions": {"transitions": [{"id": "5", "name": "Done"}]},
    "/jira": {"key": "OPS-1"},
    "/wechat/gettoken": {"errcode": 0, "access_token": "t"},
    "/wechat": {"errcode": 0},
    "/telegram": {"ok": True, "result": {"message_id": 1, "chat": {"id": 1}}},
    "/rocketchat": {"success": True},
    "/rootly": {"data": {"id": "inc-1", "type": "incidents"}},
}
"""What servers say by which they are understood; the first that the path begins with."""


class Town:
    """The servers but for mail: HTTP by path, and a proxy behind which api.pushover.net is to be found."""

    def __init__(self, folder: Path) -> None:
        self.heard: list[tuple[str, bytes]] = []
        self.news = threading.Condition()
        town = self

        class Post(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
                """Kept in `heard` instead."""

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
                town.hear(self.path, body)
                said = next((value for path, value in ANSWERS.items() if self.path.startswith(path)), None)
                text = b"ok" if said is None else (said if isinstance(said, str) else json.dumps(said)).encode()
                self.send_response(200)
                self.send_header("Content-Type", "application/json" if isinstance(said, dict) else "text/plain")
                self.send_header("Content-Length", str(len(text)))
                self.end_headers()
                self.wfile.write(text)

            do_GET = do_PUT = do_PATCH = do_POST

        self.web = ThreadingHTTPServer(("127.0.0.1", 0), Post)
        self.port = self.web.server_address[1]
        authority = Authority(folder)
        self.ca = folder / "ca.pem"
        self.ca.write_text(authority.pem)
        context, port = authority.server("api.pushover.net"), self.port

        class Tunnel(StreamRequestHandler):
            def handle(self) -> None:
                assert self.rfile.readline().startswith(b"CONNECT api.pushover.net:443 ")
                while self.rfile.readline().strip():
                    pass
                self.request.sendall(b"HTTP/1.1 200 OK\r\n\r\n")
                with context.wrap_socket(self.request, server_side=True) as inside, socket() as outside:
                    outside.connect(("127.0.0.1", port))
                    back = threading.Thread(target=_pump, args=(outside, inside), daemon=True)
                    back.start()
                    _pump(inside, outside)

        self.proxy = ThreadingTCPServer(("127.0.0.1", 0), Tunnel)
        self.proxy.daemon_threads = True
        for server in (self.web, self.proxy):
            threading.Thread(target=server.serve_forever, daemon=True).start()

    def hear(self, path: str, body: bytes) -> None:
        with self.news:
            self.heard.append((path, body))
            self.news.notify_all()

    def count(self, prefix: str) -> int:
        return sum(path.startswith(prefix) for path, _ in self.heard)

    def wait(self, counts: dict[str, int]) -> dict[str, int]:
        """Wait until each path prefix was heard so often; what is missing still."""

        def missing() -> dict[str, int]:
            return {prefix: self.count(prefix) for prefix, wanted in counts.items() if self.count(prefix) < wanted}

        with self.news:
            self.news.wait_for(lambda: not missing(), WAIT)
            return missing()

    def close(self) -> None:
        for server in (self.web, self.proxy):
            server.shutdown()
            server.server_close()


def _pump(source: socket, target: socket) -> None:
    try:
        while data := source.recv(65536):
            target.sendall(data)
    except (OSError, ssl.SSLError):
        return


@pytest.fixture
def town(tmp_path: Path) -> Iterator[Town]:
    town = Town(tmp_path)
    yield town
    town.close()


CONFIG = """
route: {receiver: all, group_by: [alertname], group_wait: 0s, group_interval: 1s, repeat_interval: 1h}
receivers:
- name: all
  webhook_configs: [{url: "WEB/webhook"}]
  email_configs: [{to: a@example.org, from: b@example.org, smarthost: "MAIL", require_tls: false, send_resolved: true}]
  pagerduty_configs: [{routing_key: k, url: "WEB/pagerduty"}]
  opsgenie_configs: [{api_key: k, api_url: "WEB/opsgenie/"}]
  wechat_configs: [{api_secret: s, corp_id: c, to_user: u, api_url: "WEB/wechat/", send_resolved: true}]
  slack_configs: [{api_url: "WEB/slack", channel: "#c", send_resolved: true}]
  victorops_configs: [{api_key: k, routing_key: r, api_url: "WEB/victorops/"}]
  pushover_configs: [{user_key: u, token: t, http_config: {proxy_url: "PROXY", tls_config: {ca_file: "CA"}}}]
  sns_configs:
  - api_url: "WEB/sns"
    topic_arn: "arn:aws:sns:eu-west-1:1:t"
    sigv4: {region: eu-west-1, access_key: a, secret_key: b}
  telegram_configs: [{bot_token: t, chat_id: 1, api_url: "WEB/telegram"}]
  discord_configs: [{webhook_url: "WEB/discord"}]
  webex_configs: [{room_id: r, api_url: "WEB/webex", http_config: {authorization: {credentials: c}}}]
  msteams_configs: [{webhook_url: "WEB/teams1"}]
  msteamsv2_configs: [{webhook_url: "WEB/teams2"}]
  jira_configs:
  - api_url: "WEB/jira"
    project: OPS
    issue_type: Bug
    resolve_transition: Done
    http_config: {basic_auth: {username: u, password: p}}
  incidentio_configs: [{url: "WEB/incidentio", alert_source_token: t}]
  rocketchat_configs: [{api_url: "WEB/rocketchat/", token: t, token_id: i, channel: "#c", send_resolved: true}]
  mattermost_configs: [{webhook_url: "WEB/mattermost"}]
  rootly_configs: [{api_key: k, api_url: "WEB/rootly/"}]
  alertmanager_configs: [{url: "WEB/peer"}]
"""

PATHS = (
    "webhook", "pagerduty", "opsgenie", "wechat/message", "slack", "victorops", "1/messages", "sns", "telegram",
    "discord", "webex", "teams1", "teams2", "jira", "incidentio", "rocketchat", "mattermost", "rootly", "peer",
)  # fmt: skip


def until(true: Callable[[], bool]) -> None:
    """Wait for what somebody else brings about."""
    end = time.monotonic() + WAIT
    while not true():
        assert time.monotonic() < end
        time.sleep(0.05)


def test_every_receiver_hears_of_fire_and_of_its_end(town: Town) -> None:
    text = (
        CONFIG.replace("WEB", f"http://127.0.0.1:{town.port}")
        .replace("PROXY", f"http://127.0.0.1:{town.proxy.server_address[1]}")
        .replace("CA", str(town.ca))
    )
    fires: dict[str, Any] = {"labels": {"alertname": "Disk", "instance": "a"}, "annotations": {"summary": "full"}}
    ends = {**fires, "startsAt": "2019-12-31T00:00:00Z", "endsAt": "2020-01-01T00:00:00Z"}
    with mailbox() as mail, Daemon(ampp_command(), text.replace("MAIL", f"127.0.0.1:{mail.port}")) as daemon:
        api = daemon.api()
        assert api.post_alerts([fires]).status == 200
        assert town.wait({f"/{path}": 1 for path in PATHS}) == {}, daemon.log[-4000:]
        until(lambda: len(mail.mails) == 1)
        told = {f"/{path}": town.count(f"/{path}") for path in PATHS}
        assert api.post_alerts([ends]).status == 200
        assert town.wait({path: count + 1 for path, count in told.items()}) == {}, daemon.log[-4000:]
        until(lambda: len(mail.mails) == 2)
    assert [b"FIRING" in mail.mails[0].content, b"RESOLVED" in mail.mails[1].content] == [True, True]
