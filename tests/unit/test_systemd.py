"""The service manager's protocols, spoken with real sockets."""

import os
import re
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from ampp.observe import systemd


@pytest.fixture(autouse=True)
def _no_service_manager(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("NOTIFY_SOCKET", "WATCHDOG_USEC", "WATCHDOG_PID", "LISTEN_PID", "LISTEN_FDS", "LISTEN_FDNAMES"):
        monkeypatch.delenv(name, raising=False)


def listener(address: str) -> socket.socket:
    sock = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    sock.bind(address)
    sock.settimeout(5)
    return sock


def test_nobody_to_notify() -> None:
    assert systemd.ready() is False


def test_a_manager_that_is_gone(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("NOTIFY_SOCKET", str(tmp_path / "none"))
    assert systemd.ready() is False


@pytest.mark.parametrize(
    "kind",
    [
        "path",
        pytest.param(
            "abstract", marks=pytest.mark.skipif(sys.platform != "linux", reason="abstract socket names are Linux's")
        ),
    ],
)
def test_states(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, kind: str) -> None:
    name = str(tmp_path / "notify") if kind == "path" else f"@ampp-test-{os.getpid()}"
    monkeypatch.setenv("NOTIFY_SOCKET", name)
    with listener("\0" + name[1:] if kind == "abstract" else name) as manager:
        assert systemd.ready("serving\non :9093")
        assert manager.recv(999) == b"READY=1\nSTATUS=serving on :9093"
        assert systemd.reloading()
        assert re.fullmatch(rb"RELOADING=1\nMONOTONIC_USEC=[1-9][0-9]*", manager.recv(999))
        assert systemd.stopping()
        assert manager.recv(999) == b"STOPPING=1"


def test_no_watchdog() -> None:
    assert systemd.watchdog_interval() is None


@pytest.mark.parametrize(
    ("usec", "pid", "expected"),
    [("30000000", "", 30 * 10**9), ("1", "me", 1000), ("30000000", "1", None), ("x", "", None), ("0", "", None)],
)
def test_the_watchdogs_interval(monkeypatch: pytest.MonkeyPatch, usec: str, pid: str, expected: int | None) -> None:
    monkeypatch.setenv("WATCHDOG_USEC", usec)
    monkeypatch.setenv("WATCHDOG_PID", str(os.getpid()) if pid == "me" else pid)
    assert systemd.watchdog_interval() == expected


@pytest.mark.parametrize(("pid", "count"), [("1", "1"), ("me", "0"), ("me", ""), ("", "")])
def test_no_sockets_for_us(monkeypatch: pytest.MonkeyPatch, pid: str, count: str) -> None:
    monkeypatch.setenv("LISTEN_PID", str(os.getpid()) if pid == "me" else pid)
    monkeypatch.setenv("LISTEN_FDS", count)
    with pytest.raises(systemd.SocketActivationError, match="no socket activation file descriptors found"):
        systemd.listen_sockets()


ACTIVATED = """
import os, sys
os.dup2(int(sys.argv[1]), 3)
os.environ.update(LISTEN_PID=str(os.getpid()), LISTEN_FDS="1", LISTEN_FDNAMES="http")
from ampp.observe.systemd import listen_sockets
(sock,) = listen_sockets()
left = [name for name in os.environ if name.startswith("LISTEN_")]
print(sock.getsockname()[1], sock.getblocking(), os.get_inheritable(3), left)
"""


def test_a_socket_handed_over() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        fd = server.fileno()
        done = subprocess.run(
            [sys.executable, "-c", ACTIVATED, str(fd)],
            pass_fds=[fd],
            capture_output=True,
            text=True,
            timeout=60,
            check=True,
        )
        assert done.stdout == f"{server.getsockname()[1]} False False []\n"
