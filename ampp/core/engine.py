"""The engine: a state machine that decides who hears about what and when.

It takes an event and the time, changes its own state, and returns what the outside must do: records to keep
(`Effects.records`, in order) and notifications to send (`Effects.notify`). It does no I/O, reads no clock and holds no
task. The same inputs give the same outputs, always; so it runs live, in the simulator and in replay alike.

The rooms it is made of: `book` (current alerts), `group` (who is told together, and when), `muting` (who is kept out),
`dedup` (told already?). What it adds is their order:

    receive ──► book ──► inhibitor ──► groups                     (a report comes in)
    due     ──► wheel ──► muting ──► dedup ──► notify             (a group's turn comes)
    delivered ──► log; when the last integration answered: remove what is resolved, drop the group if empty

A flush counts as done when every integration it had to tell has answered. If all succeeded, the alerts it saw resolved
leave the group, unless reported again meanwhile. If one failed nothing leaves, and the next tick tries again; those
that succeeded are protected by the notification log.
"""

from array import array
from collections.abc import Callable, Iterable, Iterator, Sequence
from hashlib import sha256
from itertools import chain
from typing import Final, Literal

import msgspec

from ampp.core.alert import Alert, PostedAlert, Snapshot
from ampp.core.book import Book, Repeats, hash64, snapshot
from ampp.core.clock import SECOND, Now
from ampp.core.dedup import decide
from ampp.core.group import Flight, Group, Groups
from ampp.core.intake import Intake, Received
from ampp.core.matcher import Mode
from ampp.core.muting import Muting
from ampp.core.notify import NO_LABELS, Labeller, Notify, Outcome, RouteLabels, unrendered
from ampp.core.plan import Integration, Plan
from ampp.core.reason import NotifyReason
from ampp.core.record import (
    Collected,
    Decision,
    Delivered,
    Flushed,
    GroupDropped,
    LogEntry,
    LogPruned,
    OutboxRow,
    Record,
    Suppressed,
)
from ampp.core.silence import SilenceBook
from ampp.core.wheel import Wheel

__all__ = ["MIN_DEADLINE", "MOST", "OVERTAKEN", "Effects", "Engine", "log_key", "settled"]

MIN_DEADLINE: Final = 10 * SECOND
"""A flush may take its group_interval, but at least this long (upstream notify.MinTimeout)."""

OVERTAKEN: Final = "overtaken"
"""The reason in the journal of a notification that was given up because there was nothing left to tell."""

MOST: Final = 50
CROWD: Final = 500
"""How many groups take their turn in one call, and from how many alerts in these on no more do, so that a crowd of them
cannot hold up everything else."""


class Effects(msgspec.Struct):
    """What the outside must do after an event, and what it may want to count."""

    records: list[Record] = msgspec.field(default_factory=list)
    notify: list[Notify] = msgspec.field(default_factory=list)
    suppressed: list[Suppressed] = msgspec.field(default_factory=list)
    canceled: list[int] = msgspec.field(default_factory=list)


class Engine:
    """The routing state. `retention` (ns) bounds the notification log; `start` is when ticks may begin (mono ns).

    `offset` gives the local zone's seconds east of UTC at a wall time, for times that upstream prints in local time.
    `label` renders route labels; it belongs to the configuration, and by default leaves out what needs rendering.
    `journal` false saves what only recording and sending need: no record of turns, notifications without token, their
    alerts in no order.
    """

    def __init__(
        self,
        plan: Plan,
        silences: SilenceBook,
        *,
        mode: Mode,
        retention: int,
        now: Now,
        per_name: int = 0,
        start: int | None = None,
        offset: Callable[[int], int] = lambda wall: 0,
        label: Labeller = unrendered,
        journal: bool = True,
    ) -> None:
        self.plan = plan
        self.label = label
        self.mode: Final = mode
        self.retention: Final = retention
        self.book: Final = Book(per_name)
        self.muting: Final = Muting(plan, silences)
        self.groups: Groups = Groups(plan.root, Wheel(now.mono))
        self.log: dict[str, LogEntry] = {}
        self.outbox: dict[str, OutboxRow] = {}
        self.flights: dict[int, Flight] = {}
        self._intake: Final = Intake(self.book, self.muting, mode, offset)
        self._start: Final = now.mono if start is None else start
        self._flush_id = now.wall
        self._journal: Final = journal

    # -- reports ------------------------------------------------------------------------------------------------

    def receive(self, posts: Iterable[PostedAlert], now: Now, came: int | None = None) -> Received:
        """Take in one request's alerts, or some of them. Invalid ones are named in `errors`; the valid ones are taken
        all the same. `came`: when the request did, if that was before `now` (wall)."""
        return self._intake.receive(posts, now, self.groups, self.plan.resolve_timeout, came)

    def refresh(self, repeats: Repeats, now: Now) -> int:
        """Take in known alerts that came again unchanged; returns how many, counted from the first, are thereby done.

        The same as `receive` with the same alerts, without objects made and questions asked for each. The others, if
        any, are for `receive`.
        """
        return self._intake.refresh(repeats, now.wall)

    # -- time ---------------------------------------------------------------------------------------------------

    def next_due(self) -> int | None:
        """The monotonic time at which `due` should be called next."""
        due = self.groups.next_due()
        return due if due is None else max(due, self._start)

    def due(self, now: Now, most: int = MOST) -> Effects:
        """Give some groups whose timer has run out their turn, up to `most`; `next_due` tells when to come again."""
        out = Effects()
        if now.mono < self._start:
            return out
        alerts = 0
        for group in self.groups.due(now, most):
            alerts += len(group.alerts)
            self.turn(group, now, out)
            if alerts >= CROWD:
                break
        return out

    def turn(self, group: Group, now: Now, out: Effects) -> None:
        """Give a group whose timer has run out its turn; what follows from it is added to `out`."""
        if group.flight is not None:
            # The timer has fired and waits to be read; it is armed again when its turn comes.
            group.missed = now.wall
        else:
            self.groups.rearm(group, max(group.due, self._start), now)
            self._flush(group, now.wall, now, out)

    def _flush(self, group: Group, tick: int, now: Now, out: Effects) -> None:
        """Let the group take its turn. `tick` is the wall time at which the turn came, which is before now when a flush
        under way held it up. As upstream, intervals and repeats are judged by it, and all else by this moment: what has
        been silenced or resolved meanwhile must not be told as firing."""
        group.flushed = True
        wall = now.wall
        kept, suppressed, group.muted_by = self.muting.sift(
            group.route, group.alerts.values(), wall, group.muted_by, tick
        )
        out.suppressed.extend(suppressed)
        firing = [alert for alert in kept if alert.ends > wall]
        resolved = [alert for alert in kept if alert.ends <= wall]
        over = tuple([(alert, alert.updated, alert.ends) for alert in group.alerts.values() if alert.ends <= wall])
        flight = Flight(self._flush_id, group, over, {})
        self._flush_id += 1
        decisions: list[Decision] = []
        rows: list[OutboxRow] = []
        if kept:
            self._decide(group, flight, firing, resolved, tick, now, out, decisions, rows)
        if self._journal:
            self._record(group, flight, suppressed, decisions, rows, now, out)
        if flight.waiting:
            group.flight = self.flights[flight.id] = flight
        else:
            self._finish(group, flight, now, out)

    def _record(
        self,
        group: Group,
        flight: Flight,
        suppressed: list[Suppressed],
        decisions: list[Decision],
        rows: list[OutboxRow],
        now: Now,
        out: Effects,
    ) -> None:
        """Record the turn, unless all was as it was at the last one."""
        told = (tuple(group.alerts), tuple(suppressed), tuple((d.send, d.reason) for d in decisions))
        lapsed = tuple([(alert.key, alert.ends) for alert, _, _ in flight.over if alert.told_end != alert.ends])
        if rows or lapsed or told != group.told:
            same = group.told is not None and told[0] == group.told[0]  # type: ignore[index]
            group.told = told
            for alert, _, _ in flight.over:
                alert.told_end = alert.ends
            out.records.append(
                Flushed(
                    at=now.wall,
                    id=flight.id,
                    group=group.row(now),
                    alerts=() if same else told[0],
                    suppressed=tuple(suppressed),
                    decisions=tuple(decisions),
                    outbox=tuple(rows),
                    lapsed=lapsed,
                )
            )

    def _decide(
        self,
        group: Group,
        flight: Flight,
        firing: list[Alert],
        resolved: list[Alert],
        tick: int,
        now: Now,
        out: Effects,
        decisions: list[Decision],
        rows: list[OutboxRow],
    ) -> None:
        route = group.route
        firing_hashes = tuple(hash64(alert) for alert in firing)
        resolved_hashes = tuple(hash64(alert) for alert in resolved)
        may_repeat = not firing or not all(alert.held for alert in firing)
        snapshots = None
        route_labels = NO_LABELS
        for to in self.plan.receivers[route.receiver].integrations:
            key = log_key(group.key, to)
            entry = self.log.get(key)
            reason = decide(
                entry,
                firing_hashes,
                resolved_hashes,
                send_resolved=to.send_resolved,
                repeat_interval=route.repeat_interval,
                wall=tick,
                may_repeat=may_repeat,
            )
            send = reason is not NotifyReason.NONE
            mark = ""
            if self._journal:
                if send:
                    mark = token(key, entry, firing_hashes, resolved_hashes, reason)
                decisions.append(Decision(to.name, to.idx, send, reason.value, len(firing), len(resolved), mark))
            if not send:
                unsent = self.outbox.pop(key, None)
                if unsent is not None:
                    out.records.append(settled(now.wall, unsent, "nothing left to tell"))
                continue
            if snapshots is None:
                snapshots = _snapshots(firing + resolved, now.wall)
                if self._journal:
                    route_labels = self.route_labels(group, now.wall)
            row = OutboxRow(key, flight.id, group.identity, group.label_key, now.wall, mark)
            self.outbox[key] = row
            rows.append(row)
            flight.waiting[key] = None
            out.notify.append(
                Notify(
                    flush=flight.id,
                    route_id=route.id,
                    group_key=group.key,
                    group_labels=group.labels,
                    route_labels=route_labels,
                    integration=to,
                    reason=reason,
                    alerts=snapshots,
                    firing=firing_hashes,
                    resolved=resolved_hashes,
                    deadline=now.mono + max(route.group_interval, MIN_DEADLINE),
                    token=mark,
                    data={} if entry is None or reason is NotifyReason.FIRST else entry.data,
                )
            )

    # -- outcomes -----------------------------------------------------------------------------------------------

    def expects(self, notify: Notify) -> bool:
        """Whether the notification is still to be sent: a reload may have given it up."""
        flight = self.flights.get(notify.flush)
        return flight is not None and not flight.group.gone

    def delivered(self, outcome: Outcome, now: Now) -> Effects:
        """Take note of how a notification ended; the flush it belongs to may thereby be done."""
        out = Effects()
        notify = outcome.notify
        key = notify.key
        flight = self.flights.get(notify.flush)
        if flight is None or key not in flight.waiting:
            return out
        group = flight.group
        entry = self._write_log(key, notify, outcome, group, now) if outcome.ok else None
        row = self.outbox.get(key)
        settled = row is not None and row.flush == notify.flush and (outcome.ok or group.gone)
        if settled:
            del self.outbox[key]
        out.records.append(
            Delivered(
                at=now.wall,
                flush=notify.flush,
                key=key,
                ok=outcome.ok,
                attempts=outcome.attempts,
                took=outcome.took,
                reason=outcome.reason.value if outcome.reason is not None else "",
                error=outcome.error,
                entry=entry,
                settled=settled,
                tries=outcome.tries,
            )
        )
        del flight.waiting[key]
        flight.failed |= not outcome.ok
        if not flight.waiting:
            del self.flights[flight.id]
            if not group.gone:
                self._finish(group, flight, now, out)
        return out

    def _write_log(self, key: str, notify: Notify, outcome: Outcome, group: Group, now: Now) -> LogEntry:
        """Note what was told. Upstream leaves an entry from the future alone, for its peers' sake; after the wall clock
        stepped back that would tell the same again at every interval until the clock has caught up."""
        to = notify.integration
        entry = self.log[key] = LogEntry(
            group_key=notify.group_key,
            receiver=to.receiver,
            integration=to.name,
            idx=to.idx,
            timestamp=now.wall,
            firing=notify.firing,
            resolved=notify.resolved,
            expires=now.wall + min(self.retention, 2 * group.route.repeat_interval),
            data=outcome.data,
        )
        return entry

    def _finish(self, group: Group, flight: Flight, now: Now, out: Effects) -> None:
        """The flush is done: let go of what it told as resolved, and take the tick that came meanwhile."""
        group.flight = None
        if not flight.failed:
            over: list[bytes] = []
            for alert, updated, ended in flight.over:
                # By the moment of the report alone, as upstream, one that came at that same instant would be lost.
                if (alert.updated, alert.ends) != (updated, ended) or group.alerts.get(alert.key) is not alert:
                    continue
                if self.groups.leave(alert, group):
                    over.append(alert.key)
            if over:
                out.records.append(Collected(at=now.wall, alerts=tuple(over)))
            if not group.alerts:
                self._drop(group, "empty", now, out)
                return
        if group.missed is not None:
            tick, group.missed = group.missed, None
            self.groups.rearm(group, now.mono, now)
            self._flush(group, tick, now, out)

    def _drop(self, group: Group, cause: Literal["empty", "reload"], now: Now, out: Effects) -> None:
        self.groups.drop(group)
        for to in self.plan.receivers[group.route.receiver].integrations:
            unsent = self.outbox.pop(log_key(group.key, to), None)
            if unsent is not None:
                out.records.append(settled(now.wall, unsent, "the group is gone"))
        out.records.append(GroupDropped(at=now.wall, route=group.identity, labels=group.label_key, cause=cause))

    def route_labels(self, group: Group, wall: int) -> RouteLabels:
        """The labels of the group's route; templates among them speak of all alerts it holds, muted ones too."""
        route = group.route
        if not any("{{" in value for value in route.labels.values()):
            return RouteLabels(route.labels)
        alerts = _snapshots(group.alerts.values(), wall)
        return RouteLabels({}, self.label(route.receiver, group.labels, route.labels, alerts))

    # -- upkeep -------------------------------------------------------------------------------------------------

    def collect(self, now: Now) -> list[Alert]:
        """Forget alerts that are over. Groups hold on to theirs until told; the store follows the groups."""
        return list(chain.from_iterable(self.collecting(now)))

    def collecting(self, now: Now) -> Iterator[list[Alert]]:
        """The same a little at a time: in batches, some of which may be empty, between which the engine may be used in
        any way. An alert leaves the book and the inhibitor together, so that nobody finds it in one of them alone."""
        for gone in self.book.collect(now.wall):
            for alert in gone:
                # Asked for each time: a reload brings others.
                self.muting.inhibitor.forget(alert)
                self.groups.note(alert)
            yield gone

    def prune_log(self, now: Now) -> LogPruned | None:
        """Remove notification-log entries past their expiry; until then even an expired one still deduplicates.

        What is said of alerts held since a restart stays, or they would be told as if for the first time.
        """
        over = [key for key, entry in self.log.items() if entry.expires <= now.wall]
        if not over:
            return None
        held = {
            log_key(group.key, to)
            for group in self.groups
            if any(alert.held for alert in group.alerts.values())
            for to in self.plan.receivers[group.route.receiver].integrations
        }
        keys = tuple([key for key in over if key not in held])
        for key in keys:
            del self.log[key]
        return LogPruned(at=now.wall, keys=keys) if keys else None


def _snapshots(alerts: Iterable[Alert], wall: int) -> tuple[Snapshot, ...]:
    """The alerts at this moment, in no order: thousands of them are put in order elsewhere, where nobody waits."""
    return tuple([snapshot(alert, wall) for alert in alerts])


def log_key(group_key: str, to: Integration) -> str:
    """The notification log's key for one integration of one group; `LogEntry.key` and `Notify.key` write the same."""
    return f"{group_key}:{to.receiver}/{to.name}/{to.idx}"


def token(
    key: str, entry: LogEntry | None, firing: Sequence[int], resolved: Sequence[int], reason: NotifyReason
) -> str:
    """What makes a notification the same after a crash: to whom, about what, and since which earlier one."""
    text = f"{key}\0{entry.timestamp if entry else 0}\0{len(firing)}\0{reason.value}\0"
    return sha256(text.encode() + array("Q", sorted(firing) + sorted(resolved)).tobytes()).hexdigest()[:32]


def settled(wall: int, row: OutboxRow, why: str) -> Delivered:
    """An outbox row that came to nothing, because there is nothing left to tell."""
    return Delivered(at=wall, flush=row.flush, key=row.key, ok=False, attempts=0, took=0, reason=OVERTAKEN, error=why)
