"""The pause between attempts, as upstream's exponential back-off has it."""

from collections.abc import Callable, Iterator
from typing import Final

from ampp.core.clock import MILLISECOND, SECOND

__all__ = ["pauses"]

FIRST: Final = 500 * MILLISECOND
LONGEST: Final = 60 * SECOND
GROWTH: Final = 1.5
SPREAD: Final = 0.5


def pauses(random: Callable[[], float]) -> Iterator[int]:
    """Endless pauses in nanoseconds: 500 ms growing by half to 60 s, each spread evenly over ±50 %.

    A pause counts from the *start* of the attempt before it, so a slow attempt may be followed by the next at once.
    `random` gives numbers in [0, 1).
    """
    base: float = FIRST
    while True:
        yield int(base * (1 - SPREAD + 2 * SPREAD * random()))
        base = min(base * GROWTH, LONGEST)
