"""Silences in their file: each as it now stands in `silences`, in the order in which they came, and what it ever was in
`revisions`."""

from pathlib import Path
from typing import Any

import apsw
import pytest
from conftest import Opener
from store_rows import T0, silence

from ampp.core.record import Record, SilencePut, SilencesPruned
from ampp.store.sqlite import tables
from ampp.store.sqlite.codec import encode
from ampp.store.sqlite.database import SILENCES, open_database
from ampp.store.sqlite.migration import migrate_to

MANY = 2 * tables.SILENCES_AT_ONCE + 3


async def _written(opened: Opener, directory: Path, *records: Record) -> tuple[list[Any], list[Any]]:
    """Both tables after these records, all of one commit."""
    store, _ = opened()
    await store.append(records).durable()
    await store.aclose()
    return _tables(apsw.Connection(str(directory / "silences.db")))


def _tables(connection: apsw.Connection) -> tuple[list[Any], list[Any]]:
    silences = list(connection.execute("SELECT id, row FROM silences ORDER BY place"))
    return silences, list(connection.execute("SELECT at, id, row FROM revisions ORDER BY seq"))


async def test_one_commit_may_tell_of_the_same_silence_several_times(opened: Opener, tmp_path: Path) -> None:
    first, second, third = silence("a", comment="first"), silence("b"), silence("a", comment="third")
    back = silence("b", comment="again")
    silences, revisions = await _written(
        opened,
        tmp_path,
        SilencePut(at=T0, silences=(first, second)),
        SilencePut(at=T0 + 1, silences=(silence("c"), third)),
        SilencesPruned(at=T0 + 2, ids=("b", "unknown")),
        SilencePut(at=T0 + 3, silences=(back,)),
    )
    assert silences == [("a", encode(third)), ("c", encode(silence("c"))), ("b", encode(back))]
    assert revisions == [
        (T0, "a", encode(first)),
        (T0, "b", encode(second)),
        (T0 + 1, "c", encode(silence("c"))),
        (T0 + 1, "a", encode(third)),
        (T0 + 2, "b", None),
        (T0 + 2, "unknown", None),
        (T0 + 3, "b", encode(back)),
    ]


async def test_more_silences_than_one_statement_takes(opened: Opener, tmp_path: Path) -> None:
    all_of_them = tuple(silence(f"{n:03}") for n in range(MANY))
    silences, revisions = await _written(
        opened,
        tmp_path,
        SilencePut(at=T0, silences=all_of_them),
        SilencesPruned(at=T0, ids=tuple(f"{n:03}" for n in range(MANY - 1))),
    )
    assert silences == [(all_of_them[-1].id, encode(all_of_them[-1]))]
    assert [row is None for _, _, row in revisions] == [False] * MANY + [True] * (MANY - 1)
    assert opened()[1].silences == [all_of_them[-1]]


@pytest.mark.parametrize("rows", [1, tables.SILENCES_AT_ONCE])
def test_what_finds_no_room_is_not_written_in_part(tmp_path: Path, rows: int) -> None:
    connection = open_database(tmp_path / "silences.db", SILENCES, full=False)
    wide = [(T0, str(n), encode(silence(str(n), comment="x" * (40_000 // rows)))) for n in range(rows)]
    connection.pragma("max_page_count", connection.pragma("page_count") + 12)
    with pytest.raises(apsw.FullError):
        tables.write_silences(connection, wide)
    assert not connection.in_transaction
    assert _tables(connection) == ([], [])
    connection.pragma("max_page_count", 1 << 20)
    tables.write_silences(connection, wide)
    assert len(_tables(connection)[0]) == len(_tables(connection)[1]) == rows


def test_the_file_says_the_same_after_going_back_and_forth(tmp_path: Path) -> None:
    path = tmp_path / "silences.db"
    connection = open_database(path, SILENCES, full=False)
    tables.write_silences(connection, [(T0, "a", b"1"), (T0, "b", b"2"), (T0 + 1, "a", b"3"), (T0 + 2, "b", None)])
    before = _tables(connection)
    while connection.pragma("user_version") > 1:
        migrate_to(connection, path, int(connection.pragma("user_version")) - 1)
        assert _tables(connection) == before
    # As the first version writes.
    connection.execute("INSERT INTO silences (id, row) VALUES ('c', x'04')")
    connection.execute("INSERT INTO revisions (at, id, row) VALUES (1, 'c', x'04')")
    connection.close()
    connection = open_database(path, SILENCES, full=False)
    tables.write_silences(connection, [(T0, "c", b"5")])
    silences, revisions = _tables(connection)
    assert silences == [*before[0], ("c", b"5")]
    assert revisions == [*before[1], (1, "c", b"\x04"), (T0, "c", b"5")]
    assert connection.execute("PRAGMA integrity_check").get == "ok"
