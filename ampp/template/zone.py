"""time.Location: UTC, the server's zone, zones of the IANA database, and fixed offsets."""

import time
from collections.abc import Callable
from datetime import UTC as PYTHON_UTC
from datetime import datetime
from functools import lru_cache
from typing import Final
from zoneinfo import ZoneInfo

__all__ = ["LOCAL", "UTC", "Zone", "ZoneError", "fixed", "load"]

_FIRST: Final = -62135596800 + 2 * 86400
_LAST: Final = 253402300799 - 2 * 86400


class ZoneError(ValueError):
    """No such zone; the message is Go's."""


class Zone:
    """name: as Location prints it (empty for an unnamed offset); at(unix seconds) → (abbreviation, offset in s)."""

    __slots__ = ("at", "name")

    def __init__(self, name: str, at: Callable[[int], tuple[str, int]]) -> None:
        self.name = name
        self.at = at

    def __repr__(self) -> str:
        return f"<Zone {self.name}>"


def _local(seconds: int) -> tuple[str, int]:
    parts = time.localtime(min(max(seconds, _FIRST), _LAST))
    return parts.tm_zone, parts.tm_gmtoff


UTC: Final = Zone("UTC", lambda seconds: ("UTC", 0))
LOCAL: Final = Zone("Local", _local)


@lru_cache(maxsize=256)
def fixed(name: str, offset: int) -> Zone:
    """A zone that is always `offset` seconds east of UTC; an unnamed one shows its offset as name."""
    answer = (name, offset)
    return Zone(name, lambda seconds: answer)


@lru_cache(maxsize=256)
def load(name: str) -> Zone:
    """A zone by its IANA name; "" and "UTC" are UTC, "Local" is the server's. Raises `ZoneError`."""
    if name in ("", "UTC"):
        return UTC
    if name == "Local":
        return LOCAL
    if ".." in name or name[0] in "/\\" or "\\" in name:
        raise ZoneError("time: invalid location name")
    try:
        info = ZoneInfo(name)
    except (ValueError, LookupError, OSError) as error:
        raise ZoneError(f"unknown time zone {name}") from error

    def at(seconds: int) -> tuple[str, int]:
        moment = datetime.fromtimestamp(min(max(seconds, _FIRST), _LAST), PYTHON_UTC).astimezone(info)
        offset = moment.utcoffset()
        return moment.tzname() or "", round(offset.total_seconds()) if offset is not None else 0

    return Zone(name, at)
