"""Restarts and swaps on one storage folder: nobody is told twice, no silence is lost."""

import time
from collections.abc import Iterable

import pytest

from tests.support import Api, Daemon, Sink, ampp_command, ampp_missing, real_binary
from tests.support.api import instant, rfc3339

CONFIG = """
route:
  receiver: hook
  group_by: [alertname]
  group_wait: 300ms
  group_interval: 1s
  repeat_interval: 4h
receivers:
  - name: hook
    webhook_configs: [{url: "SINK/hook"}]
"""

needs_ampp = pytest.mark.skipif(ampp_missing() is not None, reason=f"ampp cannot run: {ampp_missing()}")


def fire(api: Api, starts: float, names: Iterable[str], *, ended: bool = False) -> None:
    now = time.time()
    answer = api.post_alerts(
        [
            {
                "labels": {"alertname": name.split("/")[0], "instance": name.split("/")[1]},
                "annotations": {"summary": name},
                "startsAt": rfc3339(starts),
                "endsAt": rfc3339(now if ended else now + 3600),
            }
            for name in names
        ]
    )
    assert answer.status == 200


def wait_past_ticks(api: Api, sink: Sink, name: str) -> None:
    """Wait until a fresh group has been told of its firing and of its end: every other group has ticked meanwhile."""
    starts = time.time()
    fire(api, starts, [f"{name}/x"])
    sink.wait(lambda seen: any(f"{name}/x" in d.labels("firing") for d in seen), path="/hook")
    fire(api, starts, [f"{name}/x"], ended=True)
    sink.wait(lambda seen: any(f"{name}/x" in d.labels("resolved") for d in seen), path="/hook")


def told(sink: Sink, alertname: str) -> list[tuple[set[str], set[str]]]:
    return [
        (d.labels("firing"), d.labels("resolved"))
        for d in sink.deliveries("/hook")
        if d.payload["groupLabels"]["alertname"] == alertname
    ]


def connect(daemon: Daemon) -> Api:
    api = daemon.api()
    api.wait_ready()
    return api


@pytest.mark.parametrize(
    ("first", "second"),
    [
        pytest.param("original", "original", id="harness"),
        pytest.param("original", "ampp", marks=needs_ampp),
        pytest.param("ampp", "ampp", marks=needs_ampp),
    ],
)
@pytest.mark.skipif(real_binary("prometheus-alertmanager") is None, reason="prometheus-alertmanager is not installed")
def test_swap_there_and_back(first: str, second: str) -> None:
    commands = {"original": [str(real_binary("prometheus-alertmanager"))], "ampp": ampp_command()}
    with Sink() as sink:
        daemon = Daemon(commands[first], CONFIG.replace("SINK", sink.url("")))
        try:
            starts = round(time.time() - 30, 3)
            daemon.start()
            api = connect(daemon)
            fire(api, starts, ["Disk/a", "Disk/b", "Net/a"])
            now = time.time()
            active = api.post_silence([("alertname", "=", "Muted"), ("x", "!~", "a|b")], now, now + 3600).json
            pending = api.post_silence([("alertname", "=~", "Later.*")], now + 900, now + 3600).json
            wait_past_ticks(api, sink, "Canary1")
            assert told(sink, "Disk") == [({"Disk/a", "Disk/b"}, set())]
            assert daemon.stop() == 0

            daemon.command = commands[second]
            daemon.start()
            api = connect(daemon)
            fire(api, starts, ["Disk/a", "Disk/b", "Net/a", "Muted/m"])
            wait_past_ticks(api, sink, "Canary2")
            assert told(sink, "Disk") == [({"Disk/a", "Disk/b"}, set())]
            assert told(sink, "Net") == [({"Net/a"}, set())]
            assert told(sink, "Muted") == []
            silences = {s["id"]: s for s in api.silences()}
            assert silences[active["silenceID"]]["status"]["state"] == "active"
            assert silences[pending["silenceID"]]["status"]["state"] == "pending"
            assert abs(instant(silences[pending["silenceID"]]["startsAt"]) - now - 900) < 0.002
            assert [m["name"] for m in silences[active["silenceID"]]["matchers"]] == ["alertname", "x"]
            fire(api, starts, ["Disk/c"])
            sink.wait(lambda seen: any("Disk/c" in d.labels("firing") for d in seen), path="/hook")
            third = api.post_silence([("alertname", "=", "Third")], time.time(), time.time() + 3600).json
            assert api.expire_silence(pending["silenceID"]).status == 200
            wait_past_ticks(api, sink, "Canary3")
            assert daemon.stop() == 0

            daemon.command = commands[first]
            daemon.start()
            api = connect(daemon)
            fire(api, starts, ["Disk/a", "Disk/b", "Disk/c", "Net/a", "Muted/m"])
            wait_past_ticks(api, sink, "Canary4")
            states = {s["id"]: s["status"]["state"] for s in api.silences()}
            assert states == {
                active["silenceID"]: "active",
                pending["silenceID"]: "expired",
                third["silenceID"]: "active",
            }
            assert told(sink, "Disk") == [({"Disk/a", "Disk/b"}, set()), ({"Disk/a", "Disk/b", "Disk/c"}, set())]
            fire(api, starts, ["Disk/a", "Disk/b", "Disk/c"], ended=True)
            sink.wait(lambda seen: "Disk/a" in set().union(*(d.labels("resolved") for d in seen)), path="/hook")
            wait_past_ticks(api, sink, "Canary5")
            assert told(sink, "Disk")[2:] == [(set(), {"Disk/a", "Disk/b", "Disk/c"})]
            assert told(sink, "Net") == [({"Net/a"}, set())]
            assert told(sink, "Muted") == []
        finally:
            daemon.close()


@needs_ampp
def test_a_restart_forgets_nothing_and_says_nothing() -> None:
    """Nobody sends the alerts again: ampp still knows them, and tells their end when they end."""
    with Sink() as sink, Daemon(ampp_command(), CONFIG.replace("SINK", sink.url(""))) as daemon:
        starts = round(time.time() - 30, 3)
        api = connect(daemon)
        fire(api, starts, ["Disk/a", "Disk/b"])
        fire(api, starts, ["Gone/a"])
        wait_past_ticks(api, sink, "Canary1")
        fire(api, starts, ["Gone/a"], ended=True)
        wait_past_ticks(api, sink, "Canary2")
        before = {a["fingerprint"]: a for a in api.alerts()}
        assert daemon.stop() == 0
        daemon.start()
        api = connect(daemon)
        after = {a["fingerprint"]: a for a in api.alerts()}
        assert after.keys() == before.keys()
        for fingerprint, alert in after.items():
            for name in ("labels", "annotations", "startsAt", "receivers"):
                assert alert[name] == before[fingerprint][name]
        wait_past_ticks(api, sink, "Canary3")
        assert told(sink, "Disk") == [({"Disk/a", "Disk/b"}, set())]
        assert told(sink, "Gone") == [({"Gone/a"}, set()), (set(), {"Gone/a"})]
        fire(api, starts, ["Disk/a", "Disk/b"], ended=True)
        sink.wait(lambda seen: "Disk/b" in set().union(*(d.labels("resolved") for d in seen)), path="/hook")
        assert told(sink, "Disk")[1:] == [(set(), {"Disk/a", "Disk/b"})]
