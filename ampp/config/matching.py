"""Kinds for what matches labels: lists of matchers, and the older maps of names to values or expressions."""

import re
from collections.abc import Mapping
from typing import Annotated, Any, Final, TypeAlias

from ampp.config.decode import FAILED, Decoder, Kind, is_null, read_list, read_map
from ampp.config.emit import Map, Tree
from ampp.config.error import Invalid
from ampp.config.keyorder import sorted_keys
from ampp.config.kind import TEXT
from ampp.config.node import Node
from ampp.core.matcher import Matcher, MatcherError, parse_matchers, sort_matchers
from ampp.core.quote import go_quote
from ampp.core.regex import RegexError, check

__all__ = ["MatcherList", "RegexMap", "check_classic_names"]

_CLASSIC: Final = re.compile(r"[a-zA-Z_][a-zA-Z0-9_]*", re.ASCII)


class _MatchersKind(Kind):
    """A list of texts of one or more matchers each; all of them, sorted."""

    go = "[]string"
    custom = True
    outer = "common.Matchers"
    zero = ()

    def read(self, d: Decoder, node: Node) -> Any:
        before = len(d.faults)
        if is_null(node):
            return ()
        lines = read_list(d, node, TEXT, self.go)
        if lines is FAILED or len(d.faults) > before:
            return FAILED
        found: list[Matcher] = []
        for line, child in zip(lines, node.children, strict=True):
            try:
                parsed = parse_matchers(line, d.mode)
            except MatcherError as error:
                raise d.invalid(
                    child, str(error), 'write name="value", name!="value", name=~"regex" or name!~"regex"'
                ) from None
            found += parsed.matchers
            d.warnings += parsed.warnings
        return sort_matchers(found)

    def is_zero(self, value: Any) -> bool:
        return not value

    def tree(self, value: tuple[Matcher, ...]) -> Tree:
        return [str(matcher) for matcher in value]


class _RegexKind(Kind):
    go = "string"
    custom = True
    outer = "common.Regexp"

    def read(self, d: Decoder, node: Node) -> Any:
        text = d.text(node)
        if text is not FAILED:
            try:
                check(f"^(?:{text})$")
            except RegexError as error:
                raise d.invalid(node, str(error), "regular expressions are RE2's; the whole value must match") from None
        return text


class _RegexMapKind(Kind):
    """Names to patterns as written; each is to match a whole value."""

    go = "common.plain"
    custom = True
    outer = "common.MatchRegexps"
    zero: Any = {}
    item: Final = _RegexKind()

    def read(self, d: Decoder, node: Node) -> Any:
        before = len(d.faults)
        if is_null(node):
            return {}
        patterns = read_map(d, node, self.item, self.go, go_quote)
        if patterns is FAILED or len(d.faults) > before:
            return FAILED
        for name, pattern in patterns.items():
            try:
                check_classic_names((name,))
                if pattern is None:
                    raise Invalid(f"invalid regexp value for {go_quote(name)}", hint="write a regular expression")
            except Invalid as error:
                raise d.invalid(node.at(name), error.message, error.hint) from None
        return patterns

    def is_zero(self, value: Any) -> bool:
        return not value

    def tree(self, value: Mapping[str, str]) -> Tree:
        return Map([(name, value[name] or None) for name in sorted_keys(list(value))])


def check_classic_names(names: Mapping[str, str] | tuple[str, ...], field: str = "") -> None:
    """Raise `Invalid` for the first name that is no identifier: the older maps take no others, in every mode."""
    for name in names:
        if not _CLASSIC.fullmatch(name):
            raise Invalid(f"invalid label name {go_quote(name)}", field=field, hint="use matchers for such names")


MatcherList: TypeAlias = Annotated[tuple[Matcher, ...], _MatchersKind()]
RegexMap: TypeAlias = Annotated[dict[str, str], _RegexMapKind()]
