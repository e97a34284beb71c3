"""The configurations that took effect, and what differs between two of them."""

from functools import partial
from typing import Final

import trio

from ampp.api.reply import Reply
from ampp.api.visit import Visit
from ampp.config.difference import SECTIONS
from ampp.history.error import HistoryError
from ampp.history.revision import before, revision
from ampp.history.version import Version, text_of, versions
from ampp.web.frame import Room

__all__ = ["page"]

_VERSIONS: Final = 100
_SIGNS: Final = {"+": "added", "-": "removed", "@": "place"}


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
            old = by_number.get(_number(visit.query.last("from"))) or before(found, new)
            left = await live.history.ask(partial(text_of, number=old.number)) if old else None
            right = await live.history.ask(partial(text_of, number=new.number))
            compared = await trio.to_thread.run_sync(revision, old, new, left, right, room.mode)
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
        signs=_SIGNS,
    )


def _number(text: str) -> int:
    return int(text) if text.isascii() and text.isdigit() and len(text) < 16 else 0
