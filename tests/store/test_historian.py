"""The historian behind a real store: it follows, catches up, survives whatever befalls its file, and keeps it small."""

import json
import os
import random
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import apsw
import pytest
import trio

from ampp.core.clock import HOUR, SECOND
from ampp.core.record import Posted
from ampp.store.error import SchemaTooNew, StoreError
from ampp.store.sqlite.database import Migration, connect, open_database
from ampp.store.sqlite.history.historian import Historian, HistorySettings
from ampp.store.sqlite.history.schema import HISTORY
from ampp.store.sqlite.migration import migrate_to
from tests.store.conftest import Opener
from tests.store.store_rows import T0, posted

Start = Callable[..., Historian]


@pytest.fixture
def follow(tmp_path: Path) -> Iterator[Start]:
    """Starts a historian on the test's directory, which complains into its `said`; ends what is left at the end."""
    begun: list[Historian] = []

    def start(last_seq: int = 1 << 40, clock: Callable[[], int] = lambda: T0 + 2 * HOUR, **settings: Any) -> Historian:
        said: list[str] = []
        historian = Historian(
            tmp_path, HistorySettings(**settings), last_seq=last_seq, warn=said.append, clock=clock, sweep_seconds=0.2
        )
        historian.said = said  # type: ignore[attr-defined]
        historian.start()
        begun.append(historian)
        return historian

    yield start
    for historian in begun:
        historian.stop()


def until(holds: Callable[[], Any], what: str = "") -> None:
    deadline = time.monotonic() + 20
    while not holds():
        assert time.monotonic() < deadline, what
        time.sleep(0.02)


def count(path: Path, query: str = "SELECT count(*) FROM event") -> int:
    try:
        connection = connect(path / "history.db", readonly=True)
    except apsw.Error:
        return -1
    try:
        return int(connection.execute(query).get)
    except apsw.Error:
        return -1
    finally:
        connection.close(True)


def story(number: int, first: int = 0, at: int = T0) -> list[Posted]:
    """An alert each that fires, and every other one ends."""
    records = []
    for n in range(first, first + number):
        when = at + n * SECOND
        records.append(posted(f"A{n}", at=when, starts=when, ends=when + HOUR))
        if n % 2:
            records.append(posted(f"A{n}", at=when + SECOND // 2, starts=when, ends=when + SECOND // 4))
    return records


async def test_it_follows_and_goes_on_where_it_left_off(opened: Opener, follow: Start, tmp_path: Path) -> None:
    store, _ = opened()
    await store.append(story(10)).durable()
    historian = follow(store.last_seq)
    until(lambda: count(tmp_path) == 15)
    historian.stop()
    await store.append(story(10, 10)).durable()
    again = follow(store.last_seq)
    until(lambda: count(tmp_path) == 30)
    assert again.health.events == 15
    until(lambda: again.health.behind == 0)
    assert again.needed_after == store.last_seq
    until(lambda: count(tmp_path, "SELECT count(*) FROM alert WHERE fingerprint IS NULL") == 0)


def harm_bytes(path: Path) -> None:
    chance = random.Random(5)
    size = path.stat().st_size
    with open(path, "r+b") as file:
        for _ in range(1000):
            file.seek(chance.randrange(size))
            file.write(bytes((chance.randrange(256),)))


def harm_directory(path: Path) -> None:
    path.unlink()
    path.mkdir()
    (path / "something").touch()


HARM: dict[str, Callable[[Path], Any]] = {
    "random bytes": harm_bytes,
    "truncated": lambda path: os.truncate(path, path.stat().st_size // 2 - 100),
    "emptied": lambda path: os.truncate(path, 0),
    "another's": lambda path: path.write_bytes(b"not a database at all, " * 500),
    "a directory": harm_directory,
    "gone": lambda path: path.unlink(),
}


@pytest.mark.parametrize("running", [False, True], ids=["stopped", "running"])
@pytest.mark.parametrize("harm", HARM)
async def test_a_broken_history_is_built_again_and_the_store_does_not_notice(
    opened: Opener, follow: Start, tmp_path: Path, harm: str, running: bool
) -> None:
    store, _ = opened()
    await store.append(story(200)).durable()
    historian = follow(store.last_seq)
    until(lambda: count(tmp_path) == 300)
    if not running:
        historian.stop()
        for name in ("history.db-wal", "history.db-shm"):
            (tmp_path / name).unlink(missing_ok=True)
    else:
        # So that the harm is done to what is read, and not to what a log has anew.
        historian.run(lambda connection: connection.wal_checkpoint(mode=apsw.SQLITE_CHECKPOINT_TRUNCATE))
    HARM[harm](tmp_path / "history.db")
    if not running:
        historian = follow(store.last_seq)
    else:
        historian.suspect()
    await store.append(story(1, 1000)).durable()
    until(lambda: count(tmp_path) >= 301, str(historian.said))  # type: ignore[attr-defined]
    until(lambda: historian.health.reason == "")
    assert store.health().ok


async def test_a_newer_schema_is_left_alone_and_said(opened: Opener, follow: Start, tmp_path: Path) -> None:
    store, _ = opened()
    connection = open_database(tmp_path / "history.db", HISTORY, full=False)
    connection.execute(f"PRAGMA user_version = {len(HISTORY) + 1}")
    connection.close(True)
    historian = follow(store.last_seq)
    until(lambda: "ampp db migrate --to" in historian.health.reason)
    await store.append(story(1)).durable()
    assert store.health().ok
    assert not list(tmp_path.glob("*.broken-*"))


async def test_a_new_journal_is_read_from_its_beginning(opened: Opener, follow: Start, tmp_path: Path) -> None:
    store, _ = opened()
    await store.append(story(20)).durable()
    historian = follow(store.last_seq)
    until(lambda: count(tmp_path) == 30)
    await store.aclose()
    (tmp_path / "alerts.db").unlink()
    store, _ = opened()
    await store.append(story(2, 500)).durable()
    until(lambda: count(tmp_path) == 33, str(historian.said))  # type: ignore[attr-defined]


async def test_records_stay_until_they_are_read_whatever_their_age(opened: Opener, tmp_path: Path) -> None:
    store, _ = opened(journal_retention=1)
    read = 0
    store.read_by(lambda: read)
    await store.append(story(10)).durable()
    await trio.sleep(0.6)  # until the table of alerts has taken them in
    assert (await store.sweep()).records == 0
    read = 9
    assert (await store.sweep()).records == 9


async def test_what_was_swept_unread_is_noted(opened: Opener, follow: Start, tmp_path: Path) -> None:
    store, _ = opened()
    await store.append(story(10)).durable()
    historian = follow(store.last_seq)
    until(lambda: count(tmp_path) == 15)
    historian.stop()
    await store.append(story(10, 10)).durable()
    await store.aclose()
    connection = apsw.Connection(str(tmp_path / "alerts.db"))
    connection.execute("DELETE FROM journal WHERE seq <= 20")
    connection.close()
    store, _ = opened()
    again = follow(store.last_seq)
    until(lambda: again.health.lost == 5)
    assert count(tmp_path, "SELECT last - first + 1 FROM gap") == 5
    assert "swept" in again.said[0]  # type: ignore[attr-defined]


async def test_a_record_that_makes_no_sense_is_passed_over(opened: Opener, follow: Start, tmp_path: Path) -> None:
    store, _ = opened()
    await store.append(story(10)).durable()
    await store.aclose()
    connection = apsw.Connection(str(tmp_path / "alerts.db"))
    connection.execute("UPDATE journal SET body = x'c1' WHERE seq = 3")
    connection.close()
    store, _ = opened()
    historian = follow(store.last_seq)
    until(lambda: count(tmp_path) == 14)
    assert historian.health.lost == 1
    assert "record 3" in historian.said[0]  # type: ignore[attr-defined]


NOTHING_LEFT = {
    "detail": "alert NOT IN (SELECT id FROM alert)",
    "label": "alert NOT IN (SELECT id FROM alert) OR pair NOT IN (SELECT id FROM pair)",
    "state": "alert NOT IN (SELECT id FROM alert)",
    "pair": "id NOT IN (SELECT pair FROM label)",
    "often": "NOT EXISTS (SELECT 1 FROM event WHERE alert = holder AND starts = start)",
    "alert": "id NOT IN (SELECT alert FROM event) AND id NOT IN (SELECT alert FROM state WHERE resolved = 0)",
    "event": "(SELECT count(*) FROM detail d WHERE d.alert = event.alert AND d.since <= event.id) = 0",
}


async def test_what_is_too_old_goes_with_all_that_belonged_to_it(opened: Opener, follow: Start, tmp_path: Path) -> None:
    store, _ = opened()
    await store.append(story(3000)).durable()
    historian = follow(store.last_seq, lambda: T0 + 1500 * SECOND + 30 * 24 * HOUR)
    until(lambda: historian.health.swept >= 2250)
    until(lambda: count(tmp_path) == 2250)
    assert count(tmp_path, "SELECT count(DISTINCT start) FROM often") > 0
    for table, wrong in NOTHING_LEFT.items():
        assert count(tmp_path, f"SELECT count(*) FROM {table} WHERE {wrong}") == 0, table
    # What fires on is still known: its end is told when it comes.
    assert count(tmp_path, "SELECT count(*) FROM state WHERE resolved = 0") == 1500
    await store.append([posted("A0", at=T0 + 9000 * SECOND, starts=T0, ends=T0 + 8000 * SECOND)]).durable()
    until(lambda: count(tmp_path) == 2251)
    assert count(tmp_path, "SELECT turned FROM event ORDER BY id DESC LIMIT 1") == 1


async def test_it_keeps_within_its_bytes(opened: Opener, follow: Start, tmp_path: Path) -> None:
    store, _ = opened()
    for first in range(0, 6000, 1000):
        await store.append(story(1000, first)).durable()
    historian = follow(store.last_seq, lambda: T0 + 7000 * SECOND, max_bytes=1_000_000)
    until(lambda: historian.health.behind == 0 and historian.health.events == 9000)
    until(lambda: historian.health.swept > 0)
    until(lambda: (tmp_path / "history.db").stat().st_size < 2_300_000)
    newest = count(tmp_path, "SELECT max(at) FROM event")
    assert newest == (T0 + 5999 * SECOND + SECOND // 2) // 1_000_000
    assert count(tmp_path) > 500


async def test_what_was_given_up_for_room_is_not_told_again(opened: Opener, follow: Start, tmp_path: Path) -> None:
    store, _ = opened()
    await store.append(story(1500)).durable()
    historian = follow(store.last_seq)
    until(lambda: historian.health.events == 2250 and historian.health.behind == 0)
    read = historian.needed_after
    assert historian.give_way()
    until(lambda: count(tmp_path) == 0)
    assert historian.needed_after == read, "the journal may go on giving way"
    await store.append([posted("later", at=T0 + HOUR, starts=T0 + HOUR)]).durable()
    until(lambda: count(tmp_path) > 0)
    assert count(tmp_path) == 1
    assert historian.health.lost == 0
    assert "deleted so that routing has room" in "".join(historian.said)  # type: ignore[attr-defined]


async def test_the_clock_going_back_loses_nothing(opened: Opener, follow: Start, tmp_path: Path) -> None:
    store, _ = opened()
    await store.append([*story(5), *story(5, 100, T0 - 5 * HOUR), *story(5, 200)]).durable()
    follow(store.last_seq)
    until(lambda: count(tmp_path) == 21)


STEPS = (
    Migration("CREATE TABLE a (x); INSERT INTO a VALUES (1);", ""),
    Migration("ALTER TABLE a ADD COLUMN y; UPDATE a SET y = x + 1;", "ALTER TABLE a DROP COLUMN y;"),
    Migration("CREATE TABLE c (z); INSERT INTO c SELECT y FROM a;", "DROP TABLE c;"),
)


def test_a_program_that_knows_less_can_take_a_file_back(tmp_path: Path) -> None:
    path = tmp_path / "x.db"
    open_database(path, STEPS, full=False).close()
    with pytest.raises(SchemaTooNew, match="ampp db migrate --to 1"):
        open_database(path, STEPS[:1], full=False)
    connection = connect(path)
    assert migrate_to(connection, path, 1) == 3
    connection.close()
    connection = open_database(path, STEPS[:1], full=False)
    assert list(connection.execute("SELECT * FROM a")) == [(1,)]
    connection.close()
    connection = open_database(path, STEPS, full=False)
    assert connection.execute("SELECT z FROM c").get == 2
    with pytest.raises(StoreError, match="not to 4"):
        migrate_to(connection, path, 4)
    connection.close()


RACE = """
import json, sys
from pathlib import Path
from ampp.store.sqlite.database import Migration, open_database
STEPS = [Migration(*each) for each in json.loads(sys.argv[1])]
print("ready", flush=True)
for line in sys.stdin:
    connection = open_database(Path(line.strip()), STEPS, full=False)
    assert connection.execute("SELECT count(*) FROM c").get == 1, "twice"
    connection.close()
    print("done", flush=True)
"""


def test_processes_that_migrate_at_once_do_it_once(tmp_path: Path) -> None:
    command = [sys.executable, "-c", RACE, json.dumps([[each.up, each.down] for each in STEPS])]
    racing = [
        subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, bufsize=1) for _ in range(4)
    ]
    try:
        for turn in range(5):
            for one in racing:
                assert one.stdout is not None
                assert one.stdout.readline() == ("done\n" if turn else "ready\n")
            for one in racing:
                assert one.stdin is not None
                one.stdin.write(f"{tmp_path / str(turn)}.db\n")
        for one in racing:
            assert one.communicate(timeout=60)[0] == "done\n"
            assert one.returncode == 0
    finally:
        for one in racing:
            one.kill()
            one.wait()
