"""The options by which `ampp` commands say which server they ask, and how they fail.

    @click.command("query")
    @server_options
    def command(remote: Remote) -> None: ...

The server is what `--url` says, else the variable AMPP_URL, else the default files, else http://localhost:9093.
"""

import functools
import gc
from collections.abc import Callable
from typing import Any, Final, TypeVar

import click

from ampp import __version__
from ampp_cli.remembered import Remembered
from ampp_cli.remote.address import AddressError, forgiving
from ampp_cli.remote.client import Remote, RemoteError, Unreachable

__all__ = ["LOCAL", "server_options"]

R = TypeVar("R")

LOCAL: Final = "http://localhost:9093"

_OPTIONS: Final = (
    click.option(
        "--url",
        "--alertmanager.url",
        "url",
        cls=Remembered,
        envvar="AMPP_URL",
        metavar="URL",
        default=LOCAL,
        help="The server: http://[USER:PASSWORD@]HOST[:PORT][/PREFIX]. Also from AMPP_URL.",
    ),
    click.option(
        "--http.config.file",
        "http_config",
        cls=Remembered,
        type=click.Path(exists=True, dir_okay=False),
        help="How to reach it: an http_config as in alertmanager.yml.",
    ),
    click.option("--timeout", cls=Remembered, default="30s", show_default=True, help="How long to wait for answers."),
)


def server_options(function: Callable[..., R]) -> Callable[..., R]:
    """Give a click command the server's options and their outcome as its argument `remote`.

    Whatever the server or the way to it does wrong ends the command with one line, and exit status 1.
    """

    @functools.wraps(function)
    def run(*args: Any, url: str, http_config: str | None, timeout: str, **rest: Any) -> R:
        from ampp_cli.when import WhenError, duration

        gc.disable()  # most commands are over before collecting anything would pay; those that stay switch it on
        try:
            seconds = duration(timeout)
            address = forgiving(url)
        except WhenError as error:
            raise click.BadParameter(str(error), param_hint="--timeout") from error
        except AddressError as error:
            raise click.BadParameter(str(error), param_hint="--url") from error
        if http_config and address.user is not None:
            raise click.UsageError("the URL has a user and --http.config.file is given: only one can say who you are")
        try:
            with Remote(address, seconds, f"ampp/{__version__}", http_config or "") as remote:
                return function(*args, remote=remote, **rest)
        except Unreachable as error:
            hint = " (is it running? --url or AMPP_URL say where)" if url == LOCAL else ""
            raise click.ClickException(f"{error}{hint}") from error
        except RemoteError as error:
            raise click.ClickException(str(error)) from error

    for option in reversed(_OPTIONS):
        run = option(run)
    return run
