"""What `ampp check-config` finds out about files, and how it says so."""

from collections.abc import Iterator, Sequence

import click
import msgspec

from ampp.config import Config, ConfigError, load
from ampp.config.error import closest
from ampp.config.lint import RULES, Finding, Severity, lint
from ampp.config.settings import load_settings
from ampp.config.template import TemplateFile, read_files
from ampp.core.duration import DurationError, parse_prometheus
from ampp.core.matcher import Mode
from ampp_cli.annotation import FORMATS, Checked, human
from ampp_cli.source import read_text, shown

__all__ = ["Wanted", "examine", "rules"]


class Wanted(msgspec.Struct, frozen=True):
    """What the command line asks for, as it stands there."""

    matchers: Mode
    form: str
    disabled: tuple[str, ...]
    strict: bool
    verbose: bool
    retention: str
    colour: bool = False


def rules() -> Iterator[str]:
    """A line for each rule."""
    width = max(map(len, RULES))
    for rule in RULES.values():
        yield f"{rule.name:<{width}}  {rule.severity.value:<5}  {rule.meaning}"


def examine(files: Sequence[str], settings_file: str | None, wanted: Wanted) -> int:
    """Check the files and print the report; the exit status."""
    for name in wanted.disabled:
        _check_rule(name)
    try:
        remembered = parse_prometheus(wanted.retention)
    except DurationError as error:
        raise click.BadParameter(str(error), param_hint="--data.retention") from error
    reports = [_examined(file, wanted.matchers, remembered, frozenset(wanted.disabled)) for file in files]
    if settings_file is not None:
        reports.append(_settings(settings_file))
    if wanted.form == "human":
        lines = human(reports, Severity.INFO if wanted.verbose else Severity.WARN)
    else:
        lines = FORMATS[wanted.form](reports)
    for line in lines:
        click.echo(line, color=wanted.colour)
    severities = {one.severity for report in reports for one in report.findings}
    if Severity.ERROR in severities:
        return 1
    return 3 if Severity.WARN in severities or (wanted.strict and severities) else 0


def _check_rule(name: str) -> None:
    lints = [rule.name for rule in RULES.values() if rule.severity is not Severity.ERROR]
    if name not in lints:
        near = closest(name, lints)
        meant = f": did you mean {near}?" if near else "; --rules lists them"
        raise click.BadParameter(f"no rule is named {name}{meant}", param_hint="--disable")


def _examined(file: str, mode: Mode, retention: int, disabled: frozenset[str]) -> Checked:
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


def _counts(config: Config, templates: Sequence[tuple[str, Sequence[TemplateFile]]]) -> dict[str, int]:
    document = config.document
    return {
        "route": sum(1 for _ in config.route.walk_up()),
        "receiver": len(config.receivers),
        "inhibit rule": len(document.inhibit_rules),
        "time interval": len(document.mute_time_intervals + document.time_intervals),
        "template file": sum(len(files) for _, files in templates),
    }


def _settings(file: str) -> Checked:
    """An ampp.yml as it stands: the variables of this environment are not the daemon's."""
    name = "<stdin>" if file == "-" else shown(file)
    text = b""
    try:
        text = read_text(file)
        load_settings(text=text, path=name, environment={})
    except ConfigError as error:
        return Checked(name, _errors(name, error), texts={name: text})
    return Checked(name, ())


def _errors(name: str, error: ConfigError) -> tuple[Finding, ...]:
    if not error.faults:
        return (Finding("config", Severity.ERROR, name, error.line, error.column, error.message, error.hint),)
    return tuple(
        Finding("config", Severity.ERROR, name, fault.line, fault.column, fault.text.partition(": ")[2], fault.hint)
        for fault in error.faults
    )
