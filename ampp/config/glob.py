"""File name patterns as Go's filepath.Glob reads them.

`*` and `?` match dots too, but no slash; `**` is `*`; `[^a]` excludes; a backslash quotes; braces mean nothing.
"""

import os
import re
from functools import lru_cache
from os.path import isdir, join, lexists
from typing import Final

__all__ = ["GlobError", "glob"]

_META: Final = re.compile(r"[*?\[\\]")
_PIECE: Final = re.compile(
    r"(?P<any>\*+)|(?P<one>\?)|(?P<quoted>\\.)|\[(?P<not>\^?)(?P<members>(?:(?:\\.|[^\\\]-])(?:-(?:\\.|[^\\\]-]))?)+)\]"
    r"|(?P<plain>[^\\\[])",
    re.DOTALL,
)
_MEMBER: Final = re.compile(r"\\?(.)(?:(-)\\?(.))?", re.DOTALL)


class GlobError(ValueError):
    """The pattern is malformed; the message is Go's."""

    def __init__(self) -> None:
        super().__init__("syntax error in pattern")


def glob(pattern: str) -> list[str]:
    """The paths of what exists, those of one directory in order of their names. Raises `GlobError`."""
    for segment in pattern.split("/"):
        _compile(segment)
    return _glob(pattern)


def _glob(pattern: str) -> list[str]:
    if not _META.search(pattern):
        return [pattern] if lexists(pattern) else []
    directory, slash, name = pattern.rpartition("/")
    if slash and not directory:
        directory = "/"
    matches = _compile(name)
    found = []
    for one in _glob(directory) if _META.search(directory) else [directory]:
        if one and not isdir(one):
            continue
        try:
            names = sorted(os.listdir(one or "."))
        except OSError:
            continue
        found += [join(one, name) for name in names if matches.fullmatch(name)]
    return found


@lru_cache(maxsize=256)
def _compile(pattern: str) -> re.Pattern[str]:
    out = []
    at = 0
    while at < len(pattern):
        piece = _PIECE.match(pattern, at)
        if piece is None:
            raise GlobError
        at = piece.end()
        match piece.lastgroup:
            case "any":
                out.append(".*")
            case "one":
                out.append(".")
            case "quoted" | "plain":
                out.append(re.escape(piece[0][-1]))
            case _:
                out.append(_class(piece["members"], exclude=bool(piece["not"])))
    return re.compile("".join(out), re.DOTALL)


def _class(members: str, *, exclude: bool) -> str:
    """A character class; a range that runs backwards holds nothing."""
    parts = [
        re.escape(first) + (f"-{re.escape(last)}" if dash else "")
        for first, dash, last in _MEMBER.findall(members)
        if not dash or first <= last
    ]
    if not parts:
        return "." if exclude else "(?!)"
    return f"[{'^' if exclude else ''}{''.join(parts)}]"
