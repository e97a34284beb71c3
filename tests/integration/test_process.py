"""The daemon as a process: how it comes up, what it tells systemd, how it ends."""

import os
import re
import signal
import socket
import subprocess
import sys
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
CONFIG = "route: {receiver: nobody}\nreceivers: [{name: nobody}]\n"
MAIN = "import sys; sys.argv[0] = 'alertmanager'; from ampp_cli.main import main; sys.exit(main())"
# The process that execs into the daemon keeps its pid, so LISTEN_PID can be told beforehand.
ACTIVATE = (
    "import os, sys; os.dup2(int(sys.argv[1]), 3); os.environ['LISTEN_PID'] = str(os.getpid());"
    " os.environ['LISTEN_FDS'] = '1'; os.execv(sys.executable, [sys.executable, *sys.argv[2:]])"
)

Start = Callable[..., subprocess.Popen[str]]


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    running: list[subprocess.Popen[str]] = []
    (tmp_path / "am.yml").write_text(CONFIG)

    def run(
        *words: str,
        config: Path = tmp_path / "am.yml",
        environment: dict[str, str] | None = None,
        fd: int | None = None,
    ) -> subprocess.Popen[str]:
        program = ["-c", MAIN, f"--config.file={config}"]
        program += [f"--storage.path={tmp_path / 'data'}", *words]
        if fd is not None:
            program = ["-c", ACTIVATE, str(fd), *program]
        # What the environment says to other daemons is not for this one.
        clean = {k: v for k, v in os.environ.items() if not k.startswith(("AMPP_", "NOTIFY_", "LISTEN_", "WATCHDOG_"))}
        process = subprocess.Popen(
            [sys.executable, *program],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
            pass_fds=[] if fd is None else [fd],
            env=clean | {"PYTHONPATH": f"{ROOT}:{ROOT / 'cli'}"} | (environment or {}),
        )
        running.append(process)
        return process

    yield run
    for process in running:
        process.kill()
        process.communicate()


def address(process: subprocess.Popen[str]) -> str:
    """The address of the "Listening on" line, as upstream's harness finds it."""
    assert process.stderr is not None
    seen = []
    for line in process.stderr:
        seen.append(line)
        if "Listening on" in line:
            found = re.search(r"address=([^\s]+)", line)
            assert found is not None
            return found[1]
    raise AssertionError("never listened:\n" + "".join(seen))


def get(where: str, path: str) -> str:
    with urllib.request.urlopen(f"http://{where}{path}", timeout=30) as answer:
        return str(answer.read().decode())


def end(process: subprocess.Popen[str]) -> tuple[int, str]:
    _, said = process.communicate(timeout=60)
    return process.returncode, said


LOCAL = ("--web.listen-address=127.0.0.1:0", "--cluster.listen-address=127.0.0.1:0", "--cluster.settle-timeout=0s")


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGINT])
def test_it_serves_and_stops_gracefully(start: Start, how: signal.Signals) -> None:
    process = start(*LOCAL, "--log.level=debug")
    where = address(process)
    assert get(where, "/-/ready") == "OK"
    assert "alertmanager_build_info{" in get(where, "/metrics")
    process.send_signal(how)
    status, said = end(process)
    assert status == 0
    assert 'msg="Received shutdown signal, exiting gracefully..."' in said


def test_systemd_is_told(start: Start, tmp_path: Path) -> None:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        manager.bind(str(tmp_path / "notify"))
        manager.settimeout(60)
        process = start(*LOCAL, environment={"NOTIFY_SOCKET": str(tmp_path / "notify"), "WATCHDOG_USEC": "900000"})
        told = [manager.recv(4096).decode()]
        while not told[-1].startswith("READY=1"):
            told.append(manager.recv(4096).decode())
        assert get(address(process), "/-/ready") == "OK"
        while told[-1] != "WATCHDOG=1":
            told.append(manager.recv(4096).decode())
        process.send_signal(signal.SIGHUP)
        while not told[-1].startswith("RELOADING=1\nMONOTONIC_USEC="):
            told.append(manager.recv(4096).decode())
        while not told[-1].startswith("READY=1"):
            told.append(manager.recv(4096).decode())
        process.terminate()
        while told[-1] != "STOPPING=1":
            told.append(manager.recv(4096).decode())
        assert end(process)[0] == 0


def test_it_serves_on_a_socket_handed_over(start: Start) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        process = start("--web.systemd-socket", "--cluster.listen-address=", fd=server.fileno())
        where = address(process)
        assert where == f"127.0.0.1:{server.getsockname()[1]}"
        assert get(where, "/-/healthy") == "OK"
        process.terminate()
        assert end(process)[0] == 0


def test_another_peer_stops_the_start(start: Start) -> None:
    status, said = end(start(*LOCAL, "--cluster.peer=192.0.2.1:9094"))
    assert status == 1
    last = said.splitlines()[-1]
    assert "level=ERROR" in last
    assert "cluster.allow_unshared: true" in last


def test_another_peer_is_allowed_when_asked_for(start: Start) -> None:
    process = start(*LOCAL, "--cluster.peer=192.0.2.1:9094", environment={"AMPP_CLUSTER_ALLOW_UNSHARED": "true"})
    assert "alertmanager_cluster_members 1\n" in get(address(process), "/metrics")


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--config.file=/nonexist"], "flag 'config.file' cannot be repeated"),
        (["--ampp.config.file=/nonexist"], "open /nonexist: no such file or directory"),
        (["--web.external-url=ftp://x"], 'invalid \\"ftp\\" scheme'),
    ],
)
def test_what_stops_the_start(start: Start, words: list[str], message: str) -> None:
    status, said = end(start(*LOCAL, *words))
    assert status == 1
    assert message in said.splitlines()[-1]


def test_a_configuration_that_cannot_be_used(start: Start, tmp_path: Path) -> None:
    (tmp_path / "bad.yml").write_text("route: {receiver: nope}\nreceivers: [{name: a}]\n")
    status, said = end(start(*LOCAL, config=tmp_path / "bad.yml"))
    assert status == 1
    assert re.search(r'msg="Loading configuration file failed" component=configuration file=\S+bad\.yml err=', said)
    assert "Listening on" not in said


def test_a_storage_path_that_cannot_be_made(start: Start, tmp_path: Path) -> None:
    (tmp_path / "data").write_text("in the way")
    status, said = end(start(*LOCAL))
    assert status == 1
    assert f"unable to create data directory: mkdir {tmp_path / 'data'}: file exists" in said.splitlines()[-1]


def test_a_part_loaded_after_the_start_that_cannot_be_loaded(start: Start, tmp_path: Path) -> None:
    (tmp_path / "quart_trio.py").write_text("raise ImportError('broken for a test')\n")
    paths = f"{tmp_path}:{ROOT}:{ROOT / 'cli'}"
    status, said = end(start(*LOCAL, environment={"PYTHONPATH": paths}))
    assert status == 1
    assert "broken for a test" in said.splitlines()[-1]
