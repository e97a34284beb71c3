"""Everything that burns, seen once: all current alerts with the state each is in, for whoever looks within a moment.

Several people looking, and one looking again, share a survey for `FRESH`; what they change themselves makes a new one.
"""

import time
from collections.abc import Callable
from typing import Any, Final

import msgspec
import trio

from ampp.core import query
from ampp.core.alert import Alert
from ampp.core.book import fingerprint
from ampp.core.labels import fingerprint_hex
from ampp.core.route import Route
from ampp.core.view import AlertQuery
from ampp.live import Live
from ampp.observe.stall import Pace
from ampp.web.severity import LEVELS, Severities

__all__ = ["STATES", "Seen", "Survey", "Surveyor", "discard", "sliced"]

STATES: Final = ("active", "silenced", "inhibited", "muted")

FRESH: Final = 0.5
"""Seconds for which a survey serves; longer when it took long to make."""

_PACE: Final = 5
"""A survey serves so many times as long as it took."""

_STEP: Final = 256
"""Alerts looked at between two turns of somebody else."""

_SPOKEN: Final = ("summary", "title", "message", "description")


class Seen(msgspec.Struct, frozen=True, gc=False):
    """One alert. `state` is the first of silenced, inhibited, muted that holds; `rank` an index of `LEVELS`;
    of two alerts the one with the lower `order` is worse."""

    alert: Alert
    receivers: tuple[str, ...]
    silenced_by: tuple[str, ...]
    inhibited_by: tuple[str, ...]
    muted_by: tuple[str, ...]
    state: str
    rank: int
    order: int

    @property
    def fingerprint(self) -> str:
        return fingerprint_hex(fingerprint(self.alert))

    @property
    def summary(self) -> str:
        """The sentence that says what is wrong; nothing if no annotation does."""
        annotations = self.alert.annotations
        return next((text for name in _SPOKEN if (text := annotations.get(name, "").strip())), "")


class Survey(msgspec.Struct, frozen=True):
    """All alerts at `wall`, and how many of them are in each state and, if active, of each level.

    `place`: where in the stream of changes this was; whatever is not in here comes after it.
    """

    wall: int
    mono: int
    all: list[Seen]
    states: dict[str, int]
    levels: dict[str, int]
    place: str


async def sliced(work: Callable[[int, int], None], total: int, step: int = _STEP) -> None:
    """Call `work(first, last)` over `total` things, letting others run in between."""
    pace = Pace()
    for first in range(0, total, step):
        work(first, min(first + step, total))
        await pace.pause()


async def discard(items: list[Any]) -> None:
    """Empty a list that nobody else uses, letting others run in between: 100,000 alerts as they were seen would take
    20 ms to be freed in one piece."""
    pace = Pace()
    while items:
        del items[-_STEP:]
        await pace.pause()


class Surveyor:
    """Makes surveys. `base`: another surveyor, whose surveys this one shows by other severities."""

    def __init__(self, live: Live, severities: Severities, base: "Surveyor | None" = None) -> None:
        self._live: Final = live
        self._severities: Final = severities
        self._base: Final = base
        self._of: Survey | None = None
        self._lock: Final = trio.Lock()
        self._last: Survey | None = None
        self._until = 0.0
        self._epoch: object = None

    async def survey(self) -> Survey:
        """How things stand, at most a moment ago."""
        async with self._lock:
            if self._base is not None:
                survey = await self._base.survey()
                if self._last is None or self._of is not survey:
                    new, left = await self._ranked(survey), self._known(self._of)
                    self._last, self._of = new, survey
                    await discard(left)
                    return new
                return self._last
            epoch = self._live.silences.epoch, id(self._live.plan)
            if self._last is None or self._epoch != epoch or time.monotonic() > self._until:
                began = time.monotonic()
                new, left = await self._take(), self._known()
                took = time.monotonic() - began
                self._last, self._epoch, self._until = new, epoch, began + took + max(FRESH, _PACE * took)
                await discard(left)
                return new
            return self._last

    def _known(self, of: Survey | None = None) -> list[Seen]:
        """What the last survey consists of, and another one, to be forgotten a little at a time."""
        return [seen for survey in (self._last, of) if survey is not None for seen in survey.all]

    async def _take(self) -> Survey:
        live = self._live
        # Changes are told a moment after they happened, so some that are in here already may be told once more.
        place = live.feed.place()
        now = live.now()
        muted: dict[tuple[Route, ...], tuple[str, ...]] = {}
        found: list[Seen] = []
        states = dict.fromkeys(STATES, 0)
        levels = dict.fromkeys(LEVELS, 0)
        groups, severities = live.engine.groups, self._severities

        # Each batch is looked at when it comes: 100,000 views would take 10 ms to be freed in one piece.
        pace = Pace()
        for views in query.alerts(live.engine, AlertQuery(), now.wall, ordered=False):
            for view in views:
                alert = view.alert
                routes = groups.route(alert)
                names = muted.get(routes)
                if names is None:
                    names = muted[routes] = self._muted(routes, now.wall)
                if view.status.silenced_by:
                    state = "silenced"
                elif view.status.inhibited_by:
                    state = "inhibited"
                else:
                    state = "muted" if names else "active"
                order = severities.order(alert.labels)
                rank = severities.rank_of(order)
                states[state] += 1
                if state == "active":
                    levels[LEVELS[rank]] += 1
                found.append(
                    Seen(
                        alert,
                        view.status.receivers,
                        view.status.silenced_by,
                        view.status.inhibited_by,
                        names,
                        state,
                        rank,
                        order,
                    )
                )
            await pace.pause()
        return Survey(now.wall, now.mono, found, states, levels, place)

    async def _ranked(self, survey: Survey) -> Survey:
        """The survey by this one's severities."""
        severities = self._severities
        levels = dict.fromkeys(LEVELS, 0)
        found: list[Seen] = []

        def look(first: int, last: int) -> None:
            for seen in survey.all[first:last]:
                order = severities.order(seen.alert.labels)
                rank = severities.rank_of(order)
                if order != seen.order:
                    seen = msgspec.structs.replace(seen, rank=rank, order=order)
                if seen.state == "active":
                    levels[LEVELS[rank]] += 1
                found.append(seen)

        await sliced(look, len(survey.all))
        return msgspec.structs.replace(survey, all=found, levels=levels)

    def _muted(self, routes: tuple[Route, ...], wall: int) -> tuple[str, ...]:
        """The intervals that keep every one of the routes quiet; nothing as soon as one of them speaks."""
        muting = self._live.engine.muting
        names: list[str] = []
        for route in routes:
            here = muting.active_names(route, wall) or muting.mute_names(route, wall)
            if not here:
                return ()
            names += here
        return tuple(dict.fromkeys(names))

    async def name(self, survey: Survey) -> None:
        """Find out the fingerprints of all alerts: so that looking at all of them takes no time any more."""

        def look(first: int, last: int) -> None:
            for seen in survey.all[first:last]:
                fingerprint(seen.alert)

        await sliced(look, len(survey.all))

    async def find(self, name: str) -> Seen | None:
        """The alert with this fingerprint, 16 hexadecimal digits."""
        survey = await self.survey()
        await self.name(survey)
        wanted = int(name, 16)
        return next((seen for seen in survey.all if seen.alert.fingerprint == wanted), None)
