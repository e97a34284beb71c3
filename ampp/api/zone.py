"""The server's own time zone: upstream shows the times it makes itself (receipt, defaults) in local time."""

import time
from functools import lru_cache
from typing import Final

from ampp.core.clock import SECOND

__all__ = ["local_offset"]

_QUARTER: Final = 900 * SECOND
"""Zones change at whole quarters of an hour."""


def local_offset(wall: int) -> int:
    """Seconds east of UTC that the local zone had at `wall` nanoseconds; 0 where the platform cannot tell."""
    return _offset(wall // _QUARTER)


@lru_cache(maxsize=256)
def _offset(quarter: int) -> int:
    try:
        return time.localtime(quarter * 900).tm_gmtoff
    except (OverflowError, OSError, ValueError):
        return 0
