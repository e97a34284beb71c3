"""Which route of one tree is which of another: what stays, what is changed, what is new and what is gone.

Under each pair of routes the children are paired, the surest first: those with the same matchers and receiver, then
those with the same matchers, then those with the same receiver, each kind in the order of the file. A pair keeps its
groups (what they were told, and with `reload.keep_timers` their timers) if the engine finds their name again
(`ampp.core.group.identities`) and they group alike: `ampp.core.succession` goes by nothing else.
"""

from bisect import bisect_left
from collections.abc import Callable, Hashable, Iterator, Sequence

import msgspec

from ampp.core.route import Route

__all__ = ["Pair", "paired"]


class Pair(msgspec.Struct, frozen=True):
    """A route before and after; None where it is new or gone. `moved`: its siblings stand around it differently."""

    old: Route | None
    new: Route | None
    above: "Pair | None" = None
    moved: bool = False


def paired(old: Route, new: Route) -> Iterator[Pair]:
    """The pairs of two whole trees, parents first."""
    stack = [Pair(old, new)]
    while stack:
        pair = stack.pop()
        yield pair
        stack += reversed(_below(pair))


def _below(pair: Pair) -> list[Pair]:
    if pair.old is None or pair.new is None:
        one = pair.new or pair.old
        assert one is not None
        is_new = pair.old is None
        return [Pair(None if is_new else child, child if is_new else None, pair) for child in one.children]
    before, after = pair.old.children, pair.new.children
    partner: dict[int, int] = {}
    for same in (_alike, _matching, _receiving):
        _match(before, after, partner, same)
    stays = _in_order([partner[at] for at in range(len(before)) if at in partner])
    came_from = {new: old for old, new in partner.items()}
    found = [
        Pair(before[came_from[at]] if at in came_from else None, child, pair, at in came_from and at not in stays)
        for at, child in enumerate(after)
    ]
    return found + [Pair(child, None, pair) for at, child in enumerate(before) if at not in partner]


def _alike(route: Route) -> Hashable:
    return route.matchers, route.receiver


def _matching(route: Route) -> Hashable:
    return route.matchers


def _receiving(route: Route) -> Hashable:
    return route.receiver


def _match(
    before: Sequence[Route], after: Sequence[Route], partner: dict[int, int], same: Callable[[Route], Hashable]
) -> None:
    taken = set(partner.values())
    waiting: dict[Hashable, list[int]] = {}
    for at in reversed(range(len(after))):
        if at not in taken:
            waiting.setdefault(same(after[at]), []).append(at)
    for at, route in enumerate(before):
        if at not in partner and waiting.get(same(route)):
            partner[at] = waiting[same(route)].pop()


def _in_order(places: Sequence[int]) -> set[int]:
    """A longest choice of the places that ascends: those that did not move."""
    tails: list[int] = []
    previous: dict[int, int | None] = {}
    for place in places:
        at = bisect_left(tails, place)
        previous[place] = tails[at - 1] if at else None
        tails[at : at + 1] = [place]
    found: set[int] = set()
    last = tails[-1] if tails else None
    while last is not None:
        found.add(last)
        last = previous[last]
    return found
