"""Command lines read by the rules of kingpin, the Go library behind Alertmanager's and amtool's flags.

Scripts and units depend on these rules to the letter, which is why a parser of a different family will not do:

- `--flag=value` and `--flag value`; `-f value`, `-fvalue`, `-abc` for three booleans; flags and arguments in any order.
- A boolean is `--flag` or `--no-flag` and takes no value. A flag that is no list may stand once.
- `--` ends the flags. A dash alone is an empty argument (since 0.26). `@file` stands for the lines of a file, without
  those that begin with `#`.
- No abbreviations: `--config.f` is unknown.
- A command tree may name a default per level, taken when no command is given.
- The first error found on the line is reported, unless the version was asked for before it.

A command line is described with `Flag`, `Argument` and `Command` values, read with `parse`; `ampp_cli.usage` prints
what help, man page and shell completion need. Nothing here prints or exits.
"""

from __future__ import annotations

from ampp_cli.value import UsageError, go_quote, reason_of, text, truth

TYPE_CHECKING = False  # see ampp_cli.remote: amtool is to answer at once, too
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from typing import Any, Final

    from ampp_cli.value import Parser

__all__ = ["BUILTIN", "VERSION", "Argument", "Command", "Flag", "Parsed", "parse"]


class Flag:
    """`--name`. `parse` turns its text into a value and raises ValueError with the message to show.

    `default` is text too, parsed like what a user types; None means that the value is None (a list: empty).
    """

    __slots__ = (
        "boolean",
        "default",
        "help",
        "hidden",
        "name",
        "parse",
        "placeholder",
        "repeated",
        "required",
        "short",
    )

    def __init__(
        self,
        name: str,
        help: str,  # noqa: A002
        *,
        parse: Parser = text,
        default: str | None = None,
        short: str = "",
        boolean: bool = False,
        repeated: bool = False,
        required: bool = False,
        hidden: bool = False,
        placeholder: str = "",
    ) -> None:
        self.name = name
        self.help = help
        self.parse = parse
        self.default = default
        self.short = short
        self.boolean = boolean
        self.repeated = repeated
        self.required = required
        self.hidden = hidden
        self.placeholder = placeholder


class Argument:
    """A positional argument; `repeated` takes the rest of the line and must be the last one."""

    __slots__ = ("help", "name", "parse", "repeated", "required")

    def __init__(
        self,
        name: str,
        help: str,  # noqa: A002
        *,
        parse: Parser = text,
        repeated: bool = False,
        required: bool = False,
    ) -> None:
        self.name = name
        self.help = help
        self.parse = parse
        self.repeated = repeated
        self.required = required


class Command:
    """A command, or the program itself. Has either sub-commands or arguments. `run` is what the caller makes of it."""

    __slots__ = ("arguments", "commands", "default", "flags", "help", "name", "run")

    def __init__(
        self,
        name: str,
        help: str,  # noqa: A002
        *,
        flags: tuple[Flag, ...] = (),
        arguments: tuple[Argument, ...] = (),
        commands: tuple[Command, ...] = (),
        default: bool = False,
        run: Callable[[Parsed], int] | None = None,
    ) -> None:
        self.name = name
        self.help = help
        self.flags = flags
        self.arguments = arguments
        self.commands = commands
        self.default = default
        self.run = run


class Parsed:
    """What a command line said: `path` from the program to the chosen command, `values` by flag or argument name.

    `given` names the flags that stood on the line. A flag and an argument of one command never share a name.
    """

    __slots__ = ("given", "path", "values")

    def __init__(self, program: Command) -> None:
        self.path = [program]
        self.given: set[str] = set()
        self.values: dict[str, Any] = {}

    @property
    def command(self) -> Command:
        return self.path[-1]

    def __getitem__(self, name: str) -> Any:
        return self.values[name]


BUILTIN: Final = (
    Flag("help", "Show context-sensitive help (also try --help-long and --help-man).", short="h", boolean=True),
    Flag("help-long", "Generate long help.", boolean=True, hidden=True),
    Flag("help-man", "Generate a man page.", boolean=True, hidden=True),
    Flag("completion-bash", "Output possible completions for the given args.", boolean=True, hidden=True),
    Flag("completion-script-bash", "Generate completion script for bash.", boolean=True, hidden=True),
    Flag("completion-script-zsh", "Generate completion script for zsh.", boolean=True, hidden=True),
)
VERSION: Final = Flag("version", "Show application version.", boolean=True)


def parse(program: Command, arguments: list[str], settings: Mapping[str, str] = {}) -> Parsed:
    """Read `arguments` (without the program's name). Raises UsageError.

    `settings` take the place of the defaults of the program's own flags and of those of the chosen command.

    Asking for help, completion or the version is no error: the caller looks for those names in `given` of the result,
    or of the error's `parsed`, before anything else.
    """
    reading = _Reading(program, arguments, settings)
    try:
        reading.line()
    except UsageError as error:
        # Unlike the version and the rest, help is only given on a line that is sound.
        reading.parsed.given.discard("help")
        error.parsed = reading.parsed
        raise
    try:
        if "help" in reading.parsed.given:
            reading.parsed.path = _asked_about(program, arguments)
        if not reading.parsed.given & {flag.name for flag in (*BUILTIN, VERSION)}:
            reading.convert()
    except ValueError as error:
        wrong = UsageError(str(error))
        wrong.sound = True
        wrong.parsed = reading.parsed
        raise wrong from error
    return reading.parsed


def _asked_about(program: Command, arguments: list[str]) -> list[Command]:
    """The commands that a sound line with --help names, as far as they can be followed without defaults."""
    reading = _Reading(program, arguments, {}, defaults=False)
    try:
        reading.line()
    except UsageError:
        return reading.parsed.path
    return reading.parsed.path


class _Reading:
    """One pass over a command line. `matched` keeps the texts until all of the line is known to be sound.

    Without `defaults` a command that was not named is not entered.
    """

    def __init__(
        self, program: Command, arguments: list[str], settings: Mapping[str, str], *, defaults: bool = True
    ) -> None:
        self.root = program
        self.settings = settings
        self.rest = list(arguments)
        self.parsed = Parsed(program)
        self.long: dict[str, Flag] = {}
        self.short: dict[str, Flag] = {}
        self.matched: list[tuple[Flag | Argument, str]] = []
        self.only_arguments = False
        self.defaults = defaults
        self._add((*BUILTIN, *program.flags, VERSION))

    def _add(self, flags: tuple[Flag, ...]) -> None:
        for flag in flags:
            self.long[flag.name] = flag
            if flag.short:
                self.short[flag.short] = flag

    def _enter(self, command: Command) -> None:
        self.parsed.path.append(command)
        self._add(command.flags)

    def _default_command(self) -> Command | None:
        if not self.defaults:
            return None
        return next((command for command in self.parsed.command.commands if command.default), None)

    def line(self) -> None:
        while self.rest:
            word = self.rest.pop(0)
            if self.only_arguments or not self._special(word):
                self._argument(word)
        while (command := self._default_command()) is not None:
            self._enter(command)

    def _special(self, word: str) -> bool:
        """Whether `word` was more than an argument; if so, it has been dealt with."""
        if word == "--":
            self.only_arguments = True
        elif word == "-":
            self._argument("")
        elif word.startswith("-"):
            self._flag(word)
        elif word.startswith("@"):
            self.rest[:0] = _lines_of(word[1:])
        else:
            return False
        return True

    def _flag(self, word: str) -> None:
        attached: str | None = None
        inverted = False
        if word.startswith("--"):
            name, separator, value = word[2:].partition("=")
            attached = value if separator else None
            flag = self.long.get(name)
            if flag is None and name.startswith("no-"):
                flag = self.long.get(name[3:])
                inverted = True
            shown = "--" + name
            unknown = flag is None or (inverted and not flag.boolean)
        else:
            flag = self.short.get(word[1:2])
            shown = word[:2]
            unknown = flag is None
            if flag is None or flag.boolean:
                if word[2:]:
                    self.rest.insert(0, "-" + word[2:])
            elif word[2:]:
                attached = word[2:]
        if flag is None or unknown:
            # What the command does not know, its default sub-command may.
            if (command := self._default_command()) is not None:
                self._enter(command)
                if not word.startswith("--") and word[2:]:
                    self.rest.pop(0)
                self.rest.insert(0, word)
                return
            raise UsageError(f"unknown {'long' if word.startswith('--') else 'short'} flag '{shown}'")
        self.parsed.given.add(flag.name)
        if flag.boolean:
            self.matched.append((flag, "false" if inverted else "true"))
            if attached is not None:
                self._argument(attached)
            return
        if attached is None:
            attached = self._value(shown)
        self.matched.append((flag, attached))

    def _value(self, shown: str) -> str:
        """The word after a flag that needs one."""
        while self.rest and not self.only_arguments:
            if self.rest[0] == "--":
                self.only_arguments = True
                del self.rest[0]
            elif self.rest[0].startswith("@"):
                self.rest[:1] = _lines_of(self.rest[0][1:])
            else:
                break
        if not self.rest or (not self.only_arguments and self.rest[0].startswith("-") and self.rest[0] != "-"):
            raise UsageError(f"expected argument for flag '{shown}'")
        word = self.rest.pop(0)
        return "" if word == "-" and not self.only_arguments else word

    def _argument(self, word: str) -> None:
        commands = self.parsed.command.commands
        while commands:
            chosen = next((command for command in commands if command.name == word), None)
            if chosen is not None:
                self._enter(chosen)
                return
            default = self._default_command()
            if default is None:
                raise UsageError(f"expected command but got {go_quote(word)}")
            self._enter(default)
            commands = default.commands
        declared = self.parsed.command.arguments
        taken = sum(isinstance(element, Argument) for element, _ in self.matched)
        at = min(taken, len(declared) - 1)
        if at < 0 or (at < taken and not declared[at].repeated):
            raise UsageError(f"unexpected {word}")
        self.matched.append((declared[at], word))

    def convert(self) -> None:
        """Texts to values, defaults filled in, what is required checked; all in kingpin's order.

        What precedes an error is in `values` already.
        """
        values = self.parsed.values
        given = self.parsed.given
        for flag in self.long.values():
            values[flag.name] = self._default(flag)
        for argument in self.parsed.command.arguments:
            values[argument.name] = [] if argument.repeated else None
        once: set[str] = set()
        for element, value in self.matched:
            if isinstance(element, Argument):
                read = element.parse(value)
                values[element.name] = [*values[element.name], read] if element.repeated else read
                continue
            flag = element
            if flag.name in once and not flag.repeated:
                raise UsageError(f"flag '{flag.name}' cannot be repeated")
            if flag.boolean:
                values[flag.name] = value == "true"
            elif flag.repeated:
                values[flag.name] = [*(values[flag.name] if flag.name in once else ()), flag.parse(value)]
            else:
                values[flag.name] = flag.parse(value)
            once.add(flag.name)
        if self.parsed.command.commands and len(self.parsed.path) > 1:
            raise UsageError(f"must select a subcommand of '{' '.join(c.name for c in self.parsed.path[1:])}'")
        missing = [f"'--{f.name}'" for f in self.long.values() if f.required and f.name not in given]
        if missing:
            raise UsageError(f"required flag(s) {', '.join(missing)} not provided")
        for argument in self.parsed.command.arguments:
            if argument.required and not any(taken is argument for taken, _ in self.matched):
                raise UsageError(f"required argument '{argument.name}' not provided")

    def _default(self, flag: Flag) -> Any:
        if flag.name in self.parsed.given:
            return [] if flag.repeated else False if flag.boolean else None
        text = flag.default
        if flag.name in self.settings and (flag in self.root.flags or flag in self.parsed.command.flags):
            text = self.settings[flag.name]
        if flag.boolean:
            return truth(text) if text is not None else False
        if text is None:
            return [] if flag.repeated else None
        return [flag.parse(text)] if flag.repeated else flag.parse(text)


def _lines_of(path: str) -> list[str]:
    if not path:
        raise UsageError("expected @ file to expand arguments from")
    try:
        with open(path, encoding="utf-8", errors="surrogateescape") as file:
            return [line for line in file.read().splitlines() if not line.startswith("#")]
    except OSError as error:
        raise UsageError(f"failed to open arguments file {go_quote(path)}: open {path}: {reason_of(error)}") from error
