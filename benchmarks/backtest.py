"""A week of recorded history, and how long a backtest over it takes.

    python -m benchmarks.backtest [--records 1000000] [--keep DIR]

The week is made by the engine itself under a virtual clock, with what it journals appended to an alerts.db by the
store's own statements: alerts of a thousand or so targets that come and go, groups that are told, repeats, receivers
that fail at times, silences and inhibition. The backtest then runs as users run it, in a process of its own.
"""

import argparse
import heapq
import json
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from random import Random

from ampp import config as configuration
from ampp.core.alert import PostedAlert
from ampp.core.clock import HOUR, MINUTE, SECOND, ZERO, Now
from ampp.core.engine import Effects, Engine
from ampp.core.labels import canonical
from ampp.core.matcher import Matcher, Mode, Op
from ampp.core.notify import Notify, Outcome
from ampp.core.reason import FailureReason
from ampp.core.record import ConfigLoaded, Record, SilencePut, Started
from ampp.core.silence import SilenceBook, SilenceDraft
from ampp.store.sqlite import tables
from ampp.store.sqlite.codec import encode
from ampp.store.sqlite.database import ALERTS, SILENCES, open_database
from tests.support.daemon import ampp_command, ampp_environment

WEEK = 7 * 24 * HOUR
START = time.time_ns() // SECOND * SECOND - WEEK
TEAMS = 12


def config_text(dropped: str = "") -> str:
    """A tree of twelve teams; without the pager of one, when `dropped` names it."""
    routes, receivers = [], ["- {name: default, webhook_configs: [{url: 'http://localhost:1/default'}]}"]
    for n in range(TEAMS):
        team = f"team{n}"
        pager = f"    - {{receiver: {team}-pager, matchers: ['severity=\"critical\"'], continue: true}}\n"
        routes.append(
            f"  - receiver: {team}\n    matchers: ['team=\"{team}\"']\n    routes:\n"
            + ("" if team == dropped else pager)
            + f"    - {{receiver: {team}, matchers: ['severity=~\"critical|warning\"']}}\n"
        )
        receivers.append(f"- {{name: {team}, webhook_configs: [{{url: 'http://localhost:1/{team}'}}]}}")
        if team != dropped:
            receivers.append(f"- {{name: {team}-pager, webhook_configs: [{{url: 'http://localhost:1/{team}-pager'}}]}}")
    return (
        "route:\n  receiver: default\n  group_by: [alertname, cluster]\n  group_wait: 30s\n  group_interval: 5m\n"
        "  repeat_interval: 4h\n  routes:\n"
        + "".join(routes)
        + "inhibit_rules:\n- source_matchers: ['severity=\"critical\"']\n  target_matchers: ['severity=\"warning\"']\n"
        "  equal: [alertname, cluster, instance]\nreceivers:\n" + "\n".join(receivers) + "\n"
    )


class Week:
    """The engine at work, its records on the way into `directory`."""

    def __init__(self, directory: Path, records: int) -> None:
        self.random = Random(5)
        self.wanted = records
        self.wall = START
        self.count = 0
        self.written = 0
        self.waiting: list[tuple[Record, bytes]] = []
        self.sends: list[tuple[int, int, Notify]] = []
        self.database = open_database(directory / "alerts.db", ALERTS, full=False)
        open_database(directory / "silences.db", SILENCES, full=False).close()
        self.silences = SilenceBook(120 * HOUR, Mode.FALLBACK, new_id=self.id, size_of=lambda silence: 0)
        config = configuration.load(config_text())
        plan = configuration.compile(config)
        self.engine = Engine(plan, self.silences, mode=Mode.FALLBACK, retention=120 * HOUR, now=self.now())
        self.keep([ConfigLoaded(at=self.wall, hash=0, text=config.original())])
        self.keep([Started(at=self.wall, version="", resumed=False)])

    def id(self) -> str:
        self.count += 1
        return f"00000000-0000-4000-8000-{self.count:012d}"

    def now(self) -> Now:
        return Now(self.wall, self.wall)

    def keep(self, records: list[Record]) -> None:
        self.waiting += [(record, encode(record)) for record in records]
        if len(self.waiting) >= 5000:
            self.write()

    def write(self) -> None:
        with self.database:
            tables.append(self.database, self.written + 1, self.waiting)
            self.written += len(self.waiting)
            tables.set_meta(self.database, applied=self.written)
        self.waiting.clear()

    def carry(self, effects: Effects) -> None:
        self.keep(effects.records)
        for notify in effects.notify:
            self.count += 1
            took = self.random.randrange(5, 400) * 1_000_000
            heapq.heappush(self.sends, (self.wall + took, self.count, notify))

    def until(self, wall: int) -> None:
        """Turns and deliveries up to then."""
        while True:
            due = self.engine.next_due()
            sent = self.sends[0][0] if self.sends else None
            following = min((at for at in (due, sent) if at is not None), default=None)
            if following is None or following > wall:
                break
            self.wall = max(self.wall, following)
            if sent is not None and sent <= self.wall:
                notify = heapq.heappop(self.sends)[2]
                down = notify.integration.receiver == "team3" and self.wall // HOUR % 24 == 4
                outcome = (
                    Outcome(notify, False, 5, 60 * SECOND, FailureReason.SERVER, "503")
                    if down
                    else Outcome(notify, True, 1, 50_000_000)
                )
                self.carry(self.engine.delivered(outcome, self.now()))
            else:
                # As in a daemon, a little late.
                self.wall += self.random.randrange(50_000, 3_000_000)
                self.carry(self.engine.due(self.now()))
        self.wall = wall

    def run(self) -> None:
        pace = WEEK // max(1, round(self.wanted * 0.31))
        firing: list[tuple[int, dict[str, str]]] = []
        collected = silenced = self.wall
        while self.wall < START + WEEK:
            self.until(self.wall + self.random.randrange(1, 2 * pace))
            now = self.now()
            posts = []
            for _ in range(self.random.choice((1, 1, 1, 2, 4))):
                if firing and (len(firing) > 1500 or self.random.random() < 0.5):
                    labels = firing.pop(self.random.randrange(len(firing)))[1]
                    posts.append(PostedAlert(labels, {"summary": "over"}, ZERO, now.wall))
                else:
                    number = self.random.randrange(4000)
                    labels = canonical(
                        {
                            "alertname": f"Alert{number % 60}",
                            "cluster": f"c{number % 8}",
                            "instance": f"node-{number % 300}:9100",
                            "job": "node",
                            "severity": self.random.choice(("critical", "warning", "warning", "info")),
                            "team": f"team{number % TEAMS}",
                        }
                    )
                    firing.append((now.wall, labels))
                    posts.append(
                        PostedAlert(
                            labels, {"summary": "something is wrong with it"}, now.wall, now.wall + 90 * 24 * HOUR
                        )
                    )
            received = self.engine.receive(posts, now)
            record = received.record(now.wall)
            if record is not None:
                self.keep([record])
            if self.wall - collected > 30 * MINUTE:
                collected = self.wall
                self.engine.collect(now)
                pruned = self.engine.prune_log(now)
                self.keep([pruned] if pruned else [])
            if self.wall - silenced > HOUR:
                silenced = self.wall
                matcher = Matcher("alertname", Op.EQ, f"Alert{self.random.randrange(60)}")
                draft = SilenceDraft(None, ((matcher,),), ZERO, now.wall + 2 * HOUR, "bench", "")
                self.keep([SilencePut(at=now.wall, silences=self.silences.put(draft, now).changed)])
        self.write()
        self.database.close()


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--records", type=int, default=1_000_000)
    parser.add_argument("--keep", type=Path)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        directory = given.keep or Path(scratch)
        directory.mkdir(exist_ok=True)
        if not (directory / "alerts.db").exists():
            began = time.perf_counter()
            week = Week(directory, given.records)
            week.run()
            _say(
                f"{week.written} records made in {time.perf_counter() - began:.1f} s, {len(week.engine.groups)} groups"
            )
        for name, text in (("the same", config_text()), ("a pager dropped", config_text("team5"))):
            _say(f"{name}: {measured(directory, text)}")


def measured(directory: Path, text: str) -> str:
    candidate = directory / "candidate.yml"
    candidate.write_text(text)
    words = ["--config", str(candidate), "--storage.path", str(directory), "--since", "3650d", "-o", "json"]
    before, began = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    done = subprocess.run(
        [*ampp_command()[:-1], "backtest", *words], env=ampp_environment(), capture_output=True, text=True, check=True
    )
    took, after = time.perf_counter() - began, resource.getrusage(resource.RUSAGE_CHILDREN)
    report = json.loads(done.stdout)
    return (
        f"{took:.1f} s, of which {after.ru_utime - before.ru_utime:.1f} s processor, {after.ru_maxrss >> 10} MiB, "
        f"{report['records']['replayed']} records, vanished {report['vanished']['count']}, "
        f"added {report['added']['count']}, reproduced {report['recorded']['reproduced']}"
    )


def _say(text: str) -> None:
    sys.stdout.write(text + "\n")


if __name__ == "__main__":
    sys.exit(main())
