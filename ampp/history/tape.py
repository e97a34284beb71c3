"""Recorded history as an input: the raw journal's records in order, whatever state the file is in.

Reading goes in short steps, each a read transaction of its own, so that a daemon at work on the same file is not
hindered. What cannot be read is skipped and counted (`Tape.broken`; `Tape.newer` for kinds of record that only a newer
version knows).
"""

from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final, TypeVar, get_args

import apsw
import msgspec

from ampp.core.record import AlertRow, ConfigLoaded, Lapse, LogEntry, Record
from ampp.core.silence import Silence
from ampp.history import older
from ampp.history.past import configuration
from ampp.history.window import FOREVER, Ends
from ampp.store.sqlite.codec import ALERT, LOG, RECORD, SILENCE, Reader
from ampp.store.sqlite.database import ALERTS, APPLICATION_ID, SILENCES, connect
from ampp.store.sqlite.history.historian import NAME
from ampp.store.sqlite.history.schema import HISTORY

__all__ = ["Ahead", "Tape", "TapeError", "untold"]

T = TypeVar("T")

_KINDS: Final = frozenset(str(kind.__struct_config__.tag) for kind in get_args(Record))
_STEP: Final = 2_000


class TapeError(Exception):
    """There is no history to read here. The text says why."""


class Ahead(msgspec.Struct, frozen=True):
    """What a replay must know before it begins.

    `ends`: when alerts ended by time. `firing`: what fired already when the tape begins, key and start; empty when the
    tape is whole. `told`: the notification log of then, as far as it is still known. `silences`: those of then.
    `config`: the text of the first configuration known to have been in force, "" when none is. `kept`: by key, those
    entries of the log that nothing has replaced since the journal begins. `config_since`: the wall time before which
    another configuration may have been in force, 0 when that is known.
    """

    ends: Ends
    firing: tuple[tuple[bytes, int], ...]
    told: tuple[LogEntry, ...]
    silences: tuple[Silence, ...]
    config: str
    kept: Mapping[str, LogEntry] = {}
    config_since: int = 0


class _Row(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """The beginning of an AlertRow."""

    key: bytes
    annotations: msgspec.Raw
    starts: int
    ends: int


class _Scanned(msgspec.Struct, frozen=True):
    """Of a Posted or Flushed what must be known ahead."""

    at: int
    lapsed: tuple[Lapse, ...] = ()


class _ScannedPost(_Scanned, frozen=True):
    alerts: tuple[_Row, ...] = ()


class _ScannedStart(_Scanned, frozen=True):
    last_alive: int = 0


class _ScannedFlush(_Scanned, frozen=True):
    id: int = 0


_SCAN: Final[Reader[_Scanned]] = Reader(_Scanned)
_SCAN_POST: Final[Reader[_ScannedPost]] = Reader(_ScannedPost)
_SCAN_FLUSH: Final[Reader[_ScannedFlush]] = Reader(_ScannedFlush)
_SCAN_START: Final[Reader[_ScannedStart]] = Reader(_ScannedStart)


def untold(alert: AlertRow, posted: int | None, started: int, last_alive: int, last: int, *, anew: bool) -> bool:
    """Whether the time of a stored alert was over by `last`, the moment of the last record, without one that tells so.

    `posted`: the end that was posted, if it was over then. What still fired when the former run ended (`last_alive`)
    and nobody has repeated since the last start (`started`) is held, and fires on whatever end is stored. `anew`: a
    post since then is recorded; of one instant it tells what came first.
    """
    held = alert.updated <= started and not anew and last_alive < alert.ends
    return alert.ends <= last and alert.ends != posted and not held


class Tape:
    """The history in a storage directory, as it was when this was made. Raises TapeError when none can be read.

    `first`, `last`: wall times of the oldest and newest record, 0 when there is none. `count`: records. `whole`:
    nothing came before the first.

    Where the journal has been swept, what the history still knows of the time from `since` on takes its place. That is
    an outline; from `complete` on, the wall time of the journal's first record, nothing is missing.
    """

    def __init__(self, directory: Path, since: int = 0) -> None:
        self.broken = 0
        self.newer: Counter[str] = Counter()
        self._silences: apsw.Connection | None = None
        self._history: apsw.Connection | None = None
        self._alerts = _open(directory / "alerts.db", len(ALERTS))
        try:
            path = directory / "silences.db"
            self._silences = _open(path, len(SILENCES)) if path.exists() else None
            ((begin, self._end, self.count),) = self._query(
                "SELECT coalesce(min(seq), 0), coalesce(max(seq), 0), count(*) FROM journal"
            )
            at = dict(self._query("SELECT seq, at FROM journal WHERE seq IN (?, ?)", (begin, self._end)))
            self.whole: Final[bool] = begin <= 1
            self.first: int = at.get(begin, 0)
            self.last: Final[int] = at.get(self._end, 0)
            self.complete: Final[int] = self.first
            if since < self.first and not self.whole:
                self._reach_back(directory / NAME, since)
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        for connection in (self._alerts, self._silences, self._history):
            if connection is not None:
                connection.close(True)

    def _reach_back(self, path: Path, since: int) -> None:
        """Let the tape begin at `since`, or where the history does, if that is earlier than the journal."""
        if not path.is_file():
            return
        self._history = _open(path, len(HISTORY))
        try:
            begin = older.first_event(self._history)
            if 0 < begin < self.complete:
                self.first = max(since, begin)
                self.count += older.amount(self._history, self.first, self.complete)
        except apsw.Error as error:
            raise TapeError(f"the history cannot be read: {error}") from error

    def records(self) -> Iterator[Record]:
        """All records in order; their times never go back."""
        wall = 0
        if self._history is not None and self.first < self.complete:
            try:
                for record in older.records(self._history, self.first, self.complete, self._first_flush()):
                    wall = max(wall, record.at)
                    yield record if record.at == wall else msgspec.structs.replace(record, at=wall)
            except (apsw.Error, msgspec.MsgspecError) as error:
                raise TapeError(f"the history cannot be read: {error}") from error
        for at, kind, body in self._bodies():
            if kind not in _KINDS:
                self.newer[kind] += 1
                continue
            try:
                record = RECORD(body)
            except (msgspec.DecodeError, ValueError):
                self.broken += 1
                continue
            wall = max(wall, at)
            yield record if record.at == wall else msgspec.structs.replace(record, at=wall)

    def ahead(self) -> Ahead:
        """Read through the tape for what a replay must know before it begins."""
        ends = Ends()
        firing: dict[bytes, int] = {}
        posted: dict[bytes, int] = {}
        anew: set[bytes] = set()
        started, last_alive = 0, 0
        for at, kind, body in self._bodies("AND kind IN ('flush', 'post', 'start')"):
            try:
                if kind == "start":
                    started, last_alive = at, _SCAN_START(body).last_alive
                    ends.start(at)
                    anew.clear()
                    continue
                scanned = (_SCAN_POST if kind == "post" else _SCAN)(body)
            except (msgspec.DecodeError, ValueError):
                continue
            for key, end in scanned.lapsed:
                if posted.get(key) == end:
                    # Its sender said so; after a restart that is told once more.
                    continue
                ends.add(key, end, scanned.at)
                if not self.whole and key not in posted and end > self.first:
                    firing.setdefault(key, self.first)
            if isinstance(scanned, _ScannedPost):
                for row in scanned.alerts:
                    if row.key not in posted and row.starts < self.first:
                        firing[row.key] = row.starts
                    posted[row.key] = row.ends if row.ends <= scanned.at else 0
                    anew.add(row.key)
        if self._history is not None and not started:
            started = self._last_start(self._history)
        current = self._values("SELECT row FROM alerts", ALERT)
        for alert in current:
            # Its time was over, and no group's turn has come since that would have told so.
            if untold(alert, posted.get(alert.key), started, last_alive, self.last, anew=alert.key in anew):
                ends.add(alert.key, alert.ends, self.last + 1)
        log = {one.key: one for one in self._values("SELECT row FROM log", LOG) if one.timestamp < self.complete}
        if self._history is not None and self.first < self.complete:
            return self._ahead_of_history(self._history, ends, log)
        if not self.whole:
            for alert in current:
                if alert.key not in posted and alert.starts < self.first < alert.ends:
                    firing[alert.key] = alert.starts
        config, since = self._first_config()
        return Ahead(
            ends,
            tuple(firing.items()),
            tuple(log.values()),
            self._silences_before(),
            config,
            log,
            0 if self.whole else since,
        )

    def _last_start(self, history: apsw.Connection) -> int:
        try:
            return max(older.starts(history), default=0)
        except apsw.Error as error:
            raise TapeError(f"the history cannot be read: {error}") from error

    def _ahead_of_history(self, history: apsw.Connection, ends: Ends, log: Mapping[str, LogEntry]) -> Ahead:
        try:
            for key, end, at in older.lapses(history):
                if at < self.complete:
                    ends.add(key, end, at)
            for at in older.starts(history):
                if at < self.complete:
                    ends.start(at)
            ends.sort()
            firing, told = tuple(older.firing_at(history, self.first)), tuple(older.told_at(history, self.first))
            before = configuration(history, self.first) or configuration(history, self.complete)
        except apsw.Error as error:
            raise TapeError(f"the history cannot be read: {error}") from error
        return Ahead(
            ends, firing, told, self._silences_before(), self._first_config()[0] if before is None else before.text, log
        )

    def _first_flush(self) -> int:
        for _, _, body in self._bodies("AND kind = 'flush'"):
            try:
                return _SCAN_FLUSH(body).id
            except (msgspec.DecodeError, ValueError):
                continue
        return FOREVER

    def _first_config(self) -> tuple[str, int]:
        """The first configuration that the journal tells of and when it took effect, else the present one, and 0."""
        for at, _, body in self._bodies("AND kind = 'config'"):
            try:
                record = RECORD(body)
            except (msgspec.DecodeError, ValueError):
                continue
            if isinstance(record, ConfigLoaded):
                return record.text, at
        for (text,) in self._query("SELECT value FROM meta WHERE key = 'config_text'"):
            return str(text), 0
        return "", 0

    def _silences_before(self) -> tuple[Silence, ...]:
        """The silences when the tape begins: the last revision from before, else what is known of them now."""
        if self._silences is None:
            return ()
        known = {one.id: one for one in self._values("SELECT row FROM silences", SILENCE, self._silences)}
        before = self._values(
            "SELECT row FROM revisions WHERE at < ? AND row IS NOT NULL ORDER BY seq",
            SILENCE,
            self._silences,
            self.first,
        )
        known = {silence.id: silence for silence in known.values() if silence.starts < self.first}
        known.update((silence.id, silence) for silence in before)
        return tuple(silence for silence in known.values() if silence.ends > self.first)

    def _bodies(self, which: str = "") -> Iterator[tuple[int, str, bytes]]:
        seq = 0
        while True:
            rows = self._query(
                f"SELECT seq, at, kind, body FROM journal WHERE seq > ? AND seq <= ? {which} ORDER BY seq LIMIT ?",
                (seq, self._end, _STEP),
            )
            for seq, at, kind, body in rows:  # noqa: B007 - the last one is where the next step begins
                yield at, kind, body
            if len(rows) < _STEP:
                return

    def _values(self, sql: str, read: Reader[T], connection: apsw.Connection | None = None, *given: object) -> list[T]:
        found = []
        for (row,) in self._query(sql, given, connection):
            try:
                found.append(read(row))
            except (msgspec.DecodeError, ValueError):
                self.broken += 1
        return found

    def _query(
        self, sql: str, given: tuple[object, ...] = (), connection: apsw.Connection | None = None
    ) -> list[tuple[Any, ...]]:
        try:
            return list((connection or self._alerts).execute(sql, given))
        except apsw.Error as error:
            raise TapeError(f"the history cannot be read: {error}") from error


def _open(path: Path, known: int) -> apsw.Connection:
    if not path.is_file():
        raise TapeError(f"{path} does not exist: is {path.parent} the --storage.path of a daemon?")
    try:
        connection = connect(path, readonly=True)
        try:
            identity, version = connection.pragma("application_id"), connection.pragma("user_version")
        except BaseException:
            connection.close(True)
            raise
    except apsw.Error as error:
        raise TapeError(f"{path} cannot be read: {error}") from error
    if identity != APPLICATION_ID:
        connection.close(True)
        raise TapeError(f"{path} is not a database of ampp")
    if version > known:
        connection.close(True)
        raise TapeError(f"{path} has schema version {version}, this program knows up to {known}: use the newer version")
    return connection
