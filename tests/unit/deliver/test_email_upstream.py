"""Our mail beside the one that an installed Alertmanager sends for the same alerts."""

import json
import re
import socket
import subprocess
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec
import pytest
import trio

from ampp.config import compile as compile_plan
from ampp.config import load
from ampp.core import labels
from ampp.core.plan import Integration
from ampp.deliver import integrations
from ampp.deliver.sender import Unsendable
from ampp.template.renderer import Renderer

from .kit import notify
from .mailbox import Mail, mailbox
from .test_upstream import _post, snapshot
from .twin import BINARY, version

pytestmark = pytest.mark.skipif(BINARY is None, reason="no Alertmanager is installed to compare with")

NAME = "Disk<full> é \U0001f600"


def posting() -> list[dict[str, Any]]:
    # Alertmanager tells of alerts older than group_wait one by one as they come in, so these begin now.
    began = datetime.now(UTC).isoformat()
    return [
        {
            "labels": {"alertname": NAME, "instance": f"host{i}", "job": "node", "path": "/var & <x> \"y\" 'z'\r\n\t."},
            "annotations": {"summary": "caf\u00e9 = \u2028 " + "x" * (60 + i), "dots": ".\n..\n. \nFrom me\n\t\n"},
            "startsAt": began,
            "endsAt": "2099-01-02T03:04:05Z",
            "generatorURL": "http://prometheus:9090/graph?g0.expr=a%3E1&g0.tab=1",
        }
        for i in range(20)
    ]


BODY = """{{ range .Alerts }}{{ .Labels.instance }} {{ .Labels.path }}
{{ .Annotations.summary }}   {{ .Annotations.dots }}
{{ end }}"""

ENTRY = {
    "to": "Ops <ops@example.org>, B\u00fccher <b\u00fc@example.org>, {{ .Status }}@example.org",
    "from": "Alerts <am@example.org>",
    "hello": "am.example",
    "require_tls": False,
    "auth_username": "jurgen",
    "auth_password": "p\u00e4ssword",
    "headers": {
        "subject": "{{ .GroupLabels.alertname }} " * 3,
        "x-injected": "{{ .CommonLabels.path }}",
        "X-Plain": "plain {{ .Status }} ?=_",
    },
    "text": BODY,
    "html": f"<pre title='{{{{ .GroupLabels.alertname }}}}'>{BODY}</pre>",
}


def config(port: int, entry: dict[str, Any]) -> str:
    route = {"receiver": "team.x/y", "group_by": ["alertname"], "group_wait": "2s"}
    receiver = {"name": "team.x/y", "email_configs": [{**entry, "smarthost": f"127.0.0.1:{port}"}]}
    return json.dumps({"route": route, "receivers": [receiver]})


async def theirs(folder: Path, entry: dict[str, Any], posted: list[dict[str, Any]]) -> Mail:
    """What Alertmanager sends."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    with mailbox(auth_require_tls=False) as box:
        file = folder / "alertmanager.yml"
        file.write_text(config(box.port, entry))
        assert BINARY is not None
        command = [
            BINARY,
            f"--config.file={file}",
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
                while not box.mails:
                    await trio.sleep(0.02)
            process.terminate()
        return box.mails[0]


async def ours(entry: dict[str, Any], posted: list[dict[str, Any]]) -> Mail:
    alerts = tuple(sorted(map(snapshot, posted), key=lambda alert: labels.notification_order(alert.labels)))
    with mailbox(auth_require_tls=False) as box:
        loaded = load(config(box.port, entry))
        to = Integration("team.x/y", "email", 0, False)
        senders = integrations.build(loaded, compile_plan(loaded), "http://am.example/x&y", Renderer())
        sender = senders[to]
        assert not isinstance(sender, Unsendable)
        told = notify(to, *alerts, group=f'{{}}:{{alertname="{NAME}"}}')
        await sender.send(msgspec.structs.replace(told, group_labels={"alertname": NAME}), alerts)
        await sender.aclose()
        return box.mails[0]


def comparable(mail: Mail) -> tuple[list[bytes], bytes, dict[str, Any]]:
    """The header lines in some order, the body, and the rest, less what is new in every mail."""
    head, _, body = mail.content.partition(b"\r\n\r\n")
    found = re.search(rb"boundary=(\w+)", head)
    assert found is not None
    head = head.replace(found[1], b"BOUNDARY")
    head = re.sub(rb"Message-Id: <\d+\.\d+@", b"Message-Id: <N.N@", head)
    head = re.sub(rb"Date: \w{3}, \d\d \w{3} \d{4} \d\d:\d\d:\d\d ", b"Date: D ", head)
    rest = msgspec.to_builtins(mail, builtin_types=(bytes,))
    del rest["content"]
    return sorted(head.split(b"\r\n")), body.replace(found[1], b"BOUNDARY"), rest


async def test_the_same_mail(tmp_path: Path) -> None:
    posted = posting()
    assert comparable(await theirs(tmp_path, ENTRY, posted)) == comparable(await ours(ENTRY, posted))


async def test_the_same_mail_by_default(tmp_path: Path) -> None:
    """Default subject and html, and threads: those of the version whose defaults we have."""
    if version() < (0, 34):
        pytest.skip("the installed Alertmanager has other default templates")
    entry = {name: ENTRY[name] for name in ("to", "from", "require_tls")}
    entry["threading"] = {"enabled": True, "thread_by_date": "daily"}
    posted = posting()
    assert comparable(await theirs(tmp_path, entry, posted)) == comparable(await ours(entry, posted))
