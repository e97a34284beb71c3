"""Template text → trees, by Go's grammar and in the words of its errors.

One text yields the tree of the text itself and one for every `{{define}}` and `{{block}}` in it. Functions must be
known when parsing: an unknown name is a parse error, so a misspelt one is found when the configuration is loaded.
"""

from collections.abc import Container, Sequence
from typing import Final

from ampp.core.quote import go_quote
from ampp.template.constant import ConstantError, complex_number, number, rune_number, unquote
from ampp.template.error import TemplateError
from ampp.template.lexer import Kind, Token, tokenize
from ampp.template.node import (
    Action,
    Bool,
    Branch,
    Break,
    Chain,
    Command,
    Continue,
    Dot,
    Field,
    Identifier,
    If,
    List,
    Nil,
    Node,
    Number,
    Operand,
    Pipe,
    Range,
    String,
    Template,
    Text,
    Tree,
    Variable,
    With,
    is_empty,
)

__all__ = ["parse"]

_DEPTH_MAX: Final = 80
"""Nesting of control structures and parentheses; Go takes 10,000 of the latter, which nobody writes."""

_CHAIN_MAX: Final = 300
"""Links of one chain of `else if`."""

_OPERANDS: Final = frozenset(
    {
        Kind.BOOL,
        Kind.CONSTANT,
        Kind.COMPLEX,
        Kind.DOT,
        Kind.FIELD,
        Kind.IDENTIFIER,
        Kind.NUMBER,
        Kind.NIL,
        Kind.RAW,
        Kind.STRING,
        Kind.VARIABLE,
        Kind.OPEN,
    }
)
_BRANCHES: Final[dict[Kind, type[Branch]]] = {Kind.IF: If, Kind.RANGE: Range, Kind.WITH: With}


class _End(Node, frozen=True):
    def __str__(self) -> str:
        return "{{end}}"


class _Else(Node, frozen=True):
    def __str__(self) -> str:
        return "{{else}}"


def parse(name: str, text: str, functions: Container[str]) -> dict[str, Tree]:
    """The trees of a template text by name, its own under `name`, all unbound: `set` merges them.

    Raises `TemplateError` with Go's message, `template: NAME:LINE: reason`.
    """
    parser = _Parser(name, text, functions)
    try:
        parser.run()
    except RecursionError:
        raise TemplateError(
            "max expression depth exceeded", name, text=f"template: {name}: nested too deeply"
        ) from None
    return parser.trees


class _Parser:
    def __init__(self, name: str, text: str, functions: Container[str]) -> None:
        self.name = name
        self.text = text
        self.functions = functions
        self.trees: dict[str, Tree] = {}
        self._stream = iter(tokenize(text))
        self._tokens: list[Token] = [Token(Kind.EOF, 0, "EOF", 0)] * 3
        self._peeked = 0
        self._last: Token | None = None
        self._vars = ["$"]
        self._ranges = 0
        self._depth = 0
        self._action_line = 0

    # Tokens. Up to three may be given back; errors show the line of the one read last (`_tokens[0]`), as Go does.

    def _read(self) -> Token:
        token = next(self._stream, None) or self._last
        assert token is not None
        self._last = token
        return token

    def _next(self) -> Token:
        if self._peeked:
            self._peeked -= 1
        else:
            self._tokens[0] = self._read()
        return self._tokens[self._peeked]

    def _backup(self, *earlier: Token) -> None:
        """Give the last token back, and before it those in `earlier` (nearest last)."""
        for index, token in enumerate(reversed(earlier), 1):
            self._tokens[index] = token
        self._peeked = len(earlier) + 1 if earlier else self._peeked + 1

    def _peek(self) -> Token:
        if not self._peeked:
            self._peeked = 1
            self._tokens[0] = self._read()
        return self._tokens[self._peeked - 1]

    def _next_word(self) -> Token:
        while (token := self._next()).kind is Kind.SPACE:
            pass
        return token

    def _peek_word(self) -> Token:
        token = self._next_word()
        self._backup()
        return token

    # Errors

    def _error(self, message: str) -> TemplateError:
        line = self._tokens[0].line
        return TemplateError(message, self.name, line, None, f"template: {self.name}:{line}: {message}")

    def _unexpected(self, token: Token, context: str) -> TemplateError:
        if token.kind is not Kind.ERROR:
            return self._error(f"unexpected {token} in {context}")
        extra = ""
        if self._action_line and self._action_line != token.line:
            extra = f" in action started at {self.name}:{self._action_line}"
            if token.value.endswith(" action"):
                extra = extra.removeprefix(" in action")
        return self._error(token.value + extra)

    def _expect(self, context: str, *kinds: Kind) -> Token:
        token = self._next_word()
        if token.kind not in kinds:
            raise self._unexpected(token, context)
        return token

    def _deeper(self) -> None:
        self._depth += 1
        if self._depth > _DEPTH_MAX:
            raise self._error("max expression depth exceeded")

    # Texts and definitions

    def run(self) -> None:
        nodes: list[Node] = []
        start = self._peek().pos
        while self._peek().kind is not Kind.EOF:
            if self._peek().kind is Kind.LEFT:
                delimiter = self._next()
                if self._next_word().kind is Kind.DEFINE:
                    self._definition()
                    continue
                self._backup(delimiter)
            node = self._text_or_action()
            if isinstance(node, _End | _Else):
                raise self._error(f"unexpected {node}")
            nodes.append(node)
        self._add(self.name, List(start, tuple(nodes)))

    def _add(self, name: str, root: List) -> None:
        known = self.trees.get(name)
        if known is None or is_empty(known.root.nodes):
            self.trees[name] = Tree(name, self.name, self.text, root)
        elif not is_empty(root.nodes):
            raise self._error(f"template: multiple definition of template {go_quote(name)}")

    def _definition(self) -> None:
        context = "define clause"
        name = self._string(self._expect(context, Kind.STRING, Kind.RAW))
        self._expect(context, Kind.RIGHT)
        self._add(name, self._separate(context))

    def _separate(self, context: str) -> List:
        """The body of a define or block: no variable of the outside is seen in it."""
        outside = self._vars, self._ranges, self._action_line
        self._vars, self._ranges, self._action_line = ["$"], 0, 0
        body, end = self._list()
        if not isinstance(end, _End):
            raise self._error(f"unexpected {end} in {context}")
        self._vars, self._ranges, self._action_line = outside
        return body

    def _string(self, token: Token) -> str:
        try:
            return unquote(token.value)
        except ConstantError as error:
            raise self._error(str(error)) from error

    def _list(self) -> tuple[List, _End | _Else]:
        self._deeper()
        nodes: list[Node] = []
        start = self._peek_word().pos
        while self._peek_word().kind is not Kind.EOF:
            node = self._text_or_action()
            if isinstance(node, _End | _Else):
                self._depth -= 1
                return List(start, tuple(nodes)), node
            nodes.append(node)
        raise self._error("unexpected EOF")

    def _text_or_action(self) -> Node:
        token = self._next_word()
        if token.kind is Kind.TEXT:
            return Text(token.pos, token.value)
        if token.kind is Kind.LEFT:
            self._action_line = token.line
            node = self._action()
            self._action_line = 0
            return node
        raise self._unexpected(token, "input")

    # Actions

    def _action(self) -> Node:
        token = self._next_word()
        match token.kind:
            case Kind.BLOCK:
                return self._block()
            case Kind.BREAK | Kind.CONTINUE:
                return self._jump(token)
            case Kind.ELSE:
                return self._else()
            case Kind.END:
                return _End(self._expect("end", Kind.RIGHT).pos)
            case Kind.IF | Kind.RANGE | Kind.WITH:
                return self._control(token.kind)
            case Kind.TEMPLATE:
                return self._template()
        self._backup()
        token = self._peek()
        return Action(token.pos, token.line, self._pipeline("command", Kind.RIGHT))

    def _jump(self, token: Token) -> Node:
        context = "{{" + token.value + "}}"
        following = self._next_word()
        if following.kind is not Kind.RIGHT:
            raise self._unexpected(following, context)
        if not self._ranges:
            raise self._error(context + " outside {{range}}")
        return (Break if token.kind is Kind.BREAK else Continue)(token.pos, token.line)

    def _else(self) -> _Else:
        token = self._peek_word()
        if token.kind not in (Kind.IF, Kind.WITH):
            token = self._expect("else", Kind.RIGHT)
        return _Else(token.pos)

    def _control(self, kind: Kind, link: int = 0) -> Branch:
        visible = len(self._vars)
        pipe = self._pipeline(kind.value, Kind.RIGHT)
        inside = kind is Kind.RANGE
        self._ranges += inside
        body, end = self._list()
        self._ranges -= inside
        orelse = None
        if isinstance(end, _Else):
            if kind is not Kind.RANGE and self._peek().kind is kind:
                self._next()
                if link == _CHAIN_MAX:
                    raise self._error(f"more than {_CHAIN_MAX} else {kind.value}")
                orelse = List(end.pos, (self._control(kind, link + 1),))
            else:
                orelse, end = self._list()
                if not isinstance(end, _End):
                    raise self._error(f"expected end; found {end}")
        del self._vars[visible:]
        return _BRANCHES[kind](pipe.pos, pipe.line, pipe, body, orelse)

    def _block(self) -> Template:
        context = "block clause"
        token = self._next_word()
        name = self._template_name(token, context)
        pipe = self._pipeline(context, Kind.RIGHT)
        self._add(name, self._separate(context))
        return Template(token.pos, token.line, name, pipe)

    def _template(self) -> Template:
        context = "template clause"
        token = self._next_word()
        name = self._template_name(token, context)
        pipe = None
        if self._next_word().kind is not Kind.RIGHT:
            self._backup()
            pipe = self._pipeline(context, Kind.RIGHT)
        return Template(token.pos, token.line, name, pipe)

    def _template_name(self, token: Token, context: str) -> str:
        if token.kind not in (Kind.STRING, Kind.RAW):
            raise self._unexpected(token, context)
        return self._string(token)

    # Pipelines

    def _pipeline(self, context: str, end: Kind) -> Pipe:
        first = self._peek_word()
        is_assign, decl = self._declarations(context)
        cmds: list[Command] = []
        while True:
            token = self._next_word()
            if token.kind is end:
                self._check(cmds, context)
                return Pipe(first.pos, first.line, is_assign, tuple(decl), tuple(cmds))
            if token.kind not in _OPERANDS:
                raise self._unexpected(token, context)
            self._backup()
            cmds.append(self._command())

    def _declarations(self, context: str) -> tuple[bool, list[Variable]]:
        decl: list[Variable] = []
        while (name := self._peek_word()).kind is Kind.VARIABLE:
            self._next()
            after = self._peek()  # a space here means that the variable may be the first of several arguments
            following = self._peek_word()
            if following.kind in (Kind.ASSIGN, Kind.DECLARE):
                self._next_word()
                decl.append(Variable(name.pos, (name.value,)))
                self._vars.append(name.value)
                return following.kind is Kind.ASSIGN, decl
            if following.kind is Kind.CHARACTER and following.value == ",":
                self._next_word()
                decl.append(Variable(name.pos, (name.value,)))
                self._vars.append(name.value)
                if context == "range" and len(decl) < 2:
                    if self._peek_word().kind in (Kind.VARIABLE, Kind.RIGHT, Kind.CLOSE):
                        continue
                    raise self._error("range can only initialize variables")
                raise self._error(f"too many declarations in {context}")
            if after.kind is Kind.SPACE:
                self._backup(name, after)
            else:
                self._backup(name)
            break
        return False, decl

    def _check(self, cmds: Sequence[Command], context: str) -> None:
        if not cmds:
            raise self._error(f"missing value for {context}")
        for stage, command in enumerate(cmds[1:], 2):
            if isinstance(command.args[0], Bool | Dot | Nil | Number | String):
                raise self._error(f"non executable command in pipeline stage {stage}")

    def _command(self) -> Command:
        start = self._peek_word().pos
        args: list[Operand] = []
        while True:
            self._peek_word()
            operand = self._operand()
            if operand is not None:
                args.append(operand)
            token = self._next()
            if token.kind is Kind.SPACE:
                continue
            if token.kind in (Kind.RIGHT, Kind.CLOSE):
                self._backup()
            elif token.kind is not Kind.PIPE:
                raise self._unexpected(token, "operand")
            break
        if not args:
            raise self._error("empty command")
        return Command(start, tuple(args))

    def _operand(self) -> Operand | None:
        node = self._term()
        if node is None or self._peek().kind is not Kind.FIELD:
            return node
        start = self._peek().pos
        fields: list[str] = []
        while self._peek().kind is Kind.FIELD:
            fields.append(self._next().value[1:])
        if isinstance(node, Field):
            return Field(start, (*node.idents, *fields))
        if isinstance(node, Variable):
            return Variable(start, (*node.idents, *fields))
        if isinstance(node, Bool | String | Number | Nil | Dot):
            raise self._error(f"unexpected . after term {go_quote(str(node))}")
        return Chain(start, node, tuple(fields))

    def _term(self) -> Operand | None:
        token = self._next_word()
        match token.kind:
            case Kind.IDENTIFIER:
                if token.value not in self.functions:
                    raise self._error(f"function {go_quote(token.value)} not defined")
                return Identifier(token.pos, token.value)
            case Kind.DOT:
                return Dot(token.pos)
            case Kind.NIL:
                return Nil(token.pos)
            case Kind.VARIABLE:
                if token.value not in self._vars:
                    raise self._error(f"undefined variable {go_quote(token.value)}")
                return Variable(token.pos, (token.value,))
            case Kind.FIELD:
                return Field(token.pos, (token.value[1:],))
            case Kind.BOOL:
                return Bool(token.pos, token.value == "true")
            case Kind.CONSTANT | Kind.COMPLEX | Kind.NUMBER:
                return self._number(token)
            case Kind.OPEN:
                self._deeper()
                pipe = self._pipeline("parenthesized pipeline", Kind.CLOSE)
                self._depth -= 1
                return pipe
            case Kind.STRING | Kind.RAW:
                return String(token.pos, token.value, self._string(token))
        self._backup()
        return None

    def _number(self, token: Token) -> Number:
        try:
            if token.kind is Kind.CONSTANT:
                return rune_number(token.pos, token.value)
            if token.kind is Kind.COMPLEX:
                return complex_number(token.pos, token.value)
            return number(token.pos, token.value)
        except ConstantError as error:
            raise self._error(str(error)) from error
