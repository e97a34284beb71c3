"""What may be passed where a type is expected: constants adapt to the parameter, values must be assignable to it.

Complaints are `CallError`s without a place; the compiler adds it.
"""

from collections.abc import Callable
from typing import Final, NamedTuple

from ampp.template.error import CallError
from ampp.template.node import Bool, Nil, Node, Number, String
from ampp.template.value import ANY, NIL_INTERFACE, GoType, Kind, Pointer, Scalar, Value, assignable, type_of

__all__ = ["constant", "ideal", "passed"]

_NILLABLE: Final = (Kind.INTERFACE, Kind.MAP, Kind.SLICE, Kind.POINTER)


class _Expected(NamedTuple):
    """What a constant must be for parameters of a kind: its name in errors, and how to read it (None: it is not)."""

    name: str
    read: Callable[[Node], Value]


def _number_as(attribute: str) -> Callable[[Node], Value]:
    return lambda node: getattr(node, attribute) if isinstance(node, Number) else None


_EXPECTED: Final[dict[Kind, _Expected]] = {
    Kind.BOOL: _Expected("bool", lambda node: node.value if isinstance(node, Bool) else None),
    Kind.STRING: _Expected("string", lambda node: node.text if isinstance(node, String) else None),
    Kind.INT: _Expected("integer", _number_as("as_int")),
    Kind.UINT: _Expected("unsigned integer", _number_as("as_uint")),
    Kind.FLOAT: _Expected("float", _number_as("as_float")),
    Kind.COMPLEX: _Expected("complex", _number_as("as_complex")),
}


def constant(node: Nil | Bool | Number | String, to: GoType) -> Value:
    """What a constant is as an argument for a parameter of type `to`. Raises `CallError`."""
    if isinstance(node, Nil):
        if to.kind not in _NILLABLE:
            raise CallError(f"cannot assign nil to {to.name}")
        return None if to is ANY else to.zero
    if to is ANY:
        return ideal(node)
    expected = _EXPECTED.get(to.kind)
    if expected is None:
        raise CallError(f"can't handle {node} for arg of type {to.name}")
    value = expected.read(node)
    if value is None:
        raise CallError(f"expected {expected.name}; found {node}")
    return Scalar(to, value) if type(to.zero) is Scalar else value


def ideal(node: Bool | Number | String) -> Value:
    """What a constant is where no type is asked for: its spelling decides. Raises `CallError`."""
    if isinstance(node, Bool):
        return node.value
    if isinstance(node, String):
        return node.text
    text = node.text
    if node.as_complex is not None:
        return node.as_complex
    if node.as_float is not None and text[0] != "'" and not _is_hex(text) and any(c in text for c in ".eEpP"):
        return node.as_float
    if node.as_int is None:
        raise CallError(f"{text} overflows int")
    return node.as_int


def _is_hex(text: str) -> bool:
    return len(text) > 2 and text[:2] in ("0x", "0X") and not any(c in text for c in "pP")


def passed(value: Value, to: GoType) -> Value:
    """The value as an argument for a parameter of type `to`. Raises `CallError` if it is not assignable."""
    if to is ANY:
        return None if value is NIL_INTERFACE else value
    go = type_of(value)
    if go is None:
        if to.kind in _NILLABLE:
            return to.zero
        raise CallError(f"invalid value; expected {to.name}")
    if assignable(go, to):
        return value
    if type(value) is Pointer and assignable(value.value.go, to):
        return value.value
    raise CallError(f"wrong type for value; expected {to.name}; got {go.name}")
