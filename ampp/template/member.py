"""Fields, keys and methods of values, by name.

Complaints are `CallError`s without a place, in Go's words; the compiler adds the place.
"""

from ampp.template.error import CallError
from ampp.template.value import NIL_INTERFACE, Func, GoType, Map, Pointer, Value, type_of

__all__ = ["count_error", "member", "method"]


def member(value: Value, name: str) -> Value:
    """The field, element or result of the argumentless method of that name; nil has only nil. Raises `CallError`.

    Where the types of fields and elements are known to have the name, the compiler's own way is faster.
    """
    if value is None:
        return None
    go = _type(value, name)
    getter = go.getters.get(name)
    if getter is not None:
        return getter(value.value if type(value) is Pointer else value)
    found = go.methods.get(name)
    if found is not None:
        raise CallError(count_error(name, found, 0, piped=False) or found.bad)
    raise _absent(value, name)


def method(value: Value, name: str) -> Func:
    """The method of that name, which is to be called with arguments. Raises `CallError`."""
    go = _type(value, name)
    found = go.methods.get(name)
    if found is not None:
        return found
    if name in go.getters:
        raise CallError(f"{name} has arguments but cannot be invoked as function")
    if type(value) is Map:
        raise CallError(f"{name} is not a method but has arguments")
    raise _absent(value, name)


def _type(value: Value, name: str) -> GoType:
    if value is NIL_INTERFACE:
        raise CallError(f"nil pointer evaluating interface {{}}.{name}")
    go = type_of(value.value if type(value) is Pointer else value)
    assert go is not None
    return go


def _absent(value: Value, name: str) -> CallError:
    go = type_of(value)
    assert go is not None
    if name in _type(value, name).fields:
        return CallError(f"{name} is an unexported field of struct type {go.name}")
    return CallError(f"can't evaluate field {name} in type {go.name}")


def count_error(name: str, func: Func, count: int, *, piped: bool) -> str:
    """The complaint about a wrong number of arguments, of which one more may be piped in, or ""."""
    total = count + piped
    if func.variadic:
        least = len(func.params) - 1
        return f"wrong number of args for {name}: want at least {least} got {count}" if total < least else ""
    want = len(func.params)
    return f"wrong number of args for {name}: want {want} got {total}" if total != want else ""
