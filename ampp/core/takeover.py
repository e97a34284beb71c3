"""A new configuration takes over: made ready in pieces while the old one goes on, then in force in one step.

Every known alert is routed through the new plan, and it is decided what each group inherits from the one that bore its
name before. As upstream, timers restart, sends under way are given up and the log stays; with `keep_timers`, a group
found again under the same name and receiver keeps its timer and its send under way.

Theory of operation. To put a hundred thousand alerts into new groups takes more than a second, in which nobody is to
wait. So the new groups and the new inhibitor are filled aside (`prepare`). The engine knows nothing of them and goes on
as before; nothing of an alert is changed. `succeed` then sees to what came and went meanwhile, which is little, and
puts all in force. What was in force before is let go of in pieces again (`clear`), as to free it takes long, too.

Done in one go, as `load_plan` does, it is all of one moment. Otherwise the new timers run from when their groups were
made ready, somewhat before the new plan took effect.
"""

from collections.abc import Iterator
from itertools import chain
from typing import Final, TypeAlias

from ampp.core.alert import Alert
from ampp.core.clock import Now
from ampp.core.engine import Effects, Engine, log_key, settled
from ampp.core.group import Group, Groups
from ampp.core.inhibit import Inhibitor
from ampp.core.plan import Plan
from ampp.core.record import Collected, GroupDropped, Record
from ampp.core.route import Route
from ampp.core.wheel import Wheel

__all__ = ["NO_GROUP", "Takeover", "load_plan", "log_keys"]

NO_GROUP: Final = "no group has this key under the new configuration"

_PACE: Final = 128
"""Alerts or groups seen to at a step."""

_MEMBERS: Final = 4096
"""Members of a group looked at at a step, to find those that the book has forgotten."""

_Place: TypeAlias = tuple[Alert, tuple[Route, ...], tuple[Group, ...]]
"""An alert, and its routes and groups under the new plan."""


def load_plan(engine: Engine, plan: Plan, now: Now, *, keep_timers: bool = False) -> Effects:
    """Put a new plan in force in one go: see the module's docstring. Sends that are given up are among the
    `Effects.canceled`."""
    takeover = Takeover(engine, plan)
    for _ in takeover.prepare(now):
        pass
    out = takeover.succeed(now, keep_timers=keep_timers)
    for records in takeover.clear(now):
        out.records += records
    return out


class Takeover:
    """`plan` on its way to be in force in `engine`: see the module's docstring.

    First all of `prepare`, then `succeed` before anything else happens, then all of `clear`. Between any two steps of
    the iterators the engine may do whatever else it does. A `prepare` that is left half done has changed nothing.
    `pace`: alerts or groups seen to at a step; twice as many new alerts, and dropped groups, are left for `succeed`.
    """

    def __init__(self, engine: Engine, plan: Plan, *, pace: int = _PACE) -> None:
        self._pace: Final = pace
        self._engine: Final = engine
        self._plan: Final = plan
        self._old: Final = engine.groups
        self._inhibitor: Final = Inhibitor(plan.inhibit_rules)
        self._places: Final[dict[bytes, _Place]] = {}
        self._heirs: Final[dict[tuple[str, bytes], Group]] = {}
        self._heirless: Final[list[Group]] = []
        self._dropped: Final[list[Group]] = []
        self._new: Groups
        self._forgotten = 0

    def prepare(self, now: Now) -> Iterator[None]:
        """Make ready what can be made ready, a little at each step."""
        try:
            yield from self._prepare(now)
        except BaseException:
            self._old.made = None
            raise

    def _prepare(self, now: Now) -> Iterator[None]:
        old, new = self._old, Groups(self._plan.root, Wheel(now.mono))
        self._new = new
        self._forgotten = self._engine.book.forgotten
        yield from self._place(list(self._engine.book), now)
        held: list[Alert] = []
        for batch in self._held():
            held += batch
            yield
        yield from self._place(held, now)
        new.made = []
        for count, group in enumerate(list(new)):
            self._heirs[group.name] = group
            if count % self._pace == self._pace - 1:
                yield
        old.made = []
        for count, group in enumerate(list(old)):
            if group.name not in self._heirs:
                self._heirless.append(group)
            if count % self._pace == self._pace - 1:
                yield
        while len(late := self._late()) > 2 * self._pace:
            yield from self._place(late, now)

    def _place(self, alerts: list[Alert], now: Now) -> Iterator[None]:
        places, new, observe = self._places, self._new, self._inhibitor.observe
        known = self._engine.book.alerts
        for count, alert in enumerate(alerts):
            routes = new.match(alert.labels)
            places[alert.key] = alert, routes, new.place(alert, routes, now)
            if known.get(alert.key) is alert:
                observe(alert)
            if count % self._pace == self._pace - 1:
                yield

    def _held(self) -> Iterator[list[Alert]]:
        """Alerts that the book has forgotten and a group has yet to tell as resolved. Upstream loses these at a
        reload."""
        book = self._engine.book.alerts
        for group in list(self._old):
            alerts = list(group.alerts.values())
            for first in range(0, len(alerts), _MEMBERS):
                yield [alert for alert in alerts[first : first + _MEMBERS] if alert.key not in book]

    def _late(self) -> list[Alert]:
        """The alerts that came into the book since those that have their place. They are the last in it."""
        late: list[Alert] = []
        for alert in reversed(self._engine.book.alerts.values()):
            if self._placed(alert):
                break
            late.append(alert)
        late.reverse()
        return late

    def _placed(self, alert: Alert) -> bool:
        place = self._places.get(alert.key)
        return place is not None and place[0] is alert

    def succeed(self, now: Now, *, keep_timers: bool) -> Effects:
        """Put the plan in force."""
        engine, old, old_plan = self._engine, self._old, self._engine.plan
        out = Effects()
        before = old.by_name() if keep_timers else {}
        seats = {alert.key: alert.groups for alert in engine.book if alert.ends <= now.wall} if keep_timers else {}
        late = self._late()
        if engine.book.forgotten != self._forgotten:
            # Of these some may never have had a place.
            late += [alert for held in self._held() for alert in held if not self._placed(alert)]
        for _ in self._place(late, now):
            pass
        self._seat()
        engine.plan, engine.groups = self._plan, self._new
        engine.muting.take(self._plan, self._inhibitor)
        heirs = self._heirs
        heirs.update((group.name, group) for group in self._new.made or () if not group.gone)
        for name, group in before.items():
            heir = heirs.get(name)
            if heir is not None and _same_receiver(old_plan, self._plan, group.route.receiver):
                let_go = _inherit(engine, heir, group, seats, now)
                if let_go:
                    out.records.append(Collected(at=now.wall, alerts=let_go))
        timed = any(route.mute_intervals or route.active_intervals for route in old_plan.root.walk())
        for group in [group for group in old if group.muted_by] if timed else ():
            heir = heirs.get(group.name)
            if heir is not None and heir.route.id == group.route.id:
                # What the API shows of mute intervals stands until the group's next turn (upstream's group marker).
                heir.muted_by = group.muted_by
        for flight in engine.flights.values():
            group = flight.group
            if old.live.get(group.seat) is group:
                group.end()
                out.canceled.append(flight.id)
        self._drop(now, out)
        _settle_outbox(engine, heirs, now, out)
        return out

    def _seat(self) -> None:
        """Have the alerts say where they are from now on, and let those that nobody knows any more go."""
        places, seated = self._places, 0
        for key, alert in self._engine.book.alerts.items():
            _, alert.routes, alert.groups = places[key]
            alert.seated = True
            seated += 1
        if seated == len(places):
            return
        book = self._engine.book.alerts
        for alert, routes, groups in [place for key, place in places.items() if key not in book]:
            self._inhibitor.forget(alert)
            if any(group.alerts.get(alert.key) is alert for group in alert.groups):
                alert.routes, alert.groups, alert.seated = routes, groups, True
                continue
            for group in groups:
                del group.alerts[alert.key]
                if not group.alerts:
                    self._new.drop(group)
                    self._disinherit(group.name)

    def _disinherit(self, name: tuple[str, bytes]) -> None:
        """The heir of this name came to nothing: a group that bears it, if any, has none."""
        if self._heirs.pop(name, None) is not None:
            self._heirless.extend(group for group in self._old if group.name == name)

    def _drop(self, now: Now, out: Effects) -> None:
        """Record which groups are no more; of very many, only the first now."""
        found = dict.fromkeys(chain(self._heirless, self._old.made or ()))
        self._old.made = None
        self._dropped.extend(
            group for group in found if self._old.live.get(group.seat) is group and group.name not in self._heirs
        )
        first = self._dropped[: 2 * self._pace]
        del self._dropped[: 2 * self._pace]
        out.records += [_dropped(group, now) for group in first]

    def clear(self, now: Now) -> Iterator[list[Record]]:
        """Let go of what was in force before, a little at each step; what is still to be recorded of it."""
        new, dropped = self._new, self._dropped
        dropped.reverse()
        while dropped:
            # A name that is in use again must not be said to be gone.
            again = {group.name for group in new.made or ()}
            some = [dropped.pop() for _ in range(min(self._pace, len(dropped)))]
            yield [_dropped(group, now) for group in some if group.name not in again]
        new.made = None
        for store in (self._places, self._heirs):
            while store:
                for _ in range(min(self._pace, len(store))):
                    store.popitem()
                yield []
        live = self._old.live
        while live:
            for _ in range(min(self._pace, len(live))):
                live.popitem()[1].end()
            self._old.wheel.shed(self._pace)
            yield []


def _dropped(group: Group, now: Now) -> GroupDropped:
    return GroupDropped(at=now.wall, route=group.identity, labels=group.label_key, cause="reload")


def _settle_outbox(engine: Engine, groups: dict[tuple[str, bytes], Group], now: Now, out: Effects) -> None:
    """Take out what no group under the new plan can be expected to send."""
    plan, keys = engine.plan, set[str]()
    for key, row in list(engine.outbox.items()):
        heir = groups.get((row.route, row.labels))
        if heir is not None and key in log_keys(plan, heir):
            continue
        # Of twins among the routes, one may have taken the other's place: then the key alone tells.
        keys = keys or {key for group in engine.groups for key in log_keys(plan, group)}
        if key not in keys:
            out.records.append(settled(now.wall, engine.outbox.pop(key), NO_GROUP))


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


def log_keys(plan: Plan, group: Group) -> set[str]:
    return {log_key(group.key, to) for to in plan.receivers[group.route.receiver].integrations}


def _same_receiver(old: Plan, new: Plan, name: str) -> bool:
    return old.receivers[name].integrations == new.receivers[name].integrations
