"""`amtool silence import`."""

import json
import queue
import re
import sys
import threading
from typing import Any, Final

from ampp.ingest.fault import JSONFault
from ampp.ingest.gojson import read
from ampp_cli.amtool.failure import Failure
from ampp_cli.amtool.session import connected, worded
from ampp_cli.kingpin import Parsed
from ampp_cli.remote.client import Refused, Remote, RemoteError
from ampp_cli.remote.document import text
from ampp_cli.remote.operation import POST_SILENCES

__all__ = ["run"]

_BLANKS: Final = re.compile(r"[ \t\r\n]*")
_WAITING: Final = 100
_POSTED: Final = ("id", "annotations", "comment", "createdBy", "endsAt", "matchers", "startsAt")


def run(parsed: Parsed) -> int:
    """Send what is read, several at once, and print the ids as they come back."""
    text = _input(parsed["input-file"])
    at = _opened(text)
    with connected(parsed) as remote:
        return _import(remote, text, at, parsed)


def _import(remote: Remote, text: str, at: int, parsed: Parsed) -> int:
    work: queue.Queue[dict[str, Any] | None] = queue.Queue(_WAITING)
    failures: list[str] = []
    threads = [
        threading.Thread(target=_send_all, args=(remote.twin(), work, failures), daemon=True)
        for _ in range(max(1, parsed["worker"]))
    ]
    for thread in threads:
        thread.start()
    count = 0
    unreadable: _Unreadable | None = None
    try:
        while (found := _next(text, at)) is not None:
            silence, at = found
            if parsed["force"]:
                silence.pop("id", None)
            work.put(silence)
            count += 1
    except _Unreadable as error:
        unreadable = error
    for _ in threads:
        work.put(None)
    for thread in threads:
        thread.join()
    if unreadable is not None:
        raise unreadable
    if failures:
        raise Failure(f"couldn't import {len(failures)} out of {count} silences")
    return 0


def _send_all(remote: Remote, work: "queue.Queue[dict[str, Any] | None]", failures: list[str]) -> None:
    while (silence := work.get()) is not None:
        identity = text(silence, "id")
        try:
            made = _send(remote, silence)
        except RemoteError as error:
            failures.append(identity)
            sys.stderr.write(f"Error adding silence id='{identity}': {worded(error)}\n")
        else:
            sys.stdout.write(made + "\n")
    remote.close()


def _send(remote: Remote, silence: dict[str, Any]) -> str:
    try:
        reply = remote.call(POST_SILENCES, value=silence)
    except Refused as error:
        if error.status != 404:
            raise
        # Nobody knows it any more: it becomes a new one.
        silence.pop("id", None)
        reply = remote.call(POST_SILENCES, value=silence)
    return text(remote.object(POST_SILENCES, reply), "silenceID")


def _input(file: str | None) -> str:
    try:
        if file is None:
            data = sys.stdin.buffer.read()
        else:
            with open(file, "rb") as opened:
                data = opened.read()
    except OSError as error:
        raise Failure(f"open {file or '/dev/stdin'}: {(error.strerror or str(error)).lower()}") from error
    return data.decode("utf-8", "surrogateescape")


def _opened(text: str) -> int:
    """Where the first element may begin: after the first token, which upstream does not insist is a bracket."""
    start = _end(_BLANKS.match(text))
    if text[start : start + 1] in ("[", "{"):
        return start + 1
    _, end = _value(text, start)
    return end


def _next(text: str, at: int) -> tuple[dict[str, Any], int] | None:
    """The next element and where it ends; None at the end of the list, or of the text."""
    start = _end(_BLANKS.match(text, at))
    if text[start : start + 1] in ("", "]", "}"):
        return None
    if text[start] == ",":
        start = _end(_BLANKS.match(text, start + 1))
    value, end = _value(text, start)
    if not isinstance(value, dict):
        raise _Unreadable("json: cannot unmarshal something else than an object into a silence")
    silence = {name: value[name] for name in _POSTED if name in value}
    return silence, end


def _end(match: "re.Match[str] | None") -> int:
    assert match is not None
    return match.end()


_DECODER: Final = json.JSONDecoder()


def _value(text: str, start: int) -> tuple[Any, int]:
    try:
        return _DECODER.raw_decode(text, start)
    except ValueError as error:
        if start == len(text):
            raise _Unreadable("EOF") from error
        try:
            read(text[start:].encode("utf-8", "surrogateescape"))
        except JSONFault as fault:
            raise _Unreadable(str(fault)) from error
        raise _Unreadable(str(error)) from error


class _Unreadable(Failure):
    def __init__(self, why: str) -> None:
        super().__init__(f"couldn't unmarshal input data, is it JSON?: {why}")
