"""Configuration files as commands take them: named, or on stdin, and read by one of the matcher grammars.

Like all modules that define commands it imports the configuration when it is to be read: help and completion do not
wait for it.
"""

import os
import sys
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final

import click

if TYPE_CHECKING:
    from ampp.config import Config
    from ampp.core.matcher import Mode

__all__ = ["MODES", "load_config", "matchers_option", "read_text", "shown"]

MODES: Final = ("classic", "utf8", "fallback")
"""The values of `Mode`, which costs more to import than to name."""


def _mode(_context: click.Context, _option: click.Parameter, text: str) -> "Mode":
    from ampp.core.matcher import Mode

    return Mode(text)


def matchers_option(function: Callable[..., Any]) -> Callable[..., Any]:
    """The option `--matchers`, whose value is a `Mode`."""
    return click.option(
        "--matchers",
        type=click.Choice(MODES),
        default="fallback",
        show_default=True,
        callback=_mode,
        help="The grammar of matchers, as --enable-feature chooses it for the daemon.",
    )(function)


def shown(path: str) -> str:
    """A path as it can be printed, whatever bytes it is made of."""
    return os.fsencode(path).decode("utf-8", "replace")


def read_text(path: str) -> bytes:
    """The file at `path`, or stdin for `-`. Raises `ConfigError` when it cannot be read or is too large."""
    from ampp.config import ConfigError
    from ampp.config.node import read
    from ampp_cli.value import reason_of

    if path == "-":
        return read(sys.stdin.buffer, "<stdin>")
    try:
        with open(path, "rb") as file:
            return read(file, shown(path))
    except OSError as error:
        raise ConfigError(f"open {shown(path)}: {reason_of(error)}", file=shown(path)) from None


def load_config(path: str, mode: "Mode", *, joined: bool = True) -> "Config":
    """The configuration at `path`, or on stdin for `-`. With `joined` false, paths in it stay as written.

    Raises `ConfigError`.
    """
    from ampp.config import ConfigError, load

    name = "<stdin>" if path == "-" else shown(path)
    try:
        return load(read_text(path), mode, path if joined and path != "-" else "")
    except ConfigError as error:
        error.file = name
        raise
