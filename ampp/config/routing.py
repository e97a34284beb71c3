"""The `route` tree and `inhibit_rules` as written."""

from collections.abc import Iterator
from typing import Annotated, ClassVar, Final

from ampp.config.error import Invalid
from ampp.config.kind import Flag, LabelMap, LongDurationOrNone, Strings, StringsOrNone, Text, TextMap
from ampp.config.matching import MatcherList, RegexMap, check_classic_names
from ampp.config.section import KEEP, Section, Sections, Struct
from ampp.core.labels import valid_name
from ampp.core.matcher import Mode
from ampp.core.quote import go_quote

__all__ = ["InhibitSection", "RouteSection"]


_ROUTES: Final = Sections(Section, "[]*config.Route", pointer=True)
"""The children of a route; told of their type below, for that type holds itself."""


class RouteSection(Section, frozen=True, kw_only=True):
    """A route with what was written in it; None and "" mean "as the parent". Durations in nanoseconds."""

    receiver: Text = ""
    group_by: StringsOrNone = None
    match: TextMap = {}
    match_re: RegexMap = {}
    matchers: MatcherList = ()
    mute_time_intervals: Strings = ()
    active_time_intervals: Strings = ()
    continue_: Annotated[Flag, KEEP] = False
    routes: Annotated[tuple["RouteSection | None", ...], _ROUTES] = ()
    group_wait: LongDurationOrNone = None
    group_interval: LongDurationOrNone = None
    repeat_interval: LongDurationOrNone = None
    labels: LabelMap = {}

    def check_names(self, mode: Mode) -> None:
        check_classic_names(self.match, "match")
        for name in self.labels:
            if not valid_name(name, mode):
                raise Invalid(f"invalid label name {go_quote(name)} in route labels", field="labels")
        names = [name for name in self.group_by or () if name != "..."]
        for name in names:
            if not valid_name(name, mode):
                raise Invalid(f"invalid label name {go_quote(name)} in group_by list", field="group_by")
        if names and self.group_by_all:
            raise Invalid(
                "cannot have wildcard group_by (`...`) and other labels at the same time",
                field="group_by",
                hint="write group_by: ['...'] alone to group by all labels",
            )
        for i, name in enumerate(names):
            if name in names[:i]:
                raise Invalid(f"duplicated label {go_quote(name)} in group_by", field="group_by")
        if self.group_interval == 0:
            raise Invalid("group_interval cannot be zero", field="group_interval")
        if self.repeat_interval == 0:
            raise Invalid("repeat_interval cannot be zero", field="repeat_interval")

    @property
    def group_by_all(self) -> bool:
        """Whether `...` stands in `group_by`."""
        return "..." in (self.group_by or ())

    def walk_up(self) -> "Iterator[tuple[RouteSection, RouteSection | None]]":
        """Every route of the tree with its parent, children before parents, as upstream checks them.

        Raises `Invalid` at a null child, where upstream crashes.
        """
        stack: list[tuple[RouteSection, RouteSection | None, int]] = [(self, None, 0)]
        while stack:
            route, parent, at = stack.pop()
            if at == len(route.routes):
                yield route, parent
                continue
            stack.append((route, parent, at + 1))
            child = route.routes[at]
            if child is None:
                raise _NullRoute(route)
            stack.append((child, route, 0))


class _NullRoute(Invalid):
    """A null among the `routes` of `route`."""

    def __init__(self, route: RouteSection) -> None:
        super().__init__("missing route config", field="routes", hint="remove the empty entry of routes")
        self.route = route


_ROUTES.item = Struct(RouteSection, outer="*config.Route")


class InhibitSection(Section, frozen=True, kw_only=True):
    """An inhibit rule: what matches the target side is mute while something matches the source side."""

    go: ClassVar[str] = "common.plain"

    name: Text = ""
    source_match: TextMap = {}
    source_match_re: RegexMap = {}
    source_matchers: MatcherList = ()
    target_match: TextMap = {}
    target_match_re: RegexMap = {}
    target_matchers: MatcherList = ()
    equal: Strings = ()

    def check_names(self, mode: Mode) -> None:
        check_classic_names(self.source_match, "source_match")
        check_classic_names(self.target_match, "target_match")
        for name in self.equal:
            if not valid_name(name, mode):
                raise Invalid(f"invalid label name {go_quote(name)} in equal list", field="equal")
