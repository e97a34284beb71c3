"""`SqliteStore`: the Lite profile's store, two SQLite files and Alertmanager's two snapshot files in one directory.

Life: `open` takes the directory and makes the files ready, `load` reads what a former run left and starts the writer,
`aclose` ends it. Files that make no sense are set aside on the way, and the loss is told in `Restored.warnings`.

The snapshot files `nflog` and `silences` are Alertmanager's own. `export` writes them and notes their modification
times (in `meta`, each beside the data it mirrors). A file that is newer than that note was written by somebody else,
an Alertmanager that ran in between, and `load` merges it in: per entry the later one stands. A new or replaced
database has no note, so whatever snapshot lies there is taken; thus `silences` is also the second copy of a broken
`silences.db`.
"""

import os
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, Final

import apsw
import msgspec
import trio

from ampp.core.clock import HOUR, SECOND
from ampp.core.record import AlertRow, LogEntry, Record, SilencePut
from ampp.core.silence import Silence
from ampp.store import snapshot
from ampp.store.error import StoreDown, StoreError
from ampp.store.protocol import Health, Restate, Restored, Swept, Ticket
from ampp.store.sqlite import retention, tables
from ampp.store.sqlite.budget import allowed, log_bytes, used
from ampp.store.sqlite.checkpoint import WORTH, checkpoint
from ampp.store.sqlite.codec import ALERT, GROUP, LOG, OUTBOX, RECORD, SILENCE, Reader
from ampp.store.sqlite.database import ALERTS, BROKEN, PENDING, SILENCES, connect, files
from ampp.store.sqlite.file import File
from ampp.store.sqlite.ledger import Ledger
from ampp.store.sqlite.lock import DirectoryLock
from ampp.store.sqlite.projection import upsert_log
from ampp.store.sqlite.writer import Writer

__all__ = ["SqliteSettings", "SqliteStore"]

_SWEEP_SECONDS: Final = 60.0
_LOOK_SECONDS: Final = 1.0
"""Seconds between two looks at the size of the files."""


class SqliteSettings(msgspec.Struct, frozen=True):
    """`full_sync`: fsync at every commit (survives power loss) rather than at checkpoints (survives `kill -9`).

    `journal_retention`: nanoseconds for which journal records and silence revisions are kept. `max_bytes`: budget
    for all databases in the directory with their logs; beyond it the journal gives way, oldest first, never
    routing state.
    """

    full_sync: bool = False
    journal_retention: int = 7 * 24 * HOUR
    max_bytes: int = 2 << 30


class SqliteStore:
    """See the module's docstring, and `ampp.store.protocol.Store` for what each method promises."""

    def __init__(
        self, directory: Path, lock: DirectoryLock, settings: SqliteSettings, clock: Callable[[], int]
    ) -> None:
        self.directory = directory
        self._lock = lock
        self._settings = settings
        self._clock = clock
        self._alerts = File(directory / "alerts.db", ALERTS, full=settings.full_sync)
        self._silences = File(directory / "silences.db", SILENCES, full=settings.full_sync)
        for file in (self._alerts, self._silences):
            file.log_bytes = log_bytes(directory, settings.max_bytes)
        self._warnings: list[str] = []
        self._down = ""
        self._writer: Writer | None = None
        self._writable = trio.Event()

    @classmethod
    def open(
        cls, directory: Path, settings: SqliteSettings | None = None, clock: Callable[[], int] = time.time_ns
    ) -> "SqliteStore":
        """Take the directory (created when absent) and open its databases. Blocks. Raises StoreError."""
        settings = settings or SqliteSettings()
        try:
            directory.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise StoreError(f"cannot create the storage directory {directory}: {error.strerror}") from error
        lock = DirectoryLock(directory)
        store = cls(directory, lock, settings, clock)
        try:
            if (directory / PENDING).exists():
                raise StoreError(
                    f"a restore of {directory} was interrupted: run `ampp restore` again, "
                    f"or remove {directory / PENDING} if the files there are as they should be"
                )
            for file in (store._alerts, store._silences):
                store._ready(file)
        except BaseException:
            store._close_files()
            lock.release()
            raise
        return store

    def load(self) -> Restored:
        """Give back what the former run left, imported snapshots included, and start the writer. Blocks; once.

        Raises StoreError when it cannot be read, SnapshotError for a foreign snapshot file that makes no sense.
        """
        silences = self._guarded(self._silences, self._read_silences)
        imported: dict[str, int] = {}
        down = self._import(self._silences, "silences", lambda path: self._merge_silences(path, silences), imported)
        restored: Restored
        restored, backlog = self._guarded(self._alerts, self._read_alerts)
        log = {entry.key: entry for entry in restored.log}
        down = self._import(self._alerts, "nflog", lambda path: self._merge_log(path, log), imported) or down
        ledger = Ledger(self._alerts, self._silences, seq=tables.last_seq(self._alerts.connection), clock=self._clock)
        ledger.relieve = self._relieve
        self._writer = Writer(ledger, on_probe=lambda: self._writable.set())
        self._writer.start(backlog, self._down or down)
        return msgspec.structs.replace(
            restored,
            log=list(log.values()),
            silences=list(silences.values()),
            warnings=tuple(self._warnings),
            imported=imported,
        )

    def append(self, records: Sequence[Record]) -> Ticket:
        return self._running.append(records)

    def push(self) -> None:
        self._running.push()

    def refresh(self, rows: Iterable[AlertRow]) -> None:
        self._running.refresh(rows)

    async def tend(self, restate: Restate) -> None:
        self._running.attach()
        async with trio.open_nursery() as nursery:
            nursery.start_soon(self._heal, restate)
            nursery.start_soon(self._put_log_away)
            due = trio.current_time() + _SWEEP_SECONDS
            while True:
                await trio.sleep(_LOOK_SECONDS)
                if trio.current_time() < due and not self._over():
                    continue
                due = trio.current_time() + _SWEEP_SECONDS
                try:
                    await self.sweep()
                except StoreDown:
                    continue

    async def _put_log_away(self) -> None:
        """Spare the writer the checkpoints, unless the logs are to be so small that it needs them at once."""
        paths = [file.path for file in (self._alerts, self._silences) if not file.log_bytes]
        done = 0
        while paths:
            await trio.sleep(_LOOK_SECONDS)
            logged = self._running.logged
            if abs(logged - done) < WORTH:
                continue
            done = logged
            for path in paths:
                # Whatever the trouble is, the writer will meet it, and say so.
                with suppress(apsw.Error):
                    await trio.to_thread.run_sync(checkpoint, path)

    def _over(self) -> bool:
        """Whether the files have outgrown the budget since the last look."""
        try:
            return used(self.directory) > 0.9 * allowed(self.directory, self._settings.max_bytes)
        except OSError:
            return False

    async def _heal(self, restate: Restate) -> None:
        writer = self._running
        while True:
            await self._writable.wait()
            self._writable = trio.Event()
            writer.hold()
            try:
                ticket = writer.restate(await restate())
            finally:
                writer.release("the current state could not be collected")
            try:
                await ticket.durable()
            except StoreDown:
                continue

    @property
    def last_seq(self) -> int:
        """The number of the last record ever journalled."""
        return self._running.ledger.seq

    def read_by(self, unread_after: Callable[[], int], give_way: Callable[[], bool] = lambda: False) -> None:
        """Keep records numbered above what `unread_after` says, from any thread, as long as the budget allows.

        `give_way`, called from any thread when the disk is full, has the reader make room, and tells if it will.
        """
        self._running.ledger.unread_after = unread_after
        self._running.ledger.make_room = give_way

    async def sweep(self) -> Swept:
        return await retention.sweep(
            self._running, self._clock() - self._settings.journal_retention, self._settings.max_bytes
        )

    def _relieve(self) -> bool:
        return bool(retention.release(self._running.ledger, retention.NEVER, self._settings.max_bytes))

    async def export(self) -> Mapping[str, int]:
        writer = self._running
        await writer.run(lambda: None)
        return await trio.to_thread.run_sync(self._export, writer, trio.lowlevel.current_trio_token())

    def _export(self, writer: Writer, token: trio.lowlevel.TrioToken) -> dict[str, int]:
        sizes = {}
        for file, name in ((self._alerts, "nflog"), (self._silences, "silences")):
            path = self.directory / name
            connection = None
            try:
                connection = connect(file.path, readonly=True)
                if name == "nflog":
                    rows = connection.execute("SELECT row FROM log ORDER BY key")
                    sizes[name] = snapshot.write_log(path, (LOG(row) for (row,) in rows))
                else:
                    rows = connection.execute("SELECT row FROM silences ORDER BY place")
                    sizes[name] = snapshot.write_silences(path, (SILENCE(row) for (row,) in rows))
            except apsw.Error as error:
                raise StoreDown(f"{file.path.name}: {error}") from error
            finally:
                if connection is not None:
                    connection.close(True)
            trio.from_thread.run(writer.run, _noting(file, path), trio_token=token)
        return sizes

    def health(self) -> Health:
        writer = self._running
        reason = writer.trouble()
        queue, queue_bytes, behind = writer.depth()
        return Health(
            ok=not reason,
            reason=reason,
            queue=queue,
            queue_bytes=queue_bytes,
            behind=behind,
            last_commit=writer.ledger.last_commit,
            lost=writer.lost,
            files=sizes((self._alerts.path, self._silences.path)),
        )

    async def aclose(self) -> None:
        with trio.CancelScope(shield=True):
            await trio.to_thread.run_sync(self.close)

    def close(self) -> None:
        """`aclose` for callers outside the event loop. Blocks."""
        if self._writer is not None:
            self._writer.stop()
        self._close_files()
        self._lock.release()

    @property
    def _running(self) -> Writer:
        if self._writer is None:
            raise RuntimeError("load() the store before using it")
        return self._writer

    def _close_files(self) -> None:
        self._alerts.close()
        self._silences.close()

    def _ready(self, file: File) -> None:
        """Open the file; if that fails, say on a full disk, at least to read it, and begin with the store down."""
        try:
            self._guarded(file, file.open)
        except StoreError as error:
            if not isinstance(error.__cause__, apsw.Error) or not file.open_frozen():
                raise
            self._down = f"{file.path.name}: {error.__cause__}"
            self._warnings.append(f"{error}; starting with what it holds, but nothing is stored until that is mended")

    def _guarded(self, file: File, work: Callable[[], Any]) -> Any:
        """`work`, once more on a new file when the old one's content is broken. Raises StoreError."""
        try:
            try:
                return work()
            except BROKEN as error:
                stamp = time.strftime("%Y%m%dT%H%M%SZ", time.gmtime(self._clock() // SECOND))
                target = file.replace(stamp)
                self._warnings.append(
                    f"{file.path} is damaged ({error}); it was set aside as {target.name} and a new one begun: "
                    + _CONSEQUENCE[file.path.name]
                )
                return None if work == file.open else work()
        except (apsw.Error, OSError) as error:
            raise StoreError(f"cannot open {file.path}: {error}") from error

    def _read_silences(self) -> dict[str, Silence]:
        rows = self._silences.connection.execute("SELECT id, row FROM silences ORDER BY place")
        return {silence.id: silence for silence in self._decoded(rows, SILENCE, "silence")}

    def _read_alerts(self) -> tuple[Restored, list[tuple[int, list[tables.Change]]]]:
        connection = self._alerts.connection
        meta = tables.get_meta(connection)
        alerts = {
            row.key: row for row in self._decoded(connection.execute("SELECT key, row FROM alerts"), ALERT, "alert")
        }
        backlog = []
        tail = "SELECT seq, body FROM journal WHERE seq > ? ORDER BY seq"
        for seq, body in connection.execute(tail, (meta.get("applied", 0),)):
            for record in self._decoded([(seq, body)], RECORD, "journal record"):
                changes = tables.alert_changes(record)
                backlog.append((seq, changes))
                for key, row in changes:
                    if row is None:
                        alerts.pop(key, None)
                    else:
                        alerts[key] = row
        restored = Restored(
            alerts=list(alerts.values()),
            groups=self._decoded(connection.execute("SELECT labels, row FROM groups"), GROUP, "group timer"),
            log=self._decoded(connection.execute("SELECT key, row FROM log"), LOG, "notification log entry"),
            outbox=self._decoded(connection.execute("SELECT key, row FROM outbox"), OUTBOX, "outbox entry"),
            last_alive=tables.last_alive(connection),
            config_hash=meta.get("config_hash", 0),
            config_text=meta.get("config_text", ""),
        )
        return restored, backlog

    def _decoded(self, rows: Iterable[tuple[Any, bytes]], reader: Reader[Any], what: str) -> list[Any]:
        """The rows' values, without those that can no longer be read; each of them is worth a warning, not the rest."""
        out = []
        for name, row in rows:
            try:
                out.append(reader(row))
            except (msgspec.DecodeError, ValueError) as error:
                self._warnings.append(f"a stored {what} cannot be read and is left out: {name!r}: {error}")
        return out

    def _import(self, file: File, name: str, merge: Callable[[Path], int], imported: dict[str, int]) -> str:
        """Merge the snapshot file in when it is newer than our last export. Returns why that could not be stored."""
        path = self.directory / name
        try:
            if not snapshot.newer(path, tables.get_meta(file.connection).get("exported", 0)):
                return ""
            with file.connection:
                imported[name] = merge(path)
                _noting(file, path)()
        except apsw.Error as error:
            return f"{file.path.name}: {error}"
        return ""

    def _merge_silences(self, path: Path, silences: dict[str, Silence]) -> int:
        found, warnings = snapshot.read_silences(path)
        self._warnings += warnings
        later = [each for each in found if each.id not in silences or silences[each.id].updated < each.updated]
        silences.update((each.id, each) for each in later)
        put = SilencePut(at=self._clock(), silences=tuple(later))
        tables.write_silences(self._silences.connection, tables.silence_rows([put]))
        return len(later)

    def _merge_log(self, path: Path, log: dict[str, LogEntry]) -> int:
        found = snapshot.read_log(path)
        later = [each for each in found if each.key not in log or log[each.key].timestamp < each.timestamp]
        log.update((each.key, each) for each in later)
        upsert_log(self._alerts.connection, later)
        return len(later)


_CONSEQUENCE: Final = {
    "alerts.db": "alerts come back as senders repeat them, group timers start anew, and without a snapshot of the "
    "notification log receivers may be told again",
    "silences.db": "silences come from the snapshot file `silences`, as of the last maintenance, if there is one",
}


def _noting(file: File, path: Path) -> Callable[[], None]:
    """A job that notes the snapshot's modification time as that of our own last writing."""
    at = os.stat(path).st_mtime_ns
    return lambda: tables.set_meta(file.connection, exported=at)


def sizes(paths: Iterable[Path]) -> dict[str, int]:
    """Bytes of each database file and what belongs to it, by file name; absent ones left out."""
    out = {}
    for path in paths:
        for each in files(path):
            try:
                out[each.name] = each.stat().st_size
            except FileNotFoundError:
                continue
    return out
