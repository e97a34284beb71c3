"""The routing tree, drawn; and the tester that lights the way of the labels typed in, or of an alert chosen."""

import re
from typing import Final

import msgspec

from ampp.api.reply import Reply
from ampp.api.visit import Visit
from ampp.core.labels import canonical
from ampp.core.matcher import Matcher, MatcherError, Op
from ampp.core.route import Route
from ampp.history.trail import Step, trail
from ampp.live import Live
from ampp.web.filter import typed
from ampp.web.frame import Room
from ampp.web.schedule import interval_words
from ampp.web.survey import sliced

__all__ = ["page"]

_NODES: Final = 3000
_LONGEST: Final = 8192
_NAME: Final = re.compile("[0-9a-f]{16}")


class Schedule(msgspec.Struct, frozen=True):
    """A time interval a route names: when it mutes (`mutes`) or when only it speaks, and whether it does so now."""

    name: str
    words: tuple[str, ...]
    mutes: bool
    now: bool


class Node(msgspec.Struct, frozen=True):
    """A route as drawn. `outcome` is empty while nothing is tested, else as `ampp.history.trail.Step` has it."""

    route: Route
    depth: int
    alerts: int
    schedules: tuple[Schedule, ...]
    outcome: str = ""
    chosen: bool = False
    failed: str = ""
    value: str = ""


async def page(room: Room, visit: Visit, _: str) -> Reply:
    """GET /ui/routing."""
    live = room.live
    survey = await room.surveyor.survey()
    text = visit.query.last("labels")[:_LONGEST]
    error = ""
    labels: dict[str, str] = {}
    chosen = visit.query.last("alert")
    if chosen and not text:
        known = _NAME.fullmatch(chosen)
        seen = await room.surveyor.find(chosen) if known else None
        if seen is None:
            error = "this alert does not fire any more"
        else:
            labels = seen.alert.labels
            text = ", ".join(str(Matcher(name, Op.EQ, value)) for name, value in labels.items())
    elif text.strip():
        labels, error = _labels(room, text)
    steps: dict[str, Step] = {}
    if labels and not error:
        _spread(trail(live.plan.root, labels), steps)
    counts: dict[int, int] = {}

    def count(first: int, last: int) -> None:
        for seen in survey.all[first:last]:
            for route in live.engine.groups.route(seen.alert):
                counts[route.index] = counts.get(route.index, 0) + 1

    await sliced(count, len(survey.all))
    nodes = _nodes(live, counts, steps, survey.wall)
    return await room.frame.page(
        visit,
        "routing.html",
        title="Routing",
        section="routing",
        survey=survey,
        nodes=nodes[:_NODES],
        more=max(0, len(nodes) - _NODES),
        text=text,
        error=error,
        tested=bool(steps),
        receivers=list(dict.fromkeys(node.route.receiver for node in nodes if node.chosen)),
    )


def _labels(room: Room, text: str) -> tuple[dict[str, str], str]:
    """The labels typed as `name="value", …`; a space between them does as well."""
    try:
        matchers = typed(text, room.mode)
    except MatcherError as error:
        return {}, str(error)
    for matcher in matchers:
        if matcher.op is not Op.EQ:
            return {}, f"labels have values: write {matcher.name}=…, not {matcher}"
    labels = canonical({matcher.name: matcher.value for matcher in matchers})
    return labels, "" if labels else 'write labels such as alertname="DiskFull", severity="critical"'


def _spread(step: Step, into: dict[str, Step]) -> None:
    into[step.route] = step
    for child in step.children:
        _spread(child, into)


def _nodes(live: Live, counts: dict[int, int], steps: dict[str, Step], wall: int) -> list[Node]:
    found: list[Node] = []

    def draw(route: Route, depth: int, dark: bool) -> None:
        step = steps.get(route.id)
        outcome = "" if not steps else "skipped" if dark or step is None else step.outcome
        found.append(
            Node(
                route=route,
                depth=min(depth, 12),
                alerts=counts.get(route.index, 0),
                schedules=_schedules(live, route, wall),
                outcome=outcome,
                chosen=bool(step and step.chosen and not dark),
                failed=(step.failed or "") if step and outcome == "failed" else "",
                value=(step.value or "") if step and outcome == "failed" else "",
            )
        )
        for child in route.children:
            draw(child, depth + 1, dark or (bool(steps) and outcome != "matched"))

    draw(live.plan.root, 0, False)
    return found


def _schedules(live: Live, route: Route, wall: int) -> tuple[Schedule, ...]:
    found = []
    for names, mutes in ((route.mute_intervals, True), (route.active_intervals, False)):
        for name in names:
            intervals = live.plan.intervals[name]
            within = any(interval.contains(wall) for interval in intervals)
            found.append(Schedule(name, tuple(map(interval_words, intervals)), mutes, within))
    return tuple(found)
