"""What a replay sets out from where its tape begins in the middle: who fires already, and who has been told of it.

Who fired then is known or follows from what came later. Of the notification log only those entries are that nothing has
replaced since. What the others said shows as time goes on: as long as none of a key's notifications is recorded to have
been delivered, its log is as it was when the records begin, and their decisions say how it was. That holds for groups
of which there is a record (`Onset`); others count as told at the beginning.
"""

from collections.abc import Callable, Iterable, Mapping
from typing import Final

import msgspec

from ampp.core.alert import NO_ANNOTATIONS, Alert
from ampp.core.book import hash64
from ampp.core.clock import Now
from ampp.core.engine import Engine, log_key
from ampp.core.group import Group
from ampp.core.plan import Integration
from ampp.core.reason import NotifyReason
from ampp.core.record import Delivered, Flushed, LogEntry
from ampp.history.window import FOREVER, Ends

__all__ = ["Onset", "seed"]

_OTHER: Final = (0,)
"""Said of an alert that is not in the group any more."""


def seed(
    engine: Engine,
    rows: Iterable[tuple[bytes, int]],
    since: int,
    *,
    labels: Callable[[bytes], dict[str, str]],
    ends: Ends,
    retention: int,
) -> None:
    """Let these alerts (key, start) fire already, and everybody have been told at `since` (wall ns)."""
    now = Now(since, since)
    for key, starts in rows:
        if key in engine.book.alerts:
            continue
        alert = engine.book.alerts[key] = Alert(
            key=key,
            labels=labels(key),
            annotations=NO_ANNOTATIONS,
            starts=starts,
            ends=ends.after(key, since),
            updated=since,
        )
        engine.muting.inhibitor.observe(alert)
        engine.groups.seat(alert, now)
    for group in engine.groups:
        _deem_told(engine, group, now, retention)


def _deem_told(engine: Engine, group: Group, now: Now, retention: int) -> None:
    route = group.route
    kept, _, group.muted_by = engine.muting.sift(route, group.alerts.values(), now.wall, group.muted_by, now.wall)
    firing = tuple([hash64(alert) for alert in kept])
    group.flushed = True
    engine.groups.arm(group, now.mono + route.group_interval)
    if not firing:
        return
    for to in engine.plan.receivers[route.receiver].integrations:
        entry = _entry(group, to, now.wall, firing, (), now.wall + min(retention, 2 * route.repeat_interval))
        known = engine.log.get(entry.key)
        if known is None:
            engine.log[entry.key] = entry
        elif not frozenset(firing) <= frozenset(known.firing):
            engine.log[entry.key] = msgspec.structs.replace(entry, timestamp=known.timestamp)


class Onset:
    """What one replay has yet to learn of the log since the records began to be whole. `sure`: the log keys of which it
    knows what was told."""

    def __init__(self, told: Mapping[str, LogEntry]) -> None:
        self.sure: Final[set[str]] = set()
        self._told: Final = told
        self._under_way: Final[set[tuple[int, str]]] = set()

    def recorded(self, engine: Engine, group: Group, record: Flushed) -> None:
        """Before a turn that is recorded: let the log say what leads to the decisions of the record."""
        unsure = self._unsure(engine, group)
        if not unsure:
            return
        reasons = {(one.integration, one.idx): NotifyReason(one.reason) for one in record.decisions}
        self._under_way.update((record.id, row.key) for row in record.outbox)
        firing, resolved = _hashes(engine, group, record.at)
        for to in unsure:
            reason = reasons.get((to.name, to.idx), NotifyReason.NONE)
            said = _SAID[reason]
            _put(engine, group, to, None if said is None else said(firing, resolved, record.at))

    def unrecorded(self, engine: Engine, group: Group, wall: int) -> None:
        """Before a turn that is not: it told nobody anything."""
        unsure = self._unsure(engine, group)
        if unsure:
            firing, resolved = _hashes(engine, group, wall)
            for to in unsure:
                _put(engine, group, to, (firing, resolved, wall))

    def delivered(self, engine: Engine, record: Delivered) -> None:
        """After the end of a delivery that is recorded."""
        if (record.flush, record.key) in self._under_way:
            self._under_way.discard((record.flush, record.key))
            if record.entry is not None:
                self.sure.add(record.key)
                engine.log[record.key] = record.entry

    def _unsure(self, engine: Engine, group: Group) -> list[Integration]:
        found = []
        for to in engine.plan.receivers[group.route.receiver].integrations:
            key = log_key(group.key, to)
            if key in self.sure:
                continue
            known = self._told.get(key)
            if known is None:
                found.append(to)
            else:
                self.sure.add(key)
                engine.log[key] = known
        return found


_Said = tuple[tuple[int, ...], tuple[int, ...], int]


def _hashes(engine: Engine, group: Group, wall: int) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """The alerts of the group that a turn would find firing, and those resolved."""
    kept, _, _ = engine.muting.sift(group.route, group.alerts.values(), wall, group.muted_by, wall)
    firing = tuple([hash64(alert) for alert in kept if alert.ends > wall])
    return firing, tuple([hash64(alert) for alert in kept if alert.ends <= wall])


_SAID: Final[Mapping[NotifyReason, Callable[[tuple[int, ...], tuple[int, ...], int], _Said] | None]] = {
    NotifyReason.NONE: lambda firing, resolved, wall: (firing, resolved, wall),
    NotifyReason.FIRST: None,
    NotifyReason.NEW_ALERTS: lambda firing, resolved, wall: (_OTHER, (), wall),
    NotifyReason.SOME_RESOLVED: lambda firing, resolved, wall: (firing, (), wall),
    NotifyReason.ALL_RESOLVED: lambda firing, resolved, wall: (_OTHER, (), wall),
    NotifyReason.REPEAT: lambda firing, resolved, wall: (firing, resolved, 0),
}
"""By the reason of a decision, what the log may have said: who fires, who does not any more, and when."""


def _put(engine: Engine, group: Group, to: Integration, said: _Said | None) -> None:
    key = log_key(group.key, to)
    if said is None:
        engine.log.pop(key, None)
    else:
        firing, resolved, at = said
        engine.log[key] = _entry(group, to, at, firing, resolved, FOREVER)


def _entry(
    group: Group, to: Integration, at: int, firing: tuple[int, ...], resolved: tuple[int, ...], expires: int
) -> LogEntry:
    return LogEntry(
        group_key=group.key,
        receiver=to.receiver,
        integration=to.name,
        idx=to.idx,
        timestamp=at,
        firing=firing,
        resolved=resolved,
        expires=expires,
    )
