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

*Full.* When the disk is full, the history is asked to give way and the write is tried again until it has.

*Down.* When a write fails, every waiting ticket fails at once, and queue, backlog and waiting refreshes are thrown
away: memory is then ahead of the disk by an unknown amount and nothing less than the whole state can mend that. While
down `append` fails at once and stores nothing. About once a second the thread reopens the files (a file whose content
is broken is set aside first, one that has vanished is created anew) and tries a small write.

*Healing.* When that works the event loop calls `hold`, from which moment records are queued again but not written;
collects the current state; and hands it in with `restate`. The thread replaces the tables with it in one transaction
and then goes on with what was queued meanwhile. This is sound because rows are absolute: a record queued while the
state was collected may be in it already, and writing it again changes nothing, since every later change of the same
row is queued behind it. A crash before that transaction finds the state from before the trouble, a crash after it the
new one.

Records that were refused or failed are missing from the journal, and counted in `lost`; the state is not affected.
"""

import threading
import time
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from typing import Any, Final

import apsw
import msgspec
import trio

from ampp.core.record import AlertRow, Record, SilencePut, SilencesPruned
from ampp.store.error import StoreDown, StoreError
from ampp.store.protocol import State
from ampp.store.sqlite import tables
from ampp.store.sqlite.codec import encode
from ampp.store.sqlite.database import BROKEN
from ampp.store.sqlite.file import File
from ampp.store.sqlite.ticket import Entry, Ticket, settle

__all__ = ["Writer"]

_GROUP_RECORDS: Final = 2_000
_GROUP_BYTES: Final = 8 << 20
_QUEUE_BYTES: Final = 64 << 20
_SLICE_ROWS: Final = 512
_BACKLOG_ROWS: Final = 20_000
_BACKLOG_SECONDS: Final = 0.2
_REFRESH_SECONDS: Final = 2.0
_BEAT_SECONDS: Final = 2.0
_RETRY_SECONDS: Final = 1.0
_STUCK_SECONDS: Final = 10.0
_ROOM_SECONDS: Final = 5.0
_ROOM_LOOK_SECONDS: Final = 0.02


class _BeforeWaiting(trio.abc.Instrument):
    """Calls `call` whenever the event loop has nothing left to run and is about to wait.

    It does so once more than it waits as well: what one turn of the loop brings (an alert) and what follows in the
    next (its group is due at once) is then written together, but nothing is put off twice.
    """

    def __init__(self, call: Callable[[], None]) -> None:
        self._call = call
        self._put_off = False

    def before_io_wait(self, timeout: float) -> None:
        self._put_off = timeout <= 0 and not self._put_off
        if not self._put_off:
            self._call()


class Writer:
    """See the module's docstring. `seq`: the last record in the journal; `on_probe`: called in the loop when a write
    works again; `unread_after`: tells the record up to which nobody reads the journal any more; `make_room`: asks
    others for room on a full disk, and tells whether they will give some; `logged`: how many pages were written
    since the files were opened. Methods without an underscore are for the event loop's thread."""

    def __init__(
        self, alerts: File, silences: File, *, seq: int, clock: Callable[[], int], on_probe: Callable[[], None]
    ) -> None:
        self.alerts = alerts
        self.silences = silences
        self.last_commit = 0
        self.lost = 0
        self.logged = 0
        self.unread_after: Callable[[], int] = lambda: self._seq
        self.make_room: Callable[[], bool] = lambda: False
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
        self._backlog: deque[tuple[int, list[tables.Change]]] = deque()
        self._backlog_rows = 0
        self._backlog_since = 0.0
        self._grown = 0
        self._beat_at = 0.0
        self._retry_at = 0.0
        self._current = alerts
        self._token: trio.lowlevel.TrioToken | None = None
        self._thread = threading.Thread(target=self._run, name="store-writer", daemon=True)

    def start(self, backlog: Iterable[tuple[int, list[tables.Change]]] = (), down: str = "") -> None:
        """Begin to write. `backlog`: records journalled by a former run and not yet in the table of alerts."""
        for seq, changes in backlog:
            self._extend(seq, changes)
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
            if self._held:
                return "writing the current state after trouble"
            waited = time.monotonic() - self._busy_since if self._busy_since else 0.0
        return f"the disk has kept a write waiting for {waited:.0f} s" if waited > _STUCK_SECONDS else ""

    def depth(self) -> tuple[int, int, int]:
        """Records queued, their bytes, and rows that the table of alerts is behind."""
        with self._condition:
            return self._queue_records, self._queue_bytes, self._backlog_rows + len(self._pending)

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
            due = min(due, now if self._backlog_rows >= _SLICE_ROWS else self._backlog_since + _BACKLOG_SECONDS)
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
        self._grown = 0
        if group and group[0].job is not None:
            self._roomy(group[0].job)
        elif group:
            self._roomy(lambda: self._commit(group))
        self._tell(settle, list(group), "")
        group.clear()
        changes: list[tables.Change] = list(refreshed.items())
        for start in range(0, len(changes), _SLICE_ROWS):
            self._extend(self._seq, changes[start : start + _SLICE_ROWS])
        now = time.monotonic()
        # Twice what came in, so that the backlog shrinks however large the groups are.
        urgent = self._stopping or self._backlog_rows > _BACKLOG_ROWS
        idle = not self._queue and (self._backlog_rows >= _SLICE_ROWS or now >= self._backlog_since + _BACKLOG_SECONDS)
        if self._backlog and (urgent or idle):
            self._apply_slice(max(_SLICE_ROWS, 2 * self._grown) if urgent else _SLICE_ROWS)
        elif now >= self._beat_at:
            self._begin(self.alerts)
            self._end(self.alerts)
        self.logged = self.alerts.logged + self.silences.logged

    def _roomy(self, write: Callable[[], Any]) -> None:
        """Write; if the disk is full, again as long as somebody makes room."""
        deadline = time.monotonic() + _ROOM_SECONDS
        while True:
            try:
                write()
            except apsw.FullError:
                for file in (self.silences, self.alerts):
                    if file.is_open and file.connection.in_transaction:
                        file.connection.execute("ROLLBACK")
                if self._stopping or time.monotonic() > deadline or not self.make_room():
                    raise
                time.sleep(_ROOM_LOOK_SECONDS)
            else:
                return

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
                self._extend(self._seq, changes)

    def _extend(self, seq: int, changes: list[tables.Change]) -> None:
        if not self._backlog:
            self._backlog_since = time.monotonic()
        # A record may change any number of alerts; until its last slice is in the table, it is not applied.
        for start in range(0, len(changes) - _SLICE_ROWS, _SLICE_ROWS):
            self._backlog.append((seq - 1, changes[start : start + _SLICE_ROWS]))
        self._backlog.append((seq, changes[(len(changes) - 1) // _SLICE_ROWS * _SLICE_ROWS :]))
        self._backlog_rows += len(changes)
        self._grown += len(changes)

    def _apply_slice(self, rows: int) -> None:
        merged: dict[bytes, AlertRow | None] = {}
        taken = 0
        while self._backlog and taken < rows:
            self._applied, changes = self._backlog.popleft()
            taken += len(changes)
            merged.update(changes)
        self._backlog_rows -= taken
        self._backlog_since = time.monotonic()
        with self.alerts.unsynced():
            self._roomy(lambda: self._apply(merged))

    def _apply(self, merged: dict[bytes, AlertRow | None]) -> None:
        tables.apply(self._begin(self.alerts), merged, self._applied)
        self._end(self.alerts)

    def _replace(self, state: State) -> None:
        self._backlog.clear()
        self._backlog_rows = 0
        self._begin(self.silences)
        tables.replace_silences(self.silences.connection, state.silences, self._clock())
        self._end(self.silences)
        connection = self._begin(self.alerts)
        self._seq = max(self._seq, tables.last_seq(connection))
        tables.replace_state(connection, state, self._seq)
        self._applied = self._seq
        self._end(self.alerts)

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
        self.alerts.close()
        self.silences.close()
        self._backlog.clear()
        self._backlog_rows = 0
        with self._condition:
            self.lost += sum(len(entry.records) for entry in group)
            self._go_down(f"{file.path.name}: {_words(error)}")
            self._tell(settle, group, self._down)

    def _probe(self) -> None:
        """Try to open and write both files; tell the event loop when that works."""
        if self._stopping or self._probed or time.monotonic() < self._retry_at:
            return
        for file in (self.silences, self.alerts):
            self._current = file
            file.close()
            if file.broken:
                file.replace(time.strftime("%Y%m%dT%H%M%SZ", time.gmtime(self._clock() // 1_000_000_000)))
            else:
                file.open()
            connection = self._begin(file)
            tables.set_meta(connection, alive=self._clock(), alive_seq=self._seq)
            connection.execute("COMMIT")
        self._probed = True
        self._tell(self._on_probe)

    def using(self, file: File) -> apsw.Connection:
        """The file's connection; should what follows fail, this is the file at fault. On the writer's thread."""
        self._current = file
        return file.connection

    def applied(self, connection: apsw.Connection) -> int:
        """Inside a job's transaction: the record up to which the table of alerts needs no journal any more."""
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
