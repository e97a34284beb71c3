"""Routing trees drawn with lines, to the byte as amtool draws them."""

from collections.abc import Mapping
from typing import Final, TypeAlias

from ampp.core.matcher import format_matchers
from ampp.core.route import Route

__all__ = ["matching_tree", "routing_tree"]

_PIPE: Final = "│   "
_BLANK: Final = "    "

# A drawn node: its text, and the nodes below it.
_Node: TypeAlias = tuple[str, list["_Node"]]


def routing_tree(root: Route) -> str:
    """Every route with its receiver; ends with a newline."""
    return _drawn(_whole(root))


def matching_tree(root: Route, labels: Mapping[str, str]) -> str:
    """The routes an alert with `labels` passes through, the receiver at those it ends in; ends with a newline."""
    return _drawn(_matching(root, labels))


def _whole(route: Route) -> _Node:
    text = _slug(route) + ("  continue: true" if route.continue_ else "") + f"  receiver: {route.receiver}"
    return text, [_whole(child) for child in route.children]


def _matching(route: Route, labels: Mapping[str, str]) -> _Node:
    below: list[_Node] = []
    for child in route.children:
        if all(matcher.matches(labels.get(matcher.name, "")) for matcher in child.matchers):
            below.append(_matching(child, labels))
            if not child.continue_:
                break
    return _slug(route) + ("" if below else f"  receiver: {route.receiver}"), below


def _slug(route: Route) -> str:
    return format_matchers(route.matchers) if route.matchers else "default-route"


def _drawn(root: _Node) -> str:
    lines = ["."]
    _draw([root], "", lines)
    return "\n".join(lines) + "\n"


def _draw(nodes: list[_Node], indent: str, lines: list[str]) -> None:
    for number, (text, below) in enumerate(nodes, 1):
        last = number == len(nodes)
        lines.append(f"{indent}{'└' if last else '├'}── {text}")
        _draw(below, indent + (_BLANK if last else _PIPE), lines)
