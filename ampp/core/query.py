"""The listing questions: which alerts and groups there are now, with the status each has at this very moment.

Status is worked out when asked, against the silences and sources of that moment, so a new silence shows at once
(interfaces reference 3.4, 3.6). Answers come as iterators, so that a caller may let others run in between.
"""

from collections.abc import Iterator, Mapping
from operator import attrgetter
from typing import Final

from ampp.core.alert import Alert
from ampp.core.book import fingerprint
from ampp.core.engine import Engine
from ampp.core.group import Group
from ampp.core.labels import fingerprint_hex, set_order, sort_for_notification
from ampp.core.matcher import Matcher, matches_all
from ampp.core.order import in_order
from ampp.core.plan import Receiver
from ampp.core.route import Route
from ampp.core.view import AlertQuery, AlertView, GroupView

__all__ = ["BATCH", "alerts", "groups"]


BATCH: Final = 128
"""Alerts looked at between two turns of somebody else."""

_QUICK: Final = 8192
"""Alerts put in order by a number in one piece."""


def alerts(engine: Engine, query: AlertQuery, wall: int, *, ordered: bool = True) -> Iterator[list[AlertView]]:
    """Every alert not over that passes the query, by ascending fingerprint, in batches some of which may be empty.

    Not `ordered`: as they stand in the book. That spares the fingerprints of alerts that nobody has asked for yet.
    """
    groups, receivers = engine.groups, engine.plan.receivers
    known = [alert for alert in engine.book if alert.ends >= wall]
    wanted: list[Alert] = []
    for first in range(0, len(known), BATCH):
        chosen = _chosen(known[first : first + BATCH], query.matchers)
        if ordered:
            for alert in chosen:
                if alert.fingerprint < 0:
                    fingerprint(alert)
        wanted += chosen
        yield []
    if ordered:
        unordered, wanted = wanted, []
        for some in in_order(unordered, attrgetter("fingerprint"), _QUICK):
            wanted += some
            yield []
    everyone = query.receiver is None and not query.receiver_matchers
    status = _Status(engine, query, wall)
    told: dict[tuple[Route, ...], tuple[tuple[str, ...], bool]] = {}
    for first in range(0, len(wanted), BATCH):
        views = []
        for alert in wanted[first : first + BATCH]:
            routes = groups.route(alert)
            heard = told.get(routes)
            if heard is None:
                names = tuple([route.receiver for route in routes])
                heard = told[routes] = names, everyone or _heard(receivers, names, query)
            if heard[1]:
                view = status.view(alert, heard[0], ())
                if view is not None:
                    views.append(view)
        yield views


def groups(engine: Engine, query: AlertQuery, wall: int) -> Iterator[list[GroupView]]:
    """Every group with at least one alert that passes, by group labels, then receiver, in batches; empty ones are but
    pauses."""
    plan = engine.plan
    status = _Status(engine, query, wall)
    # Who hears of an alert is seldom told apart: all alerts with the same receivers share them.
    shared: dict[tuple[str, ...], tuple[str, ...]] = {}
    receivers: dict[bytes, tuple[str, ...]] = {}
    found: list[tuple[Group, list[AlertView]]] = []
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
        members = list(group.alerts.values())
        for first in range(0, len(members), BATCH):
            yield []
            for alert in _chosen(members[first : first + BATCH], left):
                view = status.view(alert, (), ()) if alert.ends >= wall else None
                if view is not None:
                    kept.append(view)
                    heard = (*receivers.get(alert.key, ()), name)
                    receivers[alert.key] = shared.setdefault(heard, heard)
        if kept:
            found.append((group, kept))
    names = {heard: tuple(sorted(heard)) for heard in shared}
    for some in in_order(found, lambda entry: (set_order(entry[0].labels), entry[0].route.receiver)):
        yield []
        for group, kept in some:
            if group.muted_by and not query.muted:
                continue
            views = []
            for count, view in enumerate(sort_for_notification(kept, lambda view: view.alert.labels)):
                if not count % BATCH:
                    yield []
                alert = view.alert
                everyone = names[receivers[alert.key]]
                views.append(AlertView(alert, everyone, view.silenced_by, view.inhibited_by, group.muted_by))
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
        self._free = not len(engine.muting.silences) and not engine.muting.inhibitor.rules
        """Neither silence nor rule: nothing to be asked of any alert."""

    def view(self, alert: Alert, receivers: tuple[str, ...], muted_by: tuple[str, ...]) -> AlertView | None:
        """The alert, which the query's matchers have chosen, unless its status is not asked for."""
        query = self._query
        if self._free:
            return AlertView(alert, receivers, (), (), muted_by) if query.active else None
        silenced_by = self._muting.silenced_by(alert, self._wall)
        if silenced_by and not query.silenced:
            return None
        inhibition = self._muting.inhibited_by(alert, self._wall)
        if inhibition is None:
            if not query.active and not silenced_by:
                return None
            return AlertView(alert, receivers, silenced_by, (), muted_by)
        if not query.inhibited:
            return None
        by = (fingerprint_hex(fingerprint(inhibition.source)),)
        return AlertView(alert, receivers, silenced_by, by, muted_by)


def _chosen(alerts: list[Alert], matchers: tuple[Matcher, ...]) -> list[Alert]:
    """Those that fulfil the matchers, looked for before anything is worked out for the others."""
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
