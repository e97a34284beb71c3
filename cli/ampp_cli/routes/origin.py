"""Where a command takes a configuration from: a file, or the server that runs with it."""

import functools
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeVar

import click

from ampp_cli.remote.client import Remote
from ampp_cli.remote.operation import GET_STATUS
from ampp_cli.server import server_options
from ampp_cli.source import load_config, matchers_option

if TYPE_CHECKING:
    from ampp.config import Config, ConfigError
    from ampp.core.matcher import Mode

__all__ = ["config_options", "failure"]

R = TypeVar("R")


def failure(error: "ConfigError") -> click.ClickException:
    """What a command ends with when a configuration cannot be used: one line with the place and the hint."""
    place = f"{error.file}:{error.line}:{error.column}: " if error.line else ""
    hint = f" ({error.hint})" if error.hint else ""
    return click.ClickException(f"{place}{' '.join(error.message.split())}{hint}")


def config_options(function: Callable[..., R]) -> Callable[..., R]:
    """Give a click command `--config.file` and the server's options, and their outcome as its argument `config`."""

    @functools.wraps(function)
    def run(*args: Any, config_file: str | None, matchers: "Mode", remote: Remote, **rest: Any) -> R:
        from ampp.config import ConfigError

        try:
            config = _of_server(remote, matchers) if config_file is None else load_config(config_file, matchers)
        except ConfigError as error:
            raise failure(error) from error
        return function(*args, config=config, **rest)

    decorated = server_options(matchers_option(run))
    return click.option(
        "-f",
        "--config.file",
        "config_file",
        metavar="FILE",
        type=click.Path(),
        help="The configuration, or - for stdin; without it, the one that the server runs with.",
    )(decorated)


def _of_server(remote: Remote, mode: "Mode") -> "Config":
    from ampp.config import ConfigError, load

    status = remote.fetch_object(GET_STATUS)
    try:
        return load(str((status.get("config") or {}).get("original", "")), mode)
    except ConfigError as error:
        error.file = f"configuration of {remote.address.base}"
        raise
