"""Options of `ampp` whose defaults the user's files may set."""

from typing import Any

import click

from ampp_cli.defaults import DefaultsError, ampp_defaults

__all__ = ["Remembered"]


class Remembered(click.Option):
    """An option whose default the files may set, under any of its long names."""

    def get_default(self, ctx: click.Context, call: bool = True) -> Any:
        names = [name.lstrip("-") for name in self.opts if name.startswith("--")]
        try:
            known = ampp_defaults()
        except DefaultsError as error:
            message = str(error)
            raise click.ClickException(f"{error.path}: {message.removeprefix(f'open {error.path}: ')}") from error
        for name in names:
            if name in known:
                return known[name]
        return super().get_default(ctx, call)
