"""`template render`, of `ampp` and of amtool: a template text put on paper, with the templates of files at hand."""

import time
from collections.abc import Sequence
from typing import Final

import click

from ampp.config import ConfigError, renderer
from ampp.template.data import Data
from ampp.template.error import TemplateError
from ampp.template.instant import Instant
from ampp.template.sample import DataError, read, sample
from ampp_cli.kingpin import reason_of

__all__ = ["TYPES", "RenderError", "command", "render"]

TYPES: Final = ("html", "text")


class RenderError(Exception):
    """Nothing could be rendered; the text is amtool's. `hint` says where and what may help, where that is known."""

    def __init__(self, text: str, hint: str = "") -> None:
        super().__init__(text)
        self.hint = hint


def render(globs: Sequence[str], text: str, kind: str, data_file: str | None) -> str:
    """`text` rendered as `kind`, one of `TYPES`, with what the JSON of `data_file` says, or with amtool's sample.

    The default templates are known, and those of the files that `globs` match, the later ones winning. Raises
    `RenderError`.
    """
    try:
        made = renderer(globs, by_value=True)
    except ConfigError as error:
        raise RenderError(str(error), error.render().partition("\n")[2].strip()) from error
    data = _data(data_file)
    try:
        return made.html(text, data) if kind == "html" else made.text(text, data)
    except TemplateError as error:
        raise RenderError(str(error)) from error


def _data(path: str | None) -> Data:
    if path is None:
        return sample(Instant(time.time_ns(), mono=time.monotonic_ns()))
    try:
        with open(path, "rb") as file:
            return read(file.read())
    except IsADirectoryError as error:
        raise RenderError(f"read {path}: is a directory") from error
    except OSError as error:
        raise RenderError(f"open {path}: {reason_of(error)}") from error
    except DataError as error:
        raise RenderError(str(error)) from error


@click.group("template")
def command() -> None:
    """Look into notification templates."""


@command.command("render")
@click.option("--template.glob", "globs", multiple=True, metavar="GLOB", help="Files with templates. Repeatable.")
@click.option("--template.text", "text", required=True, metavar="TEXT", help="The template text to render.")
@click.option(
    "--template.type",
    "kind",
    type=click.Choice(TYPES),
    default="text",
    show_default=True,
    help="Whether values are escaped for html.",
)
@click.option(
    "--template.data",
    "data_file",
    metavar="FILE",
    help="JSON of a notification, as a webhook receives it. Without it a sample of two alerts is used.",
)
def _render_command(globs: tuple[str, ...], text: str, kind: str, data_file: str | None) -> int:
    """Print TEXT rendered. Nothing is added to it, no newline either."""
    try:
        click.echo(render(globs, text, kind, data_file).encode(errors="surrogateescape"), nl=False)
    except RenderError as error:
        raise click.ClickException("\n  ".join(filter(None, (str(error), error.hint)))) from error
    return 0
