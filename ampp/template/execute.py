"""Trees → closures, made once, and their execution within limits.

A statement is a closure `(run, dot) → signal`: 0 to go on, or `_BREAK`/`_CONTINUE` on its way to the enclosing range.
`Program.run` lets nothing but `TemplateError` out, whatever happens inside.
"""

import re
from collections.abc import Callable, Iterable, Mapping
from time import monotonic
from typing import Any, Final, TypeAlias

import msgspec

from ampp.core.quote import go_quote
from ampp.template.builtin import BUILTINS, printable
from ampp.template.error import LimitError, TemplateError
from ampp.template.expression import Expression, Expressions
from ampp.template.node import Action, Break, Continue, If, List, Node, Range, Template, Text, Tree, With
from ampp.template.printf import SIZE_MAX, canonical, sprint
from ampp.template.value import (
    ANY,
    NIL_INTERFACE,
    Func,
    Kind,
    Map,
    Pointer,
    Scalar,
    Slice,
    Value,
    is_true,
    kind_of,
    underlying,
)

__all__ = ["Limits", "Program"]

_BREAK: Final = 1
_CONTINUE: Final = 2
_CHECK_EVERY: Final = 2048

Statement: TypeAlias = Callable[["_Run", Value], int]


class Limits(msgspec.Struct, frozen=True):
    """How much one rendering may take; beyond it fails with `TemplateError`. Go has no such limits.

    steps: statements executed; output: characters written; depth: templates within templates (nesting that exhausts
    Python's stack before fails too); seconds: of wall time, looked at every few thousand steps.
    """

    steps: int = 50_000_000
    output: int = 64 << 20
    depth: int = 1000
    seconds: float = 30.0


class _Run:
    """One execution: its output, the variables in sight, and what is left of its limits."""

    __slots__ = (
        "check_at",
        "deadline",
        "depth",
        "late",
        "limits",
        "names",
        "out",
        "program",
        "size",
        "steps",
        "text_max",
        "values",
    )

    def __init__(
        self, program: "Program", data: Value, late: Mapping[str, Callable[..., Value]], limits: Limits
    ) -> None:
        self.program = program
        self.limits = limits
        self.out: list[str] = []
        self.size = 0
        self.steps = 0
        self.check_at = _CHECK_EVERY
        self.deadline = monotonic() + limits.seconds
        self.depth = 0
        self.names = ["$"]
        self.values = [data]
        self.late = late
        self.text_max = SIZE_MAX

    def tick(self, count: int) -> None:
        """Count steps."""
        self.steps += count
        if self.steps >= self.check_at:
            if self.steps > self.limits.steps:
                raise LimitError(f"template: too many steps, more than {self.limits.steps}")
            if monotonic() > self.deadline:
                raise LimitError(f"template: it takes too long, more than {self.limits.seconds:g} s")
            self.check_at = self.steps + _CHECK_EVERY

    def write(self, text: str) -> None:
        self.out.append(text)
        self.size += len(text)
        if self.size > self.limits.output:
            raise LimitError(f"template: the output is too long, more than {self.limits.output} characters")


_BYTES: Final = re.compile("[\ud800-\udfff]")


class Program:
    """Trees that can call each other, and the functions they use (Go's own need not be among them).

    Compiled trees are kept: a program made `like` another one has it compile the trees they have in common, once for
    all such programs; their functions must be the same. Safe to run from several threads at once.
    """

    def __init__(
        self,
        trees: Mapping[str, Tree],
        functions: Mapping[str, Func],
        limits: Limits = Limits(),  # noqa: B008  frozen
        like: "Program | None" = None,
    ) -> None:
        self.trees = trees
        self.functions = {**BUILTINS, **functions}
        self.limits = limits
        self._compiled: dict[int, tuple[Tree, Statement]] = {}
        self._like = like

    def run(
        self,
        entry: str | Tree,
        data: Value,
        late: Mapping[str, Callable[..., Value]] | None = None,
        limits: Limits | None = None,
    ) -> str:
        """Execute a template on data. `late`: bodies to call instead of those that functions were compiled with;
        `limits`: instead of the program's own.

        Raises `TemplateError`.
        """
        run = _Run(self, data, late or {}, limits or self.limits)
        try:
            tree = self.trees.get(entry) if isinstance(entry, str) else entry
            if tree is None:
                raise TemplateError(f"template: no template {go_quote(str(entry))}")
            self.statement(tree)(run, data)
            text = canonical("".join(run.out))
        except TemplateError:
            raise
        except RecursionError:
            raise LimitError("template: exceeded maximum template depth") from None
        except Exception as error:
            raise TemplateError(f"template: {type(error).__name__}: {error}") from error
        return text if text.isascii() else _BYTES.sub("�", text)

    def statement(self, tree: Tree) -> Statement:
        """The compiled body of a tree."""
        found = self._compiled.get(id(tree))
        if found is None:
            if self._like is not None and self._like.trees.get(tree.name) is tree:
                found = tree, self._like.statement(tree)
            else:
                found = tree, _Compiler(tree, self.functions).list(tree.root)
            self._compiled[id(tree)] = found
        return found[1]


class _Compiler:
    """The compiler of one tree's statements."""

    def __init__(self, tree: Tree, functions: Mapping[str, Func]) -> None:
        self.expressions = Expressions(tree, functions)
        self._kinds: dict[type[Node], Callable[[Any], Statement]] = {
            Action: self._action,
            Break: lambda node: lambda run, dot: _BREAK,
            Continue: lambda node: lambda run, dot: _CONTINUE,
            If: self._branch,
            List: self.list,
            Range: self._range,
            Template: self._template,
            Text: self._text,
            With: self._branch,
        }

    def list(self, nodes: List) -> Statement:
        """Statements in sequence."""
        statements = tuple(self._kinds[type(node)](node) for node in nodes.nodes)
        count = len(statements)

        def run_all(run: _Run, dot: Value) -> int:
            run.tick(count)
            for statement in statements:
                signal = statement(run, dot)
                if signal:
                    return signal
            return 0

        return run_all

    def _text(self, node: Text) -> Statement:
        text = node.text

        def write(run: _Run, dot: Value) -> int:
            run.write(text)
            return 0

        return write

    def _action(self, node: Action) -> Statement:
        evaluate = self.expressions.pipe(node.pipe).run
        if node.pipe.decl:

            def declare(run: _Run, dot: Value) -> int:
                evaluate(run, dot)
                return 0

            return declare

        def show(run: _Run, dot: Value) -> int:
            value = evaluate(run, dot)
            run.write(value if type(value) is str else sprint((printable(value),)))
            return 0

        return show

    def _branch(self, node: If | With) -> Statement:
        cases: list[tuple[Callable[[Any, Value], Value], Statement]] = []
        rest: List | None = List(node.pos, (node,))
        while rest is not None and len(rest.nodes) == 1 and type(rest.nodes[0]) is type(node):
            case = rest.nodes[0]  # a chain of `else if` is long rather than deep
            cases.append((self.expressions.pipe(case.pipe).run, self.list(case.body)))
            rest = case.orelse
        orelse = self.list(rest) if rest is not None else None
        rebinds = isinstance(node, With)

        def branch(run: _Run, dot: Value) -> int:
            mark = len(run.names)
            signal = 0
            for evaluate, body in cases:
                value = evaluate(run, dot)
                if is_true(value):
                    signal = body(run, value if rebinds else dot)
                    break
            else:
                if orelse is not None:
                    signal = orelse(run, dot)
            del run.names[mark:], run.values[mark:]
            return signal

        return branch

    def _range(self, node: Range) -> Statement:
        expression = self.expressions.pipe(node.pipe)
        body = self.list(node.body)
        orelse = self.list(node.orelse) if node.orelse is not None else None
        bind = self._binder(node, expression)

        def loop(run: _Run, dot: Value) -> int:
            outside = len(run.names)
            value = expression.run(run, dot)
            mark = len(run.names)
            empty = True
            for index, item in self._pairs(value, node, expression):
                empty = False
                run.tick(1)
                if bind is not None:
                    bind(run, index, item)
                signal = body(run, item)
                del run.names[mark:], run.values[mark:]
                if signal == _BREAK:
                    break
            signal = orelse(run, dot) if empty and orelse is not None else 0
            del run.names[outside:], run.values[outside:]
            return signal

        return loop

    def _binder(self, node: Range, expression: Expression) -> Callable[[_Run, Value, Value], None] | None:
        """How the loop's variables get their values; those it declared are the topmost on the stack."""
        names = [variable.idents[0] for variable in node.pipe.decl]
        if not names:
            return None
        if not node.pipe.is_assign:
            if len(names) == 1:

                def bind_one(run: _Run, index: Value, item: Value) -> None:
                    run.values[-1] = item

                return bind_one

            def bind_two(run: _Run, index: Value, item: Value) -> None:
                run.values[-1] = item
                run.values[-2] = index

            return bind_two
        assign, last = self.expressions.assign, expression.last

        def rebind(run: _Run, index: Value, item: Value) -> None:
            assign(run, names[0], index if len(names) > 1 else item, last)
            if len(names) > 1:
                assign(run, names[1], item, last)

        return rebind

    def _pairs(self, value: Value, node: Range, expression: Expression) -> Iterable[tuple[Value, Value]]:
        """(index or key, element) of what a range can go through."""
        if type(value) is Slice:
            if value.go.elem is ANY:
                return enumerate([NIL_INTERFACE if item is None else item for item in value.items or ()])
            return enumerate(value.items or ())
        if type(value) is Map:
            items = value.items or {}
            return ((key, NIL_INTERFACE if items[key] is None else items[key]) for key in sorted(items))
        if kind_of(value) in (Kind.INT, Kind.UINT):
            if len(node.pipe.decl) > 1:
                message = f"can't use {sprint([value])} to iterate over more than one variable"
                raise self.expressions.error(expression.last, message)
            numbers = range(underlying(value))
            if type(value) is not Scalar:
                return ((None, number) for number in numbers)
            return ((None, Scalar(value.go, number)) for number in numbers)
        if value is None:
            return ()
        value = value.value if type(value) is Pointer else value
        raise self.expressions.error(expression.last, f"range can't iterate over {sprint([value])}")

    def _template(self, node: Template) -> Statement:
        evaluate = self.expressions.pipe(node.pipe).run if node.pipe is not None else None
        name = node.name
        error = self.expressions.error

        def call(run: _Run, dot: Value) -> int:
            tree = run.program.trees.get(name)
            if tree is None:
                raise error(node, f"template {go_quote(name)} not defined")
            if run.depth == run.limits.depth:
                raise error(node, f"exceeded maximum template depth ({run.limits.depth})")
            argument = evaluate(run, dot) if evaluate is not None else None
            names, values = run.names, run.values
            run.names, run.values = ["$"], [argument]
            run.depth += 1
            run.program.statement(tree)(run, argument)
            run.depth -= 1
            run.names, run.values = names, values
            return 0

        return call
