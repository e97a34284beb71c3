"""Start and stop a daemon: ampp, or a real Alertmanager, on ports the system picks.

A `Daemon` owns one process at a time and one storage folder for its whole life, so it can be killed and started
again on the same state. It learns its port from the `Listening on` line on stderr, exactly as operators' tools do.
"""

import importlib.util
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from types import TracebackType

from tests.support.api import Api

__all__ = ["ROOT", "Daemon", "DaemonError", "ampp_command", "ampp_environment", "ampp_missing", "real_binary"]

ROOT = Path(__file__).resolve().parents[2]

_LISTENING = re.compile(r"Listening on.*?address=(\S+)")


class DaemonError(Exception):
    """The process did not do what was asked: did not start, or did not stop in time."""


def ampp_command() -> list[str]:
    """The command line that is ampp's `run`, from this working tree.

    `AMPP_UNDER_TEST` (a command, split at spaces) overrides it, to prove a packaged build instead.
    """
    override = os.environ.get("AMPP_UNDER_TEST")
    if override:
        return [*override.split(), "run"]
    return [sys.executable, "-c", "import sys; from ampp_cli.main import main; sys.exit(main())", "run"]


def ampp_environment() -> dict[str, str]:
    """The process environment in which `ampp_command` finds this working tree's packages."""
    path = os.pathsep.join([str(ROOT), str(ROOT / "cli"), os.environ.get("PYTHONPATH", "")]).strip(os.pathsep)
    return {**os.environ, "PYTHONPATH": path}


def ampp_missing() -> str | None:
    """Why ampp cannot be started here, or None when it can."""
    if os.environ.get("AMPP_UNDER_TEST"):
        return None
    for module in ("ampp.daemon", "ampp_cli.main"):
        try:
            found = importlib.util.find_spec(module) is not None
        except ModuleNotFoundError:
            found = False
        if not found:
            return f"no module {module}"
    return None


def real_binary(name: str) -> str | None:
    """The path of an installed `prometheus-alertmanager`, `amtool` or `prometheus`, or None."""
    return shutil.which(name)


class Daemon:
    """One daemon under test.

    Args:
        command: the program and its first arguments (`ampp_command()`, or `["/usr/bin/prometheus-alertmanager"]`).
        config: the text of alertmanager.yml.
        storage: where it keeps its state; a temporary folder, removed with the daemon, when None.
        arguments: further flags, after the standard ones.
        cluster: whether HA is left on (on a port the system picks); off by default, as it costs two sockets.

    Use it as a context manager: leaving kills what still runs.
    """

    def __init__(
        self,
        command: Sequence[str],
        config: str,
        *,
        storage: Path | None = None,
        arguments: Sequence[str] = (),
        cluster: bool = False,
        prefix: Sequence[str] = (),
        environment: dict[str, str] | None = None,
        before_exec: Callable[[], None] | None = None,
    ) -> None:
        self.command = list(command)
        self.folder = Path(tempfile.mkdtemp(prefix="ampp-test-"))
        self.storage = storage or self.folder / "data"
        self.config_file = self.folder / "alertmanager.yml"
        self.config_file.write_text(config)
        self.arguments = list(arguments)
        self.cluster = cluster
        self.prefix = list(prefix)
        self.environment = environment if environment is not None else ampp_environment()
        self.address = ""
        self.ready_seconds = 0.0
        self._before_exec = before_exec
        self._process: subprocess.Popen[str] | None = None
        self._lines: list[str] = []
        self._news = threading.Condition()
        self._reader: threading.Thread | None = None
        self._clients: list[Api] = []

    def __enter__(self) -> "Daemon":
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    @property
    def url(self) -> str:
        """The base URL, without a trailing slash."""
        return f"http://{self.address}"

    @property
    def host(self) -> str:
        return self.address.rpartition(":")[0].strip("[]")

    @property
    def port(self) -> int:
        return int(self.address.rpartition(":")[2])

    @property
    def pid(self) -> int:
        if self._process is None:
            raise DaemonError("not running")
        return self._process.pid

    @property
    def log(self) -> str:
        """Everything written to stderr since the first start."""
        with self._news:
            return "".join(self._lines)

    def start(self, timeout: float = 20.0) -> None:
        """Start the process and wait for its `Listening on` line.

        Raises:
            DaemonError: it exited or said nothing within `timeout` seconds; the message carries its last lines.
        """
        arguments = [
            *self.prefix,
            *self.command,
            f"--config.file={self.config_file}",
            f"--storage.path={self.storage}",
            f"--web.listen-address={self.address or '127.0.0.1:0'}",
            f"--cluster.listen-address={'127.0.0.1:0' if self.cluster else ''}",
            *(["--cluster.settle-timeout=0s"] if self.cluster else []),
            *self.arguments,
        ]
        began = time.monotonic()
        self._process = subprocess.Popen(
            arguments,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
            errors="replace",
            env=self.environment,
            preexec_fn=self._before_exec,
        )
        seen = len(self._lines)
        self._reader = threading.Thread(target=self._read, args=(self._process,), daemon=True)
        self._reader.start()
        deadline = began + timeout
        with self._news:
            while True:
                for line in self._lines[seen:]:
                    found = _LISTENING.search(line)
                    if found:
                        self.address = found.group(1).strip('"')
                        self.ready_seconds = time.monotonic() - began
                        return
                seen = len(self._lines)
                left = deadline - time.monotonic()
                if left <= 0 or self._process.poll() is not None:
                    break
                self._news.wait(min(left, 0.2))
        code = self._process.poll()
        self.kill()
        tail = self.log[-3000:]
        raise DaemonError(f"no `Listening on` line (exit code {code}) from {' '.join(arguments)}\n{tail}")

    def _read(self, process: subprocess.Popen[str]) -> None:
        assert process.stderr is not None
        for line in process.stderr:
            with self._news:
                self._lines.append(line)
                self._news.notify_all()
        with self._news:
            self._news.notify_all()

    def wait_log(self, text: str, timeout: float = 5.0, *, after: int = 0) -> None:
        """Wait until stderr contains `text` at or after character `after`."""
        deadline = time.monotonic() + timeout
        with self._news:
            while text not in "".join(self._lines)[after:]:
                left = deadline - time.monotonic()
                if left <= 0:
                    raise DaemonError(f"{text!r} never came on stderr:\n{''.join(self._lines)[-3000:]}")
                self._news.wait(left)

    def signal(self, number: int) -> None:
        os.kill(self.pid, number)

    def reload(self, config: str) -> None:
        """Rewrite the config file and send SIGHUP; the caller waits for the effect."""
        self.config_file.write_text(config)
        self.signal(signal.SIGHUP)

    def stop(self, timeout: float = 20.0) -> int:
        """SIGTERM, then wait. Returns the exit code."""
        assert self._process is not None
        self._process.terminate()
        try:
            code = self._process.wait(timeout)
        except subprocess.TimeoutExpired:
            tail = self.log[-3000:]
            self.kill()
            raise DaemonError(f"did not stop within {timeout} s of SIGTERM:\n{tail}") from None
        self._join()
        return code

    def kill(self) -> None:
        """SIGKILL, and wait until the process is gone. Fine on one that already is."""
        if self._process is not None:
            if self._process.poll() is None:
                self._process.kill()
            self._process.wait()
            self._join()

    def _join(self) -> None:
        if self._reader is not None:
            self._reader.join(5)
        if self._process is not None and self._process.stderr is not None:
            self._process.stderr.close()

    def api(self, timeout: float = 30.0) -> Api:
        """A client of the running daemon, closed with it. One per thread."""
        client = Api(self.host, self.port, timeout=timeout)
        self._clients.append(client)
        return client

    def close(self) -> None:
        """Kill what runs, close the clients and remove the temporary folder."""
        self.kill()
        for client in self._clients:
            client.close()
        shutil.rmtree(self.folder, ignore_errors=True)

    def resident_bytes(self) -> int:
        """Resident memory of the process and its children."""
        total = 0
        for pid in _family(self.pid):
            try:
                pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
            except (FileNotFoundError, ProcessLookupError):
                continue
            total += pages * os.sysconf("SC_PAGE_SIZE")
        return total

    def cpu_seconds(self) -> float:
        """User and system time spent by the process and its children so far."""
        ticks = 0
        for pid in _family(self.pid):
            try:
                fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
            except (FileNotFoundError, ProcessLookupError):
                continue
            ticks += int(fields[11]) + int(fields[12])
        return ticks / os.sysconf("SC_CLK_TCK")


def _family(pid: int) -> list[int]:
    found = [pid]
    for parent in found:
        for listing in Path(f"/proc/{parent}/task").glob("*/children"):
            try:
                found += [int(child) for child in listing.read_text().split()]
            except (FileNotFoundError, ProcessLookupError):
                continue
    return found
