"""Instants as text: Go's layouts, read with Go's rules and error texts, and the three ways upstream prints them.

An instant is whole nanoseconds since the Unix epoch; an offset is whole seconds east of UTC. The calendar is the
proleptic Gregorian one, without the year limits of `datetime`.
"""

import re
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Final

from ampp.core.clock import MILLISECOND, SECOND
from ampp.core.quote import time_quote

__all__ = [
    "TimestampError",
    "civil",
    "days_from_civil",
    "format_millis",
    "format_rfc3339",
    "format_rfc3339nano",
    "parse_api",
    "parse_rfc3339",
]

_DAY: Final = 86_400


class TimestampError(ValueError):
    """The text is no instant; the message is that of Go's `time.Parse`."""


def days_from_civil(year: int, month: int, day: int) -> int:
    """Days from 1970-01-01 to a date; `day` may lie outside the month. (After Hinnant's chrono algorithms.)"""
    year -= month <= 2
    era, year_of_era = divmod(year, 400)
    day_of_year = (153 * (month + (-3 if month > 2 else 9)) + 2) // 5 + day - 1
    return era * 146_097 + year_of_era * 365 + year_of_era // 4 - year_of_era // 100 + day_of_year - 719_468


def civil(days: int) -> tuple[int, int, int]:
    """Year, month and day of a count of days from 1970-01-01."""
    era, day_of_era = divmod(days + 719_468, 146_097)
    year_of_era = (day_of_era - day_of_era // 1460 + day_of_era // 36_524 - day_of_era // 146_096) // 365
    day_of_year = day_of_era - (365 * year_of_era + year_of_era // 4 - year_of_era // 100)
    shifted = (5 * day_of_year + 2) // 153
    month = shifted + 3 if shifted < 10 else shifted - 9
    return year_of_era + era * 400 + (month <= 2), month, day_of_year - (153 * shifted + 2) // 5 + 1


# Reading.

_ELEMENT: Final = re.compile(r"2006|01|02|15|04|05|\.0+|Z07:00|Z0700")
_RFC3339: Final = "2006-01-02T15:04:05Z07:00"
_API_LAYOUTS: Final = (
    "2006-01-02T15:04:05.000000Z07:00",
    "2006-01-02T15:04:05.000000Z0700",
    "2006-01-02T15:04:05.000Z07:00",
    "2006-01-02T15:04:05.000Z0700",
    _RFC3339,
    "2006-01-02T15:04:05",
    "2006-01-02T15:04Z",
    "2006-01-02T15:04",
    "2006-01-02 15:04:05",
    "2006-01-02",
)
_BOUNDS: Final = {
    "01": (1, 12, "month"),
    "02": (0, 99, "day"),  # checked against the month in the end
    "15": (0, 23, "hour"),
    "04": (0, 59, "minute"),
    "05": (0, 59, "second"),
}
_DECIMALS: Final = re.compile(r"[.,]([0-9]+)")
_FIXED_DECIMALS: Final = re.compile(r"[.,]([+-]?[0-9]+)")  # Go overlooks a sign where it counts the digits
_EPOCH: Final = datetime(1970, 1, 1)
_MICROSECOND: Final = timedelta(microseconds=1)


@lru_cache(maxsize=4096)
def parse_api(text: str) -> tuple[int, int]:
    """An instant as upstream's API takes it: RFC 3339 and several looser forms. Returns nanoseconds and offset.

    No zone means UTC; the empty text is 1970. Raises `TimestampError` with the message for the last form tried. Alerts
    of one evaluation share their times, so recent answers are remembered.
    """
    if text == "":
        return 0, 0
    quick = _quick(text)
    if quick is not None:
        return quick, 0
    for layout in _API_LAYOUTS[:-1]:
        try:
            return _parse(layout, text)
        except TimestampError:
            continue
    return _parse(_API_LAYOUTS[-1], text)


def parse_rfc3339(text: str) -> tuple[int, int]:
    """An instant as Go's `time.Parse(time.RFC3339, text)` takes it. Returns nanoseconds and offset."""
    quick = _quick(text)
    return _parse(_RFC3339, text) if quick is None else (quick, 0)


def _quick(text: str) -> int | None:
    """The form Prometheus sends, `2026-11-22T04:59:49.151Z`; None for anything else."""
    if len(text) != 24 or text[4] + text[7] + text[10] + text[13] + text[16] + text[19] + text[23] != "--T::.Z":
        return None
    try:
        return (datetime.fromisoformat(text[:23]) - _EPOCH) // _MICROSECOND * 1000
    except (TypeError, ValueError):  # the former for a zone where the decimals should be
        return None


@lru_cache(maxsize=16)
def _split(layout: str) -> list[tuple[str, str]]:
    """A layout as pairs of a literal and the element after it; the last element is empty."""
    pieces = []
    end = 0
    for element in _ELEMENT.finditer(layout):
        pieces.append((layout[end : element.start()], element[0]))
        end = element.end()
    return [*pieces, (layout[end:], "")]


def _parse(layout: str, text: str) -> tuple[int, int]:
    fields = {"2006": 0, "01": 1, "02": 1, "15": 0, "04": 0, "05": 0, ".": 0, "Z": 0}
    at = 0
    for literal, element in _split(layout):
        at = _literal(layout, text, at, literal)
        if not element:
            break
        end, value, wrong = _read(text, at, element)
        if wrong:
            raise TimestampError(f"parsing time {time_quote(text)}: {wrong} out of range")
        if value is None:
            raise _cannot(layout, text, text[at:], element)
        fields[element if element.isdigit() else element[0]] = value
        at = end
        if element == "05" and ".0" not in layout:
            decimals = _DECIMALS.match(text, at)
            if decimals is not None:
                fields["."] = int(decimals[1][:9].ljust(9, "0"))
                at = decimals.end()
    if at < len(text):
        raise TimestampError(f"parsing time {time_quote(text)}: extra text: {time_quote(text[at:])}")
    year, month, day = fields["2006"], fields["01"], fields["02"]
    days = days_from_civil(year, month, day)
    if civil(days) != (year, month, day):
        raise TimestampError(f"parsing time {time_quote(text)}: day out of range")
    offset = fields["Z"]
    seconds = days * _DAY + fields["15"] * 3600 + fields["04"] * 60 + fields["05"] - offset
    return seconds * SECOND + fields["."], offset


def _literal(layout: str, text: str, at: int, literal: str) -> int:
    """Where `literal` ends in the text. What matched of it is not shown in the error; a blank stands for any number."""
    for i, c in enumerate(literal):
        if c == " " and text[at : at + 1] in ("", " "):
            at = len(text) - len(text[at:].lstrip(" "))
        elif text[at : at + 1] != c:
            raise _cannot(layout, text, text[at:], literal[i:])
        else:
            at += 1
    return at


def _read(text: str, at: int, element: str) -> tuple[int, int | None, str]:
    """One element: where it ends, its value (None if malformed), and the name of what is out of range."""
    if element[0] == "Z":
        return _zone(text, at, ":" in element)
    if element[0] == ".":
        end = at + len(element)
        decimals = _FIXED_DECIMALS.fullmatch(text, at, end)
        if decimals is None or end > len(text):
            return at, None, ""
        nanos = int(decimals[1]) * 10 ** (10 - len(element))
        return end, nanos, "fractional second" if nanos < 0 else ""
    end = at + len(element)
    if element == "15" and not ("0" <= text[at + 1 : end] <= "9"):
        end = at + 1
    value = _number(text[at:end], end - at)
    if element == "2006" or value is None:
        return end, value, ""
    low, high, name = _BOUNDS[element]
    return end, value, "" if low <= value <= high else name


def _number(text: str, width: int) -> int | None:
    return int(text) if len(text) == width and text.isascii() and text.isdecimal() else None


def _zone(text: str, at: int, colon: bool) -> tuple[int, int | None, str]:
    """`Z` or a numeric offset: where it ends, its seconds (None if malformed), and what is out of range."""
    if text.startswith("Z", at):
        return at + 1, 0, ""
    size = 6 if colon else 5
    zone = text[at : at + size]
    if len(zone) < size or (colon and zone[3] != ":"):
        return at, None, ""
    hours, minutes = _number(zone[1:3], 2), _number(zone[-2:], 2)
    wrong = ""
    # Go lets offsets of 24 hours and of 60 minutes pass, and complains of ranges before it complains of the sign.
    if hours is not None and hours > 24:
        wrong = "time zone offset hour"
    if hours is not None and minutes is not None and minutes > 60:
        wrong = "time zone offset minute"
    if zone[0] not in "+-" or hours is None or minutes is None:
        return at, None, wrong
    seconds = hours * 3600 + minutes * 60
    return at + size, -seconds if zone[0] == "-" else seconds, wrong


def _cannot(layout: str, text: str, rest: str, element: str) -> TimestampError:
    return TimestampError(
        f"parsing time {time_quote(text)} as {time_quote(layout)}: "
        f"cannot parse {time_quote(rest)} as {time_quote(element)}"
    )


# Printing.


def format_rfc3339nano(ns: int, offset: int = 0) -> str:
    """`2026-11-22T04:59:49.151Z`: as many decimals as needed, none for whole seconds (payloads; `time.RFC3339Nano`)."""
    seconds, nanos = divmod(ns, SECOND)
    fraction = f".{nanos:09d}".rstrip("0") if nanos else ""
    return f"{_to_second(seconds + offset)}{fraction}{_offset(offset)}"


def format_rfc3339(ns: int, offset: int = 0) -> str:
    """`2026-11-22T04:59:49Z`: whole seconds, the rest cut off (`time.RFC3339`)."""
    return f"{_to_second(ns // SECOND + offset)}{_offset(offset)}"


def format_millis(ns: int, offset: int = 0) -> str:
    """`2026-11-22T04:59:49.151Z`: exactly three decimals, the rest cut off (the API)."""
    seconds, nanos = divmod(ns, SECOND)
    return f"{_to_second(seconds + offset)}.{nanos // MILLISECOND:03d}{_offset(offset)}"


@lru_cache(maxsize=4096)
def _to_second(seconds: int) -> str:
    days, rest = divmod(seconds, _DAY)
    return f"{_date(days)}T{rest // 3600:02d}:{rest // 60 % 60:02d}:{rest % 60:02d}"


@lru_cache(maxsize=1024)
def _date(days: int) -> str:
    year, month, day = civil(days)
    shown = f"-{-year:04d}" if year < 0 else f"{year:04d}"
    return f"{shown}-{month:02d}-{day:02d}"


def _offset(offset: int) -> str:
    if offset == 0:
        return "Z"
    minutes = abs(offset) // 60
    return f"{'-' if offset < 0 else '+'}{minutes // 60:02d}:{minutes % 60:02d}"
