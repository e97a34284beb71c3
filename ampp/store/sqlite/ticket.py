"""What waits in the writer's queue, and the promises given for it."""

import time
from collections.abc import Callable

import trio

from ampp.core.record import Record
from ampp.store.error import StoreDown

__all__ = ["Entry", "Ticket", "settle"]


class Ticket:
    """The promise of one `append`; settled in the event loop's thread only."""

    __slots__ = ("_calls", "_event", "_reason", "_settled")

    def __init__(self, reason: str = "") -> None:
        self._event: trio.Event | None = None
        self._calls: tuple[Callable[[str], None], ...] = ()
        self._reason = reason
        self._settled = bool(reason)

    async def durable(self) -> None:
        if self._settled:
            await trio.lowlevel.checkpoint()
        else:
            if self._event is None:
                self._event = trio.Event()
            await self._event.wait()
        if self._reason:
            raise StoreDown(self._reason)

    def then(self, call: Callable[[str], None]) -> None:
        if self._settled:
            call(self._reason)
        else:
            self._calls += (call,)

    def settle(self, reason: str) -> None:
        self._settled, self._reason = True, reason
        calls, self._calls = self._calls, ()
        for call in calls:
            call(reason)
        if self._event is not None:
            self._event.set()


class Entry:
    """One place in the queue: records to write, or a job to run on the writer's thread between transactions."""

    __slots__ = ("job", "records", "since", "size", "ticket")

    def __init__(self, records: list[tuple[Record, bytes]], job: Callable[[], None] | None = None) -> None:
        self.records = records
        self.job = job
        self.size = sum([len(body) for _, body in records])
        self.ticket = Ticket()
        self.since = time.monotonic()


def settle(entries: list[Entry], reason: str) -> None:
    """Keep or break the promises of all `entries`; an empty `reason` means kept. In the event loop's thread."""
    for entry in entries:
        entry.ticket.settle(reason)
