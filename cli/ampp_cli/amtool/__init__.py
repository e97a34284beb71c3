"""amtool: Alertmanager's tool, by its own name and with its own words.

Errors go to stderr as `amtool: error: <message>`, mostly with a blank line after it, and exit status 1.
"""

from __future__ import annotations

import sys

from ampp_cli.amtool.failure import Failure
from ampp_cli.amtool.program import PROGRAM, SERVED
from ampp_cli.kingpin import BUILTIN, VERSION, Command, Parsed, parse
from ampp_cli.value import UsageError

TYPE_CHECKING = False  # see ampp_cli.remote
if TYPE_CHECKING:
    from typing import Final

__all__ = ["PROGRAM", "main"]

_HELP: Final = frozenset(("help", "help-long", "help-man"))
_ASKING: Final = frozenset(flag.name for flag in (*BUILTIN, VERSION))


def main(program: str, arguments: list[str]) -> int:
    """Run amtool; the exit status. `program` is the name to show in messages."""
    try:
        return _run(program, arguments)
    except (UsageError, Failure) as error:
        sys.stdout.flush()
        sys.stderr.write(f"{program}: error: {error}{getattr(error, 'end', chr(10) * 2)}")
        return 1


def _run(program: str, arguments: list[str]) -> int:
    from ampp_cli.defaults import DefaultsError, amtool_defaults

    try:
        settings = amtool_defaults()
    except DefaultsError as error:
        raise Failure(f"could not load config file: {error}") from error
    wrong: UsageError | None = None
    try:
        parsed = parse(PROGRAM, arguments, settings)
    except UsageError as error:
        wrong, parsed = error, error.parsed
    if (wrong is None or wrong.sound) and not parsed.given & (_HELP | {"version"}):
        _require_server(parsed)
    asked = _answer(program, parsed)
    if asked is None and wrong is not None:
        raise wrong
    if asked is None and parsed["enable-feature"]:
        from ampp_cli.amtool.session import mode

        mode(parsed)  # what is wrong with it is told before anything is done
    if asked is None and parsed.command.run is None:
        # `amtool` alone, or `amtool help [command...]`.
        from ampp_cli.usage import usage

        asked = usage(program, _path(parsed.values.get("command") or []))
    if asked is not None:
        sys.stdout.write(asked)
        return 0
    assert parsed.command.run is not None
    return parsed.command.run(parsed)


def _answer(program: str, parsed: Parsed) -> str | None:
    if not parsed.given & _ASKING:
        return None
    from ampp.observe.build import BUILD

    if parsed.given & _ASKING == {"version"}:
        return BUILD.text("amtool") + "\n"
    from ampp_cli.usage import answer

    return answer(program, BUILD.text("amtool"), parsed)


def _require_server(parsed: Parsed) -> None:
    """Told before all other errors of values: kingpin looks at the values only after this."""
    if any(command in SERVED for command in parsed.path) and parsed.values.get("alertmanager.url") is None:
        raise Failure("required flag --alertmanager.url not provided", "\n")


def _path(names: list[str]) -> list[Command]:
    path = [PROGRAM]
    for name in names:
        found = next((command for command in path[-1].commands if command.name == name), None)
        if found is None:
            from ampp.core.quote import go_quote

            raise Failure(f"expected command but got {go_quote(name)}", "\n")
        path.append(found)
    return path
