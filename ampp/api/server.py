"""The HTTP server: sockets in, connections to Hypercorn, an orderly end.

A connection whose first request is POST /api/v2/alerts is served by `front` as long as it keeps to that; every other
one goes to Hypercorn with the bytes already read. Hypercorn and the application take as long to load as all the rest;
that begins when connections are accepted, and who comes too early for it waits.
"""

import logging
import socket
import ssl
from collections.abc import Sequence
from functools import partial
from typing import TYPE_CHECKING, Any, Final, Protocol

import trio

from ampp.api.front import Front, Replay
from ampp.api.later import Later
from ampp.api.shell import Shell
from ampp.api.tls import allowed
from ampp.api.webconfig import WebConfigError

if TYPE_CHECKING:
    from ampp.api.hypercorn import Hypercorn

__all__ = ["GRACE", "HEADER_BYTES", "Contexts", "serve"]

_log: Final = logging.getLogger("ampp.http")

GRACE: Final = 5.0
"""Seconds that requests in flight get at the end (upstream: the same)."""

_IDLE: Final = 650.0
"""Seconds an idle connection is kept: longer than any client's own patience (Prometheus: 300), so that it is the client
who hangs up and no request meets a closing door."""

_HANDSHAKE: Final = 10.0

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
    listeners = [trio.SocketListener(trio.socket.from_stdlib_socket(sock)) for sock in sockets]
    async with trio.open_nursery() as living:
        general = _General(shell, header_bytes, living)
        async with trio.open_nursery() as connections:
            front = Front(shell, shell.prefix, shell.limits.max_body, _IDLE, header_bytes)
            handler = partial(_connection, front, general, contexts)
            async with trio.open_nursery() as accepting:
                accepting.start_soon(partial(trio.serve_listeners, handler, listeners, handler_nursery=connections))
                task_status.started()
                accepting.start_soon(general.get)
                await shutdown.wait()
                accepting.cancel_scope.cancel()
            connections.cancel_scope.deadline = trio.current_time() + GRACE
            front.close()
            shell.close()
            await general.finish()
        await general.end()
        living.cancel_scope.cancel()


class _General:
    """What serves the connections that are not the front's: loaded when first asked for, with the application."""

    def __init__(self, shell: Shell, header_bytes: int, living: trio.Nursery) -> None:
        self._shell: Final = shell
        self._loading: Final = Later(partial(_load, shell, header_bytes))
        self._living: Final = living
        self._beginning: Final = trio.Lock()
        self._begun: Hypercorn | None = None
        self._finishing = False

    async def get(self) -> "Hypercorn":
        """Raises what goes wrong with loading it."""
        if self._begun is not None:
            return self._begun
        loaded = await self._loading.get()
        await self._shell.load()
        # Half begun it could neither be begun again nor be ended.
        with trio.CancelScope(shield=True):
            async with self._beginning:
                if self._begun is None:
                    await loaded.begin(self._living)
                    self._begun = loaded
                    if self._finishing:
                        await loaded.finish()
        return loaded

    async def finish(self) -> None:
        self._finishing = True
        if self._begun is not None:
            await self._begun.finish()

    async def end(self) -> None:
        if self._begun is not None:
            await self._begun.end()


def _load(shell: Shell, header_bytes: int) -> "Hypercorn":
    from ampp.api.hypercorn import Hypercorn

    return Hypercorn(shell, header_bytes, _IDLE, _HANDSHAKE)


async def _connection(
    front: Front,
    general: _General,
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
        speaking = await general.get()
        replay = Replay(connection, first)
        async with trio.open_nursery() as nursery:
            nursery.start_soon(_abort_when_cancelled, replay)
            await speaking.serve(replay)
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
