"""What can be said about a configuration that loads, and yet may not do what was meant.

Pure: a configuration and the texts of its template files in, findings out. No finding is a guess: where a rule says
that something cannot happen, it is proven (`ampp.config.lint.implication`).
"""

from collections.abc import Sequence
from typing import Final

from ampp.config.compile import compile  # noqa: A004
from ampp.config.document import Config
from ampp.config.lint.finding import Finding, Rule, Severity
from ampp.config.lint.inhibit import lint_inhibition
from ampp.config.lint.interval import lint_intervals
from ampp.config.lint.key import lint_keys, lint_matchers
from ampp.config.lint.receiver import lint_receivers, lint_secrets
from ampp.config.lint.route import lint_routes
from ampp.config.lint.rule import RULES
from ampp.config.lint.source import Source
from ampp.config.lint.template import lint_templates
from ampp.config.template import TemplateFile
from ampp.core.clock import HOUR

__all__ = ["RETENTION", "RULES", "Finding", "Rule", "Severity", "lint"]

RETENTION: Final = 120 * HOUR
"""For how long notifications are remembered unless the daemon is told otherwise, in nanoseconds."""


def lint(
    config: Config,
    templates: Sequence[tuple[str, Sequence[TemplateFile]]] = (),
    *,
    file: str = "",
    retention: int = RETENTION,
) -> tuple[Finding, ...]:
    """All findings, in the order of the file, each once.

    `templates`: the configuration's patterns, each with the files it matches. `file`: the name to show, if that is not
    the configuration's own. `retention`: the daemon's `--data.retention` in nanoseconds.
    """
    source, plan = Source(config, file or config.file), compile(config)
    handed_on = {receiver.name: receiver.alertmanager_configs for receiver in config.receivers}
    found = [
        *lint_routes(source, plan, retention, handed_on),
        *lint_inhibition(source, plan),
        *lint_receivers(source, config, plan),
        *lint_secrets(source),
        *lint_intervals(source, config, plan),
        *lint_keys(source, plan),
        *lint_matchers(source, config, plan),
        *lint_templates(source, plan, templates),
    ]
    # What is written once and used at several places by an alias is told once.
    return tuple(
        sorted(dict.fromkeys(found), key=lambda one: (one.file != source.file, one.file, one.line, one.column))
    )
