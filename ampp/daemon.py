"""The daemon on one screen: every room opened, wired to its neighbours, and closed in order.

    start    configuration ─► store ─► sockets ─► senders, engine ─► tasks ─► "Listening on" ─► ready
    stop     sockets ─► requests in flight ─► ticks, sends ─► what waits to be written ─► snapshots ─► directory

Nothing is served before the configuration is valid and the former run's state is loaded. Every failure on the way up
is a `StartError`: one line in the log, exit status 1.
"""

import signal
import socket
import time
from functools import partial
from pathlib import Path
from typing import Final

import trio

from ampp import COMPATIBLE, __version__
from ampp.api import listen, server, webconfig
from ampp.api.app import build_app
from ampp.api.guard import WebGuard
from ampp.api.shell import Limits, Shell
from ampp.api.v2 import V2
from ampp.config import Config, ConfigError
from ampp.config.settings import Settings
from ampp.core.clock import SECOND
from ampp.core.matcher import Mode
from ampp.external import ExternalError, resolve
from ampp.live import Live, ReloadError, read_config
from ampp.observe import stall, systemd
from ampp.observe.log import Logger, setup
from ampp.observe.metrics import Metrics
from ampp.options import Options, StartError
from ampp.store.error import StoreError
from ampp.store.sqlite import SqliteSettings, SqliteStore

__all__ = ["run", "serve"]

_log: Final = Logger()

_SIGNALS: Final = (signal.SIGHUP, signal.SIGINT, signal.SIGTERM)


def run(options: Options, settings: Settings) -> int:
    """Run until told to stop; the exit status. Raises StartError."""
    trio.run(serve, options, settings)
    return 0


async def serve(options: Options, settings: Settings) -> None:
    """Open every room, serve, and close them in order when a signal says so. Raises StartError."""
    config = await _read(options)
    store, restored = await trio.to_thread.run_sync(_open_store, options, settings)
    try:
        for warning in restored.warnings:
            _log.warn(warning, component="store")
        sockets = await trio.to_thread.run_sync(_bind, options)
        external = _external(options, sockets)
        loaded = await _prepare(options, config, external.url)
        metrics = Metrics(options.features, options.cluster.name if options.cluster else None)
        engine = make_engine(options, loaded.plan, restored)
        live = Live(options, settings, external.url, loaded, engine, store, metrics)
        live.begin(resumed=restored.last_alive > 0)
        metrics.on_scrape(partial(upkeep.show, live))
        guard = _guard(options)
        v2 = V2(live, options.features.mode, _cluster(options))
        shell = Shell(
            build_app(live, v2, metrics.exposition),
            v2,
            metrics.http,
            Limits(options.get_concurrency, options.http_timeout, settings.limits.request_bytes),
            external.prefix,
            guard,
        )
        stop = trio.Event()
        async with trio.open_nursery() as rooms:
            await rooms.start(live.run)
            rooms.start_soon(upkeep.run, live)
            rooms.start_soon(partial(stall.watch, metrics.loop.stall))
            async with trio.open_nursery() as doors:
                await doors.start(_signals, live, stop)
                await doors.start(server.serve, shell, sockets, guard, stop)
                for sock in sockets:
                    _announce(sock, guard)
                systemd.ready()
                await stop.wait()
                systemd.stopping()
            live.flush_refreshed()
            rooms.cancel_scope.cancel()
        await _last_words(live)
    finally:
        with trio.CancelScope(shield=True):
            await store.aclose()
