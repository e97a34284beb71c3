"""`reload.keep_timers` with a real daemon: what a reload leaves unchanged goes on as if there had been none."""

from pathlib import Path

import pytest

from tests.support import Daemon, ampp_command
from tests.support.sink import Sink

INTERVAL = 8


def config(a: str, b: str, interval: int) -> str:
    """Two routes; the second is the one that the reload changes."""
    return (
        "route:\n  receiver: a\n  group_by: [alertname]\n  group_wait: 200ms\n  repeat_interval: 1h\n"
        f"  group_interval: {INTERVAL}s\n  routes:\n"
        f"  - {{receiver: b, matchers: [alertname=B], group_interval: {interval}s}}\n"
        f"receivers:\n- {{name: a, webhook_configs: [{{url: '{a}'}}]}}\n"
        f"- {{name: b, webhook_configs: [{{url: '{b}'}}]}}\n"
    )


def firing(name: str, number: int) -> dict[str, dict[str, str]]:
    return {"labels": {"alertname": name, "instance": str(number)}}


@pytest.mark.parametrize("keep", [True, False])
def test_a_reload_leaves_unchanged_groups_their_timers_and_sends(keep: bool, tmp_path: Path) -> None:
    settings = tmp_path / "ampp.yml"
    settings.write_text(f"reload: {{keep_timers: {str(keep).lower()}}}\n")
    with Sink() as sink:
        sink.behave("/a", ("slow", 3.0))
        text = config(sink.url("/a"), sink.url("/b"), INTERVAL)
        with Daemon(ampp_command(), text, arguments=[f"--ampp.config.file={settings}"]) as daemon:
            api = daemon.api()
            assert api.post_alerts([firing("A", 1), firing("B", 1)]).status == 200
            sink.wait(1, 20, path="/b")
            [first] = sink.wait(1, 20, path="/a")
            # The receiver a has the notification, and has not answered yet.
            daemon.config_file.write_text(config(sink.url("/a"), sink.url("/b2"), 1))
            assert api.request("POST", "/-/reload").status == 200
            assert api.post_alerts([firing("A", 2), firing("B", 2)]).status == 200
            # The changed route is a new one: it takes the new pace and the new address.
            [changed] = sink.wait(1, 30, path="/b2")
            assert changed.labels("firing") == {"B/1", "B/2"}
            second = sink.wait(lambda told: any(d.labels("firing") == {"A/1", "A/2"} for d in told), 30, path="/a")
            told = [d.labels("firing") for d in second]
            if keep:
                assert told == [{"A/1"}, {"A/1", "A/2"}]
                assert second[1].at - first.at > INTERVAL - 1
                assert changed.at < second[1].at
                assert second[1].payload["notification_reason"] == "new alerts added"
            else:
                # As upstream: what was under way is broken off, and told anew by a group that has just begun.
                assert told[0] == {"A/1"}
                assert second[1].payload["notification_reason"] == "first notification"
            assert daemon.stop() == 0
            assert "Traceback" not in daemon.log
