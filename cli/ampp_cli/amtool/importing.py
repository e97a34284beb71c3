"""`amtool silence import`."""

import json
import queue
import re
import sys
import threading
from typing import Any, Final

import msgspec

from ampp.ingest.fault import JSONFault
from ampp.ingest.gojson import read
from ampp_cli.amtool.failure import Failure
from ampp_cli.amtool.session import connect, worded
from ampp_cli.kingpin import Parsed
from ampp_cli.remote.client import Refused, Remote, RemoteError
from ampp_cli.remote.model import Created, Silence, encode
from ampp_cli.remote.operation import POST_SILENCES

__all__ = ["run"]

_BLANKS: Final = re.compile(r"[ \t\r\n]*")
_WAITING: Final = 100


def run(parsed: Parsed) -> int:
    """Send what is read, several at once, and print the ids as they come back."""
    text = _input(parsed["input-file"])
    at = _opened(text)
    remote = connect(parsed)
    work: queue.Queue[Silence | None] = queue.Queue(_WAITING)
    failures: list[str] = []
    threads = [
        threading.Thread(target=_send_all, args=(remote.twin(), work, failures), daemon=True)
        for _ in range(max(1, parsed["worker"]))
    ]
    for thread in threads:
        thread.start()
    count = 0
    try:
        while (found := _next(text, at)) is not None:
            silence, at = found
            if parsed["force"]:
                silence.id = msgspec.UNSET
            work.put(silence)
            count += 1
    finally:
        for _ in threads:
            work.put(None)
        for thread in threads:
            thread.join()
    if failures:
        raise Failure(f"couldn't import {len(failures)} out of {count} silences")
    return 0


def _send_all(remote: Remote, work: "queue.Queue[Silence | None]", failures: list[str]) -> None:
    while (silence := work.get()) is not None:
        identity = silence.id if isinstance(silence.id, str) else ""
        try:
            made = _send(remote, silence)
        except RemoteError as error:
            failures.append(identity)
            sys.stderr.write(f"Error adding silence id='{identity}': {worded(error)}\n")
        else:
            sys.stdout.write(made + "\n")
    remote.close()


def _send(remote: Remote, silence: Silence) -> str:
    try:
        reply = remote.call(POST_SILENCES, body=encode(silence))
    except Refused as error:
        if error.status != 404:
            raise
        # Nobody knows it any more: it becomes a new one.
        silence.id = msgspec.UNSET
        reply = remote.call(POST_SILENCES, body=encode(silence))
    return remote.decode(reply, Created).silence_id


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


def _next(text: str, at: int) -> tuple[Silence, int] | None:
    """The next element and where it ends; None at the end of the list, or of the text."""
    start = _end(_BLANKS.match(text, at))
    if text[start : start + 1] in ("", "]", "}"):
        return None
    if text[start] == ",":
        start = _end(_BLANKS.match(text, start + 1))
    value, end = _value(text, start)
    try:
        silence = msgspec.convert(value, Silence)
    except msgspec.ValidationError as error:
        raise _Unreadable(f"json: {error}") from error
    silence.status = silence.updated = msgspec.UNSET
    return silence, end


def _end(match: "re.Match[str] | None") -> int:
    assert match is not None
    return match.end()


_DECODER: Final = json.JSONDecoder()


def _value(text: str, start: int) -> tuple[Any, int]:
    try:
        return _DECODER.raw_decode(text, start)
    except ValueError as error:
        try:
            read(text[start:].encode("utf-8", "surrogateescape"))
        except JSONFault as fault:
            raise _Unreadable(str(fault)) from error
        raise _Unreadable(str(error)) from error


class _Unreadable(Failure):
    def __init__(self, why: str) -> None:
        super().__init__(f"couldn't unmarshal input data, is it JSON?: {why}")
