"""The HTTP server: sockets in, connections to Hypercorn, an orderly end.

Hypercorn's own `serve` owns its sockets, its TLS context and the end of the process; here those are ours (bound before
the configuration is applied, certificates that change, one shutdown for all rooms), so its connection handler is run
directly. Those names are not documented: hypercorn's version is pinned, and `tests/integration` holds it to its word.

A connection whose first request is POST /api/v2/alerts is served by `front` as long as it keeps to that; every other
one goes to Hypercorn with the bytes already read.
"""

import logging
import socket
import ssl
from collections.abc import Sequence
from functools import partial
from typing import Any, Final, Protocol

import trio
from hypercorn.app_wrappers import ASGIWrapper
from hypercorn.config import Config
from hypercorn.trio.lifespan import Lifespan
from hypercorn.trio.tcp_server import TCPServer
from hypercorn.trio.worker_context import WorkerContext
from hypercorn.typing import ConnectionState

from ampp.api.front import Front, Replay
from ampp.api.shell import Shell
from ampp.api.stream import ABORT
from ampp.api.tls import allowed
from ampp.api.webconfig import WebConfigError

__all__ = ["GRACE", "HEADER_BYTES", "Contexts", "serve"]

_log: Final = logging.getLogger("ampp.http")

GRACE: Final = 5.0
"""Seconds that requests in flight get at the end (upstream: the same)."""

_IDLE: Final = 650.0
"""Seconds an idle connection is kept: longer than any client's own patience (Prometheus: 300), so that it is the client
who hangs up and no request meets a closing door."""

_HANDSHAKE: Final = 10.0

_SAID: Final = 1 << 16
"""Bytes of one message on a WebSocket, where nothing needs to be said to us."""

HEADER_BYTES: Final = 1 << 20
"""Bytes of request line and headers; more is answered 431 (Go's default)."""


class Contexts(Protocol):
    """Where TLS contexts come from: see `ampp.api.guard.Guard`."""

    @property
    def sans(self) -> tuple[str, ...]:
        """What a client's certificate must carry one of, if it has one; none: anything."""

    async def context(self) -> ssl.SSLContext | None:
        """The context for a new connection, None for plain HTTP. Raises `WebConfigError` while the file is broken."""


def _without_stack(record: logging.LogRecord) -> bool:
    """trio tells with a traceback that a connection could not be accepted for want of descriptors; one line will do."""
    record.exc_info = None
    return True


async def serve(
    shell: Shell,
    sockets: Sequence[socket.socket],
    contexts: Contexts | None,
    shutdown: trio.Event,
    *,
    header_bytes: int = HEADER_BYTES,
    task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED,
) -> None:
    """Serve `shell` on listening `sockets` (which this closes) until `shutdown`, then finish what is in flight.

    `header_bytes` bounds request line and headers. `task_status.started()` is called when connections are accepted.
    Returns at most `GRACE` seconds after `shutdown`; cancelled, it drops everything at once.
    """
    logging.getLogger("trio.serve_listeners").addFilter(_without_stack)
    config = _config(header_bytes)
    worker = WorkerContext(None)
    app = ASGIWrapper(shell)  # type: ignore[arg-type]
    lifespan = Lifespan(app, config, {})
    listeners = [trio.SocketListener(trio.socket.from_stdlib_socket(sock)) for sock in sockets]
    async with trio.open_nursery() as lifespan_nursery:
        await lifespan_nursery.start(lifespan.handle_lifespan)
        await lifespan.wait_for_startup()
        async with trio.open_nursery() as connections:
            front = Front(shell, shell.prefix, shell.limits.max_body, _IDLE, header_bytes)
            handler = partial(_connection, front, app, config, worker, contexts)
            async with trio.open_nursery() as accepting:
                accepting.start_soon(partial(trio.serve_listeners, handler, listeners, handler_nursery=connections))
                task_status.started()
                await shutdown.wait()
                accepting.cancel_scope.cancel()
            connections.cancel_scope.deadline = trio.current_time() + GRACE
            front.close()
            shell.close()
            await worker.terminated.set()
        await lifespan.wait_for_shutdown()
        lifespan_nursery.cancel_scope.cancel()


def _config(header_bytes: int) -> Config:
    config = Config()
    config.errorlog = _log
    config.accesslog = None
    config.include_server_header = False
    config.keep_alive_timeout = _IDLE
    config.keep_alive_max_requests = 1 << 62
    config.h11_max_incomplete_size = header_bytes
    config.h2_max_header_list_size = header_bytes
    config.ssl_handshake_timeout = _HANDSHAKE
    config.websocket_max_message_size = _SAID
    return config


async def _connection(
    front: Front,
    app: ASGIWrapper,
    config: Config,
    worker: WorkerContext,
    contexts: Contexts | None,
    stream: trio.SocketStream,
) -> None:
    """One connection, from accept to close. What goes wrong here is the client's doing or stays with this client."""
    connection: Any = stream
    try:
        context = None if contexts is None else await contexts.context()
        if context is not None:
            connection = trio.SSLStream(stream, context, server_side=True, https_compatible=True)
            with trio.fail_after(_HANDSHAKE):
                await connection.do_handshake()
            if contexts is not None and not allowed(connection.getpeercert(), contexts.sans):
                return
        first = b""
        if context is None or connection.selected_alpn_protocol() != "h2":
            unanswered = await front.serve(connection)
            if unanswered is None:
                return
            first = unanswered
        replay = Replay(connection, first)
        async with trio.open_nursery() as nursery:
            nursery.start_soon(_abort_when_cancelled, replay)
            await _Server(app, config, worker, ConnectionState({ABORT: replay.abort}), replay)  # type: ignore[arg-type]
            nursery.cancel_scope.cancel()
    except Exception as error:  # noqa: BLE001 (one connection must not end the others)
        _report(error)
    finally:
        with trio.move_on_after(1, shield=True):
            await trio.aclose_forcefully(stream)


async def _abort_when_cancelled(replay: Replay) -> None:
    """Hypercorn shields what it writes; without this a client that reads nothing would hold up the end for ever."""
    try:
        await trio.sleep_forever()
    finally:
        with trio.CancelScope(shield=True):
            await replay.abort()


class _Server(TCPServer):
    """Hypercorn's connection, which ends when the client has hung up.

    Left alone it would wait out the idle time first, and a machine that is asked often would run out of descriptors.
    """

    _hung_up = False

    async def _read_data(self) -> None:
        await super()._read_data()
        self._hung_up = True
        await self.idle_task.stop()

    async def _idle_timeout(self) -> None:
        if not self._hung_up:
            await super()._idle_timeout()


_CLIENT_FAULTS: Final = (
    trio.BrokenResourceError,
    trio.ClosedResourceError,
    trio.BusyResourceError,
    trio.TooSlowError,
    OSError,
)


def _report(error: BaseException) -> None:
    if isinstance(error, BaseExceptionGroup):
        for inner in error.exceptions:
            _report(inner)
    elif isinstance(error, WebConfigError):
        _log.error("TLS configuration cannot be used", extra={"err": str(error)})
    elif isinstance(error, _CLIENT_FAULTS):
        _log.debug("connection lost", extra={"err": str(error)})
    else:
        _log.error("connection failed", exc_info=error)
