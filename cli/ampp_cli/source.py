"""Configuration files as commands take them: named, or on stdin, and read by one of the matcher grammars."""

import os
import sys
from collections.abc import Callable
from typing import Any

import click

from ampp.config import Config, ConfigError, load
from ampp.config.node import read
from ampp.core.matcher import Mode
from ampp_cli.kingpin import reason_of

__all__ = ["load_config", "matchers_option", "read_text", "shown"]


def _mode(_context: click.Context, _option: click.Parameter, text: str) -> Mode:
    return Mode(text)


def matchers_option(function: Callable[..., Any]) -> Callable[..., Any]:
    """The option `--matchers`, whose value is a `Mode`."""
    return click.option(
        "--matchers",
        type=click.Choice([mode.value for mode in Mode]),
        default=Mode.FALLBACK.value,
        show_default=True,
        callback=_mode,
        help="The grammar of matchers, as --enable-feature chooses it for the daemon.",
    )(function)


def shown(path: str) -> str:
    """A path as it can be printed, whatever bytes it is made of."""
    return os.fsencode(path).decode("utf-8", "replace")


def read_text(path: str) -> bytes:
    """The file at `path`, or stdin for `-`. Raises `ConfigError` when it cannot be read or is too large."""
    if path == "-":
        return read(sys.stdin.buffer, "<stdin>")
    try:
        with open(path, "rb") as file:
            return read(file, shown(path))
    except OSError as error:
        raise ConfigError(f"open {shown(path)}: {reason_of(error)}", file=shown(path)) from None


def load_config(path: str, mode: Mode, *, joined: bool = True) -> Config:
    """The configuration at `path`, or on stdin for `-`. With `joined` false, paths in it stay as written.

    Raises `ConfigError`.
    """
    name = "<stdin>" if path == "-" else shown(path)
    try:
        return load(read_text(path), mode, path if joined and path != "-" else "")
    except ConfigError as error:
        error.file = name
        raise
