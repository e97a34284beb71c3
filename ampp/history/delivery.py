"""The deliveries of a replay that are under way: a record will tell how each ended."""

from typing import Final

from ampp.core.clock import MINUTE
from ampp.core.engine import MIN_DEADLINE
from ampp.core.group import Group
from ampp.core.notify import Notify, Outcome
from ampp.core.reason import FailureReason
from ampp.core.record import Delivered, Flushed

__all__ = ["Deliveries"]

_PATIENCE: Final = MINUTE
"""How long after its deadline an outcome may still be recorded."""

_REASONS: Final = {reason.value: reason for reason in FailureReason}


class Deliveries:
    """By the recorded turn (flush id) and the log key that the record of their end names. Times in wall nanoseconds."""

    def __init__(self) -> None:
        self._open: Final[dict[tuple[int, str], Notify]] = {}
        self._flown: Final[dict[int, int]] = {}

    def clear(self) -> None:
        """Nothing is under way any more."""
        self._open.clear()
        self._flown.clear()

    def begin(self, notify: Notify, flush: int, wall: int) -> None:
        """The end of the delivery that this recorded turn began will be the end of this one."""
        self._open[flush, notify.key] = notify
        self._flown[notify.flush] = wall

    def begun(self, record: Flushed) -> bool:
        """Whether a delivery of the recorded turn is under way already."""
        return any((record.id, row.key) in self._open for row in record.outbox)

    def end(self, record: Delivered) -> Outcome | None:
        """How a delivery ended that this replay made too."""
        notify = self._open.pop((record.flush, record.key), None)
        if notify is None:
            return None
        return Outcome(
            notify=notify,
            ok=record.ok,
            attempts=record.attempts,
            took=record.took,
            reason=None if record.ok else _REASONS.get(record.reason, FailureReason.OTHER),
            error=record.error,
            canceled=record.reason == FailureReason.CANCELED.value,
            superseded=not record.ok and not record.reason,
        )

    def given_up(self, group: Group, wall: int) -> list[Outcome]:
        """How the group's deliveries ended of which the journal does not tell: they have not succeeded. None as long as
        there may still be a record."""
        if group.flight is None:
            return []
        flush = group.flight.id
        patience = max(group.route.group_interval, MIN_DEADLINE) + _PATIENCE
        if wall - self._flown.get(flush, wall) <= patience:
            return []
        return [
            Outcome(self._open.pop(place), False, 0, 0, FailureReason.OTHER, "the outcome is not recorded")
            for place in [place for place, notify in self._open.items() if notify.flush == flush]
        ]

    def landed(self, flush: int) -> None:
        """All deliveries of one of this replay's turns have ended."""
        self._flown.pop(flush, None)
