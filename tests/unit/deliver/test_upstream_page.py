"""What reaches PagerDuty, Opsgenie, Splunk On-Call, Jira and incident.io, beside what an Alertmanager sends them.

The one that is installed is asked; `ALERTMANAGER` in the environment names another.
"""

import contextlib
import copy
import datetime
import json
import os
import re
import shutil
import socket
import subprocess
from collections.abc import AsyncIterator, Iterable
from pathlib import Path
from typing import Any

import msgspec
import pytest
import trio

from ampp.config import compile as compile_plan
from ampp.config import load
from ampp.core import labels
from ampp.core.alert import Snapshot
from ampp.core.reason import NotifyReason
from ampp.core.timestamp import parse_rfc3339
from ampp.deliver import integrations
from ampp.deliver.sender import Unsendable
from ampp.template.renderer import Renderer

from .kit import notify
from .server import Request, Server, answer, serving
from .test_http import Authority
from .test_upstream import POSTED, _post

BINARY = os.environ.get("ALERTMANAGER") or shutil.which("prometheus-alertmanager")
pytestmark = pytest.mark.skipif(BINARY is None, reason="no Alertmanager is installed to compare with")


def posted() -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """Alerts as they fire and as they resolve. They begin now: of older ones upstream tells before it has them all."""
    now = datetime.datetime.now(datetime.UTC).replace(microsecond=0, tzinfo=None)
    begins = [f"{(now + datetime.timedelta(hours=2)).isoformat()}.123456789+02:00", f"{now.isoformat()}.12Z"]
    firing: list[dict[str, Any]] = []
    for one, begin in zip(copy.deepcopy(POSTED), [*begins, f"{now.isoformat()}Z"], strict=True):
        # Label names that are not ASCII came with 0.28.
        pairs = {name: value for name, value in dict(one["labels"]).items() if name.isascii()}  # type: ignore[call-overload]
        firing.append({**one, "labels": pairs, "startsAt": begin})
    firing[0]["annotations"]["runbook"] = "https://runbooks.example/?a=1&b=<2>"
    return firing, [{**one, "endsAt": f"{now.isoformat()}.5Z"} for one in firing]


GROUP = {"alertname": "Disk<full>"}

TEMPLATES = """
{{ define "long" }}{{ range .Alerts }}{{ range .Labels.SortedPairs }}{{ .Name }} is “{{ .Value }}” & so <on>; {{ end
}}{{ end }}{{ template "long2" . }}{{ end }}
{{ define "brief" }}“{{ .Status }}” & so <on>{{ end }}
{{ define "long2" }}{{ range .Alerts }}{{ .Annotations.summary }}{{ .StartsAt }}{{ .GeneratorURL }}é…{{ end }}{{ end }}
{{ define "more" }}{{ range .Alerts }}{{ template "long" $ }}{{ end }}{{ end }}
{{ define "many" }}{{ range .Alerts }}{{ template "more" $ }}{{ end }}{{ end }}
{{ define "huge" }}{{ range .Alerts }}{{ range .Labels.Names }}{{ range $.Alerts }}
{{- template "many" $ }}{{ template "many" $ }}{{ template "many" $ }}{{ end }}{{ end }}{{ end }}{{ end }}
{{ define "pagerduty.default.client" }}Ours &co{{ end }}
{{ define "adf" }} {"type": "doc", "version": 1.0, "x": "a < b  &  c \\u00e9 é ",  "content": [
  {"type":"text", "text": {{ .CommonLabels.alertname | printf "%q" }} }, [], {} ] } {{ end }}
"""

HEAD = """
global:
  pagerduty_url: "@URL@/pd-global"
  opsgenie_api_url: "@URL@/og-global?x=1"
  victorops_api_url: "@URL@/vo-global"
templates: ["@FOLDER@/*.tmpl"]
route:
  receiver: team.x/y
  group_by: [alertname]
  group_wait: 2s
  group_interval: 1s
receivers:
- name: team.x/y
"""

# What every version understands. The default details came with 0.29 in their present form.
OLD = r"""
  pagerduty_configs:
  - routing_key: rk
    details: {firing: f, resolved: r, num_firing: '{{ .Alerts.Firing | len }} of', num_resolved: none}
  - url: "@URL@/pd2"
    routing_key: ' {{ .GroupLabels.alertname }} '
    description: '{{ template "long" . }}'
    client: a<b
    client_url: '{{ .ExternalURL }}/é'
    severity: '{{ .Status }}'
    class: c
    component: '{{ .CommonLabels.job }}'
    group: g
    details: {firing: x, resolved: '{{ .Status }} &', num_firing: é, num_resolved: none, extra: '{{ .Receiver }}'}
    images: [{src: 'http://i/{{ .Status }}', alt: a, href: h}, {src: '{{ .CommonLabels.none }}', alt: x}, {src: s}]
    links: [{href: h, text: '{{ .Receiver }}'}, {href: '', text: x}, {href: hh}]
  - service_key: sk {{ .Status }}
    details: {firing: f, resolved: r, num_firing: a, num_resolved: b}
    http_config: &v1 {proxy_url: '@PROXY@', tls_config: {insecure_skip_verify: true}}
  - url: "@URL@/pd-huge"
    routing_key: rk
    details: {firing: '{{ template "huge" . }}', resolved: r, num_firing: a, num_resolved: b}
  - service_key_file: "@FOLDER@/key"
    description: '{{ template "long" . }}'
    details: {firing: '{{ template "huge" . }}', resolved: r, num_firing: a, num_resolved: b}
    http_config: *v1
  opsgenie_configs:
  - api_key: inline
  - api_url: "@URL@/og2/"
    api_key: 'k {{ .Status }}'
    update_alerts: true
    message: '{{ template "long" . }}'
    description: '{{ template "long" . }}'
    source: '{{ .Receiver }}'
    details: {job: mine, 'x {{ .Status }}': '{{ .Status }} <&>', empty: ''}
    entity: e
    actions: ' a, b ,,c '
    tags: '{{ .CommonLabels.alertname }},x, '
    note: n
    priority: P{{ .Alerts.Firing | len }}
    responders:
    - {name: 'a, b,,c', type: teams}
    - {name: '{{ .CommonLabels.none }}', type: '{{ .CommonLabels.none }}'}
    - {username: u, type: User}
    - {id: '{{ .Status }}', name: n, type: '{{ "escalation" }}'}
  - api_url: "@URL@/og3?b=%20&a=1"
    api_key_file: "@FOLDER@/key"
    update_alerts: true
    description: ''
    message: ''
  victorops_configs:
  - api_key: vo key
    routing_key: 'a b/{{ .GroupLabels.alertname }}?é'
  - api_url: "@URL@/vo%2F2"
    api_key_file: "@FOLDER@/key"
    routing_key: r
    message_type: '{{ if eq .Status "firing" }}WARNING{{ end }}'
    state_message: '{{ template "many" . }}'
    entity_display_name: '{{ .Receiver }}'
    monitoring_tool: m
    custom_fields: {zebra: '{{ .CommonLabels.alertname }}', Alpha: é<}
  - api_url: "@URL@/vo3"
    api_key: k
    routing_key: r
    message_type: critical
"""

NEW = r"""
  pagerduty_configs:
  - url: "@URL@/pd-new"
    routing_key: rk
    details:
      top {{ .Status }}: plain
      blank: ''
      extra: '{{ .CommonLabels }}'
      number: '{{ .Alerts | len }}'
      nested: {'{{ .Status }}': ['{{ 1 }}', {b: 'yes', a: '"quoted"'}, 5, 1.50, null, true, 1e21, 0.0000001]}
      list: '[1, "x", {b: 2, a: é, 3: no}]'
  - url: "@URL@/pd-file"
    routing_key_file: "@FOLDER@/padded"
  opsgenie_configs:
  - api_url: "@URL@/og-file"
    api_key_file: "@FOLDER@/padded"
  victorops_configs:
  - api_url: "@URL@/vo-file"
    api_key_file: "@FOLDER@/padded"
    routing_key: r
  jira_configs:
  - api_url: "@URL@/jira-new"
    project: P
    issue_type: Bug
  - api_url: "@URL@/jira-found/rest/api/2/"
    project: 'P "{{ .Status }}"'
    issue_type: '{{ .CommonLabels.none }}'
    summary: '{{ template "long" . }}'
    description: '{{ template "many" . }}'
    labels: ['{{ .Status }}', zz, AA]
    priority: ''
    resolve_transition: Done
    reopen_transition: Re<open
    reopen_duration: 1d1m
    wont_fix_resolution: "Won't \"fix\""
    fields:
      customfield_1: '{{ .Alerts | len }}'
      customfield_2: {value: '{{ .Status }}', '{{ .Status }}': [1, a]}
      components: [{name: '{{ .CommonLabels.job }}'}]
      zz {{ .Status }}: ~
  - api_url: "@URL@/jira-v3//rest/api/3"
    api_type: cloud
    project: P
    issue_type: Bug
    summary: {template: 's & t', enable_update: false}
    description: {template: '{{ template "adf" . }}', enable_update: true}
    reopen_transition: Reopen
    reopen_duration: 59s
  - api_url: "@URL@/jira-cloud/rest/api/2"
    api_type: cloud
    project: P
    issue_type: Bug
    description: {template: x, enable_update: false}
    fields: {summary: mine, description: theirs}
  - api_url: "@URL@/jira-dc/rest/api/3/"
    api_type: datacenter
    project: P
    issue_type: Bug
    description: ' '
    resolve_transition: done
  incidentio_configs:
  - url: "@URL@/ii1"
    alert_source_token: tok
  - url_file: "@FOLDER@/url"
    alert_source_token_file: "@FOLDER@/padded"
    max_alerts: 2
"""

TRANSITIONS = json.dumps(
    {"transitions": [{"id": f"{i}1", "name": name} for i, name in enumerate(("done", "Done", "Re<open", "Reopen"))]}
).encode()


class Receivers:
    """All of them in one server. What a Jira knows depends on its path, and on how often all was taken."""

    def __init__(self) -> None:
        self.requests: list[Request] = []
        self._done = True

    async def __call__(self, request: Request, stream: trio.abc.Stream) -> None:
        self.requests.append(request)
        await answer(200, self._reply(request))(request, stream)

    def _reply(self, request: Request) -> bytes:
        if request.target.endswith("/transitions"):
            return TRANSITIONS
        if "/search" in request.target and "jira-new" not in request.target:
            category = "done" if self._done else "indeterminate"
            status = {"name": "x", "statusCategory": {"key": category, "id": 1}, "more": None}
            issues = [{"key": "P-1", "id": "5", "fields": {"status": status}}, {"key": "P-2"}]
            return json.dumps({"issues": issues, "isLast": True}).encode()
        return b'{"issues": []}'

    def take(self) -> list[tuple[str, str, bytes, dict[str, str]]]:
        """What came in since the last time, by receiver, in the order in which each was asked."""
        names = ("authorization", "content-type", "accept-language", "user-agent")
        found = [
            (
                one.method,
                one.target,
                one.body,
                {name: re.sub("^Alertmanager/.*", "Alertmanager", one.header(name) or "") for name in names},
            )
            for one in self.requests
        ]
        self.requests.clear()
        self._done = not self._done
        # Two keys of v1 go to one address.
        return sorted(found, key=lambda one: (one[1].split("/")[1], b"sk " in one[2]))


@contextlib.asynccontextmanager
async def receivers(folder: Path) -> AsyncIterator[tuple[Receivers, str, str]]:
    """The receivers, their address, and that of a proxy which takes itself for every host of TLS."""
    context = Authority(folder).server("events.pagerduty.com")
    all_of_them = Receivers()
    inner = Server(all_of_them)

    async def intercept(_request: Request, stream: trio.abc.Stream) -> None:
        await stream.send_all(b"HTTP/1.1 200 OK\r\n\r\n")
        await inner.serve(trio.SSLStream(stream, context, server_side=True, https_compatible=True))

    async with serving(all_of_them) as server, serving(intercept) as proxy:
        yield all_of_them, server.url, proxy.url


def written(folder: Path, text: str, url: str, proxy: str) -> Path:
    config = folder / "alertmanager.yml"
    config.write_text((HEAD + text).replace("@URL@", url).replace("@FOLDER@", str(folder)).replace("@PROXY@", proxy))
    (folder / "key").write_text("filed/key")
    (folder / "padded").write_text(" filed key \n")
    (folder / "url").write_text(f"{url}/ii2/x?y=z\n")
    (folder / "own.tmpl").write_text(TEMPLATES)
    return config


async def settled(them: Receivers, least: int) -> list[Any]:
    """What came in once nothing more comes; the receivers are told all at once."""
    with trio.fail_after(15):
        while len(them.requests) < least:
            await trio.sleep(0.05)
        before = -1
        while before != len(them.requests):
            before = len(them.requests)
            await trio.sleep(0.5)
    return them.take()


async def theirs(
    folder: Path, config: Path, them: Receivers, stages: Iterable[Any], least: tuple[int, int]
) -> list[list[Any]]:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    assert BINARY is not None
    command = [
        BINARY,
        f"--config.file={config}",
        f"--storage.path={folder / 'data'}",
        f"--web.listen-address=127.0.0.1:{port}",
        "--web.external-url=http://am.example/x&y/",
        "--cluster.listen-address=",
    ]
    async with trio.open_nursery() as nursery:
        process = await nursery.start(
            lambda task_status: trio.run_process(
                command,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                check=False,
                task_status=task_status,
            )
        )
        try:
            came = []
            for alerts, count in zip(stages, least, strict=True):
                with trio.fail_after(30):
                    await _post(f"http://127.0.0.1:{port}/x&y/api/v2/alerts", json.dumps(alerts))
                came.append(await settled(them, count))
        finally:
            process.terminate()
    return came


def snapshot(one: dict[str, Any], *, firing: bool) -> Snapshot:
    pairs = labels.canonical(one["labels"])
    starts, starts_off = parse_rfc3339(one["startsAt"])
    ends, ends_off = parse_rfc3339("0001-01-01T00:00:00Z" if firing else one["endsAt"])
    return Snapshot(
        labels=pairs,
        annotations=dict(sorted(one.get("annotations", {}).items())),
        starts=starts,
        ends=ends,
        updated=starts,
        generator_url=str(one.get("generatorURL", "")),
        marked=labels.fingerprint(pairs),
        hash=labels.hash64(pairs),
        starts_off=starts_off,
        ends_off=ends_off,
    )


async def ours(config: Path, them: Receivers, stages: Iterable[Any]) -> list[list[Any]]:
    loaded = load(config.read_text())
    renderer = Renderer()
    renderer.add("own.tmpl", TEMPLATES)
    senders = integrations.build(loaded, compile_plan(loaded), "http://am.example/x&y", renderer)
    came = []
    for said, reason in zip(stages, (NotifyReason.FIRST, NotifyReason.ALL_RESOLVED), strict=True):
        shots = [snapshot(one, firing=reason is NotifyReason.FIRST) for one in said]
        alerts = tuple(sorted(shots, key=lambda alert: labels.notification_order(alert.labels)))
        for to, sender in senders.items():
            assert not isinstance(sender, Unsendable)
            told = notify(to, *alerts, group='{}:{alertname="Disk<full>"}', reason=reason, deadline=1)
            told = msgspec.structs.replace(told, group_labels=GROUP)
            await sender.send(told, alerts)
        came.append(them.take())
    for sender in senders.values():
        assert not isinstance(sender, Unsendable)
        await sender.aclose()
    return came


async def compare(folder: Path, text: str, least: tuple[int, int]) -> None:
    stages = posted()
    async with receivers(folder) as (them, url, proxy):
        config = written(folder, text, url, proxy)
        from_upstream = await theirs(folder, config, them, stages, least)
        from_us = await ours(config, them, stages)
    for upstream_stage, our_stage in zip(from_upstream, from_us, strict=True):
        assert [one[:2] for one in our_stage] == [one[:2] for one in upstream_stage]
        for one, other in zip(our_stage, upstream_stage, strict=True):
            assert one == other


async def test_the_same_requests(tmp_path: Path) -> None:
    text = OLD
    if await version() < (0, 26):
        # What is cut ended in three dots.
        text = re.sub('"(long|many)"', '"brief"', text)
    await compare(tmp_path, text, (15, 11))


async def test_the_same_requests_as_newer_versions(tmp_path: Path) -> None:
    if await version() < (0, 34):
        pytest.skip("the Alertmanager at hand does not know these receivers, or speaks otherwise to them")
    await compare(tmp_path, NEW, (20, 19))


async def version() -> tuple[int, ...]:
    assert BINARY is not None
    shown = await trio.run_process([BINARY, "--version"], capture_stdout=True, capture_stderr=True)
    found = re.search(r"version (\d+)\.(\d+)", (shown.stdout + shown.stderr).decode())
    # One that was built without a version is taken for a new one.
    return tuple(map(int, found.groups())) if found else (0, 34)
