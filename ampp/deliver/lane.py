"""The two things delivery keeps while it works: a `Job` per notification log key, a `Lane` per integration."""

from collections import OrderedDict
from collections.abc import Iterator
from typing import Final

import trio

from ampp.core.notify import Notify
from ampp.core.plan import Integration
from ampp.core.record import Try
from ampp.deliver.health import Health
from ampp.deliver.sender import Sender, SendError, Unsendable
from ampp.observe.metrics import IntegrationMetrics

__all__ = ["Job", "Lane"]

_TRIES: Final = 10


class Lane:
    """One integration under one configuration: its line, what it runs, and how it fares."""

    def __init__(
        self, to: Integration, sender: Sender | Unsendable, series: IntegrationMetrics, before: "Lane | None"
    ) -> None:
        self.to = to
        self.sender = sender
        self.series = series
        self.ready: OrderedDict[str, Job] = OrderedDict()
        self.paused = 0
        self.running = 0
        self.in_turn = False
        self.retired = False
        self.last_success: int | None = before.last_success if before else None
        self.last_failure: int | None = before.last_failure if before else None
        self.failures: int = before.failures if before else 0
        self.error: str = before.error if before else ""
        self.retrying: bool = before.retrying if before else False

    def health(self) -> Health:
        return Health(
            integration=self.to,
            last_success=self.last_success,
            last_failure=self.last_failure,
            failures=self.failures,
            error=self.error,
            queued=len(self.ready) + self.paused,
            running=self.running,
            unsendable=self.sender.why if isinstance(self.sender, Unsendable) else "",
            retrying=self.retrying,
        )


class Job:
    """One key's notification on its way. Very many may wait at a time, so that each is a single object."""

    __slots__ = (
        "_tries",
        "again",
        "attempts",
        "began",
        "canceled",
        "following",
        "key",
        "lane",
        "last",
        "notify",
        "over",
        "scope",
        "steps",
    )

    def __init__(self, notify: Notify, lane: Lane, now: int) -> None:
        self.notify = notify
        self.key = notify.key
        self.lane = lane
        self.steps: Iterator[int] | None = None
        self.began = now
        self.again = now
        self.attempts = 0
        self.last: SendError | None = None
        self.scope: trio.CancelScope | None = None
        self.canceled = False
        self.over = False
        self.following: Notify | None = None
        self._tries: tuple[Try, ...] = ()

    def tried(self, at: int, took: int, error: str) -> None:
        """Note an attempt that has come to its end. Of many, the first and the last are kept."""
        self.attempts += 1
        tries = self._tries
        self._tries = (*(tries if len(tries) < _TRIES else (tries[0], *tries[2:])), Try(at, took, error))

    @property
    def tries(self) -> tuple[Try, ...]:
        """The attempts, where the outcome by itself does not say it all."""
        return self._tries if self.attempts > 1 else ()
