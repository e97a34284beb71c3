"""YAML mappings with known keys: a class is the schema of one, and a kind to decode it by."""

import inspect
from collections.abc import Mapping
from typing import Any, ClassVar, Final, Self

import msgspec

from ampp.config.decode import FAILED, Decoder, Kind, is_null, merge, read_list
from ampp.config.emit import Map, Tree
from ampp.config.error import Invalid, closest
from ampp.config.node import MAPPING, Node
from ampp.core.matcher import Mode

__all__ = ["KEEP", "Section", "Sections", "Struct", "section_fields"]

KEEP: Final = "keep"
"""Annotation of a field that is dumped even when it is zero (upstream: no `omitempty`)."""


class Section(msgspec.Struct, frozen=True, kw_only=True):
    """A YAML mapping with known keys; the class body is its schema.

    Every field is `Annotated[type, Kind, ...]` (usually by an alias of `ampp.config.kind`), in the order of the dump;
    its default is the one upstream applies when the key is absent. A trailing underscore is not part of the key.
    """

    go: ClassVar[str] = "config.plain"
    custom: ClassVar[bool] = True
    """Whether upstream decodes this type by a function of its own (its checks are in `settle`)."""
    null_keeps: ClassVar[bool] = False
    """Whether an explicit null leaves a field its default, which is not upstream's way but ampp.yml's."""
    foreign_field: ClassVar[str] = ""
    """The plain field, a mapping by key, that takes what `foreign` reads."""

    @classmethod
    def foreign(cls, key: str) -> Kind | None:
        """What stands under a key that is not in the class body, None if such a key is wrong here. Raises `Invalid`."""
        return None

    def settle(self) -> Self:
        """Check the section after decoding and answer it in normal form. Raises `Invalid`."""
        return self

    def check_names(self, mode: Mode) -> None:
        """Check what depends on which label names are valid. Raises `Invalid`."""


class _Field(msgspec.Struct, frozen=True):
    key: str
    name: str
    kind: Kind
    keep: bool


_FIELDS: Final[dict[type[Section], dict[str, _Field]]] = {}


def section_fields(cls: type[Section]) -> dict[str, _Field]:
    """The schema of a section: YAML key to field, in dump order."""
    fields = _FIELDS.get(cls)
    if fields is None:
        fields = _FIELDS[cls] = {}
        for owner in reversed(cls.__mro__):
            for name, annotation in inspect.get_annotations(owner).items():
                notes = getattr(annotation, "__metadata__", ())
                if notes:
                    key = name.rstrip("_")
                    fields[key] = _Field(key, name, notes[0], KEEP in notes)
    return fields


class Struct(Kind):
    """A `Section` as the target. With `pointer`, null is None, else the section with every field zero.

    `start` holds defaults that this place gives the section's fields, in place of the section's own.
    """

    def __init__(
        self, cls: type[Section], *, pointer: bool = True, outer: str = "", start: Mapping[str, Any] | None = None
    ) -> None:
        self.cls = cls
        self.start = start or {}
        self.go = cls.go
        self.outer = outer or ("*" if pointer else "") + cls.go
        self.custom = cls.custom
        self.pointer = pointer
        self._zero: Section | None = None

    @property
    def zero(self) -> Any:
        return None if self.pointer else self.nothing()

    def read_late_null(self) -> Any:
        return self.nothing()

    def nothing(self) -> Section:
        """The section with every field zero, as Go has it before any default is applied."""
        if self._zero is None:
            fields = section_fields(self.cls).values()
            self._zero = self.cls(**{field.name: field.kind.zero for field in fields})
        return self._zero

    def read(self, d: Decoder, node: Node) -> Any:
        before = len(d.faults)
        section: Section
        if node.kind is MAPPING:
            values = dict(self.start)
            self._fill(d, node, values)
            if self.custom and len(d.faults) > before:
                return FAILED
            section = self.cls(**values)
        elif is_null(node):
            section = self.nothing()
        else:
            return d.mismatch(node, self.go)
        try:
            settled = section.settle()
            settled.check_names(d.mode)
        except Invalid as error:
            if not error.line:
                spot = node.at(error.field) if error.field else node
                error.line, error.column = spot.line, spot.column
            raise
        d.where[id(settled)] = (node, settled)
        return settled

    def _fill(self, d: Decoder, node: Node, values: dict[str, Any]) -> None:
        fields = section_fields(self.cls)
        done: set[str] = set()
        children = node.children
        for i in range(0, len(children), 2):
            key_node, value_node = children[i], children[i + 1]
            if key_node.is_merge:
                merge(d, value_node, lambda source: self._fill(d, source, values))
                continue
            key = d.text(key_node)
            if key is FAILED:
                continue
            field = fields.get(key)
            kind = self._foreign(d, key_node, key) if field is None else field.kind
            if kind is None:
                near = closest(key, fields)
                hint = f"did you mean {near}?" if near else f"known here: {', '.join(fields)}" if fields else ""
                d.fault(key_node, f"field {key} not found in type {self.go}", hint)
            elif key in done:
                d.fault(key_node, f"field {key} already set in type {self.go}", "remove one of the two")
            else:
                done.add(key)
                if self.cls.null_keeps and value_node.nullish:
                    continue
                value = d.read(value_node, kind)
                if value is FAILED:
                    continue
                if field is None:
                    values.setdefault(self.cls.foreign_field, {})[key] = value
                else:
                    values[field.name] = value

    def _foreign(self, d: Decoder, node: Node, key: str) -> Kind | None:
        try:
            return self.cls.foreign(key)
        except Invalid as error:
            error.line, error.column = node.line, node.column
            raise

    def tree(self, value: Section) -> Tree:
        out: list[tuple[Tree, Tree]] = []
        for field in section_fields(type(value)).values():
            item = getattr(value, field.name)
            if field.keep or not field.kind.is_zero(item):
                out.append((field.key, None if item is None else field.kind.tree(item)))
        if value.foreign_field:
            for key, item in getattr(value, value.foreign_field).items():
                kind = value.foreign(key)
                if kind is not None and not kind.is_zero(item):
                    out.append((key, kind.tree(item)))
        return Map(out)


class Sections(Kind):
    """A list of sections. A null item is the section with every field zero, or with `pointer` None.

    With `solid` a null item is refused: upstream takes it when loading and crashes when notifying.
    """

    zero = ()

    def __init__(self, cls: type[Section], go: str, *, pointer: bool = False, solid: bool = False) -> None:
        self.go = go
        self.item = Struct(cls, pointer=pointer or solid, outer=go.removeprefix("[]"))
        self.solid = solid

    def read(self, d: Decoder, node: Node) -> Any:
        items = read_list(d, node, self.item, self.go)
        if self.solid and items is not FAILED and None in items:
            raise d.invalid(node, f"null entry in {self.go}", "remove the empty entry of the list")
        return items

    def is_zero(self, value: Any) -> bool:
        return not value

    def tree(self, value: Any) -> Tree:
        return [self.item.tree(item) for item in value]
