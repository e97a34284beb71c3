"""The event loop waits a moment for small commits of an idle writer, and for nothing else."""

import threading
from collections.abc import Callable, Iterator

import apsw
import pytest
import trio
from conftest import Opener
from store_rows import posted

from ampp.core.record import Record
from ampp.store.error import StoreDown
from ampp.store.sqlite import SqliteStore, tables, writer


class Watched:
    """`tables.append`: how many records each commit had. `before`, called first, may raise or take its time."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.commits: list[int] = []
        self.before: Callable[[], object] = lambda: None
        self._append = tables.append
        monkeypatch.setattr(tables, "append", self)

    def __call__(self, connection: apsw.Connection, seq: int, records: list[tuple[Record, bytes]]) -> None:
        self.before()
        self._append(connection, seq, records)
        self.commits.append(len(records))


class Turns(trio.abc.Instrument):
    """How often the event loop waited."""

    def __init__(self) -> None:
        self.count = 0

    def before_io_wait(self, timeout: float) -> None:
        self.count += timeout > 0


@pytest.fixture
def watched(monkeypatch: pytest.MonkeyPatch) -> Watched:
    return Watched(monkeypatch)


@pytest.fixture
def patient(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Long enough for any machine."""
    monkeypatch.setattr(writer, "_MOMENT", 20.0)
    return


async def idle(store: SqliteStore) -> None:
    await store.append([posted("first")]).durable()
    with trio.fail_after(10):
        while store._running._busy_since:
            await trio.sleep(0.001)


@pytest.mark.usefixtures("patient")
async def test_what_comes_together_is_one_commit_and_waited_for(opened: Opener, watched: Watched) -> None:
    store, _ = opened()
    await idle(store)
    watched.commits.clear()
    turns = Turns()
    trio.lowlevel.add_instrument(turns)
    for round_ in range(100):
        turns.count = 0
        async with trio.open_nursery() as nursery:
            for name in "abc":
                nursery.start_soon(store.append([posted(f"{name}{round_}")]).durable)
        if not turns.count:
            break
    else:
        pytest.fail("the loop never waited for a commit")
    assert set(watched.commits) == {3}
    await store.aclose()
    again, restored = opened()
    assert len(restored.alerts) == 1 + 3 * (round_ + 1)
    await again.aclose()


async def test_a_disk_that_hangs_holds_up_nobody_but_who_waits_for_it(opened: Opener, watched: Watched) -> None:
    store, _ = opened()
    await idle(store)
    go_on = threading.Event()
    watched.before = go_on.wait
    earlier, later = store.append([posted("earlier")]), store.append([posted("later")])
    with trio.move_on_after(0.05) as tried:
        await earlier.durable()
    assert tried.cancelled_caught
    watched.before = lambda: None
    go_on.set()
    with trio.fail_after(10):
        await earlier.durable()
        await later.durable()
    await store.aclose()
    _, restored = opened()
    assert len(restored.alerts) == 3


async def test_much_is_not_waited_for(opened: Opener, watched: Watched, monkeypatch: pytest.MonkeyPatch) -> None:
    store, _ = opened()
    await idle(store)
    monkeypatch.setattr(writer.Writer, "_linger", lambda self: pytest.fail("waited"))
    await store.append([posted(*(f"{'n' * 100}-{n}" for n in range(1000)))]).durable()
    assert watched.commits[-1] == 1
    await store.aclose()


@pytest.mark.usefixtures("patient")
async def test_a_failure_is_told_at_once(opened: Opener, watched: Watched) -> None:
    store, _ = opened()
    await idle(store)

    def fail() -> None:
        raise apsw.IOError("no")

    watched.before = fail
    with pytest.raises(StoreDown, match="no"):
        await store.append([posted("a")]).durable()
    await store.aclose()
