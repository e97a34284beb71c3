"""`ampp template`: look into notification templates."""

from typing import Final

import click

__all__ = ["command"]

_TYPES: Final = ("html", "text")


@click.group("template")
def command() -> None:
    """Look into notification templates."""


@command.command("render")
@click.option("--template.glob", "globs", multiple=True, metavar="GLOB", help="Files with templates. Repeatable.")
@click.option("--template.text", "text", required=True, metavar="TEXT", help="The template text to render.")
@click.option(
    "--template.type",
    "kind",
    type=click.Choice(_TYPES),
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
    from ampp_cli.render import RenderError, render

    try:
        click.echo(render(globs, text, kind, data_file).encode(errors="surrogateescape"), nl=False)
    except RenderError as error:
        raise click.ClickException("\n  ".join(filter(None, (str(error), error.hint)))) from error
    return 0
