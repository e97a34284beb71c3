"""The ledger: the two databases of routing state and every transaction on them, by the one thread that writes them.

*Order.* Silences are committed to their own file first, then the journal and all other tables in one transaction. The
table of current alerts follows behind (see `tables`): what it has yet to take in is the backlog.

*Full.* Every few megabytes, or more often where there is little room, the budget is looked at and the oldest of the
journal deleted between two commits, so that the pages that the next ones need are there. When the disk is full all the
same, the history is asked to give way, more of the journal is deleted, and the write is tried again until there is room
or nobody has any left. What the table of alerts has not taken in is never deleted.

*Healing.* After a failed write memory is ahead of the tables by an unknown amount (`behind`), until `replace` has
brought them in step with the whole state. Alerts go first, in small transactions, as a large one would need as much
room again for its log; everything else, and how far the journal is taken in, in the last. A crash before that finds the
state from before the trouble, of some alerts that of now; a crash after it the new one.
"""

import time
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, Final

import apsw

from ampp.core.record import AlertRow, Record, SilencePut, SilencesPruned
from ampp.store.protocol import State
from ampp.store.sqlite import tables
from ampp.store.sqlite.backlog import Backlog
from ampp.store.sqlite.budget import room
from ampp.store.sqlite.database import BROKEN
from ampp.store.sqlite.file import PAGE, File
from ampp.store.sqlite.projection import project, projects

__all__ = ["Ledger"]

_BACKLOG_ROWS: Final = 20_000
_BACKLOG_ROWS_SMALL: Final = 2_000
"""Rows that the table of alerts may be behind where there is little room: so much of the journal must stay."""

_LOOK_BYTES: Final = 4 << 20
_LOOK_BYTES_SMALL: Final = 256 << 10
"""Bytes written between two looks at the budget."""

_PLENTY: Final = 256 << 20
_PLENTY_SECONDS: Final = 0.1
"""So much room is not gone so soon: every look at the volume is time that somebody waits for his commit."""

_RESTATE_ROWS: Final = 128
"""Alerts that are brought in step at once after trouble: some hundred kilobytes of log."""

_BEAT_SECONDS: Final = 2.0
_ROOM_SECONDS: Final = 5.0
_ROOM_LOOK_SECONDS: Final = 0.02


class Ledger:
    """See the module's docstring. `seq`: the last record in the journal; `backlog`: changes that the table of alerts
    has yet to take in; `behind`: whether the tables await `replace`; `last_commit`: wall nanoseconds. `beat_at`:
    monotonic seconds of the next sign of life.

    `unread_after` tells the record up to which nobody reads the journal any more; `make_room` asks others for room on a
    full disk, and tells whether they will give some; `relieve`, called between transactions, deletes some of the
    journal if the budget asks for it and tells whether it did. `hurried`: nobody is waited for any more.

    For the writer's thread, except to look at. Writes raise apsw.Error.
    """

    def __init__(self, alerts: File, silences: File, *, seq: int, clock: Callable[[], int]) -> None:
        self.alerts: Final = alerts
        self.silences: Final = silences
        self.seq = seq
        self.backlog: Final = Backlog()
        self.behind = False
        self.last_commit = 0
        self.beat_at = 0.0
        self.hurried = False
        self.unread_after: Callable[[], int] = lambda: self.seq
        self.make_room: Callable[[], bool] = lambda: False
        self.relieve: Callable[[], bool] = lambda: False
        self._applied = seq
        self._clock: Final = clock
        self._current = alerts
        self._written = 0
        self._roomy_until = 0.0

    def owe(self, seq: int, changes: list[tables.Change]) -> None:
        """Record `seq`, journalled by a former run, is not yet in the table of alerts."""
        if not self.backlog:
            self._applied = seq - 1
        self.backlog.extend(seq, changes)

    def urgent(self) -> bool:
        """Whether the table of alerts is too far behind."""
        return self.backlog.rows > (_BACKLOG_ROWS_SMALL if self.alerts.log_bytes else _BACKLOG_ROWS)

    # -- transactions --------------------------------------------------------------------------------------------

    def commit(self, records: Sequence[tuple[Record, bytes]]) -> None:
        """Write records, each with its encoding, to the journal and all tables but that of alerts."""
        self.roomy(lambda: self._commit(records), growing=True)
        self._written += sum([len(body) for _, body in records])

    def _commit(self, records: Sequence[tuple[Record, bytes]]) -> None:
        # One statement is a transaction by itself, and the fewer calls the fewer waits for the interpreter lock.
        silences = tables.silence_rows(
            [record for record, _ in records if isinstance(record, (SilencePut, SilencesPruned))]
        )
        if len(silences) > tables.SILENCES_AT_ONCE:
            tables.write_silences(self._begin(self.silences), silences)
            self._end(self.silences)
        elif silences:
            tables.write_silences(self.using(self.silences), silences)
        projected = [record for record, _ in records if projects(record)]
        if projected or time.monotonic() >= self.beat_at:
            connection = self._begin(self.alerts)
            tables.append(connection, self.seq + 1, records)
            project(connection, projected)
            self._end(self.alerts)
        else:
            tables.append(self.using(self.alerts), self.seq + 1, records)
            self.last_commit = self._clock()
        for record, _ in records:
            self.seq += 1
            changes = tables.alert_changes(record)
            if changes:
                self.backlog.extend(self.seq, changes)

    def apply(self, rows: int) -> None:
        """Have the table of alerts take in about so many rows of the backlog."""
        count, applied, merged = self.backlog.slice(rows)
        with self.alerts.unsynced():
            self.roomy(lambda: self._apply(merged, applied))
        self.backlog.drop(count)
        self._applied = applied

    def _apply(self, merged: dict[bytes, AlertRow | None], applied: int) -> None:
        tables.apply(self._begin(self.alerts), merged, applied)
        self._end(self.alerts)

    def beat(self) -> None:
        """Leave a sign of life."""
        self._begin(self.alerts)
        self._end(self.alerts)

    def replace(self, state: State) -> None:
        """Bring all tables in step with the state."""
        self.backlog.clear()
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
        seq = max(self.seq, tables.last_seq(connection))
        tables.replace_state(connection, state, seq)
        self._end(self.alerts)
        self.seq = self._applied = seq
        self.behind = False

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
        if file is self.alerts and now >= self.beat_at:
            self.alerts.check()
            self.silences.check()
            tables.set_meta(file.connection, alive=at, alive_seq=self.seq)
            self.beat_at = now + _BEAT_SECONDS
        file.connection.execute("COMMIT")
        self.last_commit = at

    def applied(self, connection: apsw.Connection) -> int:
        """Inside a transaction: the record up to which the table of alerts needs no journal any more."""
        if self.behind:
            return int(tables.get_meta(connection).get("applied", 0))
        upto = self._applied if self.backlog else self.seq
        tables.set_meta(connection, applied=upto)
        return upto

    # -- room ----------------------------------------------------------------------------------------------------

    def roomy(self, write: Callable[[], Any], *, growing: bool = False) -> None:
        """Write; if the disk is full, again as long as somebody makes room. `growing`: by new records, for which the
        last of the volume is not there."""
        deadline = time.monotonic() + _ROOM_SECONDS
        while True:
            try:
                if growing:
                    self._check_room()
                write()
            except apsw.FullError:
                self._roomy_until = 0.0
                self._undo()
                if self.hurried or time.monotonic() > deadline:
                    raise
                given = self.make_room()
                if growing and self.backlog:
                    # What the table has taken in need not stay in the journal.
                    self.apply(self.backlog.rows)
                if not self._find_room() and not given:
                    raise
                if given:
                    time.sleep(_ROOM_LOOK_SECONDS)
            else:
                return

    def _check_room(self) -> None:
        """Raise FullError when on the volume and inside the file no more is free than must be."""
        connection, now = self.using(self.alerts), time.monotonic()
        if now < self._roomy_until:
            return
        left = room(self.alerts.path.parent)
        if left >= _PLENTY:
            self._roomy_until = now + _PLENTY_SECONDS
        elif left + connection.pragma("freelist_count") * PAGE < 0:
            raise apsw.FullError("the disk is full, but for what it takes to delete what is over")

    def look(self) -> None:
        """Have the journal give way if much was written and the budget asks for it."""
        if self._written < (_LOOK_BYTES_SMALL if self.alerts.log_bytes else _LOOK_BYTES):
            return
        self._written = 0
        try:
            self.relieve()
        except apsw.FullError:
            self._undo()

    def _find_room(self) -> bool:
        """On a full disk, have the journal give way; whether it did. The log must not grow: what it holds goes to the
        database first, after which it is written from its beginning."""
        if not self.alerts.is_open:
            return False
        try:
            self.alerts.checkpoint()
            found = self.relieve()
            if self.alerts.shrink():
                found = True
                self.alerts.checkpoint()
        except apsw.FullError:
            self._undo()
            return False
        return found

    # -- trouble -------------------------------------------------------------------------------------------------

    def _undo(self) -> None:
        for file in (self.silences, self.alerts):
            if file.is_open and file.connection.in_transaction:
                file.connection.execute("ROLLBACK")

    def fail(self, error: Exception) -> File:
        """A write failed: close the files, and forget what was to be written. The file at fault."""
        file = self._current
        file.broken |= isinstance(error, BROKEN)
        self.behind = True
        self.alerts.close()
        self.silences.close()
        self.backlog.clear()
        return file

    def reopen(self) -> None:
        """Open both files, the broken ones anew, and try a small write. Raises as opening and writing do."""
        for file in (self.alerts, self.silences):
            self._current = file
            file.close()
            if file.broken:
                file.replace(time.strftime("%Y%m%dT%H%M%SZ", time.gmtime(self._clock() // 1_000_000_000)))
            else:
                file.open()
        for file in (self.alerts, self.silences):
            self.roomy(partial(self._sign, file))

    def _sign(self, file: File) -> None:
        connection = self._begin(file)
        tables.set_meta(connection, alive=self._clock(), alive_seq=self.seq)
        connection.execute("COMMIT")

    def using(self, file: File) -> apsw.Connection:
        """The file's connection; should what follows fail, this is the file at fault."""
        self._current = file
        return file.connection
