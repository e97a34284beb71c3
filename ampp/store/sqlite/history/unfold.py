"""Records into rows: what the journal says happened, told once per alert and once per decision.

The journal has one record for each request and each turn of a group. Here each alert's state is followed: a record is
written when it changes, and only then. Whatever is told twice (an alert that a restarted sender reports anew, an end
told once more after a restart) changes nothing the second time.

What the integrations were told is `decisions`; who is in which group `groups`; who is who `names`.

Suppression is what the turns of groups find. An alert may be in several groups, and kept out of some: it is said to be
suppressed once for each cause, and no longer so when no group has a cause left.

All of a batch is one transaction, which the caller holds; after a rollback he must `clear`.
"""

from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final

import apsw
import msgspec
import xxhash

from ampp.core.reason import EventKind
from ampp.core.record import (
    AlertRow,
    Collected,
    ConfigLoaded,
    Delivered,
    Flushed,
    GroupDropped,
    Posted,
    Record,
    SilencePut,
    SilencesPruned,
    Started,
    Suppressed,
)
from ampp.store.sqlite.history.decisions import Decisions
from ampp.store.sqlite.history.groups import Groups
from ampp.store.sqlite.history.names import Entry, Names, millis
from ampp.store.sqlite.history.phrases import Phrases
from ampp.store.sqlite.history.schema import KINDS
from ampp.store.sqlite.rows import highest, insert, insert_flat

__all__ = ["Unfolding"]

_KIND: Final = {kind: place for place, kind in enumerate(KINDS)}
_FIRING: Final = _KIND[EventKind.FIRING]
_SUPPRESSED: Final = _KIND[EventKind.SUPPRESSED]
_UNSUPPRESSED: Final = _KIND[EventKind.UNSUPPRESSED]
_RESOLVED: Final = _KIND[EventKind.RESOLVED]
_EXPIRED: Final = _KIND[EventKind.EXPIRED]

_REMEMBERED: Final = 10_000
_HOUR: Final = 3_600_000
_ALERT: Final = (1 << 32) - 1
_WIDTH: Final = 14
"""Columns of an event."""

_ADD: Final = """
ON CONFLICT (hour, alert) DO UPDATE SET fired = fired + excluded.fired, ended = ended + excluded.ended,
    turned = turned + excluded.turned, lasting = lasting + excluded.lasting,
    last_fired = coalesce(excluded.last_fired, last_fired), last_turned = coalesce(excluded.last_turned, last_turned)
"""

_pairs: Final = msgspec.json.Decoder(list[int]).decode

_ROUND: Final = 32
"""Rows after which other threads get a turn."""


class Unfolding:
    """See the module's docstring. `events` and `notifications` count the rows written. `breathe` is called every few
    rows, to let other threads run."""

    def __init__(self, connection: apsw.Connection, breathe: Callable[[], None] = lambda: None) -> None:
        self._connection: Final = connection
        self._breathe: Final = breathe
        self._names: Final = Names(connection, breathe)
        self._phrases: Final = Phrases(connection, self._names)
        self._groups: Final = Groups(connection, self._names)
        self._decisions: Final = Decisions(connection, self._names)
        self._rules: set[tuple[int, int]] = set()
        self._events: list[Any] = []
        self._often: list[tuple[int, int, int]] = []
        self._details: list[tuple[Any, ...]] = []
        self._new_rules: list[tuple[Any, ...]] = []
        self._silences: list[tuple[None, str, int, str | None]] = []
        self._moved: dict[int, Entry] = {}
        self._tally: dict[int, list[Any]] = {}
        self.events = 0
        self.clear()

    @property
    def notifications(self) -> int:
        return self._decisions.count

    def clear(self) -> None:
        """Forget everything that is not in the database."""
        self._names.clear()
        self._phrases.clear()
        self._groups.clear()
        self._decisions.clear()
        self._rules.clear()
        self._moved.clear()
        self._tally.clear()
        for rows in (self._events, self._often, self._details, self._new_rules, self._silences):
            rows.clear()
        self._event = highest(self._connection, "event")

    def take(self, records: Iterable[Record]) -> None:
        """Unfold the records and write what they say."""
        records = list(records)
        self._names.learn(_keys(records))
        for record in records:
            handler = _HANDLERS.get(type(record))
            if handler is not None:
                handler(self, record)
        self._write()
        self._names.trim()

    def _write(self) -> None:
        connection = self._connection
        self._names.flush()
        self._phrases.flush()
        insert(connection, "note", self._details)
        insert(connection, "rule", self._new_rules, replace=True)
        insert(connection, "silence", self._silences)
        insert_flat(connection, "event", _WIDTH, self._events)
        insert(connection, "often", sorted(self._often), conflict="ON CONFLICT DO NOTHING")
        self._decisions.flush()
        tally = [(place >> 32, place & _ALERT, *counts) for place, counts in self._tally.items()]
        insert(connection, "tally", tally, conflict=_ADD)
        self._tally.clear()
        self._breathe()
        insert(connection, "state", [entry.row() for entry in self._moved.values()], replace=True)
        self._names.count()
        self._groups.flush()
        self.events += len(self._events) // _WIDTH
        for rows in (self._events, self._often, self._details, self._new_rules, self._silences):
            rows.clear()
        self._moved.clear()
        if len(self._rules) > _REMEMBERED:
            self._rules.clear()
        connection.execute("INSERT OR REPLACE INTO meta VALUES ('event', ?)", (self._event,))

    # -- alerts --------------------------------------------------------------------------------------------------

    def _posted(self, record: Posted) -> None:
        at = millis(record.at)
        for key, end in record.lapsed:
            self._lapse(self._names.entry(key), millis(end), at)
        for count, row in enumerate(record.alerts):
            if not count % _ROUND:
                self._breathe()
            entry = self._names.entry(row.key)
            starts = millis(row.starts)
            if row.ends > record.at:
                if entry.resolved is False and starts <= entry.starts:
                    if starts < entry.starts:
                        entry.starts = starts
                        self._begin(entry, starts)
                        self._moved[entry.id] = entry
                    continue
                self._event_of(entry, _FIRING, at, starts, None, row)
            elif entry.resolved is not True or starts != entry.starts:
                ends = millis(row.ends)
                if entry.resolved is not True or ends != entry.ends:
                    self._event_of(entry, _RESOLVED, at, starts, ends, row)

    def _lapse(self, entry: Entry, end: int, at: int) -> None:
        """The alert's time was over at `end`; that may be an older episode's, told once more."""
        if entry.resolved is False and end >= entry.starts:
            self._event_of(entry, _EXPIRED, at, entry.starts, end, None)

    def _event_of(
        self,
        entry: Entry,
        kind: int,
        at: int,
        starts: int,
        ends: int | None,
        row: AlertRow | None,
        grp: int | None = None,
        cause: int | None = None,
    ) -> None:
        self._event += 1
        resolved = kind >= _RESOLVED
        generator = 1
        if row is not None:
            encoded = self._phrases.stored(entry.id, row.annotations)
            detail = xxhash.xxh3_64_intdigest(encoded)
            if detail != entry.detail:
                entry.detail = detail
                self._details.append((entry.id, self._event, encoded.decode()))
            generator = self._names.text(row.generator_url)
            rule = generator, entry.name
            if generator > 1 and rule not in self._rules:
                self._rules.add(rule)
                self._new_rules.append(rule)
        turned = entry.resolved is not None and entry.resolved is not resolved
        self._events += (
            self._event,
            at,
            entry.id,
            kind,
            int(turned),
            int(resolved),
            starts,
            ends,
            entry.name,
            entry.severity,
            entry.namespace,
            generator,
            grp,
            cause,
        )
        if starts != entry.began:
            self._begin(entry, starts)
        self._count(entry.id, kind, turned, at, starts, ends)
        if turned or entry.resolved is None or kind == _FIRING:
            entry.cause = None
        entry.resolved, entry.at, entry.starts, entry.ends, entry.event = resolved, at, starts, ends, self._event
        self._moved[entry.id] = entry

    def _begin(self, entry: Entry, starts: int) -> None:
        entry.began, identity = starts, entry.id
        self._often += [(pair, starts, identity) for pair in self._names.many.intersection(_pairs(entry.pairs))]

    def _count(self, alert: int, kind: int, turned: bool, at: int, starts: int, ends: int | None) -> None:
        place = at // _HOUR << 32 | alert
        counts = self._tally.get(place)
        if counts is None:
            counts = self._tally[place] = [0, 0, 0, 0, None, None]
        if kind == _FIRING:
            counts[0] += 1
            counts[4] = at
        elif ends is not None:
            counts[1] += 1
            counts[3] += ends - starts
        if turned:
            counts[2] += 1
            counts[5] = at

    # -- groups --------------------------------------------------------------------------------------------------

    def _flushed(self, record: Flushed) -> None:
        at, row = millis(record.at), record.group
        grp = self._groups.id_of(row, row.group_key)
        for key, end in record.lapsed:
            self._lapse(self._names.entry(key), millis(end), at)
        causes = {self._names.entry(each.alert): self._names.text(_cause(each)) for each in record.suppressed}
        self._attend(grp, record, causes, at)
        stays = self._groups.stays(grp)
        for entry, cause in causes.items():
            stay = stays.get(entry.id)
            if stay is None:
                self._groups.join(grp, entry.id, at, cause)
            elif stay.cause != cause:
                self._groups.suppress(grp, entry.id, stay, cause)
            self._suppressed(entry, grp, cause, at)
        suppressed = {entry.id for entry in causes}
        for count, (alert, stay) in enumerate(stays.items()):
            if not count % 512:
                self._breathe()
            if stay.cause is not None and alert not in suppressed:
                self._groups.suppress(grp, alert, stay, None)
                self._let_go(alert, grp, at)
        self._decisions.decided(record, grp, at, len(causes))

    def _attend(self, grp: int, record: Flushed, causes: Mapping[Entry, int], at: int) -> None:
        """Bring the group's members in step with what the record lists, if it lists any."""
        if not record.alerts:
            return
        stays = self._groups.stays(grp)
        left = set(stays)
        for count, key in enumerate(record.alerts):
            if not count % (4 * _ROUND):
                self._breathe()
            entry = self._names.entry(key)
            left.discard(entry.id)
            if entry.id not in stays:
                cause = causes.get(entry)
                self._groups.join(grp, entry.id, at, cause)
                if cause is None and entry.cause is not None:
                    self._let_go(entry.id, grp, at)
        for alert in left:
            self._groups.leave(grp, alert, at)
            known = self._names.by_id.get(alert)
            if known is not None and known.causes is not None:
                known.causes.pop(grp, None)

    def _suppressed(self, entry: Entry, grp: int, cause: int, at: int) -> None:
        causes = entry.causes = entry.causes if entry.causes is not None else {}
        elsewhere = any(other == cause for place, other in causes.items() if place != grp)
        causes[grp] = cause
        if entry.cause == cause or entry.resolved is not False:
            return
        if entry.cause is None or not elsewhere:
            self._event_of(entry, _SUPPRESSED, at, entry.starts, None, None, grp, cause)
        entry.cause = cause
        self._moved[entry.id] = entry

    def _let_go(self, alert: int, grp: int, at: int) -> None:
        """Nothing suppresses the alert in this group; it is free when that holds for all its groups."""
        entry = self._names.by_id.get(alert) or self._recall(alert)
        if entry is None:
            return
        causes = entry.causes or {}
        causes.pop(grp, None)
        if entry.cause is None:
            return
        left, entry.cause = entry.cause, next(iter(causes.values()), None)
        self._moved[entry.id] = entry
        if entry.cause is None and entry.resolved is False:
            self._event_of(entry, _UNSUPPRESSED, at, entry.starts, None, None, grp, left)

    def _recall(self, alert: int) -> Entry | None:
        """An alert that is known by its number only."""
        labels = self._connection.execute("SELECT labels FROM alert WHERE id = ?", (alert,)).get
        if labels is None:
            return None
        key = labels.encode()
        self._names.learn((key,))
        return self._names.entry(key)

    def _delivered(self, record: Delivered) -> None:
        self._decisions.delivered(record)

    def _collected(self, record: Collected) -> None:
        entries = [self._names.entry(key) for key in record.alerts]
        for entry in entries:
            entry.causes = None
        self._groups.leave_all([entry.id for entry in entries], millis(record.at))

    def _dropped(self, record: GroupDropped) -> None:
        grp = self._groups.find(record.route, record.labels)
        if grp is None:
            return
        for alert in self._groups.drop(grp, millis(record.at), record.cause):
            entry = self._names.by_id.get(alert)
            if entry is not None and entry.causes is not None:
                entry.causes.pop(grp, None)

    # -- the rest ------------------------------------------------------------------------------------------------

    def _started(self, record: Started) -> None:
        at = millis(record.at)
        self._decisions.stopped(at)
        self._connection.execute(
            "INSERT INTO run (at, version, resumed) VALUES (?, ?, ?)", (at, record.version, int(record.resumed))
        )
        if not record.resumed:
            self._forgotten(at)

    def _forgotten(self, at: int) -> None:
        """The router begins with nothing: whatever fired is no longer known to it."""
        self._write()
        while True:
            rows = list(
                self._connection.execute(
                    "SELECT a.labels FROM state s JOIN alert a ON a.id = s.alert WHERE s.resolved = 0 LIMIT 256"
                )
            )
            if not rows:
                return
            keys = [labels.encode() for (labels,) in rows]
            self._names.learn(keys)
            for key in keys:
                entry = self._names.entry(key)
                self._event_of(entry, _EXPIRED, at, entry.starts, max(at, entry.starts), None)
            self._write()
            self._breathe()

    def _config(self, record: ConfigLoaded) -> None:
        self._decisions.destinations = record.destinations
        same, text = self._connection.execute(
            "SELECT coalesce(same, id), (SELECT b.text FROM config b WHERE b.id = coalesce(a.same, a.id)) "
            "FROM config a ORDER BY id DESC LIMIT 1"
        ).fetchone() or (None, None)
        known = text == record.text
        self._connection.execute(
            "INSERT INTO config (at, hash, kept_timers, same, text, destinations) VALUES (?, ?, ?, ?, ?, ?)",
            (
                millis(record.at),
                record.hash,
                int(record.kept_timers),
                same if known else None,
                None if known else record.text,
                msgspec.json.encode(record.destinations).decode(),
            ),
        )

    def _silence_put(self, record: SilencePut) -> None:
        at = millis(record.at)
        self._silences += [(None, each.id, at, msgspec.json.encode(each).decode()) for each in record.silences]

    def _silences_pruned(self, record: SilencesPruned) -> None:
        at = millis(record.at)
        self._silences += [(None, each, at, None) for each in record.ids]


_HANDLERS: Final[Mapping[type, Callable[[Unfolding, Any], None]]] = {
    Started: Unfolding._started,
    ConfigLoaded: Unfolding._config,
    Posted: Unfolding._posted,
    Collected: Unfolding._collected,
    Flushed: Unfolding._flushed,
    GroupDropped: Unfolding._dropped,
    Delivered: Unfolding._delivered,
    SilencePut: Unfolding._silence_put,
    SilencesPruned: Unfolding._silences_pruned,
}


def _keys(records: Iterable[Record]) -> Iterable[bytes]:
    """The alerts that the records speak of."""
    for record in records:
        if isinstance(record, Posted):
            yield from [row.key for row in record.alerts]
            yield from [key for key, _ in record.lapsed]
        elif isinstance(record, Flushed):
            yield from record.alerts
            yield from [each.alert for each in record.suppressed]
            yield from [key for key, _ in record.lapsed]
        elif isinstance(record, Collected):
            yield from record.alerts


def _cause(suppressed: Suppressed) -> str:
    """Reason and causes as one text: a JSON array, the reason first."""
    return msgspec.json.encode([suppressed.reason, *suppressed.by]).decode()
