"""What there is to tell of one alert: what it is, since when, who was told and what failed, and why."""

from typing import Any, Final

import msgspec

from ampp.core.clock import HOUR, MILLISECOND, ZERO
from ampp.core.reason import EventKind
from ampp.history.course import Turn, spans
from ampp.web.answer import asked, instant
from ampp.web.frame import Room
from ampp.web.lane import WIDTH, Bar, bars
from ampp.web.reason import Reason, reasons
from ampp.web.survey import Seen, Survey
from ampp.web.words import DAY

__all__ = ["Detail", "detail", "strip"]

_EVENTS: Final = "200"
_NOTIFICATIONS: Final = "50"


class Detail(msgspec.Struct, frozen=True):
    """One alert. `seen` is None when it is over; `silent`, `mute` and `why_not` say why the history, the notifications
    and the explanation are not there. `ticks`: where in the strip a notification was sent, and how it ended."""

    name: str
    seen: Seen | None
    labels: dict[str, str]
    annotations: dict[str, str]
    generator: str
    starts: int
    ends: int
    reasons: tuple[Reason, ...]
    explained: Any
    why_not: str
    events: list[dict[str, Any]]
    silent: str
    notifications: list[dict[str, Any]]
    mute: str
    bars: list[Bar]
    ticks: list[tuple[float, str]]
    hours: tuple[int, ...]
    width: int = WIDTH


async def detail(room: Room, name: str, survey: Survey) -> Detail | None:
    """All about the alert with this fingerprint, 16 or 64 hexadecimal digits; None when nobody knows it."""
    live = room.live
    if len(name) not in (16, 64) or set(name) - set("0123456789abcdef"):
        return None
    seen = await room.surveyor.find(name) if len(name) == 16 else None
    values = {"fingerprint": name}
    explained, why_not = await asked(live, "alerts/{fingerprint}/explain", values)
    past, silent = await asked(live, "history/{fingerprint}", values, limit=[_EVENTS])
    sent, mute = await asked(live, "notifications", {}, alert=[name], per_page=[_NOTIFICATIONS])
    events: list[dict[str, Any]] = past["alerts"] if past else []
    if seen is None and not events:
        return None
    now = live.now().wall
    notifications = sent["notifications"] if sent else []
    return Detail(
        name=name,
        seen=seen,
        labels=dict(seen.alert.labels) if seen else events[0]["labels"],
        annotations=dict(seen.alert.annotations) if seen else events[0]["annotations"],
        generator=seen.alert.generator_url if seen else events[0]["generator_url"],
        starts=seen.alert.starts if seen else instant(events[0]["starts_at"]),
        ends=ZERO if seen else instant(events[0]["ends_at"]),
        reasons=reasons(live, seen, survey) if seen else (),
        explained=explained,
        why_not=why_not,
        events=events,
        silent=silent,
        notifications=notifications,
        mute=mute,
        bars=strip(events, now - DAY, now),
        ticks=_ticks(notifications, now - DAY),
        hours=tuple(now - DAY + place * 6 * HOUR for place in range(5)),
    )


def strip(events: list[dict[str, Any]], since: int, until: int) -> list[Bar]:
    """A day of an alert as spans, from its events, newest first: firing, suppressed, or neither."""
    turns = []
    for event in reversed(events):
        at, starts, ends = (instant(event[name]) for name in ("created_at", "starts_at", "ends_at"))
        kind = EventKind(event["event"])
        turns.append(
            Turn(at // MILLISECOND, kind, starts // MILLISECOND, None if ends == ZERO else ends // MILLISECOND)
        )
    window = since // MILLISECOND, until // MILLISECOND
    return bars(spans(turns, *window), *window)


def _ticks(notifications: list[dict[str, Any]], since: int) -> list[tuple[float, str]]:
    scale = WIDTH / DAY
    found = []
    for one in notifications:
        at = instant(one["ended_at"] or one["at"])
        if one["sent"] and at > since:
            found.append((round((at - since) * scale, 1), one["status"]))
    return found
