"""What the history keeps of records that have been swept from the journal, as records again.

Times are whole milliseconds, and of a group's turn only the decisions are left: who was in the group, and who was kept
out, follows from the replay itself.
"""

from collections.abc import Callable, Iterator
from heapq import heappop, heappush, merge
from itertools import groupby
from operator import itemgetter
from typing import Any, Final, TypeAlias

import apsw
import msgspec

from ampp.core.clock import HOUR, MILLISECOND
from ampp.core.engine import OVERTAKEN
from ampp.core.reason import EventKind, FailureReason, NotificationStatus
from ampp.core.record import (
    AlertRow,
    ConfigLoaded,
    Decision,
    Delivered,
    Flushed,
    GroupRow,
    LogEntry,
    OutboxRow,
    Posted,
    Record,
    SilencePut,
    SilencesPruned,
    Started,
)
from ampp.core.silence import Silence
from ampp.store.sqlite.history.schema import KINDS, STATUSES
from ampp.store.sqlite.rows import fetch

__all__ = ["amount", "firing_at", "first_event", "lapses", "records", "starts", "told_at"]

_STEP: Final = 2_000
_FIRING: Final = KINDS.index(EventKind.FIRING)
_RESOLVED: Final = KINDS.index(EventKind.RESOLVED)
_EXPIRED: Final = KINDS.index(EventKind.EXPIRED)
_DELIVERED: Final = STATUSES.index(NotificationStatus.DELIVERED)
_NOT_SENT: Final = STATUSES.index(NotificationStatus.NOT_SENT)
_STILL: Final = 100 * 365 * 24 * HOUR
_MEMORY: Final = 5 * 24 * HOUR // MILLISECOND

_silence: Final = msgspec.json.Decoder(Silence, strict=False).decode

_Placed: TypeAlias = tuple[int, int, Record]
"""A record, where it belongs: its time in milliseconds, and its rank among those of that time."""


def first_event(connection: apsw.Connection) -> int:
    """The wall time of the oldest event, 0 when there is none."""
    return int(connection.execute("SELECT coalesce(min(at), 0) FROM event").get) * MILLISECOND


def amount(connection: apsw.Connection, since: int, until: int) -> int:
    """About how many records there will be."""
    query = "SELECT count(*) FROM {} WHERE at BETWEEN ? AND ?"
    span = since // MILLISECOND, until // MILLISECOND
    return sum(int(connection.execute(query.format(table), span).get) for table in ("event", "notification"))


def firing_at(connection: apsw.Connection, wall: int) -> Iterator[tuple[bytes, int]]:
    """The alerts that fired just before then, by key, and since when."""
    query = (
        "SELECT a.labels, e.starts FROM (SELECT alert, max(id) AS last FROM event WHERE at < ? AND kind IN (?, ?, ?) "
        "GROUP BY alert) l JOIN event e ON e.id = l.last JOIN alert a ON a.id = l.alert WHERE e.resolved = 0"
    )
    for labels, starts in fetch(connection, query, (wall // MILLISECOND, _FIRING, _RESOLVED, _EXPIRED)):
        yield labels.encode(), starts * MILLISECOND


def told_at(connection: apsw.Connection, wall: int) -> Iterator[LogEntry]:
    """When each integration was last told about each group; what it was told is not known any more."""
    query = (
        "SELECT g.key, r.value, i.value, n.idx, max(n.ended) FROM notification n JOIN grp g ON g.id = n.grp "
        "JOIN text r ON r.id = n.receiver JOIN text i ON i.id = n.integration "
        "WHERE n.status = ? AND n.at >= ? AND n.at < ? GROUP BY n.grp, n.receiver, n.integration, n.idx"
    )
    moment = wall // MILLISECOND
    for key, receiver, integration, idx, ended in fetch(connection, query, (_DELIVERED, moment - _MEMORY, moment)):
        at = ended * MILLISECOND
        yield LogEntry(key, receiver, integration, idx, at, (), (), at + _STILL)


def lapses(connection: apsw.Connection) -> Iterator[tuple[bytes, int, int]]:
    """Alerts that ended by time: key, end, and when that was recorded."""
    query = "SELECT a.labels, e.ends, e.at FROM event e JOIN alert a ON a.id = e.alert WHERE e.kind = ?"
    for labels, ends, at in fetch(connection, query, (_EXPIRED,)):
        yield labels.encode(), ends * MILLISECOND, at * MILLISECOND


def starts(connection: apsw.Connection) -> Iterator[int]:
    """When the daemon started."""
    for (at,) in fetch(connection, "SELECT at FROM run", ()):
        yield at * MILLISECOND


def records(connection: apsw.Connection, since: int, until: int, flush: int) -> Iterator[Record]:
    """What is known from `since` on, up to but without `until`, in order. `flush`: the first turn that is recorded from
    then on. Of the last millisecond nothing is told but the turns before that one, and how deliveries ended."""
    first, last = since // MILLISECOND, until // MILLISECOND
    sources = [source(connection, first, last) for source in (_configs, _runs, _silences, _posts)]
    for _, _, record in merge(*sources, _turns(connection, first, last, flush), key=itemgetter(0, 1)):
        yield record


def _slices(connection: apsw.Connection, query: str, first: int, last: int, *more: object) -> Iterator[tuple[Any, ...]]:
    """Rows of a query by (at, id), whose first columns those are, in steps that hold up nobody."""
    place = (first, -1)
    while True:
        rows = fetch(connection, query, (*place, last, *more, _STEP))
        yield from rows
        if len(rows) < _STEP:
            return
        place = rows[-1][0], rows[-1][1]


def _configs(connection: apsw.Connection, first: int, last: int) -> Iterator[_Placed]:
    query = (
        "SELECT c.at, c.id, c.hash, c.kept_timers, coalesce(c.text, b.text, '') FROM config c LEFT JOIN config b "
        "ON b.id = c.same WHERE (c.at, c.id) > (?, ?) AND c.at < ? ORDER BY c.at, c.id LIMIT ?"
    )
    for at, _, number, kept, text in _slices(connection, query, first, last):
        yield at, 0, ConfigLoaded(at=at * MILLISECOND, hash=number, text=text, kept_timers=bool(kept))


def _runs(connection: apsw.Connection, first: int, last: int) -> Iterator[_Placed]:
    query = "SELECT at, id, version, resumed FROM run WHERE (at, id) > (?, ?) AND at < ? ORDER BY at, id LIMIT ?"
    for at, _, version, resumed in _slices(connection, query, first, last):
        yield at, 1, Started(at=at * MILLISECOND, version=version, resumed=bool(resumed))


def _silences(connection: apsw.Connection, first: int, last: int) -> Iterator[_Placed]:
    query = "SELECT at, seq, id, body FROM silence WHERE (at, seq) > (?, ?) AND at < ? ORDER BY at, seq LIMIT ?"
    for at, _, name, body in _slices(connection, query, first, last):
        wall = at * MILLISECOND
        if body is None:
            yield at, 2, SilencesPruned(at=wall, ids=(name,))
        else:
            yield at, 2, SilencePut(at=wall, silences=(_silence(body),))


def _posts(connection: apsw.Connection, first: int, last: int) -> Iterator[_Placed]:
    query = (
        "SELECT e.at, e.id, e.kind, e.starts, e.ends, a.labels FROM event e INDEXED BY event_at "
        "JOIN alert a ON a.id = e.alert WHERE (e.at, e.id) > (?, ?) AND e.at < ? AND e.kind IN (?, ?) "
        "ORDER BY e.at, e.id LIMIT ?"
    )
    for at, _, kind, starts, ends, labels in _slices(connection, query, first, last, _FIRING, _RESOLVED):
        wall = at * MILLISECOND
        begin, end = starts * MILLISECOND, wall + _STILL if kind == _FIRING else ends * MILLISECOND
        row = AlertRow(labels.encode(), {}, begin, end, wall, "", False, 0, 0, begin, end)
        yield at, 3, Posted(at=wall, alerts=(row,))


_NOTIFICATIONS: Final = (
    "SELECT n.at, n.id, n.flush, n.grp, g.route, g.labels, g.key, r.value, i.value, n.idx, n.status, w.value, "
    "n.firing, n.resolved, n.due, n.ended, n.attempts, n.took, coalesce(f.value, ''), coalesce(n.error, '') "
    "FROM notification n "
    "JOIN grp g ON g.id = n.grp JOIN text r ON r.id = n.receiver JOIN text i ON i.id = n.integration "
    "JOIN text w ON w.id = n.reason LEFT JOIN text f ON f.id = n.failure "
    "WHERE (n.at, n.id) > (?, ?) AND n.at < ? ORDER BY n.at, n.id LIMIT ?"
)


def _turns(connection: apsw.Connection, first: int, last: int, flush: int) -> Iterator[_Placed]:
    """The turns of groups, and how the deliveries ended that they led to."""
    under_way: list[tuple[int, int, Delivered]] = []
    rows = _slices(connection, _NOTIFICATIONS, first, last + 1)
    for (at, number, _), some in groupby(rows, key=itemgetter(0, 2, 3)):
        if at == last and number >= flush:
            continue
        while under_way and under_way[0][0] <= at:
            ended, _, delivered = heappop(under_way)
            yield ended, 4, delivered
        turn, ends = _turn(at, list(some))
        yield at, 4, turn
        for ended, place, delivered in ends:
            if ended <= last:
                heappush(under_way, (ended, place, delivered))
    while under_way:
        ended, _, delivered = heappop(under_way)
        yield ended, 4, delivered


def _turn(at: int, rows: list[tuple[Any, ...]]) -> tuple[Flushed, list[tuple[int, int, Delivered]]]:
    """One turn from the rows of its decisions, and what became of each."""
    wall, flush, due = at * MILLISECOND, rows[0][2], rows[0][14]
    route, labels, key, receiver = rows[0][4:8]
    decisions, outbox, ends = [], [], []
    for row in rows:
        integration, idx, status, reason, firing, resolved = row[8:14]
        ended, attempts, took, failure, error = row[15:20]
        if not integration:
            # All of the group was suppressed, and nobody asked.
            continue
        decisions.append(Decision(integration, idx, status != _NOT_SENT, reason, firing, resolved))
        if status == _NOT_SENT:
            continue
        log_key = f"{key}:{receiver}/{integration}/{idx}"
        outbox.append(OutboxRow(log_key, flush, route, labels.encode(), wall, ""))
        if ended is None:
            continue
        told = Delivered(
            at=ended * MILLISECOND,
            flush=flush,
            key=log_key,
            ok=status == _DELIVERED,
            attempts=attempts or 0,
            took=(took or 0) * 1000,
            reason=_REASON.get(STATUSES[status], _itself)(failure),
            error=error,
        )
        ends.append((ended, row[1], told))
    group = GroupRow(route, labels.encode(), receiver, wall, due * MILLISECOND, True)
    turn = Flushed(
        at=wall,
        id=flush,
        group=group,
        alerts=(),
        suppressed=(),
        decisions=tuple(decisions),
        outbox=tuple(outbox),
    )
    return turn, ends


def _itself(failure: str) -> str:
    return failure


_REASON: Final[dict[NotificationStatus, Callable[[str], str]]] = {
    NotificationStatus.DELIVERED: lambda failure: "",
    NotificationStatus.CANCELED: lambda failure: FailureReason.CANCELED.value,
    NotificationStatus.OVERTAKEN: lambda failure: failure if failure != OVERTAKEN else "",
}
