"""The requests of our senders beside those of an installed Alertmanager, from one configuration and for one alert list.

`ALERTMANAGER` in the environment names the program; otherwise it is looked for on the path.
"""

import os
import re
import shutil
import subprocess
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
from ampp.core.clock import ZERO
from ampp.core.reason import NotifyReason
from ampp.core.timestamp import parse_rfc3339
from ampp.deliver import integrations
from ampp.deliver.sender import Unsendable
from ampp.template.renderer import Renderer
from tests.support.daemon import Daemon

from .kit import notify
from .server import Answer, Request, Server, answer, serving

BINARY = os.environ.get("ALERTMANAGER") or shutil.which("prometheus-alertmanager")

EXTERNAL_URL = "http://am.example/x&y"

Posted = dict[str, Any]

ALERTS: list[Posted] = [
    {
        "labels": {"alertname": "Disk<full>", "job": "node", "instance": "b & c", "severity": "critical"}
        | {"quote": 'quote " back \\ slash', "control": "tab\tline\nbell\x07del\x7f"},
        "annotations": {"summary": "caf\u00e9 \u2028\u2029 \U0001f600 <!channel>", "runbook": "http://wiki/?a=1&b=2"},
        "startsAt": "2026-01-02T03:04:05.123456789+02:00",
        "generatorURL": "http://prometheus:9090/graph?g0.expr=a%3E1&g0.tab=1",
    },
    {
        "labels": {"alertname": "Disk<full>", "job": "node", "instance": "a", "severity": "critical"},
        "annotations": {"summary": "caf\u00e9 \u2028\u2029 \U0001f600 <!channel>"},
        "startsAt": "2026-01-02T03:04:05.1200Z",
    },
    {"labels": {"alertname": "Disk<full>"}, "startsAt": "2026-01-02T03:04:05Z"},
]
"""What is posted, firing at first, later resolved; grouped by `alertname`."""

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


async def theirs(config: str, folder: Path, count: int, act: Answer | None = None) -> list[Request]:
    """What the installed Alertmanager sends, firing first: `count` requests each time. URL in `config` is replaced."""
    assert BINARY is not None
    (folder / "own.tmpl").write_text(TEMPLATE)
    async with serving(act or ok) as server:
        text = config.replace("URL", server.url).replace("FOLDER", str(folder))
        daemon = Daemon([BINARY], text, arguments=[f"--web.external-url={EXTERNAL_URL}"])
        try:
            await trio.to_thread.run_sync(daemon.start)
            for done, ends in enumerate(("2099-01-02T03:04:05Z", "2026-01-03T03:04:05Z"), 1):
                await _post(f"{daemon.url}/x&y/api/v2/alerts", [{**alert, "endsAt": ends} for alert in ALERTS])
                with trio.fail_after(40):
                    await _until(server, count * done)
        finally:
            await trio.to_thread.run_sync(daemon.close)
        return [msgspec.structs.replace(one, body=_neutral(one.body, server)) for one in server.requests]


async def ours(config: str, folder: Path, act: Answer | None = None) -> list[Request]:
    """What our senders send of the same."""
    renderer = Renderer()
    renderer.add("own.tmpl", TEMPLATE)
    async with serving(act or ok) as server:
        loaded = load(config.replace("URL", server.url).replace("FOLDER", str(folder)))
        senders = integrations.build(loaded, compile_plan(loaded), EXTERNAL_URL, renderer)
        for ends, reason in ((None, NotifyReason.FIRST), ("2026-01-03T03:04:05Z", NotifyReason.ALL_RESOLVED)):
            alerts = tuple(
                sorted(
                    (_snapshot(alert, ends) for alert in ALERTS),
                    key=lambda alert: labels.notification_order(alert.labels),
                )
            )
            for to, sender in senders.items():
                assert not isinstance(sender, Unsendable), sender.why
                told = notify(to, *alerts, group='{}:{alertname="Disk<full>"}', deadline=1, reason=reason)
                await sender.send(msgspec.structs.replace(told, group_labels={"alertname": "Disk<full>"}), alerts)
        for sender in senders.values():
            assert not isinstance(sender, Unsendable)
            await sender.aclose()
        return [msgspec.structs.replace(one, body=_neutral(one.body, server)) for one in server.requests]


ok: Answer = answer(200, b'{"ok":true,"success":true}', Content_Type="application/json; charset=utf-8")
"""A yes to every receiver."""


def seen(request: Request) -> dict[str, str]:
    """The headers that must be the same on both sides."""
    own = ("host", "user-agent", "accept-encoding", "content-length", "traceparent")
    return {name: value for name, value in request.headers if name not in own}


def _neutral(body: bytes, server: Server) -> bytes:
    """The body without the address of the server, whose port is another each time."""
    return body.replace(server.url.encode(), b"URL")


def _snapshot(posted: Posted, ends: str | None) -> Snapshot:
    pairs = labels.canonical(posted["labels"])
    starts, off = parse_rfc3339(posted["startsAt"])
    return Snapshot(
        labels=pairs,
        annotations=dict(sorted(posted.get("annotations", {}).items())),
        starts=starts,
        ends=parse_rfc3339(ends)[0] if ends else ZERO,
        updated=starts,
        generator_url=posted.get("generatorURL", ""),
        fingerprint=labels.fingerprint(pairs),
        hash=labels.hash64(pairs),
        starts_off=off,
    )


async def _post(url: str, alerts: list[Posted]) -> None:
    async with httpx.AsyncClient(trust_env=False) as client:
        response = await client.post(url, json=alerts)
        assert response.status_code == 200, response.text


async def _until(server: Server, count: int) -> None:
    while len(server.requests) < count:
        await trio.sleep(0.02)
