"""The writer: one thread, the only one that writes the databases, fed by a queue and committing in groups.

Theory of operation
-------------------
*Normal.* `append` encodes its records, notes them and returns a ticket. When the event loop has let every task that
could run have its turn and is about to wait, all that was noted goes to the end of the queue at once: what arrived
together is committed together, and the thread is woken once and not in the middle of it, when the two would only keep
each other from the interpreter lock. The thread takes all that is queued, writes it in one transaction and settles the
tickets of that transaction with one call into the event loop. While a commit runs the next group gathers, so the group
grows with the load by itself. Silences are committed
to their own file first, then the journal and all other tables in one transaction.

The table of current alerts follows behind (see `tables`): the thread keeps what it has yet to write there in
`_backlog`, in order, and writes a slice whenever the queue is empty or the backlog has grown too long. Refreshes wait
in `_pending`, the newest per alert; an `append` that touches an alert takes its waiting refresh away, so what is
still waiting when its turn comes is newer than every record before it, and joins the end of the backlog.

*Full.* Whenever some hundred kilobytes were written the budget is looked at, and the oldest of the journal deleted
between two commits, so that the pages that the next ones need are there. When the disk is full all the same, the
history is asked to give way, more of the journal is deleted, and the write is tried again until there is room or
nobody has any left. What the table of alerts has not taken in is never deleted.

*Down.* When a write fails, every waiting ticket fails at once, and queue, backlog and waiting refreshes are thrown
away: memory is then ahead of the disk by an unknown amount and nothing less than the whole state can mend that. While
down `append` fails at once and stores nothing. About once a second the thread reopens the files (a file whose content
is broken is set aside first, one that has vanished is created anew), finds room as above and tries a small write.

*Healing.* When that works the event loop calls `hold`, from which moment records are queued again but not written;
collects the current state; and hands it in with `restate`. The thread brings the tables in step with it and then goes
on with what was queued meanwhile. This is sound because rows are absolute: a record queued while the state was
collected may be in it already, and writing it again changes nothing, since every later change of the same row is queued
behind it. Alerts are brought in step in small transactions, as a large one would need as much room again for its log;
everything else, and how far the journal is taken in, in the last. A crash before that finds the state from before the
trouble, of some alerts that of now; a crash after it the new one.

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
import trio

from ampp.core.record import AlertRow, Record, SilencePut, SilencesPruned
from ampp.store.error import StoreDown, StoreError
from ampp.store.protocol import State
from ampp.store.sqlite import tables
from ampp.store.sqlite.backlog import SLICE_ROWS, Backlog
from ampp.store.sqlite.budget import free, left
from ampp.store.sqlite.codec import encode
from ampp.store.sqlite.database import BROKEN
from ampp.store.sqlite.file import PAGE, File
from ampp.store.sqlite.ticket import Entry, Ticket, settle

__all__ = ["Writer"]

_GROUP_RECORDS: Final = 2_000
_GROUP_BYTES: Final = 8 << 20
_QUEUE_BYTES: Final = 64 << 20
_BACKLOG_ROWS: Final = 20_000
_BACKLOG_ROWS_SMALL: Final = 2_000
"""Rows that the table of alerts may be behind where there is little room: so much of the journal must stay."""

_RESTATE_ROWS: Final = 128
"""Alerts that are brought in step at once after trouble: some hundred kilobytes of log."""

_LOOK_BYTES: Final = 256 << 10
"""Bytes written between two looks at the budget."""

_BACKLOG_SECONDS: Final = 0.2
_REFRESH_SECONDS: Final = 2.0
_BEAT_SECONDS: Final = 2.0
_RETRY_SECONDS: Final = 1.0
_STUCK_SECONDS: Final = 10.0
_ROOM_SECONDS: Final = 5.0
_ROOM_LOOK_SECONDS: Final = 0.02


class _BeforeWaiting(trio.abc.Instrument):
    """Calls `call` whenever the event loop has nothing left to run and is about to wait."""

    def __init__(self, call: Callable[[], None]) -> None:
        self._call = call

    def before_io_wait(self, timeout: float) -> None:
        self._call()


class Writer:
    """See the module's docstring. `seq`: the last record in the journal; `on_probe`: called in the loop when a write
    works again; `unread_after`: tells the record up to which nobody reads the journal any more; `make_room`: asks
    others for room on a full disk, and tells whether they will give some; `relieve`: called on the writer's thread
    between transactions, deletes some of the journal if the budget asks for it and tells whether it did. Methods
    without an underscore are for the event loop's thread."""

    def __init__(
        self, alerts: File, silences: File, *, seq: int, clock: Callable[[], int], on_probe: Callable[[], None]
    ) -> None:
        self.alerts = alerts
        self.silences = silences
        self.last_commit = 0
        self.lost = 0
        self.unread_after: Callable[[], int] = lambda: self._seq
        self.make_room: Callable[[], bool] = lambda: False
        self.relieve: Callable[[], bool] = lambda: False
        self._seq = seq
        self._applied = seq
        self._clock = clock
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
        self._backlog = Backlog()
        self._behind = False
        self._written = 0
        self._beat_at = 0.0
        self._retry_at = 0.0
        self._current = alerts
        self._token: trio.lowlevel.TrioToken | None = None
        self._thread = threading.Thread(target=self._run, name="store-writer", daemon=True)

    def start(self, backlog: Iterable[tuple[int, list[tables.Change]]] = (), down: str = "") -> None:
        """Begin to write. `backlog`: records journalled by a former run and not yet in the table of alerts."""
        for seq, changes in backlog:
            if not self._backlog:
                self._applied = seq - 1
            self._backlog.extend(seq, changes)
        self._down = down
        self._thread.start()

    def append(self, records: Sequence[Record]) -> Ticket:
        if self._token is None:
            self.attach()
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
                    self._tell(settle, refused, self._down)
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
        if self._token is None:
            self.attach()
        self.push()
        with self._condition:
            if self._down:
                raise StoreDown(self._down)
            self._enqueue(entry)
        await entry.ticket.durable()
        return result[0]

    @property
    def seq(self) -> int:
        """The number of the last record ever journalled."""
        return self._seq

    def attach(self) -> None:
        """Take note of the event loop: it is to be told what became of records, and tells when it is about to wait."""
        if self._token is None:
            self._token = trio.lowlevel.current_trio_token()
            trio.lowlevel.add_instrument(_BeforeWaiting(self.push))

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
        entry = Entry([], lambda: self._replace(state))
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
            self._stopping = True
            self._held = False
            self._beat_at = 0.0
            self._condition.notify()
        self._thread.join()

    def trouble(self) -> str:
        """Why records are not made durable, or not soon; empty when all is well."""
        with self._condition:
            if self._down:
                return self._down
            if self._held or self._behind:
                return "writing the current state after trouble"
            waited = time.monotonic() - self._busy_since if self._busy_since else 0.0
        return f"the disk has kept a write waiting for {waited:.0f} s" if waited > _STUCK_SECONDS else ""

    def depth(self) -> tuple[int, int, int]:
        """Records queued, their bytes, and rows that the table of alerts is behind."""
        with self._condition:
            return self._queue_records, self._queue_bytes, self._backlog.rows + len(self._pending)

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
        self._tell(settle, entries, reason)

    def _pause(self) -> float:
        """Seconds until the thread has something to do if nothing is queued."""
        now = time.monotonic()
        if self._down:
            return 60.0 if self._probed else self._retry_at - now
        due = self._beat_at
        if self._pending:
            due = min(due, self._pending_since + _REFRESH_SECONDS)
        if self._backlog:
            due = min(due, now if self._backlog.rows >= SLICE_ROWS else self._backlog.since + _BACKLOG_SECONDS)
        return due - now

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
            return not (self._stopping and (self._down or not (self._queue or self._pending or self._backlog)))

    def _due_refreshes(self) -> dict[bytes, AlertRow]:
        due = self._pending and (self._stopping or time.monotonic() >= self._pending_since + _REFRESH_SECONDS)
        if not due or self._queue:
            return {}
        pending, self._pending = self._pending, {}
        return pending

    def _work(self, group: list[Entry], refreshed: dict[bytes, AlertRow]) -> None:
        before = self._backlog.grown
        if group and group[0].job is not None:
            self._roomy(group[0].job)
        elif group:
            self._roomy(lambda: self._commit(group), growing=True)
            self._written += sum(entry.size for entry in group)
        self._tell(settle, list(group), "")
        group.clear()
        if refreshed:
            self._backlog.extend(self._seq, list(refreshed.items()))
        now = time.monotonic()
        # Twice what came in, so that the backlog shrinks however large the groups are.
        most = _BACKLOG_ROWS_SMALL if self.alerts.log_bytes else _BACKLOG_ROWS
        urgent = self._stopping or self._backlog.rows > most
        idle = not self._queue and (self._backlog.rows >= SLICE_ROWS or now >= self._backlog.since + _BACKLOG_SECONDS)
        if self._backlog and (urgent or idle):
            self._apply_slice(max(SLICE_ROWS, 2 * (self._backlog.grown - before)) if urgent else SLICE_ROWS)
        elif now >= self._beat_at:
            self._begin(self.alerts)
            self._end(self.alerts)
        if self._written >= _LOOK_BYTES:
            self._written = 0
            self._find_room()

    def _roomy(self, write: Callable[[], Any], growing: bool = False) -> None:
        """Write; if the disk is full, again as long as somebody makes room. `growing`: by new records, for which the
        last of the volume is not there."""
        deadline = time.monotonic() + _ROOM_SECONDS
        while True:
            try:
                if growing:
                    self._check_room()
                write()
            except apsw.FullError:
                self._undo()
                if self._stopping or time.monotonic() > deadline:
                    raise
                given = self.make_room()
                if growing and self._backlog:
                    # What the table has taken in need not stay in the journal.
                    self._apply_slice(self._backlog.rows)
                if not self._find_room(full=True) and not given:
                    raise
                if given:
                    time.sleep(_ROOM_LOOK_SECONDS)
            else:
                return

    def _check_room(self) -> None:
        """Raise FullError when on the volume and inside the file no more is free than must be."""
        directory = self.alerts.path.parent
        unused = self.using(self.alerts).pragma("freelist_count") * PAGE
        if unused + free(directory) < left(directory):
            raise apsw.FullError("the disk is full, but for what it takes to delete what is over")

    def _find_room(self, *, full: bool = False) -> bool:
        """Have the journal give way if it should; whether it did. `full`: the disk is, so that the log must not grow:
        what it holds goes to the database first, after which it is written from its beginning."""
        if not self.alerts.is_open:
            return False
        try:
            if full:
                self.alerts.checkpoint()
            found = self.relieve()
            if full and self.alerts.shrink():
                found = True
                self.alerts.checkpoint()
        except apsw.FullError:
            self._undo()
            return False
        return found

    def _undo(self) -> None:
        for file in (self.silences, self.alerts):
            if file.is_open and file.connection.in_transaction:
                file.connection.execute("ROLLBACK")

    def _commit(self, group: list[Entry]) -> None:
        records = [each for entry in group for each in entry.records]
        silences = [record for record, _ in records if isinstance(record, (SilencePut, SilencesPruned))]
        if silences:
            self._begin(self.silences)
            tables.silence_records(self.silences.connection, silences)
            self._end(self.silences)
        projected = [record for record, _ in records if tables.projects(record)]
        if projected or time.monotonic() >= self._beat_at:
            connection = self._begin(self.alerts)
            tables.append(connection, self._seq + 1, records)
            for record in projected:
                tables.project(connection, record)
            self._end(self.alerts)
        else:
            # One statement is a transaction by itself, and the fewer calls the fewer waits for the interpreter lock.
            tables.append(self.using(self.alerts), self._seq + 1, records)
            self.last_commit = self._clock()
        for record, _ in records:
            self._seq += 1
            changes = tables.alert_changes(record)
            if changes:
                self._backlog.extend(self._seq, changes)

    def _apply_slice(self, rows: int) -> None:
        count, applied, merged = self._backlog.slice(rows)
        with self.alerts.unsynced():
            self._roomy(lambda: self._apply(merged, applied))
        self._backlog.drop(count)
        self._applied = applied

    def _apply(self, merged: dict[bytes, AlertRow | None], applied: int) -> None:
        tables.apply(self._begin(self.alerts), merged, applied)
        self._end(self.alerts)

    def _replace(self, state: State) -> None:
        self._backlog.clear()
        self._begin(self.silences)
        tables.replace_silences(self.silences.connection, state.silences, self._clock())
        self._end(self.silences)
        connection = self.using(self.alerts)
        gone = tables.foreign(connection, state)
        for start in range(0, len(gone), _RESTATE_ROWS):
            tables.forget(connection, gone[start : start + _RESTATE_ROWS])
            self._thrifty()
        rows = tables.differing(connection, state)
        for start in range(0, len(rows), _RESTATE_ROWS):
            self._check_room()
            with connection:
                tables.apply(connection, {row.key: row for row in rows[start : start + _RESTATE_ROWS]}, None)
            self._thrifty()
        self._begin(self.alerts)
        self._seq = max(self._seq, tables.last_seq(connection))
        tables.replace_state(connection, state, self._seq)
        self._end(self.alerts)
        self._applied = self._seq
        self._behind = False

    def _thrifty(self) -> None:
        """Have the log written from its beginning, where it must not grow."""
        if self.alerts.log_bytes:
            self.alerts.checkpoint()

    def _begin(self, file: File) -> apsw.Connection:
        connection = self.using(file)
        connection.execute("BEGIN IMMEDIATE")
        return connection

    def _end(self, file: File) -> None:
        """Commit; once in a while with a sign of life in it."""
        at = self._clock()
        now = time.monotonic()
        if file is self.alerts and now >= self._beat_at:
            self.alerts.check()
            self.silences.check()
            tables.set_meta(file.connection, alive=at, alive_seq=self._seq)
            self._beat_at = now + _BEAT_SECONDS
        file.connection.execute("COMMIT")
        self.last_commit = at

    def _fail(self, group: list[Entry], error: Exception) -> None:
        file = self._current
        file.broken |= isinstance(error, BROKEN)
        self._behind = True
        self.alerts.close()
        self.silences.close()
        self._backlog.clear()
        with self._condition:
            self.lost += sum(len(entry.records) for entry in group)
            self._go_down(f"{file.path.name}: {_words(error)}")
            self._tell(settle, group, self._down)

    def _probe(self) -> None:
        """Try to open and write both files; tell the event loop when that works."""
        if self._stopping or self._probed or time.monotonic() < self._retry_at:
            return
        for file in (self.alerts, self.silences):
            self._current = file
            file.close()
            if file.broken:
                file.replace(time.strftime("%Y%m%dT%H%M%SZ", time.gmtime(self._clock() // 1_000_000_000)))
            else:
                file.open()
        for file in (self.alerts, self.silences):
            self._roomy(partial(self._sign, file))
        self._probed = True
        self._tell(self._on_probe)

    def _sign(self, file: File) -> None:
        connection = self._begin(file)
        tables.set_meta(connection, alive=self._clock(), alive_seq=self._seq)
        connection.execute("COMMIT")

    def using(self, file: File) -> apsw.Connection:
        """The file's connection; should what follows fail, this is the file at fault. On the writer's thread."""
        self._current = file
        return file.connection

    def applied(self, connection: apsw.Connection) -> int:
        """Inside a transaction of the thread: the record up to which the table of alerts needs no journal any more."""
        if self._behind:
            return int(tables.get_meta(connection).get("applied", 0))
        upto = self._applied if self._backlog else self._seq
        tables.set_meta(connection, applied=upto)
        return upto

    def _tell(self, call: Callable[..., object], *arguments: Any) -> None:
        """Have the event loop call back; once it has ended nobody waits any more."""
        if self._token is None:
            return
        try:
            self._token.run_sync_soon(call, *arguments)
        except trio.RunFinishedError:
            return


def _words(error: Exception) -> str:
    if isinstance(error, (apsw.Error, OSError, StoreError, msgspec.MsgspecError)):
        return str(error)
    return f"{type(error).__name__}: {error}"
