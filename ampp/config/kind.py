"""The kinds of values a configuration is made of: how each is read, checked and dumped.

Every kind upstream has a Go type for is one object here, and an alias for annotating a section's field with it:
`url_file: Text = ""`. Aliases ending in `OrNone` are Go pointers, whose unset value is None.
"""

import math
from collections.abc import Callable, Mapping
from typing import Annotated, Any, ClassVar, Final, TypeAlias

from ampp.config.decode import FAILED, Decoder, Kind, merge, read_list, read_map
from ampp.config.emit import Map, Tree
from ampp.config.error import Invalid
from ampp.config.keyorder import sorted_keys
from ampp.config.node import MAPPING, SCALAR, SEQUENCE, Node
from ampp.config.scalar import resolve
from ampp.config.secret import SECRET_TEXT, Secret
from ampp.core.duration import DurationError, format_go, format_prometheus, parse_go, parse_prometheus
from ampp.core.quote import go_quote

__all__ = [
    "LOOSE",
    "AnyMap",
    "AnyValue",
    "Flag",
    "FlagOrNone",
    "GoDuration",
    "Integer",
    "Integer64",
    "LongDuration",
    "LongDurationOrNone",
    "Number",
    "ProxyHeaders",
    "SecretKind",
    "SecretText",
    "SecretTextOrNone",
    "Strings",
    "StringsOrNone",
    "Text",
    "TextDuration",
    "TextMap",
    "TextMapOrNone",
    "Unsigned",
]

_INT64: Final = (-(2**63), 2**63 - 1)
_UINT64: Final = (0, 2**64 - 1)


class _TextKind(Kind):
    """A Go string, or a type that is a string underneath (`go` then names that type)."""

    zero = ""

    def __init__(self, go: str = "string") -> None:
        self.go = go

    def read(self, d: Decoder, node: Node) -> Any:
        return d.text(node, self.go)

    def is_zero(self, value: Any) -> bool:
        return not value


class _FlagKind(Kind):
    go = "bool"

    def __init__(self, *, pointer: bool) -> None:
        self.zero = None if pointer else False
        self.outer = "*bool" if pointer else ""

    def read(self, d: Decoder, node: Node) -> Any:
        value = _untyped(node)
        if value is None:
            return self.zero
        return value if isinstance(value, bool) else d.mismatch(node, self.go)

    def read_late_null(self) -> Any:
        return False

    def is_zero(self, value: Any) -> bool:
        return value is self.zero


class _IntegerKind(Kind):
    zero = 0

    def __init__(self, go: str, limits: tuple[int, int]) -> None:
        self.go = go
        self.limits = limits

    def read(self, d: Decoder, node: Node) -> Any:
        value = _untyped(node)
        if value is None:
            return 0
        if isinstance(value, float) and math.isfinite(value):
            value = int(value)  # upstream cuts fractions off as well
        low, high = self.limits
        if isinstance(value, int) and not isinstance(value, bool) and low <= value <= high:
            return value
        return d.mismatch(node, self.go)


class _NumberKind(Kind):
    go = "float64"
    zero = 0.0

    def read(self, d: Decoder, node: Node) -> Any:
        value = _untyped(node)
        if value is None:
            return 0.0
        if isinstance(value, (int, float)) and not isinstance(value, bool):
            return float(value)
        return d.mismatch(node, self.go)


class _GoDurationKind(Kind):
    """`time.Duration`: text such as `10s`, or a bare whole number of nanoseconds."""

    go = "time.Duration"
    zero = 0

    def read(self, d: Decoder, node: Node) -> Any:
        value = _untyped(node)
        if value is None:
            return 0
        if isinstance(value, str):
            try:
                return parse_go(value)
            except DurationError:
                return d.mismatch(node, self.go)
        if isinstance(value, float) and math.isfinite(value):
            value = int(value)
        if isinstance(value, int) and not isinstance(value, bool) and _INT64[0] <= value <= _INT64[1]:
            return value
        return d.mismatch(node, self.go)

    def tree(self, value: int) -> Tree:
        return format_go(value)


class _TextDurationKind(Kind):
    """Pushover's durations: Go's, always with a unit."""

    go = "pushover.duration"
    zero = 0

    def read(self, d: Decoder, node: Node) -> Any:
        if node.kind is not SCALAR:
            return d.mismatch(node, self.go)
        if _untyped(node) is None:
            return 0
        try:
            return parse_go(node.value)
        except DurationError as error:
            raise d.invalid(node, str(error), "write a number with a unit: 90s, 1m30s, 2h") from None

    def tree(self, value: int) -> Tree:
        return format_go(value)


class _LongDurationKind(Kind):
    """Prometheus durations: `1h30m`, `2d`, `1w`."""

    go = "string"
    custom = True

    def __init__(self, *, pointer: bool) -> None:
        self.zero = None if pointer else 0
        self.outer = "*model.Duration" if pointer else ""

    def read(self, d: Decoder, node: Node) -> Any:
        text = d.text(node)
        if text is FAILED:
            return FAILED
        try:
            return parse_prometheus(text)
        except DurationError as error:
            raise d.invalid(
                node, str(error), "write whole numbers with units, larger first: 1h30m, 2d, 500ms"
            ) from None

    def read_quoted_null(self, d: Decoder, node: Node) -> Any:
        return d.mismatch(node, self.outer) if self.outer else self.read(d, node)

    def tree(self, value: int) -> Tree:
        return format_prometheus(value)


class SecretKind(Kind):
    """A secret text; with `pointer`, None when unset."""

    go = "config.plain"
    custom = True

    def __init__(self, *, pointer: bool) -> None:
        self.zero = None if pointer else Secret()
        self.outer = "*config.Secret" if pointer else ""

    def read(self, d: Decoder, node: Node) -> Any:
        text = d.text(node, self.go)
        return FAILED if text is FAILED else Secret(text)

    def read_quoted_null(self, d: Decoder, node: Node) -> Any:
        return d.mismatch(node, self.outer) if self.outer else Secret(node.value)

    def is_zero(self, value: Any) -> bool:
        return value is None if self.zero is None else not value

    def tree(self, value: Secret) -> Tree:
        return SECRET_TEXT if value else None


class _ListKind(Kind):
    def __init__(self, item: Kind, go: str, *, nullable: bool = False) -> None:
        self.item = item
        self.go = go
        self.zero = None if nullable else ()

    def read(self, d: Decoder, node: Node) -> Any:
        return read_list(d, node, self.item, self.go)

    def is_zero(self, value: Any) -> bool:
        return not value

    def tree(self, value: Any) -> Tree:
        return [None if item is None else self.item.tree(item) for item in value]


class _MapKind(Kind):
    def __init__(self, item: Kind, go: str, *, nullable: bool = False) -> None:
        self.item = item
        self.go = go
        self.zero = None if nullable else {}

    def read(self, d: Decoder, node: Node) -> Any:
        return read_map(d, node, self.item, self.go, go_quote)

    def is_zero(self, value: Any) -> bool:
        return not value

    def tree(self, value: Mapping[str, Any]) -> Tree:
        tree = self.item.tree
        return Map([(key, None if value[key] is None else tree(value[key])) for key in sorted_keys(list(value))])


class _LabelMapKind(_MapKind):
    """Label names to values; upstream checks each name, by the rule for UTF-8 names, as it reads it."""

    def read(self, d: Decoder, node: Node) -> Any:
        for key in node.children[::2] if node.kind is MAPPING else ():
            if key.kind is SCALAR and not key.value and not key.nullish:
                raise d.invalid(key, f"{go_quote(key.value)} is not a valid label name")
        return super().read(d, node)


class _AnyKind(Kind):
    """Whatever stands there, as bool, int, float, str, None, list or dict. `strict`: a key twice is a fault."""

    go = "interface {}"
    _hint: ClassVar[str] = "a mapping or a list cannot be a key"

    def __init__(self, *, strict: bool = True) -> None:
        self._strict = strict

    def read(self, d: Decoder, node: Node) -> Any:
        if node.kind is SEQUENCE:
            return [value for child in node.children if (value := d.read(child, self)) is not FAILED]
        if node.kind is MAPPING:
            out: dict[Any, Any] = {}
            self._fill(d, node, out, set())
            return out
        return _untyped(node)

    def _fill(self, d: Decoder, node: Node, out: dict[Any, Any], seen: set[tuple[type, Any]]) -> None:
        for i in range(0, len(node.children), 2):
            key_node, value_node = node.children[i], node.children[i + 1]
            if key_node.is_merge:
                merge(d, value_node, lambda source: self._fill(d, source, out, seen))
                continue
            key = d.read(key_node, self)
            if isinstance(key, (list, dict)):
                raise d.invalid(key_node, "yaml: invalid map key", self._hint)
            value = d.read(value_node, self)
            if self._strict and (type(key), key) in seen:
                shown = go_quote(key) if isinstance(key, str) else str(self.tree(key)).lower()
                d.fault(value_node, f"key {shown} already set in map", "remove one of the two")
            else:
                seen.add((type(key), key))
                out[key] = value

    def tree(self, value: Any) -> Tree:
        if isinstance(value, dict):
            return Map([(key, self.tree(value[key])) for key in sorted_keys(list(value))])
        if isinstance(value, list):
            return [self.tree(item) for item in value]
        return value


def _untyped(node: Node) -> Any:
    """A scalar's value by its looks; `FAILED` for anything that is no scalar."""
    if node.kind is not SCALAR:
        return FAILED
    if node.tag is None and not node.implicit:
        return node.value
    return resolve(node.tag, node.value)[1]


class Choice(Kind):
    """A Go string type whose text is checked by `check` (which raises `Invalid`)."""

    custom = True
    zero = ""

    def __init__(self, go: str, check: Callable[[str], None]) -> None:
        self.go = go
        self.check = check

    def read(self, d: Decoder, node: Node) -> Any:
        text = d.text(node, self.go)
        if text is not FAILED:
            try:
                self.check(text)
            except Invalid as error:
                raise d.invalid(node, error.message, error.hint) from None
        return text

    def read_quoted_null(self, d: Decoder, node: Node) -> Any:
        return node.value


TEXT: Final = _TextKind()
SECRET: Final = SecretKind(pointer=False)
_ANY: Final = _AnyKind()
LOOSE: Final = _AnyKind(strict=False)

Text: TypeAlias = Annotated[str, TEXT]
Flag: TypeAlias = Annotated[bool, _FlagKind(pointer=False)]
FlagOrNone: TypeAlias = Annotated[bool | None, _FlagKind(pointer=True)]
Integer: TypeAlias = Annotated[int, _IntegerKind("int", _INT64)]
Integer64: TypeAlias = Annotated[int, _IntegerKind("int64", _INT64)]
Unsigned: TypeAlias = Annotated[int, _IntegerKind("uint64", _UINT64)]
Number: TypeAlias = Annotated[float, _NumberKind()]
GoDuration: TypeAlias = Annotated[int, _GoDurationKind()]
TextDuration: TypeAlias = Annotated[int, _TextDurationKind()]
LongDuration: TypeAlias = Annotated[int, _LongDurationKind(pointer=False)]
LongDurationOrNone: TypeAlias = Annotated[int | None, _LongDurationKind(pointer=True)]
SecretText: TypeAlias = Annotated[Secret, SECRET]
SecretTextOrNone: TypeAlias = Annotated[Secret | None, SecretKind(pointer=True)]
Strings: TypeAlias = Annotated[tuple[str, ...], _ListKind(TEXT, "[]string")]
StringsOrNone: TypeAlias = Annotated[tuple[str, ...] | None, _ListKind(TEXT, "[]string", nullable=True)]
Secrets: TypeAlias = Annotated[tuple[Secret, ...], _ListKind(SECRET, "[]config.Secret")]
TextMap: TypeAlias = Annotated[dict[str, str], _MapKind(TEXT, "map[string]string")]
TextMapOrNone: TypeAlias = Annotated[dict[str, str] | None, _MapKind(TEXT, "map[string]string", nullable=True)]
LabelMap: TypeAlias = Annotated[dict[str, str], _LabelMapKind(TEXT, "model.LabelSet")]
ProxyHeaders: TypeAlias = Annotated[
    dict[str, tuple[Secret, ...]], _MapKind(_ListKind(SECRET, "[]config.Secret"), "config.ProxyHeader")
]
AnyValue: TypeAlias = Annotated[Any, _ANY]
AnyMap: TypeAlias = Annotated[dict[str, Any], _MapKind(_ANY, "map[string]interface {}")]
