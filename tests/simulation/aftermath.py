"""What a reload is to come to, worked out plainly and in one go from what was before, without `ampp.core.takeover`."""

from typing import Any

from ampp.core.clock import Now
from ampp.core.engine import Effects, Engine, log_key
from ampp.core.group import Group, Groups
from ampp.core.plan import Plan
from ampp.core.record import Collected, GroupDropped
from ampp.core.wheel import Wheel

__all__ = ["actual", "expected"]


def expected(engine: Engine, plan: Plan, now: Now, *, keep_timers: bool) -> dict[str, Any]:
    """What `actual` is to say once `plan` is in force in `engine`, which is left as it is."""
    old, book, before = engine.groups, engine.book.alerts, engine.groups.by_name()
    new = Groups(plan.root, Wheel(now.mono))
    everything = {alert.key: alert for group in old for alert in group.alerts.values()} | book
    # The book's come first: the first alert of a group decides how long it waits.
    first = [*book.values(), *(alert for key, alert in everything.items() if key not in book)]
    places = {alert.key: new.place(alert, new.match(alert.labels), now) for alert in first}
    heirs = new.by_name()
    inherited: dict[Group, Group] = {}
    left: list[bytes] = []
    for name, heir in heirs.items():
        group = before.get(name)
        if group is None or not keep_timers or not _same(engine.plan, plan, heir.route.receiver):
            continue
        inherited[group] = heir
        for key, alert in list(heir.alerts.items()):
            had = old.of(alert)
            told = group in had or not any(key in other.alerts for other in had)
            if key in book and key not in group.alerts and told:
                # As over, there or wherever it was: it must not come back.
                del heir.alerts[key]
                left.append(key)
        heir.created, heir.flushed, heir.told = group.created, group.flushed, group.told
        heir.missed, heir.flight = group.missed, group.flight
        heir.due = min(group.due, now.mono + (heir.route.group_interval if heir.flushed else heir.route.group_wait))
    keys = {key for heir in heirs.values() for key in _keys(plan, heir)}
    return {
        "groups": {name: _state(heir) for name, heir in heirs.items()},
        "places": {key: sorted(group.name for group in groups) for key, groups in places.items()},
        "collected": {key for key in left if not any(key in group.alerts for group in places[key])},
        "canceled": {flight.id for flight in engine.flights.values() if flight.group not in inherited},
        "dropped": before.keys() - heirs.keys(),
        "outbox": {key for key in engine.outbox if key in keys},
    }


def actual(engine: Engine, out: Effects) -> dict[str, Any]:
    """What became of the groups of `engine` by a reload that had all these effects."""
    assert all(group.seat in engine.groups.wheel for group in engine.groups)
    everything = {alert.key: alert for group in engine.groups for alert in group.alerts.values()} | engine.book.alerts
    for alert in everything.values():
        assert alert.seated == all(alert.key in group.alerts for group in alert.groups)
    assert engine.muting.inhibitor._known.keys() == (engine.book.alerts.keys() if engine.plan.inhibit_rules else set())
    for flight in engine.flights.values():
        assert flight.group.gone or flight.group.flight is flight
    return {
        "groups": {group.name: _state(group) for group in engine.groups},
        "places": {key: sorted(group.name for group in alert.groups) for key, alert in everything.items()},
        "collected": {key for record in out.records if isinstance(record, Collected) for key in record.alerts},
        "canceled": set(out.canceled),
        "dropped": {(record.route, record.labels) for record in out.records if isinstance(record, GroupDropped)},
        "outbox": set(engine.outbox),
    }


def _state(group: Group) -> tuple[Any, ...]:
    flight = None if group.flight is None else group.flight.id
    return group.created, group.due, group.flushed, group.told, group.missed, flight, sorted(group.alerts)


def _same(old: Plan, new: Plan, receiver: str) -> bool:
    return receiver in old.receivers and old.receivers[receiver].integrations == new.receivers[receiver].integrations


def _keys(plan: Plan, group: Group) -> list[str]:
    return [log_key(group.key, to) for to in plan.receivers[group.route.receiver].integrations]
