"""A backtest in a process of its own: beside a daemon, at low priority, so that neither its memory nor its time is the
daemon's.

The parent writes one line of JSON, a `Request`, to the child's stdin, and then a byte now and then to say that somebody
still wants the answer. The child writes lines of JSON to stdout: `{"done", "all"}` as it goes, and at last one
`{"report"}` or one `{"error"}`. It gives up when nothing has been heard from the parent for `PATIENCE` seconds, when
stdin ends, or after `LONGEST`.
"""

import os
import select
import sys
import threading
import time
from pathlib import Path
from typing import Any, Final

import msgspec

from ampp import config as configuration
from ampp.config import ConfigError
from ampp.core.matcher import Matcher, MatcherError, Mode, parse_matchers
from ampp.history.backtest import Asked, backtest
from ampp.history.error import FieldError
from ampp.history.tape import Tape, TapeError

__all__ = ["ABANDONED", "LONGEST", "PATIENCE", "Request", "command", "main", "prepare"]

PATIENCE: Final = 30.0
"""Seconds after which a backtest that nobody asks about is given up."""

LONGEST: Final = 600.0
"""Seconds that a backtest may take."""

_EXAMPLES: Final = 100
_NICE: Final = 10
ABANDONED: Final = 75
"""The exit status of a child that gave up (EX_TEMPFAIL)."""


class Request(msgspec.Struct, frozen=True):
    """`config`, `baseline`: texts of alertmanager.yml. `since`: wall ns. `match`: matchers as text."""

    directory: str
    config: str
    baseline: str = ""
    since: int = 0
    match: tuple[str, ...] = ()
    examples: int = 5


def prepare(request: Request) -> Asked:
    """The request as the backtest takes it. Raises FieldError for what is wrong with it."""
    plans = {}
    for field, text in (("config", request.config), ("baseline", request.baseline)):
        try:
            plans[field] = configuration.compile(configuration.load(text)) if text else None
        except ConfigError as error:
            raise FieldError(field, error.render()) from error
    candidate = plans["config"]
    if candidate is None:
        raise FieldError("config", "must not be empty")
    if not 0 <= request.examples <= _EXAMPLES:
        raise FieldError("examples", f"must be from 0 to {_EXAMPLES}", str(request.examples))
    matchers: list[Matcher] = []
    for text in request.match:
        try:
            matchers += parse_matchers(text, Mode.FALLBACK).matchers
        except MatcherError as error:
            raise FieldError("match", str(error), text) from error
    return Asked(candidate, plans["baseline"], request.since, tuple(matchers), request.examples)


def command() -> tuple[list[str], str, dict[str, str]]:
    """What starts the child: its arguments, the program, and its environment."""
    if getattr(sys, "frozen", False):
        return ["ampp", "backtest", "--job"], sys.executable, dict(os.environ)
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(path for path in sys.path if path)}
    return [sys.executable, "-c", "from ampp.history.job import main; main()"], sys.executable, environment


def main() -> None:
    """The child."""
    os.nice(_NICE)
    request = msgspec.json.decode(sys.stdin.buffer.readline(), type=Request)
    threading.Thread(target=_watch, daemon=True).start()
    try:
        asked = prepare(request)
        tape = Tape(Path(request.directory), request.since)
        report = backtest(tape, asked, lambda done, all_: _say({"done": done, "all": all_}))
    except (FieldError, TapeError) as error:
        _say({"error": str(error)})
    except Exception as error:  # noqa: BLE001 - whatever it is, the parent must be told in a line it can read
        _say({"error": f"internal error: {type(error).__name__}: {error}"})
    else:
        _say({"report": report})


def _say(value: Any) -> None:
    os.write(1, msgspec.json.encode(value) + b"\n")


def _watch() -> None:
    until = time.monotonic() + LONGEST
    while time.monotonic() < until:
        readable, _, _ = select.select([0], [], [], PATIENCE)
        if not readable or not os.read(0, 1024):
            os._exit(ABANDONED)
    _say({"error": f"given up after {LONGEST:g} s: ask for less with since"})
    os._exit(ABANDONED)
