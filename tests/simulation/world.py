"""A small world around the pure engine: senders, receivers that fail, operators, restarts, clocks that jump.

Everything happens in virtual time and by one seeded `Random`, so a seed is a story that can be told again. After each
step the invariants of `ampp.core` are checked; a broken one raises `Broken` with the seed and the step.

The invariants:
 told      an alert that has been firing, unmuted, with a receiver that answers and nobody restarting or reloading for
           group_wait + one group_interval + the retry bound is in the log of every integration that should know;
 dedup     every decision to send or not equals an independent reading of the dedup table;
 muted     what is muted when a group flushes is not in that flush;
 timers    a group's next turn never moves back while the group lives;
 replay    reading the journal gives the live state, refresh times apart.
"""

import heapq
from collections import Counter
from collections.abc import Callable
from random import Random

from ampp.core import labels as labelling
from ampp.core.alert import Alert, PostedAlert
from ampp.core.book import hash64, row_of
from ampp.core.clock import HOUR, MINUTE, SECOND, ZERO, Now
from ampp.core.engine import MIN_DEADLINE, Effects, Engine, log_key
from ampp.core.group import Group
from ampp.core.inhibit import InhibitRule
from ampp.core.interval import TimeInterval
from ampp.core.matcher import Matcher, Mode, Op, matches_all
from ampp.core.notify import Notify, Outcome
from ampp.core.plan import Integration, Plan, Receiver
from ampp.core.reason import FailureReason
from ampp.core.record import Flushed, LogEntry, Record, SilencePut
from ampp.core.route import RouteSpec, build
from ampp.core.silence import SilenceBook, SilenceDraft, SilenceError
from ampp.core.succession import restore
from ampp.core.takeover import Takeover
from tests.simulation.projection import Projection

START = 1_700_000_000 * SECOND
RETENTION = 120 * HOUR
RETRY_BOUND = 2 * SECOND
"""How long a send to a receiver that answers may take in this world."""


class Broken(AssertionError):
    """An invariant does not hold."""


def plan_of(random: Random) -> Plan:
    """A random routing plan over the label names a, b, c, sev."""
    receivers = {
        name: Receiver(
            name,
            {"name": name},
            tuple(Integration(name, "webhook", idx, random.random() < 0.7) for idx in range(random.choice((1, 1, 2)))),
        )
        for name in ("r0", "r1", "r2")
    }

    def spec(depth: int) -> RouteSpec:
        top = depth == 0
        return RouteSpec(
            receiver=random.choice(("r0", "r1", "r2")) if top or random.random() < 0.7 else None,
            matchers=()
            if top
            else (Matcher(random.choice("abc"), random.choice((Op.EQ, Op.NE)), random.choice(("1", "2", ""))),),
            group_by=random.choice((("a",), ("a", "b"), (), ("...",))) if top or random.random() < 0.5 else None,
            group_wait=random.choice((0, 1, 5, 30)) * SECOND if top or random.random() < 0.5 else None,
            group_interval=random.choice((1, 5, 20, 60)) * SECOND if top or random.random() < 0.5 else None,
            repeat_interval=random.choice((10, 60, 600)) * SECOND if top or random.random() < 0.5 else None,
            continue_=not top and random.random() < 0.3,
            routes=tuple(spec(depth + 1) for _ in range(random.choice((0, 1, 2)) if depth < 2 else 0)),
        )

    rules = tuple(
        InhibitRule(
            f"rule{n}",
            (Matcher("sev", Op.EQ, "crit"),),
            (Matcher("sev", Op.EQ, random.choice(("warn", "info"))),),
            random.choice(((), ("a",), ("a", "b"))),
        )
        for n in range(random.choice((0, 1, 2)))
    )
    intervals: dict[str, tuple[TimeInterval, ...]] = {}
    return Plan(build(spec(0)), receivers, rules, intervals, random.choice((30, 120, 300)) * SECOND)


def must_tell(
    entry: LogEntry | None, firing: set[int], resolved: set[int], send_resolved: bool, repeat: int, tick: int
) -> bool:
    """Whether to send, read once more from the table of upstream's behaviour, in other words than the engine's."""
    if entry is None:
        return len(firing) > 0
    told, told_over = set(entry.firing), set(entry.resolved)
    if any(one not in told for one in firing):
        return True
    if len(firing) == 0:
        return len(told) > 0
    if send_resolved and any(one not in told_over for one in resolved):
        return True
    return tick - entry.timestamp > repeat


class World:
    def __init__(self, seed: int) -> None:
        self.seed = seed
        self.random = Random(seed)
        self.mono = 5 * HOUR
        self.skew = START - self.mono
        self.projection = Projection()
        self.records: list[Record] = []
        self.down: set[str] = set()
        self.calm_since: dict[str, int] = {}
        self.quiet_since = self.mono
        self.sends: list[tuple[int, int, Notify]] = []
        self.fired: dict[bytes, int] = {}
        self.timers: dict[int, tuple[Group, int]] = {}
        self.latest = START
        self.count = 0
        self.flushes = 0
        self.plan = plan_of(self.random)
        self.engine = self.fresh()

    # -- plumbing -------------------------------------------------------------------------------------------------

    def now(self) -> Now:
        return Now(self.mono + self.skew, self.mono)

    def new_id(self) -> str:
        self.count += 1
        return f"00000000-0000-4000-8000-{self.count:012d}"

    def fresh(self) -> Engine:
        book = SilenceBook(retention=RETENTION, mode=Mode.FALLBACK, new_id=self.new_id, size_of=lambda silence: 1)
        return Engine(self.plan, book, mode=Mode.FALLBACK, retention=RETENTION, now=self.now())

    def keep(self, records: list[Record]) -> None:
        for record in records:
            self.projection.apply(record)
            if isinstance(record, Flushed):
                self.flushes += 1

    def carry(self, effects: Effects) -> None:
        self.keep(effects.records)
        for canceled in effects.canceled:
            for notify in [n for _, _, n in self.sends if n.flush == canceled]:
                self.sends = [send for send in self.sends if send[2] is not notify]
                heapq.heapify(self.sends)
                lost = Outcome(notify, False, 0, 0, FailureReason.CANCELED, "canceled")
                self.carry(self.engine.delivered(lost, self.now()))
        for notify in effects.notify:
            at = self.mono + self.random.randrange(1, RETRY_BOUND // 2)
            heapq.heappush(self.sends, (at, self.count, notify))
            self.count += 1

    # -- what may happen --------------------------------------------------------------------------------------------

    def step(self) -> None:
        acts: tuple[tuple[int, Callable[[], None]], ...] = (
            (40, self.post),
            (30, self.wait),
            (8, self.silence),
            (4, self.expire),
            (6, self.fail_or_mend),
            (3, self.reload),
            (3, self.restart),
            (2, self.jump),
            (2, self.upkeep),
        )
        total = sum(weight for weight, _ in acts)
        pick = self.random.randrange(total)
        for weight, act in acts:
            pick -= weight
            if pick < 0:
                act()
                break
        self.check()

    def post(self) -> None:
        now, random = self.now(), self.random
        posts = []
        for _ in range(random.choice((1, 1, 2, 5))):
            labels = {"a": random.choice("12"), "b": random.choice("123"), "c": random.choice("12")}
            labels["sev"] = random.choice(("crit", "warn", "info"))
            kind = random.random()
            starts = random.choice((ZERO, now.wall, now.wall - random.randrange(1, 600) * SECOND))
            if kind < 0.55:
                ends = random.choice((ZERO, ZERO, now.wall + random.randrange(1, 900) * SECOND))
            else:
                ends = now.wall - random.choice((0, 1, 5)) * SECOND
                if starts > ends:
                    starts = ZERO
            posts.append(
                PostedAlert(labelling.canonical(labels), {"n": str(random.randrange(3))}, starts, ends, "http://x/")
            )
        received = self.engine.receive(posts, now)
        record = received.record(now.wall)
        if record is not None:
            self.keep([record])
            self.fired.update((row.key, self.mono) for row in record.alerts)
        for alert in self.engine.book:
            # The store writes refreshes behind; the simulation's is quick about it.
            if alert.updated != alert.kept:
                self.projection.alerts[alert.key] = row_of(alert)
                alert.kept = alert.updated

    def wait(self) -> None:
        self.run_for(self.random.choice((1, 2, 5, 15, 60, 300)) * SECOND)

    def silence(self) -> None:
        now, random = self.now(), self.random
        starts = random.choice((ZERO, now.wall + random.randrange(1, 60) * SECOND))
        matcher = Matcher(random.choice("abc"), Op.EQ, random.choice("123"))
        draft = SilenceDraft(
            id=None,
            matcher_sets=((matcher,),),
            starts=starts,
            ends=now.wall + random.randrange(61, 600) * SECOND,
            created_by="world",
            comment="",
        )
        try:
            put = self.engine.muting.silences.put(draft, now)
        except SilenceError:
            return
        self.keep([SilencePut(at=now.wall, silences=put.changed)])
        self.disturb()

    def expire(self) -> None:
        now = self.now()
        silences = sorted(self.engine.muting.silences.all(), key=lambda silence: silence.id)
        if silences:
            changed = self.engine.muting.silences.expire(self.random.choice(silences).id, now)
            if changed:
                self.keep([SilencePut(at=now.wall, silences=changed)])
            self.disturb()

    def fail_or_mend(self) -> None:
        name = self.random.choice(("r0", "r1", "r2"))
        if name in self.down:
            self.down.discard(name)
            self.calm_since[name] = self.mono
        else:
            self.down.add(name)

    def reload(self) -> None:
        keep_timers = self.random.random() < 0.5
        plan = plan_of(self.random) if self.random.random() < 0.5 else self.plan
        takeover = Takeover(self.engine, plan, keep_timers=keep_timers, pace=self.random.choice((1, 2, 128)))
        for _ in takeover.prepare(self.now()):
            self.meanwhile()
        self.plan = plan
        self.carry(takeover.succeed(self.now()))
        self.timers.clear()
        self.disturb()
        for records in takeover.clear(self.now()):
            self.keep(records)
            self.meanwhile()

    def meanwhile(self) -> None:
        """What may happen between two steps of a reload."""
        if self.random.random() < 0.1:
            self.random.choice((self.post, self.post, self.upkeep, self.silence, lambda: self.run_for(SECOND)))()
            self.latest = max(self.latest, self.now().wall)

    def restart(self) -> None:
        """kill -9: whatever is not in the journal is gone, sends under way among it."""
        if self.random.random() < 0.3:
            self.plan = plan_of(self.random)
        self.mono += self.random.choice((0, 1, 30, 600)) * SECOND
        self.sends.clear()
        self.timers.clear()
        told = self.projection
        self.engine = self.fresh()
        self.engine.muting.silences.restore(told.silences.values())
        restore(
            self.engine,
            list(told.alerts.values()),
            list(told.groups.values()),
            list(told.log.values()),
            list(told.outbox.values()),
            self.now(),
            last_alive=told.last_alive,
        )
        for row in list(told.outbox.values()):
            if row.key not in self.engine.outbox:
                del told.outbox[row.key]
        live = {(group.identity, group.label_key) for group in self.engine.groups}
        told.groups = {name: row for name, row in told.groups.items() if name in live}
        self.disturb()

    def jump(self) -> None:
        self.skew += self.random.choice((-HOUR, HOUR, -SECOND, MINUTE))
        self.disturb()

    def upkeep(self) -> None:
        if self.engine.collect(self.now()):
            self.disturb()
        pruned = self.engine.prune_log(self.now())
        if pruned is not None:
            self.keep([pruned])

    def disturb(self) -> None:
        self.quiet_since = self.mono

    # -- time -------------------------------------------------------------------------------------------------------

    def run_for(self, span: int) -> None:
        until = self.mono + span
        while True:
            due = self.engine.next_due()
            sent = self.sends[0][0] if self.sends else None
            following = min((at for at in (due, sent) if at is not None), default=None)
            if following is None or following > until:
                break
            self.mono = max(self.mono, following)
            if sent is not None and sent <= self.mono:
                self.answer(heapq.heappop(self.sends)[2])
            else:
                self.tick()
        self.mono = until

    def answer(self, notify: Notify) -> None:
        name = notify.integration.receiver
        if name in self.down:
            if self.mono < notify.deadline:
                heapq.heappush(self.sends, (min(self.mono + SECOND, notify.deadline), self.count, notify))
                self.count += 1
                return
            outcome = Outcome(notify, False, 3, SECOND, FailureReason.DEADLINE, "down", retryable=True)
        else:
            outcome = Outcome(notify, True, 1, SECOND)
        self.carry(self.engine.delivered(outcome, self.now()))

    def tick(self) -> None:
        now = self.now()
        muted = self.muted_keys(now.wall)
        expected: dict[str, bool] = {}
        twins = Counter((group.key, group.route.receiver) for group in self.engine.groups)
        for group in self.engine.groups:
            if group.due <= now.mono and group.flight is None and twins[group.key, group.route.receiver] == 1:
                expected.update(self.expectation(group, muted, now.wall))
        effects = self.engine.due(now)
        told = {notify.key: notify for notify in effects.notify}
        for key, send in expected.items():
            if send is not (key in told):
                self.broken(f"{key}: sent is {key in told}, the table says {send}")
        for notify in effects.notify:
            for one in notify.alerts:
                if labelling.key(one.labels) in muted:
                    self.broken(f"muted alert {one.labels} was told to {notify.key}")
        self.carry(effects)

    def expectation(self, group: Group, muted: set[bytes], tick: int) -> dict[str, bool]:
        """Whether each integration of a group that is due must be told, from what is in the group and the log."""
        left = [alert for alert in group.alerts.values() if alert.key not in muted]
        firing = [alert for alert in left if alert.ends > tick]
        resolved = {hash64(alert) for alert in left if alert.ends <= tick}
        confirmed = not firing or any(not alert.held for alert in firing)
        send = {}
        for to in self.plan.receivers[group.route.receiver].integrations:
            key = log_key(group.key, to)
            repeat = group.route.repeat_interval if confirmed else 1 << 80
            hashes = {hash64(alert) for alert in firing}
            send[key] = bool(left) and must_tell(
                self.engine.log.get(key), hashes, resolved, to.send_resolved, repeat, tick
            )
        return send

    # -- invariants ---------------------------------------------------------------------------------------------------

    def broken(self, text: str) -> None:
        raise Broken(f"seed {self.seed}: {text}")

    def muted_keys(self, wall: int) -> set[bytes]:
        """Which alerts a silence or a rule keeps out now, by looking at every pair."""
        engine, keys = self.engine, set()
        held = {alert.key: alert for group in engine.groups for alert in group.alerts.values()}
        sources = [alert for alert in engine.book if alert.ends > wall]
        for alert in held.values():
            silenced = any(
                silence.starts <= wall < silence.ends
                and any(matches_all(matchers, alert.labels) for matchers in silence.matcher_sets)
                for silence in engine.muting.silences.all()
            )
            inhibited = any(
                matches_all(rule.target, alert.labels)
                and any(
                    matches_all(rule.source, source.labels)
                    and all(source.labels.get(name, "") == alert.labels.get(name, "") for name in rule.equal)
                    and not (matches_all(rule.source, alert.labels) and matches_all(rule.target, source.labels))
                    for source in sources
                )
                for rule in self.plan.inhibit_rules
            )
            if silenced or inhibited:
                keys.add(alert.key)
        return keys

    def check(self) -> None:
        self.check_timers()
        self.check_replay()
        self.check_told()

    def check_timers(self) -> None:
        live = {}
        for group in self.engine.groups:
            known = self.timers.get(id(group))
            if known is not None and known[0] is group and group.due < known[1]:
                self.broken(f"timer of {group.key} went back")
            live[id(group)] = (group, group.due)
        self.timers = live

    def check_replay(self) -> None:
        engine, told = self.engine, self.projection
        self.latest = max(self.latest, self.now().wall)
        if told.log != engine.log:
            self.broken("the journal's log differs from the live one")
        if told.outbox != engine.outbox:
            self.broken(f"the journal's outbox {sorted(told.outbox)} differs from {sorted(engine.outbox)}")
        for alert in engine.book:
            row = told.alerts.get(alert.key)
            # What was over once is done with, even if the clock is set back to before its end.
            if alert.ends > self.latest and (
                row is None or (row.starts, row.annotations) != (alert.starts, alert.annotations)
            ):
                self.broken(f"live alert {alert.key!r} is {row} in the journal")
        for key, row in told.alerts.items():
            alert = engine.book.alerts.get(key)
            if alert is None and not any(key in group.alerts for group in engine.groups):
                self.broken(f"the journal knows {row}, the engine does not")
        for silence in engine.muting.silences.all():
            if told.silences.get(silence.id) != silence:
                self.broken(f"silence {silence.id} differs")

    def check_told(self) -> None:
        wall = self.now().wall
        muted = None
        names = Counter((group.key, group.route.receiver) for group in self.engine.groups)
        for group in self.engine.groups:
            receiver = group.route.receiver
            # Twin routes share one log key and overwrite each other's entries, upstream as here.
            if receiver in self.down or names[group.key, receiver] > 1:
                continue
            bound = max(group.route.group_wait, group.route.group_interval) + group.route.group_interval
            bound += RETRY_BOUND + MIN_DEADLINE
            calm = max(self.quiet_since, self.calm_since.get(receiver, 0))
            if self.mono - calm <= bound:
                continue
            for alert in group.alerts.values():
                since = self.unmuted_since(alert)
                if alert.ends <= wall or self.mono - since <= bound:
                    continue
                muted = self.muted_keys(wall) if muted is None else muted
                if alert.key in muted:
                    continue
                for to in self.plan.receivers[receiver].integrations:
                    entry = self.engine.log.get(log_key(group.key, to))
                    if entry is None or hash64(alert) not in entry.firing:
                        self.broken(f"{alert.labels} has not been told to {log_key(group.key, to)}")

    def unmuted_since(self, alert: Alert) -> int:
        """The monotonic time since which the alert fires and nothing has kept it out, or a later one."""
        wall = self.now().wall
        since = self.fired.get(alert.key, self.mono)
        for silence in self.engine.muting.silences.all():
            if silence.starts <= wall and any(matches_all(matchers, alert.labels) for matchers in silence.matcher_sets):
                since = max(since, self.mono - (wall - silence.ends))
        for rule in self.plan.inhibit_rules:
            if matches_all(rule.target, alert.labels):
                for source in self.engine.book:
                    if matches_all(rule.source, source.labels) and source.ends <= wall:
                        since = max(since, self.mono - (wall - max(source.ends, source.updated)))
        return since
