"""Templates of a configuration: the files it names, and the texts in it that must parse for it to load."""

from collections.abc import Iterator, Sequence
from os.path import basename
from typing import TYPE_CHECKING, Final

from ampp.config.error import ConfigError
from ampp.config.glob import GlobError, glob

if TYPE_CHECKING:
    from ampp.template.renderer import Renderer

__all__ = ["SYNTAX_HINT", "renderer", "syntax_error"]

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


def renderer(patterns: Sequence[str], *, by_value: bool = False) -> "Renderer":
    """The default templates with those of the files that the `templates` patterns match, in order.

    A file matched twice counts twice; a pattern that matches nothing is fine. `by_value`: as `Renderer` takes it. Reads
    the files. Raises `ConfigError`, whose text is Go's.
    """
    from ampp.template.error import TemplateError  # what asks for a configuration alone can do without
    from ampp.template.renderer import Renderer

    made = Renderer(by_value=by_value)
    for path, text in _files(patterns):
        try:
            made.add(basename(path), text)
        except TemplateError as error:
            raise ConfigError(str(error), path, error.line, (error.column or 0) + 1) from None
    return made


def _files(patterns: Sequence[str]) -> Iterator[tuple[str, str]]:
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
            yield path, text
