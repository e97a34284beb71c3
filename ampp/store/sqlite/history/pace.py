"""How fast the history may go: as fast as it can while nobody else needs the processor, slowly while somebody does.

The thread works for about a millisecond and then sleeps; how long depends on what the rest of the process used lately.
Python runs one thread at a time, so without this every request would have to wait for the history's turn to end.
"""

import time
from typing import Final

__all__ = ["Pace"]

_SLICE: Final = 0.001
_LOOK: Final = 0.25
_BUSY: Final = 0.4
"""Share of one processor, used by the rest of the process, from which on it counts as busy."""

_REST: Final = 0.1
_REST_BUSY: Final = 8.0
"""Seconds of rest for a second of work."""


class Pace:
    """Call `breathe` every few rows, from one thread. `hurried`: do not wait for others, as room is short."""

    def __init__(self) -> None:
        self._worked_since = time.perf_counter()
        self._rest = _REST
        self.hurried = False
        self._look()

    def _look(self) -> None:
        self._looked = time.perf_counter()
        self._process, self._own = time.process_time(), time.thread_time()

    def breathe(self) -> None:
        """Let other threads run, if it is time to."""
        now = time.perf_counter()
        worked = now - self._worked_since
        if worked < _SLICE:
            return
        if now - self._looked > _LOOK:
            others = (time.process_time() - self._process) - (time.thread_time() - self._own)
            self._rest = _REST_BUSY if others > _BUSY * (now - self._looked) else _REST
            self._look()
        rest = _REST if self.hurried else self._rest
        time.sleep(max(0.0001, min(worked * rest, 0.05)))
        self._worked_since = time.perf_counter()
