"""The groups: who is told together, when they were told last, when their next turn comes, and when a repeat."""

from typing import Final

import msgspec

from ampp.api.reply import Reply
from ampp.api.visit import Visit
from ampp.core.group import Group
from ampp.web import turn
from ampp.web.filter import exact, passes
from ampp.web.frame import Room
from ampp.web.survey import Seen, sliced

__all__ = ["listing"]

_PER: Final = 100


class Shown(msgspec.Struct, frozen=True):
    """One group; instants are wall nanoseconds. `worst`: an index of `LEVELS`, 4 when nothing in it is active."""

    labels: tuple[tuple[str, str], ...]
    receiver: str
    total: int
    quiet: int
    worst: int
    created: int
    flush: int
    told: int | None
    repeat: int | None
    busy: bool
    muted_by: tuple[str, ...]
    tokens: tuple[str, ...]
    intervals: tuple[int, int, int]


async def listing(room: Room, visit: Visit, _: str) -> Reply:
    """GET /ui/groups."""
    survey = await room.surveyor.survey()
    tokens = room.tokens(visit, survey)
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
    shown = []
    for group, members in found[(number - 1) * _PER : number * _PER]:
        log = turn.entries(room.live, group)
        route = group.route
        shown.append(
            Shown(
                labels=tuple(group.labels.items()),
                receiver=route.receiver,
                total=len(members),
                quiet=sum(seen.state != "active" for seen in members),
                worst=min((seen.rank for seen in members if seen.state == "active"), default=4),
                created=group.created,
                flush=turn.next_flush(group, now),
                told=turn.told(log),
                repeat=turn.next_repeat(group, log, now),
                busy=group.flight is not None,
                muted_by=group.muted_by,
                tokens=(*(exact(*pair) for pair in group.labels.items()), f'@receiver="{route.receiver}"'),
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
        total=len(found),
        number=number,
        last=-(-len(found) // _PER),
    )
