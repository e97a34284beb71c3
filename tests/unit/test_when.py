"""Times and durations as people type and read them."""

from datetime import UTC, datetime, timedelta

import pytest

from ampp_cli.when import WhenError, ago, duration, moment, rfc3339, span

NOW = datetime(2026, 11, 27, 12, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("30s", 30), ("2h", 7200), ("1d", 86400), ("1d12h", 129600), ("1.5h", 5400), ("250ms", 0.25), ("1w", 604800)],
)
def test_durations(text: str, seconds: float) -> None:
    assert duration(text) == seconds


@pytest.mark.parametrize("text", ["", "5", "h", "1x", "½h", "٣h", "1e3s"])
def test_what_is_no_duration(text: str) -> None:
    with pytest.raises(WhenError, match="is no duration: write it like 30m"):
        duration(text)


@pytest.mark.parametrize(
    ("text", "at"),
    [
        ("now", NOW),
        ("+2h", NOW + timedelta(hours=2)),
        ("-15m", NOW - timedelta(minutes=15)),
        ("in 1d", NOW + timedelta(days=1)),
        ("5m ago", NOW - timedelta(minutes=5)),
        ("2026-11-28T10:00:00Z", datetime(2026, 11, 28, 10, tzinfo=UTC)),
        ("2026-11-28T10:00:00+02:00", datetime(2026, 11, 28, 8, tzinfo=UTC)),
    ],
)
def test_times(text: str, at: datetime) -> None:
    assert moment(text, NOW) == at


def test_times_without_a_zone_are_local() -> None:
    local = datetime(2026, 11, 28, 10, 30).astimezone()
    assert moment("2026-11-28 10:30", NOW) == local
    assert moment("2026-11-28", NOW) == datetime(2026, 11, 28).astimezone()


def test_a_clock_time_is_the_next_such() -> None:
    here = NOW.astimezone()
    soon, gone = here + timedelta(hours=1), here - timedelta(hours=1)
    assert moment(soon.strftime("%H:%M"), NOW) == soon
    assert moment(gone.strftime("%H:%M"), NOW) == gone + timedelta(days=1)


@pytest.mark.parametrize("text", ["", "soon", "25:00", "2026-13-01", "+", "+x", "in"])
def test_what_is_no_time(text: str) -> None:
    with pytest.raises(WhenError):
        moment(text, NOW)


def test_how_they_are_told() -> None:
    at = NOW.timestamp()
    assert rfc3339(NOW) == "2026-11-27T12:00:00.000Z"
    assert ago("2026-11-27T11:54:30.000Z", at) == "5m ago"
    assert ago("2026-11-27T14:05:00.000Z", at) == "in 2h5m"
    assert ago("nonsense", at) == ""
    assert [span(s) for s in (0, 59, 60, 3599, 3600, 90000, 86400 * 3 + 3600 * 4 + 5)] == [
        "0s",
        "59s",
        "1m",
        "59m",
        "1h",
        "1d1h",
        "3d4h",
    ]
