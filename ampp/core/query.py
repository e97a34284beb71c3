"""The listing questions: which alerts and groups there are now, with the status each has at this very moment.

Status is worked out when asked, against the silences and sources of that moment, so a new silence shows at once
(interfaces reference 3.4, 3.6). Answers come as iterators, so that a caller may let others run in between.
"""

from collections.abc import Iterator, Mapping

from ampp.core.alert import Alert
from ampp.core.book import fingerprint
from ampp.core.engine import Engine
from ampp.core.group import Group
from ampp.core.labels import fingerprint_hex, set_order, sort_for_notification
from ampp.core.matcher import matches_all
from ampp.core.plan import Receiver
from ampp.core.view import AlertQuery, AlertView, GroupView

__all__ = ["alerts", "groups"]


def alerts(engine: Engine, query: AlertQuery, wall: int) -> Iterator[AlertView | None]:
    """Every alert not over that passes the query, by ascending fingerprint. `None` is a pause and no alert."""
    groups, receivers = engine.groups, engine.plan.receivers
    wanted = [alert for alert in engine.book if alert.ends >= wall]
    for alert in wanted:
        if alert.fingerprint < 0:
            fingerprint(alert)
            yield None
    wanted.sort(key=fingerprint)
    everyone = query.receiver is None and not query.receiver_matchers
    told: dict[tuple[int, ...], tuple[tuple[str, ...], bool]] = {}
    for alert in wanted:
        routes = groups.route(alert)
        index = tuple([route.index for route in routes])
        known = told.get(index)
        if known is None:
            names = tuple(route.receiver for route in routes)
            known = told[index] = names, everyone or _heard(receivers, names, query)
        yield _view(engine, alert, known[0], (), query, wall) if known[1] else None


def groups(engine: Engine, query: AlertQuery, wall: int) -> Iterator[GroupView | None]:
    """Every group with at least one alert that passes, by group labels, then receiver. `None` is a pause."""
    plan = engine.plan
    receivers: dict[bytes, list[str]] = {}
    found: list[tuple[Group, list[Alert]]] = []
    for group in list(engine.groups):
        name = group.route.receiver
        if query.receiver is not None and not query.receiver(name):
            continue
        if query.receiver_matchers and not matches_all(query.receiver_matchers, plan.receivers[name].labels):
            continue
        kept = []
        for alert in list(group.alerts.values()):
            yield None
            if alert.ends >= wall and _view(engine, alert, (), (), query, wall) is not None:
                kept.append(alert)
                receivers.setdefault(alert.key, []).append(name)
        if kept:
            found.append((group, kept))
    found.sort(key=lambda entry: (set_order(entry[0].labels), entry[0].route.receiver))
    for group, kept in found:
        if group.muted_by and not query.muted:
            continue
        kept = sort_for_notification(kept, lambda alert: alert.labels)
        views = []
        for alert in kept:
            yield None
            view = _view(engine, alert, tuple(sorted(receivers[alert.key])), group.muted_by, query, wall)
            if view is not None:
                views.append(view)
        yield GroupView(dict(group.labels), group.route.receiver, engine.route_labels(group, wall), views)


def _view(
    engine: Engine,
    alert: Alert,
    receivers: tuple[str, ...],
    muted_by: tuple[str, ...],
    query: AlertQuery,
    wall: int,
) -> AlertView | None:
    if query.matchers and not matches_all(query.matchers, alert.labels):
        return None
    silenced_by = engine.muting.silenced_by(alert, wall)
    if silenced_by and not query.silenced:
        return None
    inhibition = engine.muting.inhibited_by(alert, wall)
    if inhibition is None:
        inhibited_by: tuple[str, ...] = ()
        if not query.active and not silenced_by:
            return None
    else:
        if not query.inhibited:
            return None
        inhibited_by = (fingerprint_hex(fingerprint(inhibition.source)),)
    return AlertView(alert, receivers, silenced_by, inhibited_by, muted_by)


def _heard(receivers: Mapping[str, Receiver], names: tuple[str, ...], query: AlertQuery) -> bool:
    if query.receiver is not None and not any(query.receiver(name) for name in names):
        return False
    return not query.receiver_matchers or any(
        matches_all(query.receiver_matchers, receivers[name].labels) for name in names
    )
