"""A scripted day with a real daemon, told back at every step by `explain`: as it happens, and afterwards with `at`."""

import json
import subprocess
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tests.support.api import Api, rfc3339
from tests.support.daemon import Daemon, ampp_command, ampp_environment
from tests.support.schema import fits
from tests.support.sink import Sink

DISK = {"alertname": "DiskFull", "host": "a", "severity": "warning", "team": "db"}
DOWN = {"alertname": "HostDown", "host": "a", "severity": "critical"}
NOTE = {"alertname": "BackupLate", "host": "b", "severity": "info"}
SLOW = {"alertname": "Slow", "host": "c", "severity": "warning", "team": "db"}
BRIEF = {"alertname": "Brief", "host": "d", "severity": "warning"}


def config(sink: Sink, *, db: bool = True) -> str:
    route = "  - {receiver: db, matchers: ['team=\"db\"'], continue: true}\n" if db else ""
    return f"""
route:
  receiver: ops
  group_by: [alertname]
  group_wait: 200ms
  group_interval: 1s
  repeat_interval: 1h
  routes:
{route}  - {{receiver: night, matchers: ['severity="info"'], mute_time_intervals: [always]}}
  - {{receiver: ops, matchers: ['severity=~"warning|critical"']}}
inhibit_rules:
- name: critical-first
  source_matchers: ['severity="critical"']
  target_matchers: ['severity="warning"']
  equal: [host]
time_intervals:
- {{name: always, time_intervals: [{{times: [{{start_time: '00:00', end_time: '24:00'}}]}}]}}
receivers:
- {{name: ops, webhook_configs: [{{url: '{sink.url("/ops")}'}}]}}
- {{name: db, webhook_configs: [{{url: '{sink.url("/db")}'}}]}}
- {{name: night, webhook_configs: [{{url: '{sink.url("/night")}'}}]}}
"""


class Day:
    """The daemon, what it is told, and what it says."""

    def __init__(self, daemon: Daemon, sink: Sink) -> None:
        self.daemon = daemon
        self.sink = sink
        self.api = Api(daemon.host, daemon.port)
        self.names: dict[str, str] = {}
        document = self.api.request("GET", "/api/v2/extensions/openapi.json").json
        described = document["paths"]["/alerts/{fingerprint}/explain"]["get"]["responses"]["200"]
        self.form, self.forms = described["content"]["application/json"]["schema"], document["components"]["schemas"]

    def fire(self, labels: dict[str, str], lasts: float = 3600) -> None:
        self.post(labels, time.time() + lasts)

    def resolve(self, labels: dict[str, str]) -> None:
        self.post(labels, time.time())

    def post(self, labels: dict[str, str], ends: float) -> None:
        starts = min(time.time(), ends)
        alert = {"labels": labels, "startsAt": rfc3339(starts), "endsAt": rfc3339(ends)}
        assert self.api.post_alerts([alert]).status == 200
        for alert in self.api.alerts():
            self.names[alert["labels"]["alertname"]] = alert["fingerprint"]

    def explain(self, labels: dict[str, str], at: float | None = None) -> dict[str, Any]:
        path = f"/api/v2/alerts/{self.names[labels['alertname']]}/explain"
        answer = self.api.request("GET", path if at is None else f"{path}?at={rfc3339(at)}")
        assert answer.status == 200, answer.body
        found: dict[str, Any] = answer.json
        fits(found, self.form, "explanation", self.forms)
        return found

    def until(self, labels: dict[str, str], holds: Callable[[dict[str, Any]], bool]) -> dict[str, Any]:
        """The first explanation of which `holds` is true."""
        deadline = time.monotonic() + 20
        while True:
            found = self.explain(labels)
            if holds(found):
                return found
            assert time.monotonic() < deadline, json.dumps(found, indent=1)
            time.sleep(0.1)


def receiver(found: dict[str, Any], name: str) -> dict[str, Any]:
    """The one integration of a receiver the alert goes to."""
    (group,) = [group for group in found["groups"] if group["receiver"] == name]
    (integration,) = group["integrations"]
    result: dict[str, Any] = integration
    return result


def status(found: dict[str, Any], name: str) -> str | None:
    decision = receiver(found, name)["decision"]
    return None if decision is None else str(decision["status"])


def last_event(found: dict[str, Any]) -> str | None:
    return found["events"][-1]["event"] if found["events"] else None


@pytest.fixture(scope="module")
def day() -> Iterator[Day]:
    with Sink() as sink, Daemon(ampp_command(), config(sink)) as daemon:
        made = Day(daemon, sink)
        yield made
        made.api.close()


def test_a_day_is_told_back(day: Day) -> None:
    told: list[tuple[dict[str, str], float, dict[str, Any]]] = []

    def note(labels: dict[str, str], found: dict[str, Any]) -> None:
        """To be told again later as it is now."""
        time.sleep(0.05)
        told.append((labels, time.time(), found))
        time.sleep(0.05)

    # It fires, and goes two ways.
    day.fire(DISK)
    found = day.until(DISK, lambda one: status(one, "ops") == status(one, "db") == "delivered")
    assert (found["state"], found["live"], found["suppressions"]) == ("firing", True, [])
    assert [group["receiver"] for group in found["groups"]] == ["db", "ops"]
    assert [group["group_labels"] for group in found["groups"]] == [{"alertname": "DiskFull"}] * 2
    routes = found["routes"]["children"]
    assert [(step["outcome"], step.get("chosen", False)) for step in routes] == [
        ("matched", True),
        ("failed", False),
        ("matched", True),
    ]
    assert routes[0]["continues"]
    assert (routes[1]["failed"], routes[1]["value"]) == ('severity="info"', "warning")
    first = receiver(found, "ops")
    assert first["decision"]["reason"] == "first notification"
    assert first["last_told"] is not None
    assert first["next_repeat"] > first["last_told"]
    assert found["groups"][0]["next_flush"] > found["at"]
    note(DISK, found)

    # It is silenced by somebody, and free again.
    silence = day.api.post_silence(
        [("host", "=", "a")], time.time(), time.time() + 3600, createdBy="alice", comment="moving disks"
    ).json["silenceID"]
    found = day.until(DISK, lambda one: last_event(one) == "suppressed")
    assert found["state"] == "suppressed"
    (why,) = found["suppressions"]
    assert (why["reason"], why["silence"]["id"], why["silence"]["created_by"], why["silence"]["comment"]) == (
        "silence",
        silence,
        "alice",
        "moving disks",
    )
    assert any("alice" in sentence and "moving disks" in sentence for sentence in found["summary"])
    turn = found["events"][-1]["created_at"]
    assert found["suppressed_since"] == turn
    assert found["summary"][0] == (
        f"The alert is suppressed: it has fired since {found['starts_at']}, "
        f"and has been kept back since its group's turn at {turn}."
    )
    note(DISK, found)
    day.api.expire_silence(silence)
    found = day.until(DISK, lambda one: last_event(one) == "unsuppressed")
    assert (found["state"], found["suppressions"], found["suppressed_since"]) == ("firing", [], None)
    assert found["summary"][0] == f"The alert is firing, since {found['starts_at']}."
    note(DISK, found)

    # A graver alert on the same host inhibits it.
    day.fire(DOWN)
    found = day.until(DISK, lambda one: last_event(one) == "suppressed")
    (why,) = found["suppressions"]
    assert (why["reason"], why["rule"]) == ("inhibition", "critical-first")
    assert why["source"] == {"fingerprint": day.names["HostDown"], "labels": DOWN}
    note(DISK, found)
    day.resolve(DOWN)
    found = day.until(DISK, lambda one: last_event(one) == "unsuppressed")
    assert found["state"] == "firing"
    note(DISK, found)

    # One that a time interval keeps quiet.
    day.fire(NOTE)
    found = day.until(NOTE, lambda one: last_event(one) == "suppressed" and bool(receiver(one, "night")["decisions"]))
    (why,) = found["suppressions"]
    assert (why["reason"], why["interval"], found["state"]) == ("mute_time_interval", "always", "suppressed")
    assert receiver(found, "night")["decision"]["reason"] == "mute_time_interval"
    assert receiver(found, "night")["last_told"] is None
    note(NOTE, found)

    # One of two receivers fails, and is told once it works again.
    day.sink.always("/db", 400)
    day.fire(SLOW)
    found = day.until(SLOW, lambda one: status(one, "db") == "failed" and status(one, "ops") not in (None, "pending"))
    assert receiver(found, "db")["last_told"] is None
    assert "400" in receiver(found, "db")["text"]
    assert receiver(found, "ops")["last_told"] is not None
    note(SLOW, found)
    day.sink.always("/db", 200)
    found = day.until(SLOW, lambda one: "delivered" in {each["status"] for each in receiver(one, "db")["decisions"]})
    assert "failed" in {one["status"] for one in receiver(found, "db")["decisions"]}
    assert receiver(found, "db")["last_told"] is not None

    # It is resolved by its sender.
    day.resolve(DISK)
    found = day.until(DISK, lambda one: (receiver(one, "ops")["decision"] or {}).get("reason") == "all alerts resolved")
    assert (found["state"], last_event(found)) == ("resolved", "resolved")
    note(DISK, day.until(DISK, lambda one: status(one, "ops") == status(one, "db") == "delivered"))

    # One ends because nobody repeats it.
    day.fire(BRIEF, lasts=1.0)
    found = day.until(BRIEF, lambda one: last_event(one) == "expired" and status(one, "ops") == "delivered")
    assert found["state"] == "expired"
    assert "time ran out" in found["summary"][0]
    note(BRIEF, found)

    # A reload takes a receiver away.
    day.daemon.config_file.write_text(config(day.sink, db=False))
    assert day.api.request("POST", "/-/reload").status == 200
    day.fire(DISK)
    found = day.until(DISK, lambda one: last_event(one) == "firing" and status(one, "ops") == "delivered")
    assert [group["receiver"] for group in found["groups"]] == ["ops"]
    assert found["config"]["hash"] != told[0][2]["config"]["hash"]
    note(DISK, found)

    # The whole day once more, afterwards: also after a restart.
    for again in (False, True):
        if again:
            day.api.close()
            day.daemon.stop()
            day.daemon.start()
            day.api = Api(day.daemon.host, day.daemon.port)
        for labels, at, before in told:
            after = day.explain(labels, at)
            assert not after["live"]
            for same in ("fingerprint", "labels", "state", "starts_at", "routes"):
                assert after[same] == before[same], (same, before, after)
            assert after["config"]["hash"] == before["config"]["hash"]
            assert _kept(after) == _kept(before)
            assert _told(after) == _told(before)
            assert [event["id"] for event in after["events"]] == [event["id"] for event in before["events"]]


def _kept(found: dict[str, Any]) -> list[Any]:
    return [
        [one["reason"], one["rule"], one["interval"], one["source"], (one["silence"] or {}).get("id")]
        for one in found["suppressions"]
    ]


def _told(found: dict[str, Any]) -> list[Any]:
    return [
        [group["receiver"], to["integration"], to["last_told"] is not None, [one["id"] for one in to["decisions"]]]
        for group in found["groups"]
        for to in group["integrations"]
    ]


@pytest.mark.parametrize(
    ("path", "status_code", "says"),
    [
        ("0123456789abcdef/explain", 404, "0123456789abcdef"),
        ("xyz/explain", 400, "fingerprint"),
        ("0123456789abcdef/explain?at=yesterday", 400, "at"),
        ("0123456789abcdef/explain?at=2999-01-01T00:00:00Z", 400, "at"),
        ("0123456789abcdef/explain?at=2001-01-01T00:00:00Z", 404, "0123456789abcdef"),
        ("0123456789abcdef/explain?when=now", 400, "when"),
    ],
)
def test_what_cannot_be_explained_is_refused(day: Day, path: str, status_code: int, says: str) -> None:
    answer = day.api.request("GET", f"/api/v2/alerts/{path}")
    assert answer.status == status_code
    error = answer.json["error"]
    assert says in error["message"]
    if status_code == 400:
        assert error["details"][0]["field"] == says


def ampp(day: Day, *words: str) -> subprocess.CompletedProcess[str]:
    command = [*ampp_command()[:-1], "explain", "--url", day.daemon.url, *words]
    return subprocess.run(command, env=ampp_environment(), capture_output=True, text=True, timeout=60, check=False)


def test_the_command_tells_people_and_programs(day: Day) -> None:
    day.fire(BRIEF, lasts=600)
    name = day.names["Brief"]
    by_name, by_matcher = ampp(day, name), ampp(day, "alertname=Brief")
    assert (by_name.returncode, by_matcher.returncode) == (0, 0), by_name.stderr + by_matcher.stderr
    for done in (by_name, by_matcher):
        assert name in done.stdout
        assert '-> severity=~"warning|critical": to ops' in done.stdout
        assert "no, severity=\"info\" does not hold (it is 'warning')" in done.stdout
    (found,) = json.loads(ampp(day, "Brief", "-o", "json").stdout)
    assert found["fingerprint"] == name
    assert ampp(day, "alertname=Nobody").returncode == 1
    assert ampp(day, name, "--at", "whenever").returncode == 2
    assert "Traceback" not in ampp(day, "a=~(").stderr
    missing = ampp(day, "0" * 16)
    assert (missing.returncode, "Traceback" in missing.stderr) == (1, False)
