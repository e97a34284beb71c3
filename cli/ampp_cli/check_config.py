"""`ampp check-config`."""

from typing import TYPE_CHECKING

import click

from ampp_cli.output import color_option, coloured
from ampp_cli.source import matchers_option

if TYPE_CHECKING:
    from ampp.core.matcher import Mode

__all__ = ["command"]


@click.command("check-config")
@click.argument("files", nargs=-1, metavar="FILE...", type=click.Path())
@click.option(
    "--ampp-config",
    "settings_file",
    metavar="FILE",
    type=click.Path(),
    help="An ampp.yml to check as well, or by itself.",
)
@click.option(
    "-o",
    "--output",
    "form",
    type=click.Choice(["human", "json", "github", "junit", "sarif"]),
    default="human",
    show_default=True,
    help="The form of the report.",
)
@click.option("--disable", "disabled", multiple=True, metavar="RULE", help="A rule to leave out. Repeatable.")
@click.option("--strict", is_flag=True, help="Let notes fail the check, as warnings do.")
@click.option("-v", "--verbose", is_flag=True, help="Show notes too, in the form for people.")
@click.option("--rules", "list_rules", is_flag=True, help="List the rules and do nothing else.")
@click.option(
    "--data.retention",
    "retention",
    default="120h",
    show_default=True,
    metavar="DURATION",
    help="What the daemon is run with; no repeat_interval should be longer.",
)
@color_option
@matchers_option
def command(
    files: tuple[str, ...],
    settings_file: str | None,
    form: str,
    disabled: tuple[str, ...],
    strict: bool,
    verbose: bool,
    list_rules: bool,
    retention: str,
    matchers: "Mode",
    color: str,
) -> int:
    """Check configurations: that they load, with their templates, and that they do what was probably meant.

    FILE is an alertmanager.yml, or - for stdin. The exit status is 0 when all is well, 1 when a file cannot be used,
    2 for a mistake on the command line, and 3 when there are warnings only.
    """
    if files.count("-") + (settings_file == "-") > 1:
        raise click.UsageError("stdin can be read only once")
    if not files and settings_file is None and not list_rules:
        raise click.UsageError("no file to check: name one, or - for stdin")
    from ampp_cli.examination import Wanted, examine, rules

    if list_rules:
        click.echo("\n".join(rules()))
        return 0
    return examine(files, settings_file, Wanted(matchers, form, disabled, strict, verbose, retention, coloured(color)))
