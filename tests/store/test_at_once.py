"""Small commits are written by the event loop itself as long as nothing in them can wait, and else by the writer."""

import threading
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import apsw
import pytest
import trio
from conftest import Opener
from store_rows import posted

from ampp.core.record import Record
from ampp.store.sqlite import SqliteStore, tables
from ampp.store.sqlite.journal import Journal


class Watched:
    """`tables.append`, and which thread called it; `fail`, called first, may raise."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.by_loop: list[bool] = []
        self.fail: Callable[[], None] = lambda: None
        self._append = tables.append
        monkeypatch.setattr(tables, "append", self)

    def __call__(self, connection: apsw.Connection, seq: int, records: list[tuple[Record, bytes]]) -> None:
        self.by_loop.append(threading.current_thread() is threading.main_thread())
        self.fail()
        self._append(connection, seq, records)


@pytest.fixture
def watched(monkeypatch: pytest.MonkeyPatch) -> Watched:
    return Watched(monkeypatch)


async def settled(store: SqliteStore, watched: Watched) -> None:
    """The writer has taken its first steps and waits."""
    with trio.fail_after(10):
        while not watched.by_loop or not watched.by_loop[-1]:
            await store.append([posted("first")]).durable()
    watched.by_loop.clear()


async def test_what_comes_together_is_one_commit_by_the_loop(opened: Opener, watched: Watched) -> None:
    store, _ = opened()
    await settled(store, watched)
    async with trio.open_nursery() as nursery:
        for name in "abc":
            nursery.start_soon(store.append([posted(name)]).durable)
    assert watched.by_loop == [True]
    await store.aclose()
    again, restored = opened()
    assert len(restored.alerts) == 4
    await again.aclose()


async def test_while_the_writer_is_busy_what_comes_waits_for_it(
    opened: Opener, watched: Watched, tmp_path: Path
) -> None:
    store, _ = opened()
    await settled(store, watched)
    go_on = threading.Event()
    async with trio.open_nursery() as nursery:
        nursery.start_soon(store._running.run, go_on.wait)
        with trio.fail_after(10):
            while not store._running._busy_since:
                await trio.sleep(0.001)
        earlier = store.append([posted("earlier")])
        with trio.move_on_after(0.01):
            await earlier.durable()
        assert watched.by_loop == []
        later = store.append([posted("later")])
        go_on.set()
        await earlier.durable()
        await later.durable()
    await store.aclose()
    with closing(Journal(tmp_path / "alerts.db")) as journal:
        kept = [record for _, record in journal.after(0, 1000)]
    assert kept[-2:] == [posted("earlier"), posted("later")]


async def test_much_is_left_to_the_writer(opened: Opener, watched: Watched) -> None:
    store, _ = opened()
    await settled(store, watched)
    await store.append([posted(*(f"{'n' * 100}-{n}" for n in range(1000)))]).durable()
    assert watched.by_loop == [False]


async def test_so_is_everything_that_is_to_survive_a_loss_of_power(opened: Opener, watched: Watched) -> None:
    store, _ = opened(full_sync=True)
    for name in "abc":
        await store.append([posted(name)]).durable()
        await trio.sleep(0.01)
    assert True not in watched.by_loop


async def test_and_the_first_commit_of_a_log_that_begins_anew(opened: Opener, watched: Watched) -> None:
    store, _ = opened()
    await settled(store, watched)
    await store._running.run(store._alerts.truncate)
    await settled(store, watched)
    store._alerts.anew = True
    await store.append([posted("a")]).durable()
    assert watched.by_loop == [False]
    await settled(store, watched)


async def test_and_what_fails(opened: Opener, watched: Watched) -> None:
    store, _ = opened()
    await settled(store, watched)

    def fail() -> None:
        if threading.current_thread() is threading.main_thread():
            raise apsw.IOError("no")

    watched.fail = fail
    await store.append([posted("a")]).durable()
    assert watched.by_loop == [True, False]
    await store.aclose()
    _, restored = opened()
    assert len(restored.alerts) == 2
