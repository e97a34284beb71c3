"""A real Prometheus evaluates rules, fires, resolves; the receiver hears of both in one group."""

import json
import os
import signal
import subprocess
import time
from pathlib import Path

import pytest

from tests.support import Daemon, Delivery, Sink, real_binary

PROMETHEUS = real_binary("prometheus")

CONFIG = """
route: {receiver: hook, group_by: [alertname], group_wait: 1s, group_interval: 1s, repeat_interval: 4h}
receivers:
  - name: hook
    webhook_configs: [{url: "SINK/hook"}]
"""


def start_prometheus(folder: Path, daemon: Daemon, until: float) -> subprocess.Popen[bytes]:
    """Fires `Busy` for two instances until wall time `until`, and `Always` for good."""
    fires = " or ".join(
        f'label_replace(vector(time()) < {until:.0f}, "instance", "{name}", "", "")' for name in ("one", "two")
    )
    rules = {
        "groups": [
            {
                "name": "g",
                "interval": "1s",
                "rules": [
                    {
                        "alert": "Busy",
                        "expr": fires,
                        "labels": {"severity": "page"},
                        "annotations": {"summary": "{{ $labels.instance }} is busy"},
                    },
                    {"alert": "Always", "expr": "vector(1)"},
                ],
            }
        ]
    }
    config = {
        "global": {"evaluation_interval": "1s", "external_labels": {"cluster": "c1"}},
        "rule_files": [str(folder / "rules.yml")],
        "alerting": {"alertmanagers": [{"static_configs": [{"targets": [daemon.address]}]}]},
    }
    (folder / "rules.yml").write_text(json.dumps(rules))
    (folder / "prometheus.yml").write_text(json.dumps(config))
    with (folder / "prometheus.log").open("wb") as log:
        return subprocess.Popen(
            [
                str(PROMETHEUS),
                f"--config.file={folder / 'prometheus.yml'}",
                f"--storage.tsdb.path={folder / 'tsdb'}",
                "--web.listen-address=127.0.0.1:0",
                "--rules.alert.resend-delay=1s",
            ],
            stdout=log,
            stderr=log,
            cwd=folder,
        )


@pytest.mark.skipif(PROMETHEUS is None, reason="prometheus is not installed")
def test_fires_and_resolves_in_one_group(command: list[str], tmp_path: Path) -> None:
    with Sink() as sink, Daemon(command, CONFIG.replace("SINK", sink.url(""))) as daemon:
        prometheus = start_prometheus(tmp_path, daemon, time.time() + 8)
        try:
            busy = {"Busy/one", "Busy/two"}

            def resolved(seen: list[Delivery]) -> bool:
                return set().union(*(d.labels("resolved") for d in seen)) >= busy

            seen = sink.wait(resolved, timeout=40)
        finally:
            os.kill(prometheus.pid, signal.SIGTERM)
            prometheus.wait(20)
        of_busy = [d for d in seen if d.payload["groupLabels"] == {"alertname": "Busy"}]
        assert of_busy[0].labels("firing") == busy
        assert of_busy[-1].labels("resolved") == busy
        assert len(of_busy) == 2, [d.body for d in of_busy]
        first = of_busy[0].payload
        assert first["commonLabels"] == {"alertname": "Busy", "cluster": "c1", "severity": "page"}
        assert {a["annotations"]["summary"] for a in first["alerts"]} == {"one is busy", "two is busy"}
        assert all("/graph?g0.expr=" in a["generatorURL"] for a in first["alerts"])
        assert [d.payload["status"] for d in seen if d.payload["groupLabels"] == {"alertname": "Always"}] == ["firing"]
