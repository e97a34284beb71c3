"""Log lines on stderr, in the two forms Alertmanager 0.34 writes (Go's slog): logfmt and JSON, one line per record.

    time=2026-08-22T16:04:18.123Z level=INFO source=daemon.py:42 msg="Listening on" address=127.0.0.1:9093

Rooms write `log = Logger("dispatcher")` and `log.info("Listening on", address=...)`, or use a stdlib logger named
`ampp.dispatcher` with `extra={...}`. Built on stdlib logging, so what the HTTP server and other libraries say comes
out in the same form; they are held to warnings.

A line is one write: lines of two threads, or of two processes sharing a pipe, do not mix while they fit the pipe's
atomic size. A line that cannot be written is dropped: a broken log is no reason to stop paging people.
"""

import datetime
import json
import logging
import math
import os
import traceback
from collections.abc import Mapping
from typing import Any, Final, Literal, TypeAlias

__all__ = ["FORMATS", "LEVELS", "Logger", "setup"]

Format: TypeAlias = Literal["logfmt", "json"]

LEVELS: Final = {
    "debug": logging.DEBUG,
    "info": logging.INFO,
    "warn": logging.WARNING,
    "error": logging.ERROR,
}
FORMATS: Final = ("logfmt", "json")

_QUIET: Final = ("hypercorn.error", "hypercorn.access", "quart", "httpx", "httpcore", "asyncio", "trio", "h2", "hpack")
_STANDARD: Final = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName"}
_ESCAPES: Final = {"\a": r"\a", "\b": r"\b", "\f": r"\f", "\n": r"\n", "\r": r"\r", "\t": r"\t", "\v": r"\v"}


class Logger:
    """A named source of log lines; `component` becomes their first attribute, as upstream's does.

    Attribute names with dots or hyphens are given as `**{"a.b": 1}`. Durations are handed over as text
    (`ampp.core.duration.format_go`).
    """

    __slots__ = ("_logger",)

    def __init__(self, component: str = "") -> None:
        self._logger = logging.getLogger(f"ampp.{component}" if component else "ampp")

    @property
    def debugging(self) -> bool:
        """Whether debug lines are written: where making up what one says costs more than a look."""
        return self._logger.isEnabledFor(logging.DEBUG)

    def debug(self, message: str, /, **attributes: object) -> None:
        if self._logger.isEnabledFor(logging.DEBUG):
            self._emit(logging.DEBUG, message, attributes)

    def info(self, message: str, /, **attributes: object) -> None:
        self._emit(logging.INFO, message, attributes)

    def warn(self, message: str, /, **attributes: object) -> None:
        self._emit(logging.WARNING, message, attributes)

    def error(self, message: str, /, **attributes: object) -> None:
        self._emit(logging.ERROR, message, attributes)

    def exception(self, message: str, /, **attributes: object) -> None:
        """An error nobody foresaw: as `error`, with the traceback of the exception being handled as `stack`."""
        self._emit(logging.ERROR, message, {**attributes, "stack": traceback.format_exc().rstrip()})

    def _emit(self, level: int, message: str, attributes: dict[str, object]) -> None:
        self._logger.log(level, message, extra={"attributes": attributes}, stacklevel=3)


def setup(level: str, form: str, fd: int = 2) -> None:
    """Send every log record of the process at or above `level` to file descriptor `fd`. May be called again."""
    root = logging.getLogger()
    for handler in root.handlers[:]:
        if isinstance(handler, _Descriptor):
            root.removeHandler(handler)
    root.addHandler(_Descriptor(fd, _json_line if form == "json" else _logfmt_line))
    root.setLevel(LEVELS[level])
    for name in _QUIET:
        logging.getLogger(name).setLevel(max(LEVELS[level], logging.WARNING))
    logging.captureWarnings(True)


class _Descriptor(logging.Handler):
    def __init__(self, fd: int, line: Any) -> None:
        super().__init__()
        self._fd = fd
        self._line = line

    def emit(self, record: logging.LogRecord) -> None:
        try:
            rest = memoryview(self._line(record).encode("utf-8", "replace"))
            while rest:
                rest = rest[os.write(self._fd, rest) :]
        except OSError:
            pass


def _attributes(record: logging.LogRecord) -> dict[str, object]:
    given: dict[str, object] = {k: v for k, v in vars(record).items() if k not in _STANDARD}
    given.update(given.pop("attributes", {}))  # type: ignore[call-overload]
    component = given.pop("component", None) or record.name.removeprefix("ampp").removeprefix(".")
    ours = record.name.partition(".")[0] == "ampp"
    attributes = {"component": component, **given} if component and ours else given
    if record.exc_info and record.exc_info[1] is not None:
        attributes["err"] = record.exc_info[1]
        attributes["stack"] = "".join(traceback.format_exception(record.exc_info[1])).rstrip()
    return attributes


def _level(record: logging.LogRecord) -> str:
    if record.levelno >= logging.ERROR:
        return "ERROR"
    if record.levelno >= logging.WARNING:
        return "WARN"
    return "INFO" if record.levelno >= logging.INFO else "DEBUG"


def _source(record: logging.LogRecord) -> str:
    return f"{record.filename}:{record.lineno}"


def _offset(moment: datetime.datetime) -> str:
    text = moment.strftime("%z")
    return "Z" if text == "+0000" else f"{text[:3]}:{text[3:5]}"


def _logfmt_line(record: logging.LogRecord) -> str:
    moment = datetime.datetime.fromtimestamp(record.created).astimezone()
    pairs = [
        f"time={moment:%Y-%m-%dT%H:%M:%S}.{moment.microsecond // 1000:03d}{_offset(moment)}",
        f"level={_level(record)}",
        f"source={_source(record)}",
        f"msg={_quoted(record.getMessage())}",
    ]
    pairs += [f"{_quoted(key)}={_quoted(_text(value))}" for key, value in _attributes(record).items()]
    return " ".join(pairs) + "\n"


def _json_line(record: logging.LogRecord) -> str:
    moment = datetime.datetime.fromtimestamp(record.created).astimezone()
    fraction = f".{moment.microsecond:06d}".rstrip("0").rstrip(".")
    fields: dict[str, object] = {
        "time": f"{moment:%Y-%m-%dT%H:%M:%S}{fraction}{_offset(moment)}",
        "level": _level(record),
        "source": _source(record),
        "msg": record.getMessage(),
    }
    # Attributes come last and repeat a key rather than replace it, as in slog; JSON readers take the last.
    pairs = [*fields.items(), *_attributes(record).items()]
    body = ",".join(f"{json.dumps(key, ensure_ascii=False)}:{_json_value(value)}" for key, value in pairs)
    return "{" + body + "}\n"


def _json_value(value: object) -> str:
    if isinstance(value, float) and not math.isfinite(value):
        value = _text(value)
    try:
        return json.dumps(value, ensure_ascii=False, separators=(",", ":"), default=str)
    except ValueError:  # a float inside that JSON cannot say, or a circle
        return json.dumps(str(value), ensure_ascii=False)


def _text(value: object) -> str:
    """As Go's %+v writes it."""
    if isinstance(value, str):
        return value
    if value is None:
        return "<nil>"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, Mapping):
        return "map[" + " ".join(f"{_text(k)}:{_text(value[k])}" for k in sorted(value)) + "]"
    if isinstance(value, list | tuple | set | frozenset):
        return "[" + " ".join(map(_text, value)) + "]"
    return str(value)


def _quoted(text: str) -> str:
    """`text` itself when a logfmt reader can take it so, else as a Go string literal."""
    if text and text.isascii() and text.isprintable() and not any(c in text for c in ' ="'):
        return text
    if text and not text.isascii() and text.isprintable() and not any(c in ' ="' or c == "\ufffd" for c in text):
        return text
    return '"' + "".join(_escaped(c) for c in text) + '"'


def _escaped(char: str) -> str:
    if char in '"\\':
        return "\\" + char
    if char in _ESCAPES:
        return _ESCAPES[char]
    if char.isprintable():
        return char
    code = ord(char)
    if code < 0x80:
        return f"\\x{code:02x}"
    return f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"
