"""The journal's end as the historian reads it: its failures are told from the history's own."""

from collections.abc import Callable
from pathlib import Path
from typing import Final, TypeVar

import apsw
import msgspec

from ampp.core.record import Record
from ampp.store.error import StoreError
from ampp.store.sqlite.journal import Journal

__all__ = ["JournalReader"]

T = TypeVar("T")


class JournalReader:
    """`Journal`, raising StoreError for what goes wrong with it, and passing over records that make no sense."""

    def __init__(self, path: Path) -> None:
        self._name: Final = path.name
        self._journal: Final = self._named(lambda: Journal(path))

    def after(self, seq: int, limit: int) -> tuple[list[tuple[int, Record]], list[tuple[int, Exception]]]:
        """At most `limit` records after `seq`, and those passed over, with what is wrong with them."""
        unreadable: list[tuple[int, Exception]] = []
        try:
            return self._after(seq, limit), unreadable
        except (msgspec.MsgspecError, ValueError):
            pass
        while True:
            try:
                return self._after(seq, 1), unreadable
            except (msgspec.MsgspecError, ValueError) as error:
                last, behind, _ = self.span(seq)
                seq = last - behind + 1
                unreadable.append((seq, error))

    def _after(self, seq: int, limit: int) -> list[tuple[int, Record]]:
        return self._named(lambda: self._journal.after(seq, limit))

    def identity(self) -> str:
        return self._named(self._journal.identity)

    def span(self, seq: int) -> tuple[int, int, int]:
        """As `Journal.span`."""
        return self._named(lambda: self._journal.span(seq))

    def close(self) -> None:
        self._journal.close()

    def _named(self, read: Callable[[], T]) -> T:
        try:
            return read()
        except apsw.Error as error:
            raise StoreError(f"{self._name}: {error}") from error
