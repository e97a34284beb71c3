"""Lints of time intervals: those nobody uses, and those that never hold."""

from collections.abc import Iterator

from ampp.config.document import Config
from ampp.config.lint.finding import Finding
from ampp.config.lint.source import Source
from ampp.core.plan import Plan

__all__ = ["lint_intervals"]


def lint_intervals(source: Source, config: Config, plan: Plan) -> Iterator[Finding]:
    """All findings about time intervals."""
    used = {name for route in plan.root.walk() for name in route.mute_intervals + route.active_intervals}
    for key in ("mute_time_intervals", "time_intervals"):
        for number, interval in enumerate(getattr(config.document, key)):
            spot = source.node((key, number, "name"))
            if interval.name not in used:
                yield source.finding(
                    "unused-interval", spot, f"no route uses the time interval {interval.name}", "remove it, or use it"
                )
            if not interval.time_intervals:
                yield source.finding(
                    "empty-interval",
                    spot,
                    f"the time interval {interval.name} has no times: it never holds",
                    "a route that is active in it alone never notifies; list times under time_intervals",
                )
