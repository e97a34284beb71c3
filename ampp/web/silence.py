"""Silences: the list, one of them, the editor, and every write. Writes are forms; scripts only make them quicker."""

import re
from http.cookies import CookieError, SimpleCookie
from typing import Final
from urllib.parse import quote, unquote

import msgspec

from ampp.api.reply import Reply
from ampp.api.visit import Visit
from ampp.core.book import fingerprint
from ampp.core.clock import HOUR, MICROSECOND, MILLISECOND, MINUTE
from ampp.core.duration import DurationError, parse_prometheus
from ampp.core.matcher import Matcher, matches_all
from ampp.core.silence import Silence, SilenceDraft, SilenceError, SilenceNotFound
from ampp.history.error import HistoryError
from ampp.history.reach import Reach, reach
from ampp.web import draft
from ampp.web.alerts import rows
from ampp.web.draft import Draft
from ampp.web.filter import Token, matchers_of
from ampp.web.frame import COOKIE, Room, see_other
from ampp.web.severity import LEVELS
from ampp.web.survey import Seen, Survey, sliced

__all__ = ["bulk", "edit", "effect", "expire", "extend", "listing", "new", "page", "put", "restore"]

_PER: Final = 100
_SHOWN: Final = 50
_SAMPLE: Final = 12
_DAYS: Final = 7
_LOOK: Final = 3.0
"""Seconds that looking back may take; the editor does not wait longer."""

_UNDO: Final = 200
_YEAR: Final = 365 * 24 * 3600

_NAME: Final = re.compile("[0-9a-f]{16}")
_STATES: Final = ("active", "pending", "expired")


class Shown(msgspec.Struct, frozen=True):
    """One silence in a list; `hits` is how many alerts it keeps quiet now."""

    silence: Silence
    state: str
    hits: int
    matchers: tuple[Matcher, ...]


class Effect(msgspec.Struct, frozen=True):
    """What matchers hit now, and hit in the days before. `past` is None, and `trouble` says why, if that is unknown."""

    count: int
    quiet: int
    levels: tuple[tuple[str, int], ...]
    sample: tuple[Seen, ...]
    everything: bool
    past: Reach | None = None
    bars: tuple[int, ...] = ()
    trouble: str = ""


# -- looking ---------------------------------------------------------------------------------------------------------


async def listing(room: Room, visit: Visit, _: str) -> Reply:
    """GET /ui/silences."""
    survey = await room.surveyor.survey()
    tokens = await room.tokens(visit, survey)
    now = room.live.now()
    counts = dict.fromkeys(_STATES, 0)
    wanted = visit.query.last("state")
    wanted = wanted if wanted in _STATES else "active"
    found: list[Silence] = []
    for silence in room.live.silences.query((), now):
        if all(_holds(token, silence, silence.state(now.wall)) for token in tokens):
            state = silence.state(now.wall)
            counts[state] += 1
            if state == wanted:
                found.append(silence)
    hits = await _hits(survey)
    text = visit.query.last("page")
    number = max(1, int(text)) if text.isascii() and text.isdigit() and len(text) < 7 else 1
    shown = found[(number - 1) * _PER : number * _PER]
    return await room.frame.page(
        visit,
        "silences.html",
        title="Silences",
        section="silences",
        survey=survey,
        tokens=tokens,
        silences=[_shown(silence, now.wall, hits) for silence in shown],
        counts=counts,
        wanted=wanted,
        number=number,
        last=-(-len(found) // _PER),
        undo=visit.query.all("undo")[:_UNDO],
    )


def _holds(token: Token, silence: Silence, state: str) -> bool:
    """A silence is found by a matcher it holds, by a word in what is said about it, by its author, state or id."""
    if token.error:
        return True
    if token.pseudo is not None:
        name, test = token.pseudo
        values = {"author": silence.created_by, "silenced_by": silence.id, "state": state}
        return name not in values or test(values[name]) is not token.negative
    if token.word:
        word = token.text.casefold()
        texts = [silence.comment, silence.created_by, silence.id, *(str(m) for s in silence.matcher_sets for m in s)]
        return any(word in text.casefold() for text in texts)
    return any(all(matcher in matchers for matcher in token.matchers) for matchers in silence.matcher_sets)


async def _hits(survey: Survey) -> dict[str, int]:
    """How many alerts each silence keeps quiet."""
    hits: dict[str, int] = {}

    def count(first: int, last: int) -> None:
        for seen in survey.all[first:last]:
            for identity in seen.silenced_by:
                hits[identity] = hits.get(identity, 0) + 1

    if survey.states["silenced"]:
        await sliced(count, len(survey.all))
    return hits


def _shown(silence: Silence, wall: int, hits: dict[str, int]) -> Shown:
    matchers = tuple(matcher for matchers in silence.matcher_sets for matcher in matchers)
    return Shown(silence, silence.state(wall), hits.get(silence.id, 0), matchers)


async def page(room: Room, visit: Visit, identity: str) -> Reply:
    """GET /ui/silence/<id>."""
    silence = room.live.silences.get(identity)
    if silence is None:
        return await _gone(room, visit)
    survey = await room.surveyor.survey()
    hit = await _hit(survey, silence.matcher_sets)
    wall = room.live.now().wall
    return await room.frame.page(
        visit,
        "silence.html",
        title="Silence",
        section="silences",
        survey=survey,
        one=_shown(silence, wall, await _hits(survey)),
        several=len(silence.matcher_sets) > 1,
        rows=await rows(room.live, hit[:_SHOWN], frozenset(), survey),
        total=len(hit),
        undo=visit.query.all("undo")[:_UNDO],
    )


async def _gone(room: Room, visit: Visit) -> Reply:
    text = "There is no such silence. Expired ones are forgotten after --data.retention."
    return await room.frame.page(visit, "trouble.html", title="Not found", section="silences", status=404, text=text)


async def _hit(survey: Survey, sets: tuple[tuple[Matcher, ...], ...]) -> list[Seen]:
    found: list[Seen] = []

    def look(first: int, last: int) -> None:
        found.extend(
            seen for seen in survey.all[first:last] if any(matches_all(some, seen.alert.labels) for some in sets)
        )

    await sliced(look, len(survey.all))
    found.sort(key=lambda seen: (seen.order, -seen.alert.starts))
    return found


# -- the editor ------------------------------------------------------------------------------------------------------


async def new(room: Room, visit: Visit, _: str) -> Reply:
    """GET /ui/silences/new: filled in from alerts (`fp`), a filter, or another silence (`like`)."""
    survey = await room.surveyor.survey()
    query = visit.query
    chosen = {int(name, 16) for name in query.all("fp") if _NAME.fullmatch(name)}
    like = room.live.silences.get(query.last("like"))
    if query.all("name"):
        wanted = draft.from_form(query)
    elif chosen:
        await room.surveyor.name(survey)
        wanted = draft.from_alerts([seen for seen in survey.all if fingerprint(seen.alert) in chosen])
    elif like is not None:
        wanted = draft.from_silence(like, anew=True)
    else:
        wanted = draft.from_matchers(matchers_of(await room.tokens(visit, survey)))
    wanted.comment = wanted.comment or query.last("comment")[:1024]
    wanted.author = wanted.author or _author(visit)
    return await _editor(room, visit, wanted, survey)


async def edit(room: Room, visit: Visit, identity: str) -> Reply:
    """GET /ui/silence/<id>/edit."""
    silence = room.live.silences.get(identity)
    if silence is None:
        return await _gone(room, visit)
    anew = silence.state(room.live.now().wall) == "expired"
    survey = await room.surveyor.survey()
    return await _editor(room, visit, draft.from_silence(silence, anew=anew), survey)


async def _editor(room: Room, visit: Visit, wanted: Draft, survey: Survey, status: int = 200) -> Reply:
    matchers = draft.matchers_in(wanted.rows, {})
    names: dict[str, int] = {}
    for seen in survey.all[:5000]:
        for name in seen.alert.labels:
            names[name] = names.get(name, 0) + 1
    return await room.frame.page(
        visit,
        "silence_edit.html",
        title="Change silence" if wanted.id else "New silence",
        section="silences",
        status=status,
        survey=survey,
        draft=wanted,
        presets=draft.PRESETS,
        names=sorted(names, key=lambda name: -names[name])[:200],
        effect=await _effect(room, survey, matchers),
        levels=LEVELS,
    )


async def effect(room: Room, visit: Visit, _: str) -> Reply:
    """GET /ui/silences/effect: the right side of the editor, for what stands on the left."""
    survey = await room.surveyor.survey()
    matchers = draft.matchers_in(draft.from_form(visit.query).rows, {})
    return await room.frame.part(visit, "effect.html", effect=await _effect(room, survey, matchers))


async def _effect(room: Room, survey: Survey, matchers: tuple[Matcher, ...]) -> Effect | None:
    if not matchers:
        return None
    hit = await _hit(survey, (matchers,))
    past: Reach | None = None
    bars: tuple[int, ...] = ()
    trouble = ""
    until = survey.wall // MILLISECOND
    since = until - _DAYS * 24 * 3_600_000
    try:
        past = await room.live.history.ask(lambda connection: reach(connection, matchers, since, until), _LOOK)
        hours = since // 3_600_000
        bars = tuple(past.hours.get(hours + place, 0) for place in range(_DAYS * 24 + 1))
    except HistoryError as error:
        trouble = str(error)
    return Effect(
        count=len(hit),
        quiet=sum(seen.state != "active" for seen in hit),
        levels=tuple((name, n) for place, name in enumerate(LEVELS) if (n := sum(s.rank == place for s in hit))),
        sample=tuple(hit[:_SAMPLE]),
        everything=len(hit) == len(survey.all) > 1,
        past=past,
        bars=bars,
        trouble=trouble,
    )


def _author(visit: Visit) -> str:
    try:
        morsel = SimpleCookie(visit.headers.get("cookie", "")).get(COOKIE)
    except CookieError:
        return ""
    return unquote(morsel.value)[:200] if morsel else ""


# -- writes ----------------------------------------------------------------------------------------------------------


async def put(room: Room, visit: Visit, _: str) -> Reply:
    """POST /ui/silences: create, or change if an `id` is given."""
    live = room.live
    wanted = draft.from_form(visit.form())
    old = live.silences.get(wanted.id) if wanted.id else None
    if wanted.id and old is None:
        wanted.errors["form"] = "this silence is gone; saving again makes a new one"
        wanted.id = wanted.updated = ""
    elif old is not None and str(old.updated // MICROSECOND) != wanted.updated:
        who = old.created_by or "somebody"
        wanted.errors["form"] = f"{who} has changed this silence meanwhile; look at it again, or save once more"
        wanted.updated = str(old.updated // MICROSECOND)
    ready = wanted.checked(live.now().wall, dict(old.annotations) if old else {})
    if ready is None:
        return await _refused(room, visit, wanted)
    try:
        identity = await live.put_silence(ready)
    except SilenceError as error:
        wanted.errors["form"] = str(error)
        return await _refused(room, visit, wanted)
    cookie = f"{COOKIE}={quote(ready.created_by[:200])}; Path=/; Max-Age={_YEAR}; SameSite=Lax; HttpOnly"
    return see_other(f"silence/{identity}", (("Set-Cookie", cookie),), done="updated" if old else "created")


async def _refused(room: Room, visit: Visit, wanted: Draft) -> Reply:
    return await _editor(room, visit, wanted, await room.surveyor.survey(), 409 if "form" in wanted.errors else 400)


async def expire(room: Room, visit: Visit, identity: str) -> Reply:
    """POST /ui/silence/<id>/expire."""
    silence = room.live.silences.get(identity)
    if silence is None:
        return await _gone(room, visit)
    undo = _ticket(silence)
    await room.live.expire_silence(identity)
    return see_other("../../silences", done="expired", undo=undo)


async def bulk(room: Room, visit: Visit, _: str) -> Reply:
    """POST /ui/silences/bulk: end all those chosen."""
    wall = room.live.now().wall
    undo = []
    for identity in visit.form().all("id")[:_UNDO]:
        silence = room.live.silences.get(identity)
        if silence is None or silence.state(wall) == "expired":
            continue
        undo.append(_ticket(silence))
        await room.live.expire_silence(identity)
    pairs = "".join(f"&undo={quote(ticket)}" for ticket in undo)
    done = "bulk" if undo else "nothing"
    return Reply(303, b"", None, (("Location", f"../silences?done={done}{pairs}"), ("Cache-Control", "no-store")))


def _ticket(silence: Silence) -> str:
    """What is needed to take an expiry back: the silence, and when it would have begun and ended."""
    return f"{silence.id}~{silence.starts // MILLISECOND}~{silence.ends // MILLISECOND}"


async def restore(room: Room, visit: Visit, _: str) -> Reply:
    """POST /ui/silences/restore: put expired silences back, until when they would have ended (`undo`), or for as
    long as they lasted (`again`)."""
    live, form = room.live, visit.form()
    identity, count = "", 0
    for ticket in (form.all("undo") + form.all("again"))[:_UNDO]:
        name, *span = ticket.split("~")
        silence = live.silences.get(name)
        now = live.now()
        if silence is None or silence.state(now.wall) != "expired":
            continue
        if len(span) == 2 and all(part.isascii() and part.isdigit() and len(part) < 15 for part in span):
            starts, ends = (int(part) * MILLISECOND for part in span)
        else:
            starts, ends = now.wall, now.wall + max(10 * MINUTE, silence.ends - silence.starts)
        if ends <= now.wall:
            continue
        try:
            identity = await live.put_silence(_again(silence, max(starts, now.wall), ends))
            count += 1
        except SilenceError:
            continue
    if not count:
        return see_other("../silences", done="nothing")
    return see_other(f"../silence/{identity}" if count == 1 else "../silences", done="restored")


def _again(silence: Silence, starts: int, ends: int) -> SilenceDraft:
    return SilenceDraft(
        id=None,
        matcher_sets=silence.matcher_sets,
        starts=starts,
        ends=ends,
        created_by=silence.created_by,
        comment=silence.comment,
        annotations=dict(silence.annotations),
    )


async def extend(room: Room, visit: Visit, identity: str) -> Reply:
    """POST /ui/silence/<id>/extend: let it end later, `by` a duration."""
    live = room.live
    silence = live.silences.get(identity)
    if silence is None:
        return await _gone(room, visit)
    try:
        span = parse_prometheus(visit.form().last("by") or "1h")
    except DurationError:
        span = HOUR
    now = live.now().wall
    if silence.state(now) == "expired":
        wanted = _again(silence, now, now + span)
    else:
        wanted = msgspec.structs.replace(_again(silence, silence.starts, silence.ends + span), id=silence.id)
    try:
        name = await live.put_silence(wanted)
    except SilenceNotFound:
        return await _gone(room, visit)
    return see_other(f"../{name}", done="extended")
