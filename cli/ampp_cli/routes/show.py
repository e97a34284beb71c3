"""`ampp config routes show`."""

from typing import TYPE_CHECKING, Any

import click

from ampp_cli.output import BOLD, Output, output_options, terminal_width
from ampp_cli.routes.origin import config_options

if TYPE_CHECKING:
    from ampp.config import Config
    from ampp.core.route import Route
    from ampp_cli.routes.drawing import Item

__all__ = ["command"]


@click.command("show")
@config_options
@output_options()
def command(config: "Config", output: Output) -> None:
    """Show the routing tree, and on each route what holds there with all that it inherits.

    Repeats come with the turns of a group, one every group_interval, and so later than repeat_interval says; shown is
    how often they really come. As json or yaml the tree is nested, as jsonl one route a line, as name the routes' ids.
    """
    from ampp.config import compile  # noqa: A004
    from ampp_cli.routes.drawing import drawn
    from ampp_cli.routes.schedule import document

    root = compile(config).root
    if output.for_people:
        width = terminal_width() if output.form != "wide" else 0
        click.echo("\n".join(drawn(root, _item, width=width, paint=output.painted)), color=output.colour)
    elif output.form == "name":
        click.echo("\n".join(route.id for route in root.walk()))
    elif output.form == "jsonl":
        click.echo(output.document([document(route) for route in root.walk()]), nl=False)
    else:
        click.echo(output.document(_nested(root)), nl=False)


def _item(route: "Route") -> "Item":
    from ampp.config.tree import slug
    from ampp_cli.routes.schedule import described

    head = f"{slug(route, receiver=False, continues=False)} → {route.receiver}"
    return head + (", and continues" if route.continue_ else ""), BOLD, described(route)


def _nested(route: "Route") -> dict[str, Any]:
    from ampp_cli.routes.schedule import document

    return document(route) | {"routes": [_nested(child) for child in route.children]}
