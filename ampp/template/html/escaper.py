"""Contextual escaping: template trees whose every action writes what is harmless where it stands.

The trees are walked once, when the configuration is loaded. Literal text moves the context (`literal.py`); an action
gets the escaping functions of its context (`filter.py`) put at the end of its pipeline; the branches of `if`, `with`
and `range` must end in one context. A template called from several contexts is escaped once for each, under a derived
name. Nothing is decided when the template runs, and the trees given are never changed: `escape` makes new ones.

A template that calls itself is first assumed to end in the context it began in, then, if that proves wrong, in the one
it reached; what was found out under a wrong assumption is forgotten.

In two places this is stricter than Go 1.26, which loses track of contexts there and lets scripts through: the second
call of a template that ends in another context than it began in is known to end there (Go takes it to end where it
began); and the second look at a recursive template begins in its true context.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

from msgspec.structs import replace

from ampp.core.quote import go_quote
from ampp.template.error import TemplateError
from ampp.template.html.context import (
    TEXT,
    Context,
    Delimiter,
    Fault,
    ScriptSlash,
    State,
    UrlPart,
    failure,
)
from ampp.template.html.literal import rewrite
from ampp.template.html.pipeline import PREDEFINED, append, filters_for, function_of
from ampp.template.node import (
    Action,
    Branch,
    Break,
    Continue,
    List,
    Node,
    Range,
    Template,
    Text,
    Tree,
)

__all__ = ["NODES_MAX", "escape"]

NODES_MAX: Final = 200_000
"""Nodes looked at for one entry. Recursion and nested loops are looked at repeatedly, which could go on for ever."""


def escape(trees: Mapping[str, Tree], entry: str) -> dict[str, Tree]:
    """The trees that rendering template `entry` needs, escaped, by name; derived ones included.

    They call the functions in `filter.FILTERS` besides those the given trees call. Raises `TemplateError` with Go's
    message, `html/template:NAME:LINE:COLUMN: reason`, where some output cannot be escaped: text or branches that end in
    the wrong context, a call of a template that does not exist.
    """
    walk = _Walk(trees, entry)
    try:
        end, _ = walk.call(TEXT, entry, "")
        if end.state is not State.TEXT:
            raise _Refused(Fault(f"ends in a non-text context: {end}"))
    except _Refused as refused:
        raise _error(refused.fault, entry) from None
    except RecursionError:
        raise _error(Fault("templates nest too deeply"), entry) from None
    return walk.findings.trees


def _error(fault: Fault, entry: str) -> TemplateError:
    where = fault.where or entry
    place = _PLACE.fullmatch(fault.where)
    name, line, column = place.groups() if place else (entry, "0", None)
    text = f"html/template:{where}: {fault.reason}" if where else f"html/template: {fault.reason}"
    return TemplateError(fault.reason, name, int(line), int(column) if column else None, text)


_PLACE = re.compile(r"(.*?):([0-9]+)(?::([0-9]+))?", re.DOTALL)


class _Refused(Exception):
    def __init__(self, fault: Fault) -> None:
        self.fault = fault


class _Findings:
    """What is known about templates by their derived names.

    ends: the context each ends in, assumed while it is being looked at; trees: the escaped trees; called: the names
    called. Attempts that may fail work on a fork, which is merged if they succeed.
    """

    def __init__(self, ends: dict[str, Context]) -> None:
        self.ends = ends
        self.trees: dict[str, Tree] = {}
        self.called: set[str] = set()

    def fork(self) -> _Findings:
        return _Findings(dict(self.ends))

    def merge(self, fork: _Findings) -> None:
        self.ends = fork.ends
        self.trees |= fork.trees
        self.called |= fork.called


class _Walk:
    def __init__(self, trees: Mapping[str, Tree], entry: str) -> None:
        self.trees = trees
        self.entry = entry
        self.findings = _Findings({})
        self._tree: Tree | None = None
        self._jumps: list[tuple[Context, Node]] = []  # out of the loop being looked at, with the context they leave
        self._seen = 0

    # Templates

    def call(self, context: Context, name: str, where: str) -> tuple[Context, str]:
        """The context behind template `name` begun in `context`, and the name of its variant for that."""
        derived = context.derive(name)
        self.findings.called.add(derived)
        known = self.findings.ends.get(derived)
        if known is not None:
            return known, derived
        tree = self.trees.get(name)
        if tree is None:
            raise _Refused(Fault(f"no such template {go_quote(name)}", where))
        if derived != name and derived in self.trees:
            raise _Refused(Fault(f"template {go_quote(derived)} has a name that escaping needs", where))
        outer = self._tree, self._jumps
        self._tree, self._jumps = tree, []
        end = self._attempt(context, context, tree, derived)
        if end is not None:
            again = self._attempt(context, end, tree, derived)
            if again is not None:
                raise self._refuse(f"cannot compute output context for template {derived}", tree.root)
        self._tree, self._jumps = outer
        return self.findings.ends[derived], derived

    def _attempt(self, context: Context, assumed: Context, tree: Tree, derived: str) -> Context | None:
        """Escape a template on the assumption that it ends in `assumed`; if it does not, the context it ended in."""
        outer = self.findings
        self.findings = findings = outer.fork()
        findings.ends[derived] = assumed
        end, root = self._list(context, tree.root)
        self.findings = outer
        if derived in findings.called and end != assumed:
            return end
        findings.ends[derived] = end
        findings.trees[derived] = replace(tree, name=derived, root=root)
        outer.merge(findings)
        return None

    # Nodes

    def _list(self, context: Context, nodes: List) -> tuple[Context, List]:
        out: list[Node] = []
        for node in nodes.nodes:
            self._seen += 1
            if self._seen > NODES_MAX:
                raise self._refuse("template is too complex to escape", node)
            if isinstance(node, Text):
                context, node = self._text(context, node)
            elif isinstance(node, Action):
                context, node = self._action(context, node)
            elif isinstance(node, Branch):
                context, node = self._branch(context, node)
            elif isinstance(node, Template):
                context, name = self.call(context, node.name, self._where(node))
                node = replace(node, name=name)
            elif isinstance(node, Break | Continue):
                self._jumps.append((context, node))
                context = Context(state=State.DEAD)
            out.append(node)
            if context.state is State.DEAD:
                break  # what follows is never reached, so it was neither looked at nor kept
        return context, List(nodes.pos, tuple(out))

    def _text(self, context: Context, node: Text) -> tuple[Context, Text]:
        end, text = rewrite(context, node.text)
        return self._check(end), node if text == node.text else Text(node.pos, text)

    def _branch(self, context: Context, node: Branch) -> tuple[Context, Branch]:
        name = type(node).__name__.lower()
        end, body = self._loop(context, node) if isinstance(node, Range) else self._list(context, node.body)
        orelse = node.orelse
        other = context
        if orelse is not None:
            other, orelse = self._list(context, orelse)
        end = self._check(_join(end, other, name, self._where(node)))
        return end, replace(node, body=body, orelse=orelse)

    def _loop(self, context: Context, node: Range) -> tuple[Context, List]:
        """A body that may run again, so that it must fit behind itself too."""
        end, jumps, body = self._body(context, node)
        end = self._join_jumps(end, jumps)
        if end == context:
            return end, body
        findings, self.findings = self.findings, self.findings.fork()
        try:
            again, jumps, _ = self._body(end, node)
            end = self._check(_join(end, again, "range", self._where(node)))
        except _Refused as refused:
            fault = refused.fault
            reason = "on range loop re-entry: " + fault.reason
            raise _Refused(Fault(reason, fault.where or f"{self.entry}:{node.line}")) from None
        self.findings = findings
        return self._join_jumps(end, jumps), body

    def _body(self, context: Context, node: Range) -> tuple[Context, list[tuple[Context, Node]], List]:
        """A loop's body, the context behind it, and those at the places from which it is left or begun anew."""
        outer, self._jumps = self._jumps, []
        end, body = self._list(context, node.body)
        jumps, self._jumps = self._jumps, outer
        return end, jumps, body

    def _join_jumps(self, end: Context, jumps: list[tuple[Context, Node]]) -> Context:
        for context, node in jumps:
            end = _join(end, context, "range", self._where(node))
            if end.fault:
                kind = "break" if isinstance(node, Break) else "continue"
                raise _Refused(Fault(f"at range loop {kind}: {end.fault.reason}", end.fault.where))
        return end

    def _action(self, context: Context, node: Action) -> tuple[Context, Action]:
        if node.pipe.decl:  # it writes nothing
            return context, node
        context = context.nudge()
        unquoted = context.state is State.ATTRIBUTE and context.delimiter is Delimiter.SPACE
        for stage, command in enumerate(node.pipe.cmds, 1):
            name = function_of(command)
            if name in PREDEFINED and (stage < len(node.pipe.cmds) or (unquoted and name == "html")):
                raise self._refuse(f"predefined escaper {go_quote(name)} disallowed in template", node)
        filters = filters_for(context)
        if filters is None:
            raise self._refuse(f"{node} appears in an ambiguous context within a URL", node)
        if context.state is State.JS:
            context = replace(context, slash=ScriptSlash.DIVISION)
        return context, replace(node, pipe=append(node.pipe, filters))

    # Errors

    def _where(self, node: Node) -> str:
        assert self._tree is not None
        line, column = self._tree.place(node.pos)
        return f"{self._tree.source}:{line}:{column}"

    def _refuse(self, reason: str, node: Node) -> _Refused:
        return _Refused(Fault(reason, self._where(node)))

    def _check(self, context: Context) -> Context:
        if context.fault:
            raise _Refused(context.fault)
        return context


def _join(one: Context, other: Context, name: str, where: str) -> Context:
    """The context behind two branches of which one is taken; a failure if it would matter which."""
    if one.state is State.ERROR or other.state is State.DEAD:
        return one
    if other.state is State.ERROR or one.state is State.DEAD:
        return other
    if one == other:
        return one
    if replace(one, url_part=other.url_part) == other:
        return replace(one, url_part=UrlPart.UNKNOWN)
    if replace(one, slash=other.slash) == other:
        return replace(one, slash=ScriptSlash.UNKNOWN)
    # In `<p title={{if .x}}{{.x}}{{end}}` one branch is at the value's begin, the other has begun it.
    nudged = one.nudge(), other.nudge()
    if nudged != (one, other):
        joined = _join(*nudged, name, where)
        if joined.state is not State.ERROR:
            return joined
    return failure(f"{{{{{name}}}}} branches end in different contexts: {one}, {other}", where)
