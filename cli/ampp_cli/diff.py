"""`ampp config diff`."""

from typing import TYPE_CHECKING

import click

from ampp_cli.output import Output, color_option, coloured
from ampp_cli.source import matchers_option

if TYPE_CHECKING:
    from ampp.core.matcher import Mode

__all__ = ["command"]


@click.command("diff")
@click.argument("old", type=click.Path())
@click.argument("new", type=click.Path())
@click.option(
    "--alerts",
    "alerts_file",
    metavar="FILE",
    type=click.Path(),
    help="JSON of GET /api/v2/alerts: show which would go elsewhere.",
)
@click.option("--exit-code", "exit_code", is_flag=True, help="Let the exit status be 1 when something differs.")
@click.option(
    "-o",
    "--output",
    "form",
    type=click.Choice(("simple", "json", "yaml")),
    default="simple",
    show_default=True,
    help="Form of the output.",
)
@color_option
@matchers_option
def command(
    old: str, new: str, alerts_file: str | None, exit_code: bool, form: str, color: str, matchers: "Mode"
) -> int:
    """Show what a change of configuration touches, from the file OLD to the file NEW; - is stdin.

    Compared is what holds on each route and receiver, not how it is written; secrets are told as changed only. The exit
    status is 2 when a file cannot be used.
    """
    if [old, new, alerts_file].count("-") > 1:
        raise click.UsageError("stdin can be read only once")
    from ampp_cli.difference import show

    return show(old, new, alerts_file, matchers, Output(form, colour=coloured(color)), exit_code=exit_code)
