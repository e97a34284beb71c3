"""Run in a network namespace of its own by `test_ipv4_only.py`: a daemon with its default addresses on a host without
IPv6, an alert to it, a webhook from it. With `absent` the system knows no IPv6 at all, otherwise it is switched off."""

import ctypes
import errno
import fcntl
import platform
import socket
import struct
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from tests.support.api import Api
from tests.support.daemon import ampp_command, ampp_environment
from tests.support.sink import Sink

SIOCGIFFLAGS, SIOCSIFFLAGS, IFF_UP = 0x8913, 0x8914, 1
PR_SET_NO_NEW_PRIVS, PR_SET_SECCOMP, SECCOMP_MODE_FILTER = 38, 22, 2
SOCKET_CALL = {"x86_64": (0xC000003E, 41), "aarch64": (0xC00000B7, 198)}


def loopback_up() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        request = struct.pack("16sh14x", b"lo", 0)
        flags = struct.unpack("16sh14x", fcntl.ioctl(sock, SIOCGIFFLAGS, request))[1]
        fcntl.ioctl(sock, SIOCSIFFLAGS, struct.pack("16sh14x", b"lo", flags | IFF_UP))


def switch_off() -> None:
    for name in ("all", "default", "lo"):
        path = Path(f"/proc/sys/net/ipv6/conf/{name}/disable_ipv6")
        if path.exists():
            path.write_text("1")


def forget() -> None:
    """From here on, in this process and its children, the kernel has no IPv6 sockets (seccomp)."""
    arch, call = SOCKET_CALL[platform.machine()]
    load, equal, answer = 0x20, 0x15, 0x06
    program = b"".join(
        struct.pack("HBBI", *line)
        for line in (
            (load, 0, 0, 4),
            (equal, 0, 5, arch),
            (load, 0, 0, 0),
            (equal, 0, 3, call),
            (load, 0, 0, 16),
            (equal, 0, 1, socket.AF_INET6),
            (answer, 0, 0, 0x00050000 | errno.EAFNOSUPPORT),
            (answer, 0, 0, 0x7FFF0000),
        )
    )
    lines = ctypes.create_string_buffer(program)
    header = struct.pack("HxxxxxxQ", len(program) // 8, ctypes.addressof(lines))
    prctl = ctypes.CDLL(None, use_errno=True).prctl
    if prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) or prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, header, 0, 0):
        raise OSError(ctypes.get_errno(), "no seccomp here")


def no_ipv6(absent: bool) -> None:
    """See to it that the test would fail if there were IPv6."""
    try:
        with socket.socket(socket.AF_INET6) as sock:
            sock.bind(("::1", 0))
    except OSError as error:
        if error.errno != (errno.EAFNOSUPPORT if absent else errno.EADDRNOTAVAIL):
            raise
    else:
        raise AssertionError("there is IPv6")


def main(absent: bool) -> None:
    loopback_up()
    switch_off()
    if absent:
        forget()
    no_ipv6(absent)
    with tempfile.TemporaryDirectory(prefix="ampp-test-") as folder, Sink() as sink:
        config = Path(folder) / "alertmanager.yml"
        config.write_text(
            "route: {receiver: a, group_wait: 50ms}\n"
            f"receivers: [{{name: a, webhook_configs: [{{url: 'http://localhost:{sink.port}/hook'}}]}}]\n"
        )
        log = Path(folder) / "log"
        with log.open("wb") as out:
            command = [*ampp_command(), f"--config.file={config}", f"--storage.path={folder}/data"]
            daemon = subprocess.Popen(command, stderr=out, env=ampp_environment())
        try:
            deadline = time.monotonic() + 30
            while "Listening on" not in log.read_text():
                assert daemon.poll() is None, log.read_text()
                assert time.monotonic() < deadline, log.read_text()
                time.sleep(0.05)
            for host in ("127.0.0.1", "localhost"):
                assert Api(host, 9093).post_alerts([{"labels": {"alertname": host}}]).status == 200
            deliveries = sink.wait(lambda all_of_them: sum(len(d.payload["alerts"]) for d in all_of_them) >= 2, 30)
            assert all(delivery.path == "/hook" for delivery in deliveries)
            daemon.terminate()
            assert daemon.wait(30) == 0, log.read_text()
            assert "Traceback" not in log.read_text(), log.read_text()
        finally:
            daemon.kill()
            daemon.wait()


if __name__ == "__main__":
    main("absent" in sys.argv)
