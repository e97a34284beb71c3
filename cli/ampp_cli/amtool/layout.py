"""The tables and dates that amtool prints, to the byte."""

from __future__ import annotations

TYPE_CHECKING = False  # see ampp_cli.remote
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from typing import Final

__all__ = ["dates", "table"]

_PADDING: Final = 2
_DEFAULT: Final = "2006-01-02 15:04:05 MST"


def table(rows: Sequence[Sequence[str]], tails: Sequence[str] = ()) -> str:
    """The rows as Go's tabwriter sets them: every cell padded, and followed by two blanks, the last one as well.

    `tails`: a text after each row's cells, which takes no part in the widths. A tab or newline within a cell begins a
    new cell or line there, as it does upstream, and columns then only reach over neighbouring lines that have them.
    """
    ends = tails or [""] * len(rows)
    text = "".join("".join(f"{cell}\t" for cell in row) + end + "\n" for row, end in zip(rows, ends, strict=True))
    lines = [line.split("\t") for line in text.split("\n")[:-1]]
    if len({len(line) for line in lines}) == 1:
        return _even(lines)
    out: list[str] = []
    _block(lines, 0, len(lines), [], out)
    return "".join(out)


def _even(lines: list[list[str]]) -> str:
    """The usual case: all lines have the same cells."""
    widths = [max(map(len, column)) + _PADDING for column in zip(*lines, strict=True)][:-1]
    return "".join(
        "".join([cell.ljust(width) for cell, width in zip(line, widths, strict=False)]) + line[-1] + "\n"
        for line in lines
    )


def _block(lines: list[list[str]], first: int, end: int, widths: list[int], out: list[str]) -> None:
    """Lines `first` to `end`, whose columns before this one are `widths` wide (text/tabwriter's `format`)."""
    column = len(widths)
    at = first
    while at < end:
        if column >= len(lines[at]) - 1:
            at += 1
            continue
        _write(lines[first:at], widths, out)
        first = at
        width = 0
        while at < end and column < len(lines[at]) - 1:
            width = max(width, len(lines[at][column]) + _PADDING)
            at += 1
        _block(lines, first, at, [*widths, width], out)
        first = at
    _write(lines[first:end], widths, out)


def _write(lines: list[list[str]], widths: list[int], out: list[str]) -> None:
    for line in lines:
        for at, cell in enumerate(line):
            out.append(cell.ljust(widths[at]) if at < len(widths) and at < len(line) - 1 else cell)
        out.append("\n")


def dates(layout: str) -> Callable[[str], str]:
    """What turns the API's times into the user's layout, in the zone that the API names."""
    if layout == _DEFAULT:
        return _default
    return lambda text: _by_layout(layout, text)


def _default(text: str) -> str:
    if len(text) == 24 and text[10] == "T" and text[19] == "." and text[23] == "Z":
        return f"{text[:10]} {text[11:19]} UTC"
    return _by_layout(_DEFAULT, text)


def _by_layout(layout: str, text: str) -> str:
    from ampp.template.layout import LayoutError, parse_time
    from ampp.template.stamp import format_time
    from ampp.template.zone import LOCAL, UTC

    try:
        ns, zone = parse_time("2006-01-02T15:04:05Z07:00", text, LOCAL)
    except LayoutError:
        # An absent time is Go's zero.
        ns, zone = -62_135_596_800 * 1_000_000_000, UTC
    return format_time(layout, ns, zone)
