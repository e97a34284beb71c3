"""Aggregation groups: which alerts are told together, and when each group's turn comes.

Invariants:
- a group lives at one `Seat`: the route's identity plus the values of its group labels; at most one live group a seat;
- every live group has exactly one running timer, armed before the flush it causes (core reference 4.2);
- a group has at most one flush in flight; a tick that comes meanwhile waits (one, not more) and follows at once;
- a group leaves only when a successful flush empties it, or at a reload.

`Route.index` is the identity of a route inside one plan. Across plans and restarts a route is known by `identity`:
its key, its receiver and, among twins, its turn; inserting an unrelated route does not make every later one a stranger.
"""

from collections.abc import Iterable, Iterator
from typing import Final, TypeAlias

import msgspec

from ampp.core import labels as labelling
from ampp.core.alert import Alert
from ampp.core.clock import Now
from ampp.core.record import GroupRow
from ampp.core.route import Route, group_key
from ampp.core.wheel import Wheel

__all__ = ["Flight", "Group", "Groups", "Place", "Seat", "identities"]

Seat: TypeAlias = tuple[int, tuple[str | None, ...] | bytes]

Place: TypeAlias = "tuple[Alert, tuple[Route, ...], tuple[Group, ...]]"
"""An alert, and its routes and groups."""


class Flight(msgspec.Struct):
    """One flush under way: alerts it saw resolved, with `updated` and `ends` of then, and log keys not heard from.

    `waiting` is a dictionary since the garbage collector passes over one of strings, but not over a set.
    """

    id: int
    group: "Group"
    over: tuple[tuple[Alert, int, int], ...]
    waiting: dict[str, None]
    failed: bool = False


class Group:
    """One aggregation group. `due` is the monotonic time of its next tick, `created` the wall time it came to be.

    `alone` is what `Alert.groups` is for those in no other group, one value for all of them.
    """

    __slots__ = (
        "alerts",
        "alone",
        "created",
        "due",
        "flight",
        "flushed",
        "gone",
        "identity",
        "key",
        "labels",
        "missed",
        "muted_by",
        "route",
        "seat",
        "told",
    )

    def __init__(
        self, route: Route, identity: str, seat: Seat, labels: dict[str, str], created: int, key: str = ""
    ) -> None:
        self.route = route
        self.identity = identity
        self.seat = seat
        self.labels = labels
        self.key: str = key or group_key(route, labels)
        self.alerts: dict[bytes, Alert] = {}
        self.alone: tuple[Group, ...] = (self,)
        self.created = created
        self.due = 0
        self.flushed = False
        self.gone = False
        self.flight: Flight | None = None
        self.missed: int | None = None
        self.muted_by: tuple[str, ...] = ()
        self.told: object = None

    def end(self) -> None:
        """It is out of the tree. It lets go of itself, so that it is freed without the garbage collector."""
        self.gone, self.alone, self.flight = True, (), None

    @property
    def name(self) -> tuple[str, bytes]:
        """What it is called across plans and restarts."""
        return self.identity, self.label_key

    @property
    def label_key(self) -> bytes:
        mark = self.seat[1]
        return mark if isinstance(mark, bytes) else labelling.key(self.labels)

    def row(self, now: Now) -> GroupRow:
        """The group's timer as it is stored: monotonic time anchored to the wall clock of this moment."""
        return GroupRow(
            route=self.identity,
            labels=self.label_key,
            receiver=self.route.receiver,
            created=self.created,
            next=now.wall + self.due - now.mono,
            flushed=self.flushed,
        )


def identities(root: Route) -> dict[int, str]:
    """The identity of every route of a tree, by its index."""
    seen: dict[tuple[str, str], int] = {}
    names: dict[int, str] = {}
    for route in root.walk():
        turn = seen[route.key, route.receiver] = seen.get((route.key, route.receiver), -1) + 1
        names[route.index] = f"{route.key} {route.receiver}" + (f" #{turn}" if turn else "")
    return names


class Groups:
    """All groups of one routing tree and the wheel that turns them.

    `made`, `turned`, `moved`: if somebody wants to know of them (`watch`), the groups that came to be since, those that
    took a turn or went, and the alerts that came into groups, left one, or were forgotten.

    `idle`: the timers of new groups do not run by themselves, as somebody is to start each.

    `untold`: alerts that have yet to be told where they are, after a new plan has taken effect (`ampp.core.takeover`).
    Their `routes`, `groups` and `seated` are still those of before; so whoever reads these asks `route` or `of`, or has
    the alerts told.
    """

    def __init__(self, root: Route, wheel: Wheel[Seat]) -> None:
        self.root: Final = root
        self.wheel: Final = wheel
        self.live: dict[Seat, Group] = {}
        self.made: list[Group] | None = None
        self.turned: dict[Group, None] | None = None
        self.moved: dict[bytes, Alert] | None = None
        self.untold: dict[bytes, Place] = {}
        self.idle = False
        self._identity: Final = identities(root)
        self._paths: Final[dict[tuple[Route, ...], tuple[Route, ...]]] = {}

    def __iter__(self) -> Iterator[Group]:
        return iter(self.live.values())

    def __len__(self) -> int:
        return len(self.live)

    def watch(self) -> None:
        """From now on note what changes."""
        self.made, self.turned, self.moved = [], {}, {}

    def unwatch(self) -> None:
        self.made = self.turned = self.moved = None

    def tell(self, alerts: Iterable[Alert]) -> None:
        """Have alerts say where they are."""
        untold = self.untold
        if untold:
            for alert in alerts:
                place = untold.pop(alert.key, None)
                if place is not None:
                    _tell(place)

    def tell_some(self, most: int) -> bool:
        """Have so many of the alerts that have yet to say where they are do so; whether there are more."""
        untold = self.untold
        for _ in range(min(most, len(untold))):
            _tell(untold.popitem()[1])
        return bool(untold)

    def of(self, alert: Alert) -> "tuple[Group, ...]":
        """The groups that the tree puts the alert in. Not all of them need hold it: see `Alert.seated`."""
        self.tell((alert,))
        return alert.groups

    def route(self, alert: Alert) -> tuple[Route, ...]:
        """Where the tree puts the alert; found once per label set and plan."""
        self.tell((alert,))
        if not alert.routes:
            alert.routes = self.match(alert.labels)
        return alert.routes

    def match(self, labels: dict[str, str]) -> tuple[Route, ...]:
        routes = tuple(self.root.match(labels))
        # There are few different answers: all alerts with the same one share it.
        return self._paths.setdefault(routes, routes)

    def seat(self, alert: Alert, now: Now) -> None:
        """Put the alert into every group it belongs to, creating those that are missing (core reference 4.2)."""
        if self.untold:
            self.tell((alert,))
        if not alert.seated:
            self.note(alert)
        alert.groups = self.place(alert, alert.routes or self.route(alert), now)
        alert.seated = True

    def leave(self, alert: Alert, group: Group) -> bool:
        """Take the alert out of a group that has told it as resolved; whether no group holds it any more."""
        groups = self.of(alert)
        del group.alerts[alert.key]
        alert.seated = False
        self.note(alert)
        return not any(alert.key in other.alerts for other in groups)

    def note(self, alert: Alert) -> None:
        """For whoever watches, the alert has come, gone, or left a group."""
        if self.moved is not None:
            self.moved[alert.key] = alert

    def place(self, alert: Alert, routes: tuple[Route, ...], now: Now) -> tuple[Group, ...]:
        """`seat`, but for what the alert itself says of it; the groups."""
        groups = []
        for route in routes:
            seat = self.seat_of(route, alert)
            group = self.live.get(seat)
            if group is None:
                group = self.create(route, seat, alert, now)
            else:
                group.alerts[alert.key] = alert
            groups.append(group)
        return groups[0].alone if len(groups) == 1 else tuple(groups)

    def seat_of(self, route: Route, alert: Alert) -> Seat:
        if route.group_by_all:
            return route.index, alert.key
        labels = alert.labels
        return route.index, tuple([labels.get(name) for name in route.group_by])

    def create(self, route: Route, seat: Seat, alert: Alert, now: Now) -> Group:
        """A new group around its first alert."""
        labels = (
            alert.labels
            if route.group_by_all
            else {name: alert.labels[name] for name in route.group_by if name in alert.labels}
        )
        # After a reload most groups are called what they were before, and to put that together takes longest.
        known = next((old.key for old in alert.groups if old.route.key == route.key and old.labels == labels), "")
        group = Group(route, self._identity[route.index], seat, labels, now.wall, known)
        group.alerts[alert.key] = alert
        self.live[seat] = group
        if self.made is not None:
            self.made.append(group)
        if not self.idle:
            self.begin(group, alert, now)
        return group

    def begin(self, group: Group, alert: Alert, now: Now) -> None:
        """Start the first wait of a group. Only this, its first alert's, age decides on an immediate first flush."""
        wait = group.route.group_wait
        self.arm(group, now.mono if alert.starts + wait < now.wall else now.mono + wait)

    def arm(self, group: Group, due: int) -> None:
        group.due = due
        self.wheel.arm(group.seat, due)

    def rearm(self, group: Group, since: int, now: Now) -> None:
        """Start the next interval at `since` (monotonic), when this turn was due: the cadence does not drift."""
        due = since + group.route.group_interval
        self.arm(group, due if due > now.mono else now.mono + group.route.group_interval)
        if self.turned is not None:
            self.turned[group] = None

    def drop(self, group: Group) -> None:
        group.end()
        if self.turned is not None:
            self.turned[group] = None
        del self.live[group.seat]
        self.wheel.cancel(group.seat)

    def due(self, now: Now, most: int) -> Iterator[Group]:
        """Up to `most` groups whose timer has run out, in order of being due; the rest keep their place."""
        while most > 0 and (turn := self.wheel.advance(now.mono, 1)):
            most -= 1
            yield self.live[turn[0]]

    def next_due(self) -> int | None:
        """The monotonic time of the next turn; in the past when somebody is waiting for it already."""
        return self.wheel.next_due()

    def by_name(self) -> dict[tuple[str, bytes], Group]:
        """The live groups by what they are called across plans and restarts."""
        return {group.name: group for group in self}


def _tell(place: Place) -> None:
    alert, routes, groups = place
    alert.routes, alert.groups = routes, groups
    alert.seated = all(alert.key in group.alerts for group in groups)
