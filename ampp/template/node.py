"""The tree of a parsed template: frozen values, rewritten by making new ones (`msgspec.structs.replace`).

Every node knows `pos`, the index of its first character in the source text; `Tree.place` turns it into a line and a
column in bytes. `str(node)` is the node written as template text again, which is how error messages name it.
"""

from collections.abc import Sequence
from typing import TypeAlias

import msgspec

from ampp.core.quote import go_quote

__all__ = [
    "Action",
    "Bool",
    "Branch",
    "Break",
    "Chain",
    "Command",
    "Continue",
    "Dot",
    "Field",
    "Identifier",
    "If",
    "List",
    "Nil",
    "Node",
    "Number",
    "Operand",
    "Pipe",
    "Range",
    "String",
    "Template",
    "Text",
    "Tree",
    "Variable",
    "With",
    "is_empty",
]


class Node(msgspec.Struct, frozen=True):
    """What all nodes share. `pos`: index of the node's first character in the text of its tree."""

    pos: int


class Text(Node, frozen=True):
    """Literal text between actions, trimmed by trim markers."""

    text: str

    def __str__(self) -> str:
        return self.text


class Identifier(Node, frozen=True):
    """A function's name."""

    name: str

    def __str__(self) -> str:
        return self.name


class Variable(Node, frozen=True):
    """`$x.Field.Method`: the name with its dollar, then the fields."""

    idents: tuple[str, ...]

    def __str__(self) -> str:
        return ".".join(self.idents)


class Field(Node, frozen=True):
    """`.Field.Method`, looked up from dot."""

    idents: tuple[str, ...]

    def __str__(self) -> str:
        return "." + ".".join(self.idents)


class Dot(Node, frozen=True):
    def __str__(self) -> str:
        return "."


class Nil(Node, frozen=True):
    def __str__(self) -> str:
        return "nil"


class Bool(Node, frozen=True):
    value: bool

    def __str__(self) -> str:
        return "true" if self.value else "false"


class Number(Node, frozen=True):
    """A number in every reading its spelling allows: None where it has none (`1.5` is no int, `-1` no uint)."""

    text: str
    as_int: int | None = None
    as_uint: int | None = None
    as_float: float | None = None
    as_complex: complex | None = None

    def __str__(self) -> str:
        return self.text


class String(Node, frozen=True):
    """A string constant: as spelt in the source (`quoted`), and what it means (`text`)."""

    quoted: str
    text: str

    def __str__(self) -> str:
        return self.quoted


class Chain(Node, frozen=True):
    """`(pipeline).Field.Method`."""

    node: "Operand"
    fields: tuple[str, ...]

    def __str__(self) -> str:
        head = f"({self.node})" if isinstance(self.node, Pipe) else str(self.node)
        return head + "".join("." + field for field in self.fields)


class Command(Node, frozen=True):
    """One stage of a pipeline: an operand, or a function, method or field with its arguments."""

    args: "tuple[Operand, ...]"

    def __str__(self) -> str:
        return " ".join(f"({arg})" if isinstance(arg, Pipe) else str(arg) for arg in self.args)


class Pipe(Node, frozen=True):
    """A pipeline with its variables: `$i, $x := cmds…`; `is_assign` for `=` instead of `:=`."""

    line: int
    is_assign: bool
    decl: tuple[Variable, ...]
    cmds: tuple[Command, ...]

    def __str__(self) -> str:
        cmds = " | ".join(map(str, self.cmds))
        if not self.decl:
            return cmds
        return ", ".join(map(str, self.decl)) + (" = " if self.is_assign else " := ") + cmds


class Action(Node, frozen=True):
    """`{{ pipeline }}`: prints its value unless it declares or assigns variables."""

    line: int
    pipe: Pipe

    def __str__(self) -> str:
        return "{{" + str(self.pipe) + "}}"


class List(Node, frozen=True):
    """Nodes in sequence."""

    nodes: "tuple[Node, ...]"

    def __str__(self) -> str:
        return "".join(map(str, self.nodes))


class Branch(Node, frozen=True):
    """What `if`, `range` and `with` share; `orelse` is None without `{{else}}`."""

    line: int
    pipe: Pipe
    body: List
    orelse: List | None = None

    def __str__(self) -> str:
        orelse = "" if self.orelse is None else "{{else}}" + str(self.orelse)
        return "{{" + type(self).__name__.lower() + f" {self.pipe}" + "}}" + str(self.body) + orelse + "{{end}}"


class If(Branch, frozen=True):
    pass


class Range(Branch, frozen=True):
    pass


class With(Branch, frozen=True):
    pass


class Break(Node, frozen=True):
    line: int

    def __str__(self) -> str:
        return "{{break}}"


class Continue(Node, frozen=True):
    line: int

    def __str__(self) -> str:
        return "{{continue}}"


class Template(Node, frozen=True):
    """`{{template "name" pipeline}}`, also what is left of a `{{block}}`."""

    line: int
    name: str
    pipe: Pipe | None = None

    def __str__(self) -> str:
        return "{{template " + go_quote(self.name) + ("" if self.pipe is None else f" {self.pipe}") + "}}"


Operand: TypeAlias = Identifier | Variable | Field | Dot | Nil | Bool | Number | String | Chain | Pipe


class Tree(msgspec.Struct, frozen=True):
    """One template.

    name: what `{{template}}` calls it by; source: name of the text it was parsed from, which errors show (empty for a
    config string); text: that whole text, which `pos` points into; root: its body.
    """

    name: str
    source: str
    text: str
    root: List

    def place(self, pos: int) -> tuple[int, int]:
        """(line from 1, column in bytes from 0) of a position; on a line with no newline before it Go's own count."""
        start = self.text.rfind("\n", 0, pos) + 1
        line = 1 + self.text.count("\n", 0, start)
        return line, len(self.text[start:pos].encode("utf-8", "replace"))  # a lone surrogate stands for a byte


_SPACE = " \t\n\v\f\r\u0085\u00a0\u1680\u2028\u2029\u202f\u205f\u3000" + "".join(map(chr, range(0x2000, 0x200B)))


def is_empty(nodes: Sequence[Node]) -> bool:
    """Nothing but white space: such a definition never replaces one that has content."""
    return all(isinstance(node, Text) and not node.text.strip(_SPACE) for node in nodes)
