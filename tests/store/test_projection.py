"""However records are divided among commits, the tables say what a plain reading of the records says."""

from pathlib import Path
from typing import Any

import apsw
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from ampp.core.record import (
    ConfigLoaded,
    Delivered,
    Flushed,
    GroupDropped,
    GroupRow,
    LogEntry,
    LogPruned,
    OutboxRow,
    Record,
)
from ampp.store.sqlite.codec import GROUP, LOG, OUTBOX
from ampp.store.sqlite.database import ALERTS, open_database
from ampp.store.sqlite.projection import project
from ampp.store.sqlite.rows import delete, insert
from ampp.store.sqlite.tables import get_meta
from tests.simulation.projection import Projection

FEW = st.integers(0, 2)


def group(number: int, due: int) -> GroupRow:
    return GroupRow(f"{{}} r{number % 2}", b'{"a":"%d"}' % number, "r", 1, due, True)


def entry(number: int, at: int) -> LogEntry:
    return LogEntry(f"{{}}:{{a={number}}}", "r", "webhook", 0, at, (1,), (), at + 1)


def key(number: int) -> str:
    return entry(number, 0).key


@st.composite
def records(draw: st.DrawFn) -> Record:
    number, flush, at = draw(FEW), draw(FEW), draw(st.integers(0, 1000))
    row = group(number, at)
    match draw(st.sampled_from(("flushed", "dropped", "delivered", "pruned", "config"))):
        case "flushed":
            told = [OutboxRow(key(each), flush, row.route, row.labels, at, "t") for each in draw(st.sets(FEW))]
            return Flushed(at=at, id=flush, group=row, alerts=(), suppressed=(), decisions=(), outbox=tuple(told))
        case "dropped":
            return GroupDropped(at=at, route=row.route, labels=row.labels, cause="empty")
        case "delivered":
            said = entry(number, at) if draw(st.booleans()) else None
            return Delivered(
                at=at, flush=flush, key=key(number), ok=said is not None, attempts=1, took=1, entry=said,
                settled=draw(st.booleans()),
            )  # fmt: skip
        case "pruned":
            return LogPruned(at=at, keys=tuple(map(key, draw(st.sets(FEW)))))
    return ConfigLoaded(at=at, hash=number, text=str(at))


ROW = OutboxRow(key(0), 1, "{} r0", b"{}", 1, "t")
TOLD = Flushed(at=1, id=1, group=group(0, 1), alerts=(), suppressed=(), decisions=(), outbox=(ROW,))
ENDED = Delivered(at=2, flush=1, key=key(0), ok=False, attempts=1, took=1, settled=True)


def content(connection: apsw.Connection) -> tuple[dict[Any, Any], ...]:
    return (
        {(route, labels): GROUP(row) for route, labels, row in connection.execute("SELECT * FROM groups")},
        {key: LOG(row) for key, row in connection.execute("SELECT * FROM log")},
        {key: (flush, OUTBOX(row)) for key, flush, row in connection.execute("SELECT * FROM outbox")},
    )


@pytest.fixture(scope="module")
def database(tmp_path_factory: pytest.TempPathFactory) -> apsw.Connection:
    return open_database(tmp_path_factory.mktemp("projection") / "alerts.db", ALERTS, full=False)


@example(commits=[[TOLD, ENDED, TOLD]])
@given(commits=st.lists(st.lists(records(), min_size=1, max_size=6), max_size=6))
def test_the_tables_say_what_the_records_say(database: apsw.Connection, commits: list[list[Record]]) -> None:
    for table in ("groups", "log", "outbox"):
        database.execute(f"DELETE FROM {table}")
    plain = Projection()
    config: list[tuple[int, str]] = []
    for commit in commits:
        with database:
            project(database, commit)
        for record in commit:
            plain.apply(record)
            if isinstance(record, ConfigLoaded):
                config.append((record.hash, record.text))
        outbox = {key: (row.flush, row) for key, row in plain.outbox.items()}
        assert content(database) == (plain.groups, plain.log, outbox)
    meta = get_meta(database)
    assert not config or (meta["config_hash"], meta["config_text"]) == config[-1]


def test_a_thousand_keys_are_found_by_their_index(tmp_path: Path) -> None:
    connection = open_database(tmp_path / "alerts.db", ALERTS, full=False)
    insert(connection, "outbox", [(f"k{number}", number % 2, b"") for number in range(3_000)])
    delete(connection, "outbox", ("key", "flush"), [(f"k{number}", 0) for number in range(1_333)])
    left = [name for (name,) in connection.execute("SELECT key FROM outbox ORDER BY rowid")]
    assert left == [f"k{number}" for number in range(3_000) if number % 2 or number >= 1_333]
    seen: list[str] = []
    connection.trace_v2(apsw.SQLITE_TRACE_STMT, lambda event: seen.append(event["sql"]))
    delete(connection, "outbox", ("key", "flush"), [("k1", 1)])
    plan = " ".join(row[3] for row in connection.execute(f"EXPLAIN QUERY PLAN {seen[0]}", ("k1", 1)))
    assert "SEARCH t USING INDEX" in plan
    assert "SCAN t" not in plan
