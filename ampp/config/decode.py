"""Nodes to typed values, the way Go's yaml.v2 fills structs in strict mode.

Theory of operation. What a scalar means depends on the type it is decoded into, so nothing is converted before the
target is known: every target is a `Kind`, and `Decoder.read(node, kind)` answers a value or `FAILED`.

- *Faults* (unknown or repeated keys, values of the wrong shape) are collected with their lines; decoding goes on, and
  all of them are reported together at the end.
- *Checks* raise `Invalid` and end the decoding at once, hiding every fault collected so far. A section's own check is
  skipped when a fault was met inside it. Both as upstream, where this decides which error a user sees.
- An explicit null gives the target's zero value, erasing the default, and skips the target's own reading.
- Aliases are decoded again at each use; how much of the work may come from aliases is bounded as in yaml.v2, and how
  deep nesting and aliases together may lead by `MAX_DEPTH`.
"""

from collections.abc import Callable
from typing import Any, Final

from ampp.config.emit import Tree
from ampp.config.error import Fault, Invalid
from ampp.config.node import ALIAS, MAPPING, MAX_DEPTH, NULL_TAG, SCALAR, SEQUENCE, Node
from ampp.config.scalar import STR, resolve, short_tag
from ampp.core.matcher import Mode

__all__ = [
    "FAILED",
    "Decoder",
    "Fault",
    "Kind",
    "is_null",
    "merge",
    "read_list",
    "read_map",
]


class _Failed:
    def __repr__(self) -> str:
        return "FAILED"


FAILED: Final = _Failed()
"""What reading answers when it recorded a fault in place of a value."""

_DEPTH_HINT: Final = "nest less, or chain fewer aliases"
_ALIAS_LOW: Final = 400_000
_ALIAS_HIGH: Final = 4_000_000


class Kind:
    """A type that YAML is decoded into, and dumped from.

    `go` is the Go type's name in error texts. `custom` says that upstream decodes it by a function of its own; such a
    type, and every pointer, never sees a quoted `null` or `~` (yaml.v2 takes the shortcut for null first and only then
    notices the quotes), which leaves a type error naming `outer`, or the text for types that are strings underneath.
    """

    go: str = ""
    outer: str = ""
    zero: Any = None
    custom: bool = False

    def read(self, d: "Decoder", node: Node) -> Any:
        """The value of a node that is neither an alias nor null."""
        raise NotImplementedError

    def read_quoted_null(self, d: "Decoder", node: Node) -> Any:
        """The value of a quoted `null` or `~`."""
        return d.mismatch(node, self.outer or self.go) if self.custom or self.outer else self.read(d, node)

    def read_late_null(self) -> Any:
        """The value of `Null` or `NULL`, which yaml.v2 notices so late that a pointer is no longer nil."""
        return self.zero

    def is_zero(self, value: Any) -> bool:
        """Whether a dump leaves the field out."""
        return bool(value == self.zero)

    def tree(self, value: Any) -> Tree:
        """The value as plain data for the dump."""
        return value


class Decoder:
    """One run over one document. `where` remembers the node of every section read, by identity."""

    def __init__(self, mode: Mode = Mode.FALLBACK) -> None:
        self.mode = mode
        self.faults: list[Fault] = []
        self.warnings: list[str] = []
        self.where: dict[int, tuple[Node, object]] = {}
        self._depth = 0
        self._steps = 0
        self._alias_steps = 0
        self._open: list[Node] = []

    def read(self, node: Node, kind: Kind) -> Any:
        """Decode `node` as `kind`: a value, or `FAILED` after a fault. Raises `Invalid` for a failed check."""
        self._steps += 1
        if self._open:
            self._alias_steps += 1
            self._bound()
        if node.kind is not SCALAR:
            self._depth += 1
            if self._depth > MAX_DEPTH:
                raise self.invalid(node, f"yaml: exceeded max depth of {MAX_DEPTH}", _DEPTH_HINT)
            value = self._alias(node, kind) if node.kind is ALIAS else kind.read(self, node)
            self._depth -= 1
            return value
        if node.nullish:
            if node.tag == NULL_TAG:
                resolve(node.tag, node.value)  # raises when the text is not a null
                return kind.zero
            return kind.zero if node.implicit else kind.read_quoted_null(self, node)
        if is_null(node) and not kind.custom:
            return kind.read_late_null()
        return kind.read(self, node)

    def _alias(self, node: Node, kind: Kind) -> Any:
        assert node.target is not None
        self.enter(node)
        value = self.read(node.target, kind)
        self.leave(node)
        return value

    def enter(self, node: Node) -> None:
        """Step into `node`; when it is an alias, count what follows as its doing. Pairs with `leave`."""
        if node.kind is ALIAS:
            if any(node is one for one in self._open):
                raise self.invalid(node, f"yaml: anchor '{node.value}' value contains itself")
            self._open.append(node)
        self._depth += 1
        if self._depth > MAX_DEPTH:
            raise self.invalid(node, f"yaml: exceeded max depth of {MAX_DEPTH}", _DEPTH_HINT)
        if self._open:
            self._steps += 1
            self._alias_steps += 1
            self._bound()

    def leave(self, node: Node) -> None:
        """Step out of `node`."""
        self._depth -= 1
        if node.kind is ALIAS:
            self._open.pop()

    def _bound(self) -> None:
        if self._alias_steps > 100 and self._steps > 1000:
            reach = min(max(self._steps - _ALIAS_LOW, 0) / (_ALIAS_HIGH - _ALIAS_LOW), 1)
            if self._alias_steps / self._steps > 0.99 - 0.89 * reach:
                hint = "aliases are decoded again at every use; write the repeated parts out or use fewer of them"
                raise self.invalid(self._open[0], "yaml: document contains excessive aliasing", hint)

    def invalid(self, node: Node, message: str, hint: str = "") -> Invalid:
        """A failed check standing at `node`, to be raised."""
        error = Invalid(message, hint=hint)
        error.line, error.column = node.line, node.column
        return error

    def fault(self, node: Node, text: str, hint: str = "") -> _Failed:
        """Record a fault at `node`; its message begins with the line."""
        self.faults.append(Fault(f"line {node.line}: {text}", node.line, node.column, hint))
        return FAILED

    def mismatch(self, node: Node, go: str) -> _Failed:
        """Record that `node` does not have the shape of the Go type `go`."""
        if node.kind is SCALAR:
            tag = STR if not node.tag and not node.implicit else resolve(node.tag, node.value)[0]
            data = node.value.encode()
            shown = data[:7].decode("utf-8", "replace") + "..." if len(data) > 10 else node.value
            what = f"{short_tag(tag)} `{shown}`"
        else:
            what = "!!seq" if node.kind is SEQUENCE else "!!map"
        return self.fault(node, f"cannot unmarshal {what} into {go}", _shape_hint(node, go))

    def text(self, node: Node, go: str = "string") -> Any:
        """The node as Go's `string`: any scalar, its text untouched; null is empty."""
        if node.kind is ALIAS:
            return self.read(node, _TEXT)
        if node.kind is not SCALAR:
            return self.mismatch(node, go)
        if node.tag is None:
            return "" if node.implicit and node.value in ("", "~", "null", "Null", "NULL") else node.value
        tag, value = resolve(node.tag, node.value)
        if value is None:
            return ""
        return value if tag.endswith(":binary") else node.value


def is_null(node: Node) -> bool:
    """Whether this is a null in one of the spellings that only the target type's own reading notices."""
    return node.kind is SCALAR and node.tag is None and node.implicit and node.value in ("Null", "NULL")


class _Text(Kind):
    go = "string"
    zero = ""

    def read(self, d: Decoder, node: Node) -> Any:
        return d.text(node)


_TEXT: Final = _Text()


def _shape_hint(node: Node, go: str) -> str:
    if node.kind is SCALAR:
        if go.startswith("[]"):
            return f"a list is wanted: write [{node.value}]"
        if go == "bool":
            return "write true or false, without quotes"
        if go == "time.Duration":
            return "write a duration such as 10s or 1m30s; days and weeks are not known here"
        if go.startswith(("int", "uint")):
            return "write a whole number, without quotes"
        if "." in go or go.startswith("map["):
            return "a mapping of `key: value` lines is wanted here"
    elif node.kind is MAPPING and go.startswith("[]"):
        return "a list is wanted: begin each entry with `- `"
    elif go == "string":
        return "one value is wanted here"
    return ""


def merge(d: Decoder, node: Node, fill: Callable[[Node], None]) -> None:
    """Bring in what a `<<` names, last first: in a list the earlier ones win."""
    for source in reversed(node.children) if node.kind is SEQUENCE else [node]:
        target = source.target if source.kind is ALIAS else source
        if target is None or target.kind is not MAPPING:
            raise d.invalid(node, "yaml: map merge requires map or sequence of maps as the value")
        d.enter(source)
        fill(target)
        d.leave(source)


def read_list(d: Decoder, node: Node, item: Kind, go: str) -> Any:
    """A Go slice: items that fail are left out (their faults are on record)."""
    if node.kind is not SEQUENCE:
        return d.mismatch(node, go)
    read = d.read
    return tuple(value for child in node.children if (value := read(child, item)) is not FAILED)


def read_map(d: Decoder, node: Node, item: Kind, go: str, quote: Callable[[str], str]) -> Any:
    """A Go map with string keys. A key that comes twice, be it by a merge, is a fault."""
    if node.kind is not MAPPING:
        return d.mismatch(node, go)
    out: dict[str, Any] = {}
    _fill_map(d, node, item, out, quote)
    return out


def _fill_map(d: Decoder, node: Node, item: Kind, out: dict[str, Any], quote: Callable[[str], str]) -> None:
    children = node.children
    for i in range(0, len(children), 2):
        if children[i].is_merge:
            merge(d, children[i + 1], lambda source: _fill_map(d, source, item, out, quote))
            continue
        key = d.text(children[i])
        if key is FAILED:
            continue
        value = d.read(children[i + 1], item)
        if value is FAILED:
            continue
        if key in out:
            d.fault(children[i + 1], f"key {quote(key)} already set in map", "remove one of the two")
        else:
            out[key] = value
