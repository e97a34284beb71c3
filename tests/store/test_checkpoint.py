"""The write-ahead log is put away while the writer goes on."""

from pathlib import Path

import apsw
import pytest
import trio
from conftest import Opener
from store_rows import posted

from ampp.store.sqlite import store as module
from ampp.store.sqlite.checkpoint import WORTH, checkpoint
from ampp.store.sqlite.database import ALERTS, files, open_database
from ampp.store.sqlite.file import File

PAGE = 4096


def test_the_writer_begins_the_log_anew(tmp_path: Path) -> None:
    path = tmp_path / "alerts.db"
    writer = open_database(path, ALERTS, full=False)
    insert = "INSERT INTO journal (at, kind, body) VALUES (1, 'x', zeroblob(?))"
    writer.execute(insert, (1_000_000,))
    before = path.stat().st_size
    checkpoint(path)
    assert path.stat().st_size > before + 1_000_000
    size = files(path)[1].stat().st_size
    writer.execute(insert, (1_000,))
    written, _ = writer.wal_checkpoint(mode=apsw.SQLITE_CHECKPOINT_PASSIVE)
    assert written < 10
    assert files(path)[1].stat().st_size == size
    writer.close()


def test_what_is_gone_is_not_created(tmp_path: Path) -> None:
    with pytest.raises(apsw.CantOpenError):
        checkpoint(tmp_path / "alerts.db")
    assert list(tmp_path.iterdir()) == []


def test_two_at_once_are_no_trouble(tmp_path: Path) -> None:
    file = File(tmp_path / "alerts.db", ALERTS, full=False)
    file.open()
    file.connection.execute("INSERT INTO journal (at, kind, body) VALUES (1, 'x', zeroblob(100000))")
    reader, other = (apsw.Connection(str(file.path)) for _ in range(2))
    reading = reader.execute("SELECT seq FROM journal UNION ALL SELECT 2")
    met: list[int] = []

    def meanwhile(number: int) -> bool:
        # The other one holds the lock of those who put the log away, and waits for the reader.
        with pytest.raises(apsw.BusyError):
            file.connection.wal_checkpoint(mode=apsw.SQLITE_CHECKPOINT_PASSIVE)
        file.checkpoint()
        met.append(number)
        return False

    other.set_busy_handler(meanwhile)
    other.pragma("user_version")
    with pytest.raises(apsw.BusyError):
        other.wal_checkpoint(mode=apsw.SQLITE_CHECKPOINT_RESTART)
    assert met
    reading.close()
    for each in (reader, other):
        each.close()
    file.close()


async def test_the_store_sees_to_it(opened: Opener, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_LOOK_SECONDS", 0.01)
    store, _ = opened()
    path = tmp_path / "alerts.db"
    names = [f"{'n' * 4000}-{n}" for n in range(WORTH)]
    async with trio.open_nursery() as nursery:
        nursery.start_soon(store.tend, None)
        with trio.fail_after(60):
            await store.append([posted(*names)]).durable()
            while path.stat().st_size < WORTH * PAGE:
                await trio.sleep(0.01)
        nursery.cancel_scope.cancel()
