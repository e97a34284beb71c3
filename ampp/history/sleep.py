"""Groups of a replay about which nothing changes, and what wakes them.

After a turn that told nobody anything, the next one that could is worked out (a repeat due, a silence's start or end),
and an event that concerns the group wakes it for its next regular turn. Sleeping changes no outcome, since the turns
slept through would each have found what the last one found.
"""

from heapq import heappop, heappush
from typing import Final

from ampp.core.alert import Alert
from ampp.core.engine import Engine, log_key
from ampp.core.group import Group, Seat
from ampp.core.inhibit import Place
from ampp.core.silence import SilenceBook
from ampp.history.window import FOREVER

__all__ = ["Sleep"]


class Sleep:
    """The sleeping groups of one engine. Times are wall nanoseconds, `wall` the present."""

    def __init__(self, engine: Engine, silences: SilenceBook) -> None:
        self._engine: Final = engine
        self._silences: Final = silences
        self._asleep: dict[Seat, int] = {}
        self._listening: dict[Place, set[Seat]] = {}
        self._over: list[tuple[int, Place]] = []

    def doze(self, group: Group, wall: int) -> None:
        """After a turn at which nobody was told anything: put off the next to the first that could be different."""
        route, engine = group.route, self._engine
        if group.flight is not None or route.mute_intervals or route.active_intervals:
            return
        until = self._silences.next_change(wall) or FOREVER
        firing = False
        for alert in group.alerts.values():
            if alert.held:
                return
            if alert.ends > wall:
                firing = True
                until = min(until, alert.ends)
        if firing:
            for to in engine.plan.receivers[route.receiver].integrations:
                entry = engine.log.get(log_key(group.key, to))
                # A repeat overdue and not told is withheld; only what withholds it can change that.
                if entry is not None and entry.timestamp + route.repeat_interval >= wall:
                    until = min(until, entry.timestamp + route.repeat_interval + 1)
        regular = group.due
        if until <= regular:
            return
        if engine.plan.inhibit_rules:
            for alert in group.alerts.values():
                for place in engine.muting.inhibitor.places(alert)[1]:
                    self._listening.setdefault(place, set()).add(group.seat)
        self._asleep[group.seat] = regular
        engine.groups.arm(group, FOREVER if until == FOREVER else _tick(regular, route.group_interval, until))

    def over(self, group: Group) -> None:
        """The group takes a turn."""
        self._asleep.pop(group.seat, None)

    def _wake(self, seat: Seat, at: int) -> None:
        """Let the group's next turn be its first regular one from `at` on."""
        regular = self._asleep.pop(seat, None)
        group = self._engine.groups.live.get(seat)
        if regular is not None and group is not None:
            self._engine.groups.arm(group, _tick(regular, group.route.group_interval, at))

    def wake_all(self, wall: int) -> None:
        for seat in list(self._asleep):
            self._wake(seat, wall + 1)

    def rouse_by(self, until: int) -> bool:
        """Wake those whom the first end, by then, of what may inhibit them concerns; whether there was one."""
        if not self._over or self._over[0][0] > until:
            return False
        at, place = heappop(self._over)
        self._rouse(place, at)
        return True

    def _rouse(self, place: Place, at: int) -> None:
        """Wake the groups that a source at this place may concern."""
        for seat in self._listening.pop(place, ()):
            self._wake(seat, at)

    def stir(self, alert: Alert, wall: int) -> None:
        """Wake every group that a report about the alert concerns."""
        for group in alert.groups:
            if group.seat in self._asleep:
                self._wake(group.seat, wall + 1)
        if self._engine.plan.inhibit_rules:
            for place in self._source(alert, wall):
                self._rouse(place, wall + 1)

    def _source(self, alert: Alert, wall: int) -> tuple[Place, ...]:
        """Where the alert may inhibit others; its end, if that is known, will wake them."""
        places = self._engine.muting.inhibitor.places(alert)[0]
        if wall < alert.ends < FOREVER:
            for place in places:
                heappush(self._over, (alert.ends, place))
        return places

    def watch(self, wall: int) -> None:
        """The plan or all alerts are new: note who may inhibit."""
        self._listening.clear()
        self._over.clear()
        if self._engine.plan.inhibit_rules:
            for alert in self._engine.book:
                self._source(alert, wall)


def _tick(regular: int, interval: int, at: int) -> int:
    """The first of the turns at `regular` and every `interval` after it that is not before `at`."""
    return regular if at <= regular else regular - (regular - at) // interval * interval
