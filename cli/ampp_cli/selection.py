"""Matchers that users type to say which alerts or silences they mean."""

from __future__ import annotations

from ampp_cli.remote.matcher import bare, obvious

TYPE_CHECKING = False  # see ampp_cli.remote
if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from ampp.core.matcher import Matcher

__all__ = ["Filter", "filters_from", "labels_from", "matchers_from", "near_miss", "usual_filters"]


def matchers_from(words: Sequence[str]) -> list[Matcher]:
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
            import click

            raise click.BadParameter(
                f"{word}: {error} (write label=value, label!=value, label=~regex or label!~regex)",
                param_hint="matcher",
            ) from error
    return matchers


class Filter:
    """A matcher of which only the name and the canonical text matter, as in questions to the server."""

    __slots__ = ("name", "text")

    def __init__(self, name: str, text: str) -> None:
        self.name = name
        self.text = text


def usual_filters(words: Sequence[str]) -> list[Filter] | None:
    """The same as `filters_from` for the words usually typed, for which no parser is needed; else None."""
    filters = []
    for number, word in enumerate(words):
        found = ("alertname", "=", word) if number == 0 and bare(word) else obvious(word)
        if found is None:
            return None
        filters.append(Filter(found[0], f'{found[0]}{found[1]}"{found[2]}"'))
    return filters


def filters_from(words: Sequence[str]) -> list[Filter]:
    """The same as `matchers_from` for questions. Raises click.BadParameter."""
    usual = usual_filters(words)
    return [Filter(matcher.name, str(matcher)) for matcher in matchers_from(words)] if usual is None else usual


def labels_from(words: Sequence[str], what: str) -> dict[str, str]:
    """Labels or annotations as `name=value`. Raises click.BadParameter, naming `what` it was to be."""
    import click

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


def near_miss(wanted: Iterable[str], known: Iterable[str]) -> str:
    """Why nothing may have been found: a label name that is nowhere, and the one that may be meant; else ""."""
    names = set(known)
    for name in wanted:
        if names and name not in names:
            from ampp.config.error import closest

            near = closest(name, names)
            return f"no alert has a label {name}" + (f"; did you mean {near}?" if near else "")
    return ""
