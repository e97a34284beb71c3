"""The requests of our senders beside those of an installed Alertmanager, from one configuration and for one alert list.

`ALERTMANAGER` in the environment names the program; otherwise it is looked for on the path.
"""

import os
import re
import shutil
import subprocess
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import httpx
import msgspec
import trio

from ampp.config import compile as compile_plan
from ampp.config import load
from ampp.core import labels
from ampp.core.alert import Snapshot
from ampp.core.clock import SECOND, ZERO
from ampp.core.reason import NotifyReason
from ampp.core.timestamp import format_rfc3339nano, parse_rfc3339
from ampp.deliver import integrations
from ampp.deliver.sender import Unsendable
from ampp.template.renderer import Renderer
from tests.support.daemon import Daemon

from .kit import notify
from .server import Answer, Request, Server, answer, serving

BINARY = os.environ.get("ALERTMANAGER") or shutil.which("prometheus-alertmanager")

EXTERNAL_URL = "http://am.example/x&y"

Posted = dict[str, Any]


def posted(started: int, ended: int | None = None) -> list[Posted]:
    """What is posted about alerts that began at `started`; meant to be grouped by `alertname`."""
    ends = {"endsAt": format_rfc3339nano(ended or started + 3600 * SECOND, 0)}
    common = {"alertname": "Disk<full>", "job": "node", "severity": "critical"}
    summary = {"summary": "caf\u00e9 \u2028\u2029 \U0001f600 <!channel>"}
    return [
        {
            "labels": {**common, "instance": "b & c", "quote": '" \\', "control": "tab\tline\nbell\x07del\x7f"},
            "annotations": {**summary, "runbook": "http://wiki/?a=1&b=2"},
            "startsAt": format_rfc3339nano(started + 123456789, 7200),
            "generatorURL": "http://prometheus:9090/graph?g0.expr=a%3E1&g0.tab=1",
            **ends,
        },
        {
            "labels": {**common, "instance": "a"},
            "annotations": summary,
            "startsAt": format_rfc3339nano(started + 120000000, 0),
            **ends,
        },
        {"labels": {"alertname": "Disk<full>"}, "startsAt": format_rfc3339nano(started, 0), **ends},
    ]


TEMPLATE = """
{{ define "own.title" }}[{{ .Status | toUpper }}{{ if eq .Status "firing" }}:{{ .Alerts.Firing | len }}{{ end }}] \
{{ .GroupLabels.alertname }}{{ end }}
{{ define "own.text" }}{{ range .Alerts }}*{{ .Labels.instance }}* <{{ .GeneratorURL }}|graph>
{{ .Annotations.summary }} since {{ .StartsAt.UTC.Format "2006-01-02 15:04:05.000" }}
{{ end }}{{ end }}
"""
"""A file of templates such as users have."""


def version() -> tuple[int, int]:
    """That of the program, as (0, 34). One built without saying is taken for the newest."""
    assert BINARY is not None
    shown = subprocess.run([BINARY, "--version"], capture_output=True, text=True, check=True)
    said = re.search(r"version (\d+)\.(\d+)", shown.stdout + shown.stderr)
    return (int(said[1]), int(said[2])) if said else (999, 0)


def by_target(requests: Sequence[Request]) -> dict[str, list[Request]]:
    """The requests of each receiver, in order; receivers are told apart by the paths they are given."""
    found: dict[str, list[Request]] = {}
    for request in requests:
        found.setdefault(request.target, []).append(request)
    return found


async def both(
    config: str, folder: Path, count: int | tuple[int, int], act: Answer | None = None
) -> tuple[list[Request], list[Request]]:
    """What the installed Alertmanager sends of alerts that fire and then are resolved, and what our senders send.

    `config` groups by `alertname`, with a `group_wait` of 2s (what has been there for longer is told of at once,
    whether all has come or not), and leads to `count` requests each time, or to so many when firing and so many when
    resolved. What comes by CONNECT counts once `act` has put what came inside in its place. SINK in `config` is
    replaced by the server's address, FOLDER by `folder`, in which the templates are `own.tmpl`.
    """
    (folder / "own.tmpl").write_text(TEMPLATE)
    config = config.replace("FOLDER", str(folder))
    counts = count if isinstance(count, tuple) else (count, count)
    started, theirs = await _theirs(config, counts, act or ok)
    return theirs, await _ours(config, started, act or ok)


async def _theirs(config: str, counts: tuple[int, int], act: Answer) -> tuple[int, list[Request]]:
    assert BINARY is not None
    async with serving(act) as server:
        daemon = Daemon([BINARY], config.replace("SINK", server.url), arguments=[f"--web.external-url={EXTERNAL_URL}"])
        try:
            await trio.to_thread.run_sync(daemon.start)
            started = time.time_ns() // SECOND * SECOND
            for count, ended in zip((counts[0], sum(counts)), (None, started + SECOND // 2), strict=True):
                await _post(f"{daemon.url}/x&y/api/v2/alerts", posted(started, ended))
                with trio.fail_after(40):
                    await _until(server, count)
        finally:
            await trio.to_thread.run_sync(daemon.close)
        return started, _neutral(server)


async def _ours(config: str, started: int, act: Answer) -> list[Request]:
    renderer = Renderer()
    renderer.add("own.tmpl", TEMPLATE)
    async with serving(act) as server:
        loaded = load(config.replace("SINK", server.url))
        senders = integrations.build(loaded, compile_plan(loaded), EXTERNAL_URL, renderer)
        for ended, reason in ((None, NotifyReason.FIRST), (started + SECOND // 2, NotifyReason.ALL_RESOLVED)):
            alerts = [_snapshot(one, ended or ZERO) for one in posted(started, ended)]
            alerts.sort(key=lambda alert: labels.notification_order(alert.labels))
            for to, sender in senders.items():
                assert not isinstance(sender, Unsendable), sender.why
                told = notify(to, *alerts, group='{}:{alertname="Disk<full>"}', deadline=1, reason=reason)
                told = msgspec.structs.replace(told, group_labels={"alertname": "Disk<full>"})
                await sender.send(told, told.alerts)
        for sender in senders.values():
            assert not isinstance(sender, Unsendable)
            await sender.aclose()
        return _neutral(server)


ok: Answer = answer(200, b'{"ok":true,"success":true}', Content_Type="application/json; charset=utf-8")
"""A yes to every receiver."""


def seen(request: Request) -> dict[str, str]:
    """The headers that must be the same on both sides."""
    own = ("host", "user-agent", "accept-encoding", "content-length", "traceparent")
    return {name: value for name, value in request.headers if name not in own}


def _neutral(server: Server) -> list[Request]:
    """What came in, without the address of the server, whose port is another each time."""
    return [
        msgspec.structs.replace(one, body=one.body.replace(server.url.encode(), b"SINK")) for one in server.requests
    ]


def _snapshot(one: Posted, ends: int) -> Snapshot:
    pairs = labels.canonical(one["labels"])
    starts, off = parse_rfc3339(one["startsAt"])
    return Snapshot(
        labels=pairs,
        annotations=dict(sorted(one.get("annotations", {}).items())),
        starts=starts,
        ends=ends,
        updated=starts,
        generator_url=one.get("generatorURL", ""),
        marked=labels.fingerprint(pairs),
        hash=labels.hash64(pairs),
        starts_off=off,
    )


async def _post(url: str, alerts: list[Posted]) -> None:
    async with httpx.AsyncClient(trust_env=False) as client:
        response = await client.post(url, json=alerts)
        assert response.status_code == 200, response.text


async def _until(server: Server, count: int) -> None:
    while sum(request.method != "CONNECT" for request in server.requests) < count:
        await trio.sleep(0.02)
