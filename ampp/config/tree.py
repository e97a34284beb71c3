"""The routing tree as `amtool config routes show` prints it."""

from ampp.core.matcher import format_matchers
from ampp.core.route import Route

__all__ = ["routes_show", "slug"]


def routes_show(root: Route) -> str:
    """The whole tree under its heading, with the blank line at the end."""
    lines = ["Routing tree:", "."]
    _branch(lines, slug(root, receiver=True, continues=True), root, ("", ""), last=True)
    return "\n".join(lines) + "\n\n"


def _branch(lines: list[str], text: str, route: Route, margin: tuple[str, str], *, last: bool) -> None:
    """Upstream joins branches with no-break spaces, but continues a text of several lines with plain ones."""
    first, *more = text.split("\n")
    lines.append(f"{margin[0]}{'└── ' if last else '├── '}{first}")
    below = (margin[0] + ("    " if last else "│\xa0\xa0 "), margin[1] + ("    " if last else "│   "))
    lines += [below[1] + line for line in more]
    for i, child in enumerate(route.children):
        _branch(lines, slug(child, receiver=True, continues=True), child, below, last=i == len(route.children) - 1)


def slug(route: Route, *, receiver: bool, continues: bool) -> str:
    """One route on one line: its matchers, and what else is asked for."""
    parts = [format_matchers(route.matchers) if route.matchers else "default-route"]
    if continues and route.continue_:
        parts.append("continue: true")
    if receiver:
        parts.append(f"receiver: {route.receiver}")
    return "  ".join(parts)
