"""Writing many rows with few calls.

Every return from SQLite to Python means waiting for the interpreter lock. One statement therefore takes many rows, as
bound values: some hundred at a time, so that the statements stay few and are kept prepared.
"""

from array import array as _integers
from collections.abc import Sequence
from functools import lru_cache
from itertools import chain
from typing import Any, Final

import apsw
import msgspec

__all__ = ["array", "count", "delete", "fetch", "highest", "insert", "insert_flat", "rows_of"]

_MOST: Final = 256
_NOBODY: Final = -(1 << 63)
_SIZES: Final = (256, 64, 16, 4, 1)

_decode: Final = msgspec.json.Decoder().decode


def insert(
    connection: apsw.Connection,
    table: str,
    rows: Sequence[tuple[Any, ...]],
    *,
    replace: bool = False,
    conflict: str = "",
) -> None:
    """Insert the rows, each with a value for every column; `replace` what has the same key, or do what `conflict`, an
    ON CONFLICT clause, says. After a failure the transaction must be undone: some rows may be in."""
    if rows:
        values = list(chain.from_iterable(rows))
        insert_flat(connection, table, len(rows[0]), values, replace=replace, conflict=conflict)


def insert_flat(
    connection: apsw.Connection,
    table: str,
    columns: int,
    values: Sequence[Any],
    *,
    replace: bool = False,
    conflict: str = "",
) -> None:
    """The same, of rows whose values stand one after the other."""
    at, left = 0, len(values) // columns
    for size in _SIZES:
        step = size * columns
        while left >= size:
            connection.execute(_statement(table, columns, size, replace, conflict), tuple(values[at : at + step]))
            at += step
            left -= size


def delete(connection: apsw.Connection, table: str, columns: tuple[str, ...], keys: Sequence[tuple[Any, ...]]) -> None:
    """Delete the rows that have one of the keys, each a value for every of the columns, the first of them indexed."""
    at, left = 0, len(keys)
    for size in _SIZES:
        while left >= size:
            connection.execute(_deletion(table, columns, size), tuple(chain.from_iterable(keys[at : at + size])))
            at += size
            left -= size


@lru_cache(maxsize=256)
def _deletion(table: str, columns: tuple[str, ...], rows: int) -> str:
    row = f"({', '.join('?' * len(columns))})"
    equal = " AND ".join(f"t.{column} = k.column{place}" for place, column in enumerate(columns, 1))
    # The keys first and the table's index for each: left to itself SQLite may read the whole table.
    found = f"SELECT t.rowid FROM (VALUES {', '.join([row] * rows)}) AS k CROSS JOIN {table} AS t ON {equal}"
    return f"DELETE FROM {table} WHERE rowid IN ({found})"


@lru_cache(maxsize=256)
def _statement(table: str, columns: int, rows: int, replace: bool, conflict: str) -> str:
    # Unlike the usual "OR ABORT", neither has SQLite keep what would undo this statement alone.
    row = f"({', '.join('?' * columns)})"
    return f"INSERT OR {'REPLACE' if replace else 'FAIL'} INTO {table} VALUES {', '.join([row] * rows)} {conflict}"


def highest(connection: apsw.Connection, table: str) -> int:
    """The highest number ever given to a row of the table, those removed since among them: it is noted in `meta`."""
    query = (
        f"SELECT max(coalesce((SELECT max(id) FROM {table}), 0), coalesce((SELECT value FROM meta WHERE key = ?), 0))"
    )
    return int(connection.execute(query, (table,)).get)


def array(numbers: Sequence[int]) -> Any:
    """Numbers to be bound to a `carray(?)`; it takes no empty array, so one that is nobody's number stands for none."""
    return apsw.carray(_integers("q", numbers or (_NOBODY,)), flags=apsw.SQLITE_CARRAY_INT64)


def fetch(connection: apsw.Connection, query: str, bindings: Sequence[Any] = ()) -> list[Any]:
    """All rows of a query."""
    return list(connection.execute(query, bindings).fetchall())


def count(connection: apsw.Connection, query: str, bindings: Sequence[Any], most: int) -> int:
    """How many rows a query has, but `most` + 1 at most; that there are more is found in half the time."""
    if fetch(connection, f"{query} LIMIT 1 OFFSET ?", (*bindings, most)):
        return most + 1
    return int(fetch(connection, f"SELECT count(*) FROM ({query})", bindings)[0][0])


def rows_of(connection: apsw.Connection, query: str, bindings: Sequence[Any]) -> list[Any]:
    """The rows of a query that gives them as one JSON array, so that they come in one step."""
    found = connection.execute(query, bindings).get
    return list(_decode(found)) if found else []
