"""The plain front page: what runs, since when, and how many alerts there are. And the icon."""

import struct
import zlib
from functools import lru_cache, partial
from html import escape
from typing import Final

from ampp import __version__
from ampp.api.app import Pages
from ampp.api.port import Port
from ampp.api.reply import Reply
from ampp.core.clock import SECOND
from ampp.core.duration import format_go
from ampp.core.timestamp import format_rfc3339
from ampp.core.view import AlertQuery
from ampp.observe.build import BUILD

__all__ = ["pages"]

_NO_CACHE: Final = (
    ("Cache-Control", "no-cache, no-store, must-revalidate"),
    ("Pragma", "no-cache"),
    ("Expires", "0"),
)
_STRICT: Final = (
    (
        "Content-Security-Policy",
        "default-src 'none'; style-src 'self'; img-src 'self'; base-uri 'none'; form-action 'none'; "
        "frame-ancestors 'none'",
    ),
    ("X-Content-Type-Options", "nosniff"),
    ("Referrer-Policy", "no-referrer"),
)

_PAGE: Final = """<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Alertmanager++</title>
<link rel="icon" href="favicon.ico">
</head>
<body>
<h1>Alertmanager++</h1>
<table>
<tr><th scope="row">Version</th><td>{version}, compatible with Alertmanager {compatible}</td></tr>
<tr><th scope="row">Running since</th><td>{started} ({uptime})</td></tr>
<tr><th scope="row">Active alerts</th><td>{active}</td></tr>
<tr><th scope="row">Suppressed alerts</th><td>{suppressed}</td></tr>
<tr><th scope="row">Active silences</th><td>{silences}</td></tr>
<tr><th scope="row">Receivers</th><td>{receivers}</td></tr>
</table>
<ul>
<li><a href="api/v2/alerts">Alerts</a></li>
<li><a href="api/v2/alerts/groups">Groups</a></li>
<li><a href="api/v2/silences">Silences</a></li>
<li><a href="api/v2/status">Status</a></li>
<li><a href="metrics">Metrics</a></li>
<li><a href="api/v2/openapi.json">API description</a></li>
</ul>
</body>
</html>
"""


def pages(live: Port) -> Pages:
    """What is served to people, by path."""
    return {"/": partial(_home, live), "/favicon.ico": _favicon}


async def _home(live: Port) -> Reply:
    """The page at `/`. Links are relative, so it works below any prefix."""
    now = live.now()
    views = await live.alerts(AlertQuery())
    suppressed = sum(view.suppressed for view in views)
    body = _PAGE.format(
        version=escape(__version__),
        compatible=escape(BUILD.version),
        started=escape(format_rfc3339(live.started)),
        uptime=escape(format_go((now.wall - live.started) // SECOND * SECOND)),
        active=len(views) - suppressed,
        suppressed=suppressed,
        silences=len(live.silences.query((), now, pending=False, expired=False)),
        receivers=len(live.plan.receivers),
    )
    return Reply(200, body.encode(), "text/html; charset=utf-8", _NO_CACHE + _STRICT)


async def _favicon() -> Reply:
    return Reply(200, _icon(), "image/vnd.microsoft.icon", _NO_CACHE)


@lru_cache(maxsize=1)
def _icon() -> bytes:
    """A red disc on nothing, 16 by 16: an ICO file around one PNG."""
    size = 16
    rows = bytearray()
    for y in range(size):
        rows.append(0)
        for x in range(size):
            inside = (2 * x + 1 - size) ** 2 + (2 * y + 1 - size) ** 2 <= (size - 1) ** 2
            rows += b"\xda\x3b\x2e\xff" if inside else b"\0\0\0\0"
    header = struct.pack(">IIBBBBB", size, size, 8, 6, 0, 0, 0)
    png = b"\x89PNG\r\n\x1a\n" + _chunk(b"IHDR", header) + _chunk(b"IDAT", zlib.compress(rows)) + _chunk(b"IEND", b"")
    entry = struct.pack("<BBBBHHII", size, size, 0, 0, 1, 32, len(png), 6 + 16)
    return struct.pack("<HHH", 0, 1, 1) + entry + png


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
