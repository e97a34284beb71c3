"""Tables of text: columns padded, cut to a width where that is wanted, and safe to show.

Cells are what users and alerts say. Control characters in them are shown as escapes, so that no label can move the
cursor or colour the terminal.
"""

from __future__ import annotations

TYPE_CHECKING = False  # see ampp_cli.remote
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Final

__all__ = ["clean", "columns", "width_of"]

_GAP: Final = 2
_LEAST: Final = 8
"""No column is cut to less, however narrow the terminal."""

_CONTROL: Final = "[\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069\ud800-\udfff]"
_SHORT: Final = {"\n": "\\n", "\t": "\\t", "\r": "\\r"}


def clean(text: str) -> str:
    """The text without anything that a terminal would act upon."""
    if text.isascii() and text.isprintable():
        return text
    import re

    return re.sub(_CONTROL, lambda match: _SHORT.get(match[0], f"\\x{ord(match[0]):02x}"), text)


def width_of(text: str) -> int:
    """How many columns of a terminal the text takes."""
    if text.isascii():
        return len(text)
    import unicodedata

    return sum(0 if unicodedata.combining(c) else 2 if unicodedata.east_asian_width(c) in "WF" else 1 for c in text)


def columns(
    rows: Sequence[Sequence[str]], *, width: int = 0, flexible: frozenset[int] = frozenset(), styles: object = None
) -> list[str]:
    """The rows as lines, their cells (clean already) in columns two blanks apart, without blanks at the end.

    `width`: cut the `flexible` columns, the widest first, until the lines fit that many; 0 cuts nothing. `styles`: a
    function of row and column number and padded text that may wrap the text in colour; padding is done before.
    """
    if not rows:
        return []
    widths = [max(map(width_of, cells)) for cells in zip(*rows, strict=True)]
    if width:
        _fit(widths, width, flexible)
    last = len(widths) - 1
    lines = []
    for number, row in enumerate(rows):
        pieces = []
        for at, cell in enumerate(row):
            taken = width_of(cell)
            if taken > widths[at]:
                cell = _cut(cell, widths[at])
                taken = width_of(cell)
            shown = styles(number, at, cell) if callable(styles) else cell
            pieces.append(shown if at == last else shown + " " * (widths[at] - taken + _GAP))
        lines.append("".join(pieces).rstrip(" "))
    return lines


def _fit(widths: list[int], width: int, flexible: frozenset[int]) -> None:
    over = sum(widths) + _GAP * (len(widths) - 1) - width
    while over > 0:
        widest = max(flexible, key=lambda at: widths[at], default=None)
        if widest is None or widths[widest] <= _LEAST:
            return
        second = max((widths[at] for at in flexible if at != widest), default=0)
        step = min(over, max(1, widths[widest] - max(second, _LEAST)))
        widths[widest] -= step
        over -= step


def _cut(text: str, width: int) -> str:
    taken, out = 0, []
    for c in text:
        taken += width_of(c)
        if taken > width - 1:
            break
        out.append(c)
    return "".join(out) + "…"
