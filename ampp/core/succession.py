"""Taking up the thread after a restart: every stored alert is routed through the plan in force, and its groups go on
where those of the same name left off. (For a new configuration see `takeover`.)
"""

from collections.abc import Iterable
from typing import Final

from ampp.core.clock import SECOND, Now
from ampp.core.engine import Engine, settled
from ampp.core.record import AlertRow, GroupDropped, GroupRow, LogEntry, OutboxRow, Record
from ampp.core.takeover import NO_GROUP, log_keys

__all__ = ["restore"]

LATE: Final = 10 * SECOND
"""How late a turn may have been: one that was due less than this before the end of a run may not have been taken."""


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
    for alert in engine.book:
        engine.groups.seat(alert, now)
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
        if heir is not None and unsent.key in log_keys(engine.plan, heir):
            engine.outbox[unsent.key] = unsent
            engine.groups.arm(heir, now.mono)
        else:
            records.append(settled(now.wall, unsent, NO_GROUP))
    return records
