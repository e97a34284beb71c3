"""The way of a label set through the routing tree, with the matcher that decided at every node."""

from collections.abc import Mapping
from typing import Any, Literal

import msgspec

from ampp.core.matcher import format_matchers
from ampp.core.route import Route

__all__ = ["Step", "chosen", "trail"]


class Step(msgspec.Struct, frozen=True, omit_defaults=True):
    """One node. `outcome`: it matched, one of its matchers failed, or it was not tried because a sibling before it
    matched and does not continue. `chosen`: the alert goes to this node's receiver.

    `failed`: the first matcher that did not hold, and `value` what the alert has for its label.
    """

    route: str
    receiver: str
    outcome: Literal["matched", "failed", "skipped"]
    matchers: tuple[str, ...] = ()
    chosen: bool = False
    continues: bool = False
    failed: str | None = None
    value: str | None = None
    children: tuple["Step", ...] = ()


def trail(root: Route, labels: Mapping[str, str]) -> Step:
    """The tree as it was walked. Below a node that did not match nothing is shown."""
    return _walk(root, labels)


def chosen(step: Step) -> list[Step]:
    """The nodes the alert belongs to, in order."""
    found = [step] if step.chosen else []
    for child in step.children:
        found += chosen(child)
    return found


def _walk(route: Route, labels: Mapping[str, str]) -> Step:
    for matcher in route.matchers:
        value = labels.get(matcher.name, "")
        if not matcher.test(value):
            return _step(route, "failed", failed=format_matchers((matcher,))[1:-1], value=value)
    children: list[Step] = []
    over = False
    for child in route.children:
        step = _step(child, "skipped") if over else _walk(child, labels)
        children.append(step)
        over = over or (step.outcome == "matched" and not child.continue_)
    matched = any(step.outcome == "matched" for step in children)
    return _step(route, "matched", chosen=not matched, children=tuple(children))


def _step(route: Route, outcome: Literal["matched", "failed", "skipped"], **more: Any) -> Step:
    return Step(
        route=route.id,
        receiver=route.receiver,
        outcome=outcome,
        matchers=tuple(format_matchers((matcher,))[1:-1] for matcher in route.matchers),
        continues=route.continue_,
        **more,
    )
