"""Order among many, and the first of many, made a little at a time.

Python's own sort does its work in one piece: for 100,000 groups by their labels that is most of a second.
"""

from bisect import bisect_right
from collections.abc import Callable, Iterator
from heapq import nsmallest
from typing import Any, Final, TypeVar

__all__ = ["foremost", "in_order"]

T = TypeVar("T")

_RUN: Final = 512
"""How many are looked at, and about how many are sorted, between two pauses, unless they are known to be quickly
compared."""

_SAMPLE: Final = 8
"""Keys looked at for each border between two parts: the more, the more alike the parts are."""


def foremost(items: list[T], key: Callable[[T], Any], most: int, run: int = _RUN) -> Iterator[list[T]]:
    """The first `most` of the items as `sorted` gives them, in the last batch; those before are empty, but pauses."""
    first: list[T] = []
    for start in range(0, len(items), run):
        # Of equal ones those found before stand in front, and stay there.
        first = nsmallest(most, first + items[start : start + run], key=key)
        yield []
    yield first


def in_order(items: list[T], key: Callable[[T], Any], run: int = _RUN) -> Iterator[list[T]]:
    """The items as `sorted` gives them, in batches; empty ones are but pauses.

    They are divided at borders taken from a sample of the keys, and each part is sorted by itself. Of equal keys, which
    cannot be parted, there may be a great many in one: sorting those is quick.
    """
    if len(items) <= run:
        yield sorted(items, key=key)
        return
    keys: list[Any] = []
    for first in range(0, len(items), run):
        keys += map(key, items[first : first + run])
        yield []
    parts = len(items) // run + 1
    sample = sorted(keys[:: max(1, len(items) // (parts * _SAMPLE))])
    yield []
    borders = sample[_SAMPLE::_SAMPLE]
    places: list[list[int]] = [[] for _ in range(len(borders) + 1)]
    for first in range(0, len(items), run):
        for place in range(first, min(first + run, len(items))):
            places[bisect_right(borders, keys[place])].append(place)
        yield []
    for part in places:
        part.sort(key=keys.__getitem__)
        batch = [items[place] for place in part]
        # Let go of here and not in the end: freeing so many in one piece takes as long as sorting them would.
        for place in part:
            keys[place] = None
        yield batch
