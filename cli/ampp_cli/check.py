"""`check-config`, of `ampp` and of amtool: whether configuration files and the templates they name can be used."""

from collections.abc import Iterator

import click

from ampp.config import Config, ConfigError, load_file, renderer
from ampp.core.matcher import Mode

__all__ = ["check", "command"]


def check(file: str, mode: Mode, *, places: bool = False) -> Iterator[str | None]:
    """The report on one file, piece by piece as Alertmanager's tool words it; None stands for "it failed".

    `places`: say where in the file an error is, and what may help, for which amtool's form has no room.
    """
    yield f"Checking '{file}'"
    try:
        config = load_file(file, mode)
    except ConfigError as error:
        yield f"  FAILED: {error.render() if places else error}\n"
        yield None
    else:
        yield f"  SUCCESS\n{_found(config)}"
        if config.document.templates:
            yield from _templates(config, places=places)
    yield "\n"


def _templates(config: Config, *, places: bool) -> Iterator[str | None]:
    try:
        renderer(config.document.templates)
    except ConfigError as error:
        yield f"  FAILED: {error.render() if places else error}\n"
        yield None
    else:
        yield "  SUCCESS\n"


def _found(config: Config) -> str:
    return (
        "Found:\n - global config\n - route\n"
        f" - {len(config.document.inhibit_rules)} inhibit rules\n"
        f" - {len(config.receivers)} receivers\n"
        f" - {len(config.document.templates)} templates\n"
    )


@click.command("check-config")
@click.argument("files", nargs=-1, required=True, type=click.Path(exists=True, dir_okay=False))
@click.option(
    "--matchers",
    type=click.Choice([mode.value for mode in Mode]),
    default=Mode.FALLBACK.value,
    show_default=True,
    help="Which matcher grammar to check by, as --enable-feature would choose it.",
)
def command(files: tuple[str, ...], matchers: str) -> int:
    """Check configuration FILES. The exit status is 1 when one of them cannot be used."""
    failed = 0
    for file in files:
        for piece in check(file, Mode(matchers), places=True):
            if piece is None:
                failed += 1
            else:
                click.echo(piece, nl=False)
    return 1 if failed else 0
