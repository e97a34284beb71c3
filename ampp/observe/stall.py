"""How long the event loop was held up: a task asks to be woken every so often and notes how much later it was.

A stall of the loop delays notifications, answers and everything else alike; the design allows none above 50 ms. The
same task feeds systemd's watchdog, so that a loop which no longer turns gets the process restarted.
"""

import trio
from prometheus_client import Histogram

from ampp.core.clock import SECOND
from ampp.observe import systemd

__all__ = ["watch"]


async def watch(stall: Histogram, *, interval: float = 0.05) -> None:
    """Observe into `stall`, in seconds, forever: run it as a task of its own and cancel it to end it.

    `interval`: seconds between two looks. The watchdog is fed at a third of the time it allows.
    """
    limit = systemd.watchdog_interval()
    feed_every = limit / SECOND / 3 if limit is not None else float("inf")
    due = trio.current_time()
    fed = due - feed_every
    while True:
        if due - fed >= feed_every:
            systemd.notify("WATCHDOG=1")
            fed = due
        asked = trio.current_time() + min(interval, feed_every)
        await trio.sleep_until(asked)
        due = trio.current_time()
        stall.observe(due - asked)
