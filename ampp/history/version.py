"""The configurations that took effect, as recorded: effective YAML, without secrets."""

from typing import Final

import apsw
import msgspec

from ampp.core.clock import MILLISECOND
from ampp.store.sqlite.rows import fetch

__all__ = ["Version", "text_of", "versions"]

_LIST: Final = "SELECT id, at, hash, same, kept_timers FROM config ORDER BY id DESC LIMIT ?"
_TEXT: Final = "SELECT coalesce(c.text, b.text) FROM config AS c LEFT JOIN config AS b ON b.id = c.same WHERE c.id = ?"


class Version(msgspec.Struct, frozen=True):
    """One time that a configuration took effect: its number, when (wall ns), its hash in hexadecimal digits, and the
    number of the one it has its text from, its own when that was new. `kept_timers`: unchanged groups went on as they
    were."""

    number: int
    at: int
    hash: str
    text: int
    kept_timers: bool


def versions(connection: apsw.Connection, most: int) -> list[Version]:
    """The newest so many, newest first."""
    return [
        Version(number, at * MILLISECOND, f"{mark:012x}", number if same is None else same, bool(kept))
        for number, at, mark, same, kept in fetch(connection, _LIST, (most,))
    ]


def text_of(connection: apsw.Connection, number: int) -> str | None:
    """The text of a version; None when there is no such version, or its text is no longer kept."""
    rows = fetch(connection, _TEXT, (number,))
    return str(rows[0][0]) if rows and rows[0][0] is not None else None
