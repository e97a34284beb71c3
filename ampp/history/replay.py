"""One configuration's run through recorded history: the engine that runs live, fed from the journal by a virtual clock.

Theory of operation. Inputs are taken from the records in their order: posts, silences, reloads, restarts, and how
deliveries ended. Timers are the engine's own, with virtual time for both its clocks. What the journal cannot say, and
what stands in for it:

- *Refreshes are not recorded.* An alert fires until its end is: by a post that resolves it, or as `lapsed`, which tells
  afterwards when its time was over and is therefore looked up when the alert is posted.
- *Whether a post or a group's turn came first* when both were due at about the same instant. A turn that was recorded
  shortly after it was due is taken where the record stands, and so is one that only let go of alerts (`collect`,
  `drop`); one that left no record changed nothing, and is taken when due. This holds for groups of the same name and
  timers as in the configuration that was in force; others have no record to go by.
- *Which turns a run did not come to take before its end*: those due later than it says itself (`Window.taken`).
- *Whether an alert was repeated since a restart*, without which there is no repeat of its notifications: the repeat
  that was recorded shows it (`confirm`), or that it still fires one resolve_timeout later. Where a group has the same
  name, timers, repeat_interval and integrations as in the configuration that was in force, what was not reported anew
  since is repeated only when a repeat is recorded.
- *What a restart took up*: alerts not let go of before, and timers as they were last recorded, which is what the store
  had of them (`revival`). Firing ones were held at least one resolve_timeout (`Ends.held`).
- *Who had been told of what* when a journal begins in the middle: the decisions recorded since tell it (`outset`).
- *How a delivery would have ended* that only this run makes: it is assumed to succeed at once (`Watch.ended`,
  `assumed`).

Groups about which nothing changes are let sleep: see `sleep`.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Final, Protocol

import msgspec

from ampp.core.alert import NO_ANNOTATIONS, Alert
from ampp.core.clock import MINUTE, Now
from ampp.core.engine import OVERTAKEN, Effects, Engine, log_key
from ampp.core.group import Group
from ampp.core.matcher import Mode
from ampp.core.notify import Notify, Outcome
from ampp.core.plan import Plan
from ampp.core.record import Collected, Delivered, Flushed, GroupDropped, GroupRow, LogEntry, LogPruned, Posted
from ampp.core.route import Route
from ampp.core.silence import SilenceBook
from ampp.core.takeover import load_plan
from ampp.history import namesake, outset
from ampp.history.delivery import Deliveries
from ampp.history.outset import Onset
from ampp.history.revival import Revival
from ampp.history.sleep import Sleep
from ampp.history.window import AHEAD, FOREVER, Ends, Turn, Window, repeats

__all__ = ["Replay", "Watch"]

_COLLECT: Final = 30 * MINUTE
"""How often what is over leaves memory, from each start on, as --alerts.gc-interval has it by default."""

_CROWD: Final = 1 << 30
_decode: Final = msgspec.json.Decoder(dict[str, str]).decode


class Watch(Protocol):
    """Who is told what a replay does."""

    def sent(self, notify: Notify, wall: int) -> None: ...

    def ended(self, outcome: Outcome, wall: int, assumed: bool) -> None: ...


class Replay:
    """See the module's docstring. `silences` is shared: whoever drives several replays keeps it up to date."""

    def __init__(
        self,
        plan: Plan,
        silences: SilenceBook,
        window: Window,
        ends: Ends,
        watch: Watch,
        *,
        start: int,
        mode: Mode,
        retention: int,
    ) -> None:
        self._silences: Final = silences
        self._window: Final = window
        self._ends: Final = ends
        self._watch: Final = watch
        self._mode: Final = mode
        self._retention: Final = retention
        self._labels: Final[dict[bytes, dict[str, str]]] = {}
        self._routes: Final[dict[bytes, tuple[Route, ...]]] = {}
        self._deliveries: Final = Deliveries()
        self._same: dict[str, Route] = {}
        self._exact: frozenset[str] = frozenset()
        self._revival: Final = Revival()
        self._called: Group | None = None
        self._onset: Onset | None = None
        self._held_until = FOREVER + 1
        self._collected = start
        self.wall = start
        self.engine = self._fresh(plan, start)
        self._sleep = Sleep(self.engine, silences)

    def _fresh(self, plan: Plan, wall: int) -> Engine:
        return Engine(
            plan,
            self._silences,
            mode=self._mode,
            retention=self._retention,
            now=Now(wall, wall),
            journal=False,
        )

    def follow(self, in_force: Plan) -> None:
        """Note which of this plan's groups have the name and timers they had under `in_force`."""
        self._same = namesake.same_timers(self.engine.plan, in_force)
        self._exact = namesake.same_sends(self._same, self.engine.plan, in_force)

    # -- inputs -------------------------------------------------------------------------------------------------

    def reach(self, wall: int) -> None:
        """Let time pass until an input comes at `wall`. What was due by then comes first; what other inputs of the same
        instant have made due comes after all of them."""
        if self.wall < wall:
            self.advance(wall)

    def advance(self, until: int) -> None:
        """Let time pass until then: every turn due is taken."""
        engine = self.engine
        while True:
            due = engine.next_due()
            following = until if due is None or due > until else due
            if self._held_until <= following:
                # What nobody repeated is over by now.
                self._held_until = FOREVER + 1
                self.confirm(list(engine.book.alerts))
                continue
            if self._collected + _COLLECT <= following:
                self._collected += _COLLECT
                engine.collect(Now(self._collected, self._collected))
                continue
            if self._sleep.rouse_by(following):
                continue
            if due is None or due > until:
                break
            wall = self.wall = max(self.wall, due)
            now, out = Now(wall, wall), Effects()
            for group in engine.groups.due(now, _CROWD):
                if not self._awaited(group, wall):
                    self._turn(group, now, out)
            self._carry(out)
        self.wall = max(self.wall, until)

    def post(self, record: Posted) -> None:
        """Take in reports as they were merged."""
        engine, wall = self.engine, record.at
        now = self._now()
        alerts, groups, inhibitor = engine.book.alerts, engine.groups, engine.muting.inhibitor
        for row in record.alerts:
            key = row.key
            self._revival.reported(key)
            alert = alerts.get(key)
            ends = row.ends if row.ends <= wall else self._ends.after(key, wall)
            if alert is None:
                alert = alerts[key] = Alert(
                    key=key,
                    labels=self._label_set(key),
                    annotations=NO_ANNOTATIONS,
                    starts=row.starts,
                    ends=ends,
                    updated=wall,
                )
                alert.routes = self._routes.get(key, ())
            else:
                alert.starts, alert.ends, alert.updated, alert.held = row.starts, ends, wall, False
            inhibitor.observe(alert)
            groups.seat(alert, now)
            # An alert that comes again after it has been let go of goes the same ways.
            self._routes[key] = alert.routes
            self._sleep.stir(alert, self.wall)

    def silence(self) -> None:
        """The silences have changed."""
        self._sleep.wake_all(self.wall)

    def flush(self, record: Flushed) -> None:
        """Take the turn that was recorded here, and set the group's timer by the record."""
        at = record.at
        group = self._named_group(record.group)
        self._called = group
        self.reach(at)
        self._called = None
        if group is None or group.gone:
            return
        now, out = self._now(), Effects()
        self._revival.turned(record.group)
        if self._deliveries.begun(record):
            # It waited for a delivery, whose end has let the group take it.
            self._arm(group, now, record.group.next)
            return
        if self._onset is not None and group.identity in self._exact:
            self._onset.recorded(self.engine, group, record)
        self.engine.groups.wheel.cancel(group.seat)
        self._turn(group, now, out, record)
        self._carry(out)

    def collect(self, record: Collected) -> None:
        """A turn of a group let go of these alerts. One that left no other record is taken now."""
        alerts, now, out = self.engine.book.alerts, self._now(), Effects()
        for key in record.alerts:
            alert = alerts.get(key)
            for group in () if alert is None else alert.groups:
                if key in group.alerts:
                    self._overdue(group, now, out)
        self._carry(out)

    def drop(self, record: GroupDropped) -> None:
        """A group is gone, by a turn that may have left no other record."""
        route = self._same.get(record.route)
        group = None if route is None or record.cause != "empty" else self._seated(route, record.labels)
        if group is not None:
            out = Effects()
            self._overdue(group, self._now(), out)
            self._carry(out)

    def _overdue(self, group: Group, now: Now, out: Effects) -> None:
        """Let a group whose turn has been put off take it."""
        if group.identity in self._same and not group.gone and group.flight is None and group.due <= now.mono:
            self.engine.groups.wheel.cancel(group.seat)
            self._turn(group, now, out)

    def hear(self, record: Delivered) -> None:
        """How a delivery ended that this run made too."""
        if record.reason == OVERTAKEN:
            # Said of the outbox; how the delivery itself ended is told by another record, if it was under way.
            return
        outcome = self._deliveries.end(record)
        if outcome is None:
            return
        self._end(outcome, assumed=False)
        if self._onset is not None:
            self._onset.delivered(self.engine, record)

    def prune(self, record: LogPruned) -> None:
        """Forget what the log has no need of any more. Of what may be held since a restart the record tells whether it
        was."""
        engine = self.engine
        gone, log = frozenset(record.keys), engine.log
        known = {
            log_key(group.key, to): group
            for group in engine.groups
            if group.identity in self._exact
            for to in engine.plan.receivers[group.route.receiver].integrations
        }
        kept = {key: log[key] for key in known.keys() & log.keys() - gone if self._doubtful(known[key])}
        engine.prune_log(self._now())
        log.update(kept)
        for key in known.keys() & gone:
            log.pop(key, None)
            if self._onset is not None:
                self._onset.sure.add(key)

    def reload(self, plan: Plan, *, keep_timers: bool) -> None:
        """Take over a plan, as a reload does."""
        self._sleep.wake_all(self.wall)
        self._routes.clear()
        self._carry(load_plan(self.engine, plan, self._now(), keep_timers=keep_timers))
        self._sleep.watch(self.wall)

    def restart(self, plan: Plan, wall: int, last_alive: int, *, resumed: bool) -> None:
        """The daemon ended after `last_alive` and came up again at `wall`, with or without its former state."""
        self._sleep.wake_all(self.wall)
        self.wall = max(self.wall, wall)
        old, now = self.engine, self._now()
        self.engine = self._fresh(plan, self.wall)
        self._sleep = Sleep(self.engine, self._silences)
        self._routes.clear()
        self._deliveries.clear()
        self._collected = self.wall
        if not resumed:
            return
        self._revival.restart(old, self.engine, self._ends, now, wall, last_alive)
        self._held_until = self.wall + plan.resolve_timeout
        self._sleep.watch(self.wall)

    def held_in(self, row: GroupRow) -> list[bytes]:
        """The alerts of that group that nobody is known to have repeated since the last start."""
        group = self._named_group(row)
        return [] if group is None else [alert.key for alert in group.alerts.values() if alert.held]

    def confirm(self, keys: Iterable[bytes]) -> None:
        """These alerts have been repeated."""
        for key in keys:
            alert = self.engine.book.alerts.get(key)
            if alert is not None:
                alert.held = False

    def recall(self, told: Iterable[LogEntry]) -> None:
        """Know from elsewhere what has been told."""
        self.engine.log.update((entry.key, entry) for entry in told)

    def seed(self, rows: Iterable[tuple[bytes, int]], since: int) -> None:
        """Begin in the middle: these alerts (key, start) fire already, and everybody has been told at `since`."""
        outset.seed(self.engine, rows, since, labels=self._label_set, ends=self._ends, retention=self._retention)

    def whole_from_here(self, told: Mapping[str, LogEntry]) -> None:
        """From here on all is recorded. What was told before, and is as `told` says or not known any more, the records
        show by and by."""
        self._onset = Onset(told)

    # -- turns --------------------------------------------------------------------------------------------------

    def _awaited(self, group: Group, wall: int) -> bool:
        """Whether the group's turn is recorded shortly ahead; it is then put off until there. So is one that the daemon
        did not come to take before its end."""
        if group is self._called or group.due > self._window.taken:
            return True
        if group.identity not in self._same:
            return False
        route, groups = group.route, self.engine.groups
        ahead = self._window.turns.get((group.identity, group.label_key))
        if ahead is not None and wall <= ahead[0].at < group.due + min(AHEAD, route.group_interval):
            # The record will take the turn, at its own place among others of that instant.
            return True
        if not group.flushed and group.due < group.created + route.group_wait:
            # A first turn is always recorded. Whether it comes at once or after group_wait depends on which alert was
            # seated first, and after a reload that is the order of a book whose collections are not recorded.
            groups.arm(group, group.created + route.group_wait)
            return True
        return False

    def _turn(self, group: Group, now: Now, out: Effects, record: Flushed | None = None) -> None:
        """Let the group take its turn, by what is recorded of it where it is."""
        for lost in self._deliveries.given_up(group, now.wall):
            self._end(lost, assumed=False)
        if group.gone:
            return
        self._sleep.over(group)
        before = len(out.notify)
        doubtful: Sequence[Alert] = ()
        if record is None and self._onset is not None and group.identity in self._exact:
            self._onset.unrecorded(self.engine, group, now.wall)
        if self._revival.doubted and (record is None or not repeats(record)):
            doubtful = self._doubt(group)
        self.engine.turn(group, now, out)
        for alert in doubtful:
            alert.held = False
        if group.gone:
            return
        if record is not None:
            self._arm(group, now, record.group.next)
        if len(out.notify) == before:
            self._sleep.doze(group, self.wall)

    def _arm(self, group: Group, now: Now, following: int) -> None:
        """Set the group's timer by what is recorded of it, 0 for nothing."""
        if following > now.mono and following != group.due:
            self.engine.groups.arm(group, following)

    def _recorded_now(self, group: Group) -> Turn | None:
        """The turn of the group that is recorded for this moment, if there is one."""
        ahead = self._window.turns.get((group.identity, group.label_key))
        return ahead[0] if ahead is not None and ahead[0].at <= self.wall else None

    def _repeats_now(self, group: Group) -> bool:
        """Whether a repeat of the group is recorded for this moment."""
        turn = self._recorded_now(group)
        return turn is not None and turn.repeats

    def _doubt(self, group: Group) -> list[Alert]:
        """What of a group may be held since a restart: held from now on, until whoever asks lets go of it."""
        doubtful = self._doubtful(group)
        for alert in doubtful:
            alert.held = True
        return doubtful

    def _doubtful(self, group: Group) -> list[Alert]:
        """The alerts of a group that may still be held since the restart, when no repeat is recorded and the group
        would have left a record if there had been one."""
        return self._revival.doubtful(group) if group.identity in self._exact else []

    def _carry(self, out: Effects) -> None:
        self._revival.note(out.records)
        for notify in out.notify:
            self._watch.sent(notify, self.wall)
            flushes = self._window.sends.get(notify.key)
            if flushes:
                self._deliveries.begin(notify, flushes[0], self.wall)
            else:
                self._end(Outcome(notify=notify, ok=True, attempts=1, took=0), assumed=True)

    def _end(self, outcome: Outcome, *, assumed: bool) -> None:
        notify = outcome.notify
        self._watch.ended(outcome, self.wall, assumed)
        flight = self.engine.flights.get(notify.flush)
        if flight is not None:
            # The group's next turn may have waited for this, and is then taken at once.
            doubtful: Sequence[Alert] = ()
            if self._repeats_now(flight.group):
                self.confirm(alert.key for alert in flight.group.alerts.values() if alert.held)
            elif self._revival.doubted:
                doubtful = self._doubt(flight.group)
            if self._onset is not None and flight.group.identity in self._exact:
                if self._recorded_now(flight.group):
                    flight.group.missed = None
                self._onset.unrecorded(self.engine, flight.group, self.wall)
            out = self.engine.delivered(outcome, self._now())
            for alert in doubtful:
                alert.held = False
            self._carry(out)
        if notify.flush not in self.engine.flights:
            self._deliveries.landed(notify.flush)

    # -- names --------------------------------------------------------------------------------------------------

    def _now(self) -> Now:
        return Now(self.wall, self.wall)

    def _label_set(self, key: bytes) -> dict[str, str]:
        labels = self._labels.get(key)
        if labels is None:
            labels = self._labels[key] = _decode(key)
        return labels

    def _named_group(self, row: GroupRow) -> Group | None:
        """This run's group of that name, if its timers are the recorded one's."""
        route = self._same.get(row.route)
        return None if route is None else self._seated(route, row.labels)

    def _seated(self, route: Route, key: bytes) -> Group | None:
        if route.group_by_all:
            return self.engine.groups.live.get((route.index, key))
        labels = self._label_set(key)
        return self.engine.groups.live.get((route.index, tuple([labels.get(name) for name in route.group_by])))
