"""`check-config`: whether configuration files and the templates they name can be used.

amtool's says that alone, in its own words (`check`); ampp's adds what can be said about files that load.
"""

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

import click

from ampp.config import Config, ConfigError, load, load_file, renderer
from ampp.config.error import closest
from ampp.core.duration import DurationError, parse_prometheus
from ampp.core.matcher import Mode
from ampp_cli.source import matchers_option, read_text, shown

if TYPE_CHECKING:
    from ampp.config.lint import Finding
    from ampp.config.template import TemplateFile
    from ampp_cli.annotation import Checked

__all__ = ["check", "command"]


def check(file: str, mode: Mode) -> Iterator[str | None]:
    """The report on one file, piece by piece as Alertmanager's tool words it; None stands for "it failed"."""
    yield f"Checking '{file}'"
    try:
        config = load_file(file, mode)
    except ConfigError as error:
        yield f"  FAILED: {error}\n"
        yield None
    else:
        yield f"  SUCCESS\n{_found(config)}"
        if config.document.templates:
            yield from _templates(config)
    yield "\n"


def _templates(config: Config) -> Iterator[str | None]:
    try:
        renderer(config.document.templates)
    except ConfigError as error:
        yield f"  FAILED: {error}\n"
        yield None
    else:
        yield "  SUCCESS\n"


def _found(config: Config) -> str:
    return (
        "Found:\n - global config\n - route\n"
        f" - {len(config.document.inhibit_rules)} inhibit rules\n"
        f" - {len(config.receivers)} receivers\n"
        f" - {len(config.document.templates)} templates\n"
    )


@click.command("check-config")
@click.argument("files", nargs=-1, metavar="FILE...")
@click.option("--ampp-config", "settings_file", metavar="FILE", help="An ampp.yml to check as well, or by itself.")
@click.option(
    "-o",
    "--output",
    "form",
    type=click.Choice(["human", "json", "github", "junit", "sarif"]),
    default="human",
    show_default=True,
    help="The form of the report.",
)
@click.option("--disable", "disabled", multiple=True, metavar="RULE", help="A rule to leave out. Repeatable.")
@click.option("--strict", is_flag=True, help="Let notes fail the check, as warnings do.")
@click.option("-v", "--verbose", is_flag=True, help="Show notes too, in the form for people.")
@click.option("--rules", "list_rules", is_flag=True, help="List the rules and do nothing else.")
@click.option(
    "--data.retention",
    "retention",
    default="120h",
    show_default=True,
    metavar="DURATION",
    help="What the daemon is run with; no repeat_interval should be longer.",
)
@matchers_option
def command(
    files: tuple[str, ...],
    settings_file: str | None,
    form: str,
    disabled: tuple[str, ...],
    strict: bool,
    verbose: bool,
    list_rules: bool,
    retention: str,
    matchers: Mode,
) -> int:
    """Check configurations: that they load, with their templates, and that they do what was probably meant.

    FILE is an alertmanager.yml, or - for stdin. The exit status is 0 when all is well, 1 when a file cannot be used,
    2 for a mistake on the command line, and 3 when there are warnings only.
    """
    from ampp.config.lint import RULES, Severity
    from ampp_cli.annotation import FORMATS, human

    if list_rules:
        width = max(map(len, RULES))
        for rule in RULES.values():
            click.echo(f"{rule.name:<{width}}  {rule.severity.value:<5}  {rule.meaning}")
        return 0
    if not files and settings_file is None:
        raise click.UsageError("no file to check: name one, or - for stdin")
    if files.count("-") + (settings_file == "-") > 1:
        raise click.UsageError("stdin can be read only once")
    for name in disabled:
        if name not in RULES or RULES[name].severity is Severity.ERROR:
            near = closest(name, (rule.name for rule in RULES.values() if rule.severity is not Severity.ERROR))
            raise click.BadParameter(
                f"no rule is named {name}" + (f": did you mean {near}?" if near else "; --rules lists them"),
                param_hint="--disable",
            )
    try:
        remembered = parse_prometheus(retention)
    except DurationError as error:
        raise click.BadParameter(str(error), param_hint="--data.retention") from error
    reports = [_examined(file, matchers, remembered, frozenset(disabled)) for file in files]
    if settings_file is not None:
        reports.append(_settings(settings_file))
    lines = human(reports, Severity.INFO if verbose else Severity.WARN) if form == "human" else FORMATS[form](reports)
    for line in lines:
        click.echo(line)
    severities = {one.severity for report in reports for one in report.findings}
    if Severity.ERROR in severities:
        return 1
    return 3 if Severity.WARN in severities or (strict and severities) else 0


def _examined(file: str, mode: Mode, retention: int, disabled: frozenset[str]) -> "Checked":
    from ampp.config.lint import lint
    from ampp.config.template import read_files
    from ampp_cli.annotation import Checked

    name = "<stdin>" if file == "-" else shown(file)
    text = b""
    try:
        text = read_text(file)
        config = load(text, mode, "" if file == "-" else file)
    except ConfigError as error:
        return Checked(name, _errors(name, error), texts={name: text})
    templates = read_files(config.document.templates)
    findings = lint(config, templates, file=name, retention=retention)
    texts = {name: text} | {
        one.path: one.text.encode("utf-8", "surrogateescape") for _, found in templates for one in found
    }
    return Checked(name, tuple(one for one in findings if one.rule not in disabled), _counts(config, templates), texts)


def _counts(config: Config, templates: "Sequence[tuple[str, Sequence[TemplateFile]]]") -> dict[str, int]:
    document = config.document
    return {
        "route": sum(1 for _ in config.route.walk_up()),
        "receiver": len(config.receivers),
        "inhibit rule": len(document.inhibit_rules),
        "time interval": len(document.mute_time_intervals + document.time_intervals),
        "template file": sum(len(files) for _, files in templates),
    }


def _settings(file: str) -> "Checked":
    """An ampp.yml as it stands: the variables of this environment are not the daemon's."""
    from ampp.config.settings import load_settings
    from ampp_cli.annotation import Checked

    name = "<stdin>" if file == "-" else shown(file)
    text = b""
    try:
        text = read_text(file)
        load_settings(text=text, path=name, environment={})
    except ConfigError as error:
        return Checked(name, _errors(name, error), texts={name: text})
    return Checked(name, ())


def _errors(name: str, error: ConfigError) -> "tuple[Finding, ...]":
    from ampp.config.lint import Finding, Severity

    if not error.faults:
        return (Finding("config", Severity.ERROR, name, error.line, error.column, error.message, error.hint),)
    return tuple(
        Finding("config", Severity.ERROR, name, fault.line, fault.column, fault.text.partition(": ")[2], fault.hint)
        for fault in error.faults
    )
