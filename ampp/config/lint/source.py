"""The text of a configuration as nodes: where its parts stand, and what was written in it.

The checked configuration says what holds, with defaults and inheritance; only the nodes say what somebody wrote, and
where. A `Path` leads from the root: keys of mappings and numbers of list entries.
"""

from collections.abc import Iterator
from typing import Final, TypeAlias

from ampp.config.decode import Kind
from ampp.config.document import Config, Document
from ampp.config.lint.finding import Finding
from ampp.config.lint.rule import RULES
from ampp.config.node import ALIAS, MAPPING, SCALAR, SEQUENCE, Node, compose
from ampp.config.section import Section, Struct, section_fields

__all__ = ["Path", "Source"]

Path: TypeAlias = tuple[str | int, ...]

_NOWHERE: Final = Node(SCALAR, 0, 0)


class Source:
    """The nodes of a configuration that loads. `file` is the name to show for it."""

    def __init__(self, config: Config, file: str) -> None:
        self.file = file
        self.root = compose(config.text) or _NOWHERE

    def node(self, path: Path) -> Node:
        """The node at `path`, or the last one on the way that is there."""
        return self._walk(path)[1]

    def key(self, path: Path) -> Node:
        """The key under which the node at `path` stands; the node itself where it is an entry of a list."""
        key, node = self._walk(path)
        return key or node

    def has(self, path: Path) -> bool:
        """Whether something is written under the last key of `path`."""
        node = _target(self.node(path[:-1]))
        return any(key.value == path[-1] for key, _ in _pairs(node))

    def finding(self, rule: str, spot: Node, text: str, hint: str = "") -> Finding:
        """A finding of `rule` at a node."""
        return Finding(rule, RULES[rule].severity, self.file, spot.line, spot.column, text, hint)

    def entries(self, path: Path) -> Iterator[tuple[Node, Node]]:
        """The keys and values of the mapping at `path`; none if there is no mapping."""
        if self.has(path):
            yield from _pairs(_target(self.node(path)))

    def items(self, path: Path) -> Iterator[Node]:
        """The entries of the list at `path`, aliases followed; none if there is no list."""
        if self.has(path):
            node = _target(self.node(path))
            yield from map(_target, node.children if node.kind is SEQUENCE else ())

    def written(self, *keys: str) -> Iterator[tuple[Path, Node, Kind]]:
        """Every scalar under these keys of the document: its path, and the kind it was read as."""
        for key in keys:
            if self.has((key,)):
                for path, node, kind in _written(self.node((key,)), section_fields(Document)[key].kind):
                    yield (key, *path), node, kind

    def _walk(self, path: Path) -> tuple[Node | None, Node]:
        key, node = None, self.root
        for step in path:
            inner = _target(node)
            if isinstance(step, int):
                if inner.kind is not SEQUENCE or step >= len(inner.children):
                    break
                key, node = None, inner.children[step]
            else:
                found = next((pair for pair in _pairs(inner) if pair[0].value == step), None)
                if found is None:
                    break
                key, node = found
        return key, node


def _target(node: Node) -> Node:
    return node.target if node.kind is ALIAS and node.target is not None else node


def _pairs(node: Node) -> Iterator[tuple[Node, Node]]:
    """The keys and values of a mapping, then those that merges bring and that are not its own."""
    if node.kind is not MAPPING:
        return
    own: set[str] = set()
    merges: list[Node] = []
    for i in range(0, len(node.children), 2):
        key, value = node.children[i], node.children[i + 1]
        if key.is_merge:
            inner = _target(value)
            merges += inner.children if inner.kind is SEQUENCE else [inner]
        else:
            own.add(key.value)
            yield key, value
    for merged in merges:
        for key, value in _pairs(_target(merged)):
            if key.value not in own:
                own.add(key.value)
                yield key, value


def _written(node: Node, kind: Kind) -> Iterator[tuple[Path, Node, Kind]]:
    """Every scalar below `node`, which was read as `kind`: its path from there, and the kind it was read as."""
    node = _target(node)
    if node.kind is SCALAR:
        yield (), node, kind
        return
    if isinstance(kind, Struct) and node.kind is MAPPING:
        for key, value in _pairs(node):
            below = _field_kind(kind.cls, key.value)
            if below is not None:
                for path, scalar, inner in _written(value, below):
                    yield (key.value, *path), scalar, inner
        return
    item = getattr(kind, "item", kind)
    if node.kind is SEQUENCE:
        for number, child in enumerate(node.children):
            for path, scalar, inner in _written(child, item):
                yield (number, *path), scalar, inner
    else:
        for key, value in _pairs(node):
            for path, scalar, inner in _written(value, item):
                yield (key.value, *path), scalar, inner


def _field_kind(cls: type[Section], key: str) -> Kind | None:
    field = section_fields(cls).get(key)
    return cls.foreign(key) if field is None else field.kind
