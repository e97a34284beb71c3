"""Our push, chat and queue messages beside those that an installed Alertmanager sends for the same alerts."""

import re
from functools import cache
from pathlib import Path

import pytest
import trio

from ampp.config.secret import Secret
from ampp.core.timestamp import parse_rfc3339
from ampp.deliver.aws.signature import Credentials, signed

from . import twin
from .server import Answer, Request, answer, read
from .test_http import Authority

pytestmark = pytest.mark.skipif(twin.BINARY is None, reason="no Alertmanager is installed to compare with")

HEAD = """
templates: [FOLDER/own.tmpl]
route: {receiver: team.x/y, group_by: [alertname], group_wait: 2s, group_interval: 1s}
receivers:
- name: team.x/y
"""

TELEGRAM = """
  telegram_configs:
  - {api_url: "SINK/plain", bot_token: "1:t", chat_id: -100}
  - {api_url: "SINK/own", bot_token: "1:t", chat_id: 7, message: '{{ template "own.text" . }}'}
  - {api_url: "SINK/md", bot_token: "1:t", chat_id: 7, parse_mode: MarkdownV2, message: '{{ template "own.text" . }}'}
  - {api_url: "SINK/none", bot_token: "1:t", chat_id: 7, parse_mode: "", disable_notifications: true}
  - {api_url: "SINK/long", bot_token: "1:t", chat_id: 7, parse_mode: "", message: '{{ printf "%05000d\u00e9" 7 }}'}
"""

WEBEX = """
  webex_configs:
  - {api_url: "SINK/webex/plain", room_id: r, http_config: &auth {authorization: {credentials: tok}}}
  - {api_url: "SINK/webex/own", room_id: '{{ .Status }}', message: '{{ template "own.text" . }}', http_config: *auth}
  - {api_url: "SINK/webex/long", room_id: r, message: '{{ printf "\u00e9%08000d" 7 }}', http_config: *auth}
"""

NEW = """
  - {api_url: "SINK/webex/no-room", room_id: '{{ .X }}', http_config: *auth}
  msteams_configs:
  - {webhook_url: "SINK/msteams/plain"}
  - webhook_url: SINK/msteams/own
    title: '{{ template "own.title" . }}'
    text: '{{ template "own.text" . }}'
    summary: '<{{ .CommonAnnotations.summary }}>'
  msteamsv2_configs:
  - {webhook_url: "SINK/msteamsv2/plain"}
  - {webhook_url: "SINK/msteamsv2/own", title: '{{ template "own.title" . }}', text: '{{ template "own.text" . }}'}
  - {webhook_url: "SINK/msteamsv2/empty", title: '', text: ''}
"""

THREAD = """
  - {api_url: "SINK/thread", bot_token: "1:t", chat_id: 7, message_thread_id: 5}
  - {api_url: "SINK/too-long", bot_token: "1:t", chat_id: 7, message: '{{ printf "%05000d" 7 }}'}
"""

WECHAT = """
  wechat_configs:
  - {api_url: "SINK/plain?a=b", corp_id: c&d, api_secret: 's {{ .Status }}', send_resolved: true}
  - api_url: SINK/own/
    send_resolved: true
    corp_id: c
    api_secret: s
    message: '{{ template "own.text" . }}'
    message_type: markdown
    to_user: '{{ .GroupLabels.alertname }}'
    to_party: a|b
    to_tag: t
    agent_id: '7'
"""

PUSHOVER = """
  pushover_configs:
  - {token: t&1, user_key: 'u {{ .Status }}', http_config: &proxy {proxy_url: SINK, tls_config: {ca_file: FOLDER/ca}}}
  - token: own
    user_key: u
    title: '{{ template "own.title" . }}'
    message: '{{ template "own.text" . }}'
    html: true
    url: http://x/?{{ printf "%0600d" 7 }}
    url_title: caf\u00e9 +/~*
    sound: s
    retry: 90s
    expire: 2h
    priority: '1'
    http_config: *proxy
  - token: long
    user_key: u
    title: '{{ printf "%0300d" 7 }}'
    message: '{{ printf "%02000d" 7 }}'
    http_config: *proxy
  - {token: empty, user_key: u, message: "  \\n", http_config: *proxy}
"""

SNS = """
  sns_configs:
  - api_url: SINK/plain
    topic_arn: arn:aws:sns:eu-west-1:1:t
    sigv4: &keys {region: r, access_key: A, secret_key: S}
  - api_url: SINK/own/x
    topic_arn: 'arn:aws:sns:eu-west-1:1:{{ .GroupLabels.alertname }}.fifo'
    subject: '{{ template "own.title" . }}'
    message: '{{ template "own.text" . }}'
    attributes: {b: '{{ .Status }}', 'a{{ .Status }}': 'caf\u00e9 ~*+&='}
    sigv4: *keys
  - {api_url: "SINK/phone", phone_number: "+49", subject: '', message: '{{ printf "\u00e9%02000d" 7 }}', sigv4: *keys}
  - {api_url: "SINK/cut", phone_number: "+49", message: '{{ printf "%01599d" 7 }}\u00e9', sigv4: *keys}
  - {api_url: "SINK/target", target_arn: "arn:e", sigv4: *keys}
"""

version = cache(twin.version)

PUBLISHED = b'<PublishResponse xmlns="http://sns.amazonaws.com/doc/2010-03-31/"><PublishResult/></PublishResponse>'


async def same(
    config: str, folder: Path, count: int | tuple[int, int], act: Answer, without: str = ""
) -> list[Request]:
    """Both send the same, in whatever order receivers come; theirs is given back. `without`: what only ours has."""
    upstream, own = await twin.both(config, folder, count, act)
    for request in own:
        request.target = request.target.replace(without, "")

    def known(requests: list[Request]) -> list[tuple[str, str, bytes, dict[str, str]]]:
        # What names the run's time or port, or the library that wrote it.
        return sorted(((one.method, _target(one), _body(one), _seen(one)) for one in requests), key=repr)

    for mine, expected in zip(known(own), known(upstream), strict=True):
        assert mine == expected
    return upstream


def _seen(request: Request) -> dict[str, str]:
    left_out = ("x-amz-date", "authorization", "amz-sdk-invocation-id", "amz-sdk-request", "connection")
    seen = {name: value for name, value in twin.seen(request).items() if name not in left_out}
    length = request.header("content-length")
    if not request.body and length:
        seen["content-length"] = length
    if _old_queue(request):
        seen["content-type"] = seen["content-type"].removesuffix("; charset=utf-8")
    return seen


def _target(request: Request) -> str:
    return request.target.rstrip("/") if _old_queue(request) else request.target


def _body(request: Request) -> bytes:
    return request.body.replace(b"&MessageAttributes=&", b"&") if _old_queue(request) else request.body


def _old_queue(request: Request) -> bool:
    """Whether this is for SNS and the other side has Amazon's client of former days, which put things otherwise."""
    return version() < (0, 30) and request.body.startswith(b"Action=")


async def test_telegram(tmp_path: Path) -> None:
    config, count = HEAD + TELEGRAM, 5
    if version() >= (0, 26):
        config, count = config + THREAD, 7
    act = answer(200, b'{"ok":true,"result":{"message_id":1,"chat":{"id":1}}}')
    requests = await same(config, tmp_path, count, act)
    assert {one.header("user-agent") for one in requests} == {"Go-http-client/1.1"}


async def test_webex_and_teams(tmp_path: Path) -> None:
    config, count = HEAD + WEBEX, 3
    if version() >= (0, 28):
        config, count = config + NEW, 9
    else:
        config = config.replace("room_id: '{{ .Status }}'", "room_id: own")
    requests = await same(config, tmp_path, count, answer(200))
    assert {one.header("authorization") for one in requests if "webex" in one.target} == {"Bearer tok"}


async def test_wechat(tmp_path: Path) -> None:
    async def act(request: Request, stream: trio.abc.Stream) -> None:
        given = b'{"errcode":0,"access_token":"T o&k\xc3\xa9"}' if "gettoken" in request.target else b'{"errcode":0}'
        await answer(200, given)(request, stream)

    await same(HEAD + WECHAT, tmp_path, (4, 2), act)


async def test_pushover(tmp_path: Path) -> None:
    authority = Authority(tmp_path)
    context = authority.server("api.pushover.net")
    (tmp_path / "ca").write_text(authority.pem)

    async def act(request: Request, stream: trio.abc.Stream) -> None:
        assert (request.method, request.target) == ("CONNECT", "api.pushover.net:443")
        await stream.send_all(b"HTTP/1.1 200 OK\r\n\r\n")
        inside = trio.SSLStream(stream, context, server_side=True, https_compatible=True)
        sent = await read(inside, bytearray(), 0)
        assert sent is not None
        await answer(200, b"{}", Connection="close")(sent, inside)
        for field in ("target", "headers", "body", "method"):
            setattr(request, field, getattr(sent, field))
        await inside.aclose()

    config = HEAD + PUSHOVER
    if version() >= (0, 28):
        config = config.replace("sound: s", "sound: s\n    device: d\n    ttl: 90s")
    # The device came later than 0.25.
    requests = await same(config, tmp_path, 4, act, without="" if version() >= (0, 26) else "device=&")
    assert {one.method for one in requests} == {"POST"}


async def test_sns(tmp_path: Path) -> None:
    requests = await same(HEAD + SNS, tmp_path, 5, answer(200, PUBLISHED))
    for request in requests:
        # Their signature is what we make of their request.
        proof = request.header("authorization") or ""
        names = re.findall("SignedHeaders=([^,]*)", proof)[0].split(";")
        headers = {name: request.header(name) or "" for name in names if name not in ("host", "x-amz-date")}
        stamp = request.header("x-amz-date") or ""
        wall = parse_rfc3339(re.sub(r"(....)(..)(..)T(..)(..)(..)Z", r"\1-\2-\3T\4:\5:\6Z", stamp))[0]
        url = f"http://{request.header('host')}{request.target}"
        made = signed(
            "POST", url, headers, request.body, Credentials("A", Secret("S")), region="r", service="sns", wall=wall
        )
        assert made["Authorization"] == proof
