"""`time_intervals` and the older `mute_time_intervals`."""

from collections.abc import Callable
from typing import Annotated, Any, ClassVar, Final, Self

from ampp.config.decode import FAILED, Decoder, Kind, read_list
from ampp.config.emit import Flow, Map, Tree
from ampp.config.error import Invalid
from ampp.config.kind import Text
from ampp.config.node import Node
from ampp.config.section import KEEP, Section, Struct
from ampp.core.interval import (
    IntervalError,
    Range,
    TimeInterval,
    parse_day_of_month,
    parse_location,
    parse_month,
    parse_time_range,
    parse_weekday,
    parse_year,
)

__all__ = ["IntervalSection", "MuteIntervalSection"]


class _RangeKind(Kind):
    """One item of a part: `monday:friday`, `-1`, `2024:2026`. A null is the zero range."""

    go = "string"
    custom = True
    zero: Any = (0, 0)

    def __init__(self, outer: str, parse: Callable[[str], Range]) -> None:
        self.outer = outer
        self.parse = parse

    def read(self, d: Decoder, node: Node) -> Any:
        text = d.text(node)
        if text is FAILED:
            return FAILED
        try:
            return self.parse(text)
        except IntervalError as error:
            raise d.invalid(node, str(error)) from None


class _Clock(Section, frozen=True, kw_only=True):
    go: ClassVar[str] = "timeinterval.yamlTimeRange"
    custom: ClassVar[bool] = False

    start_time: Text = ""
    end_time: Text = ""


class _TimeRangeKind(Kind):
    go = "timeinterval.yamlTimeRange"
    custom = True
    outer = "timeinterval.TimeRange"
    zero: Any = (0, 0)
    clock: Final = Struct(_Clock, pointer=False)

    def read(self, d: Decoder, node: Node) -> Any:
        before = len(d.faults)
        clock = self.clock.read(d, node)
        if clock is FAILED or len(d.faults) > before:
            return FAILED
        try:
            return parse_time_range(clock.start_time, clock.end_time)
        except IntervalError as error:
            raise d.invalid(node, str(error), "write start_time: '09:00' and end_time: '17:00'") from None


class _PartKind(Kind):
    def __init__(self, item: Kind, go: str) -> None:
        self.item = item
        self.go = go

    def read(self, d: Decoder, node: Node) -> Any:
        return read_list(d, node, self.item, self.go)


class _LocationKind(_RangeKind):
    zero = None

    def __init__(self) -> None:
        self.outer = "*timeinterval.Location"

    def read(self, d: Decoder, node: Node) -> Any:
        text = d.text(node)
        if text is FAILED:
            return FAILED
        try:
            return parse_location(text)
        except IntervalError as error:
            raise d.invalid(node, str(error), "write a name of the IANA database, such as Europe/Berlin") from None


def _part(item: Kind) -> _PartKind:
    return _PartKind(item, f"[]{item.outer}")


_Part = tuple[Range, ...] | None


class _Pieces(Section, frozen=True, kw_only=True):
    go: ClassVar[str] = "timeinterval.TimeInterval"
    custom: ClassVar[bool] = False

    times: Annotated[_Part, _part(_TimeRangeKind())] = None
    weekdays: Annotated[_Part, _part(_RangeKind("timeinterval.WeekdayRange", parse_weekday))] = None
    days_of_month: Annotated[_Part, _part(_RangeKind("timeinterval.DayOfMonthRange", parse_day_of_month))] = None
    months: Annotated[_Part, _part(_RangeKind("timeinterval.MonthRange", parse_month))] = None
    years: Annotated[_Part, _part(_RangeKind("timeinterval.YearRange", parse_year))] = None
    location: Annotated[str | None, _LocationKind()] = None


class _IntervalKind(Kind):
    """One interval; null is one that restricts nothing."""

    go = "timeinterval.TimeInterval"
    zero: Any = TimeInterval()
    pieces: Final = Struct(_Pieces, pointer=False)

    def read(self, d: Decoder, node: Node) -> Any:
        pieces = self.pieces.read(d, node)
        if pieces is FAILED:
            return FAILED
        return TimeInterval(
            times=pieces.times,
            weekdays=pieces.weekdays,
            days_of_month=pieces.days_of_month,
            months=pieces.months,
            years=pieces.years,
            location=pieces.location,
        )

    def tree(self, value: TimeInterval) -> Tree:
        return Map([(part, _written(part, items)) for part, items in value.to_yaml().items()])


def _written(part: str, items: Any) -> Tree:
    if part == "location":
        return items
    return [Map(list(item.items())) for item in items] if part == "times" else Flow(items)


class _IntervalsKind(_PartKind):
    zero = ()

    def is_zero(self, value: Any) -> bool:
        return not value

    def tree(self, value: tuple[TimeInterval, ...]) -> Tree:
        return [self.item.tree(item) for item in value]


_INTERVALS: Final = _IntervalsKind(_IntervalKind(), "[]timeinterval.TimeInterval")


class IntervalSection(Section, frozen=True, kw_only=True):
    """A named list of intervals, of which any may hold. Empty: never."""

    name: Annotated[Text, KEEP] = ""
    time_intervals: Annotated[tuple[TimeInterval, ...], _INTERVALS, KEEP] = ()

    def settle(self) -> Self:
        if not self.name:
            raise Invalid("missing name in time interval")
        return self


class MuteIntervalSection(IntervalSection, frozen=True, kw_only=True):
    """The same under its older name."""

    def settle(self) -> Self:
        if not self.name:
            raise Invalid("missing name in mute time interval")
        return self
