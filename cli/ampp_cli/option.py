"""Options of commands, told once for two readers: click, and `plain`, which reads the usual line and imports nothing.

click takes longer to import than a server takes to answer. So what is typed most (see `ampp_cli.usual`) tells its
options as `Option` values; `clicked` makes them options of a click command, whose help, completion and messages they
are seen in. `plain` takes only lines that mean the same to click, and leaves the others to it, mistakes among them.
"""

from __future__ import annotations

import os

from ampp_cli.defaults import DefaultsError, ampp_defaults

TYPE_CHECKING = False  # see ampp_cli.remote
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from typing import Any, TypeVar

    R = TypeVar("R")

__all__ = ["Option", "clicked", "plain"]


class Option:
    """The option whose value is the argument `name`; `words` are its spellings, all of them with dashes.

    `flag` takes no value. `default` is a text; the variable of the environment named `variable` goes before it, and
    where it is `remembered`, the user's files of defaults do. `rare`: a line that says it is left to click.
    `kind` is `file` (one that is there) or `seconds` (at least a tenth), which click knows to read: rare, then.
    `suggested` names the function of `ampp_cli.suggestion` that completes values. `more` goes to click as it is.
    """

    __slots__ = (
        "choices",
        "default",
        "flag",
        "kind",
        "more",
        "name",
        "rare",
        "remembered",
        "suggested",
        "variable",
        "words",
    )

    def __init__(
        self,
        name: str,
        *words: str,
        flag: bool = False,
        default: str | None = None,
        choices: tuple[str, ...] = (),
        variable: str = "",
        remembered: bool = False,
        kind: str = "",
        rare: bool = False,
        suggested: str = "",
        **more: Any,
    ) -> None:
        self.name = name
        self.words = words
        self.flag = flag
        self.default = default
        self.choices = choices
        self.variable = variable
        self.remembered = remembered
        self.kind = kind
        self.rare = rare or bool(kind)
        self.suggested = suggested
        self.more = more

    def standing(self) -> str | None:
        """The value where the line says none. Raises DefaultsError."""
        if self.variable and (value := os.environ.get(self.variable)):
            return value
        if self.remembered:
            known = ampp_defaults()
            for word in self.words:
                if word.startswith("--") and word[2:] in known:
                    return known[word[2:]]
        return self.default


def plain(options: Iterable[Option], line: list[str]) -> tuple[dict[str, Any], list[str]] | None:
    """The values by name and the words that are none; None where the line is click's to read."""
    options = tuple(options)
    known = {word: option for option in options for word in option.words}
    values: dict[str, Any] = {}
    words: list[str] = []
    rest = iter(line)
    for word in rest:
        if not word.startswith("-") or word == "-":
            words.append(word)
            continue
        spelt, equals, value = word.partition("=") if word.startswith("--") else (word, "", "")
        option = known.get(spelt)
        if option is None or option.rare or (option.flag and equals):
            return None
        if option.flag:
            values[option.name] = True
            continue
        if not equals:
            value = next(rest, "-")
            if value.startswith("-"):
                return None
        values[option.name] = value
    try:
        for option in options:
            if option.name not in values:
                values[option.name] = False if option.flag else option.standing()
                if option.rare and values[option.name] != (False if option.flag else option.default):
                    return None
            if option.choices and values[option.name] not in option.choices:
                return None
    except DefaultsError:
        return None
    return values, words


def clicked(options: Iterable[Option]) -> Callable[[Callable[..., R]], Callable[..., R]]:
    """Give a click command these options, the first one first in its help."""
    import click

    from ampp_cli.remembered import Remembered

    kinds = {"file": click.Path(exists=True, dir_okay=False), "seconds": click.FloatRange(0.1)}

    def decorate(function: Callable[..., R]) -> Callable[..., R]:
        for option in reversed(tuple(options)):
            more = dict(option.more)
            if option.flag:
                more["is_flag"] = True
            elif option.default is not None:
                more["default"] = option.default
            if option.choices:
                more["type"] = click.Choice(option.choices)
            if option.kind:
                more["type"] = kinds[option.kind]
            if option.variable:
                more["envvar"] = option.variable
            if option.remembered:
                more["cls"] = Remembered
            if option.suggested:
                from ampp_cli import suggestion

                more["shell_complete"] = getattr(suggestion, option.suggested)
            function = click.option(*option.words, option.name, **more)(function)
        return function

    return decorate
