"""Lints of the routing tree: routes no alert reaches, routes twice, and schedules that mean something else."""

from collections.abc import Hashable, Iterable, Iterator, Mapping
from typing import Final

from ampp.config.lint.finding import Finding
from ampp.config.lint.implication import Domain, Proof, accepted, contradiction, domains, implied, is_broad
from ampp.config.lint.source import Path, Source
from ampp.config.receivers import AlertmanagerConfig
from ampp.core.dedup import repeats_every
from ampp.core.duration import format_prometheus
from ampp.core.matcher import Matcher, Op, format_matchers
from ampp.core.plan import Plan
from ampp.core.route import Route

__all__ = ["lint_routes", "located"]

_ONE_LINE: Final = " (for label values without line breaks)"
_NOTICEABLE: Final = 1.1
"""By what factor a repeat must come later than written to be worth a word."""


def located(root: Route) -> Iterator[tuple[Route, Path]]:
    """Every route of a tree with the path at which it is written, parents first."""
    stack: list[tuple[Route, Path]] = [(root, ("route",))]
    while stack:
        route, path = stack.pop()
        yield route, path
        below = [(child, (*path, "routes", number)) for number, child in enumerate(route.children)]
        stack += reversed(below)


def lint_routes(
    source: Source, plan: Plan, retention: int, handed_on: Mapping[str, tuple[AlertmanagerConfig, ...]]
) -> Iterator[Finding]:
    """All findings about routes. `retention`: nanoseconds for which notifications are remembered; `handed_on`: the
    `alertmanager_configs` of receivers by name."""
    paths = {route.index: path for route, path in located(plan.root)}
    yield from _reachable(source, paths, plan.root, ())
    yield from _grouping(source, plan.root)
    for route, path in located(plan.root):
        yield from _schedule(source, route, path, retention)
        yield from _continuing(source, route, path)
        yield from _muted(source, route, path)
        for number, entry in enumerate(handed_on.get(route.receiver, ())):
            yield from _expiring(source, route, path, number, entry)


def _reachable(
    source: Source, paths: Mapping[int, Path], parent: Route, above: tuple[Matcher, ...]
) -> Iterator[Finding]:
    earlier = _Earlier()
    for child in parent.children:
        matchers = (*above, *child.matchers)
        known = domains(matchers)
        spot = source.node(paths[child.index])
        name = contradiction(known)
        if name is not None:
            with_parents = contradiction(domains(child.matchers)) is None
            where = " together with those of the routes above it" if with_parents else ""
            yield source.finding(
                "unreachable-route",
                spot,
                f"no alert can match this route: its matchers on {name}{where} exclude each other",
                f"together they are {format_matchers(known[name].matchers)}",
            )
            continue
        taken, proof = earlier.takes(known)
        if taken:
            lines = ", ".join(str(source.node(paths[one.index]).line) for one in taken)
            which = "the route at line" if len(taken) == 1 else "the routes at lines"
            same = len(taken) == 1 and taken[0].matchers == child.matchers
            why = "it has the same matchers" if same else f"{'it takes' if len(taken) == 1 else 'they take'} all"
            caveat = _ONE_LINE if proof is Proof.ONE_LINE else ""
            yield source.finding(
                "unreachable-route",
                spot,
                f"no alert reaches this route past {which} {lines}: {why}{caveat}",
                "move it before the other, or set continue: true there",
            )
            continue
        twin = earlier.twin(child)
        if twin is not None:
            line = source.node(paths[twin.index]).line
            same = (twin.group_by, twin.group_by_all) == (child.group_by, child.group_by_all)
            effect = "one keeps silent of what the other told" if same else f"{child.receiver} is told all of it twice"
            shared = "matchers, receiver and grouping" if same else "matchers and receiver"
            what = f"same {shared} as the route at line {line}: {effect}"
            yield source.finding("duplicate-route", spot, what, "remove one of the two")
        earlier.add(child)
        yield from _reachable(source, paths, child, matchers)


class _Earlier:
    """The siblings before a route, found by something they demand, so that few have to be tried.

    A route that demands one of a few values of a label can take everything only where the label has such values alone:
    it is found by each of its values, of which any one of the others' will do. One that demands an expression takes
    everything only where the label has few values, or where the same expression is demanded.
    """

    def __init__(self) -> None:
        self._by_value: dict[tuple[str, str], list[Route]] = {}
        self._by_pattern: dict[tuple[str, str], list[Route]] = {}
        self._by_name: dict[str, list[Route]] = {}
        self._loose: list[Route] = []
        self._twins: dict[Hashable, Route] = {}

    def add(self, route: Route) -> None:
        if not route.children:
            self._twins.setdefault(_telling(route), route)
        if route.continue_:
            return
        choices = [places for matcher in route.matchers if (places := self._places(matcher))]
        if not choices:
            self._loose.append(route)
            return
        # The demand that the fewest others share leaves the fewest to try.
        for shelf, key in min(choices, key=lambda places: max(len(shelf.get(key, ())) for shelf, key in places)):
            shelf.setdefault(key, []).append(route)
            if shelf is self._by_pattern:
                self._by_name.setdefault(key[0], []).append(route)

    def _places(self, matcher: Matcher) -> list[tuple[dict[tuple[str, str], list[Route]], tuple[str, str]]]:
        """The places at which a route with this matcher can be found by it."""
        values = accepted(matcher)
        if values is not None:
            return [(self._by_value, (matcher.name, value)) for value in values]
        if matcher.op is Op.RE and not is_broad(matcher):
            return [(self._by_pattern, (matcher.name, matcher.value))]
        return []

    def twin(self, route: Route) -> Route | None:
        return None if route.children else self._twins.get(_telling(route))

    def takes(self, known: Mapping[str, Domain]) -> tuple[list[Route], Proof]:
        """Siblings that together take everything within `known`; none if that is not proven."""
        one, proof = self._one(known)
        if one is not None:
            return [one], proof
        for name, domain in known.items():
            if domain.values is None or len(domain.values) < 2 or domain.proof is not Proof.FULL:
                continue
            shares, least = [], Proof.FULL
            for value in sorted(domain.values):
                one, proof = self._one({**known, name: Domain([Matcher(name, Op.EQ, value)])})
                if one is None:
                    break
                least = min(least, proof)
                shares.append(one)
            else:
                return sorted(set(shares), key=lambda route: route.index), least
        return [], Proof.NONE

    def _one(self, known: Mapping[str, Domain]) -> tuple[Route | None, Proof]:
        weak: Route | None = None
        for route in self._candidates(known):
            proof = implied(known, route.matchers)
            if proof is Proof.FULL:
                return route, proof
            if proof is Proof.ONE_LINE:
                weak = weak or route
        return weak, Proof.ONE_LINE if weak else Proof.NONE

    def _candidates(self, known: Mapping[str, Domain]) -> Iterable[Route]:
        for name, domain in known.items():
            if domain.values:
                yield from self._by_value.get((name, min(domain.values)), ())
                yield from self._by_name.get(name, ())
            else:
                for matcher in domain.matchers:
                    if matcher.op is Op.RE:
                        yield from self._by_pattern.get((name, matcher.value), ())
        yield from self._loose


def _telling(route: Route) -> Hashable:
    """What decides who is told of which alerts, and at what hours."""
    return route.matchers, route.receiver, frozenset(route.mute_intervals), frozenset(route.active_intervals)


def _grouping(source: Source, root: Route) -> Iterator[Finding]:
    if not root.group_by and not root.group_by_all:
        yield source.finding(
            "no-group-by",
            source.key(("route", "group_by")) if source.has(("route", "group_by")) else source.node(("route",)),
            "the root route groups by nothing: all its alerts are told in one notification",
            "write group_by: [alertname], or the labels that belong together",
        )
    for route, path in located(root):
        if route.group_by_all and source.has((*path, "group_by")):
            yield source.finding(
                "group-by-all",
                source.key((*path, "group_by")),
                "grouping by all labels tells every alert by itself",
                "name the labels that alerts told together have in common",
            )


def _schedule(source: Source, route: Route, path: Path, retention: int) -> Iterator[Finding]:
    """Told where one of the two intervals is written; routes below that inherit both say nothing new."""
    own = [key for key in ("repeat_interval", "group_interval") if source.has((*path, key))]
    if not own:
        return
    spot = source.key((*path, own[0]))
    repeat, interval = route.repeat_interval, route.group_interval
    actual = repeats_every(repeat, interval)
    times = f"repeat_interval {format_prometheus(repeat)}", f"group_interval {format_prometheus(interval)}"
    if repeat < interval:
        yield source.finding(
            "repeat-below-interval",
            spot,
            f"{times[0]} is less than {times[1]}: notifications repeat every {format_prometheus(actual)}",
            "only the turns of a group, one each group_interval, can repeat a notification",
        )
    elif actual >= repeat * _NOTICEABLE:
        yield source.finding(
            "repeat-rounded",
            spot,
            f"{times[0]} with {times[1]} repeats every {format_prometheus(actual)}",
            "a repeat comes at the first turn of the group that is later than repeat_interval",
        )
    if repeat > retention:
        yield source.finding(
            "repeat-over-retention",
            spot,
            f"{times[0]} is longer than notifications are remembered ({format_prometheus(retention)}): they may repeat "
            "earlier",
            "shorten it, or run the daemon with a longer --data.retention",
        )


def _continuing(source: Source, route: Route, path: Path) -> Iterator[Finding]:
    if route.children and route.children[-1].continue_:
        last = (*path, "routes", len(route.children) - 1, "continue")
        yield source.finding(
            "useless-continue", source.key(last), "continue has no effect on the last of its siblings", "remove it"
        )


def _muted(source: Source, route: Route, path: Path) -> Iterator[Finding]:
    for name in sorted(set(route.mute_intervals) & set(route.active_intervals)):
        only = set(route.active_intervals) <= set(route.mute_intervals)
        if only:
            yield source.finding(
                "always-muted",
                source.key((*path, "active_time_intervals")),
                f"this route never notifies: it is active only in {name}, in which it is muted",
                "remove the interval from one of the two lists",
            )
            return


def _expiring(source: Source, route: Route, path: Path, number: int, entry: AlertmanagerConfig) -> Iterator[Finding]:
    actual = route.repeat_interval + route.group_interval
    if entry.expire_after <= actual:
        yield source.finding(
            "expire-before-repeat",
            source.node(path),
            f"alerts handed on by {route.receiver}, alertmanager_configs[{number}], end there after "
            f"{format_prometheus(entry.expire_after)}, before they are told again (up to {format_prometheus(actual)})",
            "lengthen expire_after or shorten repeat_interval",
        )
