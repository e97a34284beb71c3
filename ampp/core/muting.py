"""What keeps an alert from being told: silences, inhibition and time intervals, asked in upstream's order.

The stages (core reference 6.1): inhibition, active intervals, mute intervals, silences. A stage that leaves nothing
ends the chain. Inhibition and silences take out single alerts, resolved ones included; intervals the whole group.
"""

from collections.abc import Iterable, Mapping
from typing import Final

from ampp.core.alert import Alert
from ampp.core.book import fingerprint
from ampp.core.clock import Now
from ampp.core.inhibit import Inhibition, Inhibitor
from ampp.core.interval import TimeInterval
from ampp.core.labels import fingerprint_hex
from ampp.core.plan import Plan
from ampp.core.reason import SuppressReason
from ampp.core.record import Suppressed
from ampp.core.route import Route
from ampp.core.silence import SilenceBook

__all__ = ["Muting"]

_FOREVER: Final = 1 << 80


class Muting:
    """The silences, which outlive a reload, and the inhibitor and intervals of the plan in force."""

    def __init__(self, plan: Plan, silences: SilenceBook) -> None:
        self.silences: Final = silences
        self.inhibitor: Inhibitor = Inhibitor(plan.inhibit_rules)
        self.intervals: Mapping[str, tuple[TimeInterval, ...]] = plan.intervals

    def load(self, plan: Plan, alerts: Iterable[Alert]) -> None:
        """Take over a new plan; every known alert may be a source for its rules."""
        inhibitor = Inhibitor(plan.inhibit_rules)
        for alert in alerts:
            inhibitor.observe(alert)
        self.take(plan, inhibitor)

    def take(self, plan: Plan, inhibitor: Inhibitor) -> None:
        """Take over a new plan, and the inhibitor that has observed every known alert under its rules."""
        self.inhibitor, self.intervals = inhibitor, plan.intervals

    def silenced_by(self, alert: Alert, wall: int) -> tuple[str, ...]:
        """Ids of the active silences that match; kept on the alert until a silence starts, ends or changes."""
        silences = self.silences
        if not len(silences):
            return ()
        cached = alert.muted
        if cached is not None and cached[0] == silences.epoch and cached[1] <= wall < cached[2]:
            return cached[3]
        ids = silences.mutes(alert.labels, Now(wall, 0))
        until = silences.next_change(wall)
        alert.muted = (silences.epoch, wall, _FOREVER if until is None else until, ids)
        return ids

    def inhibited_by(self, alert: Alert, wall: int) -> Inhibition | None:
        """The first rule in config order that inhibits the alert, and one source of it."""
        return self.inhibitor.inhibited_by(alert, Now(wall, 0))

    def active_names(self, route: Route, wall: int) -> tuple[str, ...]:
        """The route's active intervals when none of them contains the moment: they keep the group out."""
        if route.active_intervals and not any(self._within(name, wall) for name in route.active_intervals):
            return route.active_intervals
        return ()

    def mute_names(self, route: Route, wall: int) -> tuple[str, ...]:
        """The route's mute intervals that contain the moment, once per matching entry, as upstream repeats them."""
        return tuple(
            name for name in route.mute_intervals for interval in self.intervals[name] if interval.contains(wall)
        )

    def sift(
        self, route: Route, alerts: Iterable[Alert], wall: int, muted_by: tuple[str, ...], tick: int
    ) -> tuple[list[Alert], list[Suppressed], tuple[str, ...]]:
        """Run the stages over a group's alerts: (kept, suppressed, names that mute the group as a whole).

        `muted_by` is what muted the group last time; it stands when the interval stages are not reached. `tick` is
        when the group's turn came; intervals are judged by it.
        """
        suppressed: list[Suppressed] = []
        kept: list[Alert] = []
        now = Now(wall, 0)
        for alert in alerts:
            inhibition = self.inhibitor.inhibited_by(alert, now)
            if inhibition is None:
                kept.append(alert)
            else:
                by = (inhibition.rule.name, fingerprint_hex(fingerprint(inhibition.source)))
                suppressed.append(Suppressed(alert.key, SuppressReason.INHIBITION.value, by))
        if not kept:
            return kept, suppressed, muted_by
        for reason, names in (
            (SuppressReason.ACTIVE_INTERVAL, self.active_names(route, tick)),
            (SuppressReason.MUTE_INTERVAL, self.mute_names(route, tick)),
        ):
            if names:
                suppressed.extend(Suppressed(alert.key, reason.value, names) for alert in kept)
                return [], suppressed, names
        left: list[Alert] = []
        for alert in kept:
            ids = self.silenced_by(alert, wall)
            if ids:
                suppressed.append(Suppressed(alert.key, SuppressReason.SILENCE.value, ids))
            else:
                left.append(alert)
        return left, suppressed, ()

    def _within(self, name: str, wall: int) -> bool:
        return any(interval.contains(wall) for interval in self.intervals[name])
