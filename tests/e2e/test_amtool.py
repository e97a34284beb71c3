"""The real amtool, as scripts use it."""

import json
import re
import subprocess
import time

import pytest

from tests.support import Daemon, real_binary
from tests.support.api import rfc3339

AMTOOL = real_binary("amtool")

CONFIG = """
route:
  receiver: team-x
  group_wait: 1h
  routes: [{receiver: pager, matchers: [severity="page"]}]
receivers: [{name: team-x}, {name: pager}]
"""

pytestmark = pytest.mark.skipif(AMTOOL is None, reason="amtool is not installed")


def amtool(daemon: Daemon, *arguments: str) -> str:
    done = subprocess.run(
        [str(AMTOOL), f"--alertmanager.url={daemon.url}", *arguments],
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
        env={"HOME": str(daemon.folder), "PATH": "/usr/bin:/bin"},
    )
    assert done.returncode == 0, f"amtool {arguments}: {done.stdout}{done.stderr}"
    return done.stdout


def first_id(text: str) -> str:
    found = re.search(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}", text)
    assert found is not None, text
    return found.group()


def test_a_day_at_the_command_line(command: list[str]) -> None:
    with Daemon(command, CONFIG) as daemon:
        api = daemon.api()
        starts = rfc3339(time.time() - 60)
        api.post_alerts(
            [
                {"labels": {"alertname": "Disk", "instance": "i1", "severity": "page"}, "startsAt": starts},
                {"labels": {"alertname": "Disk", "instance": "i2"}, "annotations": {"summary": "half full"}},
            ]
        )
        amtool(daemon, "alert", "add", "alertname=Typed", "node=bar", "--annotation=runbook=http://r.example")

        listed = json.loads(amtool(daemon, "alert", "query", "-o", "json"))
        assert {a["labels"]["alertname"] for a in listed} == {"Disk", "Typed"}
        table = amtool(daemon, "alert", "query", "alertname=Disk", "instance=~i[2-9]", "-o", "extended")
        assert "half full" in table
        assert "i1" not in table

        made = amtool(daemon, "silence", "add", "alertname=Disk", "instance=~i.", "-d", "2h", "-c", "why", "-a", "me")
        identity = made.strip()
        assert identity == first_id(made)
        assert amtool(daemon, "silence", "query", "-q").split() == [identity]
        assert identity in amtool(daemon, "silence", "query", "alertname=Disk")
        unsilenced = json.loads(amtool(daemon, "alert", "query", "--active", "-o", "json"))
        assert {a["labels"]["alertname"] for a in unsilenced} == {"Typed"}
        silenced = json.loads(amtool(daemon, "alert", "query", "--silenced", "-o", "json"))
        assert [a["status"]["silencedBy"] for a in silenced] == [[identity], [identity]]

        updated = first_id(amtool(daemon, "silence", "update", identity, "-d", "3h", "-c", "longer"))
        assert api.silence(updated)["comment"] == "longer"
        amtool(daemon, "silence", "expire", updated)
        assert amtool(daemon, "silence", "query", "-q") == ""
        assert updated in amtool(daemon, "silence", "query", "--expired", "-q")

        assert "receiver: team-x" in amtool(daemon, "config", "show")
        assert "disabled" in amtool(daemon, "cluster", "show")
