"""The reference of ampp's commands in Markdown, made of what they say themselves: `python -m ampp_cli.manual`."""

import inspect
import re
import sys
from collections import Counter
from collections.abc import Iterable, Iterator
from typing import Final

import click

from ampp_cli.own import _ampp as root

__all__ = ["commands", "rules"]


_MANY: Final = 5
"""An option of so many commands is told once, at the end."""


def commands() -> str:
    """Every command with its use, what it does, and its options; then the options that many commands have."""
    context = click.Context(root, info_name="ampp")
    counts = Counter(row for one in _walk(context) for row in _rows(one))
    common = {row for row, count in counts.items() if count >= _MANY}
    lines = list(_command(context, 2, common))
    lines += ["## Options of many commands", "", *_table(row for row in counts if row in common)]
    return "\n".join(lines)


def _walk(context: click.Context) -> Iterator[click.Context]:
    yield context
    for inner in _inner(context):
        yield from _walk(inner)


def _inner(context: click.Context) -> Iterator[click.Context]:
    command = context.command
    if isinstance(command, click.Group):
        for name in command.list_commands(context):
            found = command.get_command(context, name)
            if found is not None and not found.hidden:
                yield click.Context(found, info_name=name, parent=context)


def rules() -> str:
    """The table of what `ampp check-config` looks for."""
    from ampp.config.lint import RULES

    rows = ["| Rule | | Finds |", "|---|---|---|"]
    rows += [f"| `{rule.name}` | {rule.severity.value} | {_cell(rule.meaning)} |" for rule in RULES.values()]
    return "\n".join(rows) + "\n"


def _command(context: click.Context, level: int, common: set[str]) -> Iterator[str]:
    command = context.command
    yield f"{'#' * level} `{context.command_path}`"
    yield ""
    if not command.add_help_option and not command.params:
        # The daemon's, which has a command line of another kind.
        yield f"{command.short_help} They are listed in [configuration.md](configuration.md#flags)."
        yield ""
        return
    if not isinstance(command, click.Group):
        yield "```"
        yield f"{context.command_path} {' '.join(command.collect_usage_pieces(context))}"
        yield "```"
        yield ""
    yield from _prose(command.help or "")
    rows = _rows(context)
    yield from _table(row for row in rows if row not in common)
    if any(row in common for row in rows):
        names = ", ".join(_name(row) for row in rows if row in common)
        yield f"Also [options of many commands](#options-of-many-commands): {names}."
        yield ""
    for inner in _inner(context):
        yield from _command(inner, min(level + 1, 6), common)


def _prose(text: str) -> Iterator[str]:
    """Paragraphs as they stand; an indented one is an example."""
    for paragraph in inspect.cleandoc(text).split("\n\n"):
        lines = paragraph.removeprefix("\b\n").splitlines()
        example = all(line.startswith("  ") for line in lines)
        yield from ["```", *inspect.cleandoc(paragraph).splitlines(), "```"] if example else map(_plain, lines)
        yield ""


def _rows(context: click.Context) -> list[str]:
    return [_row(option, context) for option in context.command.get_params(context) if _is_told(option)]


def _table(rows: Iterable[str]) -> Iterator[str]:
    lines = list(rows)
    if lines:
        yield from ("| Option | Default | |", "|---|---|---|", *lines, "")


def _name(row: str) -> str:
    """The long name that a row begins with."""
    found = re.search(r"--[a-z.-]+", row)
    return f"`{found[0]}`" if found else ""


def _is_told(option: click.Parameter) -> bool:
    return isinstance(option, click.Option) and not option.hidden and "--help" not in option.opts


def _row(option: click.Parameter, context: click.Context) -> str:
    assert isinstance(option, click.Option)
    value = "" if option.is_flag or option.count else f" {option.make_metavar(context)}"
    *others, last = (*option.opts, *option.secondary_opts)
    names = ", ".join([*(f"`{name}`" for name in others), f"`{last}{value}`"])
    # As it stands in the program: the files of whoever runs this may say otherwise.
    default = option.default
    told = f"`{default}`" if isinstance(default, str | int | float) and not option.is_flag and default != "" else ""
    return f"| {_cell(names)} | {_cell(told)} | {_cell(option.help or '')} |"


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|")


def _plain(text: str) -> str:
    """Prose in which no sign of Markdown's is meant."""
    return text.replace("<", "&lt;").replace("*", "\\*")


if __name__ == "__main__":
    sys.stdout.write(commands())
