"""Texts cut to what a receiver takes, as upstream cuts them; what was cut ends in an ellipsis."""

from typing import Final

from ampp.core.notify import Notify
from ampp.deliver.sender import about
from ampp.observe.log import Logger

__all__ = ["octets", "runes", "shortened"]

_log: Final = Logger("dispatcher")

_MARK: Final = "…"


def shortened(text: str, limit: int, what: str, notify: Notify) -> str:
    """As `runes`, with a warning in the log where that takes something away; `what` is upstream's name of the text."""
    if len(text) > limit:
        _log.warn(f"Truncated {what}", **about(notify.integration), aggrGroup=notify.group_key, max_runes=limit)
    return runes(text, limit)


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
