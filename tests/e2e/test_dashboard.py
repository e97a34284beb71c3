"""What dashboards ask: Grafana's data source, karma, the mixin's metrics."""

import re
import time

from tests.support import Daemon, Sink
from tests.support.api import rfc3339

CONFIG = """
route:
  receiver: hook
  group_by: [alertname, cluster]
  group_wait: 200ms
receivers:
  - name: hook
    webhook_configs: [{url: "SINK/hook"}]
inhibit_rules:
  - {source_matchers: [severity="page"], target_matchers: [severity="info"], equal: [cluster]}
"""

MIXIN = (
    "alertmanager_alerts",
    "alertmanager_alerts_received_total",
    "alertmanager_alerts_invalid_total",
    "alertmanager_config_hash",
    "alertmanager_config_last_reload_successful",
    "alertmanager_config_last_reload_success_timestamp_seconds",
    "alertmanager_notifications_total",
    "alertmanager_notifications_failed_total",
    "alertmanager_notification_latency_seconds_bucket",
    "alertmanager_notification_latency_seconds_sum",
    "alertmanager_silences",
    "alertmanager_build_info",
    "process_start_time_seconds",
    "process_resident_memory_bytes",
)


def test_groups_silences_status_and_metrics(command: list[str]) -> None:
    with Sink() as sink, Daemon(command, CONFIG.replace("SINK", sink.url(""))) as daemon:
        api = daemon.api()
        api.post_alerts(
            [
                {"labels": {"alertname": name, "cluster": "c1", "severity": severity}, "startsAt": rfc3339(time.time())}
                for name, severity in (("Disk", "page"), ("Slow", "info"), ("Muted", "warn"))
            ]
        )
        now = time.time()
        silence = api.post_silence([("alertname", "=", "Muted")], now, now + 600).json["silenceID"]
        sink.wait(1)
        states = {
            alert["labels"]["alertname"]: alert["status"]
            for group in api.groups(["cluster=c1"])
            for alert in group["alerts"]
        }
        assert states["Disk"]["state"] == "active"
        assert states["Slow"]["state"] == "suppressed"
        (disk,) = (a for a in api.alerts() if a["labels"]["alertname"] == "Disk")
        assert states["Slow"]["inhibitedBy"] == [disk["fingerprint"]]
        assert states["Muted"]["silencedBy"] == [silence]
        assert {a["labels"]["alertname"] for a in api.alerts(silenced="false", inhibited="false")} == {"Disk"}
        assert [d.labels("firing") for d in sink.deliveries()] == [{"Disk"}]

        status = api.request("GET", "/api/v2/status").json
        assert re.fullmatch(r"\d+\.\d+\.\d+.*", status["versionInfo"]["version"])
        assert "inhibit_rules" in status["config"]["original"]
        assert status["cluster"] == {"peers": [], "status": "disabled"}

        text = api.request("GET", "/metrics").body.decode()
        names = set(re.findall(r"^(\w+)[{ ]", text, re.MULTILINE))
        assert names >= set(MIXIN), set(MIXIN) - names
        assert re.search(r'^alertmanager_alerts_received_total\{status="firing",version="v2"\} 3$', text, re.MULTILINE)
        assert re.search(r'^alertmanager_silences\{state="active"\} 1$', text, re.MULTILINE)
