"""Groups of commands that import a command's module when the command is used, not to list it."""

import importlib
from collections.abc import Mapping
from typing import TYPE_CHECKING, Final, TypeAlias

import click

if TYPE_CHECKING:
    from click.shell_completion import CompletionItem

__all__ = ["CONTEXT", "Lazy", "Table"]

Table: TypeAlias = Mapping[str, tuple[str, str]]
"""A command's name to its one-line help and the module whose `command` it is."""

CONTEXT: Final = {"help_option_names": ["-h", "--help"]}
"""What every command of ampp's own is made with; groups hand it down."""


class Lazy(click.Group):
    """A group whose commands are named in a table. A name that is none is answered with the one that was meant."""

    def __init__(self, name: str, table: Table, help: str) -> None:  # noqa: A002
        super().__init__(name, help=help, context_settings=dict(CONTEXT))
        self.table = table

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(self.table)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in self.table:
            return None
        command = importlib.import_module(self.table[cmd_name][1]).command
        assert isinstance(command, click.Command)
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        word = args[0]
        if word in self.table or word.startswith("-") or ctx.resilient_parsing:
            return super().resolve_command(ctx, args)
        from ampp.config.error import closest

        near = closest(word, self.table)
        hint = f"did you mean '{near}'?" if near else f"there are: {', '.join(self.table)}"
        raise click.UsageError(f"no such command '{word}': {hint}", ctx)

    def shell_complete(self, ctx: click.Context, incomplete: str) -> "list[CompletionItem[str]]":
        from click.shell_completion import CompletionItem

        names = [
            CompletionItem(name, help=text) for name, (text, _) in self.table.items() if name.startswith(incomplete)
        ]
        return names + click.Command.shell_complete(self, ctx, incomplete)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        if not self.table:
            return
        with formatter.section("Commands"):
            formatter.write_dl([(name, text) for name, (text, _) in self.table.items()])
