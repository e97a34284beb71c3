"""What the records say was sent."""

from collections import defaultdict
from typing import Final

from ampp.core.engine import OVERTAKEN
from ampp.core.plan import Integration, Plan
from ampp.core.reason import FailureReason
from ampp.core.record import Delivered, Flushed
from ampp.history.comparison import Totals

__all__ = ["Tally"]


class Tally:
    """Counts what was decided from `since` on (wall ns), and how it ended, by integration."""

    def __init__(self, since: int) -> None:
        self.totals: Final[dict[Integration, Totals]] = defaultdict(Totals)
        self._since: Final = since
        self._open: Final[dict[tuple[int, str], Integration]] = {}

    def flushed(self, record: Flushed, plan: Plan) -> None:
        if record.at < self._since or not record.outbox:
            return
        receiver = plan.receivers.get(record.group.receiver)
        known = {(to.name, to.idx): to for to in receiver.integrations} if receiver is not None else {}
        for decision, row in zip((one for one in record.decisions if one.send), record.outbox, strict=False):
            to = known.get((decision.integration, decision.idx))
            if to is not None and (decision.firing or to.send_resolved):
                self.totals[to].notifications += 1
                self._open[record.id, row.key] = to

    def delivered(self, record: Delivered) -> None:
        if record.reason == OVERTAKEN:
            return
        to = self._open.pop((record.flush, record.key), None)
        if to is not None:
            self.totals[to].delivered += record.ok
            self.totals[to].failed += not record.ok and record.reason not in ("", FailureReason.CANCELED.value)
