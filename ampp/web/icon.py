"""The icon: a plain one for who asks for /favicon.ico, and one that carries the number of what burns."""

import struct
import zlib
from functools import lru_cache
from typing import Final

__all__ = ["favicon", "picture", "svg"]

_COLOURS: Final = {"": "#5c6168", "ok": "#2f8f4e", "warning": "#b86e00", "critical": "#d03a2b"}


def svg(count: int, level: str) -> bytes:
    """A disc in the colour of the worst there is, with the count in it. `level`: critical, warning, ok or ""."""
    text = "" if count == 0 else str(count) if count < 1000 else "999+"
    size = {0: 0, 1: 20, 2: 17, 3: 13}.get(len(text), 10)
    label = (
        f'<text x="16" y="16" fill="#fff" font-family="system-ui,sans-serif" font-weight="700" font-size="{size}" '
        f'text-anchor="middle" dominant-baseline="central">{text}</text>'
        if text
        else '<path d="M9.5 16.5l4.5 4.5 8.5-9.5" fill="none" stroke="#fff" stroke-width="3.5" '
        'stroke-linecap="round" stroke-linejoin="round"/>'
    )
    fill = _COLOURS.get(level, _COLOURS[""])
    return (
        '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 32 32" width="32" height="32">'
        f'<circle cx="16" cy="16" r="16" fill="{fill}"/>{label}</svg>'
    ).encode()


@lru_cache(maxsize=1)
def favicon() -> bytes:
    """A red disc on nothing, 16 by 16: an ICO file around one PNG."""
    png = picture(16)
    entry = struct.pack("<BBBBHHII", 16, 16, 0, 0, 1, 32, len(png), 6 + 16)
    return struct.pack("<HHH", 0, 1, 1) + entry + png


@lru_cache(maxsize=4)
def picture(size: int) -> bytes:
    """The disc as a square PNG."""
    rows = bytearray()
    for y in range(size):
        rows.append(0)
        for x in range(size):
            inside = (2 * x + 1 - size) ** 2 + (2 * y + 1 - size) ** 2 <= (size - 1) ** 2
            rows += b"\xda\x3b\x2e\xff" if inside else b"\0\0\0\0"
    header = struct.pack(">IIBBBBB", size, size, 8, 6, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + _chunk(b"IHDR", header) + _chunk(b"IDAT", zlib.compress(rows)) + _chunk(b"IEND", b"")


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
