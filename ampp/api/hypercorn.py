"""Hypercorn, which speaks HTTP on every connection that is not `front`'s, and Quart's life in it.

Hypercorn's own `serve` owns its sockets, its TLS context and the end of the process; here those are ours (bound before
the configuration is applied, certificates that change, one shutdown for all rooms), so its connection handler is run
directly. Those names are not documented: hypercorn's version is pinned, and `tests/integration` holds it to its word.
"""

import logging
from typing import Final

import trio
from hypercorn.app_wrappers import ASGIWrapper
from hypercorn.config import Config
from hypercorn.trio.lifespan import Lifespan
from hypercorn.trio.tcp_server import TCPServer
from hypercorn.trio.worker_context import WorkerContext
from hypercorn.typing import ConnectionState

from ampp.api.front import Replay
from ampp.api.scope import App
from ampp.api.stream import ABORT

__all__ = ["Hypercorn"]

_log: Final = logging.getLogger("ampp.http")

_SAID: Final = 1 << 16
"""Bytes of one message on a WebSocket, where nothing needs to be said to us."""


class Hypercorn:
    """Hypercorn for one ASGI application. `header_bytes` bounds request line and headers; `idle` and `handshake`:
    seconds that a connection is kept, and that TLS may take."""

    def __init__(self, app: App, header_bytes: int, idle: float, handshake: float) -> None:
        self._config: Final = _config(header_bytes, idle, handshake)
        self._app: Final = ASGIWrapper(app)
        self._worker: Final = WorkerContext(None)
        self._lifespan: Final = Lifespan(self._app, self._config, {})

    async def begin(self, nursery: trio.Nursery) -> None:
        """Let the application begin, and live in `nursery`."""
        await nursery.start(self._lifespan.handle_lifespan)
        await self._lifespan.wait_for_startup()

    async def serve(self, replay: Replay) -> None:
        """One connection, until it is over."""
        state = ConnectionState({ABORT: replay.abort})
        await _Server(self._app, self._config, self._worker, state, replay)  # type: ignore[arg-type]

    async def finish(self) -> None:
        """Close connections after the request they are at."""
        await self._worker.terminated.set()

    async def end(self) -> None:
        """Let the application end."""
        await self._lifespan.wait_for_shutdown()


def _config(header_bytes: int, idle: float, handshake: float) -> Config:
    config = Config()
    config.errorlog = _log
    config.accesslog = None
    config.include_server_header = False
    config.keep_alive_timeout = idle
    config.keep_alive_max_requests = 1 << 62
    config.h11_max_incomplete_size = header_bytes
    config.h2_max_header_list_size = header_bytes
    config.ssl_handshake_timeout = handshake
    config.websocket_max_message_size = _SAID
    return config


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
