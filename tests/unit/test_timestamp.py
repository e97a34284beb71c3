"""Instants as text, with what Go's time package said to each."""

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ampp.core.clock import SECOND, ZERO
from ampp.core.timestamp import (
    TimestampError,
    civil,
    days_from_civil,
    format_millis,
    format_rfc3339,
    format_rfc3339nano,
    parse_api,
    parse_rfc3339,
)

NOON = 1_795_316_389 * SECOND  # 2026-11-22T02:59:49Z


@pytest.mark.parametrize(
    ("text", "ns", "offset"),
    [
        ("2026-11-22T02:59:49.151Z", NOON + 151_000_000, 0),
        ("2026-11-22T04:59:49+02:00", NOON, 7200),
        ("2026-11-22T04:59:49.000+0200", NOON, 7200),
        ("2026-11-22T04:59:49.000000+0200", NOON, 7200),
        ("2026-11-22T02:59:49.1234567891Z", NOON + 123_456_789, 0),
        ("2026-11-22T02:59:49,5Z", NOON + 500_000_000, 0),
        ("2026-11-22T2:59:49Z", NOON, 0),
        ("2026-11-22T02:59:49", NOON, 0),
        ("2026-11-22T02:59Z", NOON - 49 * SECOND, 0),
        ("2026-11-22T02:59", NOON - 49 * SECOND, 0),
        ("2026-11-22  02:59:49", NOON, 0),
        ("2026-11-22", (NOON // SECOND // 86_400) * 86_400 * SECOND, 0),
        ("", 0, 0),
        ("0001-01-01T00:00:00.000Z", ZERO, 0),
    ],
)
def test_the_api_reads(text: str, ns: int, offset: int) -> None:
    assert parse_api(text) == (ns, offset)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("yesterday", 'parsing time "yesterday" as "2006-01-02": cannot parse "yesterday" as "2006"'),
        ("2026-1-22", 'parsing time "2026-1-22" as "2006-01-02": cannot parse "1-22" as "01"'),
        ("2026-13-22", 'parsing time "2026-13-22": month out of range'),
        ("2026-02-29", 'parsing time "2026-02-29": day out of range'),
        ("2026-11-22T25:00:00Z", 'parsing time "2026-11-22T25:00:00Z": extra text: "T25:00:00Z"'),
        ("2026/11/22", 'parsing time "2026/11/22" as "2006-01-02": cannot parse "/11/22" as "-"'),
    ],
)
def test_the_api_refuses(text: str, message: str) -> None:
    with pytest.raises(TimestampError) as caught:
        parse_api(text)
    assert str(caught.value) == message


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("2026-11-22T24:00:00Z", 'parsing time "2026-11-22T24:00:00Z": hour out of range'),
        ("2026-11-22T02:59:49+25:00", 'parsing time "2026-11-22T02:59:49+25:00": time zone offset hour out of range'),
        (
            "2026-11-22",
            'parsing time "2026-11-22" as "2006-01-02T15:04:05Z07:00": cannot parse "" as "T"',
        ),
        (
            "2026-11-22T02:59:49é",
            'parsing time "2026-11-22T02:59:49\\xc3\\xa9" as "2006-01-02T15:04:05Z07:00": '
            'cannot parse "\\xc3\\xa9" as "Z07:00"',
        ),
        ("2024-02-29T01:02+07:000.Z", None),
    ],
)
def test_rfc3339_refuses(text: str, message: str | None) -> None:
    with pytest.raises(TimestampError) as caught:
        parse_rfc3339(text)
    assert message is None or str(caught.value) == message


def test_printing() -> None:
    ns = NOON + 151_999_900
    assert format_rfc3339nano(ns) == "2026-11-22T02:59:49.1519999Z"
    assert format_rfc3339nano(NOON) == "2026-11-22T02:59:49Z"
    assert format_rfc3339nano(ns, -12_600) == "2026-11-21T23:29:49.1519999-03:30"
    assert format_millis(ns, 7200) == "2026-11-22T04:59:49.151+02:00"
    assert format_millis(NOON) == "2026-11-22T02:59:49.000Z"
    assert format_rfc3339(ns) == "2026-11-22T02:59:49Z"
    assert format_millis(ZERO) == "0001-01-01T00:00:00.000Z"
    assert format_rfc3339nano(-1) == "1969-12-31T23:59:59.999999999Z"


@given(st.integers(ZERO, 253_402_300_800 * SECOND - 1), st.integers(-23 * 60, 23 * 60))
def test_what_is_printed_is_read_back(ns: int, minutes: int) -> None:
    offset = minutes * 60
    text = format_rfc3339nano(ns, offset)
    if text[0].isdigit() and text[4] == "-":  # Go reads years of four digits only
        assert parse_rfc3339(text) == parse_api(text) == (ns, offset)


@given(st.dates())
def test_the_calendar_is_pythons(day: date) -> None:
    days = day.toordinal() - date(1970, 1, 1).toordinal()
    assert civil(days) == (day.year, day.month, day.day)
    assert days_from_civil(day.year, day.month, day.day) == days


@given(st.integers(-(10**9), 10**9))
def test_the_calendar_has_no_end(days: int) -> None:
    assert days_from_civil(*civil(days)) == days
