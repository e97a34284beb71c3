"""Taking up the thread: the engine's state under a new configuration, and after a restart.

Both route every known alert through the plan in force and then decide what each group inherits from the group that
bore its name before: nothing (a reload as upstream does it), or its timer and its send under way.
"""

from collections.abc import Iterable
from typing import Final

from ampp.core.alert import Alert
from ampp.core.clock import SECOND, Now
from ampp.core.engine import Effects, Engine, log_key, settled
from ampp.core.group import Group, Groups
from ampp.core.plan import Plan
from ampp.core.record import AlertRow, Collected, GroupDropped, GroupRow, LogEntry, OutboxRow, Record
from ampp.core.wheel import Wheel

__all__ = ["load_plan", "restore"]

LATE: Final = 10 * SECOND
"""How late a turn may have been: one that was due less than this before the end of a run may not have been taken."""

_NO_GROUP: Final = "no group has this key under the new configuration"


def load_plan(engine: Engine, plan: Plan, now: Now, *, keep_timers: bool = False) -> Effects:
    """Route every known alert through a new plan.

    As upstream, timers restart, sends under way are given up (`Effects.canceled`) and the log stays. With
    `keep_timers`, a group found again under the same name keeps its timer and its send under way.
    """
    out = Effects()
    before = engine.groups.by_name()
    seats = {alert.key: alert.groups for alert in engine.book if alert.ends <= now.wall}
    old_plan, engine.plan = engine.plan, plan
    engine.muting.load(plan, engine.book)
    engine.groups = Groups(plan.root, Wheel(now.mono))
    _reseat(engine, now, _collected(engine, before.values()))
    after = engine.groups.by_name()
    for name, group in before.items():
        heir = after.get(name)
        same = heir is not None and _same_receiver(old_plan, plan, group.route.receiver)
        if keep_timers and heir is not None and same:
            let_go = _inherit(engine, heir, group, seats, now)
            if let_go:
                out.records.append(Collected(at=now.wall, alerts=let_go))
            group.alone = ()
            continue
        if heir is not None and heir.route.id == group.route.id:
            # What the API shows of mute intervals stands until the group's next turn (upstream's group marker).
            heir.muted_by = group.muted_by
        group.end()
        if group.flight is not None:
            out.canceled.append(group.flight.id)
        if heir is None:
            out.records.append(GroupDropped(at=now.wall, route=group.identity, labels=group.label_key, cause="reload"))
    _settle_outbox(engine, after, now, out)
    return out


def _settle_outbox(engine: Engine, groups: dict[tuple[str, bytes], Group], now: Now, out: Effects) -> None:
    """Take out what no group under the new plan can be expected to send."""
    plan, keys = engine.plan, set[str]()
    for key, row in list(engine.outbox.items()):
        heir = groups.get((row.route, row.labels))
        if heir is not None and key in _log_keys(plan, heir):
            continue
        # Of twins among the routes, one may have taken the other's place: then the key alone tells.
        keys = keys or {key for group in engine.groups for key in _log_keys(plan, group)}
        if key not in keys:
            out.records.append(settled(now.wall, engine.outbox.pop(key), _NO_GROUP))


def restore(
    engine: Engine,
    alerts: Iterable[AlertRow],
    groups: Iterable[GroupRow],
    log: Iterable[LogEntry],
    outbox: Iterable[OutboxRow],
    now: Now,
    *,
    last_alive: int,
) -> list[Record]:
    """Take up an empty engine's state where a former run left it.

    Firing alerts are held until their end, but at least one resolve_timeout from now, until a sender repeats them;
    what was over when the former run was last alive stays so. Group timers resume; a group with an unfinished
    notification takes its turn at once.

    Returns what is to be recorded of stored groups and notifications that no group takes up: they are gone.
    """
    hold = now.wall + engine.plan.resolve_timeout
    engine.book.restore(alerts)
    for alert in engine.book:
        if last_alive < alert.ends < hold:
            alert.ends, alert.timeout = hold, True
    engine.log.update((entry.key, entry) for entry in log)
    engine.muting.load(engine.plan, engine.book)
    _reseat(engine, now, ())
    rows = {(row.route, row.labels): row for row in groups}
    by_name = engine.groups.by_name()
    for name, group in by_name.items():
        row = rows.get(name)
        if row is not None:
            group.created, group.flushed = row.created, row.flushed
            interval = group.route.group_interval
            # A turn at which there was nothing new to say left no trace.
            silent = max(0, (last_alive - LATE - row.next) // interval + 1)
            # No later than an interval from now, whatever the wall clock did meanwhile.
            wait = min(max(0, row.next + silent * interval - now.wall), interval)
            engine.groups.arm(group, now.mono + wait)
            continue
        # Never flushed before the stop: its wait began no earlier than its oldest alert.
        first = min(alert.starts for alert in group.alerts.values()) + group.route.group_wait
        engine.groups.arm(group, min(group.due, now.mono + max(0, first - now.wall)))
    records: list[Record] = [
        GroupDropped(at=now.wall, route=row.route, labels=row.labels, cause="reload")
        for name, row in rows.items()
        if name not in by_name
    ]
    for unsent in outbox:
        heir = by_name.get((unsent.route, unsent.labels))
        if heir is not None and unsent.key in _log_keys(engine.plan, heir):
            engine.outbox[unsent.key] = unsent
            engine.groups.arm(heir, now.mono)
        else:
            records.append(settled(now.wall, unsent, _NO_GROUP))
    return records


def _reseat(engine: Engine, now: Now, collected: Iterable[Alert]) -> None:
    for alert in [*engine.book, *collected]:
        alert.routes = ()
        engine.groups.seat(alert, now)


def _collected(engine: Engine, groups: Iterable[Group]) -> list[Alert]:
    """Alerts that the book has forgotten and a group has yet to tell as resolved. Upstream loses these at a reload."""
    found = {key: alert for group in groups for key, alert in group.alerts.items() if key not in engine.book.alerts}
    return list(found.values())


def _inherit(
    engine: Engine, heir: Group, group: Group, seats: dict[bytes, tuple[Group, ...]], now: Now
) -> tuple[bytes, ...]:
    """Give `heir` the timer of `group`; returns the alerts that no group holds any more.

    `seats` are the groups that the resolved alerts had before. What had left this group, or all of its groups, was told
    as resolved; routing the whole book anew has brought it back.
    """
    let_go = []
    for alert in [alert for alert in heir.alerts.values() if alert.key in seats and alert.key not in group.alerts]:
        had = seats[alert.key]
        if group in had or not any(alert.key in other.alerts for other in had):
            del heir.alerts[alert.key]
            alert.seated = False
            if not any(alert.key in other.alerts for other in alert.groups):
                let_go.append(alert.key)
    heir.created, heir.flushed, heir.muted_by, heir.told = group.created, group.flushed, group.muted_by, group.told
    heir.missed = group.missed
    most = now.mono + (heir.route.group_interval if heir.flushed else heir.route.group_wait)
    engine.groups.arm(heir, min(group.due, most))
    if group.flight is not None:
        heir.flight = group.flight
        heir.flight.group = heir
    return tuple(let_go)


def _log_keys(plan: Plan, group: Group) -> set[str]:
    return {log_key(group.key, to) for to in plan.receivers[group.route.receiver].integrations}


def _same_receiver(old: Plan, new: Plan, name: str) -> bool:
    return old.receivers[name].integrations == new.receivers[name].integrations
