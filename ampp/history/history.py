"""The history as the rest of the daemon has it: the historian that writes it, and questions that read it.

Questions run in threads, two at a time, each with a connection of its own and a deadline; one that takes too long is
interrupted. Connections are kept for the next question, unless the file has been exchanged meanwhile.
"""

import os
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Final, TypeVar

import apsw
import trio

from ampp.history.error import HistoryOff, HistoryTimeout, HistoryUnavailable
from ampp.store.sqlite.database import connect
from ampp.store.sqlite.history.historian import NAME, Historian, HistoryHealth

__all__ = ["DEADLINE", "History", "Question", "open_reader"]

T = TypeVar("T")

Question = Callable[[apsw.Connection], T]
"""Reads the answer off a connection, in one thread."""

DEADLINE: Final = 10.0
"""Seconds that an answer may take."""

_OPENING: Final = 2.0
"""Seconds that a question waits for the file to be opened after a start."""

_AT_ONCE: Final = 2
_CACHE_KIB: Final = 8_000


def open_reader(path: Path) -> apsw.Connection:
    """A connection that can only read. Raises apsw.Error."""
    connection = connect(path, readonly=True)
    connection.execute(f"PRAGMA cache_size = -{_CACHE_KIB}")
    return connection


class History:
    """`historian` is None when no history is kept: then every question raises HistoryOff."""

    def __init__(self, directory: Path, historian: Historian | None) -> None:
        self._path: Final = directory / NAME
        self._historian: Final = historian
        self._limiter = trio.CapacityLimiter(_AT_ONCE)
        self._lock: Final = threading.Lock()
        self._idle: list[apsw.Connection] = []
        self._inode = 0

    @property
    def kept(self) -> bool:
        """Whether there is a history."""
        return self._historian is not None

    def start(self) -> None:
        """Begin to unfold what the journal holds."""
        if self._historian is not None:
            self._historian.start()

    def close(self) -> None:
        """End the historian. Blocks."""
        with self._lock:
            for connection in self._idle:
                connection.close(True)
            self._idle.clear()
        if self._historian is not None:
            self._historian.stop()

    def health(self) -> HistoryHealth:
        return HistoryHealth() if self._historian is None else self._historian.health

    async def ask(self, question: "Question[T]", deadline: float = DEADLINE) -> T:
        """The answer. Raises HistoryOff, HistoryUnavailable, HistoryTimeout, and what the question raises."""
        if self._historian is None:
            raise HistoryOff
        running: list[apsw.Connection] = []
        with trio.move_on_after(deadline) as scope:
            return await trio.to_thread.run_sync(
                self._answer, question, running, abandon_on_cancel=True, limiter=self._limiter
            )
        for connection in running:
            connection.interrupt()
        if not scope.cancelled_caught:
            raise HistoryUnavailable("the history gave no answer")
        raise HistoryTimeout(f"the history did not answer within {deadline:g} s: ask for less")

    def _answer(self, question: "Question[T]", running: list[apsw.Connection]) -> T:
        if self._historian is not None:
            self._historian.ready.wait(_OPENING)
        try:
            connection = self._take()
        except (apsw.Error, OSError) as error:
            raise HistoryUnavailable(f"the history cannot be read: {error}") from error
        running.append(connection)
        good = False
        try:
            # All of an answer as of one moment; and pages read once are not read again for each statement, as they
            # would be whenever the historian has written in between.
            connection.execute("BEGIN")
            answer = question(connection)
            connection.execute("COMMIT")
            good = True
            return answer
        except apsw.InterruptError as error:
            raise HistoryTimeout("the history did not answer in time") from error
        except apsw.Error as error:
            if self._historian is not None:
                self._historian.suspect()
            raise HistoryUnavailable(f"the history cannot be read: {error}") from error
        finally:
            running.clear()
            self._give_back(connection, good)

    def _take(self) -> apsw.Connection:
        inode = os.stat(self._path).st_ino
        with self._lock:
            if inode != self._inode:
                for connection in self._idle:
                    connection.close(True)
                self._idle.clear()
                self._inode = inode
            if self._idle:
                return self._idle.pop()
        return open_reader(self._path)

    def _give_back(self, connection: apsw.Connection, good: bool) -> None:
        with self._lock:
            if good and len(self._idle) < _AT_ONCE:
                self._idle.append(connection)
                return
        connection.close(True)


def now_millis() -> int:
    """Wall milliseconds."""
    return time.time_ns() // 1_000_000
