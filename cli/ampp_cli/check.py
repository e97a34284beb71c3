"""amtool's `check-config`: whether configuration files and the templates they name can be used, in amtool's words."""

from collections.abc import Iterator

from ampp.config import Config, ConfigError, load_file, renderer
from ampp.core.matcher import Mode

__all__ = ["check"]


def check(file: str, mode: Mode) -> Iterator[str | None]:
    """The report on one file, piece by piece as Alertmanager's tool words it; None stands for "it failed"."""
    yield f"Checking '{file}'"
    try:
        config = load_file(file, mode)
    except ConfigError as error:
        yield f"  FAILED: {error}\n"
        yield None
    else:
        yield f"  SUCCESS\n{_found(config)}"
        if config.document.templates:
            yield from _templates(config)
    yield "\n"


def _templates(config: Config) -> Iterator[str | None]:
    try:
        renderer(config.document.templates)
    except ConfigError as error:
        yield f"  FAILED: {error}\n"
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
