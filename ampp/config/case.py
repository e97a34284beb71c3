"""Cases for a routing tree: labels, and the receivers that an alert with them must go to. A YAML list:

    - name: pages of the database go to its people
      labels: {alertname: Down, service: db, severity: page}
      receivers: [dba-pager, archive]

`receivers` are all that are told, in the order of the tree, each once for every route that leads to it. `name` may be
left out.
"""

from typing import Any, ClassVar, Final, Self

import msgspec

from ampp.config.decode import FAILED, Decoder
from ampp.config.error import ConfigError, Invalid
from ampp.config.kind import StringsOrNone, Text, TextMapOrNone
from ampp.config.node import Node, compose
from ampp.config.section import Section, Sections
from ampp.core.labels import canonical, format_set
from ampp.core.matcher import matches_all
from ampp.core.route import Route

__all__ = ["Case", "Outcome", "load_cases", "outcome", "trail"]


class Case(msgspec.Struct, frozen=True):
    """One case, and where it is written. `labels` are canonical."""

    name: str
    labels: dict[str, str]
    receivers: tuple[str, ...]
    line: int = 0
    column: int = 0


class Outcome(msgspec.Struct, frozen=True):
    """What the tree does with a case: the receivers it leads to, and by which routes, each from the root down."""

    case: Case
    receivers: tuple[str, ...]
    trails: tuple[tuple[Route, ...], ...]

    @property
    def as_expected(self) -> bool:
        return self.receivers == self.case.receivers

    @property
    def missing(self) -> tuple[str, ...]:
        """Expected receivers that are not told, in order."""
        return _without(self.case.receivers, self.receivers)

    @property
    def unexpected(self) -> tuple[str, ...]:
        """Receivers that are told and were not expected, in order."""
        return _without(self.receivers, self.case.receivers)


def _without(names: tuple[str, ...], others: tuple[str, ...]) -> tuple[str, ...]:
    left = list(others)
    found = []
    for name in names:
        if name in left:
            left.remove(name)
        else:
            found.append(name)
    return tuple(found)


class _CaseSection(Section, frozen=True, kw_only=True):
    go: ClassVar[str] = "case"

    name: Text = ""
    labels: TextMapOrNone = None
    receivers: StringsOrNone = None

    def settle(self) -> Self:
        if self.labels is None:
            raise Invalid("a case without labels", hint="write labels: {alertname: …}")
        if self.receivers is None:
            raise Invalid("a case without receivers", hint="write receivers: [NAME, …]")
        return self


_CASES: Final = Sections(_CaseSection, "[]case", solid=True)


def load_cases(text: bytes, file: str) -> tuple[Case, ...]:
    """The cases in a file's text; `file` is what errors call it. Raises `ConfigError`."""
    decoder = Decoder()
    try:
        root = compose(text)
        found: Any = () if root is None or root.nullish else decoder.read(root, _CASES)
    except Invalid as error:
        raise ConfigError(error.message, file, error.line, error.column, error.hint) from None
    if decoder.faults or found is FAILED:
        first = decoder.faults[0]
        message = "\n  ".join(fault.text for fault in decoder.faults)
        raise ConfigError(message, file, first.line, first.column, first.hint, decoder.faults)
    if not found:
        raise ConfigError("no cases", file, hint="write a list of cases, each with labels and receivers")
    return tuple(_case(section, decoder.where[id(section)][0], number) for number, section in enumerate(found, 1))


def _case(section: _CaseSection, node: Node, number: int) -> Case:
    labels = canonical(section.labels or {})
    name = section.name or f"case {number}: {format_set(labels)}"
    return Case(name, labels, tuple(section.receivers or ()), node.line, node.column)


def outcome(case: Case, root: Route) -> Outcome:
    """Send a case through a tree."""
    trails = tuple(trail(root, case.labels))
    return Outcome(case, tuple(one[-1].receiver for one in trails), trails)


def trail(root: Route, labels: dict[str, str]) -> list[tuple[Route, ...]]:
    """The routes that an alert with these labels ends in, in order, each with those it passes on the way from the root.

    The answer of `Route.match`, with the way there.
    """
    found: list[tuple[Route, ...]] = []
    _follow(root, labels, (), found)
    return found


def _follow(route: Route, labels: dict[str, str], above: tuple[Route, ...], found: list[tuple[Route, ...]]) -> bool:
    if not matches_all(route.matchers, labels):
        return False
    here, before = (*above, route), len(found)
    for child in route.children:
        if _follow(child, labels, here, found) and not child.continue_:
            break
    if len(found) == before:
        found.append(here)
    return True
