"""What time and budget take away, and that routing state is never among it."""

import time
from pathlib import Path

import apsw
import trio
from conftest import Opener
from store_rows import T0, alert, flushed, posted, silence

from ampp.core.clock import HOUR
from ampp.core.record import SilencePut
from ampp.store.sqlite import Journal, SqliteStore
from ampp.store.sqlite.database import APPLICATION_ID, Migration, open_database


def _bytes(directory: Path) -> int:
    return sum(each.stat().st_size for each in directory.glob("*.db*"))


async def _settled(store: SqliteStore) -> None:
    with trio.fail_after(20):
        while store.health().behind:
            await trio.sleep(0.01)


async def _fill(opened: Opener, count: int, at: int, **settings: int):  # type: ignore[no-untyped-def]
    store, _ = opened(**settings)
    for n in range(count):
        await store.append([posted(*(f"A{i}" for i in range(100)), at=at), flushed(n)]).durable()
    await _settled(store)
    return store


async def test_old_records_go_and_the_file_shrinks(opened: Opener, tmp_path: Path) -> None:
    now = time.time_ns()
    store = await _fill(opened, 500, at=now - 3 * HOUR, journal_retention=2 * HOUR)
    before = _bytes(tmp_path)
    young = posted("young", at=now)
    await store.append([young, SilencePut(at=T0, silences=(silence(),)), SilencePut(at=now, silences=(silence(),))]
                       ).durable()  # fmt: skip
    await _settled(store)

    async def keep_posting() -> None:
        while True:
            await store.append([posted("during", at=now)]).durable()
            await trio.sleep(0.001)

    async with trio.open_nursery() as nursery:
        nursery.start_soon(keep_posting)
        swept = await store.sweep()
        nursery.cancel_scope.cancel()
    assert swept.records == 1000, "up to the first young one"
    assert _bytes(tmp_path) < before / 4
    await store.aclose()

    _, restored = opened()
    assert {row.key for row in restored.alerts} == {alert(f"A{i}").key for i in range(100)} | {
        alert("young").key,
        alert("during").key,
    }
    assert len(restored.groups) == 1
    assert restored.silences == [silence()]
    connection = apsw.Connection(str(tmp_path / "silences.db"))
    assert connection.execute("SELECT count(*) FROM revisions").get == 1


async def test_the_byte_budget_takes_the_oldest(opened: Opener, tmp_path: Path) -> None:
    budget = 2_000_000
    store = await _fill(opened, 300, at=time.time_ns(), max_bytes=budget)
    assert _bytes(tmp_path) < 1.3 * budget, "while much is written the journal gives way without waiting for a sweep"
    await store.sweep()
    assert _bytes(tmp_path) < 1.1 * budget
    journal = Journal(tmp_path / "alerts.db")
    kept = [seq for seq, _ in journal.after(0, 1000)]
    journal.close()
    assert kept
    assert kept == list(range(kept[0], 601)), "what is left is the newest, without a gap"
    await store.aclose()
    assert len(opened()[1].alerts) == 100


async def test_numbers_go_on_after_everything_was_swept(opened: Opener, tmp_path: Path) -> None:
    store = await _fill(opened, 20, at=time.time_ns(), max_bytes=0)
    assert (await store.sweep()).records == 40
    await store.aclose()
    store, restored = opened()
    assert len(restored.alerts) == 100
    await store.append([posted("B")]).durable()
    journal = Journal(tmp_path / "alerts.db")
    assert [seq for seq, _ in journal.after(0, 10)] == [41]
    journal.close()


async def test_the_write_ahead_log_stays_small_under_load(opened: Opener, tmp_path: Path) -> None:
    store, _ = opened()
    for n in range(2000):
        await store.append([posted(*(f"{n}-{i}" for i in range(64)), at=T0)]).durable()
    assert store.health().files["alerts.db-wal"] < 32 << 20
    assert store.health().files["alerts.db"] > 8 << 20


def test_migrations_go_forward_one_by_one(tmp_path: Path) -> None:
    path = tmp_path / "x.db"
    first, second = (
        Migration("CREATE TABLE a (x); INSERT INTO a VALUES (1);", ""),
        Migration("CREATE TABLE b (y); INSERT INTO b SELECT x FROM a;", "DROP TABLE b;"),
    )
    open_database(path, (first,), full=False).close()
    connection = open_database(path, (first, second), full=True)
    assert connection.execute("SELECT y FROM b").get == 1
    assert connection.pragma("user_version") == 2
    assert connection.pragma("application_id") == APPLICATION_ID
    assert connection.pragma("journal_mode") == "wal"
    assert connection.pragma("synchronous") == 2
    connection.close()


def test_a_migration_that_fails_changes_nothing(tmp_path: Path) -> None:
    path = tmp_path / "x.db"
    first = Migration("CREATE TABLE a (x); INSERT INTO a VALUES (1);", "")
    open_database(path, (first,), full=False).close()
    for _ in range(2):
        try:
            open_database(path, (first, Migration("DROP TABLE a; CREATE TABLE nonsense", "")), full=False)
        except apsw.SQLError:
            pass
        else:
            raise AssertionError("the script cannot have worked")
    connection = open_database(path, (first,), full=False)
    assert connection.execute("SELECT x FROM a").get == 1
    connection.close()
