"""Lints of inhibit rules: those that cannot inhibit, whose sides overlap, that stand there twice."""

from collections.abc import Iterator

from ampp.config.lint.finding import Finding
from ampp.config.lint.implication import Domain, Proof, contradiction, domains, implied
from ampp.config.lint.source import Source
from ampp.core.inhibit import InhibitRule
from ampp.core.matcher import Matcher, format_matchers
from ampp.core.plan import Plan

__all__ = ["lint_inhibition"]


def lint_inhibition(source: Source, plan: Plan) -> Iterator[Finding]:
    """All findings about inhibit rules."""
    seen: dict[tuple[object, ...], int] = {}
    for number, rule in enumerate(plan.inhibit_rules):
        spot = source.node(("inhibit_rules", number))
        content = rule.source, rule.target, frozenset(rule.equal)
        if content in seen:
            line = source.node(("inhibit_rules", seen[content])).line
            yield source.finding("inhibit-duplicate", spot, f"the same rule as at line {line}", "remove one of the two")
            continue
        seen[content] = number
        never = _never(rule)
        if never:
            yield source.finding("inhibit-never", spot, f"this rule inhibits nothing: {never[0]}", never[1])
            continue
        if not rule.equal:
            yield source.finding(
                "inhibit-no-equal",
                spot,
                "without equal one source inhibits every target, wherever both come from",
                "name the labels in which source and target must agree, such as equal: [cluster]",
            )
        both = _overlap(rule)
        if both:
            yield source.finding("inhibit-self", spot, *both)


def _never(rule: InhibitRule) -> tuple[str, str] | None:
    """Why the rule cannot inhibit anything, and what may help; None if that is not proven."""
    for side, matchers in (("source", rule.source), ("target", rule.target)):
        name = contradiction(domains(matchers))
        if name is not None:
            own = [matcher for matcher in matchers if matcher.name == name]
            return f"its {side} matchers on {name} exclude each other", f"together they are {format_matchers(own)}"
    for name in rule.equal:
        alike = Domain(_about(name, rule.source) + _about(name, rule.target))
        if alike.values is not None and not alike.values and alike.proof is Proof.FULL:
            return (
                f"{name} is in equal, but source and target ask for different values of it",
                f"remove {name} from equal, or from one of the sides",
            )
    source, target = _with_equals(rule)
    if implied(source, rule.target) is Proof.FULL and implied(target, rule.source) is Proof.FULL:
        return (
            "every alert that can be a source can be a target and the other way round, and such alerts do not "
            "inhibit each other",
            "let the sides differ, for example in severity",
        )
    return None


def _about(name: str, matchers: tuple[Matcher, ...]) -> list[Matcher]:
    return [matcher for matcher in matchers if matcher.name == name]


def _with_equals(rule: InhibitRule) -> tuple[dict[str, Domain], dict[str, Domain]]:
    """What is known of a source and of a target that agree in `equal`: there each fulfils the other side too."""
    shared = [matcher for matcher in (*rule.source, *rule.target) if matcher.name in rule.equal]
    return domains((*rule.source, *shared)), domains((*rule.target, *shared))


def _overlap(rule: InhibitRule) -> tuple[str, str] | None:
    source, target = _with_equals(rule)
    if implied(target, rule.source) is Proof.FULL:
        return (
            "this rule inhibits its own sources: every target matches the source side as well",
            "targets are inhibited by sources that are no targets, never by each other",
        )
    if implied(source, rule.target) is Proof.FULL:
        return (
            "every source of this rule matches its target side as well",
            "sources do not inhibit each other; narrow the target side if they were meant to",
        )
    return None
