"""Hold a process to a share of one core, to see what start-up is like in a small container.

Three ways, the first that works here: a cgroup v2 `cpu.max`, a cgroup v1 CFS quota, or stopping and continuing the
process 10 times a second. The first two act as a container's limit does; the third is coarser.
"""

import contextlib
import os
import signal
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

__all__ = ["Throttle", "throttled"]

_PERIOD = 100_000


class Throttle:
    """`how` says which way was found; call `enter` in the child before exec, or `grip` with its pid after."""

    def __init__(self, how: str, enter: Callable[[], None] | None, share: float) -> None:
        self.how = how
        self.enter = enter
        self._share = share
        self._done = threading.Event()

    def grip(self, pid: int) -> None:
        """Only does something when no cgroup does it."""
        if self.enter is None:
            threading.Thread(target=self._pulse, args=(pid,), daemon=True).start()

    def release(self) -> None:
        self._done.set()

    def _pulse(self, pid: int) -> None:
        with contextlib.suppress(ProcessLookupError):
            while not self._done.is_set():
                os.kill(pid, signal.SIGCONT)
                time.sleep(0.1 * self._share)
                os.kill(pid, signal.SIGSTOP)
                time.sleep(0.1 * (1 - self._share))
            os.kill(pid, signal.SIGCONT)


@contextlib.contextmanager
def throttled(share: float) -> Iterator[Throttle]:
    """A throttle to `share` of one core for the processes started inside."""
    name = f"ampp-benchmark-{os.getpid()}"
    quota = int(_PERIOD * share)
    for folder, settings, how in (
        (Path("/sys/fs/cgroup") / name, {"cpu.max": f"{quota} {_PERIOD}"}, "cgroup v2 cpu.max"),
        (
            Path("/sys/fs/cgroup/cpu") / name,
            {"cpu.cfs_period_us": str(_PERIOD), "cpu.cfs_quota_us": str(quota)},
            "cgroup v1 CFS quota",
        ),
    ):
        try:
            folder.mkdir()
        except OSError:
            continue
        try:
            if not all((folder / file).exists() for file in settings):
                continue
            for file, text in settings.items():
                (folder / file).write_text(text)
        except OSError:
            _remove(folder)
            continue
        procs = folder / "cgroup.procs"
        try:
            yield Throttle(f"{how}, {share:g} of a core", lambda procs=procs: _join(procs), share)  # type: ignore[misc]
        finally:
            _remove(folder)
        return
    throttle = Throttle(f"stopped and continued 10 times a second, {share:g} of the time running", None, share)
    try:
        yield throttle
    finally:
        throttle.release()


def _join(procs: Path) -> None:
    procs.write_text(str(os.getpid()))


def _remove(folder: Path) -> None:
    for _ in range(50):
        try:
            folder.rmdir()
        except OSError:
            time.sleep(0.05)
        else:
            return
