"""amtool: Alertmanager's tool, by its own name and with its own words. The commands that need no server.

Errors go to stderr as `amtool: error: <message>` and a blank line, with exit status 1.
"""

import os
import stat
import sys
from typing import TYPE_CHECKING, Final

from ampp.core.quote import go_quote
from ampp.observe.build import BUILD
from ampp_cli.kingpin import Argument, Command, Flag, Parsed, UsageError, enum, existing_file, parse, reason_of
from ampp_cli.usage import answer, usage

if TYPE_CHECKING:
    from ampp.core.matcher import Mode
    from ampp.core.route import Route

__all__ = ["PROGRAM", "main"]


class _Failure(Exception):
    """What stops a command; `end` is what stands after the message, one newline or two."""

    def __init__(self, message: str, end: str = "\n\n") -> None:
        super().__init__(message)
        self.end = end


def main(program: str, arguments: list[str]) -> int:
    """Run amtool; the exit status. `program` is the name to show in messages."""
    try:
        return _run(program, arguments)
    except (UsageError, _Failure) as error:
        sys.stdout.flush()
        sys.stderr.write(f"{program}: error: {error}{getattr(error, 'end', chr(10) * 2)}")
        return 1


def _run(program: str, arguments: list[str]) -> int:
    wrong: UsageError | None = None
    try:
        parsed = parse(PROGRAM, arguments)
    except UsageError as error:
        wrong, parsed = error, error.parsed
    asked = answer(program, BUILD.text("amtool"), parsed)
    if asked is None and wrong is not None:
        raise wrong
    if asked is None and parsed.command.run is None:
        # `amtool` alone, or `amtool help [command...]`.
        asked = usage(program, _path(parsed.values.get("command") or []))
    if asked is not None:
        sys.stdout.write(asked)
        return 0
    assert parsed.command.run is not None
    return parsed.command.run(parsed)


def _path(names: list[str]) -> list[Command]:
    path = [PROGRAM]
    for name in names:
        found = next((command for command in path[-1].commands if command.name == name), None)
        if found is None:
            raise _Failure(f"expected command but got {go_quote(name)}", "\n")
        path.append(found)
    return path


def _mode(parsed: Parsed) -> "Mode":
    from ampp_cli.run import features_from

    try:
        return features_from(parsed["enable-feature"]).mode
    except ValueError as error:
        raise _Failure(f"error parsing the feature flag list: {error}") from error


def _check_config(parsed: Parsed) -> int:
    from ampp_cli.check import check

    files = parsed["check-files"]
    if not files:
        if sys.stdin is None or stat.S_ISCHR(os.fstat(sys.stdin.fileno()).st_mode):
            raise _Failure("Failed to read from standard input", "\n")
        files = ["/dev/stdin"]
    mode, failed = _mode(parsed), 0
    for file in files:
        for piece in check(file, mode):
            if piece is None:
                failed += 1
            else:
                sys.stdout.write(piece)
    if failed:
        raise _Failure(f"failed to validate {failed} file(s)")
    return 0


def _routes(parsed: Parsed, end: str) -> "Route":
    from ampp import config

    if not parsed["config.file"]:
        raise _Failure("You have to specify one of --config.file or --alertmanager.url flags.", end)
    try:
        loaded = config.load_file(parsed["config.file"], _mode(parsed))
    except config.ConfigError as error:
        raise _Failure(str(error), end) from error
    return config.compile(loaded).root


def _routes_show(parsed: Parsed) -> int:
    from ampp_cli.tree import routing_tree

    sys.stdout.write(f"Routing tree:\n{routing_tree(_routes(parsed, chr(10)))}\n")
    return 0


def _routes_test(parsed: Parsed) -> int:
    from ampp.core.matcher import MatcherError, Op, parse_matcher
    from ampp_cli.tree import matching_tree

    root = _routes(parsed, "\n\n")
    labels: dict[str, str] = {}
    for text in parsed["labels"]:
        try:
            (matcher,) = parse_matcher(text, _mode(parsed)).matchers
        except MatcherError as error:
            raise _Failure(f"Failed to parse labels: {error}") from error
        if matcher.op is not Op.EQ:
            raise _Failure("Labels must be specified as key=value pairs")
        labels[matcher.name] = matcher.value
    if parsed["tree"]:
        sys.stdout.write(f"Matching routes:\n{matching_tree(root, labels)}\n\n")
    receivers = ",".join(route.receiver for route in root.match(labels))
    sys.stdout.write(receivers + "\n")
    if parsed["verify.receivers"] and parsed["verify.receivers"] != receivers:
        sys.stdout.write("WARNING: Expected receivers did not match resolved receivers.\n")
        return 1
    return 0


def _template_render(parsed: Parsed) -> int:
    from ampp_cli.render import RenderError, render

    kind = parsed["template.type"] or "text"
    try:
        rendered = render(parsed["template.glob"], parsed["template.text"], kind, parsed["template.data"])
    except RenderError as error:
        raise _Failure(str(error)) from error
    # Bytes that are no UTF-8, which files may hold, pass through.
    sys.stdout.flush()
    sys.stdout.buffer.write(rendered.encode(errors="surrogateescape"))
    return 0


def _readable(path: str) -> str:
    """The path of what can be opened, which is all that is found out while the line is read; a directory can be."""
    try:
        os.close(os.open(path, os.O_RDONLY))
    except OSError as error:
        raise UsageError(f"open {path}: {reason_of(error)}") from error
    return path


_ROUTES_FLAGS: Final = (Flag("config.file", "Config file to be tested.", parse=existing_file),)


PROGRAM: Final = Command(
    "amtool",
    "View and check what an Alertmanager does. Commands that need no server.",
    flags=(
        Flag("date.format", "Format of dates, as a Go layout.", default="2006-01-02 15:04:05 MST"),
        Flag("verbose", "Say more about how matchers are read.", boolean=True, short="v"),
        Flag(
            "output",
            "Form of the output: simple, extended or json.",
            parse=enum("simple", "extended", "json"),
            default="simple",
            short="o",
        ),
        Flag("enable-feature", "Features to enable, separated by commas, as for the daemon.", default=""),
    ),
    commands=(
        Command("help", "Show help.", arguments=(Argument("command", "Show help on command.", repeated=True),)),
        Command(
            "check-config",
            "Check configuration files: syntax, schema and whether everything that is named exists.",
            arguments=(
                Argument("check-files", "Files to be checked; stdin if none.", parse=existing_file, repeated=True),
            ),
            run=_check_config,
        ),
        Command(
            "config",
            "Look into a configuration.",
            commands=(
                Command(
                    "routes",
                    "Show the routing tree, or where an alert goes in it.",
                    flags=_ROUTES_FLAGS,
                    commands=(
                        Command("show", "Print the routing tree.", default=True, run=_routes_show),
                        Command(
                            "test",
                            "Print the receivers an alert with these labels goes to, in the order of the tree.",
                            flags=(
                                Flag("verify.receivers", "Fail if the receivers, joined by commas, are not these."),
                                Flag("tree", "Print the routes the alert passes through.", boolean=True),
                            ),
                            arguments=(Argument("labels", "Labels as name=value.", repeated=True),),
                            run=_routes_test,
                        ),
                    ),
                ),
            ),
        ),
        Command(
            "template",
            "Look into notification templates.",
            commands=(
                Command(
                    "render",
                    "Print a template text rendered, without anything added.",
                    flags=(
                        Flag("template.glob", "Files with templates. Repeatable.", repeated=True, required=True),
                        Flag("template.text", "The template text to render.", required=True),
                        Flag("template.type", "text, or html to escape values.", parse=enum("html", "text")),
                        Flag(
                            "template.data",
                            "File with the JSON of a notification, as a webhook receives it. A sample without it.",
                            parse=_readable,
                        ),
                    ),
                    run=_template_render,
                ),
            ),
        ),
    ),
)
