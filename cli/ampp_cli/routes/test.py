"""`ampp config routes test`."""

from typing import TYPE_CHECKING, Final

import click

from ampp_cli.output import Output, color_option, coloured
from ampp_cli.routes.origin import config_options
from ampp_cli.suggestion import label_names

if TYPE_CHECKING:
    from ampp.config import Config

__all__ = ["command"]

_FORMS: Final = ("simple", "name", "json", "github", "junit")


@click.command("test")
@click.argument("labels", nargs=-1, metavar="[LABEL=VALUE]...", shell_complete=label_names)
@config_options
@click.option(
    "--cases",
    "cases_file",
    metavar="FILE",
    type=click.Path(),
    help="A YAML list of cases: labels, receivers, and a name.",
)
@click.option("--verify.receivers", "expected", metavar="A,B", help="Fail unless the receivers are these, in order.")
@click.option("--all", "everything", is_flag=True, help="Draw the routes that the alert does not pass as well.")
@click.option(
    "-o", "--output", "form", type=click.Choice(_FORMS), default="simple", show_default=True, help="Form of the output."
)
@color_option
def command(
    labels: tuple[str, ...],
    config: "Config",
    cases_file: str | None,
    expected: str | None,
    everything: bool,
    form: str,
    color: str,
) -> int:
    """Show by which routes an alert with these labels goes to which receivers.

    With --cases, check many: a YAML list of mappings with labels, receivers (all that must be told, in the order of
    the tree) and, if you like, a name. The exit status is 1 when a receiver is not as expected.
    """
    from ampp_cli.routes import trial

    output = Output(form, colour=coloured(color))
    if cases_file is None:
        if form in ("github", "junit"):
            raise click.UsageError(f"-o {form} goes with --cases")
        return trial.one(config, labels, output, expected=expected, everything=everything)
    if labels or expected is not None:
        raise click.UsageError("--cases brings labels and receivers of its own")
    return trial.many(config, cases_file, output)
