"""`ampp help`."""

from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from click.shell_completion import CompletionItem

__all__ = ["command"]


def _further(context: click.Context, parameter: click.Parameter, incomplete: str) -> "list[CompletionItem[str]]":
    """The commands below those that are named already."""
    from click.shell_completion import CompletionItem

    here = context.find_root()
    group: click.Command | None = here.command
    for word in context.params.get(parameter.name or "") or ():
        group = group.get_command(here, word) if isinstance(group, click.Group) else None
    names = group.list_commands(here) if isinstance(group, click.Group) else []
    return [CompletionItem(name) for name in names if name.startswith(incomplete)]


@click.command("help")
@click.argument("words", nargs=-1, metavar="[COMMAND]...", shell_complete=_further)
@click.pass_context
def command(context: click.Context, words: tuple[str, ...]) -> int:
    """Show help on a COMMAND, or on all."""
    here = context.find_root()
    for word in words:
        group = here.command
        if not isinstance(group, click.Group):
            raise click.UsageError(f"{here.command_path} has no commands", here)
        _, found, _ = group.resolve_command(here, [word])
        if found is None:
            raise click.UsageError(f"no such command '{word}'", here)
        if not found.add_help_option:
            # The daemon's flags are no options of click's: it prints its help by itself.
            with found.make_context(found.name, ["--help"], parent=here) as foreign:
                return int(found.invoke(foreign) or 0)
        here = click.Context(found, info_name=word, parent=here)
    click.echo(here.get_help())
    return 0
