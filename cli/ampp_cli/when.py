"""Times and durations as people type them, and as they like to read them."""

from __future__ import annotations

import time

TYPE_CHECKING = False  # see ampp_cli.remote
if TYPE_CHECKING:
    from datetime import datetime
    from typing import Final

__all__ = ["WhenError", "ago", "duration", "instant", "moment", "rfc3339"]

_TEXT_FORMS: Final = "now, +2h, -15m, 14:30, 2026-11-27, '2026-11-27 14:30' or RFC 3339"
_RELATIVE: Final = r"([+-])\s*(\S+)|in\s+(\S+)|(\S+)\s+ago"
_UNITS: Final = {"s": 1, "m": 60, "h": 3600, "d": 86400}
_CLOCK: Final = r"([0-2]?[0-9]):([0-5][0-9])(?::([0-5][0-9]))?"


class WhenError(ValueError):
    """No time or duration; the text says which forms there are."""


def duration(text: str) -> float:
    """Seconds of `30m`, `1d12h` or `1.5h`: Prometheus' spelling or Go's. Raises WhenError."""
    if text[-1:] in _UNITS and text[:-1].isascii() and text[:-1].isdigit():
        return float(int(text[:-1]) * _UNITS[text[-1]])
    from ampp.core.clock import SECOND
    from ampp.core.duration import DurationError, parse_flag, parse_prometheus

    for parse in (parse_prometheus, parse_flag):
        try:
            return parse(text) / SECOND
        except DurationError:
            continue
    raise WhenError(f"{text!r} is no duration: write it like 30m, 2h or 1d12h")


def moment(text: str, now: datetime) -> datetime:
    """The time meant, with its zone; what names none means the local one, a bare clock time the next such.

    Raises WhenError.
    """
    import re
    from datetime import datetime, timedelta

    word = text.strip()
    if word.lower() == "now":
        return now
    relative = re.fullmatch(_RELATIVE, word)
    if relative is not None:
        span = timedelta(seconds=duration(relative[2] or relative[3] or relative[4]))
        return now - span if relative[1] == "-" or relative[4] else now + span
    clock = re.fullmatch(_CLOCK, word)
    try:
        if clock is not None:
            local = now.astimezone()
            at = local.replace(hour=int(clock[1]), minute=int(clock[2]), second=int(clock[3] or 0), microsecond=0)
            return at if at > local else at + timedelta(days=1)
        found = datetime.fromisoformat(word)
    except ValueError:
        raise WhenError(f"{text!r} is no time: write {_TEXT_FORMS}") from None
    return found if found.tzinfo is not None else found.astimezone()


def rfc3339(at: datetime) -> str:
    """The API's text for a time, in UTC."""
    from datetime import UTC

    return at.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def instant(text: str) -> float:
    """Seconds since 1970 of a time that the API gave; 0 where it gave none."""
    from datetime import datetime

    try:
        return datetime.fromisoformat(text).timestamp()
    except (ValueError, TypeError, OverflowError):
        return 0.0


def ago(text: str, now: float | None = None) -> str:
    """A time that the API gave as people say it: `5m ago`, `in 2h`, `3d ago`."""
    at = instant(text)
    if not at:
        return ""
    past = (time.time() if now is None else now) - at
    return f"{span(past)} ago" if past >= 0 else f"in {span(-past)}"


def span(seconds: float) -> str:
    """A duration in its two largest units at most: `45s`, `5m`, `2h5m`, `3d4h`."""
    whole = int(seconds)
    units = ((86400, "d"), (3600, "h"), (60, "m"), (1, "s"))
    for at, (size, name) in enumerate(units):
        if whole >= size or size == 1:
            text = f"{whole // size}{name}"
            rest = whole % size
            if at < 2 and rest >= units[at + 1][0]:
                text += f"{rest // units[at + 1][0]}{units[at + 1][1]}"
            return text
    return "0s"
