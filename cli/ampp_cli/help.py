"""`ampp help`."""

import click

__all__ = ["command"]


@click.command("help", add_help_option=False)
@click.argument("words", nargs=-1, metavar="[COMMAND]...")
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
            # The daemon's and this one's own: they print help by themselves, or have none.
            return _foreign(found, here)
        here = click.Context(found, info_name=word, parent=here)
    click.echo(here.get_help())
    return 0


def _foreign(found: click.Command, here: click.Context) -> int:
    if found is command:
        click.echo("Usage: ampp help [COMMAND]...\n\n  Show help on a COMMAND, or on all.")
        return 0
    with found.make_context(found.name, ["--help"], parent=here) as context:
        return int(found.invoke(context) or 0)
