"""Our webhook body beside the one that an installed Alertmanager sends for the same alerts."""

import json
import shutil
import socket
import subprocess
from pathlib import Path

import httpx
import msgspec
import pytest
import trio

from ampp.core import labels
from ampp.core.alert import Snapshot
from ampp.core.clock import ZERO
from ampp.core.plan import Integration
from ampp.core.timestamp import parse_rfc3339
from ampp.deliver.message import encode, message

from .kit import notify
from .server import Server, answer, serving

BINARY = shutil.which("prometheus-alertmanager")
pytestmark = pytest.mark.skipif(BINARY is None, reason="no Alertmanager is installed to compare with")

POSTED: list[dict[str, object]] = [
    {
        "labels": {"job": "node", "alertname": "Disk<full>", "instance": "b & c", "sévérité": "x"}
        | {"zone": 'quote " back \\ slash', "cluster": "tab\tline\nbell\x07del\x7f"},
        "annotations": {"summary": "caf\u00e9 \u2028\u2029 \U0001f600", "empty": ""},
        "startsAt": "2026-01-02T03:04:05.123456789+02:00",
        "endsAt": "2099-01-02T03:04:05Z",
        "generatorURL": "http://prometheus:9090/graph?g0.expr=a%3E1&g0.tab=1",
    },
    {
        "labels": {"job": "node", "alertname": "Disk<full>", "instance": "a", "Zone": "1"},
        "annotations": {"summary": "caf\u00e9 \u2028\u2029 \U0001f600"},
        "startsAt": "2026-01-02T03:04:05.1200Z",
        "endsAt": "2099-01-02T03:04:05Z",
    },
    {"labels": {"alertname": "Disk<full>"}, "startsAt": "2026-01-02T03:04:05Z", "endsAt": "2099-01-02T03:04:05Z"},
]

CONFIG = """
route:
  receiver: team.x/y
  group_by: [alertname]
  group_wait: 300ms
receivers:
- name: team.x/y
  webhook_configs: [{url: "URL/", max_alerts: MAX}]
"""


def snapshot(posted: dict[str, object]) -> Snapshot:
    pairs = labels.canonical(posted["labels"])  # type: ignore[arg-type]
    starts, off = parse_rfc3339(str(posted["startsAt"]))
    return Snapshot(
        labels=pairs,
        annotations=dict(sorted(posted.get("annotations", {}).items())),  # type: ignore[attr-defined]
        starts=starts,
        ends=ZERO,
        updated=starts,
        generator_url=str(posted.get("generatorURL", "")),
        marked=labels.fingerprint(pairs),
        hash=labels.hash64(pairs),
        starts_off=off,
    )


async def upstream_body(folder: Path, posted: list[dict[str, object]], most: int) -> tuple[bytes, dict[str, str]]:
    """What Alertmanager POSTs, and the headers it does it with."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    async with serving(answer(200)) as server:
        config = folder / "alertmanager.yml"
        config.write_text(CONFIG.replace("URL", server.url).replace("MAX", str(most)))
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
            with trio.fail_after(30):
                await _post(f"http://127.0.0.1:{port}/x&y/api/v2/alerts", json.dumps(posted))
                body, headers = await _first(server)
            process.terminate()
            return body, headers


async def _post(url: str, body: str) -> None:
    async with httpx.AsyncClient(trust_env=False) as client:
        while True:
            try:
                response = await client.post(url, content=body, headers={"Content-Type": "application/json"})
            except httpx.ConnectError:
                await trio.sleep(0.05)
                continue
            assert response.status_code == 200, response.text
            return


async def _first(server: Server) -> tuple[bytes, dict[str, str]]:
    while not server.requests:
        await trio.sleep(0.02)
    return server.requests[0].body, dict(server.requests[0].headers)


@pytest.mark.parametrize("most", [0, 2])
async def test_the_same_bytes(tmp_path: Path, most: int) -> None:
    posted = POSTED
    if not await _takes_utf8():
        # Before 0.28 label names had to be ASCII.
        posted = [
            {**one, "labels": {n: v for n, v in one["labels"].items() if n.isascii()}}  # type: ignore[attr-defined]
            for one in POSTED
        ]
    theirs, headers = await upstream_body(tmp_path, posted, most)
    alerts = tuple(sorted(map(snapshot, posted), key=lambda alert: labels.notification_order(alert.labels)))
    told = notify(Integration("team.x/y", "webhook", 0, True), *alerts, group='{}:{alertname="Disk<full>"}', deadline=1)
    told = msgspec.structs.replace(told, group_labels={"alertname": "Disk<full>"})
    ours = encode(message(told, alerts, "http://am.example/x&y", most))
    for key in (b'"notification_reason":"first notification",', b'"routeLabels":{},'):
        # Keys that came with 0.34.
        assert key in ours
        if key not in theirs:
            ours = ours.replace(key, b"")
    assert ours == theirs
    assert headers["content-type"] == "application/json"


async def _takes_utf8() -> bool:
    assert BINARY is not None
    shown = await trio.run_process([BINARY, "--version"], capture_stdout=True, capture_stderr=True)
    text = (shown.stdout + shown.stderr).decode()
    version = text.split("version ")[1].split(" ")[0].split("+")[0]
    return tuple(map(int, version.split(".")[:2])) >= (0, 28)
