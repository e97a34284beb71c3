"""The answer to a question that is put to another thread."""

import threading
from typing import Any

from ampp.store.error import StoreError

__all__ = ["Answer"]


class Answer:
    """What a job came to, for whoever waits for it in another thread."""

    def __init__(self) -> None:
        self._done = threading.Event()
        self._result: Any = None
        self._error: Exception | None = None

    def give(self, result: Any) -> None:
        self._result = result
        self._done.set()

    def fail(self, error: Exception) -> None:
        self._error = error
        self._done.set()

    def wait(self, timeout: float) -> Any:
        if not self._done.wait(timeout):
            raise StoreError(f"the history did not answer within {timeout:.0f} s")
        if self._error is not None:
            raise self._error
        return self._result
