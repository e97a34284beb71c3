"""Notifications on their way from the engine to delivery: each waits for the record that announces it.

They go in the order in which they were decided, each as soon as its record is durable, in the very turn of the event
loop that learns of it. What would make such a turn too long, and what waits for its record for too long, is handed over
by a task. If the store cannot write, telling people goes before remembering it.
"""

from collections import deque
from collections.abc import Callable
from typing import Final

import msgspec
import trio

from ampp.core.notify import Notify
from ampp.observe import stall
from ampp.observe.log import Logger
from ampp.store.protocol import Ticket

__all__ = ["PATIENCE", "Outgoing"]

PATIENCE: Final = 5.0
"""Seconds a notification waits for its record to be durable."""

_log: Final = Logger("dispatcher")


class _Batch(msgspec.Struct, eq=False):
    """What one record announces. `until`: when it goes whatever became of the record; `ready`: it may go."""

    notify: list[Notify]
    until: float
    ready: bool = False


class Outgoing:
    """See the module's docstring. `submit` takes each notification when its turn has come."""

    def __init__(self, submit: Callable[[Notify], None]) -> None:
        self._submit: Final = submit
        self._batches: deque[_Batch] = deque()
        self._running = False
        self._some = trio.Event()
        self._left_over = trio.Event()

    def put(self, ticket: Ticket, notify: list[Notify]) -> None:
        """Take notifications, which `ticket`'s record announces."""
        batch = _Batch(notify, trio.current_time() + PATIENCE)
        self._batches.append(batch)
        self._some.set()

        def settled(reason: str) -> None:
            if reason:
                _log.warn("Notifying without a durable record", err=reason)
            batch.ready = True
            self._hand_over()

        ticket.then(settled)

    def _hand_over(self) -> None:
        """Hand over what may go, as much as this turn of the loop has time for."""
        batches = self._batches
        while self._running and batches and batches[0].ready:
            if stall.overlong():
                self._left_over.set()
                return
            for notify in batches.popleft().notify:
                self._submit(notify)

    async def run(self) -> None:
        """Let notifications go, until cancelled: none goes before or after."""
        self._running = True
        try:
            while True:
                await self._some.wait()
                self._some = trio.Event()
                while self._batches:
                    await self._see_to(self._batches[0])
        finally:
            self._running = False

    async def _see_to(self, first: _Batch) -> None:
        """See to what has waited for too long, or was left over."""
        self._left_over = trio.Event()
        if not first.ready:
            with trio.move_on_at(first.until):
                await self._left_over.wait()
            first.ready |= trio.current_time() >= first.until
        await stall.rest()
        self._hand_over()
        await trio.lowlevel.checkpoint()
