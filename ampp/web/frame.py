"""The frame of every page: templates, navigation, headers. Whatever comes from outside is escaped by the templates."""

import gzip
import hashlib
import re
from functools import partial
from pathlib import Path
from typing import Any, Final

import trio
from jinja2 import Environment, FileSystemLoader, StrictUndefined, Template
from markupsafe import Markup, escape

from ampp import __version__
from ampp.api.reply import Reply
from ampp.api.visit import Visit
from ampp.config.severity import Scale
from ampp.core.book import fingerprint
from ampp.core.clock import Now
from ampp.core.duration import format_prometheus
from ampp.core.matcher import MatcherError, Mode, parse_matchers
from ampp.core.timestamp import parse_rfc3339
from ampp.live import Live
from ampp.observe.stall import Pace
from ampp.web import words
from ampp.web.address import Address, root_of, segment
from ampp.web.answer import instant
from ampp.web.asset import version
from ampp.web.filter import PSEUDO, Moment, Token, exact, read
from ampp.web.look import look_of
from ampp.web.severity import LEVELS, Severities
from ampp.web.survey import STATES, Survey, Surveyor

__all__ = ["COOKIE", "Frame", "Room", "ailing_receivers", "see_other"]

COOKIE: Final = "ampp-author"
"""Remembers who wrote the last silence, so that he need not say it again."""

_OTHERS: Final = 4
"""Visitors' own severities that surveys are kept for."""

_AILING: Final = ("failing", "retrying", "unsendable")
_MODULES: Final = ("live.js", "pane.js", "recent.js", "views.js", "editor.js")
"""What page.js imports: asked for together with it, and not after it."""

_SHAPES: Final = {"critical": "▲", "warning": "●", "info": "■", "other": "◆"}

_STRICT: Final = (
    (
        "Content-Security-Policy",
        "default-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'; object-src 'none'",
    ),
    ("X-Content-Type-Options", "nosniff"),
    ("X-Frame-Options", "DENY"),
    ("Referrer-Policy", "same-origin"),
    ("Cross-Origin-Opener-Policy", "same-origin"),
)
_PARTS: Final = re.compile(r'{% (?:extends|include|import) "([^"]+)"')
"""The other templates that one is made of."""

_HTML: Final = "text/html; charset=utf-8"

_SECTIONS: Final = (
    ("alerts", "Alerts", "a"),
    ("groups", "Groups", "g"),
    ("silences", "Silences", "s"),
    ("inhibitions", "Inhibitions", "i"),
    ("routing", "Routing", "r"),
    ("receivers", "Receivers", "c"),
    ("history", "History", "h"),
    ("status", "Status", "t"),
)
"""Path, name, and the key that goes there after `g`."""


def ailing_receivers(live: Live) -> set[str]:
    """The receivers with an integration that cannot be reached, or has yet to be."""
    return {one.integration.receiver for one in live.delivery.health() if one.state in _AILING}


class Room:
    """What every page works with. `scale`: the severities' words, if they are not those of `ampp.yml`; `base`: the
    room that has these."""

    def __init__(self, live: Live, scale: Scale | None = None, base: "Room | None" = None) -> None:
        self.live: Final = live
        self.severities: Final = Severities(scale or live.settings.ui.scale)
        self.surveyor: Final[Surveyor] = Surveyor(live, self.severities, None if base is None else base.surveyor)
        self.frame: Final[Frame] = Frame(self, None if base is None else base.frame)
        self._others: Final[dict[Scale, Room]] = {}

    def of(self, visit: Visit) -> "Room":
        """The room as this visitor sees it: by severities of his own, if he chose some. The last few are kept."""
        scale = look_of(visit).scale
        if scale is None:
            return self
        room = self._others.pop(scale, None) or Room(self.live, scale, self)
        self._others[scale] = room
        if len(self._others) > _OTHERS:
            del self._others[next(iter(self._others))]
        return room

    @property
    def mode(self) -> Mode:
        return self.live.options.features.mode

    def moment(self, survey: Survey) -> Moment:
        """What filters look at."""
        by_name: dict[int, dict[str, str]] = {}

        def source(name: str) -> dict[str, str]:
            if not by_name:
                by_name.update((fingerprint(seen.alert), seen.alert.labels) for seen in survey.all)
            return by_name.get(int(name, 16), {})

        return Moment(survey.wall, self.live.silences, source)

    async def tokens(self, visit: Visit, survey: Survey) -> list[Token]:
        """The filter that the address holds."""
        texts = _texts(visit, self.mode)
        if any(text.startswith("@inhibited_by") for text in texts):
            await self.surveyor.name(survey)
        return read(texts, self.mode, self.moment(survey))


def _texts(visit: Visit, mode: Mode) -> list[str]:
    """The filter's texts. Grafana and upstream's links give all matchers in one, in braces."""
    texts: list[str] = []
    for text in visit.query.all("filter"):
        text = text.strip()
        if text.startswith("{") and text.endswith("}"):
            try:
                texts += [str(matcher) for matcher in parse_matchers(text, mode).matchers]
                continue
            except MatcherError:
                pass
        texts.append(text)
    return list(dict.fromkeys(texts))


class Frame:
    """Renders pages. `base`: another one, whose templates this one shares."""

    def __init__(self, room: Room, base: "Frame | None" = None) -> None:
        self._room: Final = room
        self._loaded: Final[dict[str, Template]] = {} if base is None else base._loaded
        self._templates: Final[Environment] = _environment() if base is None else base._templates

    async def _template(self, name: str) -> Template:
        """A template that renders at once. Loading takes many times as long as rendering: it is done when first needed,
        in a thread, with whatever it is made of."""
        known = self._loaded.get(name)
        if known is None:
            known = self._loaded[name] = await trio.to_thread.run_sync(self._load, name)
        return known

    def _load(self, name: str) -> Template:
        assert self._templates.loader is not None
        source, _, _ = self._templates.loader.get_source(self._templates, name)
        for other in _PARTS.findall(source):
            if other not in self._loaded:
                self._loaded[other] = self._load(other)
        return self._templates.get_template(name)

    async def page(
        self,
        visit: Visit,
        template: str,
        *,
        title: str,
        section: str,
        status: int = 200,
        survey: Survey | None = None,
        headers: tuple[tuple[str, str], ...] = (),
        **values: Any,
    ) -> Reply:
        """A whole page. `section`: which entry of the navigation it belongs to."""
        room = self._room
        survey = survey or await room.surveyor.survey()
        now = room.live.now()
        root = root_of(visit.path)
        address = Address(visit.path.rpartition("/")[2], visit.query.values())
        look = look_of(visit)
        body = await self._rendered(
            template,
            root=root,
            place=survey.place,
            static=f"{root}ui/static/{version()}/",
            title=title,
            section=section,
            sections=_SECTIONS,
            marks=self._marks(survey, now),
            firing=survey.states["active"],
            worst=_worst(survey),
            now=now.wall,
            address=address,
            look=look,
            level=room.severities.rank,
            hue=look.palette(room.live.settings.ui.label_colours),
            tokens=values.pop("tokens", []),
            flash=_FLASHES.get(visit.query.last("done")),
            query=visit.query,
            at=partial(_time, now.wall),
            timed=partial(_timed, now.wall),
            **values,
        )
        return self._reply(visit, status, body, headers)

    async def part(self, visit: Visit, template: str, **values: Any) -> Reply:
        """A piece of a page, for a script to put in its place."""
        root = root_of(visit.path)
        now = self._room.live.now().wall
        address = Address("", visit.query.values())
        body = await self._rendered(
            template,
            root=root,
            now=now,
            address=address,
            level=self._room.severities.rank,
            hue=look_of(visit).palette(self._room.live.settings.ui.label_colours),
            at=partial(_time, now),
            timed=partial(_timed, now),
            **values,
        )
        return self._reply(visit, 200, body, ())

    async def _rendered(self, name: str, **values: Any) -> bytes:
        """A page, or a piece of one. Lets others run in between: a hundred rows take 20 ms. What is shown was put
        together before, but for what an alert says of itself, which its row reads without a pause: so nothing that
        others do meanwhile makes two parts of a page disagree."""
        template = await self._template(name)
        pace, pieces = Pace(), []
        for piece in template.generate(**values):
            pieces.append(piece)
            await pace.pause()
        return "".join(pieces).encode()

    def _reply(self, visit: Visit, status: int, body: bytes, headers: tuple[tuple[str, str], ...]) -> Reply:
        tag = f'"{hashlib.blake2b(body, digest_size=12).hexdigest()}"'
        always = (*_STRICT, ("Cache-Control", "no-cache"), ("Vary", "Accept-Encoding, Cookie"), ("ETag", tag), *headers)
        if status == 200 and visit.headers.get("if-none-match", "").removeprefix("W/") == tag:
            return Reply(304, b"", None, always)
        if len(body) > 1024 and "gzip" in visit.headers.get("accept-encoding", ""):
            body = gzip.compress(body, 4, mtime=0)
            always = (*always, ("Content-Encoding", "gzip"))
        return Reply(status, body, _HTML, always)

    def _marks(self, survey: Survey, now: Now) -> dict[str, tuple[str, str]]:
        """By section: the number beside its name, and what needs eyes there."""
        live = self._room.live
        active = len(live.silences.query((), now, pending=False, expired=False)) if len(live.silences) else 0
        ailing = ailing_receivers(live)
        trouble = live.history.health().reason
        return {
            "alerts": (str(len(survey.all) or ""), ""),
            "groups": (str(len(live.engine.groups) or ""), ""),
            "silences": (str(active or ""), ""),
            "inhibitions": (str(survey.states["inhibited"] or ""), ""),
            "routing": ("", ""),
            "receivers": ("", f"{len(ailing)} failing" if ailing else ""),
            "history": ("", "not being written" if trouble else ""),
            "status": ("", ""),
        }


def _environment() -> Environment:
    templates = Environment(
        loader=FileSystemLoader(Path(__file__).parent / "templates"),
        autoescape=True,
        auto_reload=False,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    templates.globals.update(
        exact=exact,
        duration=format_prometheus,
        human=words.human,
        instant=instant,
        levels=LEVELS,
        modules=_MODULES,
        pseudo=PSEUDO,
        safe_url=words.safe_url,
        segment=segment,
        shapes=_SHAPES,
        shortened=words.shortened,
        span_words=words.span_words,
        states=STATES,
        version=__version__,
    )
    return templates


def _worst(survey: Survey) -> str:
    for name in LEVELS:
        if survey.levels[name]:
            return name if name == "critical" else "warning" if name == "warning" else ""
    return "" if survey.states["active"] else "ok"


def _time(now: int, wall: int, form: str = "ago") -> Markup:
    """An instant in words that a script keeps true: `ago` and `until` count, `clock` tells the time."""
    if form == "clock":
        text = words.clock(wall)
    elif form == "until" and wall <= now:
        text = "now"
    else:
        text = words.span_words(wall - now if form == "until" else now - wall)
    return Markup('<time datetime="{}" data-as="{}" title="{}">{}</time>').format(
        words.stamp(wall), form, words.clock(wall), text
    )


_STAMP: Final = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?Z")


def _timed(now: int, text: str) -> Markup:
    """A text with the instants in it marked as such."""
    done, last = Markup(), 0
    for match in _STAMP.finditer(text):
        done += escape(text[last : match.start()]) + _time(now, parse_rfc3339(match[0])[0], "clock")
        last = match.end()
    return done + escape(text[last:])


_FLASHES: Final = {
    "created": "The silence is in force.",
    "updated": "The silence has been changed.",
    "extended": "The silence has been extended.",
    "expired": "The silence has ended; its alerts may notify again.",
    "bulk": "The silences chosen have ended; their alerts may notify again.",
    "restored": "The silence is back in force.",
    "look": "Kept in this browser.",
    "nothing": "Nothing was chosen.",
}
"""What a page says after a write, by what its address says was done: never a text out of the address itself."""


def see_other(location: str, headers: tuple[tuple[str, str], ...] = (), **values: str) -> Reply:
    """After a write: look there, at an address relative to the one written to."""
    link = Address(location, {name: [value] for name, value in values.items()}).set()
    return Reply(303, b"", None, (("Location", link), ("Cache-Control", "no-store"), *headers))
