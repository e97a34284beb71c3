"""A backup taken while alerts come in as fast as they go, restored elsewhere."""

import threading
from pathlib import Path

from ampp.store.sqlite.backup import backup, restore
from ampp.store.sqlite.care import inspect
from tests.support.daemon import Daemon, ampp_command

CONFIG = "route: {receiver: nobody}\nreceivers: [{name: nobody}]\n"


def counts(directory: Path) -> dict[str, dict[str, int]]:
    found = inspect(directory)
    assert [each.problems for each in found if not each.ok] == []
    return {each.name: each.rows for each in found}


def test_a_backup_under_load_holds_what_was_acknowledged_before_it(tmp_path: Path) -> None:
    acknowledged: list[str] = []
    over = threading.Event()

    def work(daemon: Daemon) -> None:
        api, first = daemon.api(), 0
        while not over.is_set():
            names = [f"a{number}" for number in range(first, first + 50)]
            assert api.post_alerts([{"labels": {"alertname": name}} for name in names]).status == 200
            acknowledged.extend(names)
            first += 50

    with Daemon(ampp_command(), CONFIG, storage=tmp_path / "data") as daemon:
        worker = threading.Thread(target=work, args=(daemon,))
        worker.start()
        try:
            taken = []
            for number in range(3):
                while len(acknowledged) < 500 * (number + 1):
                    assert worker.is_alive()
                    over.wait(0.01)
                before = set(acknowledged)
                backup(tmp_path / "data", tmp_path / f"copy{number}.tar")
                taken.append((before, tmp_path / f"copy{number}.tar"))
        finally:
            over.set()
            worker.join()
        for before, copy in taken:
            restore(copy, tmp_path / copy.stem)
            assert counts(tmp_path / copy.stem)["alerts.db"]["journal"] >= len(before) / 50
        daemon.kill()
    backup(tmp_path / "data", tmp_path / "last")
    restore(tmp_path / "last", tmp_path / "elsewhere")
    assert counts(tmp_path / "elsewhere") == counts(tmp_path / "data")

    before, copy = taken[-1]
    with Daemon(ampp_command(), CONFIG, storage=tmp_path / copy.stem) as daemon:
        listed = {alert["labels"]["alertname"] for alert in daemon.api().alerts()}
        assert before <= listed <= set(acknowledged)
        assert "Traceback" not in daemon.log
