"""The writer: one thread, the only one that writes the databases, fed by a queue and committing in groups.

Theory of operation
-------------------
*Normal.* `append` encodes its records, notes them and returns a ticket. When the event loop has let every task that
could run have its turn and is about to wait, all that was noted goes to the end of the queue at once: what arrived
together is committed together, and the thread is woken once and not in the middle of it, when the two would only keep
each other from the interpreter lock. The thread takes all that is queued, writes it in one transaction and settles the
tickets of that transaction with one call into the event loop. While a commit runs the next group gathers, so the group
grows with the load by itself. How it is written, and how room is found for it, is the `ledger`'s.

The table of current alerts follows behind: the thread has it take in a slice of the backlog when nothing has been
written for a moment (just then those who were answered put their next requests, and the event loop needs the
interpreter), when the queue is empty and the backlog long, and whenever it has grown too long. Refreshes wait in
`_pending`, the newest per alert; an `append` that touches an alert takes its waiting refresh away, so what is still
waiting when its turn comes is newer than every record before it, and joins the end of the backlog.

*Down.* When a write fails, every waiting ticket fails at once, and queue, backlog and waiting refreshes are thrown
away: memory is then ahead of the disk by an unknown amount and nothing less than the whole state can mend that. While
down `append` fails at once and stores nothing. About once a second the thread reopens the files (a file whose content
is broken is set aside first, one that has vanished is created anew), finds room as above and tries a small write.

*Healing.* When that works the event loop calls `hold`, from which moment records are queued again but not written;
collects the current state; and hands it in with `restate`. The thread brings the tables in step with it and then goes
on with what was queued meanwhile. This is sound because rows are absolute: a record queued while the state was
collected may be in it already, and writing it again changes nothing, since every later change of the same row is queued
behind it.

Records that were refused or failed are missing from the journal, and counted in `lost`; the state is not affected.
"""

import threading
import time
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from functools import partial
from typing import Any, Final

import apsw
import msgspec

from ampp.core.record import AlertRow, Record
from ampp.store.error import StoreDown, StoreError
from ampp.store.protocol import State
from ampp.store.sqlite import tables
from ampp.store.sqlite.backlog import SLICE_ROWS
from ampp.store.sqlite.codec import encode
from ampp.store.sqlite.ledger import Ledger
from ampp.store.sqlite.loop import Loop
from ampp.store.sqlite.ticket import Entry, Ticket, settle

__all__ = ["Writer"]

_GROUP_RECORDS: Final = 2_000
_GROUP_BYTES: Final = 8 << 20
_QUEUE_BYTES: Final = 64 << 20
_BACKLOG_SECONDS: Final = 0.2
_QUIET_SECONDS: Final = 0.002
_MANY_ROWS: Final = 8 * SLICE_ROWS
_REFRESH_SECONDS: Final = 2.0
_RETRY_SECONDS: Final = 1.0
_STUCK_SECONDS: Final = 10.0


class Writer:
    """See the module's docstring. `on_probe`: called in the loop when a write works again; `lost`: records refused or
    not written; `logged`: how many pages were written since the files were opened. Methods without an underscore are
    for the event loop's thread."""

    def __init__(self, ledger: Ledger, *, on_probe: Callable[[], None]) -> None:
        self.ledger: Final = ledger
        self.lost = 0
        self.logged = 0
        self._on_probe = on_probe
        self._condition = threading.Condition()
        self._noted: list[Entry] = []
        self._queue: deque[Entry] = deque()
        self._queue_bytes = 0
        self._queue_records = 0
        self._pending: dict[bytes, AlertRow] = {}
        self._pending_since = 0.0
        self._down = ""
        self._held = False
        self._probed = False
        self._stopping = False
        self._busy_since = 0.0
        self._retry_at = 0.0
        self._quiet_at = 0.0
        self._loop: Final = Loop(self.push)
        self._thread = threading.Thread(target=self._run, name="store-writer", daemon=True)

    def start(self, backlog: Iterable[tuple[int, list[tables.Change]]] = (), down: str = "") -> None:
        """Begin to write. `backlog`: records journalled by a former run and not yet in the table of alerts."""
        for seq, changes in backlog:
            self.ledger.owe(seq, changes)
        self._down = down
        self._thread.start()

    def append(self, records: Sequence[Record]) -> Ticket:
        self._loop.attach()
        entry = Entry([(record, encode(record)) for record in records])
        self._noted.append(entry)
        return entry.ticket

    def push(self) -> None:
        """Queue what was noted. Called when the event loop is about to wait; whoever cannot wait so long calls it."""
        noted = self._noted
        if not noted:
            return
        self._noted = []
        with self._condition:
            for count, entry in enumerate(noted):
                if not self._down and self._queue_bytes + entry.size > _QUEUE_BYTES:
                    self._go_down(f"the write queue is full: {self._queue_bytes} bytes wait for the disk")
                if self._down:
                    refused = noted[count:]
                    self.lost += sum(len(each.records) for each in refused)
                    self._settle(refused, self._down)
                    break
                if self._pending:
                    for record, _ in entry.records:
                        for key, _ in tables.alert_changes(record):
                            self._pending.pop(key, None)
                self._enqueue(entry)

    def refresh(self, rows: Iterable[AlertRow]) -> None:
        self.push()
        with self._condition:
            if self._down:
                return
            if not self._pending:
                self._pending_since = time.monotonic()
            pending = self._pending
            for row in rows:
                pending[row.key] = row

    async def run(self, job: Callable[[], Any]) -> Any:
        """Run `job` on the writer's thread after everything queued so far, and return its result. Raises StoreDown."""
        result: list[Any] = []
        entry = Entry([], lambda: result.append(job()))
        self._loop.attach()
        self.push()
        with self._condition:
            if self._down:
                raise StoreDown(self._down)
            self._enqueue(entry)
        await entry.ticket.durable()
        return result[0]

    def attach(self) -> None:
        """Take note of the event loop: it is to be told what became of records, and tells when it is about to wait."""
        self._loop.attach()

    def hold(self) -> None:
        """Queue records again, and write none until `restate` or `release`."""
        self.push()
        with self._condition:
            self._down, self._held = "", True

    def release(self, reason: str) -> None:
        """Give up healing for now; go back to being down."""
        self.push()
        with self._condition:
            if self._held:
                self._go_down(reason)

    def restate(self, state: State) -> Ticket:
        """Replace the tables with `state`, then write what was queued since `hold`."""
        entry = Entry([], lambda: self.ledger.replace(state))
        with self._condition:
            if not self._held:
                return Ticket(self._down or "healing was given up")
            self._held = False
            self._enqueue(entry, first=True)
        return entry.ticket

    def stop(self) -> None:
        """Write everything queued and end the thread. Blocks."""
        self.push()
        with self._condition:
            self._stopping = self.ledger.hurried = True
            self._held = False
            self.ledger.beat_at = 0.0
            self._condition.notify()
        self._thread.join()

    def trouble(self) -> str:
        """Why records are not made durable, or not soon; empty when all is well."""
        with self._condition:
            if self._down:
                return self._down
            if self._held or self.ledger.behind:
                return "writing the current state after trouble"
            waited = time.monotonic() - self._busy_since if self._busy_since else 0.0
        return f"the disk has kept a write waiting for {waited:.0f} s" if waited > _STUCK_SECONDS else ""

    def depth(self) -> tuple[int, int, int]:
        """Records queued, their bytes, and rows that the table of alerts is behind."""
        with self._condition:
            return self._queue_records, self._queue_bytes, self.ledger.backlog.rows + len(self._pending)

    # Under the lock.

    def _enqueue(self, entry: Entry, *, first: bool = False) -> None:
        self._queue.appendleft(entry) if first else self._queue.append(entry)
        self._queue_bytes += entry.size
        self._queue_records += len(entry.records)
        self._condition.notify()

    def _take(self) -> list[Entry]:
        """The next group: records up to the limits of one commit, or a single job."""
        group: list[Entry] = []
        records = size = 0
        while self._queue and not self._held:
            entry = self._queue[0]
            if group and (entry.job or group[0].job or records > _GROUP_RECORDS or size > _GROUP_BYTES):
                break
            group.append(self._queue.popleft())
            records += len(entry.records)
            size += entry.size
        self._queue_bytes -= size
        self._queue_records -= records
        return group

    def _go_down(self, reason: str) -> None:
        self._down = reason
        self._held = False
        self._probed = False
        self._retry_at = time.monotonic() + _RETRY_SECONDS
        entries = list(self._queue)
        self.lost += self._queue_records
        self._queue.clear()
        self._queue_bytes = self._queue_records = 0
        self._pending.clear()
        self._settle(entries, reason)

    def _pause(self) -> float:
        """Seconds until the thread has something to do if nothing is queued."""
        now = time.monotonic()
        if self._down:
            return 60.0 if self._probed else self._retry_at - now
        due, backlog = self.ledger.beat_at, self.ledger.backlog
        if self._pending:
            due = min(due, self._pending_since + _REFRESH_SECONDS)
        if backlog:
            due = min(due, self._slice_at())
        return due - now

    def _slice_at(self) -> float:
        """When the table of alerts is to take in a slice of the backlog if nothing is queued."""
        backlog = self.ledger.backlog
        if backlog.rows >= _MANY_ROWS:
            return 0.0
        return self._quiet_at if backlog.rows >= SLICE_ROWS else max(self._quiet_at, backlog.since + _BACKLOG_SECONDS)

    # The thread.

    def _run(self) -> None:
        while self._step():
            continue

    def _step(self) -> bool:
        with self._condition:
            if not (self._queue and not self._held) and not self._stopping:
                pause = self._pause()
                if self._held or pause > 0:
                    self._condition.wait(60.0 if self._held else pause)
            if self._held:
                return True
            group = self._take()
            down = self._down
            refreshed = self._due_refreshes()
            self._busy_since = time.monotonic()
        try:
            if down:
                self._probe()
            else:
                self._work(group, refreshed)
        except Exception as error:  # noqa: BLE001 - a dead writer would leave every sender waiting for good
            self._fail(group, error)
        with self._condition:
            self._busy_since = 0.0
            return not (self._stopping and (self._down or not (self._queue or self._pending or self.ledger.backlog)))

    def _due_refreshes(self) -> dict[bytes, AlertRow]:
        due = self._pending and (self._stopping or time.monotonic() >= self._pending_since + _REFRESH_SECONDS)
        if not due or self._queue:
            return {}
        pending, self._pending = self._pending, {}
        return pending

    def _work(self, group: list[Entry], refreshed: dict[bytes, AlertRow]) -> None:
        ledger = self.ledger
        before = ledger.backlog.grown
        if group and group[0].job is not None:
            ledger.roomy(group[0].job)
        elif group:
            ledger.commit([each for entry in group for each in entry.records])
            self._quiet_at = time.monotonic() + _QUIET_SECONDS
        self._settle(list(group), "")
        group.clear()
        if refreshed:
            ledger.backlog.extend(ledger.seq, list(refreshed.items()), journalled=False)
        now = time.monotonic()
        backlog = ledger.backlog
        urgent = self._stopping or ledger.urgent()
        if backlog and (urgent or (not self._queue and now >= self._slice_at())):
            # Twice what came in, so that the backlog shrinks however large the groups are.
            ledger.apply(max(SLICE_ROWS, 2 * (backlog.grown - before)) if urgent else SLICE_ROWS)
        elif now >= ledger.beat_at:
            ledger.beat()
        ledger.look()
        self.logged = ledger.alerts.logged + ledger.silences.logged

    def _fail(self, group: list[Entry], error: Exception) -> None:
        file = self.ledger.fail(error)
        with self._condition:
            self.lost += sum(len(entry.records) for entry in group)
            self._go_down(f"{file.path.name}: {_words(error)}")
            self._settle(group, self._down)

    def _probe(self) -> None:
        """Try to open and write both files; tell the event loop when that works."""
        if self._stopping or self._probed or time.monotonic() < self._retry_at:
            return
        self.ledger.reopen()
        self._probed = True
        self._loop.tell(self._on_probe)

    def _settle(self, entries: list[Entry], reason: str) -> None:
        """Keep or break the promises of these entries."""
        self._loop.tell(partial(settle, entries, reason))


def _words(error: Exception) -> str:
    if isinstance(error, (apsw.Error, OSError, StoreError, msgspec.MsgspecError)):
        return str(error)
    return f"{type(error).__name__}: {error}"
