"""The listing questions: which alerts and groups there are now, with the status each has at this very moment.

Status is worked out when asked, against the silences and sources of that moment, so a new silence shows at once
(interfaces reference 3.4, 3.6). Answers come as iterators, so that a caller may let others run in between.
"""

from collections.abc import Iterator, Mapping
from typing import Final

from ampp.core.alert import Alert
from ampp.core.book import fingerprint
from ampp.core.engine import Engine
from ampp.core.group import Group
from ampp.core.labels import fingerprint_hex, set_order, sort_for_notification
from ampp.core.matcher import Matcher, matches_all
from ampp.core.order import in_order
from ampp.core.plan import Receiver
from ampp.core.roll import by_fingerprint, roll
from ampp.core.route import Route
from ampp.core.view import AlertQuery, AlertView, GroupView, Status, shared_status

__all__ = ["BATCH", "alerts", "groups"]


BATCH: Final = 128
"""Alerts looked at between two turns of somebody else."""


def alerts(engine: Engine, query: AlertQuery, wall: int, *, ordered: bool = True) -> Iterator[list[AlertView]]:
    """Every alert not over that passes the query, by ascending fingerprint, in batches some of which may be empty.

    Not `ordered`: as they stand in the book. That spares the fingerprints of alerts that nobody has asked for yet.
    """
    book, left = engine.book, query.matchers
    wanted: list[Alert] = []
    if not ordered:
        wanted += book
    elif left:
        # To put those in order that are chosen takes less time than to look at all in another order than they came in.
        known = list(book)
        for first in range(0, len(known), BATCH):
            wanted += _chosen(known[first : first + BATCH], wall, left)
            yield []
        wanted = yield from by_fingerprint(wanted)
        left = ()
    else:
        wanted = yield from roll(book, wall)
    everyone = query.receiver is None and not query.receiver_matchers
    status = _Status(engine, query, wall)
    told: dict[tuple[Route, ...], Status | None] = {}
    routes: tuple[Route, ...] | None = None
    plain: Status | None = None
    for first in range(0, len(wanted), BATCH):
        views = []
        chosen = _chosen(wanted[first : first + BATCH], wall, left)
        engine.groups.tell(chosen)
        for alert in chosen:
            if alert.routes is not routes:
                # It seldom differs from the last one's.
                routes = engine.groups.route(alert)
                if routes not in told:
                    names = tuple([route.receiver for route in routes])
                    heard = everyone or _heard(engine.plan.receivers, names, query)
                    told[routes] = shared_status(names, (), (), ()) if heard else None
                plain = told[routes]
            if plain is not None:
                found = plain if status.free else status.of(alert, plain)
                if found is not None:
                    views.append(AlertView(alert, found))
        yield views


def groups(engine: Engine, query: AlertQuery, wall: int) -> Iterator[list[GroupView]]:
    """Every group with at least one alert that passes, by group labels, then receiver, in batches; empty ones are but
    pauses."""
    plan = engine.plan
    status = _Status(engine, query, wall)
    # Who hears of an alert in several groups is known when all have been looked at. Those with the same receivers share
    # them.
    shared: dict[tuple[str, ...], tuple[str, ...]] = {}
    receivers: dict[bytes, tuple[str, ...]] = {}
    found: list[tuple[Group, tuple[str, ...], list[AlertView]]] = []
    for group in list(engine.groups):
        name = group.route.receiver
        if query.receiver is not None and not query.receiver(name):
            continue
        if query.receiver_matchers and not matches_all(query.receiver_matchers, plan.receivers[name].labels):
            continue
        left = _left(group, query.matchers)
        if left is None:
            continue
        kept = []
        plain = shared_status((name,), (), (), group.muted_by)
        members = list(group.alerts.values())
        for first in range(0, len(members), BATCH):
            yield []
            chosen = _chosen(members[first : first + BATCH], wall, left)
            engine.groups.tell(chosen)
            for alert in chosen:
                told = plain if status.free else status.of(alert, plain)
                if told is not None:
                    kept.append(AlertView(alert, told))
                    if len(alert.routes) != 1:
                        heard = (*receivers.get(alert.key, ()), name)
                        receivers[alert.key] = shared.setdefault(heard, heard)
        if kept:
            found.append((group, plain.muted_by, kept))
    names = {heard: tuple(sorted(heard)) for heard in shared}
    for some in in_order(found, lambda entry: (set_order(entry[0].labels), entry[0].route.receiver)):
        yield []
        for group, muted_by, kept in some:
            if muted_by and not query.muted:
                continue
            views = sort_for_notification(kept, lambda view: view.alert.labels)
            if receivers:
                for place, view in enumerate(views):
                    if not place % BATCH:
                        yield []
                    everyone = receivers.get(view.alert.key)
                    if everyone is not None:
                        by = view.status.silenced_by, view.status.inhibited_by, view.status.muted_by
                        views[place] = AlertView(view.alert, shared_status(names[everyone], *by))
            yield [GroupView(dict(group.labels), group.route.receiver, engine.route_labels(group, wall), views)]
    while found:
        # What is left of 100,000 would take 40 ms to be freed in one piece.
        del found[-BATCH:]
        yield []


def _left(group: Group, matchers: tuple[Matcher, ...]) -> tuple[Matcher, ...] | None:
    """The matchers that its alerts are yet to be asked about, as all have the labels that it is grouped by; None where
    these are not as wanted."""
    route, left = group.route, []
    for matcher in matchers:
        if not (route.group_by_all or matcher.name in route.group_by):
            left.append(matcher)
        elif not matcher.test(group.labels.get(matcher.name, "")):
            return None
    return tuple(left)


class _Status:
    """What keeps an alert from being told at one moment, and whether a query wants to see it then."""

    def __init__(self, engine: Engine, query: AlertQuery, wall: int) -> None:
        self._muting = engine.muting
        self._query = query
        self._wall = wall
        free = not len(engine.muting.silences) and not engine.muting.inhibitor.rules
        self.free: Final = free and query.active
        """Neither silence nor rule, and nothing to be asked of any alert: each is told as if nothing suppressed it."""

    def of(self, alert: Alert, plain: Status) -> Status | None:
        """The status of the alert, which the query's matchers have chosen, unless one like that is not asked for.
        `plain` is what it is where neither silence nor rule suppresses it."""
        query = self._query
        silenced_by = self._muting.silenced_by(alert, self._wall)
        if silenced_by and not query.silenced:
            return None
        inhibition = self._muting.inhibited_by(alert, self._wall)
        if inhibition is None:
            if silenced_by:
                return shared_status(plain.receivers, silenced_by, (), plain.muted_by)
            return plain if query.active else None
        if not query.inhibited:
            return None
        by = (fingerprint_hex(fingerprint(inhibition.source)),)
        return shared_status(plain.receivers, silenced_by, by, plain.muted_by)


def _chosen(alerts: list[Alert], wall: int, matchers: tuple[Matcher, ...]) -> list[Alert]:
    """Those not over that fulfil the matchers, looked for before anything is worked out for the others."""
    alerts = [alert for alert in alerts if alert.ends >= wall]
    for matcher in matchers:
        name, test = matcher.name, matcher.test
        alerts = [alert for alert in alerts if test(alert.labels.get(name, ""))]
    return alerts


def _heard(receivers: Mapping[str, Receiver], names: tuple[str, ...], query: AlertQuery) -> bool:
    if query.receiver is not None and not any(query.receiver(name) for name in names):
        return False
    return not query.receiver_matchers or any(
        matches_all(query.receiver_matchers, receivers[name].labels) for name in names
    )
