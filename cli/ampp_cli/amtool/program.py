"""amtool's command line: every command and flag. What runs them is imported when it runs."""

from __future__ import annotations

import os

from ampp_cli.kingpin import Argument, Command, Flag, Parsed
from ampp_cli.value import UsageError, enum, existing_file, number, reason_of

TYPE_CHECKING = False  # see ampp_cli.remote
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any, Final

__all__ = ["PROGRAM", "SERVED"]


def _later(module: str, name: str) -> Callable[[Parsed], int]:
    def run(parsed: Parsed) -> int:
        # As importlib would, which takes its time to be imported itself.
        status: int = getattr(__import__(f"ampp_cli.amtool.{module}", fromlist=(name,)), name)(parsed)
        return status

    return run


def _readable(path: str) -> str:
    """The path of what can be opened, which is all that is found out while the line is read; a directory can be."""
    try:
        os.close(os.open(path, os.O_RDONLY))
    except OSError as error:
        raise UsageError(f"open {path}: {reason_of(error)}") from error
    return path


def _url(text: str) -> Any:
    from ampp_cli.remote.address import AddressError, parse

    try:
        return parse(text)
    except AddressError as error:
        raise UsageError(f"invalid URL: {error}") from error


def _duration(text: str) -> float:
    """Seconds."""
    if text == "30s":
        return 30.0
    from ampp.core.clock import SECOND
    from ampp.core.duration import DurationError, parse_flag

    try:
        return parse_flag(text) / SECOND
    except DurationError as error:
        raise UsageError(str(error)) from error


_START: Final = "When it starts, as in 2006-01-02T15:04:05-07:00."
_END: Final = "When it ends, in the same form"
_MATCHERS: Final = Argument(
    "matcher-groups", "Matchers, as name=value, name!=value, name=~regex, name!~regex.", repeated=True
)
_ANNOTATION: Final = Flag("annotation", "An annotation as name=value. Repeatable.", repeated=True)

_ALERT: Final = Command(
    "alert",
    "List or add alerts.",
    commands=(
        Command(
            "query",
            "List alerts that match. A first argument that is no matcher is the name of an alert; without a flag for "
            "their state only active ones are shown.",
            default=True,
            flags=(
                Flag("inhibited", "Show inhibited alerts.", boolean=True, short="i"),
                Flag("silenced", "Show silenced alerts.", boolean=True, short="s"),
                Flag("active", "Show active alerts.", boolean=True, short="a"),
                Flag("unprocessed", "Show unprocessed alerts.", boolean=True, short="u"),
                Flag("receiver", "Only alerts of receivers that match this regular expression.", short="r"),
            ),
            arguments=(_MATCHERS,),
            run=_later("alert", "query"),
        ),
        Command(
            "add",
            "Add an alert. A first argument that is no name=value is the name of the alert.",
            flags=(
                Flag("generator-url", "Where the alert comes from."),
                Flag("start", _START),
                Flag("end", _END + "."),
                _ANNOTATION,
            ),
            arguments=(Argument("labels", "The alert's labels, as name=value.", repeated=True),),
            run=_later("alert", "add"),
        ),
    ),
)

_SILENCE: Final = Command(
    "silence",
    "List, add, change or expire silences.",
    commands=(
        Command(
            "add",
            "Add a silence of the alerts that match all matchers. A first argument that is none is the name of an "
            "alert.",
            flags=(
                Flag("author", "Who creates it; the user who runs this, otherwise.", short="a"),
                Flag("require-comment", "Refuse a silence without comment.", boolean=True, default="true", hidden=True),
                Flag("duration", "How long it lasts.", default="1h", short="d"),
                Flag("start", _START),
                Flag("end", _END + ", in place of the duration."),
                Flag("comment", "Why.", short="c"),
                _ANNOTATION,
            ),
            arguments=(_MATCHERS,),
            run=_later("silence", "add"),
        ),
        Command(
            "expire",
            "End silences.",
            arguments=(Argument("silence-ids", "Ids of silences.", repeated=True),),
            run=_later("silence", "expire"),
        ),
        Command(
            "import",
            "Add silences from a JSON file, as `silence query -o json` prints it, or from stdin.",
            flags=(
                Flag("force", "Add all as new ones, even those that exist.", boolean=True, short="f"),
                Flag("worker", "How many to send at once.", parse=number, default="8", short="w"),
            ),
            arguments=(Argument("input-file", "JSON file with silences.", parse=existing_file),),
            run=_later("importing", "run"),
        ),
        Command(
            "query",
            "List silences that have all these matchers. A first argument that is none is the name of an alert.",
            default=True,
            flags=(
                Flag("expired", "Show those that are over, instead.", boolean=True),
                Flag("quiet", "Show only ids.", boolean=True, short="q"),
                Flag("created-by", "Only those of this author."),
                Flag("id", "Only the one with this id."),
                Flag("within", "Only those that end, or with --expired ended, within a time.", parse=_duration),
            ),
            arguments=(_MATCHERS,),
            run=_later("silence", "query"),
        ),
        Command(
            "update",
            "Change times or comment of silences.",
            flags=(
                Flag("quiet", "Show only ids.", boolean=True, short="q"),
                Flag("duration", "How long it lasts, from its start.", short="d"),
                Flag("start", _START),
                Flag("end", _END + ", in place of the duration."),
                Flag("comment", "Why.", short="c"),
            ),
            arguments=(Argument("update-ids", "Ids of silences.", repeated=True),),
            run=_later("silence", "update"),
        ),
    ),
)

_CLUSTER_SHOW: Final = Command(
    "show", "Show the cluster's state and peers.", default=True, run=_later("status", "cluster")
)
_CONFIG_SHOW: Final = Command(
    "show",
    "Show the running configuration; with -o extended also versions and start time, with -o json the whole status.",
    default=True,
    run=_later("status", "config"),
)

_CONFIG: Final = Command(
    "config",
    "Look into a configuration.",
    commands=(
        _CONFIG_SHOW,
        Command(
            "routes",
            "Show the routing tree, or where an alert goes in it; of a file or of the running Alertmanager.",
            flags=(Flag("config.file", "Config file to be tested.", parse=existing_file),),
            commands=(
                Command("show", "Print the routing tree.", default=True, run=_later("routes", "show")),
                Command(
                    "test",
                    "Print the receivers an alert with these labels goes to, in the order of the tree.",
                    flags=(
                        Flag("verify.receivers", "Fail if the receivers, joined by commas, are not these."),
                        Flag("tree", "Print the routes the alert passes through.", boolean=True),
                    ),
                    arguments=(Argument("labels", "Labels as name=value.", repeated=True),),
                    run=_later("routes", "test"),
                ),
            ),
        ),
    ),
)

_TEMPLATE: Final = Command(
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
            run=_later("local", "template_render"),
        ),
    ),
)

SERVED: Final = (_ALERT, _SILENCE, _CLUSTER_SHOW, _CONFIG_SHOW)
"""The commands that nothing can be done in without a server."""

PROGRAM: Final = Command(
    "amtool",
    "View and change what an Alertmanager does.\n\n"
    "Flags that stay the same can be kept in $HOME/.config/amtool/config.yml or /etc/amtool/config.yml, as a YAML "
    "mapping of long flag names to values, such as alertmanager.url, author, require-comment, output, date.format and "
    "http.config.file.",
    flags=(
        Flag("date.format", "Format of dates, as a Go layout.", default="2006-01-02 15:04:05 MST"),
        Flag("verbose", "Say more about how matchers are read.", boolean=True, short="v"),
        Flag("alertmanager.url", "The Alertmanager to talk to.", parse=_url),
        Flag(
            "output",
            "Form of the output: simple, extended or json.",
            parse=enum("simple", "extended", "json"),
            default="simple",
            short="o",
        ),
        Flag("timeout", "How long a command may take.", parse=_duration, default="30s"),
        Flag(
            "http.config.file",
            "How to connect to the Alertmanager: an http_config as in its configuration.",
            parse=existing_file,
            placeholder="<filename>",
        ),
        Flag("version-check", "Tell if the Alertmanager's version is another.", boolean=True, default="true"),
        Flag("enable-feature", "Features to enable, separated by commas, as for the daemon.", default=""),
    ),
    commands=(
        Command("help", "Show help.", arguments=(Argument("command", "Show help on command.", repeated=True),)),
        _ALERT,
        _SILENCE,
        Command(
            "check-config",
            "Check configuration files: syntax, schema and whether everything that is named exists.",
            arguments=(
                Argument("check-files", "Files to be checked; stdin if none.", parse=existing_file, repeated=True),
            ),
            run=_later("local", "check_config"),
        ),
        Command("cluster", "View cluster state and peers.", commands=(_CLUSTER_SHOW,)),
        _CONFIG,
        _TEMPLATE,
    ),
)
