"""The daemon on one screen: every room opened, wired to its neighbours, and closed in order.

    start    sockets ─► configuration ─► store ─► senders, engine ─► tasks ─► "Listening on", ready ─► Hypercorn, Quart
    stop     sockets ─► requests in flight ─► ticks, sends ─► what waits to be written ─► snapshots ─► directory

Nothing is served before the configuration is valid and the former run's state is loaded; who connects before that
waits. What POST /api/v2/alerts does not need is loaded last. Every failure on the way up is a `StartError`: one line in
the log, exit status 1.
"""

import contextlib
import os
import resource
import signal
import socket
import sys
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Final

import trio

from ampp import config as configuration
from ampp import upkeep
from ampp.api import listen, server
from ampp.api.guard import Guard
from ampp.api.later import Later
from ampp.api.origin import Origins
from ampp.api.port import ClusterStatus, Peer
from ampp.api.scope import App
from ampp.api.shell import Limits, Shell
from ampp.api.stream import Streams
from ampp.api.v2 import V2
from ampp.api.webconfig import WebConfigError
from ampp.api.zone import local_offset
from ampp.config import Config, ConfigError
from ampp.config.settings import Settings
from ampp.core.engine import Engine
from ampp.core.record import Record
from ampp.core.silence import SilenceBook
from ampp.core.succession import restore
from ampp.deliver import destination
from ampp.deliver.sender import BuildError
from ampp.external import External, ExternalError, resolve
from ampp.history.history import History
from ampp.live import Live, ReloadError, now
from ampp.loaded import Loaded, prepare
from ampp.observe import memory, stall, systemd
from ampp.observe.log import Logger
from ampp.observe.metrics import Metrics
from ampp.options import Options, StartError
from ampp.store.error import StoreDown, StoreError
from ampp.store.protocol import Restored
from ampp.store.snapshot import size_of
from ampp.store.sqlite import SqliteSettings, SqliteStore
from ampp.store.sqlite.history.historian import Historian, HistorySettings
from ampp.web.door import pages

__all__ = ["run", "serve"]

_log: Final = Logger()

_SWITCH: Final = 0.0005
"""Seconds for which one thread may keep the others from Python while they wait, where Python's own 5 ms would be waited
for at each of the dozen calls that a commit or an answer makes into the system."""

_IDS: Final = 64
_VARIANT: Final = dict(zip("0123456789abcdef", "89ab" * 4, strict=True))

_SIGNALS: Final = (signal.SIGHUP, signal.SIGINT, signal.SIGTERM)


def run(options: Options, settings: Settings, sockets: list[socket.socket]) -> int:
    """Run until told to stop, on listening `sockets`; the exit status. Raises StartError."""
    _lift_descriptor_limit()
    memory.spare()
    sys.setswitchinterval(_SWITCH)
    try:
        trio.run(serve, options, settings, sockets)
    finally:
        for sock in sockets:
            sock.close()
    return 0


async def serve(options: Options, settings: Settings, sockets: list[socket.socket]) -> None:
    """Open every room, serve, and close them in order when a signal says so. Raises StartError."""
    destination.set_level(destination.Level(settings.network.refuse))
    config = await _read(options)
    store, restored = await trio.to_thread.run_sync(_open_store, options, settings)
    history: History | None = None
    try:
        for warning in restored.warnings:
            _log.warn(warning, component="store")
        external = _external(options, sockets)
        loaded = await _prepare(config, external.url)
        metrics = Metrics(options.features, options.cluster.name if options.cluster else None)
        engine, orphaned = _engine(options, loaded, restored)
        history = _history(options, settings, store)
        live = Live(options, settings, external.url, loaded, engine, store, metrics, history)
        live.begin(orphaned, last_alive=restored.last_alive)
        guard = await _guard(options)
        v2 = V2(live, options.features.mode, _cluster(options))
        origins = Origins(external.url)
        shell = Shell(
            _application(live, v2),
            v2,
            metrics.http,
            Limits(options.get_concurrency, options.http_timeout, settings.limits.request_bytes),
            external.prefix,
            guard,
            Streams(live.feed, origins, metrics.stream, settings.limits.streams),
            origins,
        )
        stop = trio.Event()
        serving = partial(server.serve, shell, sockets, guard, stop, header_bytes=settings.limits.header_bytes)
        async with trio.open_nursery() as rooms:
            await rooms.start(live.run)
            history.start()
            rooms.start_soon(upkeep.run, live)
            rooms.start_soon(partial(stall.watch, metrics.loop.stall))
            rooms.start_soon(memory.give_back, lambda: len(live.engine.groups))
            async with trio.open_nursery() as doors:
                await doors.start(_signals, live, stop)
                await doors.start(serving)
                for sock in sockets:
                    _announce(sock, guard)
                systemd.ready()
                await stop.wait()
                systemd.stopping()
            upkeep.write_refreshed(live)
            rooms.cancel_scope.cancel()
        live.end()
        await _last_words(live)
    finally:
        with trio.CancelScope(shield=True):
            if history is not None:
                await trio.to_thread.run_sync(history.close)
            await store.aclose()


def _lift_descriptor_limit() -> None:
    """As many connections as the system allows: the usual soft limit of 1024 is for programs that use select()."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft != hard:
        # Systems differ in what they let pass as "no limit"; where it is refused, what was allowed before stays.
        with contextlib.suppress(OSError, ValueError):
            resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


async def _read(options: Options) -> Config:
    log, path = Logger("configuration"), options.config_file
    log.info("Loading configuration file", file=path)
    try:
        config = await trio.to_thread.run_sync(configuration.load_file, path, options.features.mode)
    except ConfigError as error:
        log.error("Loading configuration file failed", file=path, err=error.render())
        raise StartError(str(error), told=True) from error
    log.info("Completed loading of configuration file", file=path)
    return config


def _open_store(options: Options, settings: Settings) -> tuple[SqliteStore, Restored]:
    wanted = SqliteSettings(
        full_sync=settings.storage.sync == "full",
        journal_retention=settings.storage.journal_retention,
        max_bytes=settings.storage.max_bytes,
    )
    try:
        store = SqliteStore.open(Path(options.storage_path), wanted)
        try:
            return store, store.load()
        except BaseException:
            store.close()
            raise
    except StoreError as error:
        raise StartError(str(error)) from error


def _history(options: Options, settings: Settings, store: SqliteStore) -> History:
    directory = Path(options.storage_path)
    if not settings.history.enabled:
        return History(directory, None)
    wanted = HistorySettings(
        retention=settings.history.retention,
        max_bytes=settings.history.max_bytes,
        storage_bytes=settings.storage.max_bytes,
        full_sync=settings.storage.sync == "full",
    )
    historian = Historian(directory, wanted, last_seq=store.last_seq, warn=Logger("history").warn)
    store.read_by(lambda: historian.needed_after, historian.give_way)
    return History(directory, historian)


def _external(options: Options, sockets: list[socket.socket]) -> External:
    try:
        return resolve(options.external_url, options.route_prefix, sockets[0].getsockname()[1])
    except ExternalError as error:
        raise StartError(f"failed to determine external URL: {error}") from error


async def _prepare(config: Config, external_url: str) -> Loaded:
    try:
        return await trio.to_thread.run_sync(prepare, config, external_url)
    except (ConfigError, BuildError) as error:
        raise StartError(error.render()) from error


async def _guard(options: Options) -> Guard | None:
    if not options.web_config_file:
        return None
    try:
        return await trio.to_thread.run_sync(Guard.open, options.web_config_file)
    except WebConfigError as error:
        raise StartError(str(error)) from error


def _ids() -> Iterator[str]:
    """Random UUIDs (version 4). Whoever asks the system for randomness gives up the interpreter, so it is asked for
    that of many at a time."""
    while True:
        digits = os.urandom(16 * _IDS).hex()
        for at in range(0, 32 * _IDS, 32):
            one = digits[at : at + 32]
            yield f"{one[:8]}-{one[8:12]}-4{one[13:16]}-{_VARIANT[one[16]]}{one[17:20]}-{one[20:]}"


def _engine(options: Options, loaded: Loaded, restored: Restored) -> tuple[Engine, list[Record]]:
    """The engine with all that a former run left it, and the records of what nobody takes up."""
    moment = now()
    silences = SilenceBook(
        options.retention,
        options.features.mode,
        options.max_silences,
        options.max_silence_size,
        new_id=_ids().__next__,
        size_of=size_of,
    )
    for unusable in silences.restore(restored.silences):
        Logger("silences").error("Silence cannot be used", Id=unusable.silence.id, err=unusable.error)
    engine = Engine(
        loaded.plan,
        silences,
        mode=options.features.mode,
        retention=options.retention,
        now=moment,
        per_name=options.per_alertname_limit,
        start=options.started_mono + options.dispatch_start_delay,
        offset=local_offset,
        label=loaded.label,
    )
    orphaned = restore(
        engine,
        restored.alerts,
        restored.groups,
        restored.log,
        restored.outbox,
        moment,
        last_alive=restored.last_alive,
    )
    return engine, orphaned


def _cluster(options: Options) -> ClusterStatus:
    """What status says of peers: the Lite profile is its own only one."""
    own = options.cluster
    if own is None:
        return ClusterStatus()
    return ClusterStatus("ready", own.name, (Peer(own.address, own.name),))


def _application(live: Live, v2: V2) -> Later[App]:
    """What the shell is around."""
    pages_of = pages(live)

    def build() -> App:
        from ampp.api.app import build_app
        from ampp.api.extensions import extensions

        return build_app(live, v2, partial(upkeep.exposition, live), pages_of, extensions(live))

    return Later(build)


def _announce(sock: socket.socket, guard: Guard | None) -> None:
    """The lines that tools read the bound port from."""
    address, tls = listen.shown(sock), guard is not None and guard.tls
    _log.info("Listening on", address=address)
    _log.info(
        "TLS is enabled." if tls else "TLS is disabled.", http2=guard is not None and guard.http2, address=address
    )


async def _signals(live: Live, stop: trio.Event, *, task_status: trio.TaskStatus[None]) -> None:
    """SIGHUP reloads (several while one runs count as one more); SIGINT and SIGTERM stop."""
    with trio.open_signal_receiver(*_SIGNALS) as signals:
        task_status.started()
        async for received in signals:
            if received != signal.SIGHUP:
                _log.info("Received shutdown signal, exiting gracefully...")
                stop.set()
                return
            systemd.reloading()
            with contextlib.suppress(ReloadError):
                await live.reload()
            systemd.ready()


async def _last_words(live: Live) -> None:
    """Write what Alertmanager would read, so that it can take over."""
    try:
        await live.store.export()
    except (StoreDown, OSError) as error:
        _log.error("Writing the snapshots failed", err=error)
