"""Talking with systemd: readiness, reloads, the watchdog, sockets it opened. All of it does nothing elsewhere.

Protocols: sd_notify(3), sd_watchdog_enabled(3), sd_listen_fds(3).
"""

import contextlib
import os
import socket
import time
from typing import Final

__all__ = ["SocketActivationError", "listen_sockets", "notify", "ready", "reloading", "stopping", "watchdog_interval"]

_FIRST_FD: Final = 3


class SocketActivationError(Exception):
    """systemd handed us no usable listening socket."""


def notify(state: str) -> bool:
    """Send `state` ("READY=1", several lines allowed) to the service manager; whether there was one to take it.

    Never raises: a service manager that has gone away is not our failure.
    """
    address = os.environ.get("NOTIFY_SOCKET", "")
    if not address.startswith(("/", "@")):
        return False
    # A leading @ stands for the NUL byte of Linux's abstract namespace.
    target = "\0" + address[1:] if address[0] == "@" else address
    with contextlib.suppress(OSError), socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | _cloexec()) as sock:
        sock.settimeout(1)
        sock.sendto(state.encode(), target)
        return True
    return False


def _cloexec() -> int:
    return getattr(socket, "SOCK_CLOEXEC", 0)


def ready(status: str = "") -> bool:
    """Startup, or a reload announced with `reloading`, is finished."""
    return notify("READY=1" + (f"\nSTATUS={_line(status)}" if status else ""))


def reloading() -> bool:
    """A reload has begun; `ready` must follow, also when it fails (Type=notify-reload waits for it)."""
    return notify(f"RELOADING=1\nMONOTONIC_USEC={time.clock_gettime_ns(time.CLOCK_MONOTONIC) // 1000}")


def stopping() -> bool:
    return notify("STOPPING=1")


def watchdog_interval() -> int | None:
    """Nanoseconds within which `notify("WATCHDOG=1")` is expected again and again; None when there is no watchdog."""
    pid = os.environ.get("WATCHDOG_PID", "")
    if pid and pid != str(os.getpid()):
        return None
    try:
        micros = int(os.environ.get("WATCHDOG_USEC", ""))
    except ValueError:
        return None
    return micros * 1000 if micros > 0 else None


def listen_sockets() -> list[socket.socket]:
    """The sockets systemd listens on for us, in the unit's order. Raises SocketActivationError when there are none.

    The environment that announces them is cleared, so that no child takes them for its own.
    """
    pid, count = os.environ.pop("LISTEN_PID", ""), os.environ.pop("LISTEN_FDS", "")
    os.environ.pop("LISTEN_FDNAMES", None)
    if pid != str(os.getpid()) or not count.isdecimal() or int(count) < 1:
        raise SocketActivationError("no socket activation file descriptors found")
    sockets = []
    for fd in range(_FIRST_FD, _FIRST_FD + int(count)):
        try:
            sock = socket.socket(fileno=fd)
            os.set_inheritable(fd, False)
            sock.setblocking(False)
        except OSError as error:
            raise SocketActivationError(f"file descriptor {fd} from socket activation: {error.strerror}") from error
        sockets.append(sock)
    return sockets


def _line(text: str) -> str:
    return " ".join(text.splitlines())
