"""Texts cut to what a receiver takes, as upstream cuts them; what was cut ends in an ellipsis."""

import re
from typing import Final

__all__ = ["octets", "runes"]

_MARK: Final = "…"
_BROKEN: Final = re.compile("[\ud800-\udfff]")


def runes(text: str, limit: int) -> str:
    """At most `limit` code points (upstream's TruncateInRunes). Bytes that were no UTF-8 are one each."""
    if len(text) <= limit:
        return text
    return _whole(text[:limit] if limit <= 3 else text[: limit - 1] + _MARK)


def octets(text: str, limit: int) -> str:
    """At most `limit` bytes of UTF-8, no part of a character (upstream's TruncateInBytes, which may crash here)."""
    raw = text.encode(errors="surrogateescape")
    if len(raw) <= limit:
        return text
    if limit <= 3:
        return _MARK if limit == 3 else "." * limit
    # Go's runes make three bytes of each byte that was no UTF-8.
    return _whole(text).encode()[: limit - 3].decode(errors="ignore") + _MARK


def _whole(text: str) -> str:
    """The text as it comes back from Go's runes: with U+FFFD for each byte that was no UTF-8."""
    return _BROKEN.sub("\ufffd", text)
