"""Log lines, read back from the descriptor they were written to."""

import json
import logging
import os
import re
import warnings
from collections.abc import Iterator

import pytest

from ampp.observe.log import Logger, setup


class Pipe:
    def __init__(self) -> None:
        self.reader, self.writer = os.pipe()
        os.set_blocking(self.reader, False)

    def text(self) -> str:
        return os.read(self.reader, 1 << 16).decode()


@pytest.fixture
def pipe() -> Iterator[Pipe]:
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    pipe = Pipe()
    yield pipe
    logging.captureWarnings(False)
    root.handlers[:] = handlers
    root.setLevel(level)
    os.close(pipe.reader)
    os.close(pipe.writer)


LINE = r"time=\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}(?:Z|[+-]\d\d:\d\d) level=(\w+) source=test_log\.py:\d+ (.*)\n"


def logfmt(pipe: Pipe) -> tuple[str, str]:
    text = pipe.text()
    found = re.fullmatch(LINE, text)
    assert found, text
    return found[1], found[2]


def test_a_line_reads_as_alertmanagers(pipe: Pipe) -> None:
    setup("info", "logfmt", pipe.writer)
    Logger().info("Listening on", address="127.0.0.1:41234")
    assert logfmt(pipe) == ("INFO", 'msg="Listening on" address=127.0.0.1:41234')


def test_the_component_comes_first(pipe: Pipe) -> None:
    setup("debug", "logfmt", pipe.writer)
    Logger("dispatcher").debug("flushing", n=3, ok=True, nothing=None, items=["a", "b"])
    assert logfmt(pipe) == ("DEBUG", 'msg=flushing component=dispatcher n=3 ok=true nothing=<nil> items="[a b]"')


def test_stdlib_loggers_come_out_alike(pipe: Pipe) -> None:
    setup("info", "logfmt", pipe.writer)
    logging.getLogger("ampp.nflog").warning("gone %s", "bad", extra={"file": "x y", "component": "cluster"})
    assert logfmt(pipe) == ("WARN", 'msg="gone bad" component=cluster file="x y"')
    logging.getLogger("somebody.else").error("boo", extra={"a": 1})
    assert logfmt(pipe) == ("ERROR", "msg=boo a=1")


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("plain", "plain"),
        ("", '""'),
        ("a b", '"a b"'),
        ("a=b", '"a=b"'),
        ('say "x"', r'"say \"x\""'),
        (r"back\slash", r"back\slash"),
        (r"back\slash and blank", r'"back\\slash and blank"'),
        ("two\nlines\t", r'"two\nlines\t"'),
        ("\x00\x7f", r'"\x00\x7f"'),
        ("Überlauf", "Überlauf"),
        ("Ü b", '"Ü b"'),
        ("\u2028", r'"\u2028"'),
        (ValueError("bad thing"), '"bad thing"'),
        ({"b": 1, "a": 2}, '"map[a:2 b:1]"'),
        (1.5, "1.5"),
    ],
)
def test_values_are_quoted_only_when_needed(pipe: Pipe, value: object, text: str) -> None:
    setup("info", "logfmt", pipe.writer)
    Logger().info("m", v=value)
    assert logfmt(pipe)[1] == f"msg=m v={text}"


def test_json(pipe: Pipe) -> None:
    setup("info", "json", pipe.writer)
    Logger("api").error("went wrong", err=ValueError('"no"'), code=500, ratio=0.5, nan=float("nan"), tags=["ü"])
    line = pipe.text()
    assert line.endswith("}\n")
    assert line.count("\n") == 1
    read = json.loads(line)
    assert list(read) == ["time", "level", "source", "msg", "component", "err", "code", "ratio", "nan", "tags"]
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,6})?(Z|[+-]\d\d:\d\d)", read.pop("time"))
    assert re.fullmatch(r"test_log\.py:\d+", read.pop("source"))
    assert read == {
        "level": "ERROR",
        "msg": "went wrong",
        "component": "api",
        "err": '"no"',
        "code": 500,
        "ratio": 0.5,
        "nan": "nan",
        "tags": ["ü"],
    }


@pytest.mark.parametrize(
    ("level", "shown"),
    [("debug", ["d", "i", "w", "e"]), ("info", ["i", "w", "e"]), ("warn", ["w", "e"]), ("error", ["e"])],
)
def test_levels(pipe: Pipe, level: str, shown: list[str]) -> None:
    setup(level, "logfmt", pipe.writer)
    log = Logger()
    log.debug("d")
    log.info("i")
    log.warn("w")
    log.error("e")
    assert re.findall(r"msg=(\w)", pipe.text()) == shown


def test_an_exception_stays_on_one_line_with_its_stack(pipe: Pipe) -> None:
    setup("info", "logfmt", pipe.writer)
    try:
        raise KeyError("gone")
    except KeyError as error:
        Logger().exception("unforeseen", err=error)
    level, rest = logfmt(pipe)
    assert level == "ERROR"
    assert rest.startswith("msg=unforeseen err='gone' stack=")
    assert r"Traceback (most recent call last):\n" in rest


def test_libraries_are_held_to_warnings(pipe: Pipe) -> None:
    setup("debug", "logfmt", pipe.writer)
    logging.getLogger("httpx").info("request")
    logging.getLogger("hypercorn.error").info("Running on http://…")
    logging.getLogger("hypercorn.error").warning("trouble")
    assert logfmt(pipe) == ("WARN", "msg=trouble")


def test_warnings_are_logged(pipe: Pipe) -> None:
    setup("info", "logfmt", pipe.writer)
    with warnings.catch_warnings():
        warnings.simplefilter("always")
        warnings.warn("old ways", DeprecationWarning, stacklevel=1)
    assert "DeprecationWarning: old ways" in pipe.text()


def test_setting_up_again_replaces_the_first(pipe: Pipe) -> None:
    setup("info", "logfmt", pipe.writer)
    setup("info", "logfmt", pipe.writer)
    Logger().info("once")
    assert logfmt(pipe) == ("INFO", "msg=once")


def test_a_broken_log_stops_nobody(pipe: Pipe) -> None:
    reader, writer = os.pipe()
    os.close(reader)
    setup("info", "logfmt", writer)
    Logger().info("into the void")
    os.close(writer)
    Logger().info("into nothing at all")
