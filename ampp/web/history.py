"""The past: what happened, searched and counted."""

from typing import Any, Final

from ampp.api.reply import Reply
from ampp.api.visit import Visit
from ampp.core.clock import HOUR, MILLISECOND
from ampp.core.duration import DurationError, parse_prometheus
from ampp.core.matcher import Op
from ampp.core.timestamp import format_rfc3339
from ampp.history.course import of_fingerprints
from ampp.history.error import HistoryError
from ampp.web.answer import asked, instant
from ampp.web.filter import Token
from ampp.web.frame import Room
from ampp.web.lane import WIDTH, Lane, lane
from ampp.web.words import DAY

__all__ = ["page"]

_TABS: Final = ("events", "notifications", "top", "flapping", "report")
_SPANS: Final = ("1h", "6h", "24h", "7d", "30d")
_EVENTS: Final = ("firing", "resolved", "expired", "suppressed", "unsuppressed")
_PER: Final = "50"
_LANES: Final = 12
_PATIENCE: Final = 2.0
"""Seconds that drawing may make the list wait."""

_KEYS: Final = {Op.EQ: "labels", Op.NE: "labels_ne", Op.RE: "labels_regex", Op.NRE: "labels_not_regex"}


async def page(room: Room, visit: Visit, _: str) -> Reply:
    """GET /ui/history: one of the tabs, over a span up to now."""
    live, query = room.live, visit.query
    tab = query.last("tab") if query.last("tab") in _TABS else "events"
    span = query.last("span") or "24h"
    now = live.now().wall
    try:
        since = now - min(parse_prometheus(span), 90 * DAY)
    except DurationError:
        span, since = "24h", now - DAY
    window = {"from": [format_rfc3339(since)], "to": [format_rfc3339(now)]}
    survey = await room.surveyor.survey()
    tokens = await room.tokens(visit, survey)
    content, trouble = None, ""
    lanes: list[tuple[Any, Lane]] = []
    if tab == "events":
        given, tokens = _filters(tokens)
        kind = query.last("event")
        if kind in _EVENTS:
            given["event"] = [kind]
        cursor = [query.last("cursor")] if query.last("cursor") else []
        content, trouble = await asked(
            live, "history", {}, **window, **given, per_page=[_PER], sort_field=["created_at"], cursor=cursor
        )
        lanes = await _lanes(room, content["alerts"] if content else [], since, now)
    elif tab == "notifications":
        given = {name: query.all(name) for name in ("receiver", "status") if query.last(name)}
        cursor = [query.last("cursor")] if query.last("cursor") else []
        content, trouble = await asked(live, "notifications", {}, **window, **given, per_page=[_PER], cursor=cursor)
    elif tab == "top":
        content, trouble = await asked(live, "history/top", {}, **window, limit=["50"])
    elif tab == "flapping":
        content, trouble = await asked(live, "history/flapping", {}, **window)
    else:
        content, trouble = await asked(live, "report", {}, **window, top=["10"])
    return await room.frame.page(
        visit,
        "history.html",
        title="History",
        section="history",
        survey=survey,
        tokens=tokens if tab == "events" else [],
        tab=tab,
        tabs=_TABS,
        span=span,
        spans=_SPANS,
        kinds=_EVENTS,
        content=content,
        trouble=trouble,
        lanes=lanes,
        since=since,
        width=WIDTH,
        bars=_bars(content["summary"]["trends"], since, now)
        if tab == "report" and content and content["summary"]
        else (),
    )


async def _lanes(room: Room, events: list[Any], since: int, until: int) -> list[tuple[Any, Lane]]:
    """The first few alerts that the list speaks of, each by its latest event, and their courses over the span."""
    latest: dict[str, Any] = {}
    for event in events:
        if len(latest) < _LANES:
            latest.setdefault(event["am_fingerprint"], event)
    first, last = since // MILLISECOND, until // MILLISECOND
    try:
        courses = await room.live.history.ask(
            lambda connection: of_fingerprints(connection, latest, first, last), deadline=_PATIENCE
        )
    except HistoryError:
        return []
    return [(latest[name], lane(course, first, last)) for name, course in courses.items()]


def _bars(trends: Any, since: int, until: int) -> tuple[tuple[int, int], ...]:
    """Beginnings in every hour of the span, or every day of a long one: when each starts, and how many."""
    step, name = (HOUR, "hourly") if until - since <= 8 * DAY else (DAY, "daily")
    counts = {instant(point["timestamp"]) // step: point["count"] for point in trends[name]}
    return tuple((place * step, counts.get(place, 0)) for place in range(since // step, until // step + 1))


def _filters(tokens: list[Token]) -> tuple[dict[str, list[str]], list[Token]]:
    """The tokens as the history's filters. It keeps no states of the present: pseudo labels get an error."""
    given: dict[str, list[str]] = {}
    shown = []
    for token in tokens:
        if token.error:
            shown.append(token)
            continue
        if token.word:
            given.setdefault("search", []).append(token.text)
        elif not token.matchers:
            shown.append(Token(token.text, "the history knows labels and words only"))
            continue
        for matcher in token.matchers:
            value = matcher.value if matcher.op in (Op.EQ, Op.NE) else f"^(?:{matcher.value})$"
            given.setdefault(f"{_KEYS[matcher.op]}[{matcher.name}]", []).append(value)
        shown.append(token)
    return given, shown
