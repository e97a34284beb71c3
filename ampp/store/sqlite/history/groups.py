"""Who is in which aggregation group, and what keeps him out of its notifications: the table `member`, kept in step.

The stays of groups met lately are remembered, within bounds. What changed is gathered and written by `flush`.
"""

from typing import Any, Final

import apsw

from ampp.core.record import GroupRow
from ampp.store.sqlite.history.names import Names
from ampp.store.sqlite.rows import array, insert, rows_of

__all__ = ["Groups", "Stay"]

_MEMBERS: Final = 50_000


class Stay:
    """An alert's stay in a group since `since` (wall milliseconds); `cause` is what suppresses it there."""

    __slots__ = ("cause", "since")

    def __init__(self, since: int, cause: int | None) -> None:
        self.since = since
        self.cause = cause


class Groups:
    """See the module's docstring."""

    def __init__(self, connection: apsw.Connection, names: Names) -> None:
        self._connection: Final = connection
        self._names: Final = names
        self._ids: dict[tuple[str, bytes], int] = {}
        self._stays: dict[int, dict[int, Stay]] = {}
        self._size = 0
        self._changed: dict[tuple[int, int, int], tuple[Any, ...]] = {}

    def clear(self) -> None:
        """Forget everything that is not in the database."""
        self._ids.clear()
        self._stays.clear()
        self._changed.clear()
        self._size = 0

    def flush(self) -> None:
        """Write what changed."""
        insert(self._connection, "member", list(self._changed.values()), replace=True)
        self._changed.clear()
        if self._size > _MEMBERS:
            self._stays.clear()
            self._size = 0
        if len(self._ids) > _MEMBERS:
            self._ids.clear()

    def find(self, route: str, labels: bytes) -> int | None:
        """The number of a group, None when it has never been heard of."""
        known = self._ids.get((route, labels))
        if known is None:
            query = "SELECT id FROM grp WHERE route = ? AND labels = ?"
            known = self._connection.execute(query, (route, labels.decode())).get
            if known is not None:
                self._ids[route, labels] = known
        return known

    def id_of(self, row: GroupRow, key: str) -> int:
        """The number of a group; one not heard of before gets its own. `key`: its group key."""
        found = self.find(row.route, row.labels)
        if found is None:
            receiver = self._names.text(row.receiver)
            self._connection.execute(
                "INSERT INTO grp (route, labels, receiver, key) VALUES (?, ?, ?, ?)",
                (row.route, row.labels.decode(), receiver, key),
            )
            found = self._ids[row.route, row.labels] = self._connection.last_insert_rowid()
        return found

    def stays(self, grp: int) -> dict[int, Stay]:
        """The alerts that are in the group now, by number."""
        found = self._stays.get(grp)
        if found is None:
            query = (
                "SELECT json_group_array(json_array(alert, since, cause)) FROM member WHERE grp = ? AND until IS NULL"
            )
            rows = rows_of(self._connection, query, (grp,))
            found = self._stays[grp] = {alert: Stay(since, cause) for alert, since, cause in rows}
            self._size += len(found)
        return found

    def join(self, grp: int, alert: int, at: int, cause: int | None) -> None:
        self.stays(grp)[alert] = Stay(at, cause)
        self._size += 1
        self._changed[alert, grp, at] = (alert, grp, at, None, cause)

    def suppress(self, grp: int, alert: int, stay: Stay, cause: int | None) -> None:
        """Note what keeps the alert out of the group's notifications, if anything."""
        stay.cause = cause
        self._changed[alert, grp, stay.since] = (alert, grp, stay.since, None, cause)

    def leave(self, grp: int, alert: int, at: int) -> None:
        stay = self.stays(grp).pop(alert)
        self._size -= 1
        self._changed[alert, grp, stay.since] = (alert, grp, stay.since, at, stay.cause)

    def leave_all(self, alerts: list[int], at: int) -> None:
        """These alerts leave every group they are in."""
        self.flush()
        self._connection.execute(
            "UPDATE member SET until = ? WHERE alert IN (SELECT value FROM carray(?)) AND until IS NULL",
            (at, array(alerts)),
        )
        for stays in self._stays.values():
            for alert in alerts:
                if stays.pop(alert, None) is not None:
                    self._size -= 1

    def drop(self, grp: int, at: int, cause: str) -> list[int]:
        """The group is gone; the alerts that were in it."""
        self.flush()
        gone = list(self.stays(grp))
        del self._stays[grp]
        self._size -= len(gone)
        self._connection.execute("UPDATE member SET until = ? WHERE grp = ? AND until IS NULL", (at, grp))
        self._connection.execute("INSERT OR REPLACE INTO dropped VALUES (?, ?, ?)", (grp, at, self._names.text(cause)))
        return gone
