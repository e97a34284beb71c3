"""What differs between two configurations, and what that touches: routes with their groups, receivers, rules.

Pure. Compared is what holds, defaults and `global` filled in, not how it is written. A secret is said to have changed
and never shown. Paths are compared as written, so that the same file in another directory is the same.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Final, TypeAlias

import msgspec

from ampp.config.change import SECRET, Change, Item, changed, fields, leaves
from ampp.config.compile import compile  # noqa: A004
from ampp.config.document import Config
from ampp.config.pairing import Pair, paired
from ampp.config.section import section_fields
from ampp.config.tree import slug
from ampp.core.duration import format_prometheus
from ampp.core.group import identities
from ampp.core.inhibit import InhibitRule
from ampp.core.labels import canonical, format_set
from ampp.core.labels import key as label_key
from ampp.core.matcher import format_matchers
from ampp.core.plan import Plan
from ampp.core.route import Route, group_labels

__all__ = ["Difference", "Rerouted", "compare", "rerouted"]

_ARRIVES: Final = "takes the alerts that match it"
_LEAVES: Final = "leaves its alerts to other routes"
_ANEW: Final = "begins its groups anew: what still fires is told again"
_REGROUPED: Final = "groups otherwise: where a group has other labels now, what still fires is told again"
_KEPT: Final = "keeps its groups and what they were told"
_INHERITED: Final = ("receiver", "group_by", "group_wait", "group_interval", "repeat_interval", "labels")


class Difference(msgspec.Struct, frozen=True):
    """All that differs. `touched` are receivers that are told differently, or other things, or by other routes."""

    routes: tuple[Item, ...] = ()
    receivers: tuple[Item, ...] = ()
    inhibit_rules: tuple[Item, ...] = ()
    time_intervals: tuple[Item, ...] = ()
    settings: tuple[Item, ...] = ()
    touched: tuple[str, ...] = ()

    def __bool__(self) -> bool:
        return any((self.routes, self.receivers, self.inhibit_rules, self.time_intervals, self.settings))


class Rerouted(msgspec.Struct, frozen=True):
    """An alert that a change concerns: the receivers before and after, and whether its groups are other ones."""

    labels: dict[str, str]
    old: tuple[str, ...]
    new: tuple[str, ...]

    @property
    def elsewhere(self) -> bool:
        """Whether other receivers are told, and not just another group of alerts."""
        return self.old != self.new


def compare(old: Config, new: Config) -> Difference:
    """What differs from `old` to `new`."""
    before, after = compile(old), compile(new)
    touched: dict[str, None] = {}
    routes = tuple(_routes(before, after, touched))
    receivers = tuple(_receivers(old, new))
    touched |= dict.fromkeys(item.name for item in receivers)
    return Difference(
        routes=routes,
        receivers=receivers,
        inhibit_rules=tuple(_rules(before.inhibit_rules, after.inhibit_rules)),
        time_intervals=tuple(_intervals(before, after)),
        settings=tuple(_settings(old, new)),
        touched=tuple(touched),
    )


# Routes.


def _routes(before: Plan, after: Plan, touched: dict[str, None]) -> Iterator[Item]:
    """What is told of the routes. A route that only follows the one above it is counted there."""
    names = identities(before.root), identities(after.root)
    heads: dict[int, int] = {}
    inherited: dict[int, set[Change]] = {}
    items: list[Item] = []
    below: list[int] = []
    for pair in list(paired(before.root, after.root)):
        item, changes = _told(pair, names, inherited.get(id(pair.above), set()), touched)
        inherited[id(pair)] = changes
        if item is None:
            # Nothing is told of it, or what is told of the nearest route above is true of it as well.
            head = heads.get(id(pair.above), -1)
            if head >= 0 and (changes or pair.old is None or pair.new is None or _renamed(pair.old, pair.new, names)):
                below[head] += 1
            heads[id(pair)] = head
            continue
        heads[id(pair)] = len(items)
        items.append(item)
        below.append(0)
    for item, count in zip(items, below, strict=True):
        yield msgspec.structs.replace(item, below=count)


_Names: TypeAlias = tuple[dict[int, str], dict[int, str]]


def _told(
    pair: Pair, names: _Names, inherited: set[Change], touched: dict[str, None]
) -> tuple[Item | None, set[Change]]:
    """What is to be told of a pair beyond what its parent told, and all its changes; notes the receivers it touches."""
    old, new, above = pair.old, pair.new, pair.above
    if old is None or new is None:
        one = new or old
        assert one is not None
        touched[one.receiver] = None
        if above is not None and (above.old is None or above.new is None):
            return None, set()
        if old is None:
            return Item("added", _path(pair), (Change("receiver", "", one.receiver),), _ARRIVES), set()
        return Item("removed", _path(pair), (Change("receiver", one.receiver, ""),), _LEAVES), set()
    changes = list(_fields(old, new))
    regrouped, renamed = _grouping(old) != _grouping(new), _renamed(old, new, names)
    if changes or renamed or pair.moved:
        touched |= dict.fromkeys((old.receiver, new.receiver))
    own = [change for change in changes if change.field not in _INHERITED or change not in inherited]
    if pair.moved:
        own.append(Change("moved among its siblings", "", ""))
    if not own:
        return None, set(changes)
    return Item("changed", _path(pair), tuple(own), _ANEW if renamed else _REGROUPED if regrouped else _KEPT), set(
        changes
    )


def _renamed(old: Route, new: Route, names: _Names) -> bool:
    """Whether a route's groups are called otherwise, whatever their labels: the engine takes them for new ones."""
    return names[0][old.index] != names[1][new.index]


def _path(pair: Pair) -> str:
    names: list[str] = []
    one: Pair | None = pair
    while one is not None:
        route = one.new or one.old
        assert route is not None
        if route.matchers or one.above is None:
            names.append(slug(route, receiver=False, continues=False))
        else:
            names.append("{}")
        one = one.above
    return " > ".join(reversed(names[:-1] or names))


def _fields(old: Route, new: Route) -> Iterator[Change]:
    for name, before, after in (
        ("matchers", format_matchers(old.matchers), format_matchers(new.matchers)),
        ("receiver", old.receiver, new.receiver),
        ("continue", str(old.continue_).lower(), str(new.continue_).lower()),
        ("group_by", _grouping(old), _grouping(new)),
        ("group_wait", format_prometheus(old.group_wait), format_prometheus(new.group_wait)),
        ("group_interval", format_prometheus(old.group_interval), format_prometheus(new.group_interval)),
        ("repeat_interval", format_prometheus(old.repeat_interval), format_prometheus(new.repeat_interval)),
        ("mute_time_intervals", ", ".join(old.mute_intervals), ", ".join(new.mute_intervals)),
        ("active_time_intervals", ", ".join(old.active_intervals), ", ".join(new.active_intervals)),
        ("labels", format_set(canonical(old.labels)), format_set(canonical(new.labels))),
    ):
        if before != after:
            yield Change(name, before, after)


def _grouping(route: Route) -> str:
    return "[...]" if route.group_by_all else f"[{', '.join(route.group_by)}]"


# Everything else.


def _receivers(old: Config, new: Config) -> Iterator[Item]:
    before = {receiver.name: receiver for receiver in old.receivers}
    after = {receiver.name: receiver for receiver in new.receivers}
    for name in [*before, *(name for name in after if name not in before)]:
        if name not in after:
            yield Item("removed", name)
        elif name not in before:
            yield Item("added", name)
        else:
            flat = [
                {
                    f"{kind}_configs[{idx}]{path}": value
                    for kind, idx, entry in receiver.entries()
                    for path, value in [("", kind), *((f".{path}", value) for path, value in fields(entry))]
                }
                for receiver in (before[name], after[name])
            ]
            integrations = [{(kind, idx) for kind, idx, _ in one.entries()} for one in (before[name], after[name])]
            changes = changed(
                *flat, whole=frozenset(f"{kind}_configs[{idx}]" for kind, idx in set.union(*integrations))
            )
            labels = Change("labels", _labelled(before[name].labels), _labelled(after[name].labels))
            if labels.old != labels.new:
                changes.append(labels)
            if changes:
                more = integrations[1] - integrations[0]
                effect = "what still fires is told to what is new" if more else "nothing is told again"
                yield Item("changed", name, tuple(changes), effect)


def _labelled(labels: Mapping[str, str] | None) -> str:
    return format_set(canonical({name: value for name, value in (labels or {}).items() if name != "name"}))


def _rules(before: Sequence[InhibitRule], after: Sequence[InhibitRule]) -> Iterator[Item]:
    left = list(after)
    gone = []
    for rule in before:
        if rule in left:
            left.remove(rule)
        else:
            gone.append(rule)
    by_name = {rule.name: rule for rule in left if rule.name}
    for rule in gone:
        new = by_name.pop(rule.name, None) if rule.name else None
        if new is None:
            yield Item("removed", _rule(rule), effect="its targets are told again")
        else:
            left.remove(new)
            sides = [Change("rule", _sides(rule), _sides(new))]
            yield Item("changed", rule.name, tuple(sides))
    for rule in left:
        yield Item("added", _rule(rule), effect="its targets are silent while a source fires")


def _rule(rule: InhibitRule) -> str:
    return f"{rule.name}: {_sides(rule)}" if rule.name else _sides(rule)


def _sides(rule: InhibitRule) -> str:
    equal = f", equal [{', '.join(rule.equal)}]" if rule.equal else ""
    return f"{format_matchers(rule.source)} inhibits {format_matchers(rule.target)}{equal}"


def _intervals(before: Plan, after: Plan) -> Iterator[Item]:
    for name in [*before.intervals, *(name for name in after.intervals if name not in before.intervals)]:
        if name not in after.intervals:
            yield Item("removed", name)
        elif name not in before.intervals:
            yield Item("added", name)
        elif before.intervals[name] != after.intervals[name]:
            old, new = ("; ".join(str(one.to_yaml()) for one in plan.intervals[name]) for plan in (before, after))
            routes = sum(name in route.mute_intervals + route.active_intervals for route in after.root.walk())
            yield Item(
                "changed", name, (Change("times", old, new),), f"{routes} route{'' if routes == 1 else 's'} use it"
            )


def _settings(old: Config, new: Config) -> Iterator[Item]:
    """`global` and the other sections, as far as they are not seen in receivers."""
    for key, field in section_fields(type(old.document)).items():
        if key in ("route", "receivers", "inhibit_rules", "time_intervals", "mute_time_intervals"):
            continue
        flat = [dict(leaves(key, getattr(config.document, field.name), field.kind)) for config in (old, new)]
        changes = [one for one in changed(*flat) if one.old.rstrip("/") != one.new.rstrip("/") or one.old == SECRET]
        if changes:
            yield Item("changed", key, tuple(changes))


# Alerts.


def rerouted(old: Config, new: Config, alerts: Sequence[Mapping[str, str]]) -> tuple[Rerouted, ...]:
    """The alerts, by their labels, that go to other receivers or into other groups."""
    before, after = compile(old).root, compile(new).root
    names = identities(before), identities(after)
    found = []
    for alert in alerts:
        labels = canonical(alert)
        sides = before.match(labels), after.match(labels)
        groups = [
            [(ids[route.index], label_key(group_labels(route, labels))) for route in routes]
            for ids, routes in zip(names, sides, strict=True)
        ]
        if groups[0] != groups[1]:
            told = [tuple(route.receiver for route in routes) for routes in sides]
            found.append(Rerouted(labels, told[0], told[1]))
    return tuple(found)
