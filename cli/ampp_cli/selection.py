"""Matchers that users type to say which alerts or silences they mean."""

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from ampp.core.matcher import Matcher

__all__ = ["labels_from", "matchers_from", "near_miss"]


def matchers_from(words: Sequence[str]) -> "list[Matcher]":
    """One matcher a word; a first word that is none is the name of an alert. Raises click.BadParameter."""
    if not words:
        return []
    from ampp.core.matcher import MatcherError, Mode, parse_matcher
    from ampp.core.quote import go_quote

    matchers: list[Matcher] = []
    for number, word in enumerate(words):
        try:
            matchers += parse_matcher(word, Mode.FALLBACK).matchers
        except MatcherError as error:
            if number == 0 and not any(c in word for c in '=~!{}"'):
                matchers += parse_matcher(f"alertname={go_quote(word)}", Mode.FALLBACK).matchers
                continue
            raise click.BadParameter(
                f"{word}: {error} (write label=value, label!=value, label=~regex or label!~regex)",
                param_hint="matcher",
            ) from error
    return matchers


def labels_from(words: Sequence[str], what: str) -> dict[str, str]:
    """Labels or annotations as `name=value`. Raises click.BadParameter, naming `what` it was to be."""
    from ampp.core.matcher import MatcherError, Mode, Op, parse_matcher

    found: dict[str, str] = {}
    for word in words:
        try:
            (matcher,) = parse_matcher(word, Mode.FALLBACK).matchers
        except MatcherError as error:
            raise click.BadParameter(f"{word}: {error} (write name=value)", param_hint=what) from error
        if matcher.op is not Op.EQ:
            raise click.BadParameter(f"{word}: write name=value, not {matcher.op.value}", param_hint=what)
        found[matcher.name] = matcher.value
    return found


def near_miss(matchers: "Sequence[Matcher]", known: Iterable[str]) -> str:
    """Why nothing may have been found: a label name that is nowhere, and the one that may be meant; else ""."""
    names = set(known)
    for matcher in matchers:
        if names and matcher.name not in names:
            from ampp.config.error import closest

            near = closest(matcher.name, names)
            return f"no alert has a label {matcher.name}" + (f"; did you mean {near}?" if near else "")
    return ""
