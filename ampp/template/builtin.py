"""The functions Go's text/template has itself. `and`, `or` and `call` are the compiler's: they see more than values."""

from collections.abc import Sequence
from itertools import pairwise
from typing import Final
from urllib.parse import quote_plus

from ampp.core.quote import go_quote
from ampp.template.error import CallError
from ampp.template.printf import canonical, sprint, sprintf, sprintln
from ampp.template.value import (
    ANY,
    NIL_INTERFACE,
    STRING,
    UINT8,
    Func,
    Kind,
    Pointer,
    Scalar,
    Slice,
    Value,
    elements,
    is_nil,
    is_true,
    kind_of,
    type_of,
    underlying,
)

__all__ = ["BUILTINS", "html_escape", "js_escape", "printable", "url_query"]

_BASIC: Final = (Kind.BOOL, Kind.COMPLEX, Kind.INT, Kind.FLOAT, Kind.STRING, Kind.UINT)
_INTEGERS: Final = frozenset({Kind.INT, Kind.UINT})


def _raw(text: str) -> bytes:
    return text.encode("utf-8", "surrogateescape")


def _type_name(value: Value) -> str:
    go = type_of(value)
    return "nil" if go is None else go.name


# Elements


def _position(index: Value, size: int) -> int:
    if index is None:
        raise CallError("cannot index slice/array with nil")
    if kind_of(index) not in _INTEGERS:
        raise CallError(f"cannot index slice/array with type {_type_name(index)}")
    number: int = underlying(index)
    if not 0 <= number <= size:
        raise CallError(f"index out of range: {number}")
    return number


def _index(item: Value, *indexes: Value) -> Value:
    if item is None:
        raise CallError("index of untyped nil")
    for index in indexes:
        if type(item) is Pointer:
            item = item.value
        kind = kind_of(item)
        if item is None or item is NIL_INTERFACE:
            raise CallError("index of nil pointer")
        if kind is Kind.STRING:
            raw = _raw(underlying(item))
            at = _position(index, len(raw))
            if at == len(raw):
                raise CallError("reflect: string index out of range")
            item = Scalar(UINT8, raw[at])
        elif kind is Kind.SLICE:
            items = elements(item)
            at = _position(index, len(items))
            if at == len(items):
                raise CallError("reflect: slice index out of range")
            item = NIL_INTERFACE if items[at] is None else items[at]
        elif kind is Kind.MAP:
            if index is None:
                raise CallError("value is nil; should be of type string")
            if type(index) is not str:
                raise CallError(f"value has type {_type_name(index)}; should be string")
            item = elements(item).get(index, item.go.elem.zero)
            if item is None:
                item = NIL_INTERFACE
        else:
            raise CallError(f"can't index item of type {_type_name(item)}")
    return item


def _slice(item: Value, *indexes: Value) -> Value:
    if item is None:
        raise CallError("slice of untyped nil")
    if len(indexes) > 3:
        raise CallError(f"too many slice indexes: {len(indexes)}")
    if type(item) is Pointer:
        item = item.value
    kind = kind_of(item)
    if kind is Kind.STRING:
        if len(indexes) == 3:
            raise CallError("cannot 3-index slice a string")
        raw = _raw(underlying(item))
        size = len(raw)
    elif kind is Kind.SLICE:
        size = len(elements(item))
    else:
        raise CallError(f"can't slice item of type {_type_name(item)}")
    bounds = [0, size]
    for at, index in enumerate(indexes):
        bounds[at : at + 1] = [_position(index, size)]
    for low, high in pairwise(bounds):
        if low > high:
            raise CallError(f"invalid slice index: {low} > {high}")
    if kind is Kind.STRING:
        text = raw[bounds[0] : bounds[1]].decode("utf-8", "surrogateescape")
        return text if type(item) is str else Scalar(item.go, text)
    return Slice(item.go, elements(item)[bounds[0] : bounds[1]])


def _len(item: Value) -> int:
    if type(item) is Pointer:
        item = item.value
    kind = kind_of(item)
    if kind is Kind.STRING:
        text: str = underlying(item)
        return len(text) if text.isascii() else len(_raw(text))
    if kind in (Kind.SLICE, Kind.MAP):
        return len(elements(item))
    if item is None:
        raise CallError("reflect: call of reflect.Value.Type on zero Value")
    raise CallError(f"len of type {_type_name(item)}")


# Comparison


def _eq(first: Value, *others: Value) -> bool:
    if not others:
        raise CallError("missing argument for comparison")
    kind = kind_of(first)
    for other in others:
        if kind is Kind.STRING and type(first) is str and type(other) is str:
            if first == other:
                return True
            continue
        if _equal(first, other):
            return True
    return False


def _basic(kind: Kind) -> Kind:
    return kind if kind in _BASIC else Kind.INVALID


def _equal(first: Value, other: Value) -> bool:
    kind1, kind2 = kind_of(first), kind_of(other)
    basic1, basic2 = _basic(kind1), _basic(kind2)
    if basic1 is not Kind.INVALID and basic2 is not Kind.INVALID:
        if basic1 is basic2 or {basic1, basic2} == _INTEGERS:
            return bool(underlying(first) == underlying(other))
        raise CallError(f"incompatible types for comparison: {_type_name(first)} and {_type_name(other)}")
    if basic1 is not basic2:
        if first is None or other is None:
            return False
        raise CallError(f"incompatible types for comparison: {_type_name(first)} and {_type_name(other)}")
    if kind1 is not kind2 and Kind.INVALID not in (kind1, kind2):
        raise CallError(
            sprintf("non-comparable types %s: ", [first])
            + f"{_type_name(first)}, {_type_name(other)}: {sprint([other])}"
        )
    if is_nil(first) or is_nil(other):
        return is_nil(first) and is_nil(other)
    if not other.go.comparable:
        raise CallError(sprintf("non-comparable type %s: ", [other]) + _type_name(other))
    return _identical(first, other)


def _identical(first: Value, other: Value) -> bool:
    """Go's `==` of two values of any type, structs field by field."""
    go = type_of(first)
    if go is not type_of(other):
        return False
    if go is None or go.kind is not Kind.STRUCT or not go.fields:
        return bool(first == other)
    if not go.comparable:
        raise CallError(f"runtime error: comparing uncomparable type {go.name}")
    return all(_identical(field.get(first), field.get(other)) for field in go.fields.values())


def _ne(first: Value, other: Value) -> bool:
    return not _eq(first, other)


def _lt(first: Value, other: Value) -> bool:
    kind1, kind2 = _basic(kind_of(first)), _basic(kind_of(other))
    if Kind.INVALID in (kind1, kind2):
        raise CallError("invalid type for comparison")
    if kind1 is not kind2 and {kind1, kind2} != _INTEGERS:
        raise CallError(f"incompatible types for comparison: {_type_name(first)} and {_type_name(other)}")
    if kind1 in (Kind.BOOL, Kind.COMPLEX):
        raise CallError("invalid type for comparison")
    a, b = underlying(first), underlying(other)
    if kind1 is Kind.STRING:
        return _raw(a) < _raw(b)
    return bool(a < b)


def _le(first: Value, other: Value) -> bool:
    return _lt(first, other) or _eq(first, other)


def _gt(first: Value, other: Value) -> bool:
    return not _le(first, other)


def _ge(first: Value, other: Value) -> bool:
    return not _lt(first, other)


# Escaping


def printable(value: Value) -> Value:
    """What `{{ value }}` prints: nil says so, a pointer shows what it points to."""
    if value is None or value is NIL_INTERFACE:
        return "<no value>"
    return value.value if type(value) is Pointer else value


def _joined(args: Sequence[Value]) -> str:
    return sprint([printable(arg) for arg in args])


_HTML: Final = str.maketrans(
    {"\0": "�", '"': "&#34;", "'": "&#39;", "&": "&amp;", "<": "&lt;", ">": "&gt;"},
)
_JS: Final = {code: f"\\u{code:04X}" for code in range(0x20)} | {
    ord("\\"): "\\\\",
    ord("'"): "\\'",
    ord('"'): '\\"',
    ord("<"): "\\u003C",
    ord(">"): "\\u003E",
    ord("&"): "\\u0026",
    ord("="): "\\u003D",
}


def html_escape(text: str) -> str:
    """template.HTMLEscapeString."""
    return text.translate(_HTML)


def js_escape(text: str) -> str:
    """template.JSEscapeString."""
    text = text.translate(_JS)
    if text.isascii():
        return text
    return "".join(c if c < "\x80" or _shown(c) else f"\\u{ord(c):04X}" for c in text)


def _shown(c: str) -> bool:
    return c.isprintable() or "\udc80" <= c <= "\udcff" or go_quote(c)[1:-1] == c


def url_query(text: str) -> str:
    """url.QueryEscape."""
    return quote_plus(_raw(text))


def _not(value: Value) -> bool:
    return not is_true(value)


def _print(*args: Value) -> str:
    return canonical(sprint(args))


BUILTINS: Final[dict[str, Func]] = {
    "and": Func([ANY, ANY], _not, variadic=True),
    "call": Func([ANY, ANY], _not, variadic=True),
    "eq": Func([ANY, ANY], _eq, variadic=True),
    "ge": Func([ANY, ANY], _ge),
    "gt": Func([ANY, ANY], _gt),
    "html": Func([ANY], lambda *args: html_escape(_joined(args)), variadic=True),
    "index": Func([ANY, ANY], _index, variadic=True),
    "js": Func([ANY], lambda *args: js_escape(_joined(args)), variadic=True),
    "le": Func([ANY, ANY], _le),
    "len": Func([ANY], _len),
    "lt": Func([ANY, ANY], _lt),
    "ne": Func([ANY, ANY], _ne),
    "not": Func([ANY], _not),
    "or": Func([ANY, ANY], _not, variadic=True),
    "print": Func([ANY], _print, variadic=True),
    "printf": Func([STRING, ANY], lambda pattern, *args: sprintf(pattern, args), variadic=True),
    "println": Func([ANY], lambda *args: sprintln(args), variadic=True),
    "slice": Func([ANY, ANY], _slice, variadic=True),
    "urlquery": Func([ANY], lambda *args: url_query(_joined(args)), variadic=True),
}
"""Go's own functions by name. The bodies of `and`, `or` and `call` are never used: see `expression`."""
