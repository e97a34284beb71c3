"""What the journal says the state is: an independent, deliberately plain reading of the records.

The store keeps the same tables in SQL. The simulation restarts from this one, and compares it with the live engine
after every step.
"""

from ampp.core.record import (
    AlertRow,
    Collected,
    Delivered,
    Flushed,
    GroupDropped,
    GroupRow,
    LogEntry,
    LogPruned,
    OutboxRow,
    Posted,
    Record,
    SilencePut,
    SilencesPruned,
)
from ampp.core.silence import Silence


class Projection:
    def __init__(self) -> None:
        self.alerts: dict[bytes, AlertRow] = {}
        self.groups: dict[tuple[str, bytes], GroupRow] = {}
        self.log: dict[str, LogEntry] = {}
        self.outbox: dict[str, OutboxRow] = {}
        self.silences: dict[str, Silence] = {}
        self.last_alive = 0

    def apply(self, record: Record) -> None:
        self.last_alive = max(self.last_alive, record.at)
        match record:
            case Posted():
                self.alerts.update((row.key, row) for row in record.alerts)
            case Collected():
                for key in record.alerts:
                    self.alerts.pop(key, None)
            case Flushed():
                self.groups[record.group.route, record.group.labels] = record.group
                self.outbox.update((row.key, row) for row in record.outbox)
            case GroupDropped():
                self.groups.pop((record.route, record.labels), None)
            case Delivered():
                if record.entry is not None:
                    self.log[record.key] = record.entry
                row = self.outbox.get(record.key)
                # A newer row for the same key stands.
                if record.settled and row is not None and row.flush == record.flush:
                    del self.outbox[record.key]
            case LogPruned():
                for key in record.keys:
                    self.log.pop(key, None)
            case SilencePut():
                self.silences.update((silence.id, silence) for silence in record.silences)
            case SilencesPruned():
                for silence_id in record.ids:
                    self.silences.pop(silence_id, None)
            case _:
                pass
