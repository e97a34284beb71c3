"""Kill -9 in the middle of migrations, sweeps, backups and restores: `python -m tests.crash.keeping --rounds 100`.

Each round does one of them in a process of its own and kills it at a random moment. Whatever moment that was, the
databases must open, be whole and hold what they held; what was half made must not pass for a whole one.
"""

import argparse
import random
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import apsw
import trio

from ampp.core.clock import HOUR, SECOND
from ampp.store.error import BackupError
from ampp.store.sqlite import SqliteStore
from ampp.store.sqlite.backup import backup, check, restore
from ampp.store.sqlite.care import inspect
from ampp.store.sqlite.database import Migration, connect, open_database
from ampp.store.sqlite.migration import migrate_to
from tests.support.daemon import ROOT, ampp_environment

__all__ = ["DEEDS", "play"]

STEPS = tuple(
    Migration(
        f"CREATE TABLE t{n} (x); INSERT INTO t{n} SELECT value FROM generate_series(1, 20000); "
        f"CREATE INDEX i{n} ON t{n} (x);".replace(
            "SELECT value FROM generate_series(1, 20000)",
            "WITH RECURSIVE s(v) AS (SELECT 1 UNION ALL SELECT v + 1 FROM s WHERE v < 20000) SELECT v FROM s",
        ),
        f"DROP TABLE t{n};" if n else "",
    )
    for n in range(4)
)
EVENTS = 6_000


def fill(directory: Path) -> None:
    """A storage directory with a journal and a history that has taken it in."""
    from ampp.store.sqlite.history.historian import Historian, HistorySettings
    from tests.store.store_rows import T0, posted

    async def append() -> None:
        store = SqliteStore.open(directory)
        store.load()
        for first in range(0, EVENTS, 500):
            times = [T0 + n * SECOND for n in range(first, first + 500)]
            records = [posted(f"A{at}", at=at, starts=at, ends=T0 + HOUR * 9) for at in times]
            await store.append(records).durable()
        await store.aclose()

    trio.run(append)
    historian = Historian(directory, HistorySettings(), last_seq=EVENTS, warn=print, clock=lambda: T0 + HOUR)
    historian.start()
    while historian.health.events < EVENTS or historian.health.behind:
        time.sleep(0.05)
    historian.stop()


def deed(name: str, directory: Path) -> None:
    """What is killed; run in a process of its own."""
    if name == "migrate":
        path = directory / "steps.db"
        while True:
            open_database(path, STEPS, full=False).close()
            connection = connect(path)
            migrate_to(connection, path, 1)
            connection.close()
    elif name == "sweep":
        from ampp.store.sqlite.history import sweep
        from ampp.store.sqlite.history.schema import HISTORY

        connection = open_database(directory / "history.db", HISTORY, full=False)
        while sweep.slice_of(connection, directory / "history.db", cutoff=1 << 60, max_bytes=0, storage_bytes=1 << 40):
            time.sleep(0.005)
        sweep.shrink(connection, lambda: None)
    elif name == "backup":
        for number in range(1000):
            backup(directory, directory.parent / f"copy{number}.tar")
    elif name == "restore":
        while True:
            restore(directory.parent / "good.tar", directory, replace=True)


def rows(directory: Path) -> dict[str, int]:
    return {f"{each.name}/{table}": count for each in inspect(directory) for table, count in each.rows.items()}


def play(name: str, chance: random.Random, good: Path) -> str:
    """One round; what is wrong, or nothing."""
    with tempfile.TemporaryDirectory(prefix="ampp-keeping-") as made:
        directory = Path(made) / "data"
        shutil.copytree(good, directory)
        if name == "restore":
            backup(directory, Path(made) / "good.tar")
        before = rows(directory)
        command = [sys.executable, "-m", "tests.crash.keeping", "--deed", name, str(directory)]
        process = subprocess.Popen(
            command, cwd=ROOT, env=ampp_environment(), stdout=subprocess.PIPE, stderr=subprocess.PIPE
        )
        assert process.stdout is not None
        process.stdout.readline()
        time.sleep(chance.uniform(0, 0.5))
        process.kill()
        _, said = process.communicate()
        if said:
            return f"{name}: it failed before it was killed: {said.decode()[-500:]}"
        return _verdict(name, directory, before)


def _verdict(name: str, directory: Path, before: dict[str, int]) -> str:
    if name == "migrate":
        path = directory / "steps.db"
        connection = open_database(path, STEPS, full=False)
        version = connection.pragma("user_version")
        tables = [connection.execute(f"SELECT count(*) FROM t{n}").get for n in range(len(STEPS))]
        sound = connection.execute("PRAGMA integrity_check").get
        connection.close()
        return "" if (version, tables, sound) == (4, [20000] * 4, "ok") else f"migrate: {version} {tables} {sound}"
    if name == "restore" and (directory / "restore.pending").exists():
        restore(directory.parent / "good.tar", directory)
    broken = [f"{each.name}: {each.problems}" for each in inspect(directory) if not each.ok]
    if broken:
        return f"{name}: {broken}"
    after = rows(directory)
    if name == "sweep":
        connection = connect(directory / "history.db", readonly=True)
        orphans = connection.execute(
            "SELECT (SELECT count(*) FROM detail WHERE alert NOT IN (SELECT id FROM alert)) + "
            "(SELECT count(*) FROM label WHERE alert NOT IN (SELECT id FROM alert)) + "
            "(SELECT count(*) FROM event e WHERE NOT EXISTS (SELECT 1 FROM detail d WHERE d.alert = e.alert "
            "AND d.since <= e.id))"
        ).get
        connection.close(True)
        return f"sweep: {orphans} rows belong to nobody" if orphans else ""
    if after != before:
        return f"{name}: {before} became {after}"
    for copy in directory.parent.glob("copy*.tar"):
        try:
            check(copy)
        except BackupError as error:
            return f"backup: {copy.name} passes for a whole one: {error}"
    return ""


DEEDS = ("migrate", "sweep", "backup", "restore")


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.crash.keeping", description=__doc__)
    parser.add_argument("--rounds", type=int, default=100)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--deed", nargs=2, metavar=("NAME", "DIRECTORY"), help="do this until killed")
    chosen = parser.parse_args()
    if chosen.deed:
        print("go", flush=True)  # noqa: T201
        deed(chosen.deed[0], Path(chosen.deed[1]))
        return 0
    chance = random.Random(chosen.seed)
    wrong = []
    with tempfile.TemporaryDirectory(prefix="ampp-keeping-") as made:
        good = Path(made) / "good"
        fill(good)
        for number in range(chosen.rounds):
            try:
                found = play(DEEDS[number % len(DEEDS)], chance, good)
            except (apsw.Error, OSError) as error:
                found = f"{DEEDS[number % len(DEEDS)]}: {error!r}"
            if found:
                wrong.append(found)
                print(f"round {number}: {found}", flush=True)  # noqa: T201
    print(f"{chosen.rounds} rounds, {len(wrong)} wrong")  # noqa: T201
    return bool(wrong)


if __name__ == "__main__":
    sys.exit(main())
