"""Reading times by Go's layouts, as time.Parse does (writing: `stamp`)."""

import re
from typing import Final

from ampp.core.quote import time_quote
from ampp.core.timestamp import days_from_civil
from ampp.template.stamp import BEFORE, DAYS, MONTHS, elements
from ampp.template.zone import UTC, Zone, fixed

__all__ = ["LayoutError", "parse_time"]


class LayoutError(ValueError):
    """The text does not fit the layout; the message is Go's."""


class _BadError(Exception):
    """The text at the cursor is not what the element asks for."""


class _RangeError(Exception):
    """A number is out of its range; the argument is its name."""


class _Reading:
    """What has been read of a time so far; `rest` is the text still to be read."""

    def __init__(self, text: str) -> None:
        self.rest = text
        self.year = 0
        self.month = self.day = self.yday = -1
        self.hour = self.minute = self.second = self.nanos = 0
        self.afternoon = self.morning = False
        self.zone: Zone | None = None
        self.offset: int | None = None
        self.zone_name = ""

    def take(self, count: int) -> str:
        if len(self.rest) < count:
            raise _BadError
        taken, self.rest = self.rest[:count], self.rest[count:]
        return taken

    def number(self, *, fixed_width: bool) -> int:
        match = re.match(r"[0-9]{2}" if fixed_width else r"[0-9]{1,2}", self.rest)
        if match is None:
            raise _BadError
        self.rest = self.rest[match.end() :]
        return int(match[0])

    def name(self, names: tuple[str, ...], length: int | None = None) -> int:
        for index, name in enumerate(names):
            short = name[:length]
            if self.rest[: len(short)].lower() == short.lower():
                self.rest = self.rest[len(short) :]
                return index
        raise _BadError


def parse_time(layout: str, text: str, zone: Zone = UTC) -> tuple[int, Zone]:
    """The (nanoseconds since 1970 UTC, zone) that a text means by the layout, `zone` where it names none.

    time.ParseInLocation: an offset or abbreviation that `zone` has at that time means `zone`. Raises `LayoutError`.
    """
    reading = _Reading(text)
    parts = elements(layout)
    for index, (literal, element) in enumerate(parts):
        if not _skip(reading, literal):
            raise _cannot(layout, text, reading.rest, literal)
        hold = reading.rest
        if not element:
            if hold:
                raise LayoutError(f"parsing time {time_quote(text)}: extra text: {time_quote(hold)}")
            break
        try:
            _read(reading, element, parts[index + 1][1] if not parts[index + 1][0] else "")
        except _BadError:
            raise _cannot(layout, text, hold, element) from None
        except _RangeError as error:
            raise LayoutError(f"parsing time {time_quote(text)}: {error} out of range") from None
    try:
        return _resolve(reading, zone)
    except _RangeError as error:
        raise LayoutError(f"parsing time {time_quote(text)}: {error}") from None


def _cannot(layout: str, text: str, rest: str, element: str) -> LayoutError:
    where = f"cannot parse {time_quote(rest)} as {time_quote(element)}"
    return LayoutError(f"parsing time {time_quote(text)} as {time_quote(layout)}: {where}")


def _skip(reading: _Reading, literal: str) -> bool:
    """Read past literal text; a run of spaces in it matches any number of them, at the end even none."""
    text = reading.rest
    at = 0
    while at < len(literal):
        if literal[at] == " ":
            if text and text[0] != " ":
                break
            while at < len(literal) and literal[at] == " ":
                at += 1
            text = text.lstrip(" ")
            continue
        if not text or text[0] != literal[at]:
            break
        at += 1
        text = text[1:]
    reading.rest = text
    return at == len(literal)


def _read(reading: _Reading, element: str, following: str) -> None:
    """Read one element. `following`: the element right after it, if no text lies between."""
    match element:
        case "06":
            year = _atoi(reading.take(2))
            reading.year = year + (1900 if year >= 69 else 2000)
        case "2006":
            if not "0" <= reading.rest[:1] <= "9":
                raise _BadError
            reading.year = _atoi(reading.take(4))
        case "Jan":
            reading.month = reading.name(MONTHS, 3) + 1
        case "January":
            reading.month = reading.name(MONTHS) + 1
        case "1" | "01":
            reading.month = _ranged(reading.number(fixed_width=element == "01"), 1, 12, "month")
        case "Mon":
            reading.name(DAYS, 3)
        case "Monday":
            reading.name(DAYS)
        case "2" | "_2" | "02":
            if element == "_2":
                reading.rest = reading.rest.removeprefix(" ")
            reading.day = reading.number(fixed_width=element == "02")
        case "__2" | "002":
            if element == "__2":
                reading.rest = reading.rest.removeprefix(" ").removeprefix(" ")
            match = re.match(r"[0-9]{3}" if element == "002" else r"[0-9]{1,3}", reading.rest)
            if match is None:
                raise _BadError
            reading.yday = int(reading.take(match.end()))
        case "15":
            reading.hour = _ranged(reading.number(fixed_width=False), 0, 23, "hour")
        case "3" | "03":
            reading.hour = _ranged(reading.number(fixed_width=element == "03"), 0, 12, "hour")
        case "4" | "04":
            reading.minute = _ranged(reading.number(fixed_width=element == "04"), 0, 59, "minute")
        case "5" | "05":
            reading.second = _ranged(reading.number(fixed_width=element == "05"), 0, 59, "second")
            if re.match(r"[.,][0-9]", reading.rest) and following[:1] not in (".", ","):
                _read_nines(reading)
        case "PM" | "pm":
            half = reading.take(2)
            if half not in ("PM", "AM") if element == "PM" else half not in ("pm", "am"):
                raise _BadError
            reading.afternoon |= half in ("PM", "pm")
            reading.morning |= half in ("AM", "am")
        case "MST":
            _read_name(reading)
        case _ if element[0] in "-Z":
            _read_offset(reading, element)
        case _ if element[1] == "0":
            reading.nanos = _nanos(reading.take(len(element)))
        case _:
            if re.match(r"[.,][0-9]", reading.rest):
                _read_nines(reading)


def _read_nines(reading: _Reading) -> None:
    match = re.match(r"[.,][0-9]+", reading.rest)
    if match is not None:
        reading.nanos = _nanos(reading.take(match.end()))


def _atoi(text: str) -> int:
    if not re.fullmatch(r"[-+]?[0-9]+", text):
        raise _BadError
    return int(text)


def _ranged(number: int, low: int, high: int, name: str) -> int:
    if not low <= number <= high:
        raise _RangeError(name)
    return number


def _nanos(text: str) -> int:
    if text[0] not in ".,":
        raise _BadError
    number = _atoi(text[1:10])
    if number < 0:
        raise _RangeError("fractional second")
    return int(number * 10 ** (9 - len(text[1:10])))


_OFFSETS: Final = {
    3: re.compile(r"(.)([0-9]{2})()()", re.DOTALL),
    5: re.compile(r"(.)([0-9]{2})([0-9]{2})()", re.DOTALL),
    6: re.compile(r"(.)([0-9]{2}):([0-9]{2})()", re.DOTALL),
    7: re.compile(r"(.)([0-9]{2})([0-9]{2})([0-9]{2})", re.DOTALL),
    9: re.compile(r"(.)([0-9]{2}):([0-9]{2}):([0-9]{2})", re.DOTALL),
}


def _read_offset(reading: _Reading, element: str) -> None:
    if element[0] == "Z" and reading.rest[:1] == "Z":
        reading.take(1)
        reading.zone = UTC
        return
    match = _OFFSETS[len(element)].match(reading.rest)
    if match is None:
        raise _BadError
    sign, hours, minutes, seconds = match.groups()
    reading.take(match.end())
    hours, minutes, seconds = int(hours), int(minutes or 0), int(seconds or 0)
    if seconds > 60:
        raise _RangeError("time zone offset second")
    if minutes > 60:
        raise _RangeError("time zone offset minute")
    if hours > 24:
        raise _RangeError("time zone offset hour")
    if sign not in "+-":
        raise _BadError
    offset = (hours * 60 + minutes) * 60 + seconds
    reading.offset = -offset if sign == "-" else offset


_ABBREVIATION: Final = re.compile(r"ChST|MeST|GMT(?:[-+][0-9]+)?|[-+][0-9]+|[A-Z]{3,6}")


def _read_name(reading: _Reading) -> None:
    text = reading.rest
    if text.startswith("UTC"):
        reading.take(3)
        reading.zone = UTC
        return
    match = _ABBREVIATION.match(text)
    if match is None or len(text) < 3:
        raise _BadError
    name = match[0]
    digits = name.removeprefix("GMT")
    if digits[:1] in ("+", "-"):
        if len(digits) > 19 or int(digits[1:]) > 23:
            if not name.startswith("GMT"):
                raise _BadError
            name = "GMT"
    elif name.isupper() and not name.startswith("GMT"):
        if len(name) == 6 or (len(name) == 5 and name[4] != "T"):
            raise _BadError
        if len(name) == 4 and name[3] != "T" and name != "WITA":
            raise _BadError
    reading.zone_name = reading.take(len(name))


def _resolve(reading: _Reading, zone: Zone) -> tuple[int, Zone]:
    hour = reading.hour
    if reading.afternoon and hour < 12:
        hour += 12
    elif reading.morning and not reading.afternoon and hour == 12:
        hour = 0
    month, day = _date(reading)
    leap = month == 2 and _leap(reading.year)
    if not 1 <= day <= BEFORE[month] - BEFORE[month - 1] + leap:
        raise _RangeError("day out of range")
    days = days_from_civil(reading.year, month, day)
    seconds = days * 86400 + hour * 3600 + reading.minute * 60 + reading.second
    seconds, where = _place(reading, seconds, zone)
    return seconds * 1_000_000_000 + reading.nanos, where


def _place(reading: _Reading, seconds: int, zone: Zone) -> tuple[int, Zone]:
    if reading.zone is not None:
        return seconds, reading.zone
    if reading.offset is not None:
        seconds -= reading.offset
        name, offset = zone.at(seconds)
        if offset == reading.offset and reading.zone_name in ("", name):
            return seconds, zone
        return seconds, fixed(reading.zone_name, reading.offset)
    if reading.zone_name:
        name, offset = zone.at(seconds)
        if name == reading.zone_name:
            return seconds - offset, zone
        offset = 0
        if reading.zone_name[:3] == "GMT" and len(reading.zone_name) > 3:
            offset = int(reading.zone_name[3:]) * 3600
        return seconds, fixed(reading.zone_name, offset)
    return seconds - _offset_of(zone, seconds), zone


def _offset_of(zone: Zone, wall: int) -> int:
    """The offset at a wall-clock time; of two, as time.Date chooses."""
    offset = zone.at(wall)[1]
    if offset:
        return zone.at(wall - offset)[1]
    return offset


def _leap(year: int) -> bool:
    return year % 4 == 0 and (year % 100 != 0 or year % 400 == 0)


def _date(reading: _Reading) -> tuple[int, int]:
    """(month, day), from the day of the year if that was read."""
    if reading.yday < 0:
        return (1 if reading.month < 0 else reading.month), (1 if reading.day < 0 else reading.day)
    yday, month, day = reading.yday, 0, 0
    if _leap(reading.year):
        if yday == 60:
            month, day = 2, 29
        elif yday > 60:
            yday -= 1
    if not 1 <= yday <= 365:
        raise _RangeError("day-of-year out of range")
    if not month:
        month = (yday - 1) // 31 + 1
        if BEFORE[month] < yday:
            month += 1
        day = yday - BEFORE[month - 1]
    if reading.month >= 0 and reading.month != month:
        raise _RangeError("day-of-year does not match month")
    if reading.day >= 0 and reading.day != day:
        raise _RangeError("day-of-year does not match day")
    return month, day
