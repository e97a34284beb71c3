"""The way to the pages. Templates and all that fills them are loaded when the first page is asked for, in a thread: a
daemon that nobody looks at starts as fast, and holds as little, as if there were no pages."""

from functools import partial
from typing import Any

from ampp.api.later import Later
from ampp.api.reply import Reply
from ampp.api.visit import Pages, Visit
from ampp.live import Live

__all__ = ["pages"]


def pages(live: Live) -> Pages:
    """What is served to people."""
    site = Later(partial(_open, live))

    async def answer(visit: Visit) -> tuple[Reply, str]:
        reply: tuple[Reply, str] = await (await site.get()).answer(visit)
        return reply

    return answer


def _open(live: Live) -> Any:
    from ampp.web.site import Site

    return Site(live)
