"""Where the event loop and the writer's thread meet.

Each has word for the other at the edges of a turn of the loop. When the loop is about to wait, what its tasks have
noted is handed over; when it has waited, what the thread has to say is heard, and the tasks that this concerns go on in
the very turn that begins. A loop that is at work anyway is not woken for that: to wake it costs both sides more than
the word itself.
"""

from collections import deque
from collections.abc import Callable
from functools import partial

import trio

__all__ = ["Loop"]


class Loop(trio.abc.Instrument):
    """See the module's docstring. `push`: hands over what was noted."""

    def __init__(self, push: Callable[[], None]) -> None:
        self._push = push
        self._put_off = False
        self._waiting = False
        self._calls: deque[Callable[[], object]] = deque()
        self._token: trio.lowlevel.TrioToken | None = None

    def attach(self) -> None:
        """Take note of the loop that runs."""
        if self._token is None:
            self._token = trio.lowlevel.current_trio_token()
            trio.lowlevel.add_instrument(self)

    def tell(self, call: Callable[[], object]) -> None:
        """Have the loop call, in the order of the telling. From any thread; once the loop has ended, nothing happens.

        `call` must be short. If it raises, the loop ends with that.
        """
        self._calls.append(call)
        # The loop says that it waits and then looks for calls; whichever comes first, one of the two sees the other.
        if self._waiting:
            self._wake()

    def before_io_wait(self, timeout: float) -> None:
        # Records are handed over once more than the loop waits as well: what one turn brings (an alert) and what
        # follows in the next (its group is due at once) is then written together, but nothing is put off twice.
        self._put_off = timeout <= 0 and not self._put_off
        if not self._put_off:
            self._run(self._push)
        self._waiting = timeout > 0
        if self._waiting and self._calls:
            self._wake()

    def after_io_wait(self, timeout: float) -> None:
        self._waiting = False
        while self._calls:
            self._run(self._calls.popleft())

    def _run(self, call: Callable[[], object]) -> None:
        try:
            call()
        except BaseException as error:  # noqa: BLE001
            # Trio takes out an instrument that raises and goes on, and nobody would ever be answered again.
            self._wake(partial(_raise, error))

    def _wake(self, call: Callable[[], object] = lambda: None) -> None:
        """Have the loop begin another turn, and call in it."""
        if self._token is not None:
            try:
                self._token.run_sync_soon(call)
            except trio.RunFinishedError:
                return


def _raise(error: BaseException) -> None:
    raise error
