"""PagerDuty, Opsgenie, Splunk On-Call, Jira and incident.io against real servers: conversations, answers, limits."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import trio

from ampp.config import compile as compile_plan
from ampp.config import load
from ampp.core.alert import Snapshot
from ampp.core.reason import FailureReason
from ampp.deliver import integrations
from ampp.deliver.sender import BuildError, Sender, SendError, Unsendable
from ampp.template.renderer import Renderer

from .kit import HOOK, alert, notify
from .server import Answer, Request, answer, close, hang, serving
from .test_http import Authority, tunnel

HASH = "869fdcfa8978615426821cd553fd0f6d356e612f21507419d2d0c8ec3801970b"
GROUP = '{}:{alertname="Disk<full>"}'

PAGERDUTY = {"type": "pagerduty", "routing_key": "rk", "url": "URL/enqueue"}
OPSGENIE = {"type": "opsgenie", "api_key": "ok", "api_url": "URL/og"}
VICTOROPS = {"type": "victorops", "api_key": "vk", "api_url": "URL/vo", "routing_key": "r"}
JIRA = {"type": "jira", "api_url": "URL/rest/api/2", "project": "P", "issue_type": "Bug"}
INCIDENTIO = {"type": "incidentio", "url": "URL/ii", "alert_source_token": "tok"}


def build(url: str, config: dict[str, Any], **more: Any) -> Sender:
    """The sender of one entry of a configuration; `URL` in it is the server's."""
    entry = {**config, **more}
    kind = entry.pop("type")
    whole = {"route": {"receiver": "r"}, "receivers": [{"name": "r", f"{kind}_configs": [entry]}]}
    loaded = load(json.dumps(whole).replace("URL", url))
    [sender] = integrations.build(loaded, compile_plan(loaded), "http://am:9093", Renderer()).values()
    assert not isinstance(sender, Unsendable)
    return sender


async def send(sender: Sender, *alerts: Snapshot) -> None:
    told = notify(HOOK, *alerts, group=GROUP, data={"kept": 1})
    try:
        assert await sender.send(told, told.alerts) == {"kept": 1}
    finally:
        await sender.aclose()


async def refusal(sender: Sender, *alerts: Snapshot) -> tuple[str, bool, FailureReason]:
    with pytest.raises(SendError) as caught:
        await send(sender, *alerts)
    return str(caught.value), caught.value.retry, caught.value.reason


GONE = alert(firing=False)


# What each answer means.

ALL = [PAGERDUTY, OPSGENIE, VICTOROPS, JIRA, INCIDENTIO]
PATIENT = [PAGERDUTY, OPSGENIE, JIRA, INCIDENTIO]


def name(config: dict[str, Any]) -> str:
    return str(config["type"])


@pytest.mark.parametrize("config", ALL, ids=name)
@pytest.mark.parametrize(
    ("status", "reason"),
    [
        (302, FailureReason.OTHER),
        (400, FailureReason.CLIENT),
        (401, FailureReason.AUTH),
        (403, FailureReason.AUTH),
        (404, FailureReason.CLIENT),
        (429, FailureReason.RATE_LIMITED),
        (500, FailureReason.SERVER),
        (503, FailureReason.SERVER),
    ],
)
async def test_statuses(config: dict[str, Any], status: int, reason: FailureReason) -> None:
    async with serving(answer(status, b"no")) as server:
        text, retry, why = await refusal(build(server.url, config))
    assert f"unexpected status code {status}" in text
    # These two show only what they can read.
    assert text.endswith(": no") is (config["type"] not in ("pagerduty", "incidentio"))
    assert retry is (status >= 500 or (status == 429 and config in PATIENT))
    assert why is reason


@pytest.mark.parametrize("config", ALL, ids=name)
async def test_silence(config: dict[str, Any]) -> None:
    """Everyone is tried again but Jira; nobody shows an address, which may hold keys."""
    async with serving(close) as server:
        text, retry, reason = await refusal(build(server.url, config))
    assert text.endswith('Post "<redacted>": EOF')
    assert (retry, reason) == (config["type"] != "jira", FailureReason.OTHER)


@pytest.mark.parametrize(
    ("config", "broken", "text", "retry"),
    [
        (PAGERDUTY, {"description": "{{ .X }}"}, "failed to template PagerDuty v2 message: template: :1:3: ", False),
        (PAGERDUTY, {"details": {"a": ["{{ .X }}"]}}, "failed to render details: template: :1:3: ", False),
        (PAGERDUTY, {"details": {"a": ".inf"}}, "failed to encode PagerDuty message: json: unsupported value: ", False),
        (PAGERDUTY, {"routing_key": "{{ .CommonLabels.x }}"}, "routing key cannot be empty", False),
        (PAGERDUTY, {"service_key": "{{ .CommonLabels.x }}"}, "service key cannot be empty", False),
        (OPSGENIE, {"note": "{{ .X }}"}, "templating error: template: :1:3: ", False),
        (OPSGENIE, {"api_key": "{{ .X }}"}, "templating error: template: :1:3: ", False),
        (VICTOROPS, {"routing_key": "{{ .X }}"}, "templating error: template: :1:3: ", False),
        (VICTOROPS, {"state_message": "{{ .X }}"}, "templating error: template: :1:3: ", True),
        (VICTOROPS, {"custom_fields": {"a": "{{ .X }}"}}, "templating error: template: :1:3: ", True),
        (
            JIRA,
            {"project": "{{ .X }}"},
            "failed to look up existing issues: invalid project template or value: ",
            False,
        ),
        (JIRA, {"summary": "{{ .X }}"}, "summary template: template: :1:3: ", False),
        (JIRA, {"issue_type": "{{ .X }}"}, "issue_type template: template: :1:3: ", False),
        (JIRA, {"description": "{{ .X }}"}, "description template: template: :1:3: ", False),
        (JIRA, {"labels": ["a", "{{ .X }}"]}, "labels[1] template: template: :1:3: ", False),
        (JIRA, {"priority": "{{ .X }}"}, "priority template: template: :1:3: ", False),
        (JIRA, {"fields": {"a": {"b": "{{ .X }}"}}}, "fields template: template: :1:3: ", False),
        (JIRA, {"fields": {"a": ".inf"}}, 'failed to POST request to "issue": json: unsupported value: +Inf', False),
        (
            PAGERDUTY,
            {"routing_key": "", "routing_key_file": "/no"},
            "failed to read routing key from file: open /no: ",
            False,
        ),
        (
            PAGERDUTY,
            {"routing_key": "", "service_key_file": "/no"},
            "failed to read service key from file: open /no: ",
            False,
        ),
        (OPSGENIE, {"api_key": "", "api_key_file": "/no"}, "read key_file error: open /no: ", False),
        (VICTOROPS, {"api_key": "", "api_key_file": "/no"}, "failed to read API key from file: open /no: ", False),
        (INCIDENTIO, {"url_file": "/no"}, "read url_file: open /no: ", False),
    ],
)
async def test_what_cannot_be_said(config: dict[str, Any], broken: dict[str, Any], text: str, retry: bool) -> None:
    if "url_file" in broken:
        config = {key: value for key, value in config.items() if key != "url"}
    async with serving(answer(200, b"{}")) as server:
        said, again, reason = await refusal(build(server.url, config, **broken))
        assert said.startswith(text)
        assert (again, reason) == (retry, FailureReason.OTHER)
        # Jira is first asked what it has.
        assert all(request.target == "/rest/api/2/search" for request in server.requests)


@pytest.mark.parametrize(
    ("config", "body", "text"),
    [
        (PAGERDUTY, b'{"status":"x","message":"Bad","errors":["a","b"]} more', ": Bad: a,b"),
        (PAGERDUTY, b"{}", ": : "),
        (PAGERDUTY, b'{"message":5}', ""),
        (PAGERDUTY, b"Bad", ""),
        (INCIDENTIO, b'{"message":"m","error":"e","errors":["a","b"]}', ": m: e: a, b"),
        (INCIDENTIO, b'{"error":"\xc3\xa9"}', ": \u00e9"),
        (INCIDENTIO, b"[]", ""),
        (INCIDENTIO, b"", ""),
    ],
)
async def test_complaints(config: dict[str, Any], body: bytes, text: str) -> None:
    async with serving(answer(400, body)) as server:
        said, _, _ = await refusal(build(server.url, config))
    assert said == f"unexpected status code 400{text}"


@pytest.mark.parametrize(
    ("config", "text"),
    [
        (
            PAGERDUTY,
            'failed to post message to PagerDuty: Post "<redacted>": configured pagerduty timeout reached (50ms)',
        ),
        (INCIDENTIO, 'Post "<redacted>": configured incident.io timeout reached (50ms)'),
    ],
    ids=["pagerduty", "incidentio"],
)
async def test_timeouts(config: dict[str, Any], text: str) -> None:
    async with serving(hang) as server:
        assert await refusal(build(server.url, config, timeout="50ms")) == (text, True, FailureReason.OTHER)


# PagerDuty.


async def test_pagerduty_v1_has_its_own_rules(tmp_path: Path) -> None:
    """403 asks for patience, 429 does not; nothing is counted under a reason of its own."""
    tls = Authority(tmp_path).server("events.pagerduty.com")
    for status, again in ((403, True), (429, False), (500, True), (400, False)):
        async with serving(answer(status, b'{"message":"m"}'), tls=tls) as server:

            async def to_server(request: Request, stream: trio.abc.Stream, port: int = server.port) -> None:
                assert request.target == "events.pagerduty.com:443"
                request.target = f"127.0.0.1:{port}"
                await tunnel(request, stream)

            async with serving(to_server) as proxy:
                way = {"proxy_url": proxy.url, "tls_config": {"insecure_skip_verify": True}}
                config = {"type": "pagerduty", "service_key": "sk", "http_config": way}
                text, retry, reason = await refusal(build(server.url, config))
        details = ": m: " if status == 400 else ""
        assert (text, retry, reason) == (f"unexpected status code {status}{details}", again, FailureReason.OTHER)


async def test_a_large_event_loses_its_details() -> None:
    """512,000 bytes are still sent as they are, one more is not."""
    async with serving(answer(202)) as server:
        details = {"firing": "", "resolved": "", "num_firing": "", "num_resolved": "", "extra": "x"}
        await send(build(server.url, PAGERDUTY, details=details))
        room = 512_000 - len(server.requests[0].body) + 1
        for size in (room, room + 1):
            await send(build(server.url, PAGERDUTY, details={**details, "extra": "x" * size}))
        _, fits, large = [request.body for request in server.requests]
    assert len(fits) == 512_000
    assert json.loads(large)["payload"]["custom_details"] == {
        "error": "Custom details have been removed because the original event exceeds the maximum size of 512KB"
    }


@pytest.mark.parametrize(
    ("config", "field", "limit", "where"),
    [
        (PAGERDUTY, "description", 1024, ("payload", "summary")),
        (OPSGENIE, "message", 130, ("message",)),
        (VICTOROPS, "state_message", 20480, ("state_message",)),
        (JIRA, "summary", 255, ("fields", "summary")),
        (JIRA, "description", 32767, ("fields", "description")),
    ],
)
async def test_cuts(config: dict[str, Any], field: str, limit: int, where: tuple[str, ...]) -> None:
    async with serving(answer(200, b"{}")) as server:
        for text, cut in (("\u00e9" * limit, "\u00e9" * limit), ("\u00e9" * (limit + 1), "\u00e9" * (limit - 1) + "…")):
            await send(build(server.url, config, **{field: text}))
            found = json.loads(server.requests[-1].body)
            for step in where:
                found = found[step]
            assert found == cut


# Opsgenie.


async def test_opsgenie_stops_at_the_first_failure() -> None:
    async with serving(answer(202), answer(429), answer(202)) as server:
        sender = build(server.url, OPSGENIE, update_alerts=True)
        text, retry, _ = await refusal(sender)
        assert (text, retry) == ("unexpected status code 429", True)
        assert [(request.method, request.target) for request in server.requests] == [
            ("POST", "/og/v2/alerts"),
            ("PUT", f"/og/v2/alerts/{HASH}/message?identifierType=alias"),
        ]


async def test_opsgenie_closes() -> None:
    async with serving(answer(202)) as server:
        await send(build(server.url, OPSGENIE, source="<s>", update_alerts=True), GONE)
        [request] = server.requests
    assert (request.method, request.target) == ("POST", f"/og/v2/alerts/{HASH}/close?identifierType=alias")
    assert request.body == b'{"source":"\\u003cs\\u003e"}\n'
    assert request.header("authorization") == "GenieKey ok"


async def test_the_teams_of_a_label_are_no_templates() -> None:
    responders = [{"name": "{{ .CommonLabels.team }}", "type": "teams"}]
    async with serving(answer(202)) as server:
        await send(build(server.url, OPSGENIE, responders=responders), alert(team="a,{{ .X"))
        assert json.loads(server.requests[0].body)["responders"] == [
            {"name": "a", "type": "team"},
            {"name": "{{ .X", "type": "team"},
        ]


# Splunk On-Call.


@pytest.mark.parametrize(
    ("kind", "of", "sent"),
    [
        ("INFO", alert(), "INFO"),
        ("WARNING", alert(), "WARNING"),
        ("info", alert(), "CRITICAL"),
        ("ACKNOWLEDGEMENT", alert(), "CRITICAL"),
        ("INFO", GONE, "RECOVERY"),
    ],
)
async def test_message_types(kind: str, of: Snapshot, sent: str) -> None:
    async with serving(answer(200)) as server:
        await send(build(server.url, VICTOROPS, message_type=kind), of)
        [request] = server.requests
    assert request.target == "/vo/vk/r"
    assert json.loads(request.body)["message_type"] == sent
    assert list(json.loads(request.body)) == sorted(json.loads(request.body))


# Jira.


def status(category: str, key: str = "P-1") -> Answer:
    issue = {"key": key, "fields": {"status": {"name": "x", "statusCategory": {"key": category}}}}
    return answer(200, json.dumps({"issues": [issue]}).encode())


NOTHING = answer(200, b'{"issues":[]}')
OFFER = answer(200, b'{"transitions":[{"id":"1","name":"Open"},{"id":"2","name":"Done"}]}')
NO_CONTENT = answer(204)
MOVES = {**JIRA, "reopen_transition": "Open", "resolve_transition": "Done", "reopen_duration": "2h"}
SEARCH, CREATE = ("POST", "/rest/api/2/search"), ("POST", "/rest/api/2/issue")
UPDATE, ASK = ("PUT", "/rest/api/2/issue/P-1"), ("GET", "/rest/api/2/issue/P-1/transitions")
MOVE = ("POST", "/rest/api/2/issue/P-1/transitions")


@pytest.mark.parametrize(
    ("config", "of", "answers", "asked"),
    [
        (MOVES, GONE, [NOTHING], [SEARCH]),
        (MOVES, alert(), [NOTHING, answer(201, b"{}")], [SEARCH, CREATE]),
        (MOVES, alert(), [status("new"), NO_CONTENT], [SEARCH, UPDATE]),
        (MOVES, alert(), [status("done"), NO_CONTENT, OFFER, NO_CONTENT], [SEARCH, UPDATE, ASK, MOVE]),
        (MOVES, GONE, [status("new"), NO_CONTENT, OFFER, NO_CONTENT], [SEARCH, UPDATE, ASK, MOVE]),
        (MOVES, GONE, [status("done"), NO_CONTENT], [SEARCH, UPDATE]),
        (JIRA, alert(), [status("done"), NO_CONTENT], [SEARCH, UPDATE]),
        (JIRA, GONE, [status("new"), NO_CONTENT], [SEARCH, UPDATE]),
        (MOVES, GONE, [answer(200, b'{"issues":[{"key":"P-1"}]}'), NO_CONTENT], [SEARCH, UPDATE]),
        (MOVES, GONE, [answer(200, b'{"issues":[{"key":"P-1","fields":{}}]}'), NO_CONTENT], [SEARCH, UPDATE]),
    ],
)
async def test_conversations(
    config: dict[str, Any], of: Snapshot, answers: list[Answer], asked: list[tuple[str, str]]
) -> None:
    async with serving(*answers) as server:
        await send(build(server.url, config), of)
        assert [(request.method, request.target) for request in server.requests] == asked
        for request in server.requests:
            assert request.header("user-agent") == "Go-http-client/1.1"
            assert request.header("accept-language") == "en"
            assert request.header("content-type") == "application/json"
        if asked[-1] == MOVE:
            wanted = b"1" if of.firing else b"2"
            assert server.requests[-1].body == b'{"transition":{"id":"' + wanted + b'"}}\n'
            assert server.requests[-2].body == b""


@pytest.mark.parametrize(
    ("answers", "text", "retry"),
    [
        (
            [answer(429, b"slow")],
            "failed to look up existing issues: HTTP request to JIRA API: unexpected status code 429: slow",
            True,
        ),
        ([answer(200, b"<html>")], "failed to look up existing issues: ", False),
        ([answer(200, b'{"issues":{}}')], "failed to look up existing issues: ", False),
        (
            [status("done"), answer(400, b"x")],
            'failed to PUT request to "issue/P-1": unexpected status code 400: x',
            False,
        ),
        ([NOTHING, answer(503)], 'failed to POST request to "issue": unexpected status code 503', True),
        ([NOTHING, close], 'failed to POST request to "issue": Post "<redacted>": EOF', False),
        ([status("done"), NO_CONTENT, answer(502)], "unexpected status code 502", True),
        ([status("done"), NO_CONTENT, close], 'Get "<redacted>": EOF', False),
        ([status("done"), NO_CONTENT, answer(200, b"{}")], "can't find transition Open for issue P-1", False),
        ([status("done"), NO_CONTENT, OFFER, answer(409, b"busy")], "unexpected status code 409: busy", False),
    ],
)
async def test_broken_conversations(answers: list[Answer], text: str, retry: bool) -> None:
    async with serving(*answers) as server:
        said, again, _ = await refusal(build(server.url, MOVES))
    assert said.startswith(text)
    assert again is retry


@pytest.mark.parametrize(
    ("more", "of", "jql"),
    [
        ({}, alert(), "statusCategory != Done and "),
        ({"reopen_transition": "Open"}, alert(), "statusCategory != Done and "),
        ({"reopen_duration": "2h"}, alert(), "statusCategory != Done and "),
        (
            {"reopen_transition": "Open", "reopen_duration": "1d1m59s"},
            alert(),
            "(resolutiondate is EMPTY OR resolutiondate >= -1441m) and ",
        ),
        ({"reopen_transition": "Open", "reopen_duration": "59s"}, alert(), "statusCategory != Done and "),
        ({"reopen_transition": "Open", "reopen_duration": "2h"}, GONE, "statusCategory != Done and "),
        (
            {"wont_fix_resolution": 'No "way"'},
            alert(),
            '(resolution is EMPTY or resolution != "No \\"way\\"") and statusCategory != Done and ',
        ),
    ],
)
async def test_searches(more: dict[str, Any], of: Snapshot, jql: str) -> None:
    async with serving(NOTHING) as server:
        await send(build(server.url, JIRA, **more), of)
        assert json.loads(server.requests[0].body) == {
            "fields": ["status"],
            "jql": f'{jql}project="P" and labels="ALERT{{{HASH}}}" order by status ASC,resolutiondate DESC',
            "maxResults": 2,
        }


@pytest.mark.parametrize(
    ("path", "kind", "target"),
    [
        ("/rest/api/2", "auto", "/rest/api/2/search"),
        ("", "auto", "/search"),
        ("/rest/api/2", "cloud", "/rest/api/3/search/jql"),
        ("/x//rest/api/3/", "cloud", "/x/rest/api/3/search/jql"),
        ("/rest/api/2/?a=b", "datacenter", "/rest/api/2/search?a=b"),
    ],
)
async def test_where_is_searched(path: str, kind: str, target: str) -> None:
    async with serving(NOTHING) as server:
        await send(build(server.url, JIRA, api_url="URL" + path, api_type=kind), GONE)
        assert server.requests[0].target == target


async def test_the_cloud_is_known_by_its_name() -> None:
    async with serving(NOTHING) as proxy:
        way = {"proxy_url": proxy.url}
        await send(build("", JIRA, api_url="http://x.atlassian.net/rest/api/2", http_config=way), GONE)
        assert proxy.requests[0].target == "http://x.atlassian.net/rest/api/3/search/jql"


@pytest.mark.parametrize(
    ("written", "sent"),
    [
        (
            ' {"a": [1.0, "x  \\u00e9<", true],\n\t"b":{}} ',
            b'"description":{"a":[1.0,"x  \\u00e9\\u003c",true],"b":{}},',
        ),
        ('"\\ud800"', b'"description":"\\ud800",'),
        (" \n", b""),
        ("{{ .CommonLabels.none }}", b""),
    ],
)
async def test_documents(written: str, sent: bytes) -> None:
    """Version 3 of the API takes documents, which go through as they are."""
    async with serving(NOTHING, answer(201)) as server:
        await send(build(server.url, JIRA, api_url="URL/rest/api/3", description=written))
        assert server.requests[1].body.startswith(b'{"fields":{' + sent + b'"issuetype":{"name":"Bug"},')


@pytest.mark.parametrize("written", ["text", "{a: 1}", "[1,]", "NaN", "01", '"\t"', "{} {}", "[" * 100_000])
async def test_what_is_no_document(written: str) -> None:
    async with serving(NOTHING) as server:
        said = await refusal(build(server.url, JIRA, api_url="URL/rest/api/3/", description=written))
    assert said == ("description template: invalid JSON for API v3", False, FailureReason.OTHER)


# incident.io.


async def test_only_the_first_alert_of_too_many_bytes() -> None:
    many = [alert(f"A{i}", text="x" * 60_000) for i in range(10)]
    async with serving(answer(202)) as server:
        await send(build(server.url, INCIDENTIO, max_alerts=9), *many)
        await send(build(server.url, INCIDENTIO), *many[:7])
        cut, whole = [json.loads(request.body) for request in server.requests]
        assert server.requests[0].header("authorization") == "Bearer tok"
    assert (cut["version"], len(cut["alerts"]), cut["truncatedAlerts"]) == ("1", 1, 1)
    assert cut["alerts"][0]["labels"]["alertname"] == "A0"
    assert (len(whole["alerts"]), whole["truncatedAlerts"]) == (7, 0)


async def test_the_token_is_read_at_the_start(tmp_path: Path) -> None:
    file = tmp_path / "token"
    file.write_text(" one \n")
    config = {"type": "incidentio", "url": "URL/", "alert_source_token_file": str(file)}
    async with serving(answer(202)) as server:
        sender = build(server.url, config)
        file.write_text("two")
        await send(sender)
        assert server.requests[0].header("authorization") == "Bearer one"
        file.unlink()
        with pytest.raises(BuildError) as caught:
            build(server.url, config)
    why = f"failed to read alert_source_token_file: open {file}: no such file or directory"
    assert str(caught.value) == f"receiver r, incidentio[0]: {why}"


# Keys in files.


@pytest.mark.parametrize(
    ("config", "field", "sent"),
    [
        (PAGERDUTY, "routing_key", lambda request: json.loads(request.body)["routing_key"]),
        (OPSGENIE, "api_key", lambda request: request.header("authorization").removeprefix("GenieKey ")),
        (VICTOROPS, "api_key", lambda request: request.target.split("/")[2]),
    ],
)
async def test_keys_are_read_each_time(
    tmp_path: Path, config: dict[str, Any], field: str, sent: Callable[[Request], str]
) -> None:
    file = tmp_path / "key"
    async with serving(answer(202)) as server:
        sender = build(server.url, config, **{field: "", f"{field}_file": str(file)})
        told = notify()
        for key in ("one", "two"):
            file.write_text(f"\n {key}\n")
            await sender.send(told, told.alerts)
            assert sent(server.requests[-1]) == key
        await sender.aclose()
