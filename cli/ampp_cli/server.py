"""The options by which `ampp` commands say which server they ask, and how they fail.

    @click.command("query")
    @server_options
    def command(remote: Remote) -> None: ...

The server is what `--url` says, else the variable AMPP_URL, else the default files, else http://localhost:9093.
"""

from __future__ import annotations

import gc

from ampp import __version__
from ampp_cli.option import Option, clicked
from ampp_cli.remote.address import AddressError, forgiving
from ampp_cli.remote.client import Remote, RemoteError, Unreachable
from ampp_cli.when import WhenError, duration

TYPE_CHECKING = False  # see ampp_cli.remote
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any, Final, TypeVar

    R = TypeVar("R")

__all__ = ["AGENT", "LOCAL", "OPTIONS", "server_options", "told"]

AGENT: Final = f"ampp/{__version__}"

LOCAL: Final = "http://localhost:9093"

OPTIONS: Final = (
    Option(
        "url",
        "--url",
        "--alertmanager.url",
        remembered=True,
        variable="AMPP_URL",
        metavar="URL",
        default=LOCAL,
        help="The server: http://[USER:PASSWORD@]HOST[:PORT][/PREFIX]. Also from AMPP_URL.",
    ),
    Option(
        "http_config",
        "--http.config.file",
        remembered=True,
        kind="file",
        help="How to reach it: an http_config as in alertmanager.yml.",
    ),
    Option(
        "timeout", "--timeout", remembered=True, default="30s", show_default=True, help="How long to wait for answers."
    ),
)


def told(error: RemoteError, url: str) -> str:
    """What went wrong with the server that the option said, for people."""
    hint = " (is it running? --url or AMPP_URL say where)" if isinstance(error, Unreachable) and url == LOCAL else ""
    return f"{error}{hint}"


def server_options(function: Callable[..., R]) -> Callable[..., R]:
    """Give a click command the server's options and their outcome as its argument `remote`.

    Whatever the server or the way to it does wrong ends the command with one line, and exit status 1.
    """
    import functools

    import click

    @functools.wraps(function)
    def run(*args: Any, url: str, http_config: str | None, timeout: str, **rest: Any) -> R:
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
            with Remote(address, seconds, AGENT, http_config or "") as remote:
                return function(*args, remote=remote, **rest)
        except RemoteError as error:
            raise click.ClickException(told(error, url)) from error

    return clicked(OPTIONS)(run)
