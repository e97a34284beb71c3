"""An incident's life at Rootly, as a real server sees it."""

import json
from typing import Any

import pytest

from ampp.config import ConfigError, load
from ampp.config.receivers.rootly import RootlyConfig
from ampp.core.notify import Data
from ampp.deliver.integrations.rootly import Rootly, build
from ampp.deliver.sender import SendError
from ampp.template.renderer import Renderer

from .kit import HOOK, alert, notify
from .server import Answer, Server, answer, serving

RENDERER = Renderer()
DECLARED = answer(201, b'{"data": {"id": "inc/1", "type": "incidents", "attributes": {"x": null}}}')
ID = {"rootly_incident_id": "inc/1"}


def rootly(url: str, options: str = "") -> Rootly:
    entries = f"[{{api_url: '{url}', api_key: k3y{options}}}]"
    entry = load(f"route: {{receiver: a}}\nreceivers: [{{name: a, rootly_configs: {entries}}}]").entry("a", "rootly", 0)
    assert isinstance(entry, RootlyConfig)
    sender = build(entry, "http://am:9093", RENDERER)
    assert isinstance(sender, Rootly)
    return sender


async def tell(server: Server, *, firing: bool = True, options: str = "", data: Data | None = None) -> Data:
    sender = rootly(server.url, options)
    told = notify(HOOK, alert("Down", firing=firing, severity="page"), data=data or {}, token="t")
    try:
        return await sender.send(told, told.alerts)
    finally:
        await sender.aclose()


def said(server: Server, number: int = 0) -> tuple[str, str, dict[str, Any]]:
    request = server.requests[number]
    assert request.header("authorization") == "Bearer k3y"
    assert request.header("content-type") == "application/vnd.api+json"
    body = json.loads(request.body)
    assert set(body) == {"data"}
    assert body["data"]["type"] == "incidents"
    return request.method, request.target, body["data"]["attributes"]


async def test_declared_changed_resolved() -> None:
    async with serving(DECLARED, answer(200, b"{}"), answer(200, b"{}")) as server:
        data = await tell(server, data={"kept": 1})
        assert data == {"kept": 1, **ID}
        assert await tell(server, data=data) == data
        assert await tell(server, firing=False, data=data) == {"kept": 1}
    method, target, attributes = said(server)
    assert (method, target) == ("POST", "/v1/incidents")
    assert attributes.pop("summary").startswith("# Alerts Firing:\n\nLabels:\n  - alertname = Down")
    assert attributes == {
        "title": "[FIRING:1] Down (page)",
        "labels": {"alertname": "Down", "severity": "page"},
        "started_at": "2023-11-14T22:13:20Z",
        "private": False,
    }
    assert server.requests[0].header("idempotency-key") == "t"
    method, target, attributes = said(server, 1)
    assert (method, target) == ("PUT", "/v1/incidents/inc%2F1")
    assert set(attributes) == {"title", "summary", "labels"}
    assert said(server, 2) == (
        "PUT",
        "/v1/incidents/inc%2F1/resolve",
        {"resolution_message": "[RESOLVED] Down (page)"},
    )


async def test_a_deleted_incident_is_declared_anew() -> None:
    async with serving(answer(404), DECLARED) as server:
        assert await tell(server, data={"rootly_incident_id": "old"}) == ID
    assert [(r.method, r.target) for r in server.requests] == [
        ("PUT", "/v1/incidents/old"),
        ("POST", "/v1/incidents"),
    ]


@pytest.mark.parametrize("status", [404, 409])
async def test_what_others_ended_is_fine(status: int) -> None:
    async with serving(answer(status)) as server:
        assert await tell(server, firing=False, data=ID) == {}


async def test_what_was_never_declared_needs_no_end() -> None:
    async with serving(answer(500)) as server:
        assert await tell(server, firing=False) == {}
    assert server.requests == []


async def test_without_updates_an_open_incident_is_left_alone() -> None:
    async with serving(answer(500)) as server:
        assert await tell(server, options=", update: false", data=ID) == ID
    assert server.requests == []


async def test_everything_said() -> None:
    options = (
        ", severity_id: '{{ if eq .CommonLabels.severity `page` }}sev0{{ end }}', environment_ids: [e1, ' '],"
        " service_ids: [s1], group_ids: ['{{ .Receiver }}'], incident_type_ids: [t], private: true,"
        " labels: {via: 'x{{ len .Alerts }}'}, title: '{{ printf `%0300d` 1 }}', summary: hi"
    )
    async with serving(DECLARED) as server:
        await tell(server, options=options)
    attributes = said(server)[2]
    assert len(attributes.pop("title")) == 255
    assert attributes == {
        "summary": "hi",
        "severity_id": "sev0",
        "environment_ids": ["e1"],
        "service_ids": ["s1"],
        "group_ids": ["team"],
        "incident_type_ids": ["t"],
        "labels": {"via": "x1"},
        "started_at": "2023-11-14T22:13:20Z",
        "private": True,
    }


@pytest.mark.parametrize(
    ("step", "options", "message", "retry"),
    [
        (answer(422, b"{}"), "", "unexpected status code 422: {}", False),
        (answer(429), "", "unexpected status code 429", True),
        (answer(500), "", "unexpected status code 500", True),
        (answer(201, b'{"data": {}}'), "", "the incident was declared, but the answer does not say its id", False),
        (DECLARED, ", title: '{{ .Nope }}'", "can't evaluate field Nope", False),
    ],
)
async def test_failures(step: Answer, options: str, message: str, retry: bool) -> None:
    async with serving(step) as server:
        with pytest.raises(SendError) as caught:
            await tell(server, options=options)
    assert message in str(caught.value)
    assert caught.value.retry is retry


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("title: x", "one of api_key or api_key_file is required"),
        ("api_key: a, api_key_file: b", "at most one of api_key & api_key_file must be configured"),
        ("api_key: a, http_config: {bearer_token: b}", "http_config must not authenticate, since api_key does"),
        ("api_key: a, api_url: null", "api_url must not be empty"),
    ],
)
def test_what_is_refused(text: str, message: str) -> None:
    with pytest.raises(ConfigError) as caught:
        load(f"route: {{receiver: a}}\nreceivers: [{{name: a, rootly_configs: [{{{text}}}]}}]")
    assert str(caught.value) == message


def test_the_key_does_not_show() -> None:
    config = load("route: {receiver: a}\nreceivers: [{name: a, rootly_configs: [{api_key: k3y}]}]")
    assert "k3y" not in config.original()
    assert "    api_url: https://api.rootly.com/\n    api_key: <secret>\n" in config.original()
