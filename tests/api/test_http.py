"""What surrounds the API: routes, methods, negotiation, CORS, limits, prefix. Captured forms: interfaces 2 and 3.1."""

import gzip
import re
import socket

import httpx
import msgspec
import pytest
import trio

from ampp.core.clock import MILLISECOND
from tests.api.conftest import Start, exchange

NOT_FOUND = "404 page not found\n"


@pytest.mark.parametrize(
    ("verb", "path", "status", "body"),
    [
        ("GET", "/-/healthy", 200, "OK"),
        ("GET", "/-/ready", 200, "OK"),
        ("HEAD", "/-/ready", 200, ""),
        ("HEAD", "/metrics", 405, ""),
        ("PUT", "/-/healthy", 405, "Method Not Allowed\n"),
        ("GET", "/-/reload", 405, "Method Not Allowed\n"),
        ("POST", "/-/reload", 200, ""),
        ("GET", "/nope", 404, NOT_FOUND),
        ("OPTIONS", "/nope", 404, NOT_FOUND),
        ("OPTIONS", "/-/reload", 200, ""),
        ("GET", "/API/v2/status", 404, NOT_FOUND),
        ("GET", "/api/v1/x", 404, NOT_FOUND),
        ("GET", "/debug/pprof/", 404, NOT_FOUND),
        ("GET", "/api/v2/nope", 404, '{"code":404,"message":"path /api/v2/nope was not found"}'),
        ("POST", "/api/v2/", 404, '{"code":404,"message":"path /api/v2/ was not found"}'),
        ("GET", "/api/v2/silence/", 404, '{"code":404,"message":"path /api/v2/silence/ was not found"}'),
        ("PUT", "/api/v2/alerts", 405, '{"code":405,"message":"method PUT is not allowed, but [GET,POST] are"}'),
        ("OPTIONS", "/api/v2/status", 405, '{"code":405,"message":"method OPTIONS is not allowed, but [GET] are"}'),
        ("HEAD", "/api/v2/alerts", 405, ""),
        ("POST", "/api/v2/alerts", 422, '{"code":602,"message":"alerts in body is required"}'),
    ],
)
async def test_plain_answers(client: httpx.AsyncClient, verb: str, path: str, status: int, body: str) -> None:
    response = await client.request(verb, path)
    assert (response.status_code, response.text) == (status, body)
    if status in (404, 405) and not path.startswith("/api/v2"):
        assert response.headers["content-type"] == "text/plain; charset=utf-8"
        assert response.headers["x-content-type-options"] == "nosniff"


@pytest.mark.parametrize(
    ("path", "allow"),
    [("/-/healthy", "GET, HEAD, OPTIONS"), ("/-/reload", "OPTIONS, POST"), ("/", "GET, OPTIONS")],
)
async def test_the_methods_a_route_takes(client: httpx.AsyncClient, path: str, allow: str) -> None:
    assert (await client.request("OPTIONS", path)).headers["allow"] == allow
    assert (await client.request("PUT", path)).headers["allow"] == allow


@pytest.mark.parametrize(
    ("target", "location"),
    [
        ("/api/v2", "/api/v2/"),
        ("/api//v2/status", "/api/v2/status"),
        ("/api/v2/./x/../status?a=b", "/api/v2/status?a=b"),
        ("/-/healthy/", "/-/healthy"),
        ("/-/Healthy", "/-/healthy"),
        ("//metrics", "/metrics"),
    ],
)
async def test_untidy_paths_are_sent_to_the_right_place(client: httpx.AsyncClient, target: str, location: str) -> None:
    answer = await exchange(client, f"GET {target} HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n".encode())
    head, _, body = answer.partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 301")
    assert f"location: {location}\r\n".encode() in head
    assert body == f'<a href="{location}">Moved Permanently</a>.\n\n'.encode()


async def test_the_form_that_proxies_send(client: httpx.AsyncClient) -> None:
    answer = await exchange(client, b"GET http://h/-/ready?x HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n")
    assert answer.startswith(b"HTTP/1.1 200")
    assert answer.endswith(b"OK")


async def test_api_v1_says_farewell(client: httpx.AsyncClient) -> None:
    response = await client.post("/api/v1/alerts", content=b"[]")
    assert response.status_code == 410
    assert response.headers["content-type"] == "application/json"
    assert response.json()["status"] == "deprecated"
    assert (await client.put("/api/v1/alerts")).headers["allow"] == "GET, OPTIONS, POST"


@pytest.mark.parametrize(
    ("content_type", "status", "message"),
    [
        ("application/json; charset=utf-8", 200, None),
        ("APPLICATION/JSON", 200, None),
        ("application/json;", 200, None),
        ("text/plain", 415, 'unsupported media type "text/plain", only [application/json] are allowed'),
        (None, 415, 'unsupported media type "application/octet-stream", only [application/json] are allowed'),
        ("application", 415, 'unsupported media type "application", only [application/json] are allowed'),
        (
            "application/json;;",
            400,
            'parsing Content-Type header from "application/json;;" failed, because mime: invalid media parameter',
        ),
        (
            "application/json; a=b; a=c",
            400,
            'parsing Content-Type header from "application/json; a=b; a=c" failed, because '
            "mime: duplicate parameter name",
        ),
        (
            "a b/c",
            400,
            'parsing Content-Type header from "a b/c" failed, because mime: expected slash after first token',
        ),
        (";", 400, 'parsing Content-Type header from ";" failed, because mime: no media type'),
    ],
)
@pytest.mark.parametrize("path", ["/api/v2/alerts", "/api/v2/alerts/"])
async def test_content_types(
    client: httpx.AsyncClient, path: str, content_type: str | None, status: int, message: str | None
) -> None:
    headers = {} if content_type is None else {"Content-Type": content_type}
    response = await client.post(path, content=b"[]", headers={**headers, "Accept": "text/html"})
    assert response.status_code == status
    if message is not None:
        assert response.json() == {"code": status, "message": message}


@pytest.mark.parametrize(
    ("accept", "status"),
    [
        ("application/json", 200),
        ("*/*", 200),
        ("text/html, application/json;q=0.5", 200),
        ("application/json;version=1", 200),
        ("", 200),
        ("text/html", 406),
        ("application/json;q=0", 406),
        ("*", 406),
    ],
)
async def test_accept(client: httpx.AsyncClient, accept: str, status: int) -> None:
    response = await client.get("/api/v2/receivers", headers={"Accept": accept})
    assert response.status_code == status
    if status == 406:
        message = "unsupported media type requested, only [application/json] are available"
        assert response.json() == {"code": 406, "message": message}


async def test_other_origins(client: httpx.AsyncClient) -> None:
    origin = {"Origin": "http://x"}
    assert (await client.get("/api/v2/receivers", headers=origin)).headers["access-control-allow-origin"] == "*"
    assert "access-control-allow-origin" not in (await client.get("/api/v2/receivers")).headers
    assert "access-control-allow-origin" not in (await client.delete("/api/v2/alerts", headers=origin)).headers
    assert "access-control-allow-origin" not in (await client.get("/-/ready", headers=origin)).headers

    asked = {**origin, "Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": "content-type"}
    response = await client.options("/api/v2/silences", headers=asked)
    assert (response.status_code, response.content) == (204, b"")
    assert response.headers["vary"] == "Origin, Access-Control-Request-Method, Access-Control-Request-Headers"
    assert response.headers["access-control-allow-origin"] == "*"
    assert response.headers["access-control-allow-methods"] == "POST"
    assert response.headers["access-control-allow-headers"] == "content-type"
    refused = await client.options("/api/v2/silences", headers=asked | {"Access-Control-Request-Method": "DELETE"})
    assert refused.status_code == 204
    assert "access-control-allow-origin" not in refused.headers


async def test_metrics(client: httpx.AsyncClient) -> None:
    await client.get("/api/v2/silence/a131958c-44f5-42fb-8c7b-f1af4a85a3a1")
    await client.request("BREW", "/api/v2/no/such/path")
    await client.get("/-/ready")
    response = await client.get("/metrics", headers={"Accept-Encoding": "identity"})
    assert response.headers["content-type"].startswith("text/plain; version=0.0.4; charset=utf-8")
    prefix = "alertmanager_http_request_duration_seconds_count"
    for labels in (
        'code="404",handler="/api/v2/silence/{silenceID}",method="get"',
        'code="404",handler="/api/v2/",method="unknown"',
        'code="200",handler="/-/ready",method="get"',
    ):
        assert f"{prefix}{{{labels}}} 1" in response.text
    assert 'alertmanager_http_response_size_bytes_sum{handler="/-/ready",method="get"} 2' in response.text
    assert 'alertmanager_http_requests_in_flight{method="get"} 1' in response.text
    answer = await exchange(
        client, b"GET /metrics HTTP/1.1\r\nHost: h\r\nAccept-Encoding: gzip\r\nConnection: close\r\n\r\n"
    )
    head, _, body = answer.partition(b"\r\n\r\n")
    assert b"content-encoding: gzip" in head
    assert b"alertmanager_alerts" in gzip.decompress(body)


async def test_the_front_page_is_strict_and_escaped(client: httpx.AsyncClient) -> None:
    response = await client.get("/")
    assert response.headers["content-type"] == "text/html; charset=utf-8"
    policy = response.headers["content-security-policy"]
    assert policy.startswith("default-src 'self'")
    assert "unsafe" not in policy
    assert response.headers["cache-control"] == "no-cache"
    assert "<h1>Alerts</h1>" in response.text
    icon = await client.get("/favicon.ico")
    assert icon.headers["content-type"] == "image/vnd.microsoft.icon"
    assert icon.content.startswith(b"\0\0\1\0")


async def test_bodies_beyond_the_limit(client: httpx.AsyncClient) -> None:
    # The refusal comes before the body: nobody need send what will not be read.
    answer = await exchange(client, b"POST /api/v2/alerts HTTP/1.1\r\nHost: h\r\nContent-Length: 99999999\r\n\r\n")
    head, _, body = answer.partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 413")
    refusal = msgspec.json.decode(body)
    assert refusal["what"] == "request body"
    assert str(refusal["limit"]) in refusal["message"]
    assert "ampp.yml" in refusal["hint"]
    assert (await client.get("/-/ready")).status_code == 200


async def test_chunked_bodies_beyond_the_limit(client: httpx.AsyncClient) -> None:
    chunk = b"100000\r\n" + b" " * 0x100000 + b"\r\n"
    head = b"POST /api/v2/silences HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n"
    url = client.base_url
    async with await trio.open_tcp_stream(url.host, url.port or 80) as stream:
        answer = b""
        with trio.fail_after(20):
            await stream.send_all(head + b"Content-Type: application/json\r\n\r\n")
            try:
                for _ in range(12):
                    await stream.send_all(chunk)
            except trio.BrokenResourceError:
                pass
            answer = await stream.receive_some()
    assert answer.startswith(b"HTTP/1.1 413")


async def test_chunked_posts_and_encodings_that_are_ignored(client: httpx.AsyncClient) -> None:
    async def parts():  # type: ignore[no-untyped-def]
        yield b'[{"labels":'
        yield b'{"a":"b"}}]'

    headers = {"Content-Type": "application/json", "Content-Encoding": "gzip"}
    response = await client.post("/api/v2/alerts", content=parts(), headers=headers)
    assert response.status_code == 200
    assert len((await client.get("/api/v2/alerts")).json()) == 1


async def test_gets_in_flight_are_limited(start: Start) -> None:
    async with start(get_concurrency=1) as client:
        url = client.base_url
        async with await trio.open_tcp_stream(url.host, url.port or 80) as slow:
            # A GET whose announced body does not come stays in flight.
            await slow.send_all(b"GET /-/ready HTTP/1.1\r\nHost: h\r\nContent-Length: 1\r\n\r\n")
            with trio.fail_after(10):
                while (response := await client.get("/-/healthy")).status_code == 200:
                    await trio.sleep(0.01)
            assert response.status_code == 503
            assert response.text == "Limit of concurrent GET requests reached (1), try again later.\n\n"
            assert (await client.post("/api/v2/alerts", json=[])).status_code == 200
            await slow.send_all(b"x")
            with trio.fail_after(10):
                assert (await slow.receive_some()).startswith(b"HTTP/1.1 200")
            with trio.fail_after(10):
                while (scrape := await client.get("/metrics")).status_code != 200:
                    await trio.sleep(0.01)
        assert re.search(r'_http_concurrency_limit_exceeded_total\{method="get"\} [1-9]', scrape.text)


async def test_the_time_limit(start: Start) -> None:
    async with start(http_timeout=300 * MILLISECOND) as client:
        answer = await exchange(
            client, b"GET /-/ready HTTP/1.1\r\nHost: h\r\nConnection: close\r\nContent-Length: 1\r\n\r\n"
        )
        assert answer.startswith(b"HTTP/1.1 503")
        assert answer.endswith(b"Exceeded configured timeout of 300ms.\n")
        assert (await client.get("/-/ready")).status_code == 200


async def test_below_a_prefix(start: Start) -> None:
    async with start(route_prefix="/am") as client:
        assert (await client.get("/am/-/healthy")).text == "OK"
        assert (await client.get("/-/healthy")).status_code == 404
        assert (await client.get("/amx/-/healthy")).status_code == 404
        assert (await client.get("/")).headers["location"] == "/am"
        assert (await client.get("/am")).headers["location"] == "/am/"
        assert (await client.get("/am/api/v2")).headers["location"] == "/am/api/v2/"
        assert (await client.get("/am/metrics/")).headers["location"] == "/am/metrics"
        assert (await client.get("/am/")).status_code == 200
        assert (await client.post("/am/api/v2/alerts", json=[{"labels": {"a": "b"}}])).status_code == 200
        response = await client.get("/am/api/v2/nope")
        assert response.json() == {"code": 404, "message": "path /api/v2/nope was not found"}
        metrics = (await client.get("/am/metrics")).text
        assert 'handler="/api/v2/alerts",method="post"' in metrics


@pytest.mark.parametrize(
    "request_",
    [
        b"garbage\r\n\r\n",
        b"GET / HTTP/1.1\r\n\r\n",
        b"GET  / HTTP/1.1\r\nHost: h\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: h\r\nBad Header: x\r\n\r\n",
        b"POST /api/v2/alerts HTTP/1.1\r\nHost: h\r\nContent-Length: x\r\n\r\n",
        b"POST /api/v2/alerts HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\n[]",
        b"POST /api/v2/alerts HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
    ],
)
async def test_what_is_not_http(client: httpx.AsyncClient, request_: bytes, caplog: pytest.LogCaptureFixture) -> None:
    answer = await exchange(client, request_)
    assert answer.startswith(b"HTTP/1.1 400")
    assert (await client.get("/-/ready")).text == "OK"
    assert not [record for record in caplog.records if record.levelname == "ERROR"]


async def test_a_header_flood(client: httpx.AsyncClient) -> None:
    flood = b"GET / HTTP/1.1\r\nHost: h\r\n" + b"".join(b"X-%d: %b\r\n" % (i, b"a" * 1000) for i in range(1300))
    assert (await exchange(client, flood)).startswith(b"HTTP/1.1 431")
    assert (await client.get("/-/ready")).text == "OK"


async def test_clients_that_hang_up(client: httpx.AsyncClient, caplog: pytest.LogCaptureFixture) -> None:
    url = client.base_url
    for request in (
        b"",
        b"POST /api/v2/alerts HTTP/1.1\r\nHost: h\r\nContent-Length: 100\r\n\r\n[",
        b"GET /api/v2/status HTTP/1.1\r\nHost: h\r\n\r\n" * 50,
        b"POST /api/v2/alerts HTTP/1.1\r\nHost: h\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n[]"
        * 50,
    ):
        for _ in range(5):
            sock = socket.create_connection((url.host, url.port))
            sock.sendall(request)
            # A reset instead of a good-bye.
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
            sock.close()
    assert (await client.get("/-/ready")).text == "OK"
    assert not [record for record in caplog.records if record.levelname == "ERROR"]


async def test_many_requests_on_one_connection(client: httpx.AsyncClient) -> None:
    one = (
        b"POST /api/v2/alerts HTTP/1.1\r\nHost: h\r\nContent-Type: application/json\r\nContent-Length: 24\r\n\r\n"
        b'[{"labels":{"a":"b"}}]  '
    )
    other = b"GET /-/ready HTTP/1.1\r\nHost: h\r\n\r\n"
    last = b"GET /-/ready HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n"
    answer = await exchange(client, one * 20 + other + one + last)
    assert answer.count(b"HTTP/1.1 200") == 23
    assert answer.endswith(b"OK")


async def test_expect_100_continue(client: httpx.AsyncClient) -> None:
    url = client.base_url
    async with await trio.open_tcp_stream(url.host, url.port or 80) as stream:
        with trio.fail_after(10):
            await stream.send_all(
                b"POST /api/v2/alerts HTTP/1.1\r\nHost: h\r\nContent-Type: application/json\r\n"
                b"Expect: 100-continue\r\nContent-Length: 2\r\n\r\n"
            )
            assert (await stream.receive_some()).startswith(b"HTTP/1.1 100")
            await stream.send_all(b"[]")
            assert (await stream.receive_some()).startswith(b"HTTP/1.1 200")


async def test_bodies_are_not_parsed_as_anything_else(client: httpx.AsyncClient) -> None:
    body = msgspec.json.encode([{"labels": {"a": "b"}}])
    headers = {"Content-Type": "application/x-www-form-urlencoded"}
    assert (await client.post("/api/v2/alerts", content=body, headers=headers)).status_code == 415


async def test_a_post_on_a_connection_that_hypercorn_has(client: httpx.AsyncClient) -> None:
    """The same answers whichever way a post takes."""
    head = b"POST /api/v2/%b HTTP/1.1\r\nHost: h\r\nContent-Type: %b\r\nContent-Length: %d\r\n\r\n%b"
    silence = (
        b'{"matchers":[{"name":"a","value":"b","isRegex":false}],"startsAt":"2020-01-01T00:00:00Z",'
        b'"endsAt":"2099-01-01T00:00:00Z","createdBy":"ops","comment":"c"}'
    )
    for path, content_type, body in (
        (b"alerts", b"application/json", b"[]"),
        (b"alerts", b"text/plain", b"[]"),
        (b"alerts", b"application/json", b"[{}]"),
        (b"alerts", b"application/json", b'[{"labels":{}}]'),
        (b"alerts", b"application/json", b""),
        (b"silences", b"application/json", silence),
        (b"silences", b"text/plain", silence),
        (b"silences", b"application/json", silence.replace(b"2099", b"2019")),
        (b"silences", b"application/json", b'{"id":"b",' + silence[1:]),
        (b"silences", b"application/json", b"[]"),
        (b"silences", b"application/json", b"{"),
        (b"silences", b"application/json", b""),
    ):
        post = head % (path, content_type, len(body), body)
        answers = []
        for before in (b"", b"GET /-/ready HTTP/1.1\r\nHost: h\r\n\r\n"):
            last = b"GET /-/healthy HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n"
            answer = await exchange(client, before + post + last)
            parts = re.sub(rb'"silenceID":"[-0-9a-f]{36}"', b"", answer).split(b"HTTP/1.1 ")[1:]
            lines = parts[-2].split(b"\r\n")
            answers.append({line for line in lines[1:] if not line.startswith(b"date")} | {lines[0][:3]})
        assert answers[0] == answers[1]
