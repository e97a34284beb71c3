"""time.Time, time.Duration, time.Month, time.Weekday and *time.Location as templates see them.

An `Instant` is a struct to the engine: its methods are what a template can ask of a time.
"""

from collections.abc import Callable
from typing import ClassVar, Final

from ampp.core.duration import format_go
from ampp.core.timestamp import civil, days_from_civil
from ampp.template.stamp import DAYS, MONTHS, format_time
from ampp.template.value import INT, INT64, STRING, UINT64, Attribute, Func, GoType, Kind, Scalar, named, struct
from ampp.template.zone import LOCAL, UTC, Zone

__all__ = ["DURATION", "LOCATION", "MONTH", "TIME", "WEEKDAY", "ZERO_NS", "Instant", "Location", "duration"]

ZERO_NS: Final = -62135596800 * 1_000_000_000
"""Go's zero time, 0001-01-01T00:00:00Z, in nanoseconds since 1970."""

_SECOND: Final = 1_000_000_000
_SECONDS_1885: Final = -days_from_civil(1885, 1, 1) * 86400
_MAX: Final = (1 << 63) - 1
_MIN: Final = -(1 << 63)


class Location:
    """A *time.Location."""

    __slots__ = ("zone",)
    go: ClassVar[GoType]

    def __init__(self, zone: Zone) -> None:
        self.zone = zone

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Location) and self.zone is other.zone

    def __hash__(self) -> int:
        return hash(self.zone)


class Instant:
    """A time.Time.

    ns: since 1970 UTC, of any size; zone: where it is shown; mono: monotonic ns since the process began, which only
    `now` has and printing shows.
    """

    __slots__ = ("mono", "ns", "zone")
    go: ClassVar[GoType]

    def __init__(self, ns: int, zone: Zone = UTC, mono: int | None = None) -> None:
        self.ns = ns
        self.zone = zone
        self.mono = mono

    def __eq__(self, other: object) -> bool:
        """Go's `==`, field by field: the same instant shown elsewhere is not equal."""
        return (
            isinstance(other, Instant) and self.ns == other.ns and self.zone is other.zone and self.mono == other.mono
        )

    def __hash__(self) -> int:
        return hash(self.ns)

    def __str__(self) -> str:
        text = format_time("2006-01-02 15:04:05.999999999 -0700 MST", self.ns, self.zone)
        if self.mono is None:
            return text
        sign, mono = ("-", -self.mono) if self.mono < 0 else ("+", self.mono)
        return f"{text} m={sign}{mono // _SECOND}.{mono % _SECOND:09d}"

    def format(self, layout: str) -> str:
        return format_time(layout, self.ns, self.zone)

    def at(self, zone: Zone) -> "Instant":
        return Instant(self.ns, zone, self.mono)

    def date(self) -> tuple[int, int, int]:
        """(year, month, day) in its zone."""
        return civil(self._wall() // 86400)

    def clock(self) -> int:
        """Seconds since midnight in its zone."""
        return self._wall() % 86400

    def days(self) -> int:
        """Days from 1970-01-01 to its date."""
        return self._wall() // 86400

    @property
    def inner_wall(self) -> Scalar:
        nanos = self.ns % _SECOND
        if self.mono is None:
            return Scalar(UINT64, nanos)
        return Scalar(UINT64, 1 << 63 | self.ns // _SECOND + _SECONDS_1885 << 30 | nanos)

    @property
    def inner_ext(self) -> Scalar:
        return Scalar(INT64, self.ns // _SECOND - ZERO_NS // _SECOND if self.mono is None else self.mono)

    @property
    def inner_loc(self) -> Scalar:
        return Scalar(_ADDRESS, 0 if self.zone is UTC else 0xC000000000 + id(self.zone) % 0xFFFFFF)

    def _wall(self) -> int:
        seconds = self.ns // _SECOND
        return seconds + self.zone.at(seconds)[1]


def duration(ns: int) -> Scalar:
    """A time.Duration, held between the smallest and the largest of 64 bits."""
    return Scalar(DURATION, min(max(ns, _MIN), _MAX))


def _wrap(number: int) -> int:
    """64 bits, as Go's integers overflow."""
    return (number + _MAX + 1 & 0xFFFF_FFFF_FFFF_FFFF) - _MAX - 1


def _named_number(names: tuple[str, ...], first: int, kind: str) -> Callable[[Scalar], str]:
    def string(scalar: Scalar) -> str:
        index = scalar.value - first
        return names[index] if 0 <= index < len(names) else f"%!{kind}({scalar.value % (1 << 64)})"

    return string


_month_name: Final = _named_number(MONTHS, 1, "Month")
_day_name: Final = _named_number(DAYS, 0, "Weekday")

MONTH: Final = named("time.Month", INT, methods={"String": Func([], _month_name)}, string=_month_name)
WEEKDAY: Final = named("time.Weekday", INT, methods={"String": Func([], _day_name)}, string=_day_name)
DURATION: Final = named("time.Duration", INT64, string=lambda scalar: format_go(scalar.value))
LOCATION: Final = struct("*time.Location", (), string=lambda location: str(location.zone.name))
LOCATION.add_methods({"String": Func([], lambda location: location.zone.name)})
Location.go = LOCATION


# Duration's methods.


def _hours(unit: int) -> Callable[[Scalar], float]:
    def convert(scalar: Scalar) -> float:
        whole = abs(scalar.value) // unit
        rest = abs(scalar.value) % unit
        value = float(whole) + float(rest) / unit
        return -value if scalar.value < 0 else value

    return convert


def _units(unit: int) -> Callable[[Scalar], Scalar]:
    def convert(scalar: Scalar) -> Scalar:
        whole = abs(scalar.value) // unit
        return Scalar(INT64, -whole if scalar.value < 0 else whole)

    return convert


def _remainder(number: int, unit: int) -> int:
    """Go's `%`: the sign of the number."""
    rest = abs(number) % unit
    return -rest if number < 0 else rest


def _truncate_duration(scalar: Scalar, unit: Scalar) -> Scalar:
    if unit.value <= 0:
        return scalar
    return Scalar(DURATION, scalar.value - _remainder(scalar.value, unit.value))


def _round_duration(scalar: Scalar, unit: Scalar) -> Scalar:
    size, number = unit.value, scalar.value
    if size <= 0:
        return scalar
    rest = abs(number) % size
    away = abs(number) - rest if rest + rest < size else abs(number) + size - rest
    return duration(-away if number < 0 else away)


def _abs_duration(scalar: Scalar) -> Scalar:
    return duration(abs(scalar.value))


DURATION.add_methods(
    {
        "Abs": Func([], _abs_duration),
        "Hours": Func([], _hours(3600 * _SECOND)),
        "Microseconds": Func([], _units(1000)),
        "Milliseconds": Func([], _units(1_000_000)),
        "Minutes": Func([], _hours(60 * _SECOND)),
        "Nanoseconds": Func([], _units(1)),
        "Round": Func([DURATION], _round_duration),
        "Seconds": Func([], _hours(_SECOND)),
        "String": Func([], lambda scalar: format_go(scalar.value)),
        "Truncate": Func([DURATION], _truncate_duration),
    }
)


# Time's methods.


def _go_string(time: Instant) -> str:
    year, month, day = time.date()
    clock, nanos = time.clock(), time.ns % _SECOND
    where = (
        "time.UTC" if time.zone is UTC else "time.Local" if time.zone is LOCAL else f'time.Location("{time.zone.name}")'
    )
    return (
        f"time.Date({year}, time.{MONTHS[month - 1]}, {day}, {clock // 3600}, {clock // 60 % 60}, {clock % 60}, "
        f"{nanos}, {where})"
    )


_ADDRESS: Final = GoType("*time.Location", Kind.POINTER)
_PRIVATE: Final = (
    Attribute("wall", "inner_wall", UINT64, hidden=True),
    Attribute("ext", "inner_ext", INT64, hidden=True),
    Attribute("loc", "inner_loc", _ADDRESS, hidden=True),
)
"""What Go's struct is made of. Only verbs that String does not answer, such as %d, show it."""

TIME: Final = struct("time.Time", _PRIVATE, string=str, go_string=_go_string)
Instant.go = TIME


def _add(time: Instant, span: Scalar) -> Instant:
    return Instant(time.ns + span.value, time.zone, None if time.mono is None else time.mono + span.value)


def _sub(time: Instant, other: Instant) -> Scalar:
    if time.mono is not None and other.mono is not None:
        return duration(time.mono - other.mono)
    return duration(time.ns - other.ns)


def _order(time: Instant, other: Instant) -> int:
    a, b = (time.ns, other.ns) if time.mono is None or other.mono is None else (time.mono, other.mono)
    return (a > b) - (a < b)


_YEARS_MAX: Final = 1_000_000


def _add_date(time: Instant, years: int, months: int, days: int) -> Instant:
    year, month, day = time.date()
    limited = [min(max(count, -_YEARS_MAX), _YEARS_MAX) for count in (years, months, days)]
    carry, month0 = divmod(month - 1 + limited[1], 12)
    wall = days_from_civil(year + limited[0] + carry, month0 + 1, 1) + day - 1 + limited[2]
    seconds = wall * 86400 + time.clock()
    offset = time.zone.at(seconds)[1]
    if offset:
        offset = time.zone.at(seconds - offset)[1]
    return Instant((seconds - offset) * _SECOND + time.ns % _SECOND, time.zone)


def _truncate(time: Instant, unit: Scalar) -> Instant:
    if unit.value <= 0:
        return Instant(time.ns, time.zone)
    return Instant(time.ns - (time.ns - ZERO_NS) % unit.value, time.zone)


def _round(time: Instant, unit: Scalar) -> Instant:
    if unit.value <= 0:
        return Instant(time.ns, time.zone)
    rest = (time.ns - ZERO_NS) % unit.value
    return Instant(time.ns - rest if rest + rest < unit.value else time.ns + unit.value - rest, time.zone)


def _is_dst(time: Instant) -> bool:
    """Summer time: the offset is larger than the smaller one of that January and July."""
    year = time.date()[0]
    if time.zone is UTC:
        return False
    offsets = [time.zone.at(days_from_civil(year, month, 1) * 86400)[1] for month in (1, 7)]
    return time.zone.at(time.ns // _SECOND)[1] > min(offsets)


def _unix(unit: int) -> Func:
    return Func([], lambda time: Scalar(INT64, _wrap(time.ns // unit)))


def _bad(name: str, second: str) -> Func:
    return Func(
        [], _is_dst, bad=f"invalid function signature for {name}: second return value should be error; is {second}"
    )


def _three(name: str) -> Func:
    return Func([], _is_dst, bad=f"function {name} has 3 return values; should be 1 or 2")


TIME.add_methods(
    {
        "Add": Func([DURATION], _add),
        "AddDate": Func([INT, INT, INT], _add_date),
        "After": Func([TIME], lambda time, other: _order(time, other) > 0),
        "Before": Func([TIME], lambda time, other: _order(time, other) < 0),
        "Clock": _three("Clock"),
        "Compare": Func([TIME], _order),
        "Date": _three("Date"),
        "Day": Func([], lambda time: time.date()[2]),
        "Equal": Func([TIME], lambda time, other: _order(time, other) == 0),
        "Format": Func([STRING], Instant.format),
        "GoString": Func([], _go_string),
        "Hour": Func([], lambda time: time.clock() // 3600),
        "ISOWeek": _bad("ISOWeek", "int"),
        "In": Func([LOCATION], lambda time, location: time.at(location.zone)),
        "IsDST": Func([], _is_dst),
        "IsZero": Func([], lambda time: time.ns == ZERO_NS),
        "Local": Func([], lambda time: time.at(LOCAL)),
        "Location": Func([], lambda time: Location(time.zone)),
        "Minute": Func([], lambda time: time.clock() // 60 % 60),
        "Month": Func([], lambda time: Scalar(MONTH, time.date()[1])),
        "Nanosecond": Func([], lambda time: time.ns % _SECOND),
        "Round": Func([DURATION], _round),
        "Second": Func([], lambda time: time.clock() % 60),
        "String": Func([], str),
        "Sub": Func([TIME], _sub),
        "Truncate": Func([DURATION], _truncate),
        "UTC": Func([], lambda time: time.at(UTC)),
        "Unix": _unix(_SECOND),
        "UnixMicro": _unix(1000),
        "UnixMilli": _unix(1_000_000),
        "UnixNano": _unix(1),
        "Weekday": Func([], lambda time: Scalar(WEEKDAY, (time.days() + 4) % 7)),
        "Year": Func([], lambda time: time.date()[0]),
        "YearDay": Func([], lambda time: time.days() - days_from_civil(time.date()[0], 1, 1) + 1),
        "Zone": _bad("Zone", "int"),
        "ZoneBounds": _bad("ZoneBounds", "time.Time"),
    }
)
