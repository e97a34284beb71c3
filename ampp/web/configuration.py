"""The configurations that took effect, and what differs between two of them: in the routes, receivers and rules that
hold, and in the text. Secrets are not recorded, so a change of one alone does not show."""

from difflib import unified_diff
from functools import partial
from typing import Final

import msgspec
import trio

from ampp import config
from ampp.api.reply import Reply
from ampp.api.visit import Visit
from ampp.config import ConfigError
from ampp.config.difference import SECTIONS, Difference, compare
from ampp.core.matcher import Mode
from ampp.history.error import HistoryError
from ampp.history.version import Version, text_of, versions
from ampp.web.frame import Room

__all__ = ["page"]

_VERSIONS: Final = 100
_LINES: Final = 20_000
_SHOWN: Final = 2_000
_SIGNS: Final = {"+": "added", "-": "removed", "@": "place"}


class Compared(msgspec.Struct, frozen=True):
    """Two versions side by side: `old` may be None. `lines`: what differs in the text, each with its kind; `cut`: how
    many more there are. `trouble`: why nothing is told of what the difference means."""

    old: Version | None
    new: Version
    difference: Difference | None
    lines: tuple[tuple[str, str], ...]
    cut: int
    trouble: str


async def page(room: Room, visit: Visit, _: str) -> Reply:
    """GET /ui/config: the versions; `from` and `to` are the numbers of two to be compared, by default the last two that
    differ."""
    live = room.live
    found: list[Version] = []
    compared, trouble = None, ""
    try:
        found = await live.history.ask(partial(versions, most=_VERSIONS))
        by_number = {version.number: version for version in found}
        new = by_number.get(_number(visit.query.last("to")), found[0] if found else None)
        if new is not None:
            old = by_number.get(_number(visit.query.last("from"))) or _before(found, new)
            before = await live.history.ask(partial(text_of, number=old.number)) if old else None
            after = await live.history.ask(partial(text_of, number=new.number))
            compared = await trio.to_thread.run_sync(_compared, old, new, before, after, room.mode)
    except HistoryError as error:
        trouble = str(error)
    return await room.frame.page(
        visit,
        "config.html",
        title="Configurations",
        section="status",
        versions=found,
        compared=compared,
        trouble=trouble,
        chapters=SECTIONS,
    )


def _number(text: str) -> int:
    return int(text) if text.isascii() and text.isdigit() and len(text) < 16 else 0


def _before(found: list[Version], new: Version) -> Version | None:
    """The last version before this one that has another text; if there is none, the one before."""
    earlier = [version for version in found if version.number < new.number]
    return next((version for version in earlier if version.text != new.text), next(iter(earlier), None))


def _compared(old: Version | None, new: Version, before: str | None, after: str | None, mode: Mode) -> Compared:
    if old is None:
        return Compared(None, new, None, (), 0, "there is none before it")
    if before is None or after is None:
        return Compared(old, new, None, (), 0, "the text is no longer kept")
    left, right = before.splitlines()[:_LINES], after.splitlines()[:_LINES]
    changes = list(unified_diff(left, right, n=3, lineterm=""))[2:]
    lines = tuple((_SIGNS.get(line[:1], ""), line) for line in changes[:_SHOWN])
    difference, trouble = None, ""
    try:
        difference = compare(config.load(before, mode), config.load(after, mode))
    except ConfigError as error:
        trouble = f"one of them cannot be read as it was recorded: {error.message}"
    return Compared(old, new, difference, lines, len(changes) - len(lines), trouble)
