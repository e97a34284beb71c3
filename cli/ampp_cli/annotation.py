"""Findings in the forms that people and machines read: for a terminal, JSON, GitHub's log, JUnit's XML, SARIF."""

import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any, Final
from urllib.parse import quote
from xml.sax.saxutils import escape, quoteattr

import click
import msgspec

from ampp import __version__
from ampp.config.lint import RULES, Finding, Severity
from ampp_cli.excerpt import excerpt

__all__ = ["FORMATS", "Checked", "counted", "github", "human", "junit"]

_COLOURS: Final = {Severity.ERROR: "red", Severity.WARN: "yellow", Severity.INFO: "cyan"}
_WORDS: Final = {Severity.ERROR: "error", Severity.WARN: "warning", Severity.INFO: "note"}
_GITHUB: Final = {Severity.ERROR: "error", Severity.WARN: "warning", Severity.INFO: "notice"}
_UNPRINTABLE: Final = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
"""What XML cannot hold."""


class Checked(msgspec.Struct, frozen=True):
    """One file that was looked at. `found` counts what it holds, `texts` are the files that findings may quote."""

    file: str
    findings: tuple[Finding, ...]
    found: Mapping[str, int] = {}
    texts: Mapping[str, bytes] = {}

    @property
    def valid(self) -> bool:
        return not any(one.severity is Severity.ERROR for one in self.findings)


def counted(number: int, noun: str) -> str:
    """`1 route`, `2 routes`."""
    return f"{number} {noun}{'' if number == 1 else 's'}"


def human(reports: Sequence[Checked], least: Severity = Severity.WARN) -> Iterator[str]:
    """Findings of at least this severity with the lines they speak of, then a line for each file."""
    order = list(Severity)
    for report in reports:
        for one in report.findings:
            if order.index(one.severity) <= order.index(least):
                yield from _finding(one, report.texts.get(one.file, b""))
                yield ""
        yield _verdict(report, hidden=least is not Severity.INFO)


def _finding(one: Finding, text: bytes) -> Iterator[str]:
    place = f"{one.file}:{one.line}:{one.column}" if one.column else f"{one.file}:{one.line}" if one.line else one.file
    kind = click.style(_WORDS[one.severity], fg=_COLOURS[one.severity], bold=True)
    first, *more = one.text.split("\n")
    name = click.style(f"[{one.rule}]", dim=True)
    yield f"{click.style(place, bold=True)}: {kind}: {first} {name}"
    for line in more:
        yield f"    {line.strip()}"
    line, mark = excerpt(text, one.line, one.column)
    if line:
        number = str(one.line)
        yield f"  {number} | {line}"
        if mark:
            yield f"  {' ' * len(number)} | {click.style(mark, fg=_COLOURS[one.severity], bold=True)}"
    if one.hint:
        yield f"  hint: {one.hint}"


def _verdict(report: Checked, *, hidden: bool) -> str:
    counts = {severity: sum(one.severity is severity for one in report.findings) for severity in Severity}
    told = [counted(number, _WORDS[severity]) for severity, number in counts.items() if number]
    if hidden and counts[Severity.INFO]:
        told[-1] += " (--verbose shows them)" if counts[Severity.INFO] > 1 else " (--verbose shows it)"
    found = ", ".join(counted(number, noun) for noun, number in report.found.items())
    word = click.style("valid", fg="green") if report.valid else click.style("invalid", fg="red", bold=True)
    return f"{report.file}: {word}" + (f": {found}" if found else "") + (f"; {', '.join(told)}" if told else "")


def _json(reports: Sequence[Checked]) -> Iterator[str]:
    yield json.dumps(
        {
            "valid": all(report.valid for report in reports),
            "files": [
                {
                    "file": report.file,
                    "valid": report.valid,
                    "found": {noun.replace(" ", "_") + "s": number for noun, number in report.found.items()},
                    "findings": [
                        {
                            "rule": one.rule,
                            "severity": one.severity.value,
                            "file": one.file,
                            "line": one.line,
                            "column": one.column,
                            "text": one.text,
                            "hint": one.hint,
                        }
                        for one in report.findings
                    ],
                }
                for report in reports
            ],
        },
        ensure_ascii=False,
        indent=2,
    )


def github(findings: Iterable[Finding]) -> Iterator[str]:
    """Workflow commands, which GitHub shows at the lines of a change."""
    for one in findings:
        place = {"file": one.file, "line": one.line, "col": one.column, "title": one.rule}
        fields = ",".join(f"{key}={_percent(str(value), ':,')}" for key, value in place.items() if value)
        text = one.text + (f"\nhint: {one.hint}" if one.hint else "")
        yield f"::{_GITHUB[one.severity]} {fields}::{_percent(text)}"


def _percent(text: str, more: str = "") -> str:
    return "".join(f"%{ord(c):02X}" if c in "%\r\n" + more else c for c in text)


def junit(suites: Iterable[tuple[str, Sequence[tuple[str, Sequence[Finding]]]]]) -> Iterator[str]:
    """Suites of cases by name, each with what was found; notes fail nothing."""
    yield '<?xml version="1.0" encoding="UTF-8"?>'
    yield "<testsuites>"
    for suite, cases in suites:
        failed = sum(any(one.severity is not Severity.INFO for one in found) for _, found in cases)
        yield f'  <testsuite name={_attribute(suite)} tests="{len(cases)}" failures="{failed}">'
        for name, found in cases:
            yield from _case(suite, name, found)
        yield "  </testsuite>"
    yield "</testsuites>"


def _by_rule(report: Checked) -> list[tuple[str, list[Finding]]]:
    """A case for each rule."""
    found: dict[str, list[Finding]] = {rule: [] for rule in RULES}
    for one in report.findings:
        found[one.rule].append(one)
    return list(found.items())


def _case(suite: str, name: str, found: Sequence[Finding]) -> Iterator[str]:
    head = f"    <testcase classname={_attribute(suite)} name={_attribute(name)}"
    if not found:
        yield head + "/>"
        return
    yield head + ">"
    for one in found:
        body = escape(_printable(f"{one.file}:{one.line}:{one.column}: {one.text}\n{one.hint}".rstrip()))
        if one.severity is Severity.INFO:
            yield f"      <system-out>{body}</system-out>"
        else:
            message = _attribute(one.text.split("\n")[0])
            yield f'      <failure type="{_WORDS[one.severity]}" message={message}>{body}</failure>'
    yield "    </testcase>"


def _printable(text: str) -> str:
    return _UNPRINTABLE.sub("\ufffd", text)


def _attribute(text: str) -> str:
    return quoteattr(_printable(text))


def _sarif(reports: Sequence[Checked]) -> Iterator[str]:
    results = [_result(one) for one in _all(reports)]
    rules = [
        {
            "id": rule.name,
            "shortDescription": {"text": rule.meaning},
            "defaultConfiguration": {"level": _WORDS[rule.severity]},
        }
        for rule in RULES.values()
    ]
    driver = {"name": "ampp check-config", "version": __version__, "rules": rules}
    yield json.dumps(
        {
            "$schema": "https://json.schemastore.org/sarif-2.1.0.json",
            "version": "2.1.0",
            "runs": [{"tool": {"driver": driver}, "columnKind": "unicodeCodePoints", "results": results}],
        },
        ensure_ascii=False,
        indent=2,
    )


def _result(one: Finding) -> dict[str, Any]:
    place: dict[str, Any] = {"artifactLocation": {"uri": quote(one.file, errors="replace")}}
    if one.line:
        place["region"] = {"startLine": one.line, **({"startColumn": one.column} if one.column else {})}
    return {
        "ruleId": one.rule,
        "level": _WORDS[one.severity],
        "message": {"text": one.text + (f"\nHint: {one.hint}" if one.hint else "")},
        "locations": [{"physicalLocation": place}],
    }


def _all(reports: Iterable[Checked]) -> Iterator[Finding]:
    for report in reports:
        yield from report.findings


FORMATS: Final[dict[str, Callable[[Sequence[Checked]], Iterator[str]]]] = {
    "human": human,
    "json": _json,
    "github": lambda reports: github(_all(reports)),
    "junit": lambda reports: junit((report.file, _by_rule(report)) for report in reports),
    "sarif": _sarif,
}
"""The lines of a report by the name of its form."""
