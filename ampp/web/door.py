"""The way to the pages. Templates and all that fills them are loaded when the first page is asked for, in a thread: a
daemon that nobody looks at starts as fast, and holds as little, as if there were no pages."""

from functools import partial
from typing import Any

import trio

from ampp.api.reply import Reply
from ampp.api.visit import Pages, Visit
from ampp.live import Live

__all__ = ["pages"]


def pages(live: Live) -> Pages:
    """What is served to people."""
    lock = trio.Lock()
    opened: list[Any] = []

    async def answer(visit: Visit) -> tuple[Reply, str]:
        if not opened:
            async with lock:
                if not opened:
                    opened.append(await trio.to_thread.run_sync(partial(_open, live)))
        reply: tuple[Reply, str] = await opened[0].answer(visit)
        return reply

    return answer


def _open(live: Live) -> Any:
    from ampp.web.site import Site

    return Site(live)
