"""What the delivery tests are made of: notifications, a delivery under a mock clock, senders that follow a script."""

import contextlib
from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any

import trio
from prometheus_client import CollectorRegistry

from ampp.core.alert import Snapshot
from ampp.core.clock import SECOND, ZERO
from ampp.core.notify import NO_LABELS, Data, Notify, Outcome
from ampp.core.plan import Integration
from ampp.core.reason import FailureReason, NotifyReason
from ampp.deliver.sender import SendError, Senders
from ampp.deliver.worker import Delivery
from ampp.observe.metrics import NotifyMetrics
from ampp.options import Features

HOOK = Integration("team", "webhook", 0, True)
OTHER = Integration("other", "webhook", 0, True)


def alert(name: str = "Down", *, firing: bool = True, **labels: str) -> Snapshot:
    pairs = dict(sorted({"alertname": name, **labels}.items()))
    return Snapshot(
        labels=pairs,
        annotations={},
        starts=1_700_000_000 * SECOND,
        ends=ZERO if firing else 1_700_000_600 * SECOND,
        updated=1_700_000_000 * SECOND,
        generator_url="",
        marked=hash(name) & 0xFFFF,
        hash=hash(name) & 0xFFFF,
    )


def mono() -> int:
    return round(trio.current_time() * SECOND)


def notify(
    to: Integration = HOOK,
    *alerts: Snapshot,
    group: str = '{}:{alertname="Down"}',
    flush: int = 1,
    within: float = 60,
    **more: Any,
) -> Notify:
    alerts = alerts or (alert(),)
    return Notify(
        flush=flush,
        route_id="{}",
        group_key=group,
        group_labels={"alertname": "Down"},
        route_labels=NO_LABELS,
        integration=to,
        reason=more.pop("reason", NotifyReason.FIRST),
        alerts=alerts,
        firing=tuple(a.hash for a in alerts if a.firing),
        resolved=tuple(a.hash for a in alerts if not a.firing),
        deadline=more.pop("deadline", None) or mono() + round(within * SECOND),
        token=more.pop("token", "token-1"),
        **more,
    )


class Refuse:
    """A step of a script: the attempt takes so long, and fails."""

    def __init__(
        self, text: str = "no", *, after: float = 0, retry: bool = True, reason: FailureReason = FailureReason.OTHER
    ) -> None:
        self.after = after
        self.error = SendError(text, retry=retry, reason=reason)


class Accept:
    """A step of a script: the attempt takes so long, and succeeds."""

    def __init__(self, after: float = 0, data: Data | None = None) -> None:
        self.after = after
        self.data = data or {}


class Scripted:
    """A sender that does as it is told, and notes when. The last step goes on for ever."""

    def __init__(self, *steps: Refuse | Accept) -> None:
        self.steps = list(steps)
        self.at: list[float] = []
        self.told: list[tuple[Notify, tuple[Snapshot, ...]]] = []
        self.running = 0
        self.most = 0
        self.closed = 0

    async def send(self, notify: Notify, alerts: tuple[Snapshot, ...]) -> Data:
        step = self.steps.pop(0) if len(self.steps) > 1 else self.steps[0]
        self.at.append(trio.current_time())
        self.told.append((notify, alerts))
        self.running += 1
        self.most = max(self.most, self.running)
        try:
            await trio.sleep(step.after)
        finally:
            self.running -= 1
        if isinstance(step, Refuse):
            raise step.error
        return step.data

    async def aclose(self) -> None:
        self.closed += 1


HANG = Accept(after=10_000_000)


class Stage:
    """A running delivery, what it reported, and its metrics."""

    def __init__(self) -> None:
        self.outcomes: list[Outcome] = []
        self.start = trio.current_time()
        self.delivery: Delivery
        self._registry = CollectorRegistry()
        self._heard = trio.Event()

    def hear(self, outcome: Outcome) -> None:
        self.outcomes.append(outcome)
        self._heard.set()

    def open(self, **options: Any) -> None:
        self.delivery = Delivery(self.hear, NotifyMetrics(self._registry, Features()), mono=mono, **options)

    def count(self, name: str, **labels: str) -> float:
        value = self._registry.get_sample_value(f"alertmanager_{name}", {"integration": "webhook", **labels})
        assert value is not None
        return value

    async def until(self, count: int) -> list[Outcome]:
        """Wait for so many outcomes in all."""
        while len(self.outcomes) < count:
            self._heard = trio.Event()
            await self._heard.wait()
        return self.outcomes


@contextlib.asynccontextmanager
async def running(senders: Senders, random: Callable[[], float] | None = None, **options: Any) -> AsyncIterator[Stage]:
    """A delivery for the time of the block, cancelled at its end. Without `random` no pause is spread."""
    stage = Stage()
    stage.open(random=random or (lambda: 0.5), **options)
    stage.delivery.replace(senders)
    async with trio.open_nursery() as nursery:
        await nursery.start(stage.delivery.run)
        yield stage
        nursery.cancel_scope.cancel()


def numbers(*values: float) -> Callable[[], float]:
    """A source of chosen random numbers."""
    source: Iterator[float] = iter(values)
    return lambda: next(source)
