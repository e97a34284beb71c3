"""Everything Alertmanager serves outside its API: health, reload, metrics, the farewell of API v1."""

import gzip
import logging
from collections.abc import Awaitable, Callable
from typing import Final

import trio

from ampp.api.port import Port
from ampp.api.reply import JSON, Reply, empty, plain, plain_error
from ampp.live import ReloadError
from ampp.observe.exposition import CONTENT_TYPE

__all__ = ["ok", "reload", "scrape", "v1_gone"]

_log: Final = logging.getLogger("ampp.api")

_GONE: Final = (
    b'{"status":"deprecated","error":"API v1 was deprecated in 0.16.0 and removed in 0.27.0: '
    b'please use the same route of API v2"}\n'
)


def ok(method: str) -> Reply:
    """Healthy and ready alike: whoever gets an answer may send."""
    return empty() if method == "HEAD" else plain("OK")


async def reload(live: Port) -> Reply:
    """Reload and wait for the result."""
    try:
        await live.reload()
    except ReloadError as error:
        return plain_error(500, f"failed to reload config: {error}")
    return empty()


async def scrape(exposition: Callable[[], Awaitable[bytes]], accept_encoding: str) -> Reply:
    """The metrics, compressed in a thread if the client takes gzip."""
    body = await exposition()
    if not _takes_gzip(accept_encoding):
        return Reply(200, body, CONTENT_TYPE)
    packed = await trio.to_thread.run_sync(lambda: gzip.compress(body, 1, mtime=0))
    return Reply(200, packed, CONTENT_TYPE, (("Content-Encoding", "gzip"),))


def _takes_gzip(accept_encoding: str) -> bool:
    """Go's promhttp: the word alone or with any parameter, whatever its quality."""
    return any(part.split(";")[0].strip() == "gzip" for part in accept_encoding.split(","))


def v1_gone(path: str, method: str) -> Reply:
    _log.warning("v1 API received a request on a removed endpoint", extra={"path": path, "method": method})
    return Reply(410, _GONE, JSON)
