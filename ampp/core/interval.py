"""Time intervals: `times`, `weekdays`, `days_of_month`, `months`, `years` on the wall clock of a `location`.

All parts given must hold, within a part any item may; a part that is absent (None) restricts nothing, an empty one is
never fulfilled. The instant is taken to the location's wall clock first, so an hour that a clock change repeats counts
twice and one it skips never comes.
"""

import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from functools import lru_cache
from typing import Final, TypeAlias
from zoneinfo import ZoneInfo

import msgspec

from ampp.core.clock import SECOND
from ampp.core.quote import go_quote
from ampp.core.timestamp import civil, days_from_civil

__all__ = [
    "IntervalError",
    "Range",
    "TimeInterval",
    "parse_day_of_month",
    "parse_interval",
    "parse_location",
    "parse_month",
    "parse_time_range",
    "parse_weekday",
    "parse_year",
]

Range: TypeAlias = tuple[int, int]
"""First and last, both included; for times: first minute of the day and the minute after the last."""

_DAY: Final = 86_400
_CYCLE: Final = 146_097 * _DAY
"""Seconds of 400 years, after which the calendar repeats itself, weekdays included."""
_WEEKDAYS: Final = ("sunday", "monday", "tuesday", "wednesday", "thursday", "friday", "saturday")
_MONTHS: Final = (
    "january",
    "february",
    "march",
    "april",
    "may",
    "june",
    "july",
    "august",
    "september",
    "october",
    "november",
    "december",
)
_TIME: Final = re.compile(r"(?:[01][0-9]|2[0-3]):[0-5][0-9]|24:00")
_INTEGER: Final = re.compile(r"[+-]?[0-9]+")


class IntervalError(ValueError):
    """An interval is not well formed; the message is upstream's."""


class TimeInterval(msgspec.Struct, frozen=True):
    """One interval. `weekdays` count from Sunday 0, `days_of_month` below zero count from the month's end.

    `location` is an IANA name, `UTC`, `Local` (the machine's own zone), or None, which means UTC too.
    """

    times: tuple[Range, ...] | None = None
    weekdays: tuple[Range, ...] | None = None
    days_of_month: tuple[Range, ...] | None = None
    months: tuple[Range, ...] | None = None
    years: tuple[Range, ...] | None = None
    location: str | None = None

    def contains(self, wall: int) -> bool:
        """Whether the instant `wall` (nanoseconds since the epoch) lies in the interval."""
        seconds = wall // SECOND
        days, second = divmod(seconds + _utc_offset(self.location, seconds), _DAY)
        year, month, day = civil(days)
        return (
            (self.times is None or any(start <= second // 60 < end for start, end in self.times))
            and (self.days_of_month is None or _day_in(self.days_of_month, year, month, day))
            and _within(self.months, month)
            and _within(self.weekdays, (days + 4) % 7)
            and _within(self.years, year)
        )

    def to_yaml(self) -> dict[str, object]:
        """The form upstream dumps: names of weekdays, all else as text, empty parts left out."""
        out: dict[str, object] = {}
        if self.times:
            out["times"] = [{"start_time": _clock(start), "end_time": _clock(end)} for start, end in self.times]
        if self.weekdays:
            out["weekdays"] = [_join(_WEEKDAYS[first], _WEEKDAYS[last]) for first, last in self.weekdays]
        for name, part in (("days_of_month", self.days_of_month), ("months", self.months), ("years", self.years)):
            if part:
                out[name] = [_join(str(first), str(last)) for first, last in part]
        if self.location is not None:
            out["location"] = self.location
        return out


def _within(part: tuple[Range, ...] | None, value: int) -> bool:
    return part is None or any(first <= value <= last for first, last in part)


def _day_in(part: tuple[Range, ...], year: int, month: int, day: int) -> bool:
    length = days_from_civil(year + month // 12, month % 12 + 1, 1) - days_from_civil(year, month, 1)
    for first, last in part:
        begin = length + first + 1 if first < 0 else first
        end = length + last + 1 if last < 0 else last
        # A range that begins after the end of a short month does not reach into it.
        if begin <= length and begin <= day <= min(end, length):
            return True
    return False


def _utc_offset(location: str | None, seconds: int) -> int:
    if location is None or location == "UTC":
        return 0
    # datetime knows the years 1 to 9999; others are taken from the same place of a 400-year cycle near them.
    if not -62_000_000_000 <= seconds <= 253_000_000_000:
        seconds = seconds % _CYCLE + (0 if seconds < 0 else 18 * _CYCLE)
    instant = datetime.fromtimestamp(seconds, UTC)
    local = instant.astimezone(None if location == "Local" else ZoneInfo(location))
    offset = local.utcoffset()
    return 0 if offset is None else offset.days * _DAY + offset.seconds


def _clock(minutes: int) -> str:
    return f"{minutes // 60:02d}:{minutes % 60:02d}"


def _join(first: str, last: str) -> str:
    return first if first == last else f"{first}:{last}"


# Reading. Each function takes the text of one item, whatever scalar it was in the file.


def parse_time_range(start: str, end: str) -> Range:
    """`start_time` and `end_time`, both `HH:MM`; no range wraps past midnight."""
    if start == "" or end == "":
        raise IntervalError("both start and end times must be provided")
    first, last = _minutes(start), _minutes(end)
    if first >= last:
        raise IntervalError("start time cannot be equal or greater than end time")
    return first, last


def _minutes(text: str) -> int:
    if not _TIME.fullmatch(text):
        raise IntervalError(f"couldn't parse timestamp {text}, invalid format")
    return int(text[:2]) * 60 + int(text[3:])


def parse_weekday(text: str) -> Range:
    """A full English name or `first:last`, in any case; the week begins on Sunday."""
    first, last = _range(text, _weekday)
    if first > last:
        raise IntervalError("start day cannot be before end day")
    return first, last


def _weekday(text: str) -> int:
    if text not in _WEEKDAYS:
        raise IntervalError(f"{text} is not a valid weekday")
    return _WEEKDAYS.index(text)


def parse_day_of_month(text: str) -> Range:
    """1 to 31, or -31 to -1 from the month's end, or `first:last`."""
    first, last = _range(text, _atoi)
    for day in (first, last):
        if day == 0 or not -31 <= day <= 31:
            raise IntervalError(f"{day} is not a valid day of the month: out of range")
    if first < 0 < last:
        raise IntervalError("end day must be negative if start day is negative")
    # Whether a mixed range is empty depends on the month; refused is what is empty in the shortest one.
    if (28 + first if first < 0 else first) > (28 + last if last < 0 else last):
        raise IntervalError(f"end day {last} is always before start day {first}")
    return first, last


def parse_month(text: str) -> Range:
    """A full English name in any case, a number (of any size: upstream does not check), or `first:last`."""
    first, last = _range(text, _month)
    if first > last:
        raise IntervalError(f"end month {_month_name(last)} is before start month {_month_name(first)}")
    return first, last


def _month(text: str) -> int:
    if text in _MONTHS:
        return _MONTHS.index(text) + 1
    try:
        return _atoi(text)
    except IntervalError:
        raise IntervalError(f"{text} is not a valid month") from None


def _month_name(month: int) -> str:
    return _MONTHS[month - 1] if 1 <= month <= 12 else ""


def parse_year(text: str) -> Range:
    """A year or `first:last`."""
    first, last = _range(text, _atoi)
    if first > last:
        raise IntervalError(f"end year {last} is before start year {first}")
    return first, last


def _range(text: str, member: Callable[[str], int]) -> Range:
    text = text.lower()
    pieces = text.split(":")
    if len(pieces) > 2:
        raise IntervalError(f"couldn't parse range {text}, invalid format")
    first = member(pieces[0])
    return first, member(pieces[1]) if len(pieces) == 2 else first


def _atoi(text: str) -> int:
    if not _INTEGER.fullmatch(text):
        raise IntervalError(f"strconv.Atoi: parsing {go_quote(text)}: invalid syntax")
    value = int(text) if len(text) < 40 else 1 << 64
    if not -(1 << 63) <= value < 1 << 63:
        raise IntervalError(f"strconv.Atoi: parsing {go_quote(text)}: value out of range")
    return value


@lru_cache(maxsize=1024)
def parse_location(text: str) -> str:
    """The canonical name of a time zone that the IANA database holds; the empty text is UTC."""
    if text in ("", "UTC"):
        return "UTC"
    if text == "Local":
        return "Local"
    if ".." in text or text[0] in "/\\":
        raise IntervalError("time: invalid location name")
    try:
        ZoneInfo(text)
    except (LookupError, OSError, ValueError) as error:
        raise IntervalError(f"unknown time zone {text}") from error
    return text


_PARTS: Final[Mapping[str, Callable[[str], Range]]] = {
    "weekdays": parse_weekday,
    "days_of_month": parse_day_of_month,
    "months": parse_month,
    "years": parse_year,
}


def parse_interval(raw: object) -> TimeInterval:
    """One interval from a decoded mapping in which every scalar is its text and null is None.

    As upstream, a null part is an absent one and a null item is the zero value (`sunday`, or a number that matches
    nothing). Raises `IntervalError`.
    """
    if raw is None:
        return TimeInterval()
    if not isinstance(raw, Mapping):
        raise IntervalError("a time interval must be a map")
    parts: dict[str, tuple[Range, ...]] = {}
    location = None
    for name, value in raw.items():
        if value is None and (name in _PARTS or name in ("times", "location")):
            continue
        if name == "times":
            parts["times"] = tuple([_time_item(item) for item in _list(name, value)])
        elif name in _PARTS:
            parts[name] = tuple([(0, 0) if t is None else _PARTS[name](_text(name, t)) for t in _list(name, value)])
        elif name == "location":
            location = parse_location(_text(name, value))
        else:
            raise IntervalError(f"field {name} not found in type timeinterval.TimeInterval")
    return TimeInterval(**parts, location=location)


def _time_item(item: object) -> Range:
    if item is None:
        return 0, 0
    if not isinstance(item, Mapping):
        raise IntervalError("each of times must be a map with start_time and end_time")
    for name in item:
        if name not in ("start_time", "end_time"):
            raise IntervalError(f"field {name} not found in type timeinterval.yamlTimeRange")
    start, end = item.get("start_time"), item.get("end_time")
    return parse_time_range(_text("start_time", start or ""), _text("end_time", end or ""))


def _list(name: object, value: object) -> list[object]:
    if not isinstance(value, list):
        raise IntervalError(f"{name} must be a list")
    return value


def _text(name: object, value: object) -> str:
    if not isinstance(value, str):
        raise IntervalError(f"{name} must be plain text")
    return value
