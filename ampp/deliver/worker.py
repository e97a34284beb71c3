"""Delivery at run time: every `Notify` is tried until it arrives, cannot arrive, or its time is over.

Theory of operation. Each notification log key has at most one `Job`, and a job is in one of three places:

    ready     in its lane's line, waiting for a slot
    running   one attempt under way, in a task of its own
    paused    waiting for its next attempt

A lane is one integration's line. An attempt may start when its lane runs fewer than `per_integration` attempts and all
lanes together fewer than `total`; a lane that runs none may always start one. Lanes take turns. So a receiver that
hangs fills its own lane and no other, and no number of hanging receivers keeps a healthy one from being told.

The wheel holds, under the same keys, the deadline of each ready job and the next attempt (or the deadline, if that
comes first) of each paused one. A running job's deadline is that of its cancel scope.

A reload may give up thousands of jobs, and leave thousands in lanes that are no more. `cancel` and `replace` only note
that, and `_review` brings each job up to it, over many turns of the loop, but one that is about to be touched before
that. Until then none can start: what is given up is passed over, and a lane that is no more has no turns.

All else but the attempts themselves happens synchronously on the event loop, so no state is ever seen half changed.
What waits is bounded by the number of keys, twice: a `Notify` for a key that is running waits behind it, and a newer
one takes its place.
"""

import math
import random as _random
import time
from collections import deque
from collections.abc import Awaitable, Callable, Iterable
from typing import Any, Final, TypeAlias

import trio

from ampp.core.clock import SECOND
from ampp.core.notify import Data, Notify, Outcome
from ampp.core.plan import Integration
from ampp.core.wheel import Wheel
from ampp.deliver.backoff import pauses
from ampp.deliver.health import Health
from ampp.deliver.lane import Job, Lane
from ampp.deliver.outcome import failed, gave_up, prepared
from ampp.deliver.resolver import Resolver
from ampp.deliver.sender import Sender, SendError, Senders, Unsendable, about
from ampp.observe import stall
from ampp.observe.log import Logger
from ampp.observe.metrics import NotifyMetrics

__all__ = ["Delivery", "Report"]

Report: TypeAlias = Callable[[Outcome], None]
"""Takes each outcome. Called on the event loop."""

_log: Final = Logger("dispatcher")

_AT_ONCE: Final = 64
"""Deadlines that are seen to before others have a turn: behind a receiver that hangs, those of thousands may come."""

_REVIEWED: Final = 16
"""Jobs that are reviewed before slots are filled with those of them that stay."""

_CLOSING: Final = 5.0
"""Seconds that outcomes have to be taken in at shutdown once the last attempt is over."""


class Delivery:
    """Sends what the engine decided to be sent; see the module's docstring.

    `mono` is the clock of `Notify.deadline`, `wall` that of `Health`, both in nanoseconds; `random` spreads the pauses.
    `grace` is how many seconds attempts under way may go on when `run` is cancelled.
    """

    def __init__(
        self,
        report: Report,
        metrics: NotifyMetrics,
        *,
        mono: Callable[[], int] = time.monotonic_ns,
        wall: Callable[[], int] = time.time_ns,
        random: Callable[[], float] = _random.random,
        per_integration: int = 64,
        total: int = 512,
        grace: float = 5.0,
    ) -> None:
        self._report = report
        self._metrics = metrics
        self._mono = mono
        self._wall = wall
        self._random = random
        self._per_integration = per_integration
        self._total = total
        self._grace = grace
        self._lanes: dict[Integration, Lane] = {}
        self._jobs: dict[str, Job] = {}
        self._turns: deque[Lane] = deque()
        self._ends: deque[tuple[Outcome, Job | None]] = deque()
        self._running: dict[Job, None] = {}
        self._given_up: set[int] = set()
        self._unreviewed: deque[Job] = deque()
        self._wheel: Wheel[str] = Wheel(mono())
        self._wake = trio.Event()
        self._asleep_until = -math.inf
        self._ended = trio.Event()
        self._closing = False
        self._nursery: trio.Nursery | None = None

    async def run(self, *, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED) -> None:
        """Deliver until cancelled; `submit` may be called once this has started.

        When cancelled, what waits is reported as canceled at once, what is being attempted has the grace to come to
        its end, and only then does this return. An outcome that arrives in the grace is reported like any other.
        """
        trio.socket.set_custom_hostname_resolver(Resolver())
        async with trio.open_nursery() as outer:
            closing = trio.Event()
            await outer.start(self._attempts, closing)
            task_status.started()
            try:
                await self._tend()
            finally:
                self._closing = True
                for job in list(self._jobs.values()):
                    self._cancel(job, running=False)
                closing.set()

    async def _attempts(self, closing: trio.Event, *, task_status: trio.TaskStatus[None]) -> None:
        """Keep the nursery in which attempts run, shielded so that the end of `run` does not cut them off."""
        async with trio.open_nursery() as nursery:
            nursery.cancel_scope.shield = True
            self._nursery = nursery
            task_status.started()
            await closing.wait()
            with trio.move_on_after(self._grace):
                while self._running:
                    self._ended = trio.Event()
                    await self._ended.wait()
            for job in self._jobs.values():
                if job.scope is not None:
                    job.scope.cancel()
            nursery.cancel_scope.deadline = trio.current_time() + _CLOSING
        self._nursery = None
        with trio.CancelScope(shield=True, deadline=trio.current_time() + _CLOSING):
            for lane in self._lanes.values():
                await _close(lane.sender)

    def replace(self, senders: Senders) -> None:
        """A configuration took effect: from now on these are the integrations.

        What is on its way to an integration that stays goes on, unless `cancel` ends it, with the new sender from its
        next attempt on; the rest is cancelled and reported so. How an integration fared is kept where it stays.
        Nothing that waits starts with a sender of before; thousands that wait are seen to in pieces.
        """
        before, self._lanes = self._lanes, {}
        self._turns.clear()
        self._metrics.configure((to.name, to.receiver) for to in senders)
        for to, sender in senders.items():
            self._lanes[to] = Lane(to, sender, self._metrics.integration(to.name, to.receiver), before.get(to))
            if isinstance(sender, Unsendable):
                _log.warn("Integration cannot send yet", **about(to), reason=sender.why)
        for lane in before.values():
            lane.retired = True
            self._retire(lane)
        self._review_all()
        self._pump()

    def cancel(self, flushes: Iterable[int]) -> None:
        """Give up what these flushes submitted: from now on no attempt of theirs begins, and one under way is told to
        stop, though it may still succeed. All are reported as canceled, thousands of them over many turns of the loop.
        """
        self._given_up.update(flushes)
        self._review_all()

    def refuse(self, notify: Notify) -> None:
        """Report `notify` as canceled, as it was given up before it could be submitted."""
        self._tell_canceled(notify)

    def submit(self, notify: Notify) -> None:
        """Take in `notify`; its `Outcome` will be reported, never before this returns.

        A `Notify` of the same key that is not being attempted is superseded by it; one that is, comes to its end first.
        """
        job = self._jobs.get(notify.key)
        if job is not None:
            self._review(job)
        if job is None:
            self._accept(notify)
        elif job.scope is not None or job.over:
            if job.following is not None:
                self._tell_superseded(job.following, 0, 0)
            job.following = notify
        else:
            self._leave(job)
            del self._jobs[job.key]
            self._tell_superseded(job.notify, job.attempts, self._mono() - job.began)
            self._accept(notify)

    def health(self) -> tuple[Health, ...]:
        """How each integration of the current configuration fares, in its order."""
        return tuple(lane.health() for lane in self._lanes.values())

    # The way of a job.

    def _accept(self, notify: Notify) -> None:
        now = self._mono()
        lane = self._lanes.get(notify.integration)
        if self._closing or lane is None or notify.flush in self._given_up:
            # Decided under a configuration that is no longer in effect, or too late.
            self._tell_canceled(notify)
            return
        job = Job(notify, lane, now)
        self._jobs[job.key] = job
        lane.series.total.inc()
        if not notify.firing and not notify.integration.send_resolved:
            # Nothing to say, which the log is to know, so that the next firing alert is a first notification.
            self._settle(job, ok=True, data=notify.data)
        else:
            self._enqueue(job, armed=False)
            self._pump()
            if job.key in lane.ready:
                self._arm(job.key, notify.deadline)

    def _enqueue(self, job: Job, *, armed: bool = True) -> None:
        lane = job.lane
        if isinstance(lane.sender, Unsendable):
            self._settle(job, error=SendError(lane.sender.why, retry=False))
            return
        lane.ready[job.key] = job
        if armed:
            self._arm(job.key, job.notify.deadline)
        if not lane.in_turn:
            lane.in_turn = True
            self._turns.append(lane)

    def _pump(self) -> None:
        """Start attempts while there are slots, one lane after the other."""
        if self._closing:
            return
        passed = 0
        while self._turns and passed < len(self._turns):
            lane = self._turns.popleft()
            if not lane.ready:
                lane.in_turn = False
                continue
            self._turns.append(lane)
            if lane.running and (lane.running >= self._per_integration or len(self._running) >= self._total):
                passed += 1
                continue
            if next(iter(lane.ready.values())).notify.flush in self._given_up:
                # It will be taken out of the line; then this comes again.
                passed += 1
                continue
            passed = 0
            key, job = lane.ready.popitem(last=False)
            self._wheel.cancel(key)
            lane.running += 1
            self._running[job] = None
            job.scope = trio.CancelScope()
            self._start(self._attempt, job, lane.sender)

    async def _attempt(self, job: Job, sender: Sender) -> None:
        assert job.scope is not None
        lane = job.lane
        began = self._mono()
        if not job.attempts:
            job.began = began
        data: Data | None = None
        error: SendError | None = None
        job.scope.deadline = trio.current_time() + (job.notify.deadline - began) / SECOND
        with job.scope:
            try:
                await stall.rest()
                alerts = await prepared(job.notify)
                self._review(job)
                if not job.canceled:
                    data = await sender.send(job.notify, alerts)
            except SendError as failure:
                error = failure.bare()
            except Exception:  # noqa: BLE001 - a defect of one receiver type must cost its own notification, not all
                _log.exception("Sender failed unexpectedly", **about(job.notify.integration))
                error = SendError("internal error, see the log", retry=False)
        ended, wall = self._mono(), self._wall()
        # When dozens of receivers answer at the same moment, what follows from that takes its time.
        with trio.CancelScope(shield=True):
            await stall.rest()
        self._review(job)
        job.scope = None
        took = ended - began
        job.tried(wall - took, took, "" if data is not None else str(error or "no answer before the end"))
        lane.running -= 1
        del self._running[job]
        series = job.lane.series
        series.latency.observe((ended - began) / SECOND)
        series.requests.inc()
        outcome = None
        if data is not None:
            outcome = self._outcome(job, ok=True, data=data)
        else:
            series.requests_failed.inc()
            self._failed(job, error, began, ended)
        self._retire(lane)
        self._ended.set()
        self._pump()
        if outcome is not None:
            self._tell(outcome, job)

    def _failed(self, job: Job, error: SendError | None, began: int, ended: int) -> None:
        if error is not None and not error.retry:
            self._settle(job, error=error)
        elif job.canceled or self._closing:
            self._settle(job, canceled=True)
        elif error is None or ended >= job.notify.deadline:
            self._settle(job)
        else:
            if job.last is None or str(job.last) != str(error):
                _log.warn(
                    "Notify attempt failed, will retry later",
                    **about(job.notify.integration),
                    aggrGroup=job.notify.group_key,
                    attempts=job.attempts,
                    err=error,
                )
            job.last = error
            job.lane.error = str(error)
            job.lane.retrying = True
            job.steps = job.steps or pauses(self._random)
            self._pause(job, min(max(began + next(job.steps), ended + error.after), job.notify.deadline))

    def _pause(self, job: Job, again: int) -> None:
        job.again = again
        job.lane.paused += 1
        self._arm(job.key, again)

    def _settle(self, job: Job, **how: Any) -> None:
        """The job is at its end: see `Job.conclude`; its outcome is reported soon."""
        self._end(self._outcome(job, **how), job)

    def _outcome(self, job: Job, **how: Any) -> Outcome:
        return job.conclude(self._mono(), self._wall(), **how)

    def _end(self, outcome: Outcome, job: Job | None = None) -> None:
        """Report the outcome soon, in its turn: a reload may end thousands of jobs at once."""
        self._ends.append((outcome, job))
        if len(self._ends) == 1:
            self._start(self._tell_ends)

    async def _tell_ends(self) -> None:
        while self._ends:
            if stall.overlong():
                await trio.lowlevel.checkpoint()
            self._tell(*self._ends[0])
            self._ends.popleft()

    def _tell(self, outcome: Outcome, job: Job | None) -> None:
        self._report(outcome)
        if job is not None:
            del self._jobs[job.key]
            if job.following is not None:
                self._accept(job.following)

    def _tell_superseded(self, notify: Notify, attempts: int, took: int) -> None:
        self._end(Outcome(notify, ok=False, attempts=attempts, took=took, superseded=True))

    def _tell_canceled(self, notify: Notify) -> None:
        self._end(failed(notify, 0, 0, error=gave_up(notify, 0, None, canceled=True), canceled=True))

    def _leave(self, job: Job) -> bool:
        """Take a ready or paused job out of its place; says whether it was ready."""
        self._wheel.cancel(job.key)
        ready = job.lane.ready.pop(job.key, None) is not None
        job.lane.paused -= not ready
        return ready

    def _review_all(self) -> None:
        """Bring every job up to what `cancel` and `replace` have decided: see the module's docstring."""
        idle = not self._unreviewed
        self._unreviewed = deque((*self._running, *self._jobs.values()))
        if not self._unreviewed:
            self._given_up.clear()
        elif idle:
            self._start(self._review_rest)

    async def _review_rest(self) -> None:
        pace = stall.Pace()
        while self._unreviewed:
            for _ in range(min(_REVIEWED, len(self._unreviewed))):
                self._review(self._unreviewed.popleft())
            if not self._unreviewed:
                self._given_up.clear()
            self._pump()
            await pace.pause()

    def _review(self, job: Job) -> None:
        if self._jobs.get(job.key) is not job:
            return
        given_up, lane = self._given_up, job.lane
        if job.following is not None and job.following.flush in given_up:
            self._drop_following(job)
        if lane.retired:
            lane = self._lanes.get(job.notify.integration, lane)
        if job.over or job.canceled:
            # What follows it by now is none of what was given up with it.
            job.lane = lane
        elif lane.retired or job.notify.flush in given_up:
            lane.retrying = False
            self._cancel(job)
        elif job.scope is not None:
            job.lane = lane
        elif lane is not job.lane:
            ready = self._leave(job)
            job.lane = lane
            if ready:
                self._enqueue(job)
            else:
                self._pause(job, job.again)

    def _cancel(self, job: Job, *, running: bool = True) -> None:
        self._drop_following(job)
        if job.over:
            return
        if job.scope is None:
            self._leave(job)
            self._settle(job, canceled=True)
        elif running:
            job.canceled = True
            job.scope.cancel()

    def _drop_following(self, job: Job) -> None:
        if job.following is not None:
            self._tell_canceled(job.following)
            job.following = None

    def _retire(self, lane: Lane) -> None:
        if lane.retired and not lane.running and self._nursery is not None:
            self._start(_close, lane.sender)

    # Time.

    async def _tend(self) -> None:
        """Sleep until something is due, and see to it."""
        while True:
            while ripe := self._wheel.advance(self._mono(), _AT_ONCE):
                for key in ripe:
                    self._due(self._jobs[key])
                await trio.lowlevel.checkpoint()
            self._pump()
            due = self._wheel.next_due()
            self._asleep_until = math.inf if due is None else due
            self._wake = trio.Event()
            with trio.move_on_after(math.inf if due is None else max(0.0, (due - self._mono()) / SECOND)):
                await self._wake.wait()
            self._asleep_until = -math.inf

    def _due(self, job: Job) -> None:
        self._review(job)
        if job.over:
            return
        self._leave(job)
        if self._mono() >= job.notify.deadline:
            self._settle(job)
        else:
            self._enqueue(job)

    def _arm(self, key: str, at: int) -> None:
        self._wheel.arm(key, at)
        if at < self._asleep_until:
            self._wake.set()

    def _start(self, task: Callable[..., Awaitable[Any]], *args: object) -> None:
        if self._nursery is not None:
            self._nursery.start_soon(task, *args)
        elif not self._closing:
            raise RuntimeError("delivery is not running")


async def _close(sender: Sender | Unsendable) -> None:
    if not isinstance(sender, Unsendable):
        await sender.aclose()
