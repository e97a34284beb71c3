"""The option by which commands that work on files say where these are, and how they fail."""

import functools
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click

__all__ = ["storage_option"]

R = TypeVar("R")


def storage_option(function: Callable[..., R]) -> Callable[..., R]:
    """Give a click command `--storage.path`, as its argument `directory`. What the store refuses ends it, in a line."""

    @click.option(
        "--storage.path",
        "directory",
        type=click.Path(path_type=Path),
        default=Path("data/"),
        show_default=True,
        help="The daemon's storage directory.",
    )
    @functools.wraps(function)
    def run(*args: Any, **rest: Any) -> R:
        from ampp.store.error import StoreError

        try:
            return function(*args, **rest)
        except StoreError as error:
            raise click.ClickException(str(error)) from error

    return run
