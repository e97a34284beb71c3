"""What the engine asks of delivery, and what it hears back.

A flush that decides to tell an integration something yields one `Notify`; delivery answers each with exactly one
`Outcome`: after success, after a failure that cannot be mended, when the deadline passed, when it was cancelled, or
when a newer `Notify` for the same log entry took its place before it was tried.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Final, TypeAlias

import msgspec

from ampp.core.alert import Snapshot
from ampp.core.plan import Integration
from ampp.core.reason import FailureReason, NotifyReason
from ampp.core.record import Try

__all__ = ["NO_LABELS", "Data", "Labeller", "Notify", "Outcome", "RouteLabels", "unrendered"]

Data: TypeAlias = dict[str, str | int | float]
"""What an integration wants back at the next notification of the same group (upstream's receiver data)."""


Labels: TypeAlias = Mapping[str, str]
Labeller: TypeAlias = Callable[[str, Labels, Labels, Sequence[Snapshot]], Callable[[], Labels]]
"""(receiver, group labels, route labels as written, alerts in no order) → what renders the route labels when called."""


def unrendered(
    receiver: str, group_labels: Labels, route_labels: Labels, alerts: Sequence[Snapshot]
) -> Callable[[], Labels]:
    """The labeller of who has no templates: what would need them is left out."""
    return lambda: {name: value for name, value in route_labels.items() if "{{" not in value}


class RouteLabels:
    """The labels of a group's route at one moment. `render` is what makes those that are templates, or None.

    Rendering takes the longer the more alerts the group has, so where `templated` says so, others are not made to wait
    for `rendered`: it is to be called in a thread, and may be called from several.
    """

    __slots__ = ("_labels", "_render")

    def __init__(self, labels: Labels, render: Callable[[], Labels] | None = None) -> None:
        self._labels = labels
        self._render = render

    @property
    def templated(self) -> bool:
        """Whether there is still something to render."""
        return self._render is not None

    def rendered(self) -> Labels:
        """The labels as they are told. A label that cannot be rendered is not among them."""
        render = self._render
        if render is not None:
            self._labels = render()
            self._render = None
        return self._labels


NO_LABELS: Final = RouteLabels({})


class Notify(msgspec.Struct, frozen=True):
    """Tell one integration about one group.

    `alerts` holds all of the flush, firing and resolved, in no order; delivery puts them in order, and drops the
    resolved ones where `integration.send_resolved` is false. `firing` and `resolved` are their xxHash64s for the log.
    `deadline` is in monotonic nanoseconds: no attempt outlives it. `token` is the same for every attempt, also after a
    restart.
    """

    flush: int
    route_id: str
    group_key: str
    group_labels: dict[str, str]
    route_labels: RouteLabels
    integration: Integration
    reason: NotifyReason
    alerts: tuple[Snapshot, ...]
    firing: tuple[int, ...]
    resolved: tuple[int, ...]
    deadline: int
    token: str
    data: Data = {}

    @property
    def key(self) -> str:
        """The log key, as `ampp.core.record.LogEntry.key` writes it."""
        to = self.integration
        return f"{self.group_key}:{to.receiver}/{to.name}/{to.idx}"


class Outcome(msgspec.Struct, frozen=True):
    """How a `Notify` ended. `took` is nanoseconds from the first attempt to the end, `attempts` what was really tried.

    When `ok`, the log is to be written with `data`. Otherwise `reason` is set and `error` is upstream's text.
    `retryable`: the last error was of the kind that is tried again (it ended by deadline or cancellation).
    `canceled`: a reload or the shutdown ended it; what it was to say is still to be said.
    `tries`: the attempts, when there was more than one; of many the first and the last.
    `superseded`: a newer `Notify` of the same key replaced this one; nothing failed and nothing is to be logged.
    """

    notify: Notify
    ok: bool
    attempts: int
    took: int
    reason: FailureReason | None = None
    error: str = ""
    data: Data = {}
    retryable: bool = False
    canceled: bool = False
    superseded: bool = False
    tries: tuple[Try, ...] = ()
