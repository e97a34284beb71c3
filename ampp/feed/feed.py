"""The last changes in order, and those who wait for more.

Theory of operation. The rooms that change something hand their journal records to `heard`, which is one look at a flag
while nobody listens. `ampp.feed.watch` takes them away a few times a second, finds out what they amount to, and
publishes it as events. Listeners have no queue: each keeps the number of the last event it was given and reads the ring
from there, at its own pace. So a slow one holds nothing up and costs no memory; when the ring has moved on past its
place it is told so (`Gap`), and goes on from the present.

Invariants:
- events are numbered from 1 without a gap; the ring holds the newest ones, bounded in number and in bytes;
- while `recording`, everything that happens becomes an event. It begins with the first listener, or with whoever asks
  for the present `place`, and ends `LINGER` seconds after the last. What happens while it is off has no number, so the
  places before it are forgotten: to go on from there is a gap, never silently less than everything.
"""

import secrets
from collections import deque
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any, Final

import trio

from ampp.core.record import Record
from ampp.feed.event import Event, Kind, encode, number_of, place

__all__ = ["LINGER", "Feed", "Gap"]

LINGER: Final = 120.0
"""Seconds for which changes are recorded after the last listener left, so that one that comes back finds them."""

CAPACITY: Final = 4096
"""Events kept."""

MOST_BYTES: Final = 16 << 20
"""Bytes of JSON kept."""

HEARD: Final = 20_000
"""Records that may wait to be looked at; more, and it is only known that there were too many."""


class Gap(Exception):
    """The events after the place asked for are not all there any more. `number`: the last one there is."""

    def __init__(self, number: int) -> None:
        super().__init__(number)
        self.number = number


class Feed:
    """See the module's docstring. Used on the event loop's thread only."""

    def __init__(
        self, *, capacity: int = CAPACITY, most_bytes: int = MOST_BYTES, linger: float = LINGER, heard: int = HEARD
    ) -> None:
        self.run: Final = secrets.token_hex(4)
        self.recording = False
        self.listeners = 0
        self._capacity: Final = capacity
        self._most_bytes: Final = most_bytes
        self._linger: Final = linger
        self._most_heard: Final = heard
        self._ring: deque[Event] = deque()
        self._bytes = 0
        self._number = 0
        self._floor = 0
        self._until = 0.0
        self._heard: list[Record] = []
        self._overheard = False
        self._wanted = trio.Event()
        self._news = trio.Event()
        self._published = trio.Event()

    # -- what happens ------------------------------------------------------------------------------------------------

    def heard(self, records: Sequence[Record]) -> None:
        """Take note of what was put into the journal."""
        if not self.recording or not records:
            return
        if len(self._heard) >= self._most_heard:
            self._overheard = True
        else:
            self._heard.extend(records)
        self._news.set()

    def take(self) -> tuple[list[Record], bool]:
        """The records heard since the last call, and whether there were too many to keep."""
        records, self._heard = self._heard, []
        over, self._overheard = self._overheard, False
        self._news = trio.Event()
        return records, over

    async def news(self) -> None:
        """Return when there is something to `take`."""
        await self._news.wait()

    def publish(self, kind: Kind, wall: int, data: dict[str, Any]) -> None:
        """Number an event and give it to all listeners."""
        self._number += 1
        event = encode(self.run, self._number, kind, wall, data)
        self._ring.append(event)
        self._bytes += len(event.json)
        while len(self._ring) > self._capacity or (self._bytes > self._most_bytes and len(self._ring) > 1):
            gone = self._ring.popleft()
            self._bytes -= len(gone.json)
            self._floor = gone.number
        if not self._published.is_set():
            self._published.set()

    def forget(self) -> None:
        """Tell everybody that something was missed: every place before this one is a gap."""
        self._number += 1
        self._ring.clear()
        self._bytes = 0
        self._floor = self._number
        self._published.set()

    # -- whether anybody wants to know -------------------------------------------------------------------------------

    async def wanted(self) -> None:
        """Return once somebody wants events."""
        while not self.recording:
            self._wanted = trio.Event()
            await self._wanted.wait()

    def rest(self) -> bool:
        """Stop recording if nobody has listened for a while; whether it did."""
        if self.listeners or trio.current_time() < self._until:
            return False
        self.recording = False
        self.take()
        self.forget()
        return True

    def _record(self) -> None:
        self._until = trio.current_time() + self._linger
        if not self.recording:
            self.recording = True
            self._wanted.set()

    # -- those who listen --------------------------------------------------------------------------------------------

    @property
    def number(self) -> int:
        """The number of the last event."""
        return self._number

    def place(self) -> str:
        """The present place, from which a listener that comes soon can go on: everything from now on is recorded."""
        self._record()
        return place(self.run, self._number)

    @contextmanager
    def listening(self) -> Iterator[None]:
        """Changes are recorded as long as this is entered."""
        self._record()
        self.listeners += 1
        try:
            yield
        finally:
            self.listeners -= 1
            self._until = trio.current_time() + self._linger

    def start(self, since: str | None) -> int:
        """Behind which number a listener that gives this place goes on. Raises Gap; ValueError if it is no place."""
        if since is None:
            return self._number
        number = number_of(since, self.run)
        if number is None or not self._floor <= number <= self._number:
            raise Gap(self._number)
        return number

    async def after(self, number: int) -> list[Event]:
        """The events after this number, as soon as there are any. Raises Gap."""
        while self._number == number:
            if self._published.is_set():
                self._published = trio.Event()
            await self._published.wait()
        if number < self._floor:
            raise Gap(self._number)
        return list(self._tail(number))

    def _tail(self, number: int) -> Iterator[Event]:
        first = self._ring[0].number
        for index in range(number + 1 - first, len(self._ring)):
            yield self._ring[index]
