"""The historian: the one thread that writes `history.db`, always some way behind the raw journal.

Theory of operation. The thread looks at the journal about twice a second, by a connection of its own, and unfolds what
is new in transactions of some thousand rows; each also notes how far it has come (`cursor`), so that whatever happens
it goes on exactly where the last commit left off. Nothing waits for it: while the rest of the process is busy it goes
slowly (see `pace`) and lags, at most as far as the journal reaches back.

Where it goes on is told by the `bookmark`. When records were swept from the journal before they were read, the loss is
noted in table `gap`.

Whatever goes wrong here stays here. A file that makes no sense, or is none, is set aside and built again from the
journal; on any other failure (a full disk) the transaction is undone and tried again later.
"""

import os
import threading
import time
from collections import deque
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import apsw
import msgspec

from ampp.core.clock import HOUR, SECOND
from ampp.store.error import SchemaTooNew, StoreError
from ampp.store.sqlite.budget import free, log_bytes
from ampp.store.sqlite.database import BROKEN, connect, files, set_aside
from ampp.store.sqlite.file import File
from ampp.store.sqlite.history import sweep
from ampp.store.sqlite.history.answer import Answer
from ampp.store.sqlite.history.bookmark import Bookmark, Gap
from ampp.store.sqlite.history.names import fingerprints, millis
from ampp.store.sqlite.history.pace import Pace
from ampp.store.sqlite.history.schema import HISTORY
from ampp.store.sqlite.history.unfold import Unfolding
from ampp.store.sqlite.migration import APPLICATION_ID

__all__ = ["NAME", "Historian", "HistoryHealth", "HistorySettings"]

NAME: Final = "history.db"

_LOOK_SECONDS: Final = 0.5
_RETRY_SECONDS: Final = 5.0
_FULL_SECONDS: Final = 1.0
_REST_SECONDS: Final = 3600.0
_NAMED: Final = 512
_ROWS: Final = 4_096
_ROWS_SMALL: Final = 512
"""Rows after which a transaction is committed."""

_LOG_BYTES: Final = 4 << 20
_ROOM: Final = 4 << 20
"""Bytes that must be free on the volume: the last of it is for routing."""

_FULL: Final = 3
"""Times in a row that the disk was full, after which the history gives up what it has."""


class HistorySettings(msgspec.Struct, frozen=True):
    """`retention`: nanoseconds for which events and notifications are kept. `max_bytes`: most that the file may take, 0
    for a share of `storage_bytes`, the budget of the whole directory. `full_sync` as in `SqliteSettings`."""

    retention: int = 30 * 24 * HOUR
    max_bytes: int = 0
    storage_bytes: int = 2 << 30
    full_sync: bool = False


class HistoryHealth(msgspec.Struct, frozen=True):
    """How the history fares. `reason`: why it does not go on, empty when it does.

    `behind`: records not yet unfolded, and `lag`: nanoseconds since the first of them was written. `events`,
    `notifications`, `swept`: rows written and removed since the start. `lost`: records that could not be unfolded.
    """

    reason: str = ""
    behind: int = 0
    lag: int = 0
    events: int = 0
    notifications: int = 0
    swept: int = 0
    lost: int = 0


class Historian:
    """See the module's docstring. `warn` is told what an operator should know, from the historian's thread. `ready` is
    set once there is something to read."""

    def __init__(
        self,
        directory: Path,
        settings: HistorySettings,
        *,
        last_seq: int,
        warn: Callable[[str], None],
        clock: Callable[[], int] = time.time_ns,
        sweep_seconds: float = 20.0,
    ) -> None:
        self.path: Final = directory / NAME
        self.health = HistoryHealth()
        self.ready: Final = threading.Event()
        self._settings: Final = settings
        self._warn: Final = warn
        self._clock: Final = clock
        self._sweep_seconds: Final = sweep_seconds
        self._file = File(self.path, HISTORY, full=settings.full_sync)
        self._bookmark: Final = Bookmark(directory / "alerts.db", last_seq=last_seq, warn=warn)
        self._unfolding: Unfolding | None = None
        self._pace: Final = Pace()
        self._swept = 0
        self._counted = (0, 0)
        self._sweep_at = 0.0
        self._rest_at = time.monotonic() + _REST_SECONDS
        self._complained = ""
        self._condition: Final = threading.Condition()
        self._jobs: deque[tuple[Callable[[apsw.Connection], Any], Answer]] = deque()
        self._suspected = False
        self._giving_way = False
        self._full = 0
        self._stopping = False
        self._thread: Final = threading.Thread(target=self._run, name="historian", daemon=True)

    # -- for other threads -------------------------------------------------------------------------------------

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        """End the thread; what is not unfolded yet will be after the next start. Blocks."""
        with self._condition:
            self._stopping = True
            self._condition.notify()
        self._thread.join()

    @property
    def needed_after(self) -> int:
        """The number of the record up to which the journal is no longer needed here."""
        return self._bookmark.cursor

    def give_way(self) -> bool:
        """Give the history up for the room that it takes on a full disk; False when that is nothing worth it."""
        with self._condition:
            if not self._giving_way:
                sizes = [each.stat().st_size for each in files(self.path)[:2] if each.exists()]
                if self._stopping or sum(sizes) < _ROOM // 4:
                    return False
                self._giving_way = True
                self._condition.notify()
            return True

    def suspect(self) -> None:
        """Have the file examined: somebody read nonsense from it."""
        with self._condition:
            self._suspected = True
            self._condition.notify()

    def run(self, job: Callable[[apsw.Connection], Any], timeout: float = 60.0) -> Any:
        """Run `job` on the historian's thread, outside any transaction; its result. Blocks. Raises what it raises,
        StoreError when the history is not to be had."""
        answer = Answer()
        with self._condition:
            if self._stopping:
                raise StoreError("the history is being closed")
            self._jobs.append((job, answer))
            self._condition.notify()
        return answer.wait(timeout)

    # -- the thread --------------------------------------------------------------------------------------------

    def _run(self) -> None:
        while True:
            with self._condition:
                if self._stopping:
                    break
            pause = self._guarded()
            with self._condition:
                if pause and not self._stopping and not self._jobs:
                    self._condition.wait(pause)
        self._close()

    def _guarded(self) -> float:
        """One round; how many seconds to wait before the next."""
        try:
            if self._giving_way:
                self._fail(apsw.FullError("the disk is full"))
                self._give_up()
                return _FULL_SECONDS
            self._open()
            if self._suspected:
                self._suspected = False
                self._examine()
            self._run_jobs()
            # Before more is written: where room is short, more can be written only then.
            pressed = self._over()
            if pressed or time.monotonic() >= self._sweep_at:
                self._sweep_at = time.monotonic() + self._sweep_seconds
                self._sweep(pressed)
            busy = self._unfold()
        except SchemaTooNew as error:
            self._fail(error)
        except (*BROKEN, IsADirectoryError) as error:
            self._replace(error)
            return _LOOK_SECONDS
        except apsw.FullError as error:
            self._fail(error)
            self._make_room()
            return _FULL_SECONDS
        except (apsw.Error, OSError, StoreError, msgspec.MsgspecError, ValueError) as error:
            self._fail(error)
            # What cannot be mapped or opened for want of room has other names than a full disk.
            if isinstance(error, (apsw.IOError, apsw.CantOpenError)) and free(self.path.parent) < _ROOM:
                self._make_room()
                return _FULL_SECONDS
        else:
            self._say("")
            self._full = 0
            return 0.0 if busy else _LOOK_SECONDS
        return _RETRY_SECONDS

    def _open(self) -> None:
        anew = not self._file.is_open
        if not anew:
            self._file.check()
        else:
            if self.path.is_dir():
                raise IsADirectoryError(f"{self.path} is a directory")
            self._file.log_bytes = log_bytes(self.path.parent, self._settings.storage_bytes) or _LOG_BYTES
            self._file.open()
            self._file.connection.execute("PRAGMA cache_size = -4000")
            self._unfolding = Unfolding(self._file.connection, self._pace.breathe)
        self._bookmark.open(self._file.connection, anew=anew)
        self.ready.set()

    def _examine(self) -> None:
        """Raise CorruptError if the file is. By a new connection: the old one remembers pages as they were."""
        connection = connect(self.path, readonly=True)
        try:
            ours = connection.pragma("application_id") == APPLICATION_ID
            found = connection.execute("PRAGMA quick_check(1)").get if ours else "it is not ours any more"
        finally:
            connection.close(True)
        if found != "ok":
            raise apsw.CorruptError(str(found))

    def _unfold(self) -> bool:
        """Unfold what is new, as one transaction; whether there may be more."""
        assert self._unfolding is not None
        bookmark = self._bookmark
        records, passed = bookmark.read(bookmark.cursor)
        if not records:
            self._measure()
            return self._name()
        if free(self.path.parent) < _ROOM:
            raise apsw.FullError(f"less than {_ROOM >> 20} MiB are free on the disk: waiting for room")
        connection = self._file.connection
        cursor, rows = bookmark.cursor, 0
        most = _ROWS if self._file.log_bytes >= _LOG_BYTES else _ROWS_SMALL
        gaps: list[Gap] = []
        connection.execute("BEGIN IMMEDIATE")
        try:
            while records and rows < most:
                if records[0][0] > cursor + 1 + passed:
                    gaps.append((cursor + 1, records[0][0] - 1))
                before = self._unfolding.events
                self._unfolding.take([record for _, record in records])
                rows += self._unfolding.events - before + len(records)
                cursor = records[-1][0]
                self._pace.breathe()
                records, passed = bookmark.read(cursor)
            connection.execute("INSERT OR REPLACE INTO meta VALUES ('cursor', ?)", (cursor,))
            connection.executemany(
                "INSERT INTO gap (at, first, last) VALUES (?, ?, ?)",
                [(millis(self._clock()), first, last) for first, last in gaps],
            )
            connection.execute("COMMIT")
        except BaseException:
            self._undo()
            raise
        bookmark.move(cursor, gaps)
        self._measure()
        return bool(records)

    def _name(self) -> bool:
        """Give some alerts their fingerprints, which take longer to compute than all else; whether there are more."""
        connection = self._file.connection
        query = "SELECT id, labels FROM alert WHERE fingerprint IS NULL LIMIT ?"
        named = []
        for identity, labels in connection.execute(query, (_NAMED,)).fetchall():
            named.append((*fingerprints(str(labels)), identity))
            self._pace.breathe()
        if named:
            with connection:
                connection.executemany("UPDATE series SET fingerprint = ?, sha = ? WHERE id = ?", named)
        return len(named) == _NAMED

    def _measure(self) -> None:
        assert self._unfolding is not None
        behind, since = self._bookmark.behind()
        self.health = HistoryHealth(
            behind=behind,
            lag=max(0, self._clock() - since) if behind else 0,
            events=self._counted[0] + self._unfolding.events,
            notifications=self._counted[1] + self._unfolding.notifications,
            swept=self._swept,
            lost=self._bookmark.lost,
        )

    def _sweep(self, pressed: bool) -> None:
        assert self._unfolding is not None
        removed = 0
        self._pace.hurried = pressed
        while more := sweep.slice_of(
            self._file.connection,
            self.path,
            cutoff=millis(self._clock() - self._settings.retention),
            max_bytes=self._settings.max_bytes,
            storage_bytes=self._settings.storage_bytes,
            rows=sweep.SLICE if self._file.log_bytes >= _LOG_BYTES else sweep.SLICE_SMALL,
        ):
            removed += more
            self._pace.breathe()
            with self._condition:
                if self._stopping:
                    break
        if time.monotonic() >= self._rest_at:
            self._rest_at = time.monotonic() + _REST_SECONDS
            sweep.rest(self._file.connection, millis(self._clock() - self._settings.retention))
            self._unfolding.clear()
        if removed:
            self._swept += removed
            self._unfolding.clear()
            sweep.shrink(self._file.connection, self._pace.breathe)
            self._file.truncate()
        self._pace.hurried = False

    def _run_jobs(self) -> None:
        while True:
            with self._condition:
                if not self._jobs:
                    return
                job, answer = self._jobs.popleft()
            try:
                answer.give(job(self._file.connection))
            except Exception as error:  # noqa: BLE001 - whoever waits for the answer must get one
                answer.fail(error)

    # -- trouble -----------------------------------------------------------------------------------------------

    def _undo(self) -> None:
        """Back to the last commit, in memory too."""
        try:
            if self._file.connection.in_transaction:
                self._file.connection.execute("ROLLBACK")
            assert self._unfolding is not None
            self._unfolding.clear()
        except apsw.Error:
            self._close()

    def _fail(self, error: Exception) -> None:
        self._close()
        self._say(str(error))
        with self._condition:
            jobs, self._jobs = list(self._jobs), deque()
        for _, answer in jobs:
            answer.fail(StoreError(f"the history is not to be had now: {error}"))

    def _over(self) -> bool:
        return sweep.over(self._file.connection, self.path, self._settings.max_bytes, self._settings.storage_bytes)

    def _make_room(self) -> None:
        """A full disk does not even let rows be deleted. When that lasts, the file goes, so that routing has room."""
        self._full += 1
        try:
            if self._full >= _FULL and free(self.path.parent) < _ROOM <= self.path.stat().st_size:
                self._give_up()
        except OSError as error:
            self._say(str(error))

    def _give_up(self) -> None:
        """Remove the file, which must be closed."""
        try:
            size = self.path.stat().st_size
            for each in files(self.path):
                if each.suffix != ".db-shm" and each.exists():
                    # A reader that still has it open would keep the room.
                    os.truncate(each, 0)
                each.unlink(missing_ok=True)
        except OSError as error:
            self._say(str(error))
            return
        finally:
            self._giving_way = False
        self._full = 0
        self._bookmark.keep()
        self._warn(f"the disk is full: {self.path} ({size} bytes) was deleted so that routing has room")

    def _say(self, reason: str) -> None:
        if reason:
            self.health = msgspec.structs.replace(self.health, reason=reason)
        if reason != self._complained:
            self._complained = reason
            self._warn(f"the history stands still: {reason}" if reason else "the history goes on")

    def _replace(self, error: Exception) -> None:
        """Set the broken file aside; the next round begins a new one and builds it from the journal."""
        self._close()
        stamp = time.strftime("%Y%m%dT%H%M%SZ", time.gmtime(self._clock() // SECOND))
        try:
            target = set_aside(self.path, stamp)
        except OSError as failure:
            self._fail(failure)
            return
        self._bookmark.rewind()
        self._warn(
            f"{self.path} is damaged ({error}); it was set aside as {target.name} and is built again from the journal"
        )

    def _close(self) -> None:
        if self._unfolding is not None:
            self._counted = (
                self._counted[0] + self._unfolding.events,
                self._counted[1] + self._unfolding.notifications,
            )
        self._unfolding = None
        self._file.close()
        self._bookmark.close()
