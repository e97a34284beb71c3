"""Lints of how things are written: keys for old files, and matchers of which two readings exist."""

from collections.abc import Iterator
from typing import Final

from ampp.config.document import Config
from ampp.config.lint.finding import Finding
from ampp.config.lint.route import located
from ampp.config.lint.source import Path, Source
from ampp.core.matcher import parse_matchers
from ampp.core.plan import Plan

__all__ = ["lint_keys", "lint_matchers"]

_MATCHERS: Final = ("matchers", "source_matchers", "target_matchers")
_ROUTE: Final = {"match": "matchers", "match_re": "matchers"}
_INHIBIT: Final = {f"{side}_{key}": f"{side}_matchers" for side in ("source", "target") for key in _ROUTE}
_BEARER: Final = {
    "bearer_token": "authorization with credentials",
    "bearer_token_file": "authorization with credentials_file",
}


def lint_keys(source: Source, plan: Plan) -> Iterator[Finding]:
    """Keys that are deprecated upstream."""
    for path, table in _sections(plan):
        for key, instead in table.items():
            if source.has((*path, key)):
                yield _deprecated(source, (*path, key), key, instead)
    if source.has(("mute_time_intervals",)):
        yield _deprecated(source, ("mute_time_intervals",), "mute_time_intervals at the top", "time_intervals")
    for path, _, _ in source.written("global", "receivers"):
        if path[-2:-1] == ("http_config",) and path[-1] in _BEARER:
            yield _deprecated(source, path, str(path[-1]), _BEARER[str(path[-1])])


def _sections(plan: Plan) -> Iterator[tuple[Path, dict[str, str]]]:
    for _, path in located(plan.root):
        yield path, _ROUTE
    for number, _ in enumerate(plan.inhibit_rules):
        yield ("inhibit_rules", number), _INHIBIT


def _deprecated(source: Source, path: Path, what: str, instead: str) -> Finding:
    return source.finding("deprecated-key", source.key(path), f"{what} is deprecated", f"use {instead}")


def lint_matchers(source: Source, config: Config, plan: Plan) -> Iterator[Finding]:
    """Matchers that mean one thing to the older parser and another, or nothing, to the newer one."""
    if not config.warnings:
        return
    for path, _ in _sections(plan):
        for key in _MATCHERS:
            for text in source.items((*path, key)):
                if not text.nullish:
                    for warning in parse_matchers(text.value, config.mode).warnings:
                        yield source.finding("matcher-syntax", text, warning)
