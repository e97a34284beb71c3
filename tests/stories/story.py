"""Stories: tests that read as the conversation they check.

    Story('''
        route: {receiver: ops, group_wait: 30s, group_interval: 5m}
    ''').play('''
        0s      A fires
        30s     ops hears first notification: A
        40s     A resolves
        5m30s   ops hears all alerts resolved: A resolved
        1h      the end
    ''')

A script is a timeline in virtual time: an instant since the story began, then what happens or what is heard. What is
heard (`hears`, `misses`) is never taken for granted: whatever the engine lets be told up to the script's last instant
must stand in the script, nothing else, and in that order. Everything else is done at its instant, after whatever the
engine has to do by itself up to and including that instant.

What can happen:

    A, B{job=x} fire [since -1m] [note=x]        reported as firing for a long time to come
    A resolves                                   reported as over just now
    A posted [starts=-10s] [ends=+5m] [note=x]   reported exactly so; what is left out is omitted
    silence s1 {job="x"} [from +1m] for 1h       created; `silence s1 …` again is an update
    expire s1
    ops is down | ops refuses | ops answers      no attempt succeeds before the deadline | fails for good | is well
    ops takes 7s                                 every send succeeds so late, unless the deadline comes first
    ops/webhook/1 …                              the same for one integration
    ops returns ts=1                             what the receiver wants back next time
    reload [NAME] [keeping timers]               the story's own configuration, or the one of this name
    stop | start [NAME]                          kill -9; a new process that takes up the journalled state
    clock jumps -1h                              the wall clock is set
    collect | prune                              upkeep: forget what is over; log entries past their time
    the end                                      nothing: time passes until here

What is heard: `ops hears REASON: ALERTS` when a send succeeded and `ops misses REASON: ALERTS` when it was given up.
Alerts come in the notification's order; one that is over is followed by `resolved`. `ops` is `ops/webhook/1` and the
like when the receiver has several integrations.

The story begins on Monday, 2024-01-01, 00:00 UTC.
"""

import re
from collections import Counter
from collections.abc import Callable, Iterable
from itertools import chain
from textwrap import dedent

from ampp.core import labels as labelling
from ampp.core import query
from ampp.core.alert import PostedAlert
from ampp.core.book import row_of
from ampp.core.clock import HOUR, SECOND, ZERO, Now
from ampp.core.duration import format_prometheus, parse_prometheus
from ampp.core.engine import Effects, Engine
from ampp.core.group import Group
from ampp.core.matcher import Mode
from ampp.core.notify import Notify, Outcome
from ampp.core.plan import Plan
from ampp.core.reason import FailureReason
from ampp.core.record import Record, SilencePut
from ampp.core.silence import SilenceBook, SilenceDraft
from ampp.core.succession import restore
from ampp.core.takeover import load_plan
from ampp.core.view import AlertQuery, AlertView, GroupView
from ampp.deliver.message import in_order
from tests.simulation.projection import Projection
from tests.stories.naming import labels_of, relative, show, shown, signed, split
from tests.stories.setting import matchers, plan_of

__all__ = ["BOOT", "MONDAY", "Story"]

MONDAY = 1_704_067_200 * SECOND
"""2024-01-01T00:00:00Z: when every story begins."""

BOOT = 100 * HOUR
"""The monotonic clock at that moment: nothing may take it for a wall time."""

LONG = 10_000 * HOUR


class Story:
    """One engine in virtual time, and the people around it. `others` are configurations to reload or start with."""

    def __init__(
        self,
        config: str,
        *,
        start_delay: str = "0s",
        per_name: int = 0,
        retention: str = "120h",
        mode: Mode = Mode.FALLBACK,
        **others: str,
    ) -> None:
        self.plans: dict[str, Plan] = {name: plan_of(text) for name, text in others.items()}
        self.plan = plan_of(config)
        self.mono = BOOT
        self.skew = MONDAY - BOOT
        self.heard: list[Notify] = []
        """Every notification decided, in order, whatever became of it."""
        self.journal: list[Record] = []
        self.suppressed: Counter[tuple[str, str]] = Counter()
        self.errors: list[str] = []
        self.limited: list[str] = []
        self._delay, self._per_name, self._mode = parse_prometheus(start_delay), per_name, mode
        self._retention = parse_prometheus(retention)
        self._manner: dict[str, str | int] = {}
        self._data: dict[str, dict[str, str | int | float]] = {}
        self._sends: list[tuple[int, int, Notify, bool]] = []
        self._silences: dict[str, str] = {}
        self._count = 0
        self._transcript: list[str] = []
        self._projection = Projection()
        self._alive = True
        self.engine = self._fresh()

    # -- playing --------------------------------------------------------------------------------------------------

    def play(self, script: str) -> "Story":
        """Play a script, which may go on where an earlier one ended, and hold what was heard against it."""
        wanted, self._transcript = [], []
        for line in filter(None, map(str.strip, dedent(script).splitlines())):
            when, what = line.split(maxsplit=1)
            self._run_until(BOOT + parse_prometheus(when))
            if re.match(r"\S+ (hears|misses) ", what):
                wanted.append(f"{format_prometheus(parse_prometheus(when))} {what}")
            else:
                self._do(what)
                self._pump()
        assert self._transcript == wanted
        self._check_journal()
        return self

    def _run_until(self, until: int) -> None:
        assert until >= self.mono, "a script goes forward in time"
        while self._alive:
            following = self._next()
            if following is None or following > until:
                break
            self.mono = max(self.mono, following)
            self._pump()
        self.mono = until

    def _next(self) -> int | None:
        due = self.engine.next_due()
        sends = [send[0] for send in self._sends]
        return min([*sends, *([] if due is None else [due])], default=None)

    def _pump(self) -> None:
        """Everything that is due at this very moment: answers first, in the order in which they were asked for."""
        while self._alive:
            ready = min((send for send in self._sends if send[0] <= self.mono), key=lambda send: send[:2], default=None)
            due = self.engine.next_due()
            if ready is not None:
                self._sends.remove(ready)
                self._answer(ready[2], ready[3])
            elif due is not None and due <= self.mono:
                self._carry(self.engine.due(self.now))
            else:
                return

    @property
    def now(self) -> Now:
        return Now(self.mono + self.skew, self.mono)

    @property
    def wall(self) -> int:
        return self.mono + self.skew

    # -- the people -----------------------------------------------------------------------------------------------

    def _do(self, what: str) -> None:
        acts: tuple[tuple[str, Callable[..., None]], ...] = (
            (r"the end", lambda: None),
            (r"(.+) fires?(?: since (\S+))?(?: note=(\w*))?", self._fires),
            (r"(.+) resolves?", self._resolves),
            (r"(.+) posted((?: \w+=\S*)*)", self._posted),
            (r"silence (\w+) (\{.*\})(?: from (\S+))? for (\S+)", self._silence),
            (r"expire (\w+)", self._expire),
            (r"(\S+) (is down|refuses|answers)", self._manners),
            (r"(\S+) takes (\S+)", self._manners),
            (r"(\S+) returns (\w+)=(\w+)", self._returns),
            (r"reload(?: (?!keeping)(\w+))?( keeping timers)?", self._reload),
            (r"stop", self._stop),
            (r"start(?: (\w+))?", self._start),
            (r"clock jumps (\S+)", self._jump),
            (r"collect", self._collect),
            (r"prune", self._prune),
        )
        for pattern, act in acts:
            found = re.fullmatch(pattern, what)
            if found is not None:
                act(*found.groups())
                return
        raise AssertionError(f"nobody knows how to: {what}")

    def _fires(self, alerts: str, since: str | None, note: str | None) -> None:
        starts = self.wall if since is None else self.wall + signed(since)
        self._post(alerts, starts, self.wall + LONG, note)

    def _resolves(self, alerts: str) -> None:
        self._post(alerts, ZERO, self.wall, None)

    def _posted(self, alerts: str, details: str) -> None:
        given = dict(detail.split("=", 1) for detail in details.split())
        starts, ends = (self.wall + signed(given[name]) if name in given else ZERO for name in ("starts", "ends"))
        self._post(alerts, starts, ends, given.get("note"))

    def _post(self, alerts: str, starts: int, ends: int, note: str | None) -> None:
        annotations = {} if note is None else {"note": note}
        self.receive(
            PostedAlert(labelling.canonical(labels_of(text)), annotations, starts, ends) for text in split(alerts)
        )

    def receive(self, posts: Iterable[PostedAlert]) -> None:
        """One request. What could not be taken in shows in `errors` and `limited`."""
        received = self.engine.receive(posts, self.now)
        self.errors, self.limited = received.errors, received.limited
        record = received.record(self.wall)
        if record is not None:
            self._keep([record])
        for alert in self.engine.book:
            if alert.updated != alert.kept:
                self._projection.alerts[alert.key] = row_of(alert)
                alert.kept = alert.updated

    def _silence(self, name: str, text: str, starts: str | None, span: str) -> None:
        begin = self.wall + (0 if starts is None else signed(starts))
        known = self.engine.muting.silences.get(self._silences.get(name, ""))
        if known is not None and starts is None:
            begin = known.starts
        draft = SilenceDraft(
            id=None if known is None else known.id,
            matcher_sets=(matchers(text),),
            starts=begin,
            ends=begin + parse_prometheus(span),
        )
        put = self.engine.muting.silences.put(draft, self.now)
        self._silences[name] = put.id
        self._keep([SilencePut(at=self.wall, silences=put.changed)])

    def _expire(self, name: str) -> None:
        changed = self.engine.muting.silences.expire(self._silences[name], self.now)
        self._keep([SilencePut(at=self.wall, silences=changed)])

    def _manners(self, name: str, manner: str) -> None:
        self._manner[name] = manner if manner in ("is down", "refuses", "answers") else parse_prometheus(manner)
        if manner == "answers":
            # Whoever was being retried gets through now.
            waiting = [send for send in self._sends if name in self._names(send[2]) and not send[3]]
            for send in waiting:
                self._sends.remove(send)
                self._sends.append((self.mono, send[1], send[2], True))

    def _returns(self, name: str, key: str, value: str) -> None:
        self._data[name] = {key: value}

    def _reload(self, name: str | None, keep_timers: str | None) -> None:
        self.plan = self.plans[name] if name else self.plan
        self._carry(load_plan(self.engine, self.plan, self.now, keep_timers=keep_timers is not None))

    def _stop(self) -> None:
        self._check_journal()
        self._alive = False
        self._sends.clear()
        self._projection.last_alive = self.wall

    def _start(self, name: str | None) -> None:
        self.plan = self.plans[name] if name else self.plan
        self._alive = True
        told = self._projection
        self.engine = self._fresh()
        self.engine.muting.silences.restore(told.silences.values())
        records = restore(
            self.engine,
            list(told.alerts.values()),
            list(told.groups.values()),
            list(told.log.values()),
            list(told.outbox.values()),
            self.now,
            last_alive=told.last_alive,
        )
        self._keep(records)

    def _jump(self, span: str) -> None:
        self.skew += signed(span)

    def _collect(self) -> None:
        self.engine.collect(self.now)

    def _prune(self) -> None:
        pruned = self.engine.prune_log(self.now)
        if pruned is not None:
            self._keep([pruned])

    # -- the world around the engine ------------------------------------------------------------------------------

    def _fresh(self) -> Engine:
        book = SilenceBook(self._retention, self._mode, new_id=self._new_id, size_of=lambda silence: 1)
        return Engine(
            self.plan,
            book,
            mode=self._mode,
            retention=self._retention,
            now=self.now,
            per_name=self._per_name,
            start=self.mono + self._delay,
        )

    def _new_id(self) -> str:
        self._count += 1
        return f"00000000-0000-4000-8000-{self._count:012d}"

    def _keep(self, records: Iterable[Record]) -> None:
        for record in records:
            self.journal.append(record)
            self._projection.apply(record)

    def _carry(self, effects: Effects) -> None:
        self._keep(effects.records)
        for one in effects.suppressed:
            self.suppressed[show(dict(self._labels(one.alert))), one.reason] += 1
        for flush in effects.canceled:
            for send in [send for send in self._sends if send[2].flush == flush]:
                self._sends.remove(send)
                lost = Outcome(send[2], False, 0, 0, FailureReason.CANCELED, "canceled", canceled=True)
                self._carry(self.engine.delivered(lost, self.now))
        for notify in effects.notify:
            self.heard.append(notify)
            self._send(notify)

    def _labels(self, key: bytes) -> dict[str, str]:
        held = [group.alerts[key] for group in self.engine.groups if key in group.alerts]
        return (held or [self.engine.book.alerts[key]])[0].labels

    def _names(self, notify: Notify) -> tuple[str, str]:
        to = notify.integration
        return to.receiver, f"{to.receiver}/{to.name}/{to.idx}"

    def _send(self, notify: Notify) -> None:
        manner: str | int = "answers"
        for name in self._names(notify):
            manner = self._manner.get(name, manner)
        self._count += 1
        if not notify.firing and not notify.integration.send_resolved:
            manner = "answers"
        if manner == "answers":
            at, ok = self.mono, True
        elif manner == "refuses":
            at, ok = self.mono, False
        elif manner == "is down":
            at, ok = notify.deadline, False
        else:
            assert isinstance(manner, int)
            at = min(self.mono + manner, notify.deadline)
            ok = at == self.mono + manner
        self._sends.append((at, self._count, notify, ok))

    def _answer(self, notify: Notify, ok: bool) -> None:
        receiver, full = self._names(notify)
        to = notify.integration
        told = in_order(alert for alert in notify.alerts if alert.firing or to.send_resolved)
        if told:
            alone = len(self.engine.plan.receivers[receiver].integrations) == 1
            when = format_prometheus(self.mono - BOOT)
            who, verb = receiver if alone else full, "hears" if ok else "misses"
            self._transcript.append(f"{when} {who} {verb} {notify.reason.value}: {', '.join(map(shown, told))}")
        data = self._data.get(receiver, notify.data)
        if ok:
            outcome = Outcome(notify, True, 1, 0, data=data if told else notify.data)
        else:
            outcome = Outcome(notify, False, 1, 0, FailureReason.DEADLINE, "no answer", retryable=True)
        self._carry(self.engine.delivered(outcome, self.now))

    # -- looking --------------------------------------------------------------------------------------------------

    def _check_journal(self) -> None:
        """What the journal says must be what the engine knows; else a restart would take up something else."""
        if self._alive:
            assert self._projection.log == self.engine.log
            assert self._projection.outbox == self.engine.outbox
            live = {(group.identity, group.label_key) for group in self.engine.groups}
            assert self._projection.groups.keys() <= live

    def alerts(self, **asked: object) -> list[AlertView]:
        """GET /api/v2/alerts."""
        batches = query.alerts(self.engine, AlertQuery(**asked), self.wall)  # type: ignore[arg-type]
        return list(chain.from_iterable(batches))

    def groups(self, **asked: object) -> list[GroupView]:
        """GET /api/v2/alerts/groups."""
        batches = query.groups(self.engine, AlertQuery(**asked), self.wall)  # type: ignore[arg-type]
        return list(chain.from_iterable(batches))

    def names(self, **asked: object) -> list[str]:
        """The alerts that pass a query, by name and not in the order of the answer."""
        return sorted(show(view.alert.labels) for view in self.alerts(**asked))

    def group(self, key: str) -> Group:
        """The live group of this group key."""
        (group,) = [group for group in self.engine.groups if group.key == key]
        return group

    def group_keys(self) -> list[str]:
        return sorted(group.key for group in self.engine.groups)

    def turn(self, key: str) -> str:
        """When the group's next turn comes, as an instant of the story."""
        return format_prometheus(self.group(key).due - BOOT)

    def silence_id(self, name: str) -> str:
        return self._silences[name]

    def span(self, alert: str) -> tuple[str, str]:
        """The known start and end of an alert relative to now, like `("-10s", "+5m")`."""
        known = self.engine.book.alerts[labelling.key(labelling.canonical(labels_of(alert)))]
        return relative(known.starts - self.wall), relative(known.ends - self.wall)
