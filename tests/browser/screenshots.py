"""Draws docs/images/ anew: `python -m tests.browser.screenshots` (needs Chromium). A made-up night on call."""

import random
import time
from pathlib import Path
from typing import Any

from playwright.sync_api import sync_playwright

from tests.browser.conftest import CHROMIUM
from tests.support import Daemon, Sink, ampp_command
from tests.support.api import rfc3339

FOLDER = Path(__file__).parents[2] / "docs" / "images"

SEVERAL = ("alerts", "alert", "pane", "silence-editor", "look")
"""Drawn in the dark and on a phone as well."""

CONFIG = """
route:
  receiver: chat
  group_by: [alertname, cluster]
  group_wait: 1s
  group_interval: 5m
  repeat_interval: 4h
  routes:
    - receiver: pager
      matchers: [severity="critical"]
      routes:
        - {receiver: database-oncall, matchers: [team="db"]}
    - {receiver: chat, matchers: [team=~"web|infra"], mute_time_intervals: [weekends]}
    - {receiver: office, matchers: [severity="info"], active_time_intervals: [working-hours]}
receivers:
  - {name: chat, webhook_configs: [{url: "SINK/chat"}]}
  - {name: pager, webhook_configs: [{url: "SINK/pager"}]}
  - {name: database-oncall, webhook_configs: [{url: "SINK/down"}]}
  - {name: office, webhook_configs: [{url: "SINK/office"}]}
inhibit_rules:
  - {name: node-down, source_matchers: [alertname="NodeDown"], target_matchers: [severity=~"warning|info"],
     equal: [instance]}
  - {source_matchers: [severity="critical"], target_matchers: [severity="warning"], equal: [alertname, cluster]}
time_intervals:
  - {name: weekends, time_intervals: [{weekdays: ["saturday", "sunday"], location: Europe/Berlin}]}
  - {name: working-hours, time_intervals: [{weekdays: ["monday:friday"],
     times: [{start_time: "09:00", end_time: "17:00"}]}]}
"""


def night() -> list[dict[str, Any]]:
    """What burns."""
    chance = random.Random(4)
    found: list[dict[str, Any]] = []

    def add(name: str, severity: str, team: str, ago: float, summary: str, **labels: str) -> None:
        found.append(
            {
                "labels": {"alertname": name, "severity": severity, "team": team, **labels},
                "annotations": {"summary": summary, "runbook_url": f"https://runbooks.example.org/{name}"},
                "startsAt": rfc3339(time.time() - ago),
                "generatorURL": "https://prometheus.example.org/graph?g0.expr=up",
            }
        )

    for node, used in ((7, 97), (9, 99), (3, 93), (4, 94)):
        text = f"/var is {used} % full on node-{node}"
        where = {"cluster": "eu-1", "instance": f"node-{node}:9100", "job": "node", "device": "/dev/sda1"}
        add("DiskFull", "critical", "infra", 60 * chance.randint(2, 90), text, **where)
    for place in range(11):
        where = {"cluster": "eu-1", "instance": f"web-{place:02}:8080", "job": "web", "namespace": "shop"}
        add("HighLatency", "warning", "web", 60 * chance.randint(3, 400), "p99 latency above 800 ms", **where)
    node = {"cluster": "eu-1", "instance": "node-4:9100", "job": "node"}
    add("NodeDown", "critical", "infra", 840, "node-4 does not answer", **node)
    add("CpuBusy", "warning", "infra", 3000, "node-4 has been busy for an hour", **node)
    where = {"cluster": "us-2", "instance": "db-2:5432", "job": "postgres", "namespace": "data"}
    add("ReplicationLag", "critical", "db", 320, "replica db-2 is 340 s behind", **where)
    for place in range(5):
        text = f"certificate of site-{place}.example.org expires in {9 - place} days"
        where = {"cluster": "us-2", "instance": f"site-{place}.example.org:443", "job": "blackbox"}
        add("CertExpires", "info", "web", 86_400 * chance.randint(1, 4), text, **where)
    for place in range(3):
        where = {"cluster": "us-2", "instance": f"db-{place}:5432", "job": "backup", "namespace": "data"}
        add(
            "BackupOld",
            "warning",
            "db",
            7200 + place * 500,
            f"last backup of db-{place} is {26 + place} h old",
            **where,
        )
    return found


def main() -> None:
    """Draw all of them."""
    FOLDER.mkdir(exist_ok=True)
    with Sink() as sink, Daemon(ampp_command(), CONFIG.replace("SINK", sink.url(""))) as daemon:
        sink.always("/down", 500)
        api = daemon.api()
        api.post_alerts(night())
        now = time.time()
        disk = [("alertname", "=", "DiskFull"), ("instance", "=", "node-3:9100")]
        api.post_silence(disk, now, now + 20_000, createdBy="ops", comment="disk swap, ticket OPS-1234")
        certificates = [("alertname", "=~", "Cert.*")]
        api.post_silence(certificates, now, now + 170_000, createdBy="database", comment="renewal is due on Friday")
        time.sleep(5)
        changed = daemon.config_file.read_text().replace("repeat_interval: 4h", "repeat_interval: 3h")
        daemon.config_file.write_text(changed.replace('[severity="info"]', '[severity=~"info|none"]'))
        api.request("POST", "/-/reload")
        time.sleep(3)
        (burning, *_) = api.alerts(["alertname=DiskFull", "instance=node-7:9100"])
        shots = {
            "alerts": "ui/alerts",
            "alert": f"ui/alert/{burning['fingerprint']}",
            "pane": f"ui/alerts?open={burning['fingerprint']}",
            "groups": "ui/groups",
            "silences": "ui/silences",
            "silence-editor": "ui/silences/new?filter=alertname%3DDiskFull&filter=cluster%3Deu-1",
            "inhibitions": "ui/inhibitions",
            "routing": "ui/routing?labels=severity%3Dcritical+team%3Ddb",
            "receivers": "ui/receivers",
            "history": "ui/history",
            "report": "ui/history?tab=report",
            "status": "ui/status",
            "configurations": "ui/config",
            "look": "ui/look",
            "api": "ui/api",
        }
        with sync_playwright() as driver:
            browser = driver.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
            for scheme, width, height, suffix in (
                ("light", 1360, 850, ""),
                ("dark", 1360, 850, "-dark"),
                ("dark", 390, 780, "-phone"),
            ):
                context = browser.new_context(
                    viewport={"width": width, "height": height}, color_scheme=scheme, service_workers="block"
                )
                # As somebody would have it who told clusters from each other by colour.
                context.add_cookies([{"name": "ampp-look", "value": "colours=cluster", "url": daemon.url}])
                page = context.new_page()
                for name, path in shots.items():
                    if suffix and name not in SEVERAL:
                        continue
                    page.goto(f"{daemon.url}/{path}")
                    page.wait_for_timeout(400)
                    page.screenshot(path=FOLDER / f"{name}{suffix}.png")
                context.close()
            browser.close()


if __name__ == "__main__":
    main()
