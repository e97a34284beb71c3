"""The two things delivery keeps while it works: a `Job` per notification log key, a `Lane` per integration."""

from collections import OrderedDict
from collections.abc import Iterator
from typing import Final

import trio

from ampp.core.notify import Data, Notify, Outcome
from ampp.core.plan import Integration
from ampp.core.reason import FailureReason
from ampp.core.record import Try
from ampp.deliver.health import Health
from ampp.deliver.outcome import failed, fatal, gave_up, log_success
from ampp.deliver.sender import Sender, SendError, Unsendable
from ampp.observe.log import Logger
from ampp.observe.metrics import IntegrationMetrics

__all__ = ["Job", "Lane"]

_TRIES: Final = 10

_log: Final = Logger("dispatcher")


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

    def conclude(
        self,
        now: int,
        wall: int,
        *,
        ok: bool = False,
        data: Data | None = None,
        error: SendError | None = None,
        canceled: bool = False,
    ) -> Outcome:
        """The job is at its end: count it, log it. `error` is one that ends it by itself."""
        self.over = True
        notify, lane = self.notify, self.lane
        lane.retrying = False
        took = now - self.began
        if ok:
            lane.last_success = wall
            lane.failures = 0
            outcome = Outcome(notify, ok=True, attempts=self.attempts, took=took, data=data or {}, tries=self.tries)
            log_success(outcome)
            return outcome
        cause = error or self.last
        text = fatal(notify, self.attempts, error) if error else gave_up(notify, self.attempts, cause, canceled)
        reason = cause.reason if cause else FailureReason.CANCELED if canceled else FailureReason.DEADLINE
        lane.series.failed(reason.value)
        if not canceled:
            lane.last_failure = wall
            lane.failures += 1
            lane.error = str(cause or "context deadline exceeded")
        # That an integration cannot send was said when it was loaded.
        log = _log.debug if canceled or isinstance(lane.sender, Unsendable) else _log.error
        log("Notify for alerts failed", num_alerts=len(notify.alerts), aggrGroup=notify.group_key, err=text)
        return failed(
            notify,
            self.attempts,
            took,
            error=text,
            reason=reason,
            retryable=error is None,
            canceled=canceled,
            tries=self.tries,
        )

    @property
    def tries(self) -> tuple[Try, ...]:
        """The attempts, where the outcome by itself does not say it all."""
        return self._tries if self.attempts > 1 else ()
