"""The usual queries: the same with and without click, and without a slow import."""

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from ampp_cli import own, usual
from ampp_cli.alert.search import OPTIONS as ALERT_OPTIONS
from ampp_cli.defaults import KNOWN
from ampp_cli.option import plain
from ampp_cli.output import OPTIONS as OUTPUT_OPTIONS
from ampp_cli.output import WATCH
from ampp_cli.server import OPTIONS as SERVER_OPTIONS
from tests.support import Daemon, ampp_command

CONFIG = "route: {receiver: team-x, group_wait: 1h}\nreceivers: [{name: team-x}]\n"
ROOT = Path(__file__).parents[2]
SLOW = {"click", "contextlib", "json", "re", "socket", "typing"}


@pytest.fixture(scope="module")
def daemon() -> Iterator[Daemon]:
    with Daemon(ampp_command(), CONFIG) as running:
        api = running.api()
        api.wait_ready()
        labels = ({"alertname": "Disk", "instance": "db1"}, {"alertname": "Load", "instance": "wéb\n1", "job": "node"})
        api.post_alerts(
            [
                {"labels": one, "startsAt": "2026-01-01T00:00:00Z", "endsAt": "2095-01-01T00:00:00Z", "annotations": {}}
                for one in labels
            ]
        )
        yield running


@pytest.fixture(autouse=True)
def surroundings(daemon: Daemon, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("AMPP_URL", daemon.url)
    KNOWN.clear()


@pytest.mark.parametrize(
    "line",
    [
        "alert query",
        "alert query Disk",
        "alert query alertname=Disk",
        "alert query instance=~db.* -o wide",
        "alert query -A --output=json",
        "alert query -o name --color always",
        "alert query -o jsonl --no-headers -r team-.*",
        "alert query nothing=here",
        "alert query --timeout 5s -o yaml",
        "silence query",
        "silence query -e -q",
        "silence query --created-by ops",
        "alert query --url=http://127.0.0.1:1",
        "alert query --url http://127.0.0.1:1/prefix",
        "alert query -r (",
    ],
)
def test_the_same_as_click(line: str, capsys: pytest.CaptureFixture[str]) -> None:
    words = line.split()
    answered = usual.answer(words)
    directly = capsys.readouterr()
    by_click = own.main(words)
    assert (answered, directly) == (by_click, capsys.readouterr())


@pytest.mark.parametrize(
    "line",
    [
        "alert query --help",
        "alert query -Ai",
        "alert query -ojson",
        "alert query -o nonsense",
        "alert query --outpu json",
        "alert query -o",
        "alert query -o -A",
        "alert query --active=1",
        "alert query -- Disk",
        "alert query {a=b}",
        "alert query -w",
        "alert query --interval 0",
        "alert query --http.config.file /dev/null",
        "alert query --timeout soon",
        "alert query --url ftp://x",
        "silence query --within 1h",
        "silence query --id abc",
        "alert add Disk",
        "--version",
        "",
    ],
)
def test_left_to_click(line: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert usual.answer(line.split()) is None
    assert capsys.readouterr() == ("", "")


def test_files_of_defaults(tmp_path: Path, daemon: Daemon, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("AMPP_URL")
    options = (*ALERT_OPTIONS, *OUTPUT_OPTIONS, *WATCH, *SERVER_OPTIONS)
    file = tmp_path / ".config/ampp/config.yml"
    file.parent.mkdir(parents=True)
    file.write_text(f"url: {daemon.url}\noutput: name\n")
    read = plain(options, ["Disk"])
    assert read is not None
    values, words = read
    assert (values["url"], values["form"], words) == (daemon.url, "name", ["Disk"])
    for unusual in ("output: nonsense\n", "http.config.file: /etc/http.yml\n", "- a list\n"):
        KNOWN.clear()
        file.write_text(unusual)
        assert plain(options, ["Disk"]) is None


@pytest.mark.parametrize("program", ["ampp", "amtool"])
def test_nothing_slow_is_imported(program: str, daemon: Daemon) -> None:
    where = [str(ROOT), str(ROOT / "cli")]
    code = f"import sys; sys.path[:0] = {where}; sys.argv[0] = {program!r}; from ampp_cli.main import main; main()"
    query = ["alert", "query", f"--alertmanager.url={daemon.url}", "alertname=Disk"]
    command = [sys.executable, "-I", "-S", "-X", "importtime", "-c", code, *query]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (done.returncode, "Disk" in done.stdout) == (0, True), done.stderr
    imported = {line.rpartition("|")[2].strip() for line in done.stderr.splitlines()}
    assert "ampp_cli.remote.wire" in imported
    assert not imported & SLOW
