"""Times and texts as people read them. Instants are wall nanoseconds, spans nanoseconds."""

from typing import Final
from urllib.parse import urlsplit

from ampp.core.clock import HOUR, MINUTE, SECOND
from ampp.core.timestamp import format_rfc3339

__all__ = ["DAY", "LONG", "clock", "human", "safe_url", "shortened", "span_words", "stamp"]

DAY: Final = 24 * HOUR

LONG: Final = 400
"""Characters of a text shown before "show all"."""

_UNITS: Final = ((365 * DAY, "y"), (DAY, "d"), (HOUR, "h"), (MINUTE, "m"), (SECOND, "s"))


def span_words(span: int) -> str:
    """A span in at most two units: `45 s`, `14 m`, `3 h 20 m`, `2 d 4 h`."""
    span = max(0, span)
    for place, (size, unit) in enumerate(_UNITS):
        if span >= size or unit == "s":
            whole, rest = divmod(span, size)
            text = f"{whole} {unit}"
            if whole < 10 and unit in "yhd":
                small, name = _UNITS[place + 1]
                if name == "d" or rest >= small:
                    text += f" {rest // small} {name}"
            return text
    return ""


def stamp(wall: int) -> str:
    """RFC 3339 in UTC, to the second, for `datetime` attributes."""
    return format_rfc3339(wall // SECOND * SECOND)


def clock(wall: int) -> str:
    """A date and time of day for people, in UTC."""
    return stamp(wall).replace("T", " ").replace("Z", " UTC")


def human(size: int) -> str:
    """Bytes in powers of 1024."""
    amount, unit = float(size), "B"
    for unit in ("B", "KiB", "MiB", "GiB", "TiB"):
        if amount < 1024 or unit == "TiB":
            break
        amount /= 1024
    return f"{amount:.0f} {unit}" if unit == "B" or amount >= 100 else f"{amount:.1f} {unit}"


def safe_url(text: str) -> str:
    """The text if it is a link that may be followed, else nothing: http, https and mailto only."""
    if len(text) > 4096 or any(character <= " " or character == "\x7f" for character in text):
        return ""
    try:
        parts = urlsplit(text)
    except ValueError:
        return ""
    if parts.scheme.lower() in ("http", "https"):
        return text if parts.netloc else ""
    return text if parts.scheme.lower() == "mailto" and parts.path else ""


def shortened(text: str, most: int = LONG) -> tuple[str, str]:
    """The beginning of a text, and the rest of it (at most 64 KiB) where it is long."""
    return (text, "") if len(text) <= most else (text[:most], text[most : most + 65_536])
