"""How Go's values look to the engine.

| Go                                   | here                                                     |
|--------------------------------------|----------------------------------------------------------|
| nil (the untyped one)                | `None`                                                   |
| bool, int, float64, complex128       | `bool`, `int`, `float`, `complex`                        |
| string                               | `str`; bytes that are no UTF-8 are lone surrogates (`surrogateescape`) |
| other scalars: uint8, time.Month …   | `Scalar(type, value)`                                    |
| lists: []string, template.Alerts …   | `Slice(type, items)`; items None is a nil slice          |
| maps with string keys: template.KV … | `Map(type, items)`; items None is a nil map              |
| structs                              | any object whose class has an attribute `go`, a `GoType` |
| pointer to one of these              | `Pointer(value)`                                         |

A value that is not native says its type in its attribute `go`. Native values never have subclasses. What a type can do
stands in its `GoType`: fields, methods, `String()`. The engine finds members through it alone, so nothing of Python can
be reached from a template. All values are treated as immutable.
"""

from collections.abc import Callable, Mapping, Sequence
from enum import Enum, auto
from operator import attrgetter
from typing import Any, Final, TypeAlias

__all__ = [
    "ANY",
    "ANY_LIST",
    "ANY_MAP",
    "BOOL",
    "COMPLEX",
    "FLOAT",
    "INT",
    "INT32",
    "INT64",
    "NIL_INTERFACE",
    "STRING",
    "STRINGS",
    "STRING_MAP",
    "UINT",
    "UINT8",
    "UINT64",
    "Attribute",
    "Func",
    "GoType",
    "Kind",
    "Map",
    "NilInterface",
    "Pointer",
    "Scalar",
    "Slice",
    "Value",
    "assignable",
    "elements",
    "is_nil",
    "is_true",
    "kind_of",
    "map_of",
    "named",
    "slice_of",
    "struct",
    "type_of",
    "underlying",
]

Value: TypeAlias = Any
"""A value of the table above; what a template handles is known only when it runs."""


class Kind(Enum):
    """Go's kinds, the sizes of numbers left to the type."""

    INVALID = auto()
    BOOL = auto()
    INT = auto()
    UINT = auto()
    FLOAT = auto()
    COMPLEX = auto()
    STRING = auto()
    SLICE = auto()
    MAP = auto()
    STRUCT = auto()
    POINTER = auto()
    INTERFACE = auto()


class Func:
    """A function or method a template can call.

    params: types of its arguments, the last one repeated (0 or more times) if `variadic`. call: takes the arguments as
    values (a method: the receiver before them) which were checked against `params`, and returns a value; what it cannot
    do it says with `CallError`. bad: why Go refuses to call it at all (`invalid function signature …`), or "".
    """

    __slots__ = ("bad", "call", "params", "variadic")

    def __init__(
        self, params: "Sequence[GoType]", call: Callable[..., Value], *, variadic: bool = False, bad: str = ""
    ) -> None:
        self.params = tuple(params)
        self.call = call
        self.variadic = variadic
        self.bad = bad


class Attribute:
    """A field of a struct: its Go name, the Python attribute that holds it, its type, its JSON key (default: the name).

    `hidden`: a private field, which only printing the whole struct shows.
    """

    __slots__ = ("attribute", "get", "hidden", "json", "name", "type")

    def __init__(self, name: str, attribute: str, type_: "GoType", json: str = "", *, hidden: bool = False) -> None:
        self.name = name
        self.attribute = attribute
        self.type = type_
        self.json = json or name
        self.hidden = hidden
        self.get: Callable[[Value], Value] = attrgetter(attribute)


class GoType:
    """A Go type. Types are compared by identity: make each once.

    name: as `%T` and errors print it; elem: of slices and maps; bits: of integers and floats; fields, methods: by name;
    string: the `String()` method that printing uses, if it has one; go_string: `GoString()` likewise (`%#v`);
    underlying: the type a named one was made from (itself if predeclared or unnamed); comparable: `==` is defined.
    """

    __slots__ = (
        "bits",
        "comparable",
        "elem",
        "fields",
        "getters",
        "go_string",
        "kind",
        "methods",
        "name",
        "named",
        "string",
        "underlying",
        "zero",
    )

    def __init__(
        self,
        name: str,
        kind: Kind,
        *,
        elem: "GoType | None" = None,
        bits: int = 64,
        named: bool = True,
        underlying: "GoType | None" = None,
        fields: Sequence[Attribute] = (),
        methods: Mapping[str, Func] | None = None,
        string: Callable[[Value], str] | None = None,
        go_string: Callable[[Value], str] | None = None,
        zero: Value = None,
    ) -> None:
        self.name = name
        self.kind = kind
        self.elem = elem
        self.bits = bits
        self.named = named
        self.underlying: GoType = underlying or self
        self.fields = {field.name: field for field in fields}
        self.methods = dict(methods or {})
        self.string = string
        self.go_string = go_string
        self.comparable: bool = kind not in (Kind.SLICE, Kind.MAP) and all(field.type.comparable for field in fields)
        self.zero: Value = zero
        self.getters: dict[str, Callable[[Value], Value]] = {
            field.name: field.get for field in fields if not field.hidden
        }
        self._adopt()

    def _adopt(self) -> None:
        for name, method in self.methods.items():
            if not method.bad and (not method.params or (method.variadic and len(method.params) == 1)):
                self.getters[name] = method.call
            else:
                self.getters.pop(name, None)

    def add_methods(self, methods: Mapping[str, Func]) -> None:
        """Methods that could not be given when the type was made because they speak of the type itself."""
        self.methods.update(methods)
        self._adopt()

    def __repr__(self) -> str:
        return f"<GoType {self.name}>"


ANY: Final = GoType("interface {}", Kind.INTERFACE, named=False)
BOOL: Final = GoType("bool", Kind.BOOL, zero=False)
INT: Final = GoType("int", Kind.INT, zero=0)
FLOAT: Final = GoType("float64", Kind.FLOAT, zero=0.0)
COMPLEX: Final = GoType("complex128", Kind.COMPLEX, bits=128, zero=0j)
STRING: Final = GoType("string", Kind.STRING, zero="")


class Scalar:
    """A number, bool or string whose type is not the plain one."""

    __slots__ = ("go", "value")

    def __init__(self, go: GoType, value: Any) -> None:
        self.go = go
        self.value = value

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Scalar) and self.go is other.go and self.value == other.value

    def __hash__(self) -> int:
        return hash(self.value)

    def __repr__(self) -> str:
        return f"Scalar({self.go.name}, {self.value!r})"


class Slice:
    """A Go slice; its capacity is its length."""

    __slots__ = ("go", "items")

    def __init__(self, go: GoType, items: Sequence[Value] | None) -> None:
        self.go = go
        self.items = items

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Slice) and self.go is other.go and self.items == other.items

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        return f"Slice({self.go.name}, {self.items!r})"


class Map:
    """A Go map with string keys."""

    __slots__ = ("go", "items")

    def __init__(self, go: GoType, items: Mapping[str, Value] | None) -> None:
        self.go = go
        self.items = items

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Map) and self.go is other.go and self.items == other.items

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        return f"Map({self.go.name}, {self.items!r})"


class Pointer:
    """A pointer to a struct. Fields and methods are found through it; printing shows `&{…}`, `{{ . }}` looks inside."""

    __slots__ = ("go", "value")

    def __init__(self, value: Value) -> None:
        self.value = value
        self.go = _pointer_to(value.go)


class NilInterface:
    """A nil that stands where any value could: an absent element of a map of anything."""

    __slots__ = ()
    go: Final = ANY


NIL_INTERFACE: Final = NilInterface()
ANY.zero = NIL_INTERFACE

_slices: dict[GoType, GoType] = {}
_maps: dict[GoType, GoType] = {}
_pointers: dict[GoType, GoType] = {}


def slice_of(elem: GoType) -> GoType:
    """The unnamed type `[]elem`."""
    if elem not in _slices:
        made = _slices[elem] = GoType(f"[]{elem.name}", Kind.SLICE, elem=elem, named=False)
        made.zero = Slice(made, None)
    return _slices[elem]


def map_of(elem: GoType) -> GoType:
    """The unnamed type `map[string]elem`."""
    if elem not in _maps:
        made = _maps[elem] = GoType(f"map[string]{elem.name}", Kind.MAP, elem=elem, named=False)
        made.zero = Map(made, None)
    return _maps[elem]


def _pointer_to(base: GoType) -> GoType:
    if base not in _pointers:
        _pointers[base] = GoType(f"*{base.name}", Kind.POINTER, elem=base, named=False)
    return _pointers[base]


def named(
    name: str,
    base: GoType,
    *,
    methods: Mapping[str, Func] | None = None,
    string: Callable[[Value], str] | None = None,
    go_string: Callable[[Value], str] | None = None,
) -> GoType:
    """`type name base` for a scalar, slice or map type."""
    made = GoType(
        name,
        base.kind,
        elem=base.elem,
        bits=base.bits,
        underlying=base.underlying,
        methods=methods,
        string=string,
        go_string=go_string,
    )
    if base.kind is Kind.SLICE:
        made.zero = Slice(made, None)
    elif base.kind is Kind.MAP:
        made.zero = Map(made, None)
    else:
        made.zero = Scalar(made, underlying(base.zero))
    return made


def struct(
    name: str,
    fields: Sequence[Attribute],
    *,
    methods: Mapping[str, Func] | None = None,
    string: Callable[[Value], str] | None = None,
    go_string: Callable[[Value], str] | None = None,
) -> GoType:
    """A struct type, to be put into the class attribute `go` of the class that holds its values."""
    return GoType(name, Kind.STRUCT, fields=fields, methods=methods, string=string, go_string=go_string)


def _sized(name: str, kind: Kind, bits: int) -> GoType:
    made = GoType(name, kind, bits=bits)
    made.zero = Scalar(made, 0)
    return made


UINT: Final = _sized("uint", Kind.UINT, 64)
UINT8: Final = _sized("uint8", Kind.UINT, 8)
UINT64: Final = _sized("uint64", Kind.UINT, 64)
INT32: Final = _sized("int32", Kind.INT, 32)
INT64: Final = _sized("int64", Kind.INT, 64)
STRINGS: Final = slice_of(STRING)
ANY_LIST: Final = slice_of(ANY)
STRING_MAP: Final = map_of(STRING)
ANY_MAP: Final = map_of(ANY)

_NATIVE: Final[dict[type, GoType]] = {str: STRING, int: INT, bool: BOOL, float: FLOAT, complex: COMPLEX}


def type_of(value: Value) -> GoType | None:
    """The type of a value; None for nil."""
    native = _NATIVE.get(type(value))
    if native is not None or value is None:
        return native
    go: GoType = value.go
    return go


def kind_of(value: Value) -> Kind:
    """The kind of a value; INVALID for nil."""
    go = type_of(value)
    return Kind.INVALID if go is None else go.kind


def underlying(value: Value) -> Value:
    """The plain `int`, `str`, … of a scalar; other values as they are."""
    return value.value if type(value) is Scalar else value


def assignable(value_type: GoType, to: GoType) -> bool:
    """Go's rule for passing a value of one type where another is expected."""
    return (
        value_type is to
        or to is ANY
        or (value_type.underlying is to.underlying and not (value_type.named and to.named))
    )


def elements(value: Slice | Map) -> Any:
    """The items of a slice or map, those of a nil one being none."""
    if value.items is None:
        return () if type(value) is Slice else {}
    return value.items


def is_nil(value: Value) -> bool:
    """nil itself, a nil slice or a nil map."""
    if value is None or value is NIL_INTERFACE:
        return True
    return type(value) in (Slice, Map) and value.items is None


def is_true(value: Value) -> bool:
    """Go's truth: not zero, not empty, not nil; every struct is true."""
    kind = type(value)
    if kind in _NATIVE:
        return bool(value)
    if kind is Slice or kind is Map:
        return bool(value.items)
    if kind is Scalar:
        return bool(value.value)
    return value is not None and value is not NIL_INTERFACE
