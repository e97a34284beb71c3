"""What takes long to load: made in a thread, once, when it is first asked for.

A thread that imports shares the interpreter with the event loop in turns of some milliseconds, and nobody is held up.
"""

import gc
from collections.abc import Callable
from typing import Generic, TypeVar

import trio

__all__ = ["Later"]

T = TypeVar("T")


class Later(Generic[T]):
    """What `make` gives. An error of it is raised to whoever asks, and the next to ask tries again."""

    def __init__(self, make: Callable[[], T]) -> None:
        self._make = make
        self._lock = trio.Lock()
        self._made: list[T] = []

    async def get(self) -> T:
        if not self._made:
            async with self._lock:
                if not self._made:
                    self._made.append(await trio.to_thread.run_sync(self._loaded))
        return self._made[0]

    def _loaded(self) -> T:
        # Modules are not garbage: looking for some among them would take a fifth of the time, the loop at a standstill.
        gc.disable()
        try:
            return self._make()
        finally:
            gc.enable()
