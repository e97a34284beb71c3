"""The alerts page: group cards or one dense table, with facets beside it. Pages are cut here, never in the browser."""

from collections import Counter
from collections.abc import Callable, Sequence
from operator import attrgetter
from typing import Any, Final, TypeVar

import msgspec

from ampp.api.reply import Reply
from ampp.api.visit import Visit
from ampp.core.book import hash64
from ampp.core.clock import Now
from ampp.core.group import Group
from ampp.core.labels import valid_name
from ampp.core.order import foremost, in_order
from ampp.core.record import LogEntry
from ampp.live import Live
from ampp.observe.stall import in_slices
from ampp.web import turn
from ampp.web.detail import detail
from ampp.web.facet import facets
from ampp.web.filter import Token, exact, passes
from ampp.web.frame import Room, ailing_receivers
from ampp.web.reason import Reason, reasons
from ampp.web.survey import Seen, Survey, discard, sliced

__all__ = ["Card", "Row", "listing", "rows"]

_CARDS: Final = 40
_ROWS: Final = 6
_TABLE: Final = 100
_BY: Final = 8
_AGES: Final = 1 << 72

T = TypeVar("T")

SORTS: Final = ("severity", "newest", "oldest", "name", "size")


class Row(msgspec.Struct, frozen=True):
    """One alert as listed. `labels`: those that tell it from its neighbours; `told`: when somebody was told of it."""

    seen: Seen
    fingerprint: str
    summary: str
    labels: tuple[tuple[str, str], ...]
    reasons: tuple[Reason, ...]
    told: int | None = None


class Card(msgspec.Struct, frozen=True):
    """One group. `shared`: labels all its alerts have beyond those it is grouped by; `text` a summary they share.

    `ailing`: its receiver cannot be reached. `flush` and `repeat` are instants, None where the group is no group
    of the routes. `tokens`: its filter.
    """

    id: str
    labels: tuple[tuple[str, str], ...]
    receiver: str
    shared: tuple[tuple[str, str], ...]
    text: str
    rows: tuple[Row, ...]
    total: int
    quiet: int
    rank: int
    ailing: bool
    flush: int | None
    told: int | None
    repeat: int | None
    tokens: tuple[str, ...]


async def listing(room: Room, visit: Visit, _: str) -> Reply:
    """GET /ui/alerts, and /."""
    survey = await room.surveyor.survey()
    tokens = await room.tokens(visit, survey)
    found = await _passing(survey, tokens)
    table = visit.query.last("view") == "table"
    sort = visit.query.last("sort")
    sort = sort if sort in SORTS else "severity"
    by = [name for name in visit.query.last("by").split(",")[:_BY] if valid_name(name, room.mode)]
    number = max(1, min(_number(visit.query.last("page")), 1_000_000))
    now = room.live.now()
    cards: list[Card] = []
    flat: tuple[Row, ...] = ()
    if table:
        found = await _sorted(found, _SEEN[sort])
        per, total = _TABLE, len(found)
        flat = await rows(room.live, found[(number - 1) * per : number * per], frozenset(), survey)
    else:
        heaps = await _heaps(room.live, found, by, _LEAST[sort])
        heaps = await _sorted(heaps, _size if sort == "size" else _least)
        per, total = _CARDS, len(heaps)
        shown = heaps[(number - 1) * per : number * per]
        await discard(heaps)
        ailing = frozenset(ailing_receivers(room.live))
        cards = [await _card(room.live, heap.group, heap.members, by, now, survey, ailing) for heap in shown]
    last = -(-total // per)
    pieces = await facets(found, room.severities)
    opened = visit.query.last("open").lower()
    return await room.frame.page(
        visit,
        "alerts.html",
        title="Alerts",
        section="alerts",
        survey=survey,
        tokens=tokens,
        cards=cards,
        rows=flat,
        facets=pieces,
        sort=sort,
        sorts=SORTS,
        by=by,
        table=table,
        groups=total,
        alerts=len(found),
        quiet=await _quiet(found),
        all=len(survey.all),
        number=number,
        last=last,
        alive=[] if survey.all else _alive(room.live),
        opened=opened,
        detail=await detail(room, opened, survey) if opened else None,
    )


def _number(text: str) -> int:
    return int(text) if text.isascii() and text.isdigit() and len(text) < 8 else 1


async def _passing(survey: Survey, tokens: Sequence[Token]) -> list[Seen]:
    if not any(token.test for token in tokens):
        return list(survey.all)
    test = passes(tokens)
    found: list[Seen] = []
    await sliced(lambda first, last: found.extend(filter(test, survey.all[first:last])), len(survey.all))
    return found


_RUN: Final = 128
"""Heaps of alerts looked at in one piece."""


class _Heap(msgspec.Struct, gc=False):
    """Some alerts, told in one group or alike in some labels. `least`: what is least among what they are ordered by."""

    group: Group | None
    members: list[Seen]
    least: Any


async def _sorted(items: list[T], key: Callable[[T], Any]) -> list[T]:
    """The items in order, made in slices: of many, finding what they are ordered by takes the time."""
    return await in_slices(in_order(items, key, _RUN))


async def _quiet(found: Sequence[Seen]) -> int:
    """How many are suppressed."""
    quiet = 0

    def count(first: int, last: int) -> None:
        nonlocal quiet
        quiet += sum([seen.state != "active" for seen in found[first:last]])

    await sliced(count, len(found))
    return quiet


async def _heaps(live: Live, found: Sequence[Seen], by: Sequence[str], key: Callable[[Seen], Any]) -> list[_Heap]:
    """The alerts by the groups they are told in, or by labels."""
    named: dict[object, _Heap] = {}

    def put(mark: object, group: Group | None, seen: Seen) -> None:
        heap, place = named.get(mark), key(seen)
        if heap is None:
            named[mark] = _Heap(group, [seen], place)
        else:
            heap.members.append(seen)
            if place < heap.least:
                heap.least = place

    def sort_in(first: int, last: int) -> None:
        groups = live.engine.groups
        for seen in found[first:last]:
            if by:
                labels = seen.alert.labels
                put(tuple([labels.get(name, "") for name in by]), None, seen)
                continue
            for group in groups.of(seen.alert):
                if not group.gone:
                    put(group.seat, group, seen)
            if not groups.of(seen.alert):
                put("", None, seen)

    await sliced(sort_in, len(found))
    return list(named.values())


def _urgency(seen: Seen) -> int:
    """Active before suppressed, the worst first, then the newest; one number, as many are compared."""
    return ((seen.state != "active") << 10 | seen.order) * _AGES - seen.alert.starts


def _name(seen: Seen) -> str:
    return seen.alert.labels.get("alertname", "")


_SEEN: Final[dict[str, Callable[[Seen], Any]]] = {
    "severity": _urgency,
    "newest": lambda seen: -seen.alert.starts,
    "oldest": lambda seen: seen.alert.starts,
    "name": lambda seen: (_name(seen), seen.alert.starts),
    "size": _urgency,
}
_LEAST: Final = {**_SEEN, "name": _name}
"""By what heaps are ordered: by the least among what their alerts have there. (By size they are in another way.)"""

_least: Final = attrgetter("least")


def _size(heap: _Heap) -> int:
    """The largest first."""
    return -len(heap.members)


async def _card(
    live: Live,
    group: Group | None,
    members: list[Seen],
    by: Sequence[str],
    now: Now,
    survey: Survey,
    ailing: frozenset[str],
) -> Card:
    top = await in_slices(foremost(members, _urgency, _ROWS))
    first = top[0].alert.labels
    if group is not None:
        labels = tuple(group.labels.items())
    else:
        labels = tuple((name, first[name]) for name in by if name in first)
    common = dict(first)
    ranks: Counter[int] = Counter()

    def look(start: int, end: int) -> None:
        some = members[start:end]
        ranks.update([seen.rank for seen in some if seen.state == "active"])
        for seen in some:
            if not common:
                return
            own = seen.alert.labels
            for name in [name for name, value in common.items() if own.get(name) != value]:
                del common[name]

    await sliced(look, len(members))
    texts = {seen.summary for seen in top}
    text = texts.pop() if len(texts) == 1 and len(members) > 1 else ""
    log = [] if group is None else turn.entries(live, group)
    held = frozenset(common) if len(members) > 1 else frozenset(name for name, _ in labels)
    grouped = {name for name, _ in labels}
    tokens = [exact(name, value) for name, value in labels]
    if group is not None:
        tokens.append(f'@receiver="{group.route.receiver}"')
    return Card(
        id=f"g-{abs(hash((group.key if group else '', labels))):x}",
        labels=labels,
        receiver="" if group is None else group.route.receiver,
        shared=tuple((name, value) for name, value in common.items() if name not in grouped)
        if len(members) > 1
        else (),
        text=text,
        rows=await rows(live, top, held, survey, log, silent=bool(text)),
        total=len(members),
        quiet=len(members) - ranks.total(),
        rank=min(ranks, default=4),
        ailing=group is not None and group.route.receiver in ailing,
        flush=None if group is None else turn.next_flush(group, now),
        told=turn.told(log),
        repeat=None if group is None else turn.next_repeat(group, log, now),
        tokens=tuple(tokens),
    )


async def rows(
    live: Live,
    members: Sequence[Seen],
    held: frozenset[str],
    survey: Survey,
    log: list[LogEntry] | None = None,
    *,
    silent: bool = False,
) -> tuple[Row, ...]:
    """The alerts as rows; labels in `held` are told elsewhere, and so is the summary if `silent`. `log`: that of the
    one group that matters; all of an alert's groups do if there is none."""
    told = await turn.said(live, members, log)
    return tuple(
        Row(
            seen=seen,
            fingerprint=seen.fingerprint,
            summary="" if silent else seen.summary,
            labels=tuple(
                (name, value) for name, value in seen.alert.labels.items() if name not in held and name != "severity"
            ),
            reasons=reasons(live, seen, survey),
            told=told.get(hash64(seen.alert)),
        )
        for seen in members
    )


def _alive(live: Live) -> list[tuple[str, int | None]]:
    """That the way is alive, for when nothing burns: when something last came in, and went out."""
    heard = max((alert.updated for alert in live.engine.book), default=None)
    sent = [one.last_success for one in live.delivery.health() if one.last_success is not None]
    return [("Last heard from a sender", heard), ("Last notification delivered", max(sent, default=None))]
