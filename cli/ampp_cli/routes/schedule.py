"""What holds on a route, everything inherited filled in: in words, and as plain data."""

from collections.abc import Sequence
from typing import Any

from ampp.core.dedup import repeats_every
from ampp.core.duration import format_prometheus
from ampp.core.route import Route

__all__ = ["described", "document"]


def described(route: Route) -> list[str]:
    """How alerts of this route are told, in phrases: grouping, times, intervals, labels."""
    return [_grouping(route), *_times(route), *_intervals(route), *_labels(route)]


def _grouping(route: Route) -> str:
    if route.group_by_all:
        return "every alert by itself"
    return f"grouped by {_listed(route.group_by)}" if route.group_by else "all alerts in one group"


def _times(route: Route) -> list[str]:
    wait = f"first told after {format_prometheus(route.group_wait)}" if route.group_wait else "first told at once"
    repeat, interval = format_prometheus(route.repeat_interval), format_prometheus(route.group_interval)
    actual = format_prometheus(repeats_every(route.repeat_interval, route.group_interval))
    return [wait, f"changes every {interval}", f"repeated every {actual} (repeat_interval {repeat})"]


def _intervals(route: Route) -> list[str]:
    told = []
    if route.active_intervals:
        told.append(f"only during {_listed(route.active_intervals, 'or')}")
    if route.mute_intervals:
        told.append(f"not during {_listed(route.mute_intervals, 'or')}")
    return told


def _labels(route: Route) -> list[str]:
    return [f"labelled {_listed([f'{name}={value}' for name, value in route.labels.items()])}"] if route.labels else []


def _listed(words: Sequence[str], last: str = "and") -> str:
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} {last} {words[-1]}"


def document(route: Route) -> dict[str, Any]:
    """The route by itself as plain data; durations as in a configuration."""
    return {
        "matchers": [str(matcher) for matcher in route.matchers],
        "receiver": route.receiver,
        "continue": route.continue_,
        "group_by": ["..."] if route.group_by_all else list(route.group_by),
        "group_wait": format_prometheus(route.group_wait),
        "group_interval": format_prometheus(route.group_interval),
        "repeat_interval": format_prometheus(route.repeat_interval),
        "repeats_every": format_prometheus(repeats_every(route.repeat_interval, route.group_interval)),
        "mute_time_intervals": list(route.mute_intervals),
        "active_time_intervals": list(route.active_intervals),
        "labels": dict(route.labels),
        "id": route.id,
    }
