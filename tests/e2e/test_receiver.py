"""Receivers that fail, hang up or are slow, and the alerts that must reach them all the same."""

import time

from tests.support import Daemon, Sink
from tests.support.api import rfc3339

CONFIG = """
route:
  receiver: hook
  group_by: [alertname]
  group_wait: 200ms
  group_interval: 2s
  repeat_interval: 4h
  routes: [{receiver: other, matchers: [alertname="Other"]}]
receivers:
  - name: hook
    webhook_configs: [{url: "SINK/hook"}]
  - name: other
    webhook_configs: [{url: "SINK/other"}]
"""


def fire(daemon: Daemon, name: str) -> None:
    api = daemon.api()
    alert = {"labels": {"alertname": name}, "startsAt": rfc3339(time.time())}
    assert api.post_alerts([alert]).status == 200
    api.close()


def test_errors_and_resets_are_tried_again(command: list[str]) -> None:
    with Sink() as sink, Daemon(command, CONFIG.replace("SINK", sink.url(""))) as daemon:
        sink.behave("/hook", 500, "reset", 503)
        fire(daemon, "Disk")
        seen = sink.wait(lambda ds: any(d.ok for d in ds), path="/hook", timeout=20)
        assert [d.status for d in seen] == [500, 0, 503, 200]
        assert len({d.body for d in seen}) == 1


def test_a_refusal_is_tried_again_only_at_the_next_flush(command: list[str]) -> None:
    with Sink() as sink, Daemon(command, CONFIG.replace("SINK", sink.url(""))) as daemon:
        sink.behave("/hook", 400)
        fire(daemon, "Disk")
        refused, accepted = sink.wait(2, path="/hook")
        assert (refused.status, accepted.status) == (400, 200)
        assert accepted.at - refused.at > 1.5


def test_a_hanging_receiver_delays_no_other(command: list[str]) -> None:
    with Sink() as sink, Daemon(command, CONFIG.replace("SINK", sink.url(""))) as daemon:
        sink.behave("/hook", *["hang"] * 50)
        fire(daemon, "Disk")
        sink.wait(1, path="/hook")
        fire(daemon, "Other")
        (other,) = sink.wait(1, path="/other", timeout=5)
        assert other.ok
        assert other.labels("firing") == {"Other"}
