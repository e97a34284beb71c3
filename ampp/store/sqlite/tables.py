"""Records into tables: every statement that writes routing state, each inside a transaction that the caller holds.

`alerts.db` is the raw journal and, beside it, tables of current state which are at any moment what replaying the
journal would give. All but one are changed in the transaction that appends the record (`projection`). The exception is
`alerts`: most rows by far go there, so it follows behind in larger strokes, and `applied` in `meta` says up to which
record it has come. The current alerts are therefore the table and what the journal holds beyond `applied`.

An alert's row is stored whole under a 16-byte digest of its key: rows are appended where there is room, only the small
index is written at random.

Every return from SQLite to Python means waiting for the interpreter lock, which a busy event loop gives up only every
few milliseconds. Where many rows are written, one statement therefore takes them all from an array bound to it; and
what is put into the view `written` of `silences.db` goes to its two tables at once (`database`).
"""

from array import array as integers
from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache
from itertools import chain
from typing import Any, Final, TypeAlias, cast, get_args

import apsw
import msgspec

from ampp.core.record import (
    AlertRow,
    Collected,
    Posted,
    Record,
    SilencePut,
    SilencesPruned,
)
from ampp.core.silence import Silence
from ampp.store.protocol import State
from ampp.store.sqlite.codec import digest, encode
from ampp.store.sqlite.projection import upsert_groups, upsert_log, upsert_outbox

__all__ = [
    "SILENCES_AT_ONCE",
    "Change",
    "SilenceRow",
    "alert_changes",
    "append",
    "apply",
    "differing",
    "foreign",
    "forget",
    "get_meta",
    "last_seq",
    "replace_silences",
    "replace_state",
    "set_meta",
    "silence_rows",
    "write_silences",
]

Change: TypeAlias = tuple[bytes, AlertRow | None]
"""An alert's key and its new row; `None` when it is gone."""

SilenceRow: TypeAlias = tuple[int, str, bytes | None]
"""When a silence changed, its id and its new row; `None` when it is gone."""

SILENCES_AT_ONCE: Final = 64
"""Silences that are written by one statement: so many statements are kept prepared at most."""

_FEW: Final = 16
"""Records whose values are bound one by one, which is quicker than to take them from an array."""

_KIND: Final = {kind: cast(str, kind.__struct_config__.tag) for kind in get_args(Record)}


def append(connection: apsw.Connection, seq: int, records: Sequence[tuple[Record, bytes]]) -> None:
    """Write the records and their encodings to the journal as `seq`, `seq + 1`, …, in one statement."""
    if len(records) <= _FEW:
        few: list[Any] = []
        for number, (record, body) in enumerate(records, seq):
            few += (number, record.at, _KIND[type(record)], body)
        connection.execute(_append_few(len(records)), few)
        return
    rows = tuple(b"%020d%-16b" % (record.at, _KIND[type(record)].encode()) + body for record, body in records)
    connection.execute(
        "INSERT INTO journal (seq, at, kind, body) SELECT ? + rowid - 1, "
        "CAST(CAST(substr(value, 1, 20) AS TEXT) AS INTEGER), rtrim(CAST(substr(value, 21, 16) AS TEXT)), "
        "substr(value, 37) FROM carray(?)",
        (seq, _array(rows)),
    )


@lru_cache(maxsize=_FEW)
def _append_few(records: int) -> str:
    return f"INSERT INTO journal (seq, at, kind, body) VALUES {', '.join(['(?, ?, ?, ?)'] * records)}"


def alert_changes(record: Record) -> list[Change]:
    """What the record does to the table of current alerts."""
    if isinstance(record, Posted):
        return [(row.key, row) for row in record.alerts]
    if isinstance(record, Collected):
        return [(key, None) for key in record.alerts]
    return []


def apply(connection: apsw.Connection, changes: Mapping[bytes, AlertRow | None], applied: int | None) -> None:
    """Bring the table of current alerts to record `applied`, given all that changed since; None when that is not all
    there is to it."""
    rows = tuple(digest(key) + encode(row) for key, row in changes.items() if row is not None)
    gone = tuple(digest(key) for key, row in changes.items() if row is None)
    if rows:
        _upsert_alerts(connection, rows)
    if gone:
        connection.execute("DELETE FROM alerts WHERE key IN (SELECT value FROM carray(?))", (_array(gone),))
    if applied is not None:
        set_meta(connection, applied=applied)


def _upsert_alerts(connection: apsw.Connection, rows: tuple[bytes, ...]) -> None:
    connection.execute(
        "INSERT INTO alerts (key, row) SELECT substr(value, 1, 16), substr(value, 17) FROM carray(?) WHERE true "
        "ON CONFLICT (key) DO UPDATE SET row = excluded.row WHERE row <> excluded.row",
        (_array(rows),),
    )


def _array(blobs: tuple[bytes, ...]) -> Any:
    return apsw.carray(blobs, flags=apsw.SQLITE_CARRAY_BLOB)


def foreign(connection: apsw.Connection, state: State) -> list[int]:
    """The rows of the table of alerts that are not of an alert in `state`."""
    keys = tuple(digest(row.key) for row in state.alerts) or (b"",)
    query = "SELECT json_group_array(id) FROM alerts WHERE key NOT IN (SELECT value FROM carray(?))"
    return list(msgspec.json.decode(connection.execute(query, (_array(keys),)).get, type=list[int]))


def differing(connection: apsw.Connection, state: State) -> list[AlertRow]:
    """The alerts of `state` that are stored otherwise or not at all."""
    rows = tuple(digest(row.key) + encode(row) for row in state.alerts)
    if not rows:
        return []
    query = (
        "SELECT json_group_array(c.rowid - 1) FROM carray(?) c WHERE NOT EXISTS "
        "(SELECT 1 FROM alerts a WHERE a.key = substr(c.value, 1, 16) AND a.row = substr(c.value, 17))"
    )
    found = msgspec.json.decode(connection.execute(query, (_array(rows),)).get, type=list[int])
    return [state.alerts[place] for place in found]


def forget(connection: apsw.Connection, rows: Sequence[int]) -> None:
    """Delete these rows of the table of alerts."""
    numbers = apsw.carray(integers("q", rows), flags=apsw.SQLITE_CARRAY_INT64)
    connection.execute("DELETE FROM alerts WHERE id IN (SELECT value FROM carray(?))", (numbers,))


def replace_state(connection: apsw.Connection, state: State, applied: int) -> None:
    """Make the tables of `alerts.db` but `alerts` hold `state` and nothing else.

    `alerts` must do so already: `foreign` rows gone, `differing` ones written.
    """
    for table in ("groups", "log", "outbox"):
        connection.execute(f"DELETE FROM {table}")
    upsert_groups(connection, state.groups)
    upsert_log(connection, state.log)
    upsert_outbox(connection, state.outbox)
    set_meta(connection, applied=applied)


def silence_rows(records: Iterable[SilencePut | SilencesPruned]) -> list[SilenceRow]:
    """What the records do to `silences.db`, in their order."""
    rows: list[SilenceRow] = []
    for record in records:
        if isinstance(record, SilencePut):
            rows += [(record.at, silence.id, encode(silence)) for silence in record.silences]
        else:
            rows += [(record.at, gone, None) for gone in record.ids]
    return rows


def write_silences(connection: apsw.Connection, rows: Sequence[SilenceRow]) -> None:
    """Write silences as they now stand, or that they are gone, and a revision of each. A known silence keeps its place
    in the order. Up to `SILENCES_AT_ONCE` rows are one statement."""
    for first in range(0, len(rows), SILENCES_AT_ONCE):
        some = rows[first : first + SILENCES_AT_ONCE]
        connection.execute(_written(len(some)), tuple(chain.from_iterable(some)))


@lru_cache(maxsize=SILENCES_AT_ONCE)
def _written(rows: int) -> str:
    return f"INSERT INTO written (at, id, row) VALUES {', '.join(['(?, ?, ?)'] * rows)}"


def replace_silences(connection: apsw.Connection, silences: Sequence[Silence], at: int) -> None:
    """Make `silences.db` hold exactly these, with a revision of those that are new or differ."""
    rows = {silence.id: encode(silence) for silence in silences}
    stored: dict[str, bytes] = dict(connection.execute("SELECT id, row FROM silences"))
    connection.executemany("DELETE FROM silences WHERE id = ?", [(each,) for each in stored.keys() - rows.keys()])
    write_silences(
        connection, [(at, each.id, row) for each in silences if stored.get(each.id) != (row := rows[each.id])]
    )


def set_meta(connection: apsw.Connection, **values: int | str) -> None:
    connection.executemany("INSERT OR REPLACE INTO meta (key, value) VALUES (?, ?)", list(values.items()))


def last_alive(connection: apsw.Connection) -> int:
    """The moment of the last write, 0 when there was none: a sign of life or, if that came later, a record.

    Which came later is told by order and not by the clock, which may have been set back in between.
    """
    meta = get_meta(connection)
    last = connection.execute("SELECT seq, at FROM journal ORDER BY seq DESC LIMIT 1").fetchone()
    if last is not None and last[0] > meta.get("alive_seq", 0):
        return int(last[1])
    return int(meta.get("alive", 0))


def last_seq(connection: apsw.Connection) -> int:
    """The number of the last record ever journalled, swept ones included."""
    newest: int = connection.execute("SELECT coalesce(max(seq), 0) FROM journal").get
    applied: int = get_meta(connection).get("applied", 0)
    return max(newest, applied)


def get_meta(connection: apsw.Connection) -> dict[str, Any]:
    return dict(connection.execute("SELECT key, value FROM meta"))
