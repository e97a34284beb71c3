"""A routing tree for people: a line for each route, what holds on it below, wrapped to the width of the terminal."""

import textwrap
from collections.abc import Callable, Iterator, Sequence
from typing import Final, TypeAlias

from ampp.core.route import Route
from ampp_cli.table import clean

__all__ = ["Item", "drawn"]

_LEAST: Final = 24
"""No text is wrapped to less, however deep the tree and narrow the terminal."""

Item: TypeAlias = tuple[str, str, Sequence[str]]
"""What is told of a route: its head, the style of it, and phrases for the lines below."""


def drawn(
    root: Route,
    item: Callable[[Route], Item | None],
    *,
    width: int = 0,
    paint: Callable[[str, str], str] = lambda text, style: text,
) -> Iterator[str]:
    """The lines of a tree. Routes whose `item` is None are left out with all below them. `width` 0: wrap nothing.

    `paint` puts a text into a style.
    """
    yield from _branch(root, item, ("", ""), width, paint)


def _branch(
    route: Route,
    item: Callable[[Route], Item | None],
    margin: tuple[str, str],
    width: int,
    paint: Callable[[str, str], str],
) -> Iterator[str]:
    told = item(route)
    if told is None:
        return
    head, style, phrases = told
    below = [child for child in route.children if item(child) is not None]
    first, *more = _wrapped(head, width, len(margin[0]), "  ")
    yield paint(margin[0], "2") + paint(first, style)
    rail = margin[1] + ("│   " if below else "    ")
    for line in more:
        yield paint(rail, "2") + paint(line, style)
    if phrases:
        for line in _wrapped(" · ".join(phrases), width, len(rail)):
            yield paint((rail + line).rstrip(), "2")
    for number, child in enumerate(below, 1):
        last = number == len(below)
        inner = margin[1] + ("└── " if last else "├── "), margin[1] + ("    " if last else "│   ")
        yield from _branch(child, item, inner, width, paint)


def _wrapped(text: str, width: int, taken: int, indent: str = "") -> list[str]:
    text = clean(text)
    if width <= 0:
        return [text]
    room = max(width - taken, _LEAST)
    return textwrap.wrap(text, room, subsequent_indent=indent, break_long_words=False, break_on_hyphens=False) or [""]
