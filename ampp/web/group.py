"""The groups: who is told together, when they were told last, when their next turn comes, and when a repeat."""

from typing import Final

import msgspec

from ampp.api.reply import Reply
from ampp.api.visit import Visit
from ampp.core.clock import MILLISECOND
from ampp.core.group import Group
from ampp.history.course import of_groups
from ampp.history.error import HistoryError
from ampp.web import turn
from ampp.web.filter import exact, passes
from ampp.web.frame import Room
from ampp.web.lane import WIDTH, Lane, lane
from ampp.web.survey import Seen, sliced
from ampp.web.words import DAY

__all__ = ["listing"]

_PER: Final = 100
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


async def listing(room: Room, visit: Visit, _: str) -> Reply:
    """GET /ui/groups."""
    survey = await room.surveyor.survey()
    tokens = await room.tokens(visit, survey)
    test = passes(tokens)
    heaps: dict[object, tuple[Group, list[Seen]]] = {}

    def sort_in(first: int, last: int) -> None:
        for seen in survey.all[first:last]:
            if test(seen):
                for group in seen.alert.groups:
                    if not group.gone:
                        heaps.setdefault(group.seat, (group, []))[1].append(seen)

    await sliced(sort_in, len(survey.all))
    text = visit.query.last("page")
    number = max(1, int(text)) if text.isascii() and text.isdigit() and len(text) < 7 else 1
    now = room.live.now()
    found = sorted(heaps.values(), key=lambda heap: heap[0].due)
    heads = found[(number - 1) * _PER : number * _PER]
    lanes = await _lanes(room, [group.key for group, _ in heads], now.wall)
    shown = []
    for group, members in heads:
        log = turn.entries(room.live, group)
        route = group.route
        shown.append(
            Shown(
                labels=tuple(group.labels.items()),
                receiver=route.receiver,
                total=len(members),
                quiet=sum(seen.state != "active" for seen in members),
                worst=min((seen.rank for seen in members if seen.state == "active"), default=4),
                level=min(seen.rank for seen in members),
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
