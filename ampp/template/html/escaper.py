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
    COMMENT,
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
from ampp.template.node import (
    Action,
    Branch,
    Break,
    Command,
    Continue,
    Identifier,
    List,
    Node,
    Operand,
    Pipe,
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
    return TemplateError(fault.reason, name, int(line), column and int(column), text)


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
            name = _function(command)
            if name in _PREDEFINED and (stage < len(node.pipe.cmds) or (unquoted and name == "html")):
                raise self._refuse(f"predefined escaper {go_quote(name)} disallowed in template", node)
        filters = self._filters(context, node)
        if context.state is State.JS:
            context = replace(context, slash=ScriptSlash.DIVISION)
        return context, replace(node, pipe=_append(node.pipe, filters))

    def _filters(self, context: Context, node: Action) -> list[str]:
        """The names of the functions that make a value harmless in `context`, in order."""
        if context.state in _URL_STATES:
            if context.url_part is UrlPart.UNKNOWN:
                raise self._refuse(f"{node} appears in an ambiguous context within a URL", node)
            if context.url_part is UrlPart.QUERY:
                filters = [_URL_ENCODE]
            else:
                in_string = context.state in (State.CSS_DOUBLE, State.CSS_SINGLE)
                filters = [_CSS_STRING if in_string else _URL_NORMALIZE]
                if context.url_part is UrlPart.NONE:
                    filters.insert(0, _URL_FILTER)
        elif context.state in COMMENT:
            filters = [_COMMENT]
        else:
            filters = list(_FILTERS[context.state])
        if context.delimiter is Delimiter.SPACE:
            filters.append(_UNQUOTED)
        elif context.delimiter is not Delimiter.NONE:
            filters.append(_QUOTED)
        return filters

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


# Pipelines

_HTML_TEXT: Final = "_html_template_htmlescaper"
_QUOTED: Final = "_html_template_attrescaper"
_UNQUOTED: Final = "_html_template_nospaceescaper"
_RCDATA: Final = "_html_template_rcdataescaper"
_COMMENT: Final = "_html_template_commentescaper"
_NAME: Final = "_html_template_htmlnamefilter"
_URL_FILTER: Final = "_html_template_urlfilter"
_URL_NORMALIZE: Final = "_html_template_urlnormalizer"
_URL_ENCODE: Final = "_html_template_urlescaper"
_SRCSET: Final = "_html_template_srcsetescaper"
_CSS_VALUE: Final = "_html_template_cssvaluefilter"
_CSS_STRING: Final = "_html_template_cssescaper"
_JS_VALUE: Final = "_html_template_jsvalescaper"
_JS_STRING: Final = "_html_template_jsstrescaper"
_JS_TEMPLATE: Final = "_html_template_jstmpllitescaper"
_JS_REGEXP: Final = "_html_template_jsregexpescaper"
_ARGUMENTS: Final = "_eval_args_"

_FILTERS: Final[dict[State, tuple[str, ...]]] = {
    State.TEXT: (_HTML_TEXT,),
    State.RCDATA: (_RCDATA,),
    State.ATTRIBUTE: (),  # the delimiter says all
    State.ATTRIBUTE_NAME: (_NAME,),
    State.SRCSET: (_SRCSET,),
    State.META_CONTENT: (),
    State.META_CONTENT_URL: (_URL_FILTER,),
    State.JS: (_JS_VALUE,),
    State.JS_DOUBLE: (_JS_STRING,),
    State.JS_SINGLE: (_JS_STRING,),
    State.JS_TEMPLATE: (_JS_TEMPLATE,),
    State.JS_REGEXP: (_JS_REGEXP,),
    State.CSS: (_CSS_VALUE,),
}
_URL_STATES: Final = frozenset(
    {
        State.URL,
        State.CSS_DOUBLE,
        State.CSS_SINGLE,
        State.CSS_DOUBLE_URL,
        State.CSS_SINGLE_URL,
        State.CSS_URL,
    }
)

_PREDEFINED: Final = frozenset({"html", "urlquery"})
"""Functions of the language that escape: at the end of a pipeline one takes the place of its like."""

_LIKE: Final = {
    _QUOTED: "html",
    _HTML_TEXT: "html",
    _RCDATA: "html",
    _URL_ENCODE: "urlquery",
    _URL_NORMALIZE: "urlquery",
}
_NEEDLESS: Final = frozenset(
    {
        (_COMMENT, _QUOTED),
        (_COMMENT, _HTML_TEXT),
        (_CSS_STRING, _QUOTED),
        (_JS_REGEXP, _QUOTED),
        (_JS_STRING, _QUOTED),
        (_JS_TEMPLATE, _QUOTED),
        (_URL_ENCODE, _URL_NORMALIZE),
    }
)
"""Pairs of which the second would change nothing behind the first."""


def _function(command: Command) -> str:
    first = command.args[0]
    return first.name if isinstance(first, Identifier) else ""


def _append(pipe: Pipe, filters: list[str]) -> Pipe:
    """The pipeline with `filters` at its end; an `html` or `urlquery` that stands there is not applied twice."""
    if not filters:
        return pipe
    cmds = list(pipe.cmds)
    last = cmds[-1]
    name = _function(last)
    if name in _PREDEFINED:
        if len(cmds) == 1 and len(last.args) > 1:
            arguments: tuple[Operand, ...] = (Identifier(last.args[0].pos, _ARGUMENTS), *last.args[1:])
            cmds = [replace(last, args=arguments), _command(name, pipe)]
        like = [at for at, filter_ in enumerate(filters) if _LIKE.get(filter_) == name]
        if like:
            cmds.pop()
        for at in like:
            filters[at] = name
    present = {_LIKE.get(_function(command), _function(command)) for command in cmds}
    for filter_ in filters:
        before = _function(cmds[-1]) if cmds else ""
        if _LIKE.get(filter_, filter_) not in present and (before, filter_) not in _NEEDLESS:
            cmds.append(_command(filter_, pipe))
    return replace(pipe, cmds=tuple(cmds))


def _command(name: str, pipe: Pipe) -> Command:
    return Command(pipe.pos, (Identifier(pipe.pos, name),))
