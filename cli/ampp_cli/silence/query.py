"""`ampp silence query`."""

from typing import Any

import click

from ampp_cli.option import clicked
from ampp_cli.output import output_options
from ampp_cli.server import server_options
from ampp_cli.silence.search import OPTIONS, search
from ampp_cli.suggestion import label_names

__all__ = ["command"]


@click.command("query")
@click.argument("matchers", nargs=-1, shell_complete=label_names)
@clicked(OPTIONS)
@output_options(watch=True)
@server_options
def command(**values: Any) -> None:
    """List the silences that have all MATCHERS among theirs, by default those that are not over.

    The next to end comes first.
    """
    search(**values)
