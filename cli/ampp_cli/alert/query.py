"""`ampp alert query`."""

from typing import Any

import click

from ampp_cli.alert.search import OPTIONS, search
from ampp_cli.option import clicked
from ampp_cli.output import output_options
from ampp_cli.server import server_options
from ampp_cli.suggestion import label_names

__all__ = ["command"]


@click.command("query")
@click.argument("matchers", nargs=-1, shell_complete=label_names)
@clicked(OPTIONS)
@output_options(watch=True)
@server_options
def command(**values: Any) -> None:
    """List the alerts that fulfil all MATCHERS, by default those that are active, the oldest first.

    A matcher is label=value, label!=value, label=~regex or label!~regex. A first word that is none of these is the name
    of an alert.
    """
    search(**values)
