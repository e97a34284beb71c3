"""Pipelines, fields, methods and calls → closures `(run, dot) → value`.

Each is made once per tree. What can be known before running (which function, how many arguments, what a constant means
to a parameter) is settled here; what is known to be wrong becomes a closure that raises, since Go complains only where
execution gets to. An error names the node that Go's executor touched last before it noticed; that too is known here, so
every compiled expression comes with its `last` node.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final, NamedTuple, Protocol, TypeAlias

from ampp.core.quote import go_quote
from ampp.template.argument import constant, ideal, passed
from ampp.template.error import CallError, TemplateError
from ampp.template.member import count_error, member, method
from ampp.template.node import (
    Bool,
    Chain,
    Command,
    Dot,
    Field,
    Identifier,
    Nil,
    Node,
    Number,
    Operand,
    Pipe,
    String,
    Tree,
    Variable,
)
from ampp.template.value import (
    ANY,
    NIL_INTERFACE,
    STRING,
    Func,
    GoType,
    Kind,
    Pointer,
    Value,
    is_true,
    type_of,
)

__all__ = ["Expression", "Expressions", "Run"]


class Run(Protocol):
    """What an expression needs of the execution it is part of."""

    names: list[str]
    values: list[Value]
    late: Mapping[str, Callable[..., Value]]
    text_max: int


Eval: TypeAlias = Callable[[Any, Value], Value]
Call: TypeAlias = Callable[[Any, Value, Value, Value], Value]


class Expression(NamedTuple):
    """run(run, dot) → value; last: the node an error right after it is laid to."""

    run: Eval
    last: Node


class _Missing:
    """The type of `_MISSING`, "no value was piped in"."""


_MISSING: Final = _Missing()


class Expressions:
    """The compiler of one tree's expressions."""

    def __init__(self, tree: Tree, functions: Mapping[str, Func]) -> None:
        self.tree = tree
        self.functions = functions

    def error(self, node: Node, message: str) -> TemplateError:
        """An execution error at a node, in Go's form."""
        line, column = self.tree.place(node.pos)
        name = self.tree.source
        text = f"template: {name}:{line}:{column}: executing {go_quote(self.tree.name)} at <{node}>: {message}"
        return TemplateError(message, name, line, column, text)

    def _raising(self, node: Node, message: str) -> Expression:
        def fail(run: Run, dot: Value) -> Value:
            raise self.error(node, message)

        return Expression(fail, node)

    def _fixed(self, read: Callable[..., Value], node: Node, *to: GoType) -> Expression:
        """A constant, or the error that it is one here."""
        try:
            value = read(node, *to)
        except CallError as error:
            return self._raising(node, error.message)
        return Expression(lambda run, dot: value, node)

    def checker(self, to: GoType, node: Node) -> Callable[[Value], Value]:
        """Is the value assignable to the type? As it is passed, or an error at the node."""
        if to is ANY:
            return lambda value: None if value is NIL_INTERFACE else value

        def check(value: Value) -> Value:
            if type(value) is str and to is STRING:
                return value
            try:
                return passed(value, to)
            except CallError as error:
                raise self.error(node, error.message) from None

        return check

    # Pipelines

    def pipe(self, pipe: Pipe) -> Expression:
        """A pipeline, with the declaration or assignment of its variables."""
        value = self._stages(pipe)
        if not pipe.decl:
            return value
        names = [variable.idents[0] for variable in pipe.decl]
        if pipe.is_assign:
            return Expression(self._assigning(value, names), value.last)
        run_value = value.run

        def declare(run: Run, dot: Value) -> Value:
            result = run_value(run, dot)
            for name in names:
                run.names.append(name)
                run.values.append(result)
            return result

        return Expression(declare, value.last)

    def _assigning(self, value: Expression, names: list[str]) -> Eval:
        def assign(run: Run, dot: Value) -> Value:
            result = value.run(run, dot)
            for name in names:
                self.assign(run, name, result, value.last)
            return result

        return assign

    def assign(self, run: Run, name: str, value: Value, node: Node) -> None:
        """Set the innermost variable of that name."""
        names = run.names
        for at in range(len(names) - 1, -1, -1):
            if names[at] == name:
                run.values[at] = value
                return
        raise self.error(node, f"undefined variable: {name}")

    def _stages(self, pipe: Pipe) -> Expression:
        first = self._command(pipe.cmds[0], pipe, piped=False)
        if len(pipe.cmds) == 1:
            return self._settled(first)
        stages: list[tuple[Call, Node]] = []
        last = first.last
        for command in pipe.cmds[1:]:
            call, last = self._piped(command, last)
            stages.append((call, last))
        calls = [call for call, _ in stages]
        start = self._settled(first).run

        def run_stages(run: Run, dot: Value) -> Value:
            value = start(run, dot)
            for call in calls:
                value = call(run, dot, value, None)
                if value is NIL_INTERFACE:
                    value = None
            return value

        return Expression(run_stages, last)

    def _settled(self, expression: Expression) -> Expression:
        """An interface that holds nothing is plain nil once it is the value of a pipeline."""
        evaluate = expression.run

        def settle(run: Run, dot: Value) -> Value:
            value = evaluate(run, dot)
            return None if value is NIL_INTERFACE else value

        return Expression(settle, expression.last)

    def _piped(self, command: Command, before: Node) -> tuple[Call, Node]:
        """A later stage: called with the value of the one before."""
        head = command.args[0]
        if isinstance(head, Identifier):
            return self._function(head, command, command.args[1:], piped=True)
        if isinstance(head, Field):
            return self._chain(self._dot, head.idents, head, command.args[1:], head, piped=True)
        if isinstance(head, Chain):
            inner = self._argument_head(head)
            return self._chain(inner.run, head.fields, head, command.args[1:], inner.last, piped=True)
        if isinstance(head, Variable) and len(head.idents) > 1:
            return self._chain(
                self._variable(head.idents[0], head), head.idents[1:], head, command.args[1:], head, piped=True
            )
        node = before if isinstance(head, Pipe) else head
        fail = self._raising(node, f"can't give argument to non-function {head}").run
        return (lambda run, dot, final, receiver: fail(run, dot)), node

    def _command(self, command: Command, pipe: Pipe, *, piped: bool) -> Expression:
        head, rest = command.args[0], command.args[1:]
        match head:
            case Identifier():
                return _bound(*self._function(head, command, rest, piped=False))
            case Field():
                if not rest and len(head.idents) == 1:
                    return self._one_field(head)
                return _bound(*self._chain(self._dot, head.idents, head, rest, head, piped=False))
            case Chain():
                inner = self._argument_head(head)
                return _bound(*self._chain(inner.run, head.fields, head, rest, inner.last, piped=False))
            case Variable() if len(head.idents) > 1:
                start = self._variable(head.idents[0], head)
                return _bound(*self._chain(start, head.idents[1:], head, rest, head, piped=False))
        if rest:
            node = pipe if isinstance(head, Pipe) else head
            return self._raising(node, f"can't give argument to non-function {head}")
        match head:
            case Pipe():
                return self.pipe(head)
            case Variable():
                return Expression(self._variable(head.idents[0], head), head)
            case Dot():
                return Expression(self._dot, head)
            case Nil():
                return self._raising(head, "nil is not a command")
        return self._fixed(ideal, head)

    @staticmethod
    def _dot(run: Run, dot: Value) -> Value:
        return dot

    def _variable(self, name: str, node: Node) -> Eval:
        def variable(run: Run, dot: Value) -> Value:
            names = run.names
            at = len(names) - 1
            while at >= 0:
                if names[at] == name:
                    return run.values[at]
                at -= 1
            raise self.error(node, f"undefined variable: {name}")

        return variable

    # Fields

    def _one_field(self, node: Field) -> Expression:
        get = self._field(node.idents[0], node)
        return Expression(lambda run, dot: get(dot), node)

    def _chain(
        self, start: Eval, names: Sequence[str], node: Node, args: Sequence[Operand], at: Node, *, piped: bool
    ) -> tuple[Call, Node]:
        """`start.Name.Name args…`; the arguments and a piped value go to the last name. `at`: last node touched."""
        gets = [self._field(name, at) for name in names[:-1]]
        if not args and not piped:
            gets.append(self._field(names[-1], at))
            if len(gets) == 2:
                get1, get2 = gets
                return (lambda run, dot, final, receiver: get2(get1(start(run, dot)))), at

            def walk(run: Run, dot: Value, final: Value, receiver: Value) -> Value:
                value = start(run, dot)
                for get in gets:
                    value = get(value)
                return value

            return walk, at
        call = self._method(names[-1], node, args, at, piped=piped)

        def walk_and_call(run: Run, dot: Value, final: Value, receiver: Value) -> Value:
            value = start(run, dot)
            for get in gets:
                value = get(value)
            return call(run, dot, final, value)

        return walk_and_call, (self.argument(args[-1], ANY).last if args else at)

    def _field(self, name: str, node: Node) -> Callable[[Value], Value]:
        """A field, a key, or a method without arguments."""

        def get(value: Value) -> Value:
            go = getattr(value, "go", None)
            try:
                if go is not None:
                    getter = go.getters.get(name)
                    if getter is not None:
                        return getter(value)
                    if go.kind is Kind.MAP and name not in go.methods:
                        items = value.items
                        found = go.elem.zero if items is None else items.get(name, go.elem.zero)
                        return NIL_INTERFACE if found is None else found
                return member(value, name)
            except CallError as error:
                called = go is not None and name in go.getters
                raise self.error(node, f"error calling {name}: {error.text}" if called else error.message) from error

        return get

    def _method(self, name: str, node: Node, args: Sequence[Operand], at: Node, *, piped: bool) -> Call:
        """The last name of a chain that is given arguments: only a method can take them."""
        compiled: dict[Func, Call] = {}

        def call(run: Run, dot: Value, final: Value, receiver: Value) -> Value:
            if receiver is None:
                return None
            try:
                found = method(receiver, name)
            except CallError as error:
                raise self.error(at, error.message) from None
            ready = compiled.get(found)
            if ready is None:
                ready, _ = self._call(found, name, node, args, at, piped=piped, bound=True)
                compiled[found] = ready
            return ready(run, dot, final, receiver.value if type(receiver) is Pointer else receiver)

        return call

    # Calls

    def _function(self, head: Identifier, node: Node, args: Sequence[Operand], *, piped: bool) -> tuple[Call, Node]:
        """`name args…`; `node` is what an error of the function itself is laid to."""
        name = head.name
        func = self.functions.get(name)
        if func is None:
            fail = self._raising(head, f"{go_quote(name)} is not a defined function").run
            return (lambda run, dot, final, receiver: fail(run, dot)), head
        if name in ("and", "or"):
            return self._logic(name, head, args, func, piped=piped)
        if name == "call":
            func = _caller(str(args[0]) if args else None)
        return self._call(func, name, node, args, head, piped=piped, bound=False)

    def _logic(
        self, name: str, head: Identifier, args: Sequence[Operand], func: Func, *, piped: bool
    ) -> tuple[Call, Node]:
        """`and` and `or` return the argument that decides and do not evaluate those after it."""
        if not args and not piped:
            fail = self._raising(head, count_error(name, func, 0, piped=False)).run
            return (lambda run, dot, final, receiver: fail(run, dot)), head
        evals = [self.argument(arg, ANY) for arg in args]
        runs = [expression.run for expression in evals]
        wanted = name == "or"

        def logic(run: Run, dot: Value, final: Value, receiver: Value) -> Value:
            value = None
            for evaluate in runs:
                value = evaluate(run, dot)
                if is_true(value) is wanted:
                    return value
            return final if piped else value

        return logic, (evals[-1].last if evals else head)

    def _call(
        self, func: Func, name: str, node: Node, args: Sequence[Operand], at: Node, *, piped: bool, bound: bool
    ) -> tuple[Call, Node]:
        complaint = count_error(name, func, len(args), piped=piped) or func.bad
        if complaint:
            fail = self._raising(at, complaint).run
            return (lambda run, dot, final, receiver: fail(run, dot)), at
        evals = [self.argument(arg, _param(func, index)) for index, arg in enumerate(args)]
        last = evals[-1].last if evals else at
        check = self.checker(_param(func, len(args)), last) if piped else None
        invoke = self._invoker(func, name, node, bound=bound)
        runs = tuple(expression.run for expression in evals)
        if bound:

            def call_method(run: Run, dot: Value, final: Value, receiver: Value) -> Value:
                values = [receiver]
                values += [evaluate(run, dot) for evaluate in runs]
                if check is not None:
                    values.append(check(final))
                return invoke(run, values)

            return call_method, last

        def call(run: Run, dot: Value, final: Value, receiver: Value) -> Value:
            values = [evaluate(run, dot) for evaluate in runs]
            if check is not None:
                values.append(check(final))
            return invoke(run, values)

        return call, last

    def _invoker(self, func: Func, name: str, node: Node, *, bound: bool) -> Callable[[Run, list[Value]], Value]:
        function = func.call

        def invoke(run: Run, values: list[Value]) -> Value:
            target = function if bound else run.late.get(name, function)
            try:
                result = target(*values)
            except TemplateError as error:  # a CallError, or that of a template rendered meanwhile
                raise self.error(node, f"error calling {name}: {error.text}") from error
            if type(result) is str and len(result) > run.text_max:
                raise self.error(node, f"error calling {name}: the result is too long")
            return result

        return invoke

    # Arguments

    def argument(self, node: Operand, to: GoType) -> Expression:
        """An argument for a parameter of a type; constants adapt to it."""
        if isinstance(node, Nil | Bool | Number | String):
            return self._fixed(constant, node, to)
        value = self._argument_value(node)
        check, evaluate = self.checker(to, value.last), value.run
        return Expression(lambda run, dot: check(evaluate(run, dot)), value.last)

    def _argument_value(self, node: Operand) -> Expression:
        match node:
            case Field():
                if len(node.idents) == 1:
                    return self._one_field(node)
                return _bound(*self._chain(self._dot, node.idents, node, (), node, piped=False))
            case Variable():
                start = self._variable(node.idents[0], node)
                if len(node.idents) == 1:
                    return Expression(start, node)
                return _bound(*self._chain(start, node.idents[1:], node, (), node, piped=False))
            case Pipe():
                return self.pipe(node)
            case Identifier():
                return _bound(*self._function(node, node, (), piped=False))
            case Chain():
                inner = self._argument_head(node)
                return _bound(*self._chain(inner.run, node.fields, node, (), inner.last, piped=False))
        return Expression(self._dot, node)

    def _argument_head(self, chain: Chain) -> Expression:
        """What stands before the first dot of a chain."""
        if isinstance(chain.node, Nil):
            return self._raising(chain, f"indirection through explicit nil in {chain}")
        return self._argument_value(chain.node)


def _bound(call: Call, last: Node) -> Expression:
    """A call that is not piped into."""
    return Expression(lambda run, dot: call(run, dot, _MISSING, None), last)


def _param(func: Func, index: int) -> GoType:
    return func.params[min(index, len(func.params) - 1)]


def _caller(name: str | None) -> Func:
    """`call`: no value a template can hold is a function."""

    def call(function: Value, *args: Value) -> Value:
        go = type_of(function)
        if go is None:
            raise CallError("call of nil")
        shown = name if name is not None else function if type(function) is str else f"<{go.name} Value>"
        raise CallError(f"non-function {shown} of type {go.name}")

    return Func([ANY, ANY], call, variadic=True)
