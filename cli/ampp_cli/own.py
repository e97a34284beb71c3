"""The `ampp` command: what is ampp's own, written with click. `ampp run` hands its line to the daemon's parser."""

import os
import sys
from typing import TYPE_CHECKING, Final

import click

from ampp import __version__
from ampp_cli.group import Lazy, Table
from ampp_cli.main import version

if TYPE_CHECKING:
    from click.shell_completion import CompletionItem

__all__ = ["main"]

_COMMANDS: Final[Table] = {
    "run": ("Run the daemon. `ampp run --help` lists its flags.", "ampp_cli.run"),
    "check-config": ("Check configuration files.", "ampp_cli.check_config"),
    "alert": ("Look at alerts, and add some.", "ampp_cli.alert.commands"),
    "silence": ("Mute alerts for a time.", "ampp_cli.silence.commands"),
    "history": ("Look at what happened.", "ampp_cli.history"),
    "notifications": ("Look at what was told to whom.", "ampp_cli.notifications"),
    "status": ("Show how the server is.", "ampp_cli.status"),
    "cluster": ("Look at the server's peers.", "ampp_cli.cluster"),
    "config": ("Look into a configuration.", "ampp_cli.config"),
    "backup": ("Copy the whole state, while the daemon runs.", "ampp_cli.backup"),
    "restore": ("Put a backup in place.", "ampp_cli.restore"),
    "db": ("Look after the databases.", "ampp_cli.db"),
    "template": ("Render notification templates.", "ampp_cli.template"),
    "explain": ("Say why somebody was told of an alert, or was not.", "ampp_cli.explain"),
    "backtest": ("Show what another configuration would have told.", "ampp_cli.backtest"),
    "receivers": ("Send test notifications, or show what would be sent.", "ampp_cli.receivers"),
    "completion": ("Print a script that completes ampp's commands in a shell.", "ampp_cli.completion"),
    "help": ("Show help on a command.", "ampp_cli.help"),
}


class _Ampp(Lazy):
    """All commands. The daemon's is the odd one."""

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name == "run":
            return _Run("run", short_help=_COMMANDS["run"][0], add_help_option=False)
        return super().get_command(ctx, cmd_name)


class _Run(click.Command):
    """The daemon's command line follows other rules: click passes it on untouched."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        ctx.args = args
        return args

    def invoke(self, ctx: click.Context) -> int:
        from ampp_cli import run

        return run.main("ampp", ctx.args)

    def shell_complete(self, ctx: click.Context, incomplete: str) -> "list[CompletionItem[str]]":
        from click.shell_completion import CompletionItem

        from ampp_cli.run import PROGRAM

        names = [f"--{flag.name}" for flag in PROGRAM.flags if not flag.hidden]
        helps = [flag.help for flag in PROGRAM.flags if not flag.hidden]
        found = zip(names, helps, strict=True)
        return [CompletionItem(name, help=text) for name, text in found if name.startswith(incomplete)]


_ampp: Final = click.version_option(__version__, prog_name="ampp", message=version())(
    _Ampp(
        "ampp",
        _COMMANDS,
        "Alertmanager++: takes alerts in, decides who hears about what and when, delivers, and can say why.",
    )
)


def main(arguments: list[str]) -> int:
    """Run `ampp` with `arguments`; the exit status: 0 well, 1 failed, 2 wrongly called, 130 interrupted.

    An error is one line on stderr: what was called, what is wrong, and what may help.
    """
    if os.environ.get("_AMPP_COMPLETE"):
        from ampp_cli.completion import answer

        return answer(_ampp)
    try:
        status = _ampp.main(arguments, prog_name="ampp", standalone_mode=False)
    except click.exceptions.NoArgsIsHelpError as error:
        error.show()
        return error.exit_code
    except click.UsageError as error:
        path = error.ctx.command_path if error.ctx is not None else "ampp"
        sys.stderr.write(f"{path}: {error.format_message()} (see {path} --help)\n")
        return error.exit_code
    except click.ClickException as error:
        sys.stderr.write(f"ampp: {error.format_message()}\n")
        return error.exit_code
    except click.Abort as error:
        if isinstance(error.__cause__, KeyboardInterrupt):
            return 130
        sys.stderr.write("aborted\n")
        return 1
    return status if isinstance(status, int) else 0
