"""Writing times by Go's layouts: `2006-01-02 15:04:05 MST` as the pattern of a text."""

import re
from functools import lru_cache
from typing import Final

from ampp.core.timestamp import civil, days_from_civil
from ampp.template.zone import Zone

__all__ = ["BEFORE", "DAYS", "MONTHS", "elements", "format_time"]

MONTHS: Final = (
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
)
DAYS: Final = ("Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday")
BEFORE: Final = (0, 31, 59, 90, 120, 151, 181, 212, 243, 273, 304, 334, 365)
"""Days of a common year before each month."""

_ELEMENT: Final = re.compile(
    r"January|Jan(?![a-z])|Monday|Mon(?![a-z])|MST|002|0[1-6]|15|1|2006|2|__2|_2(?!006)|3|4|5|PM|pm"
    r"|[-Z]07(?:0000|:00:00|00|:00)?|[.,](?:0+|9+)(?![0-9])"
)


@lru_cache(maxsize=512)
def elements(layout: str) -> tuple[tuple[str, str], ...]:
    """The layout as (literal text, element) pairs; the last element is empty."""
    parts: list[tuple[str, str]] = []
    at = 0
    for match in _ELEMENT.finditer(layout):
        parts.append((layout[at : match.start()], match[0]))
        at = match.end()
    parts.append((layout[at:], ""))
    return tuple(parts)


def format_time(layout: str, ns: int, zone: Zone) -> str:
    """The instant (nanoseconds since 1970 UTC) in the zone, written by the layout."""
    seconds, nanos = divmod(ns, 1_000_000_000)
    name, offset = zone.at(seconds)
    days, second = divmod(seconds + offset, 86400)
    year, month, day = civil(days)
    hour, minute, second = second // 3600, second // 60 % 60, second % 60
    out: list[str] = []
    for literal, element in elements(layout):
        out.append(literal)
        match element:
            case "":
                pass
            case "2006":
                out.append(_zeros(year, 4))
            case "06":
                out.append(f"{abs(year) % 100:02d}" if year >= 0 else _zeros(-(-year % 100), 2))
            case "01":
                out.append(f"{month:02d}")
            case "1":
                out.append(str(month))
            case "January":
                out.append(MONTHS[month - 1])
            case "Jan":
                out.append(MONTHS[month - 1][:3])
            case "02":
                out.append(f"{day:02d}")
            case "_2":
                out.append(f"{day:2d}")
            case "2":
                out.append(str(day))
            case "002":
                out.append(f"{days - days_from_civil(year, 1, 1) + 1:03d}")
            case "__2":
                out.append(f"{days - days_from_civil(year, 1, 1) + 1:3d}")
            case "Monday":
                out.append(DAYS[(days + 4) % 7])
            case "Mon":
                out.append(DAYS[(days + 4) % 7][:3])
            case "15":
                out.append(f"{hour:02d}")
            case "03":
                out.append(f"{(hour + 11) % 12 + 1:02d}")
            case "3":
                out.append(str((hour + 11) % 12 + 1))
            case "04":
                out.append(f"{minute:02d}")
            case "4":
                out.append(str(minute))
            case "05":
                out.append(f"{second:02d}")
            case "5":
                out.append(str(second))
            case "PM":
                out.append("PM" if hour >= 12 else "AM")
            case "pm":
                out.append("pm" if hour >= 12 else "am")
            case "MST":
                out.append(name or _nameless(offset))
            case _ if element[0] in "-Z":
                out.append(_offset(element, offset))
            case _:
                out.append(_fraction(element, nanos))
    return "".join(out)


def _zeros(number: int, width: int) -> str:
    return "-" + str(-number).rjust(width, "0") if number < 0 else str(number).rjust(width, "0")


def _nameless(offset: int) -> str:
    sign, minutes = ("-", -offset // 60) if offset < 0 else ("+", offset // 60)
    return f"{sign}{minutes // 60:02d}" + (f"{minutes % 60:02d}")


def _offset(element: str, offset: int) -> str:
    if element[0] == "Z" and offset == 0:
        return "Z"
    sign, minutes = ("-", -(int(offset / 60))) if int(offset / 60) < 0 else ("+", int(offset / 60))
    colon = ":" if ":" in element else ""
    text = f"{sign}{minutes // 60:02d}"
    if len(element) > 3:
        text += f"{colon}{minutes % 60:02d}"
    if len(element) > 6:
        text += f"{colon}{abs(offset) % 60:02d}"
    return text


def _fraction(element: str, nanos: int) -> str:
    digits = f"{nanos:09d}"[: len(element) - 1]
    if element[1] == "9":
        digits = digits.rstrip("0")
    return element[0] + digits if digits else ""
