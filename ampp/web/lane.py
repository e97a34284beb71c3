"""Courses drawn: spans of firing and suppression as bars over a length of time, and the same in words."""

from collections.abc import Sequence
from typing import Final

import msgspec

from ampp.core.clock import MILLISECOND
from ampp.history.course import Span
from ampp.web.words import span_words

__all__ = ["WIDTH", "Bar", "Lane", "bars", "lane"]

WIDTH: Final = 960
"""Units that a whole length of time is wide."""

_LEAST: Final = 8.0


class Bar(msgspec.Struct, frozen=True):
    """A piece of a lane, in units of its width: from where, how long, and as what it is drawn."""

    x: float
    width: float
    kind: str
    start: int
    end: int


class Lane(msgspec.Struct, frozen=True):
    """The bars, and how long it fired and was suppressed, in words."""

    bars: tuple[Bar, ...]
    words: str


def bars(course: Sequence[Span], since: int, until: int, least: float = 2.0) -> list[Bar]:
    """The spans between two instants (wall milliseconds), as bars, each at least so wide that it can be seen."""
    scale = WIDTH / max(1, until - since)
    found = []
    for span in course:
        width = max(least, (span.until - span.since) * scale)
        kind = "suppressed" if span.quiet else "firing"
        x = min((span.since - since) * scale, WIDTH - width)
        found.append(Bar(round(x, 1), round(width, 1), kind, span.since * MILLISECOND, span.until * MILLISECOND))
    return found


def lane(course: Sequence[Span], since: int, until: int, *, whole: bool = True) -> Lane:
    """A course as a lane. Not `whole`: more was than is counted."""
    parts = []
    for word, quiet in (("fired", False), ("suppressed", True)):
        total = sum(span.until - span.since for span in course if span.quiet is quiet)
        if total:
            parts.append(f"{word} {'' if whole else 'at least '}{span_words(total * MILLISECOND)}")
    return Lane(tuple(bars(course, since, until, _LEAST)), ", ".join(parts) or "quiet")
