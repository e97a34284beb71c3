"""Time intervals in words."""

from typing import Any, Final

from ampp.core.interval import TimeInterval

__all__ = ["interval_words"]

_MONTHS: Final = ("", "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


def interval_words(interval: TimeInterval) -> str:
    """One interval as a sentence without a verb: `Sat to Sun, 09:00 to 17:00 (Europe/Berlin)`."""
    shown: dict[str, Any] = interval.to_yaml()
    parts = []
    if shown.get("weekdays"):
        parts.append(_several(shown["weekdays"], lambda text: text[:3].capitalize()))
    if shown.get("days_of_month"):
        parts.append("day " + _several(shown["days_of_month"], lambda text: text) + " of the month")
    if shown.get("months"):
        parts.append(_several(shown["months"], lambda text: _MONTHS[int(text)]))
    if shown.get("years"):
        parts.append(_several(shown["years"], lambda text: text))
    if shown.get("times"):
        parts.append(" and ".join(f"{each['start_time']} to {each['end_time']}" for each in shown["times"]))
    return f"{', '.join(parts) or 'always'} ({shown.get('location') or 'UTC'})"


def _several(ranges: list[str], word: Any) -> str:
    return ", ".join(" to ".join(word(text) for text in each.split(":")) for each in ranges)
