"""The routing tree: which alert goes to which routes, and what the groups and routes are called.

Matching goes depth first: a node whose matchers hold asks its children in order, stopping after the first that matched
and does not `continue`; a node none of whose children matched is itself the answer. So the tree's answer is never
empty, and never holds a node together with one of its descendants.

A node with many children does not try them all: children that demand one of a few exact values of some label are found
in a table by that value, and only the others are tried one by one.
"""

from collections.abc import Callable, Iterator, Mapping
from typing import Final

import msgspec

from ampp.core.clock import HOUR, MINUTE, SECOND
from ampp.core.labels import format_set
from ampp.core.matcher import Matcher, Op, format_matchers, make_matcher, sort_matchers
from ampp.core.regex import choices

__all__ = ["Route", "RouteSpec", "build", "group_key", "group_labels"]

_GROUP_WAIT: Final = 30 * SECOND
_GROUP_INTERVAL: Final = 5 * MINUTE
_REPEAT_INTERVAL: Final = 4 * HOUR
_TABLE_FROM: Final = 4
"""Number of children from which a table is faster than trying each."""
_CHOICES_MAX: Final = 64
"""Alternatives of one regular expression that are entered into a table."""

_Test = tuple[str, Callable[[str], bool]]


class RouteSpec(msgspec.Struct, frozen=True, kw_only=True):
    """A route as written: `None` (and an empty `receiver`) means "as the parent". Durations in nanoseconds.

    `group_by` holds label names, `()` included; `group_by_all` stands for `['...']`. `match_re` holds the patterns as
    written, not yet anchored. Checked already: names, patterns, the root's restrictions.
    """

    receiver: str | None = None
    group_by: tuple[str, ...] | None = None
    group_by_all: bool = False
    match: Mapping[str, str] = {}
    match_re: Mapping[str, str] = {}
    matchers: tuple[Matcher, ...] = ()
    continue_: bool = False
    mute_intervals: tuple[str, ...] = ()
    active_intervals: tuple[str, ...] = ()
    group_wait: int | None = None
    group_interval: int | None = None
    repeat_interval: int | None = None
    labels: Mapping[str, str] = {}
    routes: tuple["RouteSpec", ...] = ()


class Route:
    """One node of the tree with everything inherited filled in; never changed after `build`.

    `key` is what group keys begin with, `id` is unique in the tree, `index` counts depth first from 0 (parents before
    children). `group_by` is sorted; with `group_by_all` it is without effect. `labels` are unrendered templates.
    """

    __slots__ = (
        "_loose",
        "_tables",
        "_tests",
        "active_intervals",
        "children",
        "continue_",
        "group_by",
        "group_by_all",
        "group_interval",
        "group_wait",
        "id",
        "index",
        "key",
        "labels",
        "matchers",
        "mute_intervals",
        "receiver",
        "repeat_interval",
    )

    def __init__(self, spec: RouteSpec, parent: "Route | None", number: int, index: int) -> None:
        old = [make_matcher(name, Op.EQ, value) for name, value in spec.match.items()]
        # Upstream compiles a match_re value before it becomes a matcher, and the wrapping stays visible in keys.
        old += [make_matcher(name, Op.RE, f"^(?:{value})$") for name, value in spec.match_re.items()]
        self.matchers: tuple[Matcher, ...] = sort_matchers([*old, *spec.matchers])
        text = format_matchers(self.matchers)
        self.index = index
        self.continue_ = spec.continue_
        self.mute_intervals = spec.mute_intervals
        self.active_intervals = spec.active_intervals
        self.group_by: tuple[str, ...] = ()
        self.group_by_all = False
        self.labels: dict[str, str] = {}
        self.receiver = ""
        self.group_wait, self.group_interval, self.repeat_interval = _GROUP_WAIT, _GROUP_INTERVAL, _REPEAT_INTERVAL
        self.key = self.id = text
        if parent is not None:
            self.key = f"{parent.key}/{text}"
            self.id = f"{parent.id}/{text}/{number}"
            self.receiver = parent.receiver
            self.group_by, self.group_by_all = parent.group_by, parent.group_by_all
            self.group_wait, self.group_interval = parent.group_wait, parent.group_interval
            self.repeat_interval = parent.repeat_interval
            self.labels = parent.labels
        self.receiver = spec.receiver or self.receiver
        if spec.group_by_all:
            self.group_by_all = True
        elif spec.group_by is not None:
            self.group_by, self.group_by_all = tuple(sorted(set(spec.group_by))), False
        if spec.group_wait is not None:
            self.group_wait = spec.group_wait
        if spec.group_interval is not None:
            self.group_interval = spec.group_interval
        if spec.repeat_interval is not None:
            self.repeat_interval = spec.repeat_interval
        if spec.labels:
            self.labels = {**self.labels, **spec.labels}
        children: list[Route] = []
        following = index + 1
        for child_number, child_spec in enumerate(spec.routes):
            child = Route(child_spec, self, child_number, following)
            following = max(route.index for route in child.walk()) + 1
            children.append(child)
        self.children: tuple[Route, ...] = tuple(children)
        self._tests: tuple[_Test, ...] = tuple([(m.name, m.test) for m in self.matchers])
        self._tables, self._loose = _index(self.children)

    def walk(self) -> "Iterator[Route]":
        """This route and all below it, depth first, parents before children: in order of `index`."""
        yield self
        for child in self.children:
            yield from child.walk()

    def match(self, labels: Mapping[str, str]) -> "list[Route]":
        """The routes an alert with these labels belongs to, in order; empty only if this route's own matchers fail."""
        found: list[Route] = []
        self._match(labels, found)
        return found

    def _match(self, labels: Mapping[str, str], found: "list[Route]") -> bool:
        get = labels.get
        for name, test in self._tests:
            if not test(get(name, "")):
                return False
        if not self.children:
            found.append(self)
            return True
        before = len(found)
        for child in self._candidates(labels):
            if child._match(labels, found) and not child.continue_:
                break
        if len(found) == before:
            found.append(self)
        return True

    def _candidates(self, labels: Mapping[str, str]) -> "tuple[Route, ...] | list[Route]":
        if not self._tables:
            return self.children
        numbers = self._loose
        for name, table in self._tables:
            hits = table.get(labels.get(name, ""))
            if hits is not None:
                numbers = [*numbers, *hits]
        children = self.children
        return [children[number] for number in sorted(numbers)]

    def __repr__(self) -> str:
        return f"<Route {self.id} -> {self.receiver}>"


_Tables = list[tuple[str, dict[str, list[int]]]]


def _index(children: tuple[Route, ...]) -> tuple[_Tables, list[int]]:
    """Tables of children by label and demanded value, and the numbers of the children that are in none."""
    if len(children) < _TABLE_FROM:
        return [], list(range(len(children)))
    demands = [_demands(child) for child in children]
    distinct: dict[str, set[str]] = {}
    for demand in demands:
        for name, values in demand.items():
            distinct.setdefault(name, set()).update(values)
    tables: dict[str, dict[str, list[int]]] = {}
    loose = []
    for number, demand in enumerate(demands):
        if not demand:
            loose.append(number)
            continue
        # The label that tells the most siblings apart leaves the fewest to try.
        name = max(demand, key=lambda name: len(distinct[name]))
        table = tables.setdefault(name, {})
        for value in demand[name]:
            table.setdefault(value, []).append(number)
    return list(tables.items()), loose


def _demands(route: Route) -> dict[str, frozenset[str]]:
    """For each label of which the route accepts only a few known values: those values."""
    demands = {}
    for matcher in route.matchers:
        if matcher.op is Op.EQ:
            demands[matcher.name] = frozenset([matcher.value])
        elif matcher.op is Op.RE:
            values = choices(matcher.value)
            if values is not None and len(values) <= _CHOICES_MAX:
                demands.setdefault(matcher.name, values)
    return demands


def build(spec: RouteSpec) -> Route:
    """The tree for a checked `route:` section, with upstream's defaults at its root."""
    return Route(spec, None, 0, 0)


def group_labels(route: Route, labels: dict[str, str]) -> dict[str, str]:
    """The labels by which `route` groups an alert that has `labels`; those it lacks are absent."""
    if route.group_by_all:
        return labels
    return {name: labels[name] for name in route.group_by if name in labels}


def group_key(route: Route, labels: Mapping[str, str]) -> str:
    """The text that identifies a group in notification log, payloads and dedup ids; `labels` are its group labels."""
    return f"{route.key}:{format_set(labels)}"
