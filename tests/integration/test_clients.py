"""Clients that are broken, slow, greedy or malicious, against a daemon that must not care."""

import contextlib
import json
import os
import re
import resource
import socket
import struct
import time
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from random import Random

import pytest

from tests.support.daemon import Daemon, ampp_command

CONFIG = "route: {receiver: nobody}\nreceivers: [{name: nobody}]\n"
HEALTHY = b"GET /-/healthy HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
BODY = b'[{"labels":{"alertname":"A"}}]'
SILENCE = {
    "matchers": [{"name": "a", "value": "b", "isRegex": False}],
    "startsAt": "2026-01-01T00:00:00Z",
    "endsAt": "2999-01-01T00:00:00Z",
    "createdBy": "me",
    "comment": "why",
}


@pytest.fixture(scope="module")
def daemon() -> Iterator[Daemon]:
    with Daemon(ampp_command(), CONFIG) as daemon:
        yield daemon


@pytest.fixture(autouse=True)
def unmoved(daemon: Daemon) -> Iterator[None]:
    """Whatever a client does, the daemon answers the next one and blames nobody but the client."""
    yield
    assert exchange(daemon, HEALTHY).startswith(b"HTTP/1.1 200 ")
    assert "Traceback" not in daemon.log
    assert "level=ERROR" not in daemon.log


def dial(daemon: Daemon, timeout: float = 20) -> socket.socket:
    return socket.create_connection((daemon.host, daemon.port), timeout=timeout)


def read(sock: socket.socket) -> bytes:
    """Everything up to the end of the connection."""
    parts = []
    try:
        while part := sock.recv(1 << 16):
            parts.append(part)
    except ConnectionResetError:
        pass
    return b"".join(parts)


def exchange(daemon: Daemon, request: bytes, *, half_close: bool = False) -> bytes:
    with dial(daemon) as sock:
        try:
            sock.sendall(request)
            if half_close:
                sock.shutdown(socket.SHUT_WR)
        except OSError:
            pass
        return read(sock)


def post(body: bytes, *headers: str, path: str = "/api/v2/alerts", close: bool = True) -> bytes:
    lines = [f"POST {path} HTTP/1.1", "Host: x", "Content-Type: application/json", *headers]
    if close:
        lines.append("Connection: close")
    if not any(h.lower().startswith(("content-length", "transfer-encoding")) for h in headers):
        lines.append(f"Content-Length: {len(body)}")
    return "\r\n".join([*lines, "", ""]).encode("latin-1") + body


def status(answer: bytes) -> int:
    return int(answer.split(b" ", 2)[1])


def sockets(daemon: Daemon) -> int:
    """How many sockets it has open; its files are its own affair: it opens databases when it first needs them."""
    count = 0
    for fd in Path(f"/proc/{daemon.pid}/fd").iterdir():
        with contextlib.suppress(FileNotFoundError):
            count += os.readlink(fd).startswith("socket:")
    return count


def settles_at(daemon: Daemon, most: int) -> bool:
    """Whether no more than `most` sockets are open, given some time to close them."""
    deadline = time.monotonic() + 10
    while sockets(daemon) > most and time.monotonic() < deadline:
        time.sleep(0.02)
    return sockets(daemon) <= most


def alert(labels: str) -> bytes:
    return b'[{"labels":' + labels.encode() + b"}]"


BODIES = {
    "malformed": (b"{not", 400),
    "truncated": (b'[{"labels":{"a":"b"}', 400),
    "empty": (b"", 422),
    "an object": (b"{}", 400),
    "a null alert": (b"[null]", 422),
    "no labels": (b"[{}]", 422),
    "null labels": (alert("null"), 422),
    "a null label": (alert('{"a":null}'), 400),
    "a number for a label": (alert('{"a":1}'), 400),
    "NaN": (alert('{"a":NaN}'), 400),
    "nested 100,000 deep": (b"[" * 100_000, 400),
    "nested in what nobody reads": (b'[{"x":' + b"[" * 100_000 + b"]" * 100_000 + b"}]", 400),
    "objects 100,000 deep": (b'{"x":' * 100_000, 400),
    "UTF-16": (BODY.decode().encode("utf-16"), 400),
    "a byte order mark": (b"\xef\xbb\xbf[]", 400),
    "a raw NUL": (b'[{"labels":{"a":"\0"}}]', 400),
    "a number of 100,000 digits": (b'[{"labels":{"a":"b"},"startsAt":' + b"9" * 100_000 + b"}]", 400),
    "a year too late": (b'[{"labels":{"a":"b"},"endsAt":"10000-01-01T00:00:00Z"}]', 400),
    "invalid UTF-8": (b'[{"labels":{"a":"\xff\xfe"}}]', 200),
    "lone surrogates": (alert(r'{"a":"\ud800","b\udc00":"x"}'), 200),
    "an escaped NUL": (alert(r'{"a":"x\u0000y"}'), 200),
    "duplicate keys": (b'[{"labels":{"a":"1","a":"2"},"labels":{"c":"4"}}]', 200),
    "a label of 1 MB": (alert('{"a":"' + "x" * (1 << 20) + '"}'), 200),
    "100,000 labels": (alert(json.dumps({f"l{i}": "v" for i in range(100_000)})), 200),
}


@pytest.mark.parametrize("name", BODIES)
def test_bodies(daemon: Daemon, name: str) -> None:
    body, wanted = BODIES[name]
    assert status(exchange(daemon, post(body))) == wanted
    assert (
        status(exchange(daemon, post(body, "Transfer-Encoding: chunked")[: -len(body) or None] + chunk(body))) == wanted
    )


def chunk(body: bytes) -> bytes:
    return (b"%x\r\n%b\r\n" % (len(body), body) if body else b"") + b"0\r\n\r\n"


def test_what_was_taken_can_be_shown(daemon: Daemon) -> None:
    for body in (
        alert(r'{"alertname":"odd","a":"x\u0000y","b":"\ud800"}'),
        b'[{"labels":{"alertname":"odd","a":"\xff"}}]',
    ):
        assert status(exchange(daemon, post(body))) == 200
    api = daemon.api()
    shown = api.alerts(['alertname="odd"'])
    assert {each["labels"]["a"] for each in shown} == {"x\0y", "\ufffd"}
    assert api.groups()


def test_a_content_encoding_is_not_believed(daemon: Daemon) -> None:
    assert status(exchange(daemon, post(BODY, "Content-Encoding: gzip"))) == 200


@pytest.mark.parametrize("path", ["/api/v2/alerts", "/api/v2/silences"])
def test_a_body_beyond_the_limit(daemon: Daemon, path: str) -> None:
    large = b"[" + b" " * 10_000_000 + b"]"
    for request in (
        post(large, path=path),
        post(b"", f"Content-Length: {len(large)}", path=path),
        post(b"", "Expect: 100-continue", f"Content-Length: {len(large)}", path=path),
        post(chunk(large), "Transfer-Encoding: chunked", path=path),
    ):
        answer = exchange(daemon, request).removeprefix(b"HTTP/1.1 100 \r\n")
        assert b" 413 " in answer
        told = json.loads(answer.rpartition(b"\r\n\r\n")[2])
        assert told["limit"] == 10_000_000
        assert "limits.request_bytes" in told["hint"]


def test_the_limit_is_a_setting() -> None:
    environment = os.environ | {"AMPP_LIMITS_REQUEST_BYTES": "100"}
    environment["PYTHONPATH"] = os.pathsep.join(str(Path(__file__).parents[2] / part) for part in ("", "cli"))
    with Daemon(ampp_command(), CONFIG, environment=environment) as small:
        assert status(exchange(small, post(BODY))) == 200
        assert status(exchange(small, post(b"[" + b" " * 99 + b"]"))) == 413


REFUSED = {
    "two lengths": post(BODY, f"Content-Length: {len(BODY)}", "Content-Length: 0"),
    "a list of lengths": post(BODY, f"Content-Length: {len(BODY)}, 0"),
    "a negative length": post(BODY, "Content-Length: -1"),
    "a signed length": post(BODY, f"Content-Length: +{len(BODY)}"),
    "an endless length": post(BODY, "Content-Length: " + "9" * 5000),
    "a superscript length": post(BODY, "Content-Length: \xb2"),
    "an unknown coding": post(chunk(BODY), "Transfer-Encoding: xchunked"),
    "two codings": post(chunk(BODY), "Transfer-Encoding: chunked", "Transfer-Encoding: identity"),
    "a space before the colon": post(chunk(BODY), "Transfer-Encoding : chunked"),
    "a chunk size that is none": post(b"zz\r\n[]\r\n0\r\n\r\n", "Transfer-Encoding: chunked"),
    "a negative chunk size": post(b"-1\r\n[]\r\n0\r\n\r\n", "Transfer-Encoding: chunked"),
    "an endless chunk size": post(b"f" * 100 + b"\r\n[]\r\n0\r\n\r\n", "Transfer-Encoding: chunked"),
    "a chunk longer than said": post(b"1\r\n[]\r\n0\r\n\r\n", "Transfer-Encoding: chunked"),
    "no host": b"GET / HTTP/1.1\r\n\r\n",
    "two hosts": b"GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n",
    "a method that is none": b"G@T / HTTP/1.1\r\nHost: x\r\n\r\n",
    "HTTP/0.9": b"GET /\r\n\r\n",
    "a NUL in a header": b"GET / HTTP/1.1\r\nHost: x\r\nX: a\0b\r\n\r\n",
    "TLS": bytes.fromhex("16030100a5010000a10303") + bytes(160),
    "noise": bytes(range(256)) * 4,
    "a header of 2 MB": b"GET / HTTP/1.1\r\nHost: x\r\nX: " + b"a" * 2_000_000 + b"\r\n\r\n",
    "300,000 headers": b"GET / HTTP/1.1\r\nHost: x\r\n" + b"X: a\r\n" * 300_000 + b"\r\n",
    "an address of 2 MB": b"GET /" + b"a" * 2_000_000 + b" HTTP/1.1\r\nHost: x\r\n\r\n",
    "endless trailers": post(b"2\r\n[]\r\n0\r\n" + b"X: y\r\n" * 300_000, "Transfer-Encoding: chunked"),
}
TOO_MUCH = {"a header of 2 MB", "300,000 headers", "an address of 2 MB", "endless trailers"}


@pytest.mark.parametrize("name", REFUSED)
def test_requests_that_are_none(daemon: Daemon, name: str) -> None:
    answer = exchange(daemon, REFUSED[name] + HEALTHY)
    assert status(answer) in ((431,) if name in TOO_MUCH else (400, 501))
    assert b"\r\nconnection: close\r\n" in answer.lower()
    # What follows such a request is not one either: nobody can tell where it would begin.
    assert answer.count(b"HTTP/1.1 ") == 1


def test_a_request_of_two_lengths_ends_where_its_chunks_do(daemon: Daemon) -> None:
    """As Go's server takes it: the chunks decide."""
    smuggled = post(BODY, "X: smuggled")
    request = post(chunk(b"[]") + smuggled, "Transfer-Encoding: chunked", "Content-Length: 5", close=False)
    answer = exchange(daemon, request)
    assert answer.count(b"HTTP/1.1 200 ") in (1, 2)
    assert b" 400 " not in answer


ACCEPTED = {
    "an address with a host": b"GET http://x/-/healthy HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n",
    "HTTP/1.0": b"GET /-/healthy HTTP/1.0\r\n\r\n",
    "HTTP/1.0 that would stay": b"GET /-/healthy HTTP/1.0\r\nConnection: keep-alive\r\n\r\n",
    "bare line feeds": b"GET /-/healthy HTTP/1.1\nHost: x\nConnection: close\n\n",
    "Expect": post(BODY, "Expect: 100-continue"),
    "chunks of one byte": post(
        b"1\r\n[\r\n" + b"1\r\n \r\n" * 1000 + b"1\r\n]\r\n0\r\nX: y\r\n\r\n", "Transfer-Encoding: chunked"
    ),
    "a header of 900 KB": b"GET /-/healthy HTTP/1.1\r\nHost: x\r\nConnection: close\r\nX: "
    + b"a" * 900_000
    + b"\r\n\r\n",
    "the same length twice": post(BODY, *[f"Content-Length: {len(BODY)}"] * 2),
}


@pytest.mark.parametrize("name", ACCEPTED)
def test_requests_that_are_odd(daemon: Daemon, name: str) -> None:
    assert b"HTTP/1.1 200 " in exchange(daemon, ACCEPTED[name])


def test_pipelines(daemon: Daemon) -> None:
    kept = b"GET /-/healthy HTTP/1.1\r\nHost: x\r\n\r\n"
    assert exchange(daemon, kept * 100 + HEALTHY).count(b"HTTP/1.1 200 ") == 101
    assert exchange(daemon, post(BODY, close=False) * 100 + HEALTHY).count(b"HTTP/1.1 200 ") == 101


REPEATED = json.dumps(
    [
        {
            "annotations": {"summary": f'}},"endsAt":"{n}'},
            "endsAt": "2999-01-01T00:00:00.000Z",
            "startsAt": "2026-01-01T00:00:00.000Z",
            "generatorURL": "http://p/",
            "labels": {"alertname": f"Cut{n}"},
        }
        for n in range(3)
    ],
    separators=(",", ":"),
).encode()
MIXED = [
    post(REPEATED, close=False),
    post(REPEATED, close=False),
    post(REPEATED.replace(b"2999", b"2998"), close=False),
    post(REPEATED[:-1], close=False),
    post(REPEATED.replace(b'"labels"', b'"x":1,"labels"', 1), close=False),
    post(REPEATED.replace(b"Cut1", b""), close=False),
    post(b"", close=False),
    post(REPEATED, "Content-Type: text/plain", close=False),
    post(REPEATED, "X-Note: kept", close=False),
    b"GET /-/healthy HTTP/1.1\r\nHost: x\r\n\r\n",
    post(REPEATED, close=False),
    post(chunk(REPEATED), "Transfer-Encoding: chunked", close=False),
    HEALTHY,
]
WHICH = re.compile(rb"HTTP/1\.1 (\d+) [^\n]*\n(?:(?!\r\n)[^\n]*\n)*\r\n([^H]*)")


@pytest.mark.parametrize("seed", range(12))
def test_where_the_network_cuts_does_not_matter(daemon: Daemon, seed: int) -> None:
    """A connection that begins with what is answered at once and goes on with what is not, in pieces of any size."""
    random = Random(seed)
    begin = random.randrange(len(MIXED) - 2)
    stream = b"".join(MIXED[begin:])
    whole = WHICH.findall(exchange(daemon, stream))
    assert len(whole) == len(MIXED) - begin
    cuts = sorted(random.sample(range(1, len(stream)), random.choice((1, 5, 40))))
    with dial(daemon) as sock:
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for at, until in pairwise([0, *cuts, len(stream)]):
            sock.sendall(stream[at:until])
            time.sleep(random.choice((0, 0.001, 0.005)))
        assert WHICH.findall(read(sock)) == whole


@pytest.mark.parametrize(("path", "wanted"), [("/", 400), ("/nowhere", 404), ("/api/v2/alerts", 405)])
def test_a_websocket_where_there_is_none(daemon: Daemon, path: str, wanted: int) -> None:
    upgrade = (
        f"GET {path} HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
        "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
    )
    with dial(daemon) as sock:
        sock.sendall(upgrade.encode())
        assert status(sock.recv(1 << 16)) == wanted


def test_a_client_that_is_done_sending_is_still_answered(daemon: Daemon) -> None:
    silence = post(json.dumps(SILENCE).encode(), path="/api/v2/silences", close=False)
    reload = post(b"", path="/-/reload", close=False)
    for request in (silence, reload, post(BODY, close=False), b"GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n"):
        for _ in range(5):
            assert status(exchange(daemon, request, half_close=True)) == 200


def test_a_reload_whose_client_has_gone_is_finished(daemon: Daemon) -> None:
    began = daemon.log.count("Loading configuration file")
    for _ in range(5):
        with dial(daemon) as sock:
            sock.sendall(post(b"", path="/-/reload"))
    deadline = time.monotonic() + 10
    while daemon.log.count("Loading configuration file") < began + 5 and time.monotonic() < deadline:
        time.sleep(0.02)
    assert exchange(daemon, post(b"", path="/-/reload")).startswith(b"HTTP/1.1 200 ")
    loads = daemon.log.count('msg="Loading configuration file"')
    assert loads == daemon.log.count('msg="Completed loading of configuration file"') >= began + 6


LEFT = {
    "nothing": b"",
    "half a head": b"GET / HT",
    "half a body": post(b"[]", "Content-Length: 100"),
    "half a silence": post(b"[]", "Content-Length: 100", path="/api/v2/silences"),
    "half a chunk": post(b"5\r\nhe", "Transfer-Encoding: chunked"),
    "a whole request": b"GET /-/healthy HTTP/1.1\r\nHost: x\r\n\r\n",
    "a whole post": post(BODY, close=False),
    "an answer unread": b"GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n" * 5,
    "half an upgrade": b"GET / HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n",
    "HTTP/2": b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + b"\0\0\0\4\0\0\0\0\0",
}


@pytest.mark.parametrize("how", ["close", "reset", "half-close"])
def test_nothing_is_kept_of_clients_that_leave(daemon: Daemon, how: str) -> None:
    before = sockets(daemon)
    for name, sent in LEFT.items():
        if (name, how) == ("an answer unread", "half-close"):
            continue  # such a client may still be going to read
        socks = [dial(daemon) for _ in range(10)]
        for sock in socks:
            sock.sendall(sent)
        assert exchange(daemon, HEALTHY)
        for sock in socks:
            if how == "reset":
                sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            if how == "half-close":
                sock.shutdown(socket.SHUT_WR)
            else:
                sock.close()
        settled = settles_at(daemon, before)
        for sock in socks:
            sock.close()
        assert settled, name


def test_idle_and_dripping_connections_hinder_nobody(daemon: Daemon) -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    before = sockets(daemon)
    socks = []
    try:
        socks = [dial(daemon) for _ in range(1200)]
        for sock in socks[:100]:
            sock.sendall(post(b"", "Content-Length: 1000"))
        for piece in b"GET /-":
            for sock in socks[:200]:
                sock.sendall(bytes([piece]))
            assert exchange(daemon, HEALTHY).startswith(b"HTTP/1.1 200 ")
    finally:
        for sock in socks:
            sock.close()
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    assert settles_at(daemon, before)


def test_descriptors_run_out_and_come_back() -> None:
    with Daemon(ampp_command(), CONFIG, before_exec=_few_descriptors) as poor:
        socks = [dial(poor) for _ in range(150)]
        for sock in socks:
            sock.close()
        for _ in range(10):
            assert exchange(poor, HEALTHY).startswith(b"HTTP/1.1 200 ")
        assert "Traceback" not in poor.log


def _few_descriptors() -> None:
    resource.setrlimit(resource.RLIMIT_NOFILE, (100, 100))


def test_the_soft_limit_of_descriptors_is_lifted(daemon: Daemon) -> None:
    limits = Path(f"/proc/{daemon.pid}/limits").read_text()
    line = next(line for line in limits.splitlines() if line.startswith("Max open files"))
    soft, hard = line.split()[3:5]
    assert soft == hard
