"""A group's turns as people ask for them: who is told, when last, when next."""

from collections.abc import Iterable

from ampp.core.book import hash64
from ampp.core.clock import Now
from ampp.core.engine import log_key
from ampp.core.group import Group
from ampp.core.record import LogEntry
from ampp.live import Live
from ampp.observe.stall import Pace
from ampp.web.survey import Seen

__all__ = ["entries", "next_flush", "next_repeat", "said", "told"]


def entries(live: Live, group: Group) -> list[LogEntry]:
    """What the notification log knows of the group, an entry for each integration that was told."""
    receiver = live.plan.receivers.get(group.route.receiver)
    if receiver is None:
        return []
    found = (live.engine.log.get(log_key(group.key, to)) for to in receiver.integrations)
    return [entry for entry in found if entry is not None]


def told(log: list[LogEntry]) -> int | None:
    """When somebody was last told about the group."""
    return max((entry.timestamp for entry in log), default=None)


async def said(live: Live, members: Iterable[Seen], log: list[LogEntry] | None = None) -> dict[int, int]:
    """When somebody was last told that these very alerts fire, by their hashes: by this log, or without one by those of
    all their groups. Lets others run in between: an entry names as many alerts as its group has."""
    marks: dict[Group | None, set[int]] = {}
    for seen in members:
        for group in (None,) if log is not None else live.engine.groups.of(seen.alert):
            marks.setdefault(group, set()).add(hash64(seen.alert))
    found: dict[int, int] = {}
    pace = Pace()
    for group, wanted in marks.items():
        for entry in log or () if group is None else entries(live, group):
            for mark in wanted.intersection(entry.firing):
                found[mark] = max(entry.timestamp, found.get(mark, entry.timestamp))
            await pace.pause()
    return found


def next_flush(group: Group, now: Now) -> int:
    """The wall time of the group's next turn."""
    return now.wall + max(0, group.due - now.mono)


def next_repeat(group: Group, log: list[LogEntry], now: Now) -> int | None:
    """When, if nothing changes, somebody is told again: the first turn after the repeat interval."""
    last = told(log)
    if last is None:
        return None
    turn, due = next_flush(group, now), last + group.route.repeat_interval
    if due <= turn:
        return turn
    return turn + -(-(due - turn) // group.route.group_interval) * group.route.group_interval
