"""Backtests over what a real daemon recorded, held against what its receivers really got."""

import json
import random
import re
import shutil
import subprocess
import time
from collections import Counter
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import apsw
import pytest

from tests.support.api import Api, rfc3339
from tests.support.daemon import Daemon, ampp_command, ampp_environment
from tests.support.sink import Sink

TEAMS = ("web", "db", "net")


def config(sink: Sink) -> str:
    """Whatever is critical goes to the pager, and everything to its team besides."""
    receivers = ("ops", "pager", *TEAMS)
    pager = "  - {receiver: pager, matchers: ['severity=\"critical\"'], continue: true}\n"
    teams = "".join(f"  - {{receiver: {team}, matchers: ['team=\"{team}\"']}}\n" for team in TEAMS)
    return (
        f"route:\n  receiver: ops\n  group_by: [alertname]\n  group_wait: 300ms\n  group_interval: 2s\n"
        f"  repeat_interval: 5s\n  routes:\n{pager}{teams}  - {{receiver: ops, matchers: ['team=\"none\"']}}\n"
        "inhibit_rules:\n- {source_matchers: ['severity=\"critical\"'], target_matchers: ['severity=\"warning\"'], "
        "equal: [host]}\n"
        "receivers:\n"
        + "".join(f"- {{name: {name}, webhook_configs: [{{url: '{sink.url('/' + name)}'}}]}}\n" for name in receivers)
    )


class Recorded:
    """A daemon's storage, what its receivers got, and the configuration it had."""

    def __init__(self, storage: Path, sink: Sink, text: str, *, stalled: bool) -> None:
        self.storage = storage
        self.text = text
        self.stalled = stalled
        deliveries = sink.deliveries()
        self.got = Counter(one.path.strip("/") for one in deliveries if one.ok)
        self.refused = Counter(one.path.strip("/") for one in deliveries if not one.ok)
        self.told: dict[frozenset[tuple[str, str]], set[str]] = {}
        for one in deliveries:
            for alert in one.payload["alerts"] if one.ok else ():
                if alert["status"] == "firing":
                    self.told.setdefault(frozenset(alert["labels"].items()), set()).add(one.path.strip("/"))

    def accounts_for(self, found: dict[str, Any], side: str) -> None:
        """Whether what the receivers got is what the report counts. A delivery that was given up (at the reload, at an
        end of the daemon) may have reached its receiver all the same."""
        decided, delivered, failed = (totals(found, side, what) for what in ("notifications", "delivered", "failed"))
        for name in {*self.got, *self.refused, *decided}:
            given_up = decided[name] - delivered[name] - failed[name]
            unheard = self.got[name] - delivered[name], self.refused[name] - failed[name]
            assert min(unheard) >= 0, (name, unheard)
            assert sum(unheard) <= given_up, (name, unheard, given_up)


def traffic(api: Api, sink: Sink, daemon: Daemon, seconds: float) -> None:
    """Alerts that come, go, and run out; a silence; a receiver that fails for a while; a reload."""
    dice = random.Random(7)
    began = time.monotonic()
    firing: list[dict[str, str]] = []
    done: set[str] = set()

    def once(name: str, after: float) -> bool:
        if name in done or time.monotonic() - began < after * seconds:
            return False
        done.add(name)
        return True

    while time.monotonic() - began < seconds:
        batch = []
        for _ in range(dice.randrange(1, 4)):
            if firing and dice.random() < 0.45:
                batch.append({"labels": firing.pop(dice.randrange(len(firing))), "endsAt": rfc3339(time.time())})
                continue
            labels = {
                "alertname": f"Alert{dice.randrange(6)}",
                "host": f"h{dice.randrange(5)}",
                "severity": dice.choice(("critical", "warning", "info")),
                "team": dice.choice((*TEAMS, "none")),
            }
            brief = dice.random() < 0.3
            if not brief:
                firing.append(labels)
            batch.append({"labels": labels, "endsAt": rfc3339(time.time() + (0.8 if brief else 600))})
        assert api.post_alerts(batch).status == 200
        if once("silence", 0.2):
            api.post_silence([("alertname", "=", "Alert1")], time.time(), time.time() + 3)
        if once("fail", 0.3):
            sink.always("/db", 400)
        if once("mend", 0.6):
            sink.always("/db", 200)
        if once("reload", 0.7):
            assert api.request("POST", "/-/reload").status == 200
        time.sleep(dice.uniform(0.02, 0.25))


def stalled(api: Api) -> bool:
    """Whether the machine held the daemon up for so long that its turns came nearer to the next than to their own."""
    text = api.request("GET", "/metrics").body.decode()
    counts = dict(re.findall(r'^ampp_loop_stall_seconds_bucket\{le="([^"]+)"\} (\S+)$', text, re.MULTILINE))
    return float(counts["+Inf"]) > float(counts["0.5"])


@pytest.fixture(scope="module")
def recorded(tmp_path_factory: pytest.TempPathFactory) -> Recorded:
    """A day with a restart in it. One during which the machine stood still is recorded anew: which of two things came
    first is then not to be told from the records."""
    for _ in range(3):
        storage = tmp_path_factory.mktemp("day") / "data"
        with Sink() as sink:
            text = config(sink)
            held_up = False
            with Daemon(ampp_command(), text, storage=storage) as daemon:
                for seconds in (10, 5):
                    if seconds == 5:
                        daemon.start(60)
                    api = Api(daemon.host, daemon.port)
                    traffic(api, sink, daemon, seconds)
                    held_up = held_up or stalled(api)
                    api.close()
                    daemon.stop()
            found = Recorded(storage, sink, text, stalled=held_up)
        if not held_up:
            break
    return found


def run(storage: Path | None, candidate: Path, *words: str) -> subprocess.CompletedProcess[str]:
    place = [] if storage is None else ["--storage.path", str(storage)]
    command = [*ampp_command()[:-1], "backtest", "--config", str(candidate), *place, *words]
    return subprocess.run(command, env=ampp_environment(), capture_output=True, text=True, timeout=120, check=False)


def report(storage: Path | None, candidate: Path, *words: str) -> dict[str, Any]:
    done = run(storage, candidate, "-o", "json", *words)
    assert done.returncode == 0, done.stderr
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def totals(found: dict[str, Any], side: str, what: str) -> Counter[str]:
    return Counter({one["receiver"]: one[side][what] for one in found["receivers"] if one[side][what]})


def says_so(found: dict[str, Any]) -> bool:
    """Whether the report tells that the replay came to other numbers than were sent."""
    return not found["recorded"]["reproduced"] and any("does not come to" in note for note in found["notes"])


def instant(text: str) -> datetime:
    return datetime.fromisoformat(text)


def written(folder: Path, text: str) -> Path:
    path = folder / "candidate.yml"
    path.write_text(text)
    return path


def test_the_same_configuration_differs_in_nothing_and_counts_what_was_sent(recorded: Recorded, tmp_path: Path) -> None:
    found = report(recorded.storage, written(tmp_path, recorded.text), "--exit-code")
    assert (found["same"], found["vanished"]["count"], found["added"]["count"]) == (True, 0, 0)
    assert found["records"]["broken"] == 0
    if recorded.stalled and says_so(found):
        return
    assert found["recorded"]["reproduced"], found["recorded"]
    assert found["notes"] == []
    for side in ("before", "after"):
        recorded.accounts_for(found, side)
    assert recorded.refused["db"] > 0
    assert sum(recorded.got.values()) > 30


def test_a_dropped_receiver_loses_exactly_its_notifications(recorded: Recorded, tmp_path: Path) -> None:
    decided = totals(report(recorded.storage, written(tmp_path, recorded.text)), "before", "notifications")["pager"]
    candidate = written(tmp_path, recorded.text.replace("- {receiver: pager", "# {receiver: pager"))
    found = report(recorded.storage, candidate, "--examples", "100")
    assert not found["same"]
    assert totals(found, "before", "delivered")["pager"] > 0
    if recorded.stalled and says_so(found):
        return
    assert found["vanished"]["count"] == decided, found["recorded"]
    assert found["added"]["count"] == 0
    by_name = {one["receiver"]: one for one in found["receivers"]}
    assert (by_name["pager"]["vanished"], by_name["pager"]["after"]["notifications"]) == (decided, 0)
    assert all(one["vanished"] == one["added"] == 0 for name, one in by_name.items() if name != "pager")
    assert {one["receiver"] for one in found["vanished"]["examples"]} == {"pager"}
    # Critical ones go on to their teams, or to ops; all but those of whom the teams had not been told when it ended.
    lost = found["alerts_lost"]["examples"]
    assert found["alerts_lost"]["count"] == len(lost)
    if not recorded.stalled:
        for one in lost:
            assert recorded.told.get(frozenset(one["labels"].items()), set()) <= {"pager"}, one
    # Whether the pager heard of them or not: a delivery may have been given up at the reload, or when the daemon ended.
    moved = found["alerts_moved"]["examples"]
    assert {one["labels"]["severity"] for one in (*moved, *lost)} == {"critical"}
    assert all("pager" in one["before"] and "pager" not in one["after"] for one in moved)
    assert run(recorded.storage, candidate, "--exit-code").returncode == 1


def test_alerts_that_would_reach_nobody_are_named(recorded: Recorded, tmp_path: Path) -> None:
    nobody = recorded.text.replace("- {name: net, webhook_configs:", "- {name: net} #")
    found = report(recorded.storage, written(tmp_path, nobody))
    assert found["alerts_lost"]["count"] > 0
    assert {one["before"][-1] for one in found["alerts_lost"]["examples"]} == {"net"}
    assert all(one["after"] == [] for one in found["alerts_lost"]["examples"])
    # A baseline of its own makes it the state of things.
    same = report(recorded.storage, written(tmp_path, nobody), "--baseline", str(written(tmp_path, nobody)))
    assert (same["same"], same["recorded"]) == (True, None)


def test_only_what_matches_is_counted(recorded: Recorded, tmp_path: Path) -> None:
    candidate = written(tmp_path, recorded.text)
    everything = report(recorded.storage, candidate)
    some = report(recorded.storage, candidate, "--match", 'team="db"')
    assert (
        0
        < sum(totals(some, "before", "notifications").values())
        < sum(totals(everything, "before", "notifications").values())
    )
    assert totals(some, "before", "notifications")["db"] == totals(everything, "before", "notifications")["db"]


def test_what_only_the_candidate_sends_is_assumed_to_succeed_and_said(recorded: Recorded, tmp_path: Path) -> None:
    more = recorded.text.replace("routes:\n", "routes:\n  - {receiver: audit, continue: true}\n", 1).replace(
        "receivers:\n", "receivers:\n- {name: audit, webhook_configs: [{url: 'http://localhost:1/'}]}\n", 1
    )
    found = report(recorded.storage, written(tmp_path, more))
    (audit,) = [one for one in found["receivers"] if one["receiver"] == "audit"]
    after = audit["after"]
    assert after["notifications"] == after["delivered"] == after["assumed"] == audit["added"] > 0
    assert any("assumed" in note for note in found["notes"])


def test_bad_input_is_told_in_a_line(recorded: Recorded, tmp_path: Path) -> None:
    good = written(tmp_path, recorded.text)
    bad = tmp_path / "bad.yml"
    bad.write_text("route:\n  receiver: nobody\nreceivers:\n- name: ops\n")
    for done, says in (
        (run(recorded.storage, bad), f"{bad}:2:"),
        (run(recorded.storage, tmp_path / "missing.yml"), "missing.yml"),
        (run(tmp_path, good), "alerts.db"),
        (run(recorded.storage, good, "--since", "whenever"), "whenever"),
        (run(recorded.storage, good, "--match", "a=~("), "match"),
        (run(None, good, "--url", "http://127.0.0.1:1"), "127.0.0.1:1"),
    ):
        assert done.returncode == 2, done.stderr
        assert says in done.stderr
        assert "Traceback" not in done.stderr
        assert done.stdout == ""


def test_broken_and_newer_records_are_skipped_and_counted(recorded: Recorded, tmp_path: Path) -> None:
    storage = tmp_path / "data"
    shutil.copytree(recorded.storage, storage)
    connection = apsw.Connection(str(storage / "alerts.db"))
    last = connection.execute("SELECT max(seq) FROM journal").get
    at = connection.execute("SELECT max(at) FROM journal").get
    connection.execute("UPDATE journal SET body = x'c1ff' WHERE seq = ?", (last // 2,))
    connection.execute("INSERT INTO journal VALUES (?, ?, 'omen', x'81a174a46f6d656e')", (last + 1, at))
    connection.close()
    found = report(storage, written(tmp_path, recorded.text))
    assert (found["records"]["broken"], found["records"]["newer"]) == (1, {"omen": 1})
    assert any("omen" in note for note in found["notes"])


def test_a_journal_that_begins_later_than_asked_says_so(recorded: Recorded, tmp_path: Path) -> None:
    storage = tmp_path / "data"
    shutil.copytree(recorded.storage, storage)
    connection = apsw.Connection(str(storage / "alerts.db"))
    connection.execute("DELETE FROM journal WHERE seq <= (SELECT max(seq) / 3 FROM journal)")
    connection.close()
    (storage / "history.db").unlink()
    found = report(storage, written(tmp_path, recorded.text))
    assert not found["period"]["complete"]
    assert any("the journal begins at" in note for note in found["notes"])
    assert found["same"]


def test_what_was_swept_from_the_journal_is_taken_from_the_history(recorded: Recorded, tmp_path: Path) -> None:
    storage = tmp_path / "data"
    shutil.copytree(recorded.storage, storage)
    connection = apsw.Connection(str(storage / "alerts.db"))
    whole = connection.execute("SELECT count(*) FROM journal").get
    connection.execute("DELETE FROM journal WHERE seq <= (SELECT max(seq) * 2 / 3 FROM journal)")
    left = connection.execute("SELECT count(*) FROM journal").get
    connection.close()
    found = report(storage, written(tmp_path, recorded.text))
    assert found["same"]
    assert found["recorded"]["reproduced"] or (recorded.stalled and says_so(found)), found["recorded"]
    assert left < found["records"]["replayed"] < 2 * whole
    # It tells how things stood when the journal begins, and is not compared itself.
    period = found["period"]
    assert not period["complete"]
    assert instant(period["since"]) - instant(period["journal_since"]) == timedelta(seconds=2 * 2 + 0.3)
    assert any(f"only from {period['since']} on, when every group" in one for one in found["notes"])
    (storage / "history.db").unlink()
    rest = report(storage, written(tmp_path, recorded.text))
    assert instant(rest["period"]["since"]) >= instant(period["since"])
    assert rest["recorded"]["reproduced"] or says_so(rest)


def test_the_server_does_it_too(recorded: Recorded, tmp_path: Path) -> None:
    storage = tmp_path / "data"
    shutil.copytree(recorded.storage, storage)
    candidate = written(tmp_path, recorded.text.replace("- {receiver: pager", "# {receiver: pager"))
    with Daemon(ampp_command(), recorded.text, storage=storage) as daemon:
        found = report(None, candidate, "--url", daemon.url)
        assert found["vanished"]["count"] > 0
        api = Api(daemon.host, daemon.port)
        for body, field in (
            ({"config": "route: {receiver: a}"}, "config"),
            ({"config": recorded.text, "since": "soon"}, "since"),
            ({"config": recorded.text, "match": ["a=~("]}, "match"),
            ({"config": recorded.text, "examples": 1000}, "examples"),
            ({"konfig": ""}, "body"),
        ):
            answer = api.post_json("/api/v2/config/backtest", body)
            assert (answer.status, answer.json["error"]["details"][0]["field"]) == (400, field)
        job = api.post_json("/api/v2/config/backtest", {"config": recorded.text}).json
        assert job["state"] == "running"
        path = f"/api/v2/config/backtest/{job['id']}"
        assert api.post_json("/api/v2/config/backtest", {"config": recorded.text}).status == 409
        assert api.request("DELETE", path).json["state"] == "canceled"
        assert api.request("GET", path).json["state"] == "canceled"
        assert api.request("GET", "/api/v2/config/backtest/none").status == 404
        api.close()
