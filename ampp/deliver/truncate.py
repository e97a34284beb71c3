"""Texts cut to what a receiver takes, as upstream cuts them; what was cut ends in an ellipsis."""

from typing import Final

__all__ = ["octets", "runes"]

_MARK: Final = "…"


def runes(text: str, limit: int) -> str:
    """At most `limit` code points (upstream's TruncateInRunes)."""
    if len(text) <= limit:
        return text
    return text[:limit] if limit <= 3 else text[: limit - 1] + _MARK


def octets(text: str, limit: int) -> str:
    """At most `limit` bytes of UTF-8, no part of a character (upstream's TruncateInBytes, which may crash here)."""
    raw = text.encode()
    if len(raw) <= limit:
        return text
    if limit <= 3:
        return _MARK if limit == 3 else "." * limit
    return raw[: limit - 3].decode(errors="ignore") + _MARK
