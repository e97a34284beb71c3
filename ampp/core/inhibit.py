"""Inhibition: alerts that keep other alerts quiet.

A rule inhibits a target alert when its `target` matchers match that alert and some source alert

- matches its `source` matchers and is not resolved at the moment of asking,
- has the same values for all labels in `equal`, a missing label counting as empty, and
- does not itself match the `target` side, if the target alert also matches the `source` side.

Theory of operation. The rules of an `Inhibitor` never change. An observed alert is sorted once, by its labels, into
the rules whose source it can be and those whose target; per rule the sources lie by the values of their `equal` labels,
in two shelves: those that match the source side only, and those that match both sides, which cannot inhibit a target
that also matches both. So neither an alert itself nor its peers are ever looked at, and asking costs one look into a
dictionary per rule that targets the alert and has sources at all.

A hundred rules may have the same sources and differ in whom they target. Rules with the same `source` and `equal`,
none of whose sources can match the target side, have the same on their shelves whatever is observed; so they share
them, and a source is put there once and not a hundred times. Each such *family* goes by the first of its rules.

Invariants:

- Shelves hold the book's own `Alert` objects and read `ends` when asked, never earlier: a refresh or a resolve in place
  counts at once.
- After `forget`, nothing of the alert is held.
- The first rule in order of configuration answers. Of its possible sources it names, first, one that does not match the
  target side; among these the one observed first. While that one fires, the answer is stable.
"""

from collections.abc import Iterable, Mapping
from itertools import chain, product
from typing import Any, Final, TypeAlias

import msgspec

from ampp.core.alert import Alert
from ampp.core.clock import Now
from ampp.core.index import MatcherIndex, few_values
from ampp.core.matcher import Matcher

__all__ = ["InhibitRule", "Inhibition", "Inhibitor", "Place"]

_KINDS_MAX: Final = 10_000

Place: TypeAlias = tuple[int, tuple[str, ...]]
"""A family of rules and values of their `equal` labels: where a source and its targets meet."""

_Sides: TypeAlias = tuple[tuple[int, ...], tuple[int, ...]]
"""The families of which a label set can be source, and the rules of which it can be target, by ascending index."""


_NOWHERE: Final[_Sides] = ((), ())


class InhibitRule(msgspec.Struct, frozen=True):
    """One inhibit rule. A side without matchers matches every alert.

    The rule that a YAML `null` stands for has no matchers on either side, and therefore never inhibits anything: every
    alert matches both its sides.
    """

    name: str = ""
    source: tuple[Matcher, ...] = ()
    target: tuple[Matcher, ...] = ()
    equal: tuple[str, ...] = ()


class Inhibition(msgspec.Struct, frozen=True):
    """Why an alert is inhibited: the rule, its place in the configuration, and one alert that inhibits."""

    rule_index: int
    rule: InhibitRule
    source: Alert


class _Shelf:
    """The sources of a family that agree in its `equal` labels, by alert key, in order of observation."""

    __slots__ = ("both_sides", "source_only")

    def __init__(self) -> None:
        self.source_only: dict[bytes, Alert] = {}
        self.both_sides: dict[bytes, Alert] = {}


class Inhibitor:
    """The observed alerts under one set of rules. After a reload with other rules, make a new one."""

    def __init__(self, rules: Iterable[InhibitRule]) -> None:
        self.rules = tuple(rules)
        self._sources: MatcherIndex[int] = MatcherIndex()
        self._targets: MatcherIndex[int] = MatcherIndex()
        self._shelves: list[dict[tuple[str, ...], _Shelf]] = []
        self._family: list[int] = []
        # Rules mostly share a few combinations of `equal` labels, so that one look at an alert's values serves many.
        self._equals: list[tuple[str, ...]] = []
        self._known: dict[bytes, _Sides] = {}
        # Alerts fall into few kinds; all of one kind share one value.
        self._kinds: dict[_Sides, _Sides] = {}
        equals: dict[tuple[str, ...], tuple[str, ...]] = {}
        families: dict[tuple[frozenset[Matcher], tuple[str, ...]], int] = {}
        for index, rule in enumerate(self.rules):
            family = families.setdefault((frozenset(rule.source), rule.equal), index) if _apart(rule) else index
            if family == index:
                self._sources.add(index, rule.source)
            self._targets.add(index, rule.target)
            self._shelves.append({} if family == index else self._shelves[family])
            self._family.append(family)
            self._equals.append(equals.setdefault(rule.equal, rule.equal))

    def observe(self, alert: Alert) -> None:
        """Take note of an alert, new or changed. Doing so again is harmless and keeps its place."""
        if not self.rules:
            return
        key = alert.key
        sides = self._known.get(key)
        if sides is None:
            if len(self._kinds) >= _KINDS_MAX:
                self._kinds.clear()
            sides = self._sort(alert.labels)
            sides = self._known[key] = self._kinds.setdefault(sides, sides)
        sources, targets = sides
        for index in sources:
            shelf = self._shelves[index].setdefault(_values(alert.labels, self._equals[index]), _Shelf())
            (shelf.both_sides if index in targets else shelf.source_only)[key] = alert

    def forget(self, alert: Alert) -> None:
        """Drop an alert; unknown ones are ignored."""
        key = alert.key
        sides = self._known.pop(key, None)
        if sides is None:
            return
        sources, targets = sides
        for index in sources:
            shelves = self._shelves[index]
            values = _values(alert.labels, self._equals[index])
            shelf = shelves[values]
            del (shelf.both_sides if index in targets else shelf.source_only)[key]
            if not shelf.source_only and not shelf.both_sides:
                del shelves[values]

    def shed(self, most: int) -> bool:
        """Let go of so many alerts, whichever: of an inhibitor that nobody will ask again, to be freed in pieces.
        Whether there are more."""
        stores: tuple[dict[Any, Any], ...] = (self._known, *self._shelves)
        for held in stores:
            if held:
                for _ in range(min(most, len(held))):
                    held.popitem()
                return True
        return False

    def inhibited_by(self, alert: Alert, now: Now) -> Inhibition | None:
        """What inhibits `alert` at `now`, if anything. The alert itself need not have been observed."""
        if not self.rules:
            return None
        sources, targets = self._known.get(alert.key) or self._sort(alert.labels)
        if not targets:
            return None
        wall = now.wall
        seen: dict[int, tuple[str, ...]] = {}
        for index in targets:
            shelves = self._shelves[index]
            if not shelves:
                continue
            equal = self._equals[index]
            values = seen.get(id(equal))
            if values is None:
                values = seen[id(equal)] = _values(alert.labels, equal)
            shelf = shelves.get(values)
            if shelf is None:
                continue
            source = _firing(shelf.source_only, wall)
            if source is None and shelf.both_sides and index not in sources:
                source = _firing(shelf.both_sides, wall)
            if source is not None:
                return Inhibition(index, self.rules[index], source)
        return None

    def may_inhibit(self, alert: Alert) -> bool:
        """Whether an observed alert can be the source of any rule."""
        sides = self._known.get(alert.key)
        return sides is not None and bool(sides[0])

    def places(self, alert: Alert) -> tuple[tuple[Place, ...], tuple[Place, ...]]:
        """Where an observed alert can be a source, and where it can be a target."""
        sources, targets = self._known.get(alert.key, _NOWHERE)
        labels, equals = alert.labels, self._equals
        met = dict.fromkeys([self._family[index] for index in targets])
        return (
            tuple([(index, _values(labels, equals[index])) for index in sources]),
            tuple([(index, _values(labels, equals[index])) for index in met]),
        )

    def _sort(self, labels: Mapping[str, str]) -> _Sides:
        return tuple(sorted(self._sources.matching(labels))), tuple(sorted(self._targets.matching(labels)))


def _apart(rule: InhibitRule) -> bool:
    """Whether some label alone tells the rule's sources from its targets, so that nothing can match both sides."""
    sides = rule.source, rule.target
    return any(
        (values := few_values(one)) is not None and not any(map(other.matches, values))
        for one, other in chain(product(*sides), product(*reversed(sides)))
        if one.name == other.name
    )


def _values(labels: Mapping[str, str], names: tuple[str, ...]) -> tuple[str, ...]:
    return tuple([labels.get(name, "") for name in names])


def _firing(alerts: Mapping[bytes, Alert], wall: int) -> Alert | None:
    for alert in alerts.values():
        if alert.ends > wall:
            return alert
    return None
