"""A group's turns as people ask for them: who is told, when last, when next."""

from ampp.core.book import hash64
from ampp.core.clock import Now
from ampp.core.engine import log_key
from ampp.core.group import Group
from ampp.core.record import LogEntry
from ampp.live import Live
from ampp.web.survey import Seen

__all__ = ["Told", "entries", "knows", "next_flush", "next_repeat", "told"]


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


def knows(log: list[LogEntry], seen: Seen) -> int | None:
    """When somebody was last told that this very alert fires."""
    if not log:
        return None
    mark = hash64(seen.alert)
    return max((entry.timestamp for entry in log if mark in entry.firing), default=None)


class Told:
    """When somebody was last told of an alert, by whichever of its groups; the groups' logs are looked up once."""

    def __init__(self, live: Live) -> None:
        self._live = live
        self._known: dict[int, list[LogEntry]] = {}

    def __call__(self, seen: Seen) -> int | None:
        found = []
        for group in seen.alert.groups:
            log = self._known.get(id(group))
            if log is None:
                log = self._known[id(group)] = entries(self._live, group)
            found.append(knows(log, seen))
        return max((each for each in found if each is not None), default=None)


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
