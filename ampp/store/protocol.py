"""What the daemon asks of a store, and the values that pass between them. All times in wall nanoseconds."""

from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from typing import Protocol

import msgspec

from ampp.core.record import AlertRow, GroupRow, LogEntry, OutboxRow, Record
from ampp.core.silence import Silence

__all__ = ["Health", "Restate", "Restored", "State", "Store", "Swept", "Ticket"]


class State(msgspec.Struct, frozen=True):
    """Everything that routing needs to go on: the content of the tables of current state."""

    alerts: Sequence[AlertRow] = ()
    groups: Sequence[GroupRow] = ()
    log: Sequence[LogEntry] = ()
    outbox: Sequence[OutboxRow] = ()
    silences: Sequence[Silence] = ()


class Restored(State, frozen=True):
    """The state that a former run left behind.

    `last_alive`: the last moment at which that run is known to have lived, 0 when there was none. `config_hash`,
    `config_text`: of the last configuration that took effect, 0 and empty when there was none. `warnings`: what an
    operator must be told, one line each (a broken file set aside, a silence that can no longer be read).
    `imported`: how many entries came from Alertmanager's own files, by file name.
    """

    last_alive: int = 0
    config_hash: int = 0
    config_text: str = ""
    warnings: tuple[str, ...] = ()
    imported: Mapping[str, int] = {}


class Health(msgspec.Struct, frozen=True):
    """How the store fares. `ok` is false while records are not made durable, or not soon; `reason` then says why.

    `queue`, `queue_bytes`: records waiting for their commit. `behind`: alert rows journalled and not yet in the table
    of current alerts, and refreshes waiting. `last_commit`: wall time, 0 before the first. `lost`: records refused or
    failed since the start. `files`: bytes per file, write-ahead logs included.
    """

    ok: bool
    reason: str
    queue: int
    queue_bytes: int
    behind: int
    last_commit: int
    lost: int
    files: Mapping[str, int]


class Swept(msgspec.Struct, frozen=True):
    """What a retention sweep removed: journal records, and bytes given back to the file system."""

    records: int
    bytes: int


Restate = Callable[[], Awaitable[State]]
"""Gives the whole current state after the store lost records. See `Store.tend`."""


class Ticket(Protocol):
    """The promise of one `append`."""

    async def durable(self) -> None:
        """Return once the records survive `kill -9`. Raises StoreDown when they were not written.

        Cancellable; the records are written all the same.
        """

    def then(self, call: Callable[[str], None]) -> None:
        """Call, on the event loop and before anybody who waits goes on: with the reason why the records were not
        written, or an empty text. If that is known already, at once."""


class Store(Protocol):
    """Persistence of routing state and the raw journal. Used from the event loop's thread unless said otherwise."""

    def load(self) -> Restored:
        """Give back what the former run left; once, before anything else. Blocks: call it in a thread."""

    def append(self, records: Sequence[Record]) -> Ticket:
        """Queue records for the next commit, in order and all in one transaction. Never blocks and never raises."""

    def push(self) -> None:
        """Begin to write what was appended, instead of when the event loop is about to wait."""

    def refresh(self, rows: Iterable[AlertRow]) -> None:
        """Take note of changes that need no journal; written within seconds, the newest per key. Never blocks."""

    async def tend(self, restate: Restate) -> None:
        """Keep the store well until cancelled: heals it after trouble and sweeps by retention. A child of `serve`.

        After trouble `restate` is called for the whole state. It may yield to other tasks while it collects: whatever
        is appended from the moment it is called is kept and written after the state it returns.
        """

    async def sweep(self) -> Swept:
        """Delete journal past its age or the byte budget now, in small transactions. Raises StoreDown."""

    async def export(self) -> Mapping[str, int]:
        """Write Alertmanager's `nflog` and `silences` from what is stored. Returns bytes per file.

        Raises StoreDown or OSError.
        """

    def health(self) -> Health: ...

    async def aclose(self) -> None:
        """Write everything still queued, stop, and give up the directory."""
