"""Damage, full disks and vanished files: what is lost, what is said, and that it heals alone."""

import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import apsw
import pytest
import trio
from conftest import Opener
from store_rows import T0, YEAR_9999, alert, delivered, entry, flushed, group, outbox, posted, silence

from ampp.core.record import AlertRow, Posted, SilencePut
from ampp.store import State, StoreDown
from ampp.store.sqlite import SqliteStore, writer


async def _written(opened: Opener, directory: Path) -> None:
    """A closed store with something of everything, exported."""
    store, _ = opened(directory)
    await store.append(
        [posted(*(f"A{n}" for n in range(200))), SilencePut(at=T0, silences=(silence(),)), flushed(1), delivered(1)]
    ).durable()
    await store.export()
    await store.aclose()


def _junk(path: Path) -> None:
    path.write_bytes(b"this is no database " * 1000)


def _halve(path: Path) -> None:
    os.truncate(path, path.stat().st_size // 2)


def _scramble(path: Path) -> None:
    """Leave the header page as it is and ruin all others."""
    with path.open("r+b") as file:
        file.seek(4096)
        file.write(os.urandom(path.stat().st_size - 4096))


DAMAGE = pytest.mark.parametrize("damage", [_junk, _halve, _scramble])


@DAMAGE
async def test_broken_alerts_are_set_aside(opened: Opener, tmp_path: Path, damage) -> None:  # type: ignore[no-untyped-def]
    await _written(opened, tmp_path)
    damage(tmp_path / "alerts.db")
    store, restored = opened(tmp_path)
    (warning,) = restored.warnings
    (aside,) = tmp_path.glob("alerts.db.broken-*Z")
    assert "alerts.db is damaged" in warning
    assert f"set aside as {aside.name}" in warning
    assert restored.alerts == []
    assert restored.silences == [silence()]
    assert restored.log == [entry()], "the snapshot of the notification log saves receivers from being told again"
    await store.append([posted("B")]).durable()
    await store.aclose()
    _, again = opened(tmp_path)
    assert again.warnings == ()
    assert again.alerts == [alert("B")]


@DAMAGE
async def test_broken_silences_come_from_the_snapshot(opened: Opener, tmp_path: Path, damage) -> None:  # type: ignore[no-untyped-def]
    await _written(opened, tmp_path)
    damage(tmp_path / "silences.db")
    store, restored = opened(tmp_path)
    assert "silences.db is damaged" in restored.warnings[0]
    assert restored.silences == [silence()]
    assert restored.imported == {"silences": 1}
    assert len(restored.alerts) == 200
    await store.aclose()
    assert opened(tmp_path)[1].silences == [silence()]


async def test_one_unreadable_row_costs_only_itself(opened: Opener, tmp_path: Path) -> None:
    await _written(opened, tmp_path)
    connection = apsw.Connection(str(tmp_path / "alerts.db"))
    connection.execute("UPDATE alerts SET row = x'c1' WHERE id = (SELECT min(id) FROM alerts)")
    connection.close()
    _, restored = opened(tmp_path)
    assert len(restored.alerts) == 199
    assert len(restored.warnings) == 1
    assert "a stored alert cannot be read and is left out" in restored.warnings[0]


class _Memory:
    """Stands for the engine: what is in memory when the store asks for it."""

    def __init__(self) -> None:
        self.alerts: dict[bytes, AlertRow] = {}
        self.asked = 0
        self.during: list[trio.Event] = []

    def post(self, store: SqliteStore, record: Posted):  # type: ignore[no-untyped-def]
        self.alerts.update((row.key, row) for row in record.alerts)
        return store.append([record])

    async def restate(self) -> State:
        self.asked += 1
        state = State(
            alerts=list(self.alerts.values()),
            groups=[group(next_=YEAR_9999)],
            log=[entry(T0 + 9)],
            outbox=[outbox(7)],
            silences=[silence(), silence("second")],
        )
        for event in self.during:
            await event.wait()
        return state


async def _post_for_long(memory: _Memory, store: SqliteStore) -> None:
    for _ in range(2_000):
        await memory.post(store, posted("A7", *(f"{len(memory.alerts)}-{n}" for n in range(100)))).durable()


def _fill_up(path: Path) -> None:
    """Write to the file until its disk is full."""
    fd = os.open(path, os.O_WRONLY | os.O_CREAT)
    with suppress(OSError):
        while os.write(fd, bytes(4096)):
            continue
    os.close(fd)
    assert shutil.disk_usage(path).free == 0


async def _healed(store: SqliteStore) -> None:
    with trio.fail_after(30):
        while not store.health().ok:
            await trio.sleep(0.05)


def _agrees(restored: State, memory: _Memory) -> None:
    assert {row.key: row for row in restored.alerts} == memory.alerts
    assert restored.groups == [group(next_=YEAR_9999)]
    assert restored.log == [entry(T0 + 9)]
    assert restored.outbox == [outbox(7)]
    assert restored.silences == [silence(), silence("second")]


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    path = tmp_path / "disk"
    path.mkdir()
    mount = shutil.which("mount")
    if os.geteuid() != 0 or mount is None:
        pytest.skip("needs root, to mount a small file system")
    if subprocess.run([mount, "-t", "tmpfs", "-o", "size=4m", "tmpfs", path], capture_output=True).returncode:
        pytest.skip("mounting is not allowed here")
    yield path
    subprocess.run(["umount", "-l", path], check=True)


async def test_a_full_disk_is_told_at_once_and_heals(opened: Opener, small_disk: Path) -> None:
    memory = _Memory()
    store, _ = opened(small_disk)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(store.tend, memory.restate)
        await memory.post(store, posted("before")).durable()

        _fill_up(small_disk / "filler")
        with pytest.raises(StoreDown, match=r"alerts.db: .*(full|I/O)") as down:
            await _post_for_long(memory, store)
        health = store.health()
        assert (health.ok, health.reason) == (False, down.value.reason)
        assert health.lost > 0
        with pytest.raises(StoreDown), trio.fail_after(5):
            await memory.post(store, posted("while down")).durable()
        assert memory.asked == 0

        (small_disk / "filler").unlink()
        await _healed(store)
        await memory.post(store, posted("after")).durable()
        nursery.cancel_scope.cancel()
    await store.aclose()
    _agrees(opened(small_disk)[1], memory)


async def test_a_start_on_a_full_disk_reads_what_is_there_and_heals(opened: Opener, small_disk: Path) -> None:
    await _written(opened, small_disk)
    _fill_up(small_disk / "filler")
    memory = _Memory()
    store, restored = opened(small_disk)
    assert len(restored.alerts) == 200
    assert (restored.log, restored.silences) == ([entry()], [silence()])
    assert len(restored.warnings) == 2
    assert "starting with what it holds, but nothing is stored until that is mended" in restored.warnings[0]
    memory.alerts = {row.key: row for row in restored.alerts}
    async with trio.open_nursery() as nursery:
        nursery.start_soon(store.tend, memory.restate)
        assert not store.health().ok
        with pytest.raises(StoreDown):
            await memory.post(store, posted("refused")).durable()
        (small_disk / "filler").unlink()
        await _healed(store)
        await memory.post(store, posted("after")).durable()
        nursery.cancel_scope.cancel()
    await store.aclose()
    _agrees(opened(small_disk)[1], memory)


async def test_a_vanished_file_is_noticed_and_written_anew(opened: Opener, tmp_path: Path) -> None:
    memory = _Memory()
    store, _ = opened()
    async with trio.open_nursery() as nursery:
        nursery.start_soon(store.tend, memory.restate)
        await memory.post(store, posted("A", "B")).durable()
        for file in tmp_path.glob("alerts.db*"):
            file.unlink()
        with trio.fail_after(30):
            while store.health().ok:
                await trio.sleep(0.02)
        # Why, or already what is done about it.
        reason = store.health().reason
        assert "alerts.db was removed or replaced while in use" in reason or "after trouble" in reason
        await _healed(store)
        nursery.cancel_scope.cancel()
    await store.aclose()
    _agrees(opened()[1], memory)


async def test_damage_while_running_is_set_aside_and_written_anew(opened: Opener, tmp_path: Path) -> None:
    await _written(opened, tmp_path)
    memory = _Memory()
    store, restored = opened()
    memory.alerts = {row.key: row for row in restored.alerts}
    _scramble(tmp_path / "alerts.db")
    async with trio.open_nursery() as nursery:
        nursery.start_soon(store.tend, memory.restate)
        with pytest.raises(StoreDown):
            await _post_for_long(memory, store)
        await _healed(store)
        await memory.post(store, posted("after")).durable()
        nursery.cancel_scope.cancel()
    await store.aclose()
    assert len(list(tmp_path.glob("alerts.db.broken-*Z"))) == 1
    _agrees(opened()[1], memory)


async def _go_down(store: SqliteStore, tmp_path: Path) -> None:
    (tmp_path / "silences.db").rename(tmp_path / "moved")
    with trio.fail_after(30):
        while store.health().ok:
            await trio.sleep(0.02)


async def test_what_is_appended_while_the_state_is_collected_is_kept(opened: Opener, tmp_path: Path) -> None:
    memory = _Memory()
    store, _ = opened()
    collected = trio.Event()
    memory.during = [collected]
    async with trio.open_nursery() as nursery:
        nursery.start_soon(store.tend, memory.restate)
        await memory.post(store, posted("A", "B")).durable()
        await _go_down(store, tmp_path)
        with trio.fail_after(30):
            while not memory.asked:
                await trio.sleep(0.01)
        # The state that `restate` will return is older than both of these.
        ticket = memory.post(store, posted("A", "C", ends=T0 + 5))
        store.refresh([alert("B", ends=T0 + 6)])
        memory.alerts[alert("B").key] = alert("B", ends=T0 + 6)
        assert not store.health().ok
        collected.set()
        await ticket.durable()
        assert store.health().ok
        nursery.cancel_scope.cancel()
    await store.aclose()
    _agrees(opened()[1], memory)


async def test_a_queue_that_outgrows_its_bound_while_healing_heals_later(
    opened: Opener, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(writer, "_QUEUE_BYTES", 100_000)
    memory = _Memory()
    store, _ = opened()
    collected = trio.Event()
    memory.during = [collected]
    async with trio.open_nursery() as nursery:
        nursery.start_soon(store.tend, memory.restate)
        await memory.post(store, posted("A")).durable()
        await _go_down(store, tmp_path)
        with trio.fail_after(30):
            while not memory.asked:
                await trio.sleep(0.01)
        first = memory.post(store, posted("B"))
        for _ in range(100):
            last = memory.post(store, posted(*(f"{len(memory.alerts)}-{n}" for n in range(100))))
        for ticket in (first, last):
            with pytest.raises(StoreDown, match="write queue is full"):
                await ticket.durable()
        collected.set()
        await _healed(store)
        assert memory.asked == 2
        await memory.post(store, posted("after")).durable()
        nursery.cancel_scope.cancel()
    await store.aclose()
    _agrees(opened()[1], memory)


async def test_giving_up_while_healing_fails_what_waits(opened: Opener, tmp_path: Path) -> None:
    memory = _Memory()
    store, _ = opened()
    memory.during = [trio.Event()]
    async with trio.open_nursery() as nursery:
        nursery.start_soon(store.tend, memory.restate)
        await memory.post(store, posted("A")).durable()
        await _go_down(store, tmp_path)
        with trio.fail_after(30):
            while not memory.asked:
                await trio.sleep(0.01)
        ticket = memory.post(store, posted("B"))
        nursery.cancel_scope.cancel()
    with pytest.raises(StoreDown, match="could not be collected"):
        await ticket.durable()
    assert not store.health().ok


async def test_a_queue_that_outgrows_its_bound_goes_down_and_heals(
    opened: Opener, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(writer, "_QUEUE_BYTES", 100_000)
    memory = _Memory()
    store, _ = opened()
    blocker = apsw.Connection(str(tmp_path / "alerts.db"))
    async with trio.open_nursery() as nursery:
        nursery.start_soon(store.tend, memory.restate)
        await memory.post(store, posted("A")).durable()
        blocker.execute("BEGIN IMMEDIATE")
        for _ in range(100):
            ticket = memory.post(store, posted(*(f"{len(memory.alerts)}-{n}" for n in range(100))))
        with pytest.raises(StoreDown, match="write queue is full"):
            await ticket.durable()
        assert store.health().queue_bytes == 0
        blocker.execute("ROLLBACK")
        await _healed(store)
        await memory.post(store, posted("after")).durable()
        nursery.cancel_scope.cancel()
    blocker.close()
    await store.aclose()
    _agrees(opened()[1], memory)
