"""The alerts page: group cards or one dense table, with facets beside it. Pages are cut here, never in the browser."""

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, Final, TypeVar

import msgspec

from ampp.api.reply import Reply
from ampp.api.visit import Visit
from ampp.core.clock import Now
from ampp.core.group import Group
from ampp.core.labels import valid_name
from ampp.core.order import in_order
from ampp.core.record import LogEntry
from ampp.live import Live, in_slices
from ampp.web import turn
from ampp.web.detail import detail
from ampp.web.facet import facets
from ampp.web.filter import Token, exact, passes
from ampp.web.frame import Room, ailing_receivers
from ampp.web.reason import Reason, reasons
from ampp.web.survey import Seen, Survey, sliced

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
        flat = rows(room.live, found[(number - 1) * per : number * per], frozenset(), survey)
    else:
        heaps = await _heaps(found, by)
        heaps = await _sorted(heaps, _HEAP[sort])
        per, total = _CARDS, len(heaps)
        shown = heaps[(number - 1) * per : number * per]
        ailing = frozenset(ailing_receivers(room.live))
        cards = [await _card(room.live, group, members, by, now, survey, ailing) for group, members in shown]
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
        quiet=sum(seen.state != "active" for seen in found),
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

_Heap = tuple[Group | None, list[Seen]]


async def _sorted(items: list[T], key: Callable[[T], Any]) -> list[T]:
    """The items in order, made in slices: of many, finding what they are ordered by takes the time."""
    return await in_slices(in_order(items, key, _RUN))


async def _heaps(found: Sequence[Seen], by: Sequence[str]) -> list[_Heap]:
    """The alerts by the groups they are told in, or by labels."""
    named: dict[object, _Heap] = {}

    def sort_in(first: int, last: int) -> None:
        for seen in found[first:last]:
            if by:
                labels = seen.alert.labels
                key = tuple([labels.get(name, "") for name in by])
                named.setdefault(key, (None, []))[1].append(seen)
                continue
            for group in seen.alert.groups:
                if not group.gone:
                    named.setdefault(group.seat, (group, []))[1].append(seen)
            if not seen.alert.groups:
                named.setdefault("", (None, []))[1].append(seen)

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
_HEAP: Final[dict[str, Callable[[_Heap], Any]]] = {
    "severity": lambda heap: min(map(_urgency, heap[1])),
    "newest": lambda heap: -max(seen.alert.starts for seen in heap[1]),
    "oldest": lambda heap: min(seen.alert.starts for seen in heap[1]),
    "name": lambda heap: min(map(_name, heap[1])),
    "size": lambda heap: -len(heap[1]),
}


async def _card(
    live: Live,
    group: Group | None,
    members: list[Seen],
    by: Sequence[str],
    now: Now,
    survey: Survey,
    ailing: frozenset[str],
) -> Card:
    members.sort(key=_urgency)
    first = members[0].alert.labels
    if group is not None:
        labels = tuple(group.labels.items())
    else:
        labels = tuple((name, first[name]) for name in by if name in first)
    common = dict(first)

    def narrow(start: int, end: int) -> None:
        for seen in members[start:end]:
            if not common:
                return
            own = seen.alert.labels
            for name in [name for name, value in common.items() if own.get(name) != value]:
                del common[name]

    await sliced(narrow, len(members))
    texts = {seen.summary for seen in members[:_ROWS]}
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
        rows=rows(live, members[:_ROWS], held, survey, log, silent=bool(text)),
        total=len(members),
        quiet=sum(seen.state != "active" for seen in members),
        rank=min((seen.rank for seen in members if seen.state == "active"), default=4),
        ailing=group is not None and group.route.receiver in ailing,
        flush=None if group is None else turn.next_flush(group, now),
        told=turn.told(log),
        repeat=None if group is None else turn.next_repeat(group, log, now),
        tokens=tuple(tokens),
    )


def rows(
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
    told = turn.Told(live) if log is None else partial(turn.knows, log)
    return tuple(
        Row(
            seen=seen,
            fingerprint=seen.fingerprint,
            summary="" if silent else seen.summary,
            labels=tuple(
                (name, value) for name, value in seen.alert.labels.items() if name not in held and name != "severity"
            ),
            reasons=reasons(live, seen, survey),
            told=told(seen),
        )
        for seen in members
    )


def _alive(live: Live) -> list[tuple[str, int | None]]:
    """That the way is alive, for when nothing burns: when something last came in, and went out."""
    heard = max((alert.updated for alert in live.engine.book), default=None)
    sent = [one.last_success for one in live.delivery.health() if one.last_success is not None]
    return [("Last heard from a sender", heard), ("Last notification delivered", max(sent, default=None))]
