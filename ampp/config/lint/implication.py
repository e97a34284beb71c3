"""What follows from matchers: whether all that some match, others match too, and whether nothing can match.

Every answer "yes" is proven; "no" means that no proof was found. What is decided: labels of which only a few values can
match (`=`, and regular expressions that are plain alternatives), equal matchers, `!=` and `!~` of values that cannot
match anyway, and the expressions for anything (`.*`) and something (`.+`). A dot stands for no line break, so what
relies on these last two holds for label values of one line: `Proof.ONE_LINE`.
"""

from collections.abc import Iterable, Mapping
from enum import IntEnum
from typing import Final

from ampp.core.matcher import Matcher, Op
from ampp.core.regex import choices

__all__ = ["Domain", "Proof", "accepted", "contradiction", "domains", "implied", "is_broad"]

_MOST: Final = 64
"""Alternatives of one regular expression that are tried one by one."""


_ANYTHING: Final = "(?s).*"
_ANY_LINE: Final = ".*"
_SOME_LINE: Final = ".+"


class Proof(IntEnum):
    """How well something is proven; the weaker of two is the lesser."""

    NONE = 0
    ONE_LINE = 1
    FULL = 2


def _bare(pattern: str) -> str:
    while pattern.startswith("^(?:") and pattern.endswith(")$"):
        pattern = pattern[4:-2]
    return pattern.removeprefix("^").removesuffix("$") if not pattern.endswith("\\$") else pattern


class Domain:
    """What the matchers of one label leave of its values. `values`: all of them, where these are few; else None."""

    __slots__ = ("matchers", "proof", "values")

    def __init__(self, matchers: Iterable[Matcher]) -> None:
        self.matchers = tuple(matchers)
        self.proof = Proof.FULL
        self.values = self._few()

    def _few(self) -> frozenset[str] | None:
        found: frozenset[str] | None = None
        for matcher in self.matchers:
            values = accepted(matcher)
            if values is not None:
                found = values if found is None else found & values
        if found is None:
            for matcher in self.matchers:
                if matcher.op is Op.NRE and _bare(matcher.value) in (_SOME_LINE, _ANY_LINE):
                    found, self.proof = frozenset([""]), Proof.ONE_LINE
                elif matcher.op is Op.RE and any(
                    other.op is Op.NRE and other.value == matcher.value for other in self.matchers
                ):
                    return frozenset()
        if found is None:
            return None
        return frozenset(value for value in found if all(matcher.test(value) for matcher in self.matchers))

    def allows(self, value: str) -> bool:
        """Whether the label can have this value."""
        return all(matcher.test(value) for matcher in self.matchers)

    def implies(self, matcher: Matcher) -> Proof:
        """Whether every value left fulfils `matcher`."""
        if self.values is not None and all(matcher.test(value) for value in self.values):
            return self.proof
        if self.values is not None and self.proof is Proof.FULL:
            return Proof.NONE
        if any(matcher.op is own.op and matcher.value == own.value for own in self.matchers):
            return Proof.FULL
        if matcher.op is Op.NE:
            return Proof.NONE if self.allows(matcher.value) else Proof.FULL
        if matcher.op is Op.NRE:
            values = choices(matcher.value)
            refused = values is not None and not any(self.allows(value) for value in values)
            return Proof.FULL if refused else Proof.NONE
        if matcher.op is Op.RE:
            pattern = _bare(matcher.value)
            if pattern == _ANYTHING:
                return Proof.FULL
            if pattern == _ANY_LINE or (pattern == _SOME_LINE and not self.allows("")):
                return Proof.ONE_LINE
        return Proof.NONE


def accepted(matcher: Matcher) -> frozenset[str] | None:
    """The values that fulfil a matcher, where these are few and known."""
    if matcher.op is Op.EQ:
        return frozenset([matcher.value])
    if matcher.op is Op.RE:
        values = choices(matcher.value)
        return values if values is not None and len(values) <= _MOST else None
    return None


def is_broad(matcher: Matcher) -> bool:
    """Whether a matcher's expression is one of those that follow from little: for anything, or for something."""
    return _bare(matcher.value) in (_ANYTHING, _ANY_LINE, _SOME_LINE)


_FREE: Final = Domain(())


def domains(matchers: Iterable[Matcher]) -> dict[str, Domain]:
    """The domains of the labels that matchers speak of."""
    by_name: dict[str, list[Matcher]] = {}
    for matcher in matchers:
        by_name.setdefault(matcher.name, []).append(matcher)
    return {name: Domain(own) for name, own in by_name.items()}


def implied(strong: Mapping[str, Domain], weak: Iterable[Matcher]) -> Proof:
    """Whether every label set within the domains `strong` fulfils all of `weak`."""
    proof = Proof.FULL
    for matcher in weak:
        proof = min(proof, strong.get(matcher.name, _FREE).implies(matcher))
        if proof is Proof.NONE:
            break
    return proof


def contradiction(known: Mapping[str, Domain]) -> str | None:
    """A label that can have no value at all, so that nothing can match; None when none is known."""
    empty = (name for name, domain in known.items() if domain.values is not None and not domain.values)
    return next((name for name in empty if known[name].proof is Proof.FULL), None)
