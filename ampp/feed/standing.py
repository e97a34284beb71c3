"""How each alert stands: firing or over, and kept quiet by whom; and which of them stand otherwise than a moment ago.

Alerts are looked at one by one when something was reported of them. All of them are looked at when what keeps alerts
quiet has changed: a silence was written, began or ended; a source of inhibition appeared or went; rules were loaded.
An alert whose time runs out changes by nothing but the clock: the earliest end is known, and looked at when it comes.

Many are looked at a little at a time, all as of one moment. What is reported of an alert meanwhile has a record, for
which it is looked at the next time: so nothing of it is missed, whether it was seen with the report or without.
Standings belong to one task.
"""

from collections.abc import Iterable
from typing import Final

import msgspec

from ampp.core.alert import Alert
from ampp.core.book import fingerprint
from ampp.core.engine import Engine
from ampp.core.labels import fingerprint_hex
from ampp.feed.event import Kind
from ampp.observe.stall import Pace

__all__ = ["Change", "Counts", "Standing", "Standings"]

_BATCH: Final = 128
"""Alerts looked at between two turns of somebody else."""

_NEVER: Final = 1 << 80


class Standing(msgspec.Struct, frozen=True, gc=False):
    """`inhibited_by`: the name of the rule, and the source's fingerprint."""

    over: bool
    silenced_by: tuple[str, ...] = ()
    inhibited_by: tuple[str, str] | None = None

    @property
    def state(self) -> str:
        if self.over:
            return "resolved"
        return "suppressed" if self.silenced_by or self.inhibited_by else "active"


_FIRING: Final = Standing(False)
_OVER: Final = Standing(True)


class Counts(msgspec.Struct):
    """How many alerts are in each state. One both silenced and inhibited counts in both, and once as suppressed."""

    active: int = 0
    suppressed: int = 0
    resolved: int = 0
    silenced: int = 0
    inhibited: int = 0

    def add(self, standing: Standing, by: int) -> None:
        """Count a standing in (1) or out (-1)."""
        if standing.over:
            self.resolved += by
            return
        self.silenced += by * bool(standing.silenced_by)
        self.inhibited += by * (standing.inhibited_by is not None)
        if standing.silenced_by or standing.inhibited_by:
            self.suppressed += by
        else:
            self.active += by


class Change(msgspec.Struct, frozen=True, gc=False):
    """One alert that stands otherwise than before."""

    alert: Alert
    kind: Kind
    standing: Standing


class Standings:
    """The standings of all alerts, as they were when last looked at. Whatever looks at many lets others run in between;
    it adds to the changes, which are by the alerts' keys."""

    def __init__(self, engine: Engine) -> None:
        self._engine: Final = engine
        self._known: dict[bytes, Standing] = {}
        self.counts = Counts()
        self.next_end = _NEVER
        self.took = 0.0
        """Seconds that looking at all of them took last, without the pauses."""

    async def touch(self, keys: Iterable[bytes], wall: int, changes: dict[bytes, Change]) -> None:
        """Look at these; those of which nothing else can be told are updated."""
        alerts, pace = self._engine.book.alerts, Pace()
        for place, key in enumerate(keys):
            if not place % _BATCH:
                await pace.pause()
            alert = alerts.get(key)
            if alert is not None:
                change = self._look(alert, wall)
                changes[key] = change or Change(alert, Kind.ALERT_UPDATED, self._known[key])

    async def all(self, wall: int, changes: dict[bytes, Change] | None = None) -> None:
        """Look at every alert, and forget those that have left the book."""
        alerts, known, pace = self._engine.book.alerts, self._known, Pace()
        for place, alert in enumerate(list(alerts.values())):
            if not place % _BATCH:
                await pace.pause()
            change = self._look(alert, wall)
            if change is not None and changes is not None:
                changes[alert.key] = change
        if len(known) > len(alerts):
            for place, key in enumerate(list(known)):
                if not place % _BATCH:
                    await pace.pause()
                if key not in alerts:
                    self.counts.add(known.pop(key), -1)
        await self._find_next_end(wall, pace)
        self.took = pace.worked

    async def ended(self, wall: int, changes: dict[bytes, Change]) -> None:
        """Those whose time ran out, once the earliest end has come."""
        if wall < self.next_end:
            return
        known, pace = self._known, Pace()
        for place, alert in enumerate(list(self._engine.book)):
            if not place % _BATCH:
                await pace.pause()
            if alert.ends <= wall:
                standing = known.get(alert.key)
                if standing is None or not standing.over:
                    change = self._look(alert, wall)
                    if change is not None:
                        changes[alert.key] = change
        await self._find_next_end(wall, pace)

    async def _find_next_end(self, wall: int, pace: Pace) -> None:
        next_end = _NEVER
        every = list(self._engine.book)
        for first in range(0, len(every), _BATCH):
            next_end = min([next_end, *[alert.ends for alert in every[first : first + _BATCH] if alert.ends > wall]])
            await pace.pause()
        # An end that came nearer during a pause was reported, and counts when that alert is looked at for it.
        self.next_end = next_end

    def _look(self, alert: Alert, wall: int) -> Change | None:
        new, old = self._stand(alert, wall), self._known.get(alert.key)
        if not new.over and alert.ends < self.next_end:
            self.next_end = alert.ends
        if new == old:
            return None
        self._known[alert.key] = new
        if old is not None:
            self.counts.add(old, -1)
        self.counts.add(new, 1)
        return Change(alert, _kind(old, new), new)

    def _stand(self, alert: Alert, wall: int) -> Standing:
        if alert.ends <= wall:
            return _OVER
        muting = self._engine.muting
        silenced_by = muting.silenced_by(alert, wall)
        inhibition = muting.inhibited_by(alert, wall)
        if inhibition is None:
            return Standing(False, silenced_by) if silenced_by else _FIRING
        by = inhibition.rule.name, fingerprint_hex(fingerprint(inhibition.source))
        return Standing(False, silenced_by, by)


def _kind(old: Standing | None, new: Standing) -> Kind:
    """What to call the step from one standing to another that differs."""
    if old is None:
        return Kind.ALERT_RESOLVED if new.over else Kind.ALERT_CREATED
    if new.over:
        return Kind.ALERT_RESOLVED
    if old.over:
        return Kind.ALERT_FIRING
    if new.inhibited_by is not None and old.inhibited_by is None:
        return Kind.ALERT_INHIBITED
    if new.silenced_by and not old.silenced_by:
        return Kind.ALERT_SILENCED
    if new.state == "active":
        return Kind.ALERT_UNSUPPRESSED
    return Kind.ALERT_UPDATED
