"""What happens by the clock and not by an event: forgetting, snapshots, numbers for the scrape.

The periods are upstream's flags: resolved alerts leave memory every --alerts.gc-interval; expired log entries and
silences go, and the snapshot files Alertmanager could read are written, every --data.maintenance-interval.
"""

import time
from collections.abc import Iterable
from typing import Final

import trio

from ampp.core.alert import Alert, PostedAlert
from ampp.core.book import row_of
from ampp.core.clock import SECOND
from ampp.core.record import AlertRow, SilencesPruned
from ampp.live import Live, now
from ampp.observe.log import Logger
from ampp.observe.stall import Pace
from ampp.store.error import StoreDown

__all__ = ["exposition", "maintain", "run", "write_refreshed"]

_log: Final = Logger("nflog")
_store_log: Final = Logger("store")

_LOOK: Final = 0.5
"""Seconds between two looks at the store's health."""

_REPEAT: Final = 60.0
"""Seconds after which the alert about a failing store is repeated."""


_BEHIND: Final = 1.0
"""Seconds between two looks for alerts that were refreshed and not yet handed to the store."""

_TRAIL: Final = 5_000
"""How many of them are handed over at one look. Senders repeat an alert about once a minute, so that this is enough for
some hundred thousand; with more the store is further behind, and no busier."""

_TRAIL_SLICE: Final = 500

_BATCH: Final = 64
"""Alerts looked at between two turns of somebody else."""


async def run(live: Live) -> None:
    """Keep house until cancelled."""
    async with trio.open_nursery() as nursery:
        nursery.start_soon(_trail, live)
        nursery.start_soon(_collect, live)
        nursery.start_soon(_maintain, live)
        nursery.start_soon(_watch_store, live)


async def _collect(live: Live) -> None:
    while True:
        await trio.sleep(live.options.alert_gc_interval / SECOND)
        pace = Pace()
        for _ in live.engine.collecting(now()):
            await pace.pause()


async def _maintain(live: Live) -> None:
    while True:
        await trio.sleep(live.options.maintenance_interval / SECOND)
        await maintain(live)


async def _trail(live: Live) -> None:
    """Walk through the book, round after round, and give the store what was refreshed since it was last given it."""
    book, seen = live.engine.book, 0
    while True:
        while book.refreshed == seen:
            await trio.sleep(_BEHIND)
        seen, left = book.refreshed, _TRAIL
        rows: list[AlertRow] = []
        known = list(live.known.values())
        known.reverse()
        while known:
            # What has left the book meanwhile is let go of here, and not all of it in the end in one piece.
            alert = known.pop()
            if alert.updated != alert.kept and live.known.get(alert.key) is alert:
                rows.append(row_of(alert))
                alert.kept = alert.updated
            if len(rows) >= _TRAIL_SLICE or not len(known) % 5000:
                live.store.refresh(rows)
                left -= len(rows)
                rows = []
                await trio.lowlevel.checkpoint()
            if left <= 0:
                await trio.sleep(_BEHIND)
                left = _TRAIL
        live.store.refresh(rows)
        await trio.sleep(_BEHIND)


def write_refreshed(live: Live) -> None:
    """Give the store all that was refreshed and not yet handed to it: before the end of a run."""
    rows = [row_of(alert) for alert in live.known.values() if alert.updated != alert.kept]
    live.store.refresh(rows)


async def _watch_store(live: Live) -> None:
    """Say when the store stops writing and when it writes again: in the log, and as an alert routed like any other."""
    trouble, said = "", 0.0
    while True:
        health = live.store.health()
        if bool(health.reason) != bool(trouble):
            if health.reason:
                _store_log.error("State is not being stored; alerts are routed all the same", err=health.reason)
            else:
                _store_log.info("State is being stored again", records_lost=health.lost)
                _report_store(live, trouble, lasts=0)
            said = 0.0
        if health.reason and trio.current_time() - said >= _REPEAT:
            said = trio.current_time()
            _report_store(live, health.reason, lasts=4 * int(_REPEAT) * SECOND)
        trouble = health.reason
        await trio.sleep(_LOOK)


def _report_store(live: Live, reason: str, lasts: int) -> None:
    """The alert about the store, which ends in `lasts` nanoseconds unless it is repeated."""
    moment = now()
    alert = PostedAlert(
        labels={"alertname": "AmppStorageFailing", "severity": "critical", "source": "ampp"},
        annotations={
            "description": f"New alerts, silences and notifications are not stored and would not survive a restart: "
            f"{reason}. ampp keeps trying and stores everything once it can.",
            "summary": "ampp cannot write its state",
        },
        ends=moment.wall + lasts,
    )
    live.take(live.engine.receive([alert], moment), moment, idle=False)


async def maintain(live: Live) -> None:
    """Forget what is past its retention and write the snapshot files."""
    moment, metrics = now(), live.metrics
    for counted in (metrics.nflog, metrics.silences):
        counted.maintenance.inc()
    with metrics.nflog.gc.time():
        pruned = live.engine.prune_log(moment)
    with metrics.silences.gc.time():
        ids = live.silences.prune(moment)
    records = [record for record in (pruned, SilencesPruned(at=moment.wall, ids=ids) if ids else None) if record]
    if records:
        live.keep(records)
    began = time.perf_counter()
    try:
        sizes = await live.store.export()
    except (StoreDown, OSError) as error:
        for counted in (metrics.nflog, metrics.silences):
            counted.maintenance_errors.inc()
        _log.error("Writing the snapshots failed", err=error)
        return
    took = time.perf_counter() - began
    for counted, name in ((metrics.nflog, "nflog"), (metrics.silences, "silences")):
        counted.snapshot.observe(took)
        counted.snapshot_size.set(sizes.get(name, 0))


async def exposition(live: Live) -> bytes:
    """The body of a scrape, with the gauges that mirror current state as it is now."""
    metrics, engine, wall = live.metrics, live.engine, now().wall
    if metrics.alerts.wants_groups:
        groups = list(engine.groups)
        metrics.alerts.set_group_states(
            [(group.key, *await _states(live, group.alerts.values(), wall), 0) for group in groups]
        )
    else:
        metrics.alerts.set_states(*await _states(live, engine.book, wall))
    metrics.dispatch.groups.set(len(engine.groups))
    states = {"active": 0, "pending": 0, "expired": 0}
    for silence in live.silences.all():
        states[silence.state(wall)] += 1
    metrics.silences.active.set(states["active"])
    metrics.silences.pending.set(states["pending"])
    metrics.silences.expired.set(states["expired"])
    metrics.silences.state_size.set(len(live.silences))
    metrics.silences.matcher_index_size.set(len(live.silences))
    metrics.silences.version_index_size.set(len(live.silences))
    metrics.stream.events.set(live.feed.number)
    health = live.store.health()
    metrics.store.writable.labels("alerts").set(health.ok)
    metrics.loop.depth.labels("store").set(health.queue)
    if live.history.kept:
        past = live.history.health()
        metrics.history.up.set(not past.reason)
        metrics.history.behind.set(past.behind)
        metrics.history.lag.set(past.lag / SECOND)
        metrics.history.events.set(past.events)
        metrics.history.notifications.set(past.notifications)
        metrics.history.swept.set(past.swept)
        metrics.history.lost.set(past.lost)
    for name, size in health.files.items():
        metrics.store.size.labels(name).set(size)
    return metrics.exposition()


async def _states(live: Live, alerts: Iterable[Alert], wall: int) -> tuple[int, int]:
    """How many of the alerts that are not over are active, and how many suppressed. Lets others run in between."""
    muting = live.engine.muting
    active = suppressed = 0
    pace = Pace()
    for place, alert in enumerate(list(alerts)):
        if not place % _BATCH:
            await pace.pause()
        if alert.ends > wall:
            if muting.silenced_by(alert, wall) or muting.inhibited_by(alert, wall):
                suppressed += 1
            else:
                active += 1
    await pace.pause()
    return active, suppressed
