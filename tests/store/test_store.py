"""Records in, state out: what a restart finds. Real files, the real writer thread."""

import os
import shutil
import signal
import stat
import subprocess
import sys
import time
from pathlib import Path

import apsw
import pytest
import trio
from conftest import Opener
from store_rows import T0, YEAR_9999, alert, delivered, entry, flushed, group, outbox, posted, silence

from ampp.core.clock import SECOND, ZERO
from ampp.core.record import (
    Collected,
    ConfigLoaded,
    GroupDropped,
    LogPruned,
    SilencePut,
    SilencesPruned,
    Started,
)
from ampp.store import SchemaTooNew, State, StoreError, StoreLocked, snapshot
from ampp.store.sqlite import Journal, SqliteStore

ROOT = Path(__file__).parents[2]


async def _kept(opened: Opener, *records: object, settle: float = 0.0) -> State:
    """What a restart finds after these records were appended one by one and made durable."""
    store, _ = opened()
    ticket = None
    for record in records:
        ticket = store.append([record])
    assert ticket is not None
    await ticket.durable()
    await trio.sleep(settle)
    await store.aclose()
    return opened()[1]


async def test_nothing_at_first(opened: Opener, tmp_path: Path) -> None:
    store, restored = opened(tmp_path / "deep" / "data")
    assert (restored.alerts, restored.groups, restored.log, restored.outbox, restored.silences) == ([], [], [], [], [])
    assert (restored.last_alive, restored.config_hash, restored.warnings) == (0, 0, ())
    health = store.health()
    assert (health.ok, health.reason, health.queue, health.behind, health.lost) == (True, "", 0, 0, 0)
    assert health.files.keys() >= {"alerts.db", "silences.db"}


async def test_files_are_private(opened: Opener, tmp_path: Path) -> None:
    store, _ = opened()
    await store.append([posted("A"), SilencePut(at=T0, silences=(silence(),))]).durable()
    modes = {each.name: stat.S_IMODE(each.stat().st_mode) for each in tmp_path.iterdir()}
    assert set(modes.values()) == {0o600}
    assert modes.keys() >= {"alerts.db", "alerts.db-wal", "silences.db", "lock"}


async def test_alerts(opened: Opener) -> None:
    restored = await _kept(
        opened,
        posted("A", "B", "C", "D"),
        posted("A", ends=YEAR_9999, starts=ZERO),
        Collected(at=T0, alerts=(alert("B").key, alert("C").key)),
        posted("C", updated=T0 + 1),
    )
    assert {row.key: row for row in restored.alerts} == {
        row.key: row for row in (alert("A", ends=YEAR_9999, starts=ZERO), alert("C", updated=T0 + 1), alert("D"))
    }


async def test_groups_outbox_and_log(opened: Opener) -> None:
    other = flushed(9, labels=b'{"a":"b"}')
    restored = await _kept(opened, flushed(1), other, flushed(2, next_=T0 + 5), delivered(1))
    assert sorted(restored.groups, key=lambda row: row.labels) == [other.group, group(next_=T0 + 5)]
    assert restored.outbox == [outbox(2)], (
        "the newer notification of the same key is not settled by the older one's end"
    )
    assert restored.log == [entry()]


async def test_settled_and_dropped(opened: Opener) -> None:
    drop = GroupDropped(at=T0, route="{}", labels=b"{}", cause="empty")
    restored = await _kept(opened, flushed(1), delivered(1), drop, LogPruned(at=T0, keys=(entry().key,)))
    assert (restored.groups, restored.outbox, restored.log) == ([], [], [])


async def test_an_unsettled_failure_stays_in_the_outbox(opened: Opener) -> None:
    restored = await _kept(opened, flushed(1), delivered(1, ok=False, settled=False))
    assert (restored.outbox, restored.log) == ([outbox(1)], [])


async def test_silences_keep_their_place(opened: Opener) -> None:
    first, second, third = (silence(name) for name in ("z", "m", "a"))
    changed = silence("z", comment="longer")
    restored = await _kept(
        opened,
        SilencePut(at=T0, silences=(first, second)),
        SilencePut(at=T0, silences=(third, changed)),
        SilencesPruned(at=T0, ids=("m",)),
    )
    assert restored.silences == [changed, third]


async def test_configuration_and_journal(opened: Opener, tmp_path: Path) -> None:
    records = [
        Started(at=T0, version="1", resumed=False),
        ConfigLoaded(at=T0, hash=5, text="old"),
        posted("A"),
        ConfigLoaded(at=T0, hash=2**48 - 1, text="route: é"),
    ]
    restored = await _kept(opened, *records)
    assert (restored.config_hash, restored.config_text) == (2**48 - 1, "route: é")
    journal = Journal(tmp_path / "alerts.db")
    assert journal.after(0, 100) == list(enumerate(records, start=1))
    assert journal.after(1, 2) == [(2, records[1]), (3, records[2])]
    journal.close()


@pytest.mark.parametrize("count", [1, 16, 17])
async def test_records_of_one_commit_have_their_numbers_times_and_kinds(
    opened: Opener, tmp_path: Path, count: int
) -> None:
    store, _ = opened()
    records = [posted(f"A{n}", at=T0 + n) for n in range(count - 1)]
    await store.append([*records, SilencePut(at=-1, silences=(silence(),))]).durable()
    await store.aclose()
    connection = apsw.Connection(str(tmp_path / "alerts.db"))
    rows = list(connection.execute("SELECT seq, at, kind FROM journal ORDER BY seq"))
    assert rows == [*((n + 1, T0 + n, "post") for n in range(count - 1)), (count, -1, "silence")]
    journal = Journal(tmp_path / "alerts.db")
    assert [record for _, record in journal.after(0, 100)][:-1] == records
    journal.close()


async def test_last_alive(opened: Opener, tmp_path: Path) -> None:
    begin = time.time_ns()
    store, _ = opened()
    await store.append([posted("A")]).durable()
    await store.aclose()
    end = time.time_ns()
    assert begin <= opened()[1].last_alive <= end


async def test_last_alive_is_the_last_write_whatever_the_clock_says(tmp_path: Path) -> None:
    """A kill between a record and the next sign of life: the record counts, applied to the tables or not."""
    wall = [T0]
    directory = tmp_path / "living"
    store = SqliteStore.open(directory, clock=lambda: wall[0])
    store.load()
    for at in (T0, T0 + 3600 * SECOND, T0 + 5 * SECOND):
        wall[0] = at
        await store.append([posted(f"at-{at}", at=at)]).durable()
        with trio.fail_after(20):
            while store.health().behind:
                await trio.sleep(0.01)
        killed = tmp_path / f"killed-{at}"
        killed.mkdir()
        for name in ("alerts.db", "alerts.db-wal"):
            shutil.copy(directory / name, killed / name)
        revived = SqliteStore.open(killed)
        try:
            assert revived.load().last_alive == at
        finally:
            await revived.aclose()
    await store.aclose()


async def test_an_idle_store_shows_that_it_lives(opened: Opener, tmp_path: Path) -> None:
    store, _ = opened()
    first = store.health().last_commit
    with trio.fail_after(20):
        while store.health().last_commit <= first:
            await trio.sleep(0.05)
    beat = store.health().last_commit
    with trio.fail_after(20):
        while store.health().last_commit <= beat:
            await trio.sleep(0.05)


async def test_refreshes_are_written_behind(opened: Opener) -> None:
    store, _ = opened()
    await store.append([posted("A", "B", "C")]).durable()
    store.refresh([alert("A", ends=T0 + 1), alert("B", ends=T0 + 1), alert("C", ends=T0 + 1)])
    store.refresh([alert("A", ends=T0 + 2)])
    store.append([posted("B", ends=T0 + 3), Collected(at=T0, alerts=(alert("C").key,))])
    with trio.fail_after(20):
        while store.health().behind:
            await trio.sleep(0.05)
    await store.aclose()
    restored = opened()[1]
    assert {row.key: row.ends for row in restored.alerts} == {alert("A").key: T0 + 2, alert("B").key: T0 + 3}


async def test_closing_writes_what_waits(opened: Opener) -> None:
    store, _ = opened()
    for number in range(500):
        store.append([posted(f"A{number}")])
    store.refresh([alert("A7", ends=T0 + 7)])
    await store.aclose()
    restored = opened()[1]
    assert len(restored.alerts) == 500
    assert [row.ends for row in restored.alerts if row.key == alert("A7").key] == [T0 + 7]


async def test_a_cancelled_wait_writes_all_the_same(opened: Opener) -> None:
    store, _ = opened()
    with trio.CancelScope() as scope:
        scope.cancel()
        await store.append([posted("A")]).durable()
    assert scope.cancelled_caught
    await store.aclose()
    assert len(opened()[1].alerts) == 1


async def test_many_tickets_at_once(opened: Opener) -> None:
    store, _ = opened()
    durable = []

    async def send(number: int) -> None:
        await store.append([posted(f"A{number}")]).durable()
        durable.append(number)

    async with trio.open_nursery() as nursery:
        for number in range(300):
            nursery.start_soon(send, number)
    assert sorted(durable) == list(range(300))
    ticket = store.append([posted("B")])
    await ticket.durable()
    await ticket.durable()


CHILD = """
import os, sys, time, trio
from pathlib import Path
sys.path.insert(0, sys.argv[2])
from store_rows import T0, alert, flushed, posted, silence
from ampp.core.record import Collected, SilencePut
from ampp.store.sqlite import SqliteStore

async def main():
    store = SqliteStore.open(Path(sys.argv[1]))
    store.load()
    async def send(worker):
        for n in range(10**9):
            name = f"{worker}-{n}"
            records = [posted(*(f"{name}-{i}" for i in range(20))), flushed(n, labels=name.encode())]
            if n % 3 == 0:
                records.append(Collected(at=T0, alerts=(alert(f"{name}-0").key,)))
            if n % 10 == 0:
                records.append(SilencePut(at=T0, silences=(silence(name),)))
            await store.append(records).durable()
            os.write(1, f"{name}\\n".encode())
    async with trio.open_nursery() as nursery:
        for worker in range(4):
            nursery.start_soon(send, worker)

trio.run(main)
"""


@pytest.mark.parametrize("after", [0.15, 0.6])
async def test_what_was_acknowledged_survives_kill_9(opened: Opener, tmp_path: Path, after: float) -> None:
    def run() -> list[str]:
        child = subprocess.Popen(
            [sys.executable, "-c", CHILD, str(tmp_path), str(Path(__file__).parent)],
            stdout=subprocess.PIPE,
            cwd=ROOT,
            env={**os.environ, "PYTHONPATH": str(ROOT)},
        )
        assert child.stdout is not None
        names = [child.stdout.readline().decode().strip()]
        time.sleep(after)
        child.send_signal(signal.SIGKILL)
        names += child.stdout.read().decode().split("\n")[:-1]
        assert child.wait() == -signal.SIGKILL
        child.stdout.close()
        return names

    acknowledged = await trio.to_thread.run_sync(run)
    assert len(acknowledged) > 10
    store, restored = opened()
    alerts = {row.key for row in restored.alerts}
    groups = {row.labels for row in restored.groups}
    silences = {each.id for each in restored.silences}
    for name in acknowledged:
        n = int(name.split("-")[1])
        expected = {alert(f"{name}-{i}").key for i in range(1 if n % 3 == 0 else 0, 20)}
        assert expected <= alerts
        assert alert(f"{name}-0").key in alerts or n % 3 == 0
        assert n % 3 or alert(f"{name}-0").key not in alerts
        assert name.encode() in groups
        assert n % 10 or name in silences
    await store.append([posted("later")]).durable()
    await store.aclose()
    again = opened()[1]
    assert {row.key for row in again.alerts} == alerts | {alert("later").key}


async def test_a_second_daemon_is_kept_out(opened: Opener, tmp_path: Path) -> None:
    store, _ = opened()
    with pytest.raises(StoreLocked, match=rf"in use by process {os.getpid()}, which holds {tmp_path}/lock"):
        SqliteStore.open(tmp_path)
    script = "import sys; from pathlib import Path; from ampp.store.sqlite import SqliteStore\n"
    script += "try: SqliteStore.open(Path(sys.argv[1]))\nexcept Exception as e: print(type(e).__name__, e)"
    done = await trio.run_process(
        [sys.executable, "-c", script, str(tmp_path)],
        capture_stdout=True,
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )
    assert f"StoreLocked {tmp_path} is in use by process {os.getpid()}".encode() in done.stdout
    await store.append([posted("A")]).durable()
    await store.aclose()
    assert len(opened()[1].alerts) == 1


async def test_a_newer_schema_is_refused_and_left_alone(opened: Opener, tmp_path: Path) -> None:
    store, _ = opened()
    await store.append([posted("A")]).durable()
    await store.aclose()
    connection = apsw.Connection(str(tmp_path / "alerts.db"))
    known = connection.pragma("user_version")
    connection.execute("PRAGMA user_version = 99")
    connection.close()
    with pytest.raises(SchemaTooNew, match=r"alerts.db has schema version 99, this program knows up to"):
        SqliteStore.open(tmp_path)
    connection = apsw.Connection(str(tmp_path / "alerts.db"))
    connection.execute(f"PRAGMA user_version = {known}")
    connection.close()
    assert len(opened()[1].alerts) == 1


async def test_another_programs_database_is_refused(tmp_path: Path) -> None:
    connection = apsw.Connection(str(tmp_path / "alerts.db"))
    connection.execute("CREATE TABLE precious (x)")
    connection.close()
    with pytest.raises(StoreError, match="database of another program"):
        SqliteStore.open(tmp_path)
    assert [each.name for each in tmp_path.iterdir() if "broken" in each.name] == []


async def test_export_and_import_between_daemons(opened: Opener, tmp_path: Path) -> None:
    store, _ = opened()
    kept, dropped = silence("kept"), silence("dropped")
    await store.append([SilencePut(at=T0, silences=(kept, dropped)), flushed(1), delivered(1)]).durable()
    assert await store.export() == {name: (tmp_path / name).stat().st_size for name in ("nflog", "silences")}
    await store.append([SilencesPruned(at=T0, ids=("dropped",))]).durable()
    await store.aclose()

    store, restored = opened()
    assert restored.imported == {}, "our own export is not news"
    assert restored.silences == [kept]
    await store.aclose()

    older = silence("kept", updated=T0 - 1, comment="outdated")
    newer = silence("new")
    snapshot.write_silences(tmp_path / "silences", [older, newer])
    snapshot.write_log(tmp_path / "nflog", [entry(T0 + 5), entry(T0 + 5, receiver="b")])
    store, restored = opened()
    assert restored.imported == {"silences": 1, "nflog": 2}
    assert restored.silences == [kept, newer]
    assert {each.key: each.timestamp for each in restored.log} == {
        entry().key: T0 + 5,
        entry(receiver="b").key: T0 + 5,
    }
    await store.aclose()
    store, restored = opened()
    assert restored.imported == {}
    assert restored.silences == [kept, newer]
    assert len(restored.log) == 2


async def test_a_foreign_snapshot_that_makes_no_sense_stops_the_start(tmp_path: Path) -> None:
    (tmp_path / "nflog").write_bytes(b"\x05abc")
    store = SqliteStore.open(tmp_path)
    with pytest.raises(StoreError, match="nflog is not a snapshot"):
        store.load()
    store.close()
    (tmp_path / "nflog").unlink()
    store = SqliteStore.open(tmp_path)
    assert store.load().log == []
    store.close()
