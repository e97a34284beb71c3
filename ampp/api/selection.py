"""Parameters of GET /api/v2/silences that Alertmanager does not have: they narrow, order and cut the list.

Without any of them the answer is Alertmanager's to the byte. With one, its form stays the same, and the number of
silences before the cut is told in a header.
"""

from collections.abc import Callable
from typing import Any, Final

from ampp.api.query import Query
from ampp.core.silence import Silence
from ampp.core.timestamp import TimestampError, parse_rfc3339

__all__ = ["SelectionError", "select"]

_LIMIT: Final = 100
_MOST: Final = 1_000

_BOUNDS: Final[dict[str, Callable[[Silence, int], bool]]] = {
    "startsAfter": lambda silence, at: silence.starts > at,
    "startsBefore": lambda silence, at: silence.starts < at,
    "endsAfter": lambda silence, at: silence.ends > at,
    "endsBefore": lambda silence, at: silence.ends < at,
}

_STATES: Final = ("active", "pending", "expired")

_SORTS: Final[dict[str, Callable[[Silence, int], Any]]] = {
    "created_at": lambda silence, _: silence.updated,
    "starts_at": lambda silence, _: silence.starts,
    "ends_at": lambda silence, _: silence.ends,
    "status": lambda silence, wall: _STATES.index(silence.state(wall)),
}

_NAMES: Final = ("status", "createdBy", "matcherName", "matcherValue", *_BOUNDS, "limit", "offset", "sort", "order")


class SelectionError(ValueError):
    """A parameter cannot be used; the text says which and why."""


def select(silences: list[Silence], query: Query, wall: int) -> tuple[list[Silence], int | None]:
    """The silences asked for, and how many there are without `limit` and `offset`; None when nothing of this was asked.

    Raises SelectionError.
    """
    given = {name: query.last(name) for name in _NAMES if query.last(name)}
    if not given:
        return silences, None
    states = [_one_of(word, "status", _STATES) for text in query.all("status") for word in text.split(",") if word]
    if states:
        silences = [silence for silence in silences if silence.state(wall) in states]
    if "createdBy" in given:
        silences = [silence for silence in silences if silence.created_by == given["createdBy"]]
    name, value = given.get("matcherName"), given.get("matcherValue")
    if name or value:
        silences = [silence for silence in silences if _names(silence, name, value)]
    for bound, holds in _BOUNDS.items():
        if bound in given:
            at = _instant(bound, given[bound])
            silences = [silence for silence in silences if holds(silence, at)]
    order = _one_of(given.get("order", "asc"), "order", ("asc", "desc"))
    if "sort" in given:
        key = _SORTS[_one_of(given["sort"], "sort", tuple(_SORTS))]
        silences = sorted(silences, key=lambda silence: key(silence, wall), reverse=order == "desc")
    elif order == "desc":
        silences = silences[::-1]
    total = len(silences)
    if "limit" in given or "offset" in given:
        offset = _number(given, "offset", 0, 0, 10**9)
        silences = silences[offset : offset + _number(given, "limit", _LIMIT, 1, _MOST)]
    return silences, total


def _names(silence: Silence, name: str | None, value: str | None) -> bool:
    """Whether one of its matchers has this name, and this value, of those that are asked for."""
    return any(
        name in (None, matcher.name) and value in (None, matcher.value)
        for matchers in silence.matcher_sets
        for matcher in matchers
    )


def _one_of(word: str, name: str, known: tuple[str, ...]) -> str:
    if word not in known:
        raise SelectionError(f"failed to parse {name} param: {word!r} is none of {', '.join(known)}")
    return word


def _instant(name: str, text: str) -> int:
    try:
        return parse_rfc3339(text)[0]
    except TimestampError as error:
        raise SelectionError(f"failed to parse {name} param: {error}") from None


def _number(given: dict[str, str], name: str, default: int, least: int, most: int) -> int:
    text = given.get(name)
    if text is None:
        return default
    if not text.isascii() or not text.isdecimal() or not least <= int(text[:18]) <= most:
        raise SelectionError(f"failed to parse {name} param: {text[:50]!r} is no number from {least} to {most}")
    return int(text)
