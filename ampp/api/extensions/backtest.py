"""POST /config/backtest: try a configuration on recorded history, in a process of its own (`ampp.history.job`).

One backtest runs at a time. Its state is asked for with GET …/{id}, which also says that somebody still waits: one that
nobody asks about is given up, as is one that is deleted. The last one stays until the next begins.
"""

import os
import subprocess
import tempfile
import time
import uuid
from collections.abc import Sequence
from typing import Any, Final

import msgspec
import trio

from ampp.api.extensions.answer import Ask, Route, answer, failure
from ampp.api.extensions.backtest_contract import CONTRACT
from ampp.api.extensions.history import guarded, only
from ampp.api.reply import Reply
from ampp.core.clock import HOUR
from ampp.core.duration import DurationError, parse_prometheus
from ampp.core.timestamp import TimestampError, parse_rfc3339
from ampp.history.error import FieldError
from ampp.history.job import ABANDONED, Request, command, prepare
from ampp.live import Live

__all__ = ["BacktestApi"]

_SINCE: Final = 7 * 24 * HOUR
_CHUNK: Final = 1 << 20


class _Asked(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The body. `since`: a duration before now, or a time as in RFC 3339."""

    config: str
    baseline: str = ""
    since: str = ""
    match: tuple[str, ...] = ()
    examples: int = 5


class BacktestApi:
    """The handlers, and the one job there may be."""

    def __init__(self, live: Live) -> None:
        self._live: Final = live
        self._job: _Job | None = None
        self._starting: Final = trio.Lock()

    def routes(self) -> tuple[Route, ...]:
        one = "config/backtest/{id}"
        return (
            Route("POST", "config/backtest", guarded(self.start), CONTRACT["start"]),
            Route("GET", one, guarded(self.show), CONTRACT["show"]),
            Route("DELETE", one, guarded(self.cancel), CONTRACT["cancel"]),
        )

    async def start(self, ask: Ask) -> Reply:
        """Begin a backtest; its state, whose id is what to ask for."""
        only(ask.parameters)
        try:
            asked = msgspec.json.decode(ask.body, type=_Asked)
        except (msgspec.MsgspecError, UnicodeDecodeError) as error:
            raise FieldError("body", str(error)) from None
        request = Request(
            directory=os.path.abspath(self._live.options.storage_path),
            config=asked.config,
            baseline=asked.baseline,
            since=_since(asked.since, self._live.now().wall),
            match=asked.match,
            examples=asked.examples,
        )
        await trio.to_thread.run_sync(prepare, request)
        async with self._starting:
            if self._job is not None and self._job.state()["state"] == "running":
                return failure(ask, "CONFLICT", f"another backtest is running: {self._job.id}")
            if self._job is not None:
                self._job.close()
            self._job = await trio.to_thread.run_sync(_Job, request)
            return answer(ask, self._job.state())

    async def show(self, ask: Ask) -> Reply:
        """How far it is, or what came of it."""
        only(ask.parameters)
        job = self._job
        if job is None or job.id != ask.path["id"]:
            return _unknown(ask)
        job.wanted()
        return answer(ask, job.state())

    async def cancel(self, ask: Ask) -> Reply:
        """Give it up."""
        only(ask.parameters)
        job = self._job
        if job is None or job.id != ask.path["id"]:
            return _unknown(ask)
        job.cancel()
        return answer(ask, job.state())


def _unknown(ask: Ask) -> Reply:
    return failure(ask, "NOT_FOUND", f"there is no backtest {ask.path['id']}: only the last one is kept")


def _since(text: str, now: int) -> int:
    if not text:
        return now - _SINCE
    try:
        return now - parse_prometheus(text)
    except DurationError:
        pass
    try:
        return parse_rfc3339(text)[0]
    except TimestampError:
        raise FieldError("since", "must be a duration such as 7d, or a time as in RFC 3339", text) from None


class _Job:
    """One child and what it has said so far. Made in a thread."""

    def __init__(self, request: Request) -> None:
        self.id: Final = str(uuid.uuid4())
        self._began: Final = time.monotonic()
        self._output: Final = _scratch()
        self._read = 0
        self._rest = b""
        self._canceled = False
        self._state: dict[str, Any] = {"state": "running", "done": 0, "all": 0, "error": None, "report": None}
        arguments, program, environment = command()
        self._child = _spawn(arguments, program, environment, self._output)
        assert self._child.stdin is not None
        self._child.stdin.write(msgspec.json.encode(request) + b"\n")
        self._child.stdin.flush()

    def wanted(self) -> None:
        """Tell the child that somebody still waits."""
        if self._state["state"] == "running" and self._child.stdin is not None:
            try:
                os.write(self._child.stdin.fileno(), b".")
            except OSError:
                # It has just ended.
                return

    def cancel(self) -> None:
        if self.state()["state"] == "running":
            self._canceled = True
            self._child.kill()
            self._child.wait()

    def state(self) -> dict[str, Any]:
        """The job as the API shows it."""
        if self._state["state"] == "running":
            over = self._child.poll() is not None
            self._listen()
            if over and self._state["state"] == "running":
                word = "canceled" if self._canceled or self._child.returncode == ABANDONED else "failed"
                error = None if word == "canceled" else f"the process ended with status {self._child.returncode}"
                self._state.update(state=word, error=error)
        return {"id": self.id, **self._state}

    def close(self) -> None:
        os.close(self._output)
        if self._child.stdin is not None:
            self._child.stdin.close()

    def _listen(self) -> None:
        while data := os.pread(self._output, _CHUNK, self._read):
            self._read += len(data)
            *lines, self._rest = (self._rest + data).split(b"\n")
            for line in lines:
                said = msgspec.json.decode(line, type=dict[str, msgspec.Raw])
                if "report" in said:
                    self._state.update(state="done", done=self._state["all"], report=said["report"])
                elif "error" in said:
                    self._state.update(state="failed", error=msgspec.json.decode(said["error"]))
                else:
                    self._state.update({name: msgspec.json.decode(value) for name, value in said.items()})


def _scratch() -> int:
    """A file without a name for what the child says: in memory where the system can."""
    if hasattr(os, "memfd_create"):
        return os.memfd_create("backtest")
    with tempfile.TemporaryFile() as file:
        return os.dup(file.fileno())


def _spawn(arguments: Sequence[str], program: str, environment: dict[str, str], output: int) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        arguments,
        executable=program,
        env=environment,
        stdin=subprocess.PIPE,
        stdout=output,
        stderr=subprocess.DEVNULL,
        close_fds=True,
    )
