"""The groups: who is told together, when they were told last, when their next turn comes, and when a repeat."""

from typing import Final

import msgspec

from ampp.api.reply import Reply
from ampp.api.visit import Visit
from ampp.core.clock import MILLISECOND
from ampp.core.group import Group
from ampp.core.order import in_order
from ampp.history.course import of_groups
from ampp.history.error import HistoryError
from ampp.observe.stall import in_slices
from ampp.web import turn
from ampp.web.filter import exact, passes
from ampp.web.frame import Room
from ampp.web.lane import WIDTH, Lane, lane
from ampp.web.severity import LEVELS
from ampp.web.survey import sliced
from ampp.web.words import DAY

__all__ = ["listing"]

_PER: Final = 100
_NONE: Final = len(LEVELS)
_PATIENCE: Final = 2.0
"""Seconds that looking back may take."""


class Shown(msgspec.Struct, frozen=True):
    """One group; instants are wall nanoseconds. `level`: the worst in it as an index of `LEVELS`; `worst`: that of what
    is active, 4 when nothing is."""

    labels: tuple[tuple[str, str], ...]
    receiver: str
    total: int
    quiet: int
    worst: int
    level: int
    created: int
    flush: int
    told: int | None
    repeat: int | None
    busy: bool
    muted_by: tuple[str, ...]
    tokens: tuple[str, ...]
    intervals: tuple[int, int, int]
    lane: Lane | None


class _Heap(msgspec.Struct, gc=False):
    """What is told of a group's alerts: how many, how many suppressed, and the worst as in `Shown`."""

    group: Group
    total: int = 0
    quiet: int = 0
    worst: int = _NONE
    level: int = _NONE


async def listing(room: Room, visit: Visit, _: str) -> Reply:
    """GET /ui/groups."""
    survey = await room.surveyor.survey()
    tokens = await room.tokens(visit, survey)
    test = passes(tokens)
    heaps: dict[object, _Heap] = {}

    def sort_in(first: int, last: int) -> None:
        groups = room.live.engine.groups
        for seen in survey.all[first:last]:
            if test(seen):
                for group in groups.of(seen.alert):
                    if not group.gone:
                        heap = heaps.get(group.seat)
                        if heap is None:
                            heap = heaps[group.seat] = _Heap(group)
                        heap.total += 1
                        heap.level = min(heap.level, seen.rank)
                        if seen.state == "active":
                            heap.worst = min(heap.worst, seen.rank)
                        else:
                            heap.quiet += 1

    await sliced(sort_in, len(survey.all))
    text = visit.query.last("page")
    number = max(1, int(text)) if text.isascii() and text.isdigit() and len(text) < 7 else 1
    now = room.live.now()
    found = await in_slices(in_order(list(heaps.values()), lambda heap: heap.group.due))
    heads = found[(number - 1) * _PER : number * _PER]
    lanes = await _lanes(room, [heap.group.key for heap in heads], now.wall)
    shown = []
    for heap in heads:
        group = heap.group
        log = turn.entries(room.live, group)
        route = group.route
        shown.append(
            Shown(
                labels=tuple(group.labels.items()),
                receiver=route.receiver,
                total=heap.total,
                quiet=heap.quiet,
                worst=heap.worst,
                level=heap.level,
                created=group.created,
                flush=turn.next_flush(group, now),
                told=turn.told(log),
                repeat=turn.next_repeat(group, log, now),
                busy=group.flight is not None,
                muted_by=group.muted_by,
                tokens=(*(exact(*pair) for pair in group.labels.items()), f'@receiver="{route.receiver}"'),
                lane=lanes.get(group.key),
                intervals=(route.group_wait, route.group_interval, route.repeat_interval),
            )
        )
    return await room.frame.page(
        visit,
        "groups.html",
        title="Groups",
        section="groups",
        survey=survey,
        tokens=tokens,
        groups=shown,
        drawn=bool(lanes),
        width=WIDTH,
        total=len(found),
        number=number,
        last=-(-len(found) // _PER),
    )


async def _lanes(room: Room, keys: list[str], wall: int) -> dict[str, Lane]:
    """The last day of the groups; nothing if the history does not answer soon."""
    since, until = (wall - DAY) // MILLISECOND, wall // MILLISECOND
    try:
        courses = await room.live.history.ask(
            lambda connection: of_groups(connection, keys, since, until), deadline=_PATIENCE
        )
    except HistoryError:
        return {}
    return {key: lane(course, since, until, whole=whole) for key, (course, whole) in courses.items()}
