"""Templates of a configuration: the files it names, and the texts in it that must parse for it to load."""

from collections.abc import Iterator, Sequence
from os.path import basename
from typing import TYPE_CHECKING, Final

import msgspec

from ampp.config.error import ConfigError
from ampp.config.glob import GlobError, glob

if TYPE_CHECKING:
    from ampp.template.renderer import Renderer

__all__ = ["SYNTAX_HINT", "TemplateFile", "read_files", "renderer", "syntax_error"]

SYNTAX_HINT: Final = "only Go's own template functions are known in this place"


class TemplateFile(msgspec.Struct, frozen=True):
    """A file that the `templates` of a configuration name: its path and text, or why it could not be read."""

    path: str
    text: str = ""
    error: str = ""


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


def read_files(patterns: Sequence[str]) -> list[tuple[str, list[TemplateFile]]]:
    """Each pattern with the files that it matches, whatever is wrong with them. Reads the files."""
    found = []
    for pattern in patterns:
        try:
            paths = glob(pattern)
        except GlobError as error:
            found.append((pattern, [TemplateFile(pattern, error=str(error))]))
        else:
            found.append((pattern, [_read(path) for path in paths]))
    return found


def _files(patterns: Sequence[str]) -> Iterator[tuple[str, str]]:
    for pattern in patterns:
        try:
            paths = glob(pattern)
        except GlobError as error:
            raise ConfigError(str(error), hint=f"in the pattern {pattern} under templates") from None
        for path in paths:
            file = _read(path)
            if file.error:
                raise ConfigError(file.error, path)
            yield path, file.text


def _read(path: str) -> TemplateFile:
    try:
        with open(path, "rb") as file:
            return TemplateFile(path, file.read().decode("utf-8", "surrogateescape"))
    except IsADirectoryError:
        return TemplateFile(path, error=f"read {path}: is a directory")
    except OSError as error:
        return TemplateFile(path, error=f"open {path}: {(error.strerror or str(error)).lower()}")
