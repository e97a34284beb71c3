"""Templates of a configuration: the files it names, and the texts in it that must parse for it to load."""

from collections.abc import Sequence
from os.path import basename
from typing import Final

from ampp.config.error import ConfigError
from ampp.config.glob import GlobError, glob

__all__ = ["SYNTAX_HINT", "read_files", "syntax_error"]

SYNTAX_HINT: Final = "only Go's own template functions are known in this place"


def syntax_error(text: str) -> str:
    """What is wrong with a template inside the configuration, or "".

    Upstream parses the few texts it checks at load without its own functions, so these are unknown here too.
    """
    from ampp.template.builtin import BUILTINS  # few configurations need it
    from ampp.template.error import TemplateError
    from ampp.template.parse import parse

    try:
        parse("", text, BUILTINS)
    except TemplateError as error:
        return str(error)
    return ""


def read_files(patterns: Sequence[str]) -> list[tuple[str, str, str]]:
    """The files that the `templates` patterns match, in order: path, base name (a template's too), text.

    A file matched twice comes twice; a pattern that matches nothing is fine. Raises `ConfigError`.
    """
    found = []
    for pattern in patterns:
        try:
            paths = glob(pattern)
        except GlobError as error:
            raise ConfigError(str(error), hint=f"in the pattern {pattern} under templates") from None
        for path in paths:
            try:
                with open(path, "rb") as file:
                    text = file.read().decode("utf-8", "surrogateescape")
            except IsADirectoryError:
                raise ConfigError(f"read {path}: is a directory", path) from None
            except OSError as error:
                why = (error.strerror or str(error)).lower()
                raise ConfigError(f"open {path}: {why}", path) from None
            found.append((path, basename(path), text))
    return found
