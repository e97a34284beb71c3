"""What each integration was to be told at a group's turn, why or why not, and what came of it: table `notification`.

Rows are gathered and written by `flush`, before a later record changes one of them.
"""

from collections.abc import Mapping
from typing import Any, Final

import apsw
import msgspec

from ampp.core.reason import FailureReason, NotificationStatus
from ampp.core.record import Decision, Delivered, Flushed
from ampp.store.sqlite.history.names import Names, millis
from ampp.store.sqlite.history.schema import STATUSES
from ampp.store.sqlite.rows import highest, insert

__all__ = ["Decisions"]

_STATUS: Final = {status: place for place, status in enumerate(STATUSES)}
_PENDING: Final = _STATUS[NotificationStatus.PENDING]

_REMEMBERED: Final = 10_000
_ERROR: Final = 2_000
"""Characters of an error that are kept."""


class Decisions:
    """See the module's docstring. `count`: rows written; `destinations`: where each integration of the configuration in
    force sends to."""

    def __init__(self, connection: apsw.Connection, names: Names) -> None:
        self.count = 0
        self.destinations: Mapping[str, str] = {}
        self._connection: Final = connection
        self._names: Final = names
        self._pending: dict[tuple[int, str, int], int] = {}
        self._rows: list[tuple[Any, ...]] = []
        self._notification = 0

    def clear(self) -> None:
        """Forget everything that is not in the database."""
        self._pending.clear()
        self._rows.clear()
        self._notification = highest(self._connection, "notification")
        stored = self._connection.execute("SELECT destinations FROM config ORDER BY id DESC LIMIT 1").get
        self.destinations = msgspec.json.decode(stored) if stored else {}

    def flush(self) -> None:
        """Write what is new; the names it uses must be written already."""
        if not self._rows:
            return
        insert(self._connection, "notification", self._rows)
        self.count += len(self._rows)
        self._rows.clear()
        if len(self._pending) > _REMEMBERED:
            self._pending.clear()
        self._connection.execute("INSERT OR REPLACE INTO meta VALUES ('notification', ?)", (self._notification,))

    def decided(self, record: Flushed, grp: int, at: int, muted: int) -> None:
        """A row for what each integration was to be told; when all is muted, one for all of them."""
        decisions = record.decisions
        if not decisions and record.suppressed:
            reasons = {each.reason for each in record.suppressed}
            reason = reasons.pop() if len(reasons) == 1 else "suppressed"
            decisions = (Decision("", 0, False, reason, 0, 0),)
        text, receiver = self._names.text, record.group.receiver
        for each in decisions:
            self._notification += 1
            if each.send:
                self._pending[record.id, each.integration, each.idx] = self._notification
            destination = self.destinations.get(f"{receiver}/{each.integration}/{each.idx}", "")
            self._rows.append(
                (
                    self._notification,
                    at,
                    record.id,
                    grp,
                    text(receiver),
                    text(each.integration),
                    each.idx,
                    _PENDING if each.send else _STATUS[NotificationStatus.NOT_SENT],
                    text(each.reason),
                    each.firing,
                    each.resolved,
                    muted,
                    millis(record.group.next),
                    text(destination),
                    None,
                    None,
                    None,
                    None,
                    None,
                )
            )

    def delivered(self, record: Delivered) -> None:
        """What came of a notification."""
        _, integration, idx = record.key.rsplit("/", 2)
        self._names.flush()
        self.flush()
        identity = self._pending.pop((record.flush, integration, int(idx)), None)
        if identity is None:
            identity = self._connection.execute(
                "SELECT n.id FROM notification n JOIN text t ON t.id = n.integration "
                "WHERE n.status = 1 AND n.flush = ? AND t.value = ? AND n.idx = ?",
                (record.flush, integration, int(idx)),
            ).get
        if identity is None:
            return
        self._connection.execute(
            "UPDATE notification SET status = ?, ended = ?, attempts = ?, took = ?, failure = ?, error = ? "
            "WHERE id = ? AND status = 1",
            (
                _STATUS[_status(record)],
                millis(record.at),
                record.attempts,
                record.took // 1000,
                self._names.text(record.reason) if record.reason else None,
                record.error[:_ERROR] if record.error else None,
                identity,
            ),
        )
        insert(
            self._connection,
            "attempt",
            [
                (identity, number, millis(each.at), each.took // 1000, each.error[:_ERROR])
                for number, each in enumerate(record.tries, record.attempts - len(record.tries) + 1)
            ],
            replace=True,
        )

    def stopped(self, at: int) -> None:
        """A run began: what the one before it had not heard of, nobody will."""
        self._names.flush()
        self.flush()
        self._pending.clear()
        self._connection.execute(
            "UPDATE notification SET status = ?, ended = ?, error = 'the server stopped before it was known' "
            "WHERE status = 1",
            (_STATUS[NotificationStatus.CANCELED], at),
        )


def _status(record: Delivered) -> NotificationStatus:
    if record.ok:
        return NotificationStatus.DELIVERED
    if record.reason in ("", "overtaken"):
        return NotificationStatus.OVERTAKEN
    return NotificationStatus.CANCELED if record.reason == FailureReason.CANCELED.value else NotificationStatus.FAILED
