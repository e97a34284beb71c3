"""Time intervals: what is dumped, odd pieces, far years."""

import pytest

from ampp.core.clock import SECOND
from ampp.core.interval import IntervalError, TimeInterval, parse_interval, parse_location, parse_month, parse_year
from ampp.core.timestamp import days_from_civil, parse_rfc3339


def test_the_dump_is_upstreams() -> None:
    interval = parse_interval(
        {
            "times": [{"start_time": "09:00", "end_time": "24:00"}],
            "weekdays": ["Monday:friday", "SUNDAY"],
            "days_of_month": ["-3:-1", "1"],
            "months": ["february", "march:5"],
            "years": ["2020:2022"],
            "location": "",
        }
    )
    assert interval.to_yaml() == {
        "times": [{"start_time": "09:00", "end_time": "24:00"}],
        "weekdays": ["monday:friday", "sunday"],
        "days_of_month": ["-3:-1", "1"],
        "months": ["2", "3:5"],
        "years": ["2020:2022"],
        "location": "UTC",
    }


def test_empty_and_absent_parts_differ() -> None:
    assert TimeInterval().contains(0)
    for part in ("times", "weekdays", "days_of_month", "months", "years"):
        assert parse_interval({part: None}).contains(0)
        assert not parse_interval({part: []}).contains(0)
        assert parse_interval({part: []}).to_yaml() == {}


def test_null_items_are_zero_values() -> None:
    sunday, _ = parse_rfc3339("2024-01-07T12:00:00Z")
    assert parse_interval({"weekdays": [None]}).contains(sunday)
    for part in ("times", "days_of_month", "months", "years"):
        assert not parse_interval({part: [None]}).contains(sunday)


def test_odd_numbers() -> None:
    assert parse_month("0:13") == (0, 13)
    assert parse_year("+2020") == (2020, 2020)
    with pytest.raises(IntervalError, match="end month  is before start month "):
        parse_month("14:13")
    with pytest.raises(IntervalError, match=r'strconv\.Atoi: parsing "99999999999999999999": value out of range'):
        parse_year("99999999999999999999")


def test_locations() -> None:
    assert parse_location("Local") == "Local"
    assert isinstance(TimeInterval(location="Local", years=((1970, 1970),)).contains(10**17), bool)
    for bad in ("America/Nowhere", "zone.tab", "Europe/", "a\x00b", "é"):
        with pytest.raises(IntervalError):
            parse_location(bad)


@pytest.mark.parametrize("year", [-5, 0, 1, 9999, 12_345])
def test_years_beyond_datetime(year: int) -> None:
    july = days_from_civil(year, 7, 1) * 86_400 * SECOND
    interval = TimeInterval(years=((year, year),), months=((7, 7),), location="Europe/Berlin")
    assert interval.contains(july + 12 * 3600 * SECOND)
    assert not interval.contains(july - 12 * 3600 * SECOND)
