"""A new configuration takes over: made ready in pieces while the old one goes on, then in force in one step.

Every known alert is routed through the new plan, and it is decided what each group inherits from the one that bore its
name before. As upstream, timers restart, sends under way are given up and the log stays; with `keep_timers`, a group
found again under the same name and receiver keeps its timer and its send under way.

Theory of operation. To put a hundred thousand alerts into new groups takes more than a second, in which nobody is to
wait. So the new groups and the new inhibitor are filled aside (`prepare`), and each group that inherits is given the
timer of the other. The engine knows nothing of them and goes on as before; nothing of an alert is changed. Meanwhile
the old groups note what changes (`Groups.watch`), and what an alert or a group then comes to is worked out anew,
however often. `succeed` does so for the last time, for the little that is left, and puts all in force. The alerts say
where they are from now on when somebody asks, or later in pieces (`Groups.untold`). In pieces follow also the records
of what is no more, and what was in force before is let go of, as to free it takes long, too (`clear`).

Done in one go, as `load_plan` does, it is all of one moment. Otherwise the new timers run from when their groups were
made ready, somewhat before the new plan took effect.
"""

from collections.abc import Callable, Iterable, Iterator
from typing import Any, Final, TypeVar

from ampp.core.alert import Alert
from ampp.core.clock import Now
from ampp.core.engine import Effects, Engine, log_key, settled
from ampp.core.group import Group, Groups, Place, identities
from ampp.core.inhibit import Inhibitor
from ampp.core.plan import Plan
from ampp.core.record import Collected, GroupDropped, OutboxRow, Record
from ampp.core.wheel import Wheel

__all__ = ["NO_GROUP", "Takeover", "load_plan", "log_keys"]

T = TypeVar("T")

NO_GROUP: Final = "no group has this key under the new configuration"

_PACE: Final = 128
"""Alerts or groups seen to at a step."""

_MEMBERS: Final = 1024
"""Members of groups looked at at a step, to find those that the book has forgotten."""


def load_plan(engine: Engine, plan: Plan, now: Now, *, keep_timers: bool = False) -> Effects:
    """Put a new plan in force in one go: see the module's docstring. Sends that are given up are among the
    `Effects.canceled`."""
    takeover = Takeover(engine, plan, keep_timers=keep_timers)
    for _ in takeover.prepare(now):
        pass
    out = takeover.succeed(now)
    for records in takeover.clear(now):
        out.records += records
    return out


class Takeover:
    """`plan` on its way to be in force in `engine`: see the module's docstring.

    First all of `prepare`, then `succeed` before anything else happens, then all of `clear`. Between any two steps of
    the iterators the engine may do whatever else it does. A `prepare` that is left half done has changed nothing.
    `pace`: alerts or groups seen to at a step; twice as many that changed, and dropped groups, are left for `succeed`.
    """

    def __init__(self, engine: Engine, plan: Plan, *, keep_timers: bool = False, pace: int = _PACE) -> None:
        before = engine.plan
        self._pace: Final = pace
        self._engine: Final = engine
        self._known: Final = engine.book.alerts
        self._plan: Final = plan
        self._old: Final = engine.groups
        self._timed: Final = any(route.mute_intervals or route.active_intervals for route in before.root.walk())
        self._lasting: Final = frozenset(
            name for name in plan.receivers if keep_timers and _same_receiver(before, plan, name)
        )
        """Receivers whose groups inherit."""
        self._inhibitor: Final = Inhibitor(plan.inhibit_rules)
        self._past: Final = engine.muting.inhibitor
        self._places: Final[dict[bytes, Place]] = {}
        self._groups: Final[dict[tuple[str, bytes], Group]] = {}
        self._heirs: Final[dict[tuple[str, bytes], Group]] = {}
        self._inherited: Final[dict[Group, Group]] = {}
        """What inherited, by the group from which it did."""
        self._over: Final[dict[Group, dict[bytes, Alert]]] = {}
        """What in new groups has left a group before, as it had been told as resolved."""
        self._left: Final[dict[Group, dict[bytes, Alert]]] = {}
        """What of it new groups do not hold, since that is inherited."""
        self._heirless: Final[dict[Group, None]] = {}
        self._dropped: list[Group] = []
        self._new: Groups

    def prepare(self, now: Now) -> Iterator[None]:
        """Make ready what can be made ready, a little at each step."""
        try:
            yield from self._prepare(now)
        except BaseException:
            self._old.unwatch()
            raise

    def _prepare(self, now: Now) -> Iterator[None]:
        old = self._old
        new = self._new = Groups(self._plan.root, Wheel(now.mono))
        # Each timer is set once, to what it is to be: others that are passed over later would all be so at once.
        new.idle, new.made = True, []
        old.watch()
        yield from self._paced(list(self._known.values()), self._place, now)
        for held in self._held():
            yield from self._paced(held, self._place, now)
            yield
        yield from self._paced(list(old), self._follow, now)
        while sum(map(len, (old.moved or (), old.made or (), old.turned or (), new.made or ()))) > 2 * self._pace:
            yield from self._catch_up(now)

    def _paced(self, some: Iterable[T], see_to: Callable[[T, Now], None], now: Now) -> Iterator[None]:
        for count, one in enumerate(some, 1):
            see_to(one, now)
            if not count % self._pace:
                yield

    def _held(self) -> Iterator[list[Alert]]:
        """Alerts that the book has forgotten and a group has yet to tell as resolved. Upstream loses these at a
        reload."""
        known, held, count = self._known, list[Alert](), 0
        for group in list(self._old):
            alerts = list(group.alerts.values())
            for first in range(0, len(alerts), _MEMBERS):
                some = alerts[first : first + _MEMBERS]
                held += [alert for alert in some if alert.key not in known]
                count += len(some)
                if count >= _MEMBERS:
                    yield held
                    held, count = [], 0
        yield held

    def _catch_up(self, now: Now) -> Iterator[None]:
        """See to what has changed, in pieces; while it does, more may."""
        old, new = self._old, self._new
        assert old.moved is not None
        moved, old.moved = old.moved, {}
        yield from self._paced(moved.values(), self._place, now)
        assert new.made is not None
        made, new.made = new.made, []
        yield from self._paced(made, self._adopt, now)
        assert old.made is not None
        assert old.turned is not None
        turned, old.made, old.turned = dict.fromkeys((*old.made, *old.turned)), [], {}
        yield from self._paced(turned, self._follow, now)

    # -- alerts -------------------------------------------------------------------------------------------------

    def _place(self, alert: Alert, now: Now) -> None:
        """Put the alert where it belongs under the new plan: nowhere, once nobody knows it any more."""
        key, new, known = alert.key, self._new, self._known.get(alert.key) is alert
        if not known and not any(group.alerts.get(key) is alert for group in self._old.of(alert)):
            self._forget(key)
            return
        place = self._places.get(key)
        routes = new.match(alert.labels) if place is None else place[1]
        groups = new.place(alert, routes, now)
        self._places[key] = alert, routes, groups
        if known:
            self._inhibitor.observe(alert)
        else:
            self._inhibitor.forget(alert)
        if self._lasting:
            for heir in groups:
                self._let_go(alert, heir)

    def _forget(self, key: bytes) -> None:
        """What has this place is gone: the alert, or a former one of its labels, after which it came."""
        place = self._places.get(key)
        if place is None or self._known.get(key) is place[0]:
            return
        alert = place[0]
        del self._places[key]
        self._inhibitor.forget(alert)
        for group in place[2]:
            group.alerts.pop(key, None)
            self._take_back(alert, group)
            if group.alerts or group in self._left:
                continue
            self._new.drop(group)
            name = group.name
            if self._heirs.get(name) is group:
                del self._heirs[name]
                former = self._groups.get(name)
                if former is not None:
                    self._inherited.pop(former, None)
                    self._heirless[former] = None

    def _let_go(self, alert: Alert, heir: Group) -> None:
        """Take the alert out of a new group that inherits, if it had left that group, or all of its groups, before: it
        has been told as resolved there, and routing the whole book anew has brought it back."""
        self._take_back(alert, heir)
        had = self._old.of(alert)
        if alert.seated or self._known.get(alert.key) is not alert:
            return
        self._over.setdefault(heir, {})[alert.key] = alert
        group = self._groups.get(heir.name) if heir.route.receiver in self._lasting else None
        if group is None or alert.key in group.alerts:
            return
        if group in had or not any(alert.key in other.alerts for other in had):
            del heir.alerts[alert.key]
            self._left.setdefault(heir, {})[alert.key] = alert

    def _take_back(self, alert: Alert, heir: Group) -> None:
        left = self._left.get(heir)
        if left is not None and left.pop(alert.key, None) is not None and not left:
            del self._left[heir]

    # -- groups -------------------------------------------------------------------------------------------------

    def _adopt(self, heir: Group, now: Now) -> None:
        """A new group has come to be."""
        if heir.gone:
            return
        self._heirs[heir.name] = heir
        group = self._groups.get(heir.name)
        if group is None or heir.route.receiver not in self._lasting:
            self._begin(heir, now)
        if group is not None:
            self._heirless.pop(group, None)
            self._inherit(heir, group, now)

    def _follow(self, group: Group, now: Now) -> None:
        """An old group has come to be, has taken a turn, or is gone."""
        name = group.name
        heir = self._heirs.get(name)
        if group.gone:
            self._heirless.pop(group, None)
            if self._groups.get(name) is group:
                del self._groups[name]
            inherited = self._inherited.pop(group, None)
            if heir is not None and name not in self._groups:
                heir.muted_by = ()
                if inherited is heir:
                    self._begin(heir, now)
            return
        self._groups[name] = group
        if heir is None:
            self._heirless[group] = None
        else:
            self._inherit(heir, group, now)

    def _inherit(self, heir: Group, group: Group, now: Now) -> None:
        """Give a new group what it inherits; that may be done again at any time."""
        if heir.route.receiver not in self._lasting:
            if self._timed and heir.route.id == group.route.id:
                # What the API shows of mute intervals stands until the group's next turn (upstream's group marker).
                heir.muted_by = group.muted_by
            return
        heir.created, heir.flushed, heir.muted_by, heir.told = group.created, group.flushed, group.muted_by, group.told
        # `now` may be past: what is left is counted from there, but from no earlier than when the timer was set.
        since = group.due - (group.route.group_interval if group.flushed else group.route.group_wait)
        most = max(now.mono, since) + (heir.route.group_interval if heir.flushed else heir.route.group_wait)
        self._new.arm(heir, min(group.due, most))
        if self._inherited.get(group) is not heir:
            self._inherited[group] = heir
            heir.alerts.update(self._left.pop(heir, {}))
            for alert in list(self._over.get(heir, {}).values()):
                self._let_go(alert, heir)

    def _begin(self, heir: Group, now: Now) -> None:
        """There is nothing to inherit, or no more."""
        heir.alerts.update(self._left.pop(heir, {}))
        heir.created, heir.flushed, heir.told = now.wall, False, None
        self._new.begin(heir, next(iter(heir.alerts.values())), now)

    # -- in force -----------------------------------------------------------------------------------------------

    def succeed(self, now: Now) -> Effects:
        """Put the plan in force."""
        engine, old, new, out = self._engine, self._old, self._new, Effects()
        for _ in self._catch_up(now):
            pass
        old.unwatch()
        new.idle, new.made, new.untold = False, [], self._places
        engine.plan, engine.groups = self._plan, new
        engine.muting.take(self._plan, self._inhibitor)
        for flight in engine.flights.values():
            group = flight.group
            heir = self._inherited.get(group)
            if heir is not None:
                heir.flight, heir.missed, flight.group = flight, group.missed, heir
            elif not group.gone:
                group.end()
                out.canceled.append(flight.id)
        self._dropped = list(self._heirless)
        first = self._dropped[: 2 * self._pace]
        del self._dropped[: 2 * self._pace]
        out.records += self._gone(first, now)
        return out

    def _gone(self, groups: list[Group], now: Now) -> list[Record]:
        """The records of those groups whose names are in use no more."""
        again = {group.name for group in self._new.made or ()}
        return [
            GroupDropped(at=now.wall, route=group.identity, labels=group.label_key, cause="reload")
            for group in groups
            if group.name not in again
        ]

    # -- afterwards ---------------------------------------------------------------------------------------------

    def clear(self, now: Now) -> Iterator[list[Record]]:
        """Let go of what was in force before, a little at each step; what is still to be recorded of it."""
        new, dropped, pace = self._new, self._dropped, self._pace
        yield from self._settle_outbox(now)
        for heir, left in self._left.items():
            # One may have come again meanwhile; of several groups that let go of it, the first tells.
            over = [alert for alert in left.values() if new.of(alert)[0] is heir]
            keys = [alert.key for alert in over if not any(alert.key in group.alerts for group in alert.groups)]
            yield [Collected(at=now.wall, alerts=tuple(keys))] if keys else []
        dropped.reverse()
        while dropped:
            # A name that is in use again must not be said to be gone.
            yield self._gone([dropped.pop() for _ in range(min(pace, len(dropped)))], now)
        new.made = None
        while new.tell_some(pace):
            yield []
        stores: tuple[dict[Any, Any], ...] = (
            self._groups,
            self._heirs,
            self._heirless,
            self._inherited,
            self._over,
            self._left,
        )
        for store in stores:
            while store:
                for _ in range(min(pace, len(store))):
                    store.popitem()
                yield []
        live = self._old.live
        while live:
            for _ in range(min(pace, len(live))):
                live.popitem()[1].end()
            self._old.wheel.shed(pace)
            yield []
        while self._past.shed(pace):
            yield []

    def _settle_outbox(self, now: Now) -> Iterator[list[Record]]:
        """Take out what no group under the new plan can be expected to send. If it has been given up, and delivery is
        quicker to say so, that settles it, too."""
        outbox, turns = self._engine.outbox, dict[str, list[str]]()
        for identity in identities(self._plan.root).values():
            turns.setdefault(_without_turn(identity), []).append(identity)
        rows = list(outbox.items())
        for first in range(0, len(rows), self._pace):
            records: list[Record] = []
            for key, row in rows[first : first + self._pace]:
                if outbox.get(key) is row and not self._expected(row, turns):
                    records.append(settled(now.wall, outbox.pop(key), NO_GROUP))
            yield records

    def _expected(self, row: OutboxRow, turns: dict[str, list[str]]) -> bool:
        # Of twins among the routes, one may have taken the other's place: then the key alone tells.
        heirs = (self._heirs.get((name, row.labels)) for name in turns.get(_without_turn(row.route), ()))
        return any(heir is not None and row.key in log_keys(self._plan, heir) for heir in heirs)


def _without_turn(identity: str) -> str:
    """What the identities of twins among the routes have in common; at times, of others as well."""
    return identity.partition(" #")[0]


def log_keys(plan: Plan, group: Group) -> set[str]:
    return {log_key(group.key, to) for to in plan.receivers[group.route.receiver].integrations}


def _same_receiver(old: Plan, new: Plan, name: str) -> bool:
    return name in old.receivers and old.receivers[name].integrations == new.receivers[name].integrations
