"""Finds out what the journal's records, and the clock, amount to, and publishes it.

Theory of operation. While somebody wants events, records are collected for `COALESCE` seconds and then looked at
together: of each alert only what it is now becomes an event, however often it changed in between. What the journal does
not tell is looked for: alerts whose time is over, silences that begin or end, what silences and inhibition now keep
quiet, how receivers and the store fare. Looking at every alert costs most, so it is done only when something happened
that could have changed any of them, and takes at most one part in `DUTY` of the time. An idle daemon does a little
arithmetic a second. While nobody wants events this task sleeps.
"""

import time
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final

import msgspec
import trio

from ampp.core.engine import Engine
from ampp.core.group import identities
from ampp.core.record import (
    ConfigLoaded,
    Delivered,
    Flushed,
    GroupDropped,
    Posted,
    Record,
    SilencePut,
    SilencesPruned,
)
from ampp.core.route import Route
from ampp.core.silence import Silence, SilenceState
from ampp.deliver.health import Health
from ampp.feed import shape
from ampp.feed.event import Kind
from ampp.feed.feed import Feed
from ampp.feed.standing import Change, Standings
from ampp.observe.log import Logger
from ampp.observe.stall import Pace

__all__ = ["COALESCE", "Component", "Watch"]

_log: Final = Logger("feed")

COALESCE: Final = 0.25
"""Seconds for which changes are gathered."""

LATER: Final = 5.0
"""Seconds that the watch waits for whoever wants to listen to come, where there is much to look at."""

MUCH: Final = 5_000
"""Alerts that are much to look at."""

LOOK: Final = 1.0
"""Seconds between two looks at what tells nobody when it changes."""

DUTY: Final = 20
"""Looking at every alert is paused for this many times as long as it took."""

ONE_BY_ONE: Final = 500
"""Changed alerts told one by one at a time; more are told as many."""


_BATCH: Final = 128
"""Alerts looked at between two turns of somebody else."""


class Component(msgspec.Struct, frozen=True):
    """How one part of the daemon fares, in one word, and what is wrong with it if something is."""

    status: str
    message: str = ""


class Watch:
    """One daemon's watch. `health` gives how each integration fares, `components` the same of other parts by name."""

    def __init__(
        self,
        feed: Feed,
        engine: Engine,
        health: Callable[[], Iterable[Health]],
        components: Callable[[], Mapping[str, Component]],
        wall: Callable[[], int] = time.time_ns,
    ) -> None:
        self._feed: Final = feed
        self._engine: Final = engine
        self._health: Final = health
        self._components: Final = components
        self._wall: Final = wall
        self._standings = Standings(engine)
        self._silences: dict[str, SilenceState] = {}
        self._epoch = -1
        self._fared: dict[str, str] = {}
        self._told: dict[str, Any] = {}
        self._all_again = False
        self._not_before = 0.0
        self._root: Route | None = None
        self._routes: dict[str, Route] = {}
        self._looked = 0
        self._active = 0

    async def run(self) -> None:
        """Watch until cancelled. A defect here costs those who listen a reset, and nobody a notification."""
        while True:
            await self._feed.wanted()
            # Whoever has only asked for the place so far is being shown what there is: that goes first.
            if len(self._engine.book) >= MUCH:
                with trio.move_on_after(LATER):
                    while not self._feed.listeners:
                        await trio.sleep(COALESCE)
            try:
                await self._watch()
            except Exception:  # noqa: BLE001 - see above
                _log.exception("Changes could not be told; listeners have to look anew")
                self._feed.take()
                self._feed.forget()
                await trio.sleep(LOOK)

    async def _watch(self) -> None:
        await self._begin()
        records, too_many = self._feed.take()
        if records or too_many:
            # Some of it was so already when it was looked at, and would be told as no change.
            self._feed.forget()
        while not self._feed.rest():
            with trio.move_on_after(LOOK):
                await self._feed.news()
                await trio.sleep(COALESCE)
            await self.look()

    async def _begin(self) -> None:
        """See how everything is, and tell nobody: who begins to listen asks for that first."""
        wall = self._wall()
        self._standings = Standings(self._engine)
        self._silences = {silence.id: silence.state(wall) for silence in self._engine.muting.silences.all()}
        self._epoch = self._engine.muting.silences.epoch
        self._fared = {name: component.status for name, component in self._every_component()}
        await self._standings.all(wall)
        self._looked = wall
        self._count_silences()
        self._told = self._counted()
        self._all_again = False

    async def look(self) -> None:
        """Publish what has changed since the last look."""
        wall = self._wall()
        records, too_many = self._feed.take()
        if too_many:
            await self._begin()
            self._feed.take()
            self._feed.forget()
            return
        # Events are published by this task only, or by who changes nothing that it tells of: they may wait in between.
        pace = Pace()
        touched: dict[bytes, None] = {}
        for record in records:
            self._read(record, wall, touched)
            await pace.pause()
        await self._tell_turns([one for one in records if isinstance(one, Flushed | GroupDropped)], wall, pace)
        await self._tell_deliveries([one for one in records if isinstance(one, Delivered)], wall, pace)
        self._turn_silences(wall)
        changes: dict[bytes, Change] = {}
        await self._standings.touch(touched, wall, changes)
        await self._standings.ended(wall, changes)
        if await self._may_inhibit(changes.values(), pace):
            self._all_again = True
        if self._all_again and trio.current_time() >= self._not_before:
            self._all_again = False
            await self._standings.all(wall, changes)
            self._not_before = trio.current_time() + DUTY * self._standings.took
        await self._tell_alerts(changes, wall, pace)
        self._tell_health(wall)
        self._tell_counts(wall)

    # -- records -----------------------------------------------------------------------------------------------------

    def _read(self, record: Record, wall: int, touched: dict[bytes, None]) -> None:
        publish = self._feed.publish
        match record:
            case Posted():
                for row in record.alerts:
                    touched[row.key] = None
            case SilencePut():
                for silence in record.silences:
                    self._put(silence, wall)
            case SilencesPruned():
                for silence_id in record.ids:
                    self._silences.pop(silence_id, None)
                    publish(Kind.SILENCE_DELETED, record.at, {"id": silence_id})
            case ConfigLoaded():
                self._all_again = True
                publish(Kind.CONFIG_RELOADED, record.at, {"hash": str(record.hash)})

    def _put(self, silence: Silence, wall: int) -> None:
        state = silence.state(wall)
        kind = Kind.SILENCE_UPDATED if silence.id in self._silences else Kind.SILENCE_CREATED
        if state == "expired":
            kind = Kind.SILENCE_EXPIRED
        self._silences[silence.id] = state
        self._feed.publish(kind, wall, shape.silence(silence, wall))

    # -- what no record tells ----------------------------------------------------------------------------------------

    def _turn_silences(self, wall: int) -> None:
        """Tell of silences that began or ended by the clock."""
        silences = self._engine.muting.silences
        turn, self._looked = silences.next_change(self._looked), wall
        if turn is not None and turn <= wall:
            for silence in silences.all():
                state = silence.state(wall)
                if state != self._silences.get(silence.id):
                    self._silences[silence.id] = state
                    kind = Kind.SILENCE_ACTIVE if state == "active" else Kind.SILENCE_EXPIRED
                    self._feed.publish(kind, wall, shape.silence(silence, wall))
        elif silences.epoch == self._epoch:
            return
        self._epoch = silences.epoch
        self._all_again = True
        self._count_silences()

    async def _may_inhibit(self, changes: Iterable[Change], pace: Pace) -> bool:
        """Whether one of these can be why others are kept quiet. (Rules that a reload brings meanwhile have all looked
        at again anyhow.)"""
        inhibitor = self._engine.muting.inhibitor
        if inhibitor.rules:
            for place, change in enumerate(changes):
                if inhibitor.may_inhibit(change.alert):
                    return True
                if not place % _BATCH:
                    await pace.pause()
        return False

    async def _tell_turns(self, records: list[Flushed | GroupDropped], wall: int, pace: Pace) -> None:
        if len(records) > ONE_BY_ONE:
            self._feed.publish(Kind.GROUP_MANY, wall, {"count": len(records)})
            return
        for record in records:
            if isinstance(record, Flushed):
                self._feed.publish(Kind.GROUP_FLUSHED, record.at, shape.flush(record))
            elif record.cause != "reload":
                # What a reload does away with, nobody needs to be told one by one.
                self._feed.publish(Kind.GROUP_REMOVED, record.at, shape.dropped(record, self._route(record.route)))
            await pace.pause()

    def _route(self, identity: str) -> Route | None:
        root = self._engine.plan.root
        if self._root is not root:
            names = identities(root)
            self._root = root
            self._routes = {names[route.index]: route for route in root.walk()}
        return self._routes.get(identity)

    async def _tell_deliveries(self, records: list[Delivered], wall: int, pace: Pace) -> None:
        if len(records) > ONE_BY_ONE:
            self._feed.publish(Kind.NOTIFICATION_MANY, wall, {"count": len(records)})
            return
        for record in records:
            kind, told = shape.delivery(record)
            self._feed.publish(kind, record.at, told)
            await pace.pause()

    async def _tell_alerts(self, changes: dict[bytes, Change], wall: int, pace: Pace) -> None:
        if len(changes) > ONE_BY_ONE:
            self._feed.publish(Kind.ALERT_MANY, wall, {"count": len(changes)})
            while changes:
                # To free 100,000 of them in one piece takes 10 ms.
                for _ in range(min(_BATCH, len(changes))):
                    changes.popitem()
                await pace.pause()
            return
        for change in changes.values():
            receivers = [route.receiver for route in self._engine.groups.route(change.alert)]
            self._feed.publish(change.kind, wall, shape.alert(change.alert, change.standing, receivers))
            await pace.pause()

    def _every_component(self) -> Iterable[tuple[str, Component]]:
        for health in self._health():
            to = health.integration
            yield (
                f"receiver:{to.receiver}/{to.name}/{to.idx}",
                Component(health.state, health.unsendable or health.error),
            )
        yield from self._components().items()

    def _tell_health(self, wall: int) -> None:
        fared, self._fared = self._fared, {}
        for name, component in self._every_component():
            self._fared[name] = component.status
            if fared.get(name, component.status) != component.status:
                message = component.message if component.status not in ("healthy", "unknown") else ""
                told = {"component": name, "status": component.status, "message": message}
                self._feed.publish(Kind.HEALTH_CHANGED, wall, told)

    def _count_silences(self) -> None:
        self._active = sum(state == "active" for state in self._silences.values())

    def _counted(self) -> dict[str, Any]:
        return shape.counts(self._standings.counts, self._active)

    def _tell_counts(self, wall: int) -> None:
        counted = self._counted()
        if counted != self._told:
            self._told = counted
            self._feed.publish(Kind.STATS_UPDATED, wall, counted)
