"""Routes of one plan that are called the same in another: what is on record of the one holds for the other."""

from ampp.core.group import identities
from ampp.core.plan import Plan
from ampp.core.route import Route

__all__ = ["same_sends", "same_timers"]


def same_timers(plan: Plan, other: Plan) -> dict[str, Route]:
    """The routes of `plan`, by identity, that `other` has with the same groups and timers."""
    theirs = _named(other)
    return {
        name: route
        for name, route in _named(plan).items()
        if name in theirs and _timing(route) == _timing(theirs[name])
    }


def same_sends(same: dict[str, Route], plan: Plan, other: Plan) -> frozenset[str]:
    """Those of `same_timers` whose notifications go to the same integrations and are repeated as often."""
    theirs = _named(other)
    return frozenset(
        name
        for name, route in same.items()
        if route.repeat_interval == theirs[name].repeat_interval
        and plan.receivers[route.receiver].integrations == other.receivers[route.receiver].integrations
    )


def _named(plan: Plan) -> dict[str, Route]:
    names = identities(plan.root)
    return {names[route.index]: route for route in plan.root.walk()}


def _timing(route: Route) -> tuple[object, ...]:
    return route.group_wait, route.group_interval, route.group_by, route.group_by_all
