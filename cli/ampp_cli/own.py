"""The `ampp` command: what is ampp's own, written with click. `ampp run` hands its line to the daemon's parser."""

import importlib
import sys

import click

from ampp import __version__
from ampp_cli.main import version

__all__ = ["main"]

_COMMANDS = {
    "run": ("Run the daemon. `ampp run --help` lists its flags.", "ampp_cli.run"),
    "check-config": ("Check configuration files.", "ampp_cli.check"),
    "template": ("Render notification templates.", "ampp_cli.render"),
    "receivers": ("Send test notifications, or show what would be sent.", "ampp_cli.receivers"),
}


class _Lazy(click.Group):
    """A group that imports a command's module when the command is used, not to list it."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(_COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name == "run":
            return _Run("run", short_help=_COMMANDS["run"][0], add_help_option=False)
        if cmd_name not in _COMMANDS:
            return None
        command = importlib.import_module(_COMMANDS[cmd_name][1]).command
        assert isinstance(command, click.Command)
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl([(name, text) for name, (text, _) in _COMMANDS.items()])


class _Run(click.Command):
    """The daemon's command line follows other rules: click passes it on untouched."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        ctx.args = args
        return args

    def invoke(self, ctx: click.Context) -> int:
        from ampp_cli import run

        return run.main("ampp", ctx.args)


@click.command(cls=_Lazy, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="ampp", message=version())
def _ampp() -> None:
    """Alertmanager++: takes alerts in, decides who hears about what and when, delivers, and can say why."""


def main(arguments: list[str]) -> int:
    """Run `ampp` with `arguments`; the exit status."""
    try:
        status = _ampp.main(arguments, prog_name="ampp", standalone_mode=False)
    except click.ClickException as error:
        error.show()
        return error.exit_code
    except click.Abort:
        sys.stderr.write("aborted\n")
        return 1
    return status if isinstance(status, int) else 0
