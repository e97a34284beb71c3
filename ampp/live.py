"""The running router: the engine, what it must remember, and what it must send, held together while the daemon lives.

Theory of operation. Every event (a post, a tick, an outcome, a silence, a reload) goes to the engine on the event
loop's thread and comes back as effects, in one unbroken step. The effects are then carried out in this order:

1. their records go to the store, which keeps the order;
2. notifications wait until the records that announce them (the outbox) are durable, then go to delivery;
3. the task that sleeps until the next tick is woken if that tick has moved nearer.

A request that changed something is answered after its records are durable. If the store cannot write, the request is
told so (503) but the engine keeps the alert all the same, and notifications are not held back: routing outlives the
disk.
"""

import math
import time
from collections import deque
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Final

import trio

from ampp import __version__
from ampp import config as configuration
from ampp.config import Config, ConfigError
from ampp.config.destination import destinations
from ampp.config.settings import Settings
from ampp.core import query
from ampp.core.alert import Alert, PostedAlert
from ampp.core.book import Repeats, row_of
from ampp.core.clock import SECOND, Now
from ampp.core.engine import Effects, Engine
from ampp.core.intake import Received
from ampp.core.matcher import format_matchers
from ampp.core.notify import Notify, Outcome, RouteLabels
from ampp.core.plan import Plan
from ampp.core.record import ConfigLoaded, Record, SilencePut, Started, Stopped
from ampp.core.silence import Silence, SilenceBook, SilenceDraft, SilenceNotFound
from ampp.core.takeover import Takeover
from ampp.core.timestamp import format_rfc3339nano
from ampp.core.view import AlertQuery, AlertView, GroupView
from ampp.deliver.apart import apart
from ampp.deliver.sender import BuildError
from ampp.deliver.worker import Delivery
from ampp.feed.event import Kind
from ampp.feed.feed import Feed
from ampp.feed.watch import Component, Watch
from ampp.history.history import History
from ampp.loaded import Loaded, prepare
from ampp.observe import memory, stall
from ampp.observe.log import Logger
from ampp.observe.metrics import Metrics
from ampp.options import Options
from ampp.outgoing import Outgoing
from ampp.store.error import StoreDown
from ampp.store.protocol import State, Store, Ticket

__all__ = ["Live", "ReloadError", "now"]

_log: Final = Logger("dispatcher")
_config_log: Final = Logger("configuration")
_silence_log: Final = Logger("silences")

_MANY: Final = 256
"""Alerts of a request that are taken in in one step; of more, as many at a time as may hold up others."""

_AT_ONCE: Final = 16
"""Groups that are told in one step with taking in the alerts that they are about."""


class ReloadError(Exception):
    """A reload failed; the configuration in force stays. The text is what upstream answers and logs."""


def now() -> Now:
    return Now(time.time_ns(), time.monotonic_ns())


class Live:
    """See the module's docstring. Made and run by `ampp.daemon`; the HTTP layer talks to nothing else."""

    def __init__(
        self,
        options: Options,
        settings: Settings,
        external_url: str,
        loaded: Loaded,
        engine: Engine,
        store: Store,
        metrics: Metrics,
        history: History,
    ) -> None:
        self.options: Final = options
        self.settings: Final = settings
        self.external_url: Final = external_url
        self.config: Config = loaded.config
        self.engine: Final = engine
        self.store: Final = store
        self.metrics: Final = metrics
        self.history: Final = history
        self.delivery: Final = Delivery(self.heard, metrics.notify)
        self.feed: Final = Feed()
        self._watch: Final = Watch(self.feed, engine, self.delivery.health, self._components)
        self._outgoing: Final = Outgoing(self._submit)
        self._turned = trio.Event()
        self._sleeping_until: float = math.inf
        self._reloading: Final = trio.Lock()
        self._in_force(loaded)

    def begin(self, orphaned: Sequence[Record], *, last_alive: int) -> None:
        """Put the start of this run into the journal, and what it does not take up from the last (`last_alive`: when
        that one ended, 0 when there was none)."""
        started = Started(at=now().wall, version=__version__, resumed=last_alive > 0, last_alive=last_alive)
        self.keep((started, *orphaned))

    def end(self) -> None:
        """Put the end of this run into the journal, once all its tasks have ended."""
        moment = now()
        due = min((group.due for group in self.engine.groups), default=moment.mono + 1)
        self.keep((Stopped(at=moment.wall, turns=moment.wall - max(0, moment.mono - due + 1)),))

    # -- what the HTTP layer asks --------------------------------------------------------------------------------

    @property
    def started(self) -> int:
        return self.options.started_wall

    @property
    def silences(self) -> SilenceBook:
        return self.engine.muting.silences

    @property
    def plan(self) -> Plan:
        return self.engine.plan

    def now(self) -> Now:
        return now()

    @property
    def known(self) -> Mapping[bytes, Alert]:
        return self.engine.book.alerts

    def refresh(self, repeats: Repeats) -> int:
        """Take in known alerts that came again unchanged; how many of them, counted from the first, that settles."""
        taken = self.engine.refresh(repeats, now())
        if taken:
            self.metrics.alerts.received_firing.inc(taken)
        return taken

    async def post_alerts(self, posts: Sequence[PostedAlert]) -> list[str]:
        """Take in one request's alerts; returns upstream's complaints about the invalid ones.

        Returns when what was created, changed or resolved survives `kill -9`. Raises StoreDown when that could not be
        written; the alerts are routed all the same.
        """
        if len(posts) > _MANY:
            return await self._post_many(posts)
        moment = now()
        waited = self.engine.next_due()
        received = self.engine.receive(posts, moment)
        ticket = self.take(received, moment, idle=waited is None or waited > moment.mono)
        if ticket is not None:
            await ticket.durable()
        return received.errors

    async def _post_many(self, posts: Sequence[PostedAlert]) -> list[str]:
        """`post_alerts` a little at a time, between which others have their turn.

        Of one moment is only what the sender left open; otherwise each piece is to the engine what a request is. What
        has been begun is taken in whole, whoever still waits for the answer.
        """
        came = now().wall
        left, pace = deque(posts), stall.Pace()
        errors: list[str] = []
        outcomes: list[str] = []
        ticket: Ticket | None = None
        with trio.CancelScope(shield=True):
            while True:
                moment = now()
                received = self.engine.receive(pace.spell(left), moment, came)
                errors += received.errors
                kept = self._record(received, moment)
                if kept is not None:
                    ticket = kept
                    ticket.then(outcomes.append)
                if not left:
                    break
                await pace.pause()
        # Not before: a group without `group_wait` is to tell of all of them.
        self._wake()
        if ticket is not None:
            # The last one: all before it are settled by then.
            await ticket.durable()
        if any(outcomes):
            raise StoreDown(next(filter(None, outcomes)))
        return errors

    def take(self, received: Received, moment: Now, *, idle: bool) -> Ticket | None:
        """Count and record what the engine made of a request; the ticket is for what must be durable, if anything.

        `idle`: before it no group was due. Otherwise those that were have a task that takes them in turns, which many
        requests at once must not each take one of in between.
        """
        ticket = self._record(received, moment)
        if ticket is None:
            return None
        due = self.engine.next_due()
        if idle and due is not None and due <= moment.mono:
            # Whom nothing is to wait for is told as soon as the alert is kept, by one commit for both.
            self.carry(self.engine.due(moment, _AT_ONCE))
            self.store.push()
        else:
            self._wake()
        return ticket

    def _record(self, received: Received, moment: Now) -> Ticket | None:
        counts = self.metrics.alerts
        if received.firing:
            counts.received_firing.inc(received.firing)
        if received.resolved:
            counts.received_resolved.inc(received.resolved)
        if received.errors:
            counts.invalid.inc(len(received.errors))
        for name in received.limited:
            _log.warn("Alert dropped: its alertname is at the limit", alertname=name)
            counts.limited(name)
        record = received.record(moment.wall)
        return None if record is None else self.keep((record,))

    async def put_silence(self, draft: SilenceDraft) -> str:
        """Create or update a silence; returns its id once it is durable. Raises SilenceError, StoreDown."""
        moment = now()
        put = self.silences.put(draft, moment)
        if self.options.log_silences:
            _log_silence(put.action, next(silence for silence in put.changed if silence.id == put.id))
        await self._keep_silences(put.changed, moment)
        return put.id

    async def expire_silence(self, silence_id: str) -> None:
        """End a silence now. Raises SilenceNotFound, StoreDown."""
        if await self.expire_silences((silence_id,)):
            raise SilenceNotFound

    async def expire_silences(self, ids: Iterable[str]) -> list[str]:
        """End silences now, all in one record; returns the ids that nobody knows. Raises StoreDown."""
        moment = now()
        changed: list[Silence] = []
        unknown: list[str] = []
        for silence_id in ids:
            try:
                changed += self.silences.expire(silence_id, moment)
            except SilenceNotFound:
                unknown.append(silence_id)
        for silence in changed:
            if self.options.log_silences:
                _log_silence("expire", silence)
        await self._keep_silences(tuple(changed), moment)
        return unknown

    async def _keep_silences(self, changed: tuple[Silence, ...], moment: Now) -> None:
        if changed:
            await self.keep((SilencePut(at=moment.wall, silences=changed),)).durable()

    def alerts(self, asked: AlertQuery, *, ordered: bool = True) -> Iterator[list[AlertView]]:
        """The alerts that pass, as GET /api/v2/alerts orders them if that matters, in batches, between which others are
        to get their turn (`in_slices`)."""
        return query.alerts(self.engine, asked, now().wall, ordered=ordered)

    async def groups(self, asked: AlertQuery) -> list[GroupView]:
        """The groups that pass, as GET /api/v2/alerts/groups orders them. Lets other tasks run in between."""
        found = await stall.in_slices(query.groups(self.engine, asked, now().wall))
        unrendered = [group.route_labels for group in found if group.route_labels.templated]
        if unrendered:
            await apart(_render, unrendered)
        return found

    # -- effects -------------------------------------------------------------------------------------------------

    def keep(self, records: Sequence[Record]) -> Ticket:
        """Put records into the journal, and let those who listen know of them."""
        self.feed.heard(records)
        return self.store.append(records)

    def carry(self, effects: Effects) -> None:
        """Carry out what the engine decided: see the module's docstring for the order."""
        for one in effects.suppressed:
            self.metrics.notify.suppressed(one.reason)
        if effects.canceled:
            self.delivery.cancel(effects.canceled)
        if effects.records or effects.notify:
            ticket = self.keep(effects.records)
            if effects.notify:
                self._outgoing.put(ticket, effects.notify)
        self._wake()

    def _submit(self, notify: Notify) -> None:
        """Hand a notification over, unless a reload gave it up while it waited for its record."""
        if self.engine.expects(notify):
            self.delivery.submit(notify)
        else:
            self.delivery.refuse(notify)

    def heard(self, outcome: Outcome) -> None:
        """Delivery's answer to one notification."""
        self.carry(self.engine.delivered(outcome, now()))

    def _wake(self) -> None:
        due = self.engine.next_due()
        if due is not None and due < self._sleeping_until:
            self._turned.set()

    # -- reload --------------------------------------------------------------------------------------------------

    async def reload(self) -> None:
        """Read the configuration file again and take it over whole, or leave everything as it is (ReloadError)."""
        async with self._reloading:
            path = self.options.config_file
            _config_log.info("Loading configuration file", file=path)
            try:
                config = await trio.to_thread.run_sync(configuration.load_file, path, self.options.features.mode)
                loaded = await trio.to_thread.run_sync(prepare, config, self.external_url)
            except ConfigError as error:
                self._refused(error)
                _config_log.error("Loading configuration file failed", file=path, err=error.render())
                raise ReloadError(str(error)) from error
            except BuildError as error:
                self._refused(error)
                _config_log.error(
                    "one or more config change subscribers failed to apply new config", file=path, err=error.render()
                )
                raise ReloadError(str(error)) from error
            takeover = Takeover(self.engine, loaded.plan, keep_timers=self.settings.reload.keep_timers)
            with memory.undisturbed():
                await stall.in_slices([] for _ in takeover.prepare(now()))
                # Nothing may happen between that and this.
                self.engine.label = loaded.label
                self.carry(takeover.succeed(now()))
                self._in_force(loaded)
                _config_log.info("Completed loading of configuration file", file=path)
                await stall.in_slices(self._kept(records) for records in takeover.clear(now()))

    def _kept(self, records: list[Record]) -> list[Record]:
        """Put records into the journal, if there are any; nothing is left of them to do."""
        if records:
            self.keep(records)
        return []

    def _refused(self, error: ConfigError | BuildError) -> None:
        self.metrics.config.failed()
        if self.feed.recording:
            self.feed.publish(Kind.CONFIG_FAILED, now().wall, {"message": error.render()})

    def _in_force(self, loaded: Loaded) -> None:
        """Note that a configuration has taken effect."""
        moment, config, plan = now(), loaded.config, loaded.plan
        self.config = config
        self.delivery.replace(loaded.senders)
        for warning in (*config.warnings, *configuration.warnings(config, plan, self.options.retention)):
            _config_log.warn(warning)
        used = {route.receiver for route in plan.root.walk()}
        for name in plan.receivers:
            if name not in used:
                _config_log.info("skipping creation of receiver not referenced by any route", receiver=name)
        self.metrics.config.loaded(
            hash=config.hash,
            at=moment.wall / SECOND,
            receivers=len(used),
            integrations=sum(len(plan.receivers[name].integrations) for name in used),
            inhibition_rules=len(plan.inhibit_rules),
        )
        record = ConfigLoaded(
            at=moment.wall,
            hash=config.hash,
            text=config.original(),
            kept_timers=self.settings.reload.keep_timers,
            destinations=destinations(config, plan),
        )
        self.keep((record,))

    # -- tasks ---------------------------------------------------------------------------------------------------

    async def run(self, *, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED) -> None:
        """Everything that happens by itself: ticks, sends, upkeep. Runs until cancelled."""
        async with trio.open_nursery() as nursery:
            await nursery.start(self.delivery.run)
            nursery.start_soon(self._tick)
            nursery.start_soon(self._outgoing.run)
            nursery.start_soon(self.store.tend, self.restate)
            nursery.start_soon(self._watch.run)
            task_status.started()

    async def _tick(self) -> None:
        """Sleep until the next group is due, let it take its turn, again."""
        while True:
            due = self.engine.next_due()
            self._turned = trio.Event()
            if due is None or due > time.monotonic_ns():
                self._sleeping_until = math.inf if due is None else due
                wait = math.inf if due is None else (due - time.monotonic_ns()) / SECOND
                with trio.move_on_after(max(0.0, wait)):
                    await self._turned.wait()
                self._sleeping_until = -math.inf
            else:
                await trio.lowlevel.checkpoint()
            self.carry(self.engine.due(now()))

    def _components(self) -> dict[str, Component]:
        """How the parts fare that keep something, for those who listen."""
        parts = {"store": self.store.health().reason}
        if self.history.kept:
            parts["history"] = self.history.health().reason
        return {name: Component("unhealthy" if reason else "healthy", reason) for name, reason in parts.items()}

    async def restate(self) -> State:
        """The whole routing state, for a store that lost records."""
        engine, moment = self.engine, now()
        while engine.groups.tell_some(1000):
            await trio.lowlevel.checkpoint()
        alerts = {alert.key: alert for alert in engine.book if alert.seated}
        for group in engine.groups:
            alerts.update(group.alerts)
        rows = []
        for alert in alerts.values():
            rows.append(row_of(alert))
            if len(rows) % 1000 == 0:
                await trio.lowlevel.checkpoint()
        groups = []
        for count, group in enumerate(list(engine.groups)):
            if count % 1000 == 999:
                await trio.lowlevel.checkpoint()
                moment = now()
            if group.flushed and not group.gone:
                groups.append(group.row(moment))
        return State(
            alerts=rows,
            groups=groups,
            log=list(engine.log.values()),
            outbox=list(engine.outbox.values()),
            silences=list(self.silences.all()),
        )


def _log_silence(action: str, silence: Silence) -> None:
    _silence_log.info(
        f"{action} silence",
        Id=silence.id,
        CreatedBy=silence.created_by,
        Comment=silence.comment,
        StartsAt=format_rfc3339nano(silence.starts),
        EndsAt=format_rfc3339nano(silence.ends),
        Matchers=" ".join(format_matchers(matchers) for matchers in silence.matcher_sets),
    )


def _render(labels: Iterable[RouteLabels]) -> None:
    for each in labels:
        each.rendered()
