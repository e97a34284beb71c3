"""Small numbers for what occurs again and again: texts, labels, label sets. For the one connection that writes.

`Names` remembers what it has looked up, within bounds; `clear` makes it forget, which whoever rolls a transaction back
or deletes rows must do. New ones are gathered and written by `flush`, before the rows that refer to them.

An `Entry` is an alert as the unfolding knows it: its numbers, and where it stood after the last record.
"""

from array import array as numbers
from collections.abc import Callable, Iterable
from typing import Any, Final

import apsw
import msgspec
import xxhash

from ampp.core import labels as labelling
from ampp.store.sqlite.history.schema import MANY, OWN
from ampp.store.sqlite.rows import array, fetch, insert, rows_of

__all__ = ["Entry", "Names", "digest", "fingerprints", "millis", "signed", "unsigned"]

_TEXTS: Final = 2_000
_PAIRS: Final = 2_000
_ENTRIES: Final = 1_000
_SIGN: Final = 1 << 63
_RANGE: Final = 1 << 64

_labels: Final = msgspec.json.Decoder(dict[str, str]).decode

_KNOWN: Final = """
SELECT json_group_array(json_array(a.id, a.hash, a.name, a.severity, a.namespace, a.pairs,
    s.resolved, s.at, s.starts, s.ends, s.event, s.cause,
    (SELECT n.texts FROM note n WHERE n.alert = a.id ORDER BY n.since DESC LIMIT 1),
    (SELECT json_group_object(m.grp, m.cause) FROM member m
        WHERE m.alert = a.id AND m.until IS NULL AND m.cause IS NOT NULL)))
FROM carray(?) AS c JOIN series AS a ON a.hash = c.value LEFT JOIN state AS s ON s.alert = a.id
"""

_PAIRS_KNOWN: Final = """
SELECT json_group_array(json_array(e.key, p.id)) FROM json_each(?) AS e
JOIN pair AS p ON p.name = e.value ->> 0 AND p.value = e.value ->> 1
"""


def signed(value: int) -> int:
    """An unsigned 64-bit number as SQLite holds it."""
    return value - _RANGE if value >= _SIGN else value


def unsigned(value: int) -> int:
    """The number that SQLite holds as `signed` has it."""
    return value + _RANGE if value < 0 else value


def digest(key: bytes) -> int:
    """The number by which an alert's key is looked up."""
    value = xxhash.xxh3_64_intdigest(key)
    return value - _RANGE if value >= _SIGN else value


def millis(wall: int) -> int:
    """Wall nanoseconds as stored; what lies beyond 64 bits is brought within."""
    value = wall // 1_000_000
    return value if -_SIGN <= value < _SIGN else max(-_SIGN, min(value, _SIGN - 1))


class Entry:
    """An alert. `pairs`: the numbers of its labels, as JSON. `resolved` is None while nothing is known of its state;
    times in wall milliseconds.

    `cause`: why it was last said to be suppressed; `causes`: by group, what suppresses it there. `detail`: its latest
    annotations as they are stored, hashed, None when there are none on record. `began`: the start that `often` was told
    of last.
    """

    __slots__ = (
        "at",
        "began",
        "cause",
        "causes",
        "detail",
        "ends",
        "event",
        "id",
        "name",
        "namespace",
        "pairs",
        "resolved",
        "severity",
        "starts",
    )

    def __init__(self, identity: int, name: int, severity: int, namespace: int, pairs: str) -> None:
        self.id = identity
        self.pairs = pairs
        self.began: int | None = None
        self.name = name
        self.severity = severity
        self.namespace = namespace
        self.resolved: bool | None = None
        self.at = 0
        self.starts = 0
        self.ends: int | None = None
        self.event = 0
        self.cause: int | None = None
        self.causes: dict[int, int] | None = None
        self.detail: int | None = None

    def row(self) -> tuple[Any, ...]:
        return self.id, int(bool(self.resolved)), self.at, self.starts, self.ends, self.event, self.cause


def fingerprints(labels: str) -> tuple[int, int]:
    """The two fingerprints of a label set as they are stored, from its JSON: Alertmanager's, and the head of the long
    one."""
    decoded = _labels(labels)
    return signed(labelling.fingerprint(decoded)), signed(int(labelling.sha256_hex(decoded)[:16], 16))


class Names:
    """See the module's docstring. `breathe` is called often, to let other threads run. `many`: the pairs that `often`
    knows."""

    def __init__(self, connection: apsw.Connection, breathe: Callable[[], None]) -> None:
        self._connection: Final = connection
        self._breathe: Final = breathe
        self.entries: dict[int, Entry] = {}
        self.by_id: dict[int, Entry] = {}
        self._spoken_of: dict[bytes, Entry] = {}
        self._texts: dict[str, int] = {}
        self._pairs: dict[tuple[str, str], int] = {}
        self._new_texts: list[tuple[Any, ...]] = []
        self._new_pairs: list[tuple[Any, ...]] = []
        self._new_alerts: list[tuple[Any, ...]] = []
        self._new_labels: Final = numbers("q")
        self._sizes: dict[int, int] = {}
        self._grown: dict[int, int] = {}
        self.many = self._read_many()
        self._next_text = self._next("text", "id")
        self._next_pair = self._next("pair", "id")
        self._next_alert = self._next("alert", "id")

    def _next(self, table: str, column: str) -> int:
        return int(self._connection.execute(f"SELECT coalesce(max({column}), 0) + 1 FROM {table}").get)

    def _read_many(self) -> set[int]:
        return {pair for (pair,) in fetch(self._connection, "SELECT id FROM pair INDEXED BY pair_many WHERE many = 1")}

    def clear(self) -> None:
        """Forget everything that is not in the database."""
        for each in (self.entries, self.by_id, self._spoken_of, self._texts, self._pairs, self._sizes, self._grown):
            each.clear()
        self.many = self._read_many()
        for rows in (self._new_texts, self._new_pairs, self._new_alerts):
            rows.clear()
        del self._new_labels[:]
        self._next_text = self._next("text", "id")
        self._next_pair = self._next("pair", "id")
        self._next_alert = self._next("alert", "id")

    def flush(self) -> None:
        """Write what is new."""
        insert(self._connection, "text", self._new_texts)
        insert(self._connection, "pair", self._new_pairs)
        insert(self._connection, "series", self._new_alerts)
        if self._new_labels:
            self._connection.execute(
                "INSERT OR IGNORE INTO label SELECT value >> 32, value & 0xffffffff FROM carray(?)",
                (array(self._new_labels),),
            )
        for rows in (self._new_texts, self._new_pairs, self._new_alerts):
            rows.clear()
        del self._new_labels[:]

    def count(self) -> None:
        """Let `often` know of the pairs that too many label sets have had by now; after all else has been written."""
        connection, sizes, grown = self._connection, self._sizes, self._grown
        unknown = [pair for pair in grown if pair not in sizes]
        if unknown:
            query = (
                "SELECT value, (SELECT count(*) FROM (SELECT 1 FROM label WHERE pair = c.value LIMIT ?)) "
                "FROM carray(?) AS c"
            )
            sizes.update(fetch(connection, query, (MANY + 1, array(unknown))))
            for pair in unknown:
                del grown[pair]
        for pair, more in grown.items():
            sizes[pair] += more
        crowded = [pair for pair in (*grown, *unknown) if sizes[pair] > MANY]
        grown.clear()
        if crowded:
            connection.execute("UPDATE pair SET many = 1 WHERE id IN (SELECT value FROM carray(?))", (array(crowded),))
            connection.execute(
                "INSERT OR IGNORE INTO often SELECT l.pair, e.starts, e.alert FROM carray(?) AS c "
                "CROSS JOIN label AS l ON l.pair = c.value "
                "CROSS JOIN event AS e INDEXED BY event_alert ON e.alert = l.alert",
                (array(crowded),),
            )
            # The start that an event yet to come will have, if it is another than that of the last.
            connection.execute(
                "INSERT OR IGNORE INTO often SELECT l.pair, s.starts, s.alert FROM carray(?) AS c "
                "CROSS JOIN label AS l ON l.pair = c.value CROSS JOIN state AS s ON s.alert = l.alert",
                (array(crowded),),
            )
            self.many.update(crowded)

    def trim(self) -> None:
        """Forget what was learnt for this batch alone, and what may be looked up again where it has become too much."""
        self._spoken_of.clear()
        for known, most in (
            (self._texts, _TEXTS),
            (self._pairs, _PAIRS),
            (self._sizes, _PAIRS),
            (self.entries, _ENTRIES),
        ):
            if len(known) > most:
                known.clear()
                if known is self.entries:
                    self.by_id.clear()

    def text(self, value: str) -> int:
        """The number of a text."""
        if not value:
            return 1
        found = self._texts.get(value)
        if found is None:
            found = self._connection.execute("SELECT id FROM text WHERE value = ?", (value,)).get
            if found is None:
                found = self._next_text
                self._next_text += 1
                self._new_texts.append((found, value))
            self._texts[value] = found
        return found

    def learn(self, keys: Iterable[bytes]) -> None:
        """Make sure that `entry` knows these alerts, new ones among them."""
        entries, numbers = self.entries, {key: digest(key) for key in keys}
        missing = {number: key for key, number in numbers.items() if number not in entries}
        if missing:
            self._look_up(missing)
        self._spoken_of.update({key: entries[number] for key, number in numbers.items()})

    def _look_up(self, missing: dict[int, bytes]) -> None:
        entries = self.entries
        for row in rows_of(self._connection, _KNOWN, (array(list(missing)),)):
            self._take(row)
        self._breathe()
        new = {number: _labels(key) for number, key in missing.items() if number not in entries}
        self._learn_pairs(new.values())
        for number, labels in new.items():
            self._add(number, labels)
            if not self._next_alert & 31:
                self._breathe()

    def entry(self, key: bytes) -> Entry:
        """The alert; `learn` must have been told of it."""
        return self._spoken_of[key]

    def _take(self, row: list[Any]) -> None:
        (identity, number, name, severity, namespace, pairs,
         resolved, at, starts, ends, event, cause, detail, causes) = row  # fmt: skip
        entry = Entry(identity, name, severity, namespace, pairs)
        if resolved is not None:
            entry.resolved = bool(resolved)
            entry.at, entry.starts, entry.ends, entry.event, entry.cause = at, starts, ends, event, cause
            entry.began = starts
        if detail is not None:
            entry.detail = xxhash.xxh3_64_intdigest(detail.encode())
        if causes and causes != "{}":
            entry.causes = {int(grp): each for grp, each in msgspec.json.decode(causes).items()}
        self.entries[number] = self.by_id[identity] = entry

    def _learn_pairs(self, sets: Iterable[dict[str, str]]) -> None:
        """Give every label of these sets its number."""
        pairs, text = self._pairs, self.text
        missing = [item for item in {item for labels in sets for item in labels.items()} if item not in pairs]
        if not missing:
            return
        self._breathe()
        asked = msgspec.json.encode([(text(name), value) for name, value in missing]).decode()
        for place, identity in rows_of(self._connection, _PAIRS_KNOWN, (asked,)):
            pairs[missing[place]] = identity
        for pair in missing:
            if pair not in pairs:
                identity = pairs[pair] = self._next_pair
                self._new_pairs.append((identity, text(pair[0]), pair[1], 0))
                self._sizes[identity] = 0
                self._next_pair += 1

    def _add(self, number: int, labels: dict[str, str]) -> None:
        text, identity = self.text, self._next_alert
        self._next_alert += 1
        get = labels.get
        known, many, grown = self._pairs, self.many, self._grown
        pairs = [known[item] for item in labels.items()]
        spelt = f"[{','.join(map(str, pairs))}]"
        entry = Entry(
            identity, text(get("alertname", "")), text(get("severity", "")), text(get("namespace", "")), spelt
        )
        self._new_alerts.append(
            (
                identity,
                number,
                None,
                None,
                entry.name,
                entry.severity,
                entry.namespace,
                spelt,
            )
        )
        self._new_labels.extend([pair << 32 | identity for pair in pairs])
        for pair, name in zip(pairs, labels, strict=True):
            if pair not in many and name not in OWN:
                grown[pair] = grown.get(pair, 0) + 1
        self.entries[number] = self.by_id[identity] = entry
