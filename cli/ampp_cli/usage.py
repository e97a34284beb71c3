"""What `--help`, `--help-long`, `--help-man`, `--version` and the completion flags print, in kingpin's layout."""

import functools
import textwrap
from collections.abc import Callable, Iterable

from ampp_cli.kingpin import BUILTIN, VERSION, Argument, Command, Flag, Parsed

__all__ = ["answer", "flag_text", "usage"]

_SHORT_COLUMN = 30
_wrap = functools.partial(textwrap.wrap, break_on_hyphens=False, break_long_words=False)


def answer(program: str, version: str, parsed: Parsed) -> str | None:
    """The text to print when help, completion or the version was asked for, None when the command is to run."""
    texts: tuple[tuple[str, Callable[[], str]], ...] = (
        ("help", lambda: usage(program, parsed.path)),
        ("help-long", lambda: _long(program, parsed.path[0])),
        ("help-man", lambda: _man(program, version, parsed.path[0])),
        ("completion-script-bash", lambda: _bash(program)),
        ("completion-script-zsh", lambda: _zsh(program)),
        ("version", lambda: version + "\n"),
        ("completion-bash", lambda: _choices(parsed)),
    )
    return next((make() for name, make in texts if name in parsed.given), None)


def usage(program: str, path: list[Command]) -> str:
    """Help for the last command of `path`: its use, its flags and those of the commands above, arguments, commands."""
    command = path[-1]
    out = [f"usage: {' '.join([program, *(c.name for c in path[1:])])}{_synopsis(path)}", ""]
    if command.help:
        out += [*_paragraphs(command.help), ""]
    out += ["Flags:", *_columns(_flag_rows(path)), ""]
    if command.arguments:
        out += ["Args:", *_columns((_argument_text(a), a.help) for a in command.arguments), ""]
    if command.commands:
        out += ["Subcommands:" if len(path) > 1 else "Commands:", *_tree(command.commands, 1), ""]
    return "\n".join(out) + "\n"


def flag_text(flag: Flag) -> str:
    """The flag as help shows it: `--web.timeout=0`, `--cluster.peer=CLUSTER.PEER ...`."""
    if flag.boolean:
        text = f"--[no-]{flag.name}" if flag.default == "true" else f"--{flag.name}"
    else:
        value = flag.placeholder or (f'"{flag.default}"' if flag.default == "" else flag.default) or flag.name.upper()
        text = f"--{flag.name}={value}"
    return text + (" ..." if flag.repeated else "")


def _flags(path: list[Command]) -> list[Flag]:
    flags = [*BUILTIN, *path[0].flags, VERSION, *(flag for command in path[1:] for flag in command.flags)]
    return [flag for flag in flags if not flag.hidden]


def _flag_rows(path: list[Command]) -> Iterable[tuple[str, str]]:
    for flag in _flags(path):
        yield (f"-{flag.short}, " if flag.short else "    ") + flag_text(flag), flag.help


def _argument_text(argument: Argument) -> str:
    text = f"<{argument.name}>" + ("..." if argument.repeated else "")
    return text if argument.required else f"[{text}]"


def _synopsis(path: list[Command]) -> str:
    command = path[-1]
    text = "".join(f" {flag_text(flag)}" for flag in _flags(path) if flag.required)
    if command.flags or len(path) == 1:
        text += " [<flags>]"
    if command.commands:
        return text + " <command> [<args> ...]"
    return text + "".join(" " + _argument_text(argument) for argument in command.arguments)


def _width() -> int:
    import shutil

    return max(40, shutil.get_terminal_size((80, 24)).columns)


def _paragraphs(text: str) -> list[str]:
    """Wrapped prose; lines that begin with a blank are left as they are."""
    lines: list[str] = []
    for line in text.split("\n"):
        lines += [line] if line[:1].isspace() else _wrap(line, _width()) or [""]
    return lines


def _columns(rows: Iterable[tuple[str, str]]) -> list[str]:
    rows = list(rows)
    left = max((len(row[0]) for row in rows if len(row[0]) < _SHORT_COLUMN), default=0)
    lines: list[str] = []
    for first, second in rows:
        wrapped = _wrap(second, max(20, _width() - left - 4)) or [""]
        if len(first) >= _SHORT_COLUMN:
            lines.append(f"  {first}  ")
        else:
            lines.append(f"  {first:<{left}}  {wrapped.pop(0)}")
        lines += [f"  {'':<{left}}  {line}" for line in wrapped]
    return lines


def _tree(commands: tuple[Command, ...], depth: int) -> list[str]:
    lines: list[str] = []
    for command in commands:
        own = " [<flags>]" if command.flags else ""
        own += "".join(" " + _argument_text(argument) for argument in command.arguments)
        lines.append("  " * depth + command.name + ("*" if command.default else "") + own)
        lines += _tree(command.commands, depth + 1)
    return lines


def _walk(path: list[Command]) -> Iterable[list[Command]]:
    for command in path[-1].commands:
        below = [*path, command]
        yield below
        yield from _walk(below)


def _long(program: str, root: Command) -> str:
    text = usage(program, [root])
    for path in _walk([root]):
        command = path[-1]
        text += " ".join(c.name for c in path[1:]) + "".join(f" {_argument_text(a)}" for a in command.arguments) + "\n"
        text += "".join(f"  {line}\n" for line in _paragraphs(command.help))
        rows = [(f"-{f.short}, " if f.short else "    ") + flag_text(f) for f in command.flags if not f.hidden]
        helps = [f.help for f in command.flags if not f.hidden]
        text += "".join(f"  {line}\n" for line in _columns(zip(rows, helps, strict=True))) + "\n"
    return text


def _man(program: str, version: str, root: Command) -> str:
    def options(flags: Iterable[Flag]) -> list[str]:
        lines: list[str] = []
        for flag in flags:
            name = (f"-{flag.short}, " if flag.short else "") + flag_text(flag)
            lines += [".TP", f"\\fB{_roff(name)}\\fR", _roff(flag.help)]
        return lines

    out = [f'.TH {program} 1 "{version.splitlines()[0]}" ""', '.SH "NAME"', program, '.SH "SYNOPSIS"']
    out += [".TP", f"\\fB{program}{_synopsis([root])}\\fR", '.SH "DESCRIPTION"', _roff(root.help), '.SH "OPTIONS"']
    out += options(_flags([root]))
    commands = list(_walk([root]))
    if commands:
        out.append('.SH "COMMANDS"')
    for path in commands:
        arguments = "".join(f" {_argument_text(a)}" for a in path[-1].arguments)
        out += [".SS", f"\\fB{' '.join(c.name for c in path[1:])}{arguments}\\fR", ".PP", _roff(path[-1].help)]
        out += options(flag for flag in path[-1].flags if not flag.hidden)
    return "\n".join(out) + "\n"


def _roff(text: str) -> str:
    lines = text.replace("\\", "\\\\").split("\n")
    return "\n".join("\\&" + line if line[:1] in (".", "'") else line for line in lines)


def _choices(parsed: Parsed) -> str:
    """Words that may follow, one a line without a final newline, as kingpin's completion scripts read them."""
    commands = [command.name for command in parsed.command.commands]
    names = commands or [f"--{flag.name}" for flag in _flags(parsed.path)]
    return "\n".join(names)


def _function(program: str) -> str:
    return f"""
_{program}_bash_autocomplete() {{
    local cur opts
    COMPREPLY=()
    cur="${{COMP_WORDS[COMP_CWORD]}}"
    opts=$("${{COMP_WORDS[0]}}" --completion-bash "${{COMP_WORDS[@]:1:$COMP_CWORD}}")
    COMPREPLY=( $(compgen -W "${{opts}}" -- "${{cur}}") )
    return 0
}}
complete -F _{program}_bash_autocomplete {program}
"""


def _bash(program: str) -> str:
    return _function(program) + "\n"


def _zsh(program: str) -> str:
    return (
        f"#compdef {program}\nautoload -U compinit && compinit\nautoload -U bashcompinit && bashcompinit\n"
        + _function(program)
    )
