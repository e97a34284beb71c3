"""Time as the core knows it: integers handed in from outside.

Wall time is whole nanoseconds since the Unix epoch (UTC), as a plain `int` of any size, so that every instant Go can
print survives unrounded. Durations are whole nanoseconds too. Monotonic time is nanoseconds of whatever clock the
caller keeps, comparable only with itself.

Wall time rules silences, intervals, startsAt/endsAt and all that is stored; monotonic time rules running timers, so a
step of the wall clock neither delays nor hastens a flush.
"""

from typing import Final

import msgspec

__all__ = ["HOUR", "MICROSECOND", "MILLISECOND", "MINUTE", "SECOND", "ZERO", "Now"]

MICROSECOND: Final = 1_000
MILLISECOND: Final = 1_000_000
SECOND: Final = 1_000_000_000
MINUTE: Final = 60 * SECOND
HOUR: Final = 60 * MINUTE

ZERO: Final = -62_135_596_800 * SECOND
"""Go's zero time, 0001-01-01T00:00:00Z: upstream's "not set". Not 0 (1970), which a sender may post."""


class Now(msgspec.Struct, frozen=True, gc=False):
    """One moment on both clocks, in nanoseconds."""

    wall: int
    mono: int
