"""Values as Go's encoding/json writes them."""

import math
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Final

import msgspec

from ampp.core.clock import SECOND
from ampp.core.timestamp import format_rfc3339nano
from ampp.template.error import CallError
from ampp.template.instant import Instant
from ampp.template.value import NIL_INTERFACE, Kind, Map, Pointer, Scalar, Slice, Value

__all__ = ["escape", "time_text", "to_json"]

# None of these can stand outside a string in JSON, so replacing them in the finished bytes is safe.
_ESCAPES: Final = (
    (b"<", rb"\u003c"),
    (b">", rb"\u003e"),
    (b"&", rb"\u0026"),
    ("\u2028".encode(), rb"\u2028"),
    ("\u2029".encode(), rb"\u2029"),
)
_YEARS: Final = (-62167219200_000000000, 253402300800_000000000)
"""From the year 0 to before the year 10000: what JSON times can say."""


def escape(text: bytes) -> bytes:
    """JSON with what HTML or JavaScript could take amiss written as escapes, as Go's encoder does by default."""
    for raw, escaped in _ESCAPES:
        if raw in text:
            text = text.replace(raw, escaped)
    return text


def to_json(value: Value) -> str:
    """Any value of a template, or a plain list or dict. Raises `CallError` for what JSON cannot express."""
    try:
        out: list[str] = []
        _write(value, out)
    except RecursionError:
        raise CallError("json: unsupported value: nested too deeply") from None
    return _escaped("".join(out))


def _escaped(text: str) -> str:
    """As `escape`. Once for the whole is much cheaper than for each string in it."""
    for raw, escaped in _ESCAPES:
        if (char := raw.decode()) in text:
            text = text.replace(char, escaped.decode())
    return text


def _write(value: Value, out: list[str]) -> None:
    kind = type(value)
    if kind is Scalar:
        value = value.value
        kind = type(value)
    if kind is str:
        out.append(_string(value))
    elif value is None or value is NIL_INTERFACE:
        out.append("null")
    elif kind is bool:
        out.append("true" if value else "false")
    elif kind is int:
        out.append(str(value))
    elif kind is float:
        out.append(_float(value))
    elif kind is Slice:
        _list(value.items, out)
    elif kind is list:
        _list(value, out)
    elif kind is dict:
        _object(value, out)
    elif kind is Map:
        if value.items is None:
            out.append("null")
        else:
            _object(value.items, out)
    elif kind is Pointer:
        _write(value.value, out)
    elif kind is Instant:
        out.append(f'"{time_text(value)}"')
    elif kind is not complex and value.go.kind is Kind.STRUCT:
        fields = [field for field in value.go.fields.values() if not field.hidden]
        _object({field.json: field.get(value) for field in fields}, out, in_order=True)
    else:
        name = "complex128" if kind is complex else value.go.name
        raise CallError(f"json: unsupported type: {name}")


def _list(items: Sequence[Value] | None, out: list[str]) -> None:
    if items is None:
        out.append("null")
        return
    start = "["
    for item in items:
        out.append(start)
        _write(item, out)
        start = ","
    out.append("]" if items else "[]")


def _object(items: Mapping[str, Value], out: list[str], *, in_order: bool = False) -> None:
    start = "{"
    for name in items if in_order else sorted(items):
        out.append(f"{start}{_string(name)}:")
        _write(items[name], out)
        start = ","
    out.append("}" if items else "{}")


def _string(text: str) -> str:
    try:
        return msgspec.json.encode(text).decode()
    except UnicodeEncodeError:
        # Bytes that were no UTF-8.
        return '"' + "".join(r"\ufffd" if "\ud800" <= c <= "\udfff" else _string(c)[1:-1] for c in text) + '"'


def _float(value: float) -> str:
    """The shortest digits that read back the same, with an exponent only where plain digits would be many."""
    if not math.isfinite(value):
        shown = "NaN" if math.isnan(value) else "+Inf" if value > 0 else "-Inf"
        raise CallError(f"json: unsupported value: {shown}")
    decimal = Decimal(repr(value)).normalize()
    if value == 0 or 1e-6 <= abs(value) < 1e21:
        return format(decimal, "f")
    sign, digits, exponent = decimal.as_tuple()
    assert isinstance(exponent, int)
    first, rest = digits[0], "".join(map(str, digits[1:]))
    return f"{'-' if sign else ''}{first}{'.' if rest else ''}{rest}e{len(rest) + exponent:+d}"


def time_text(value: Instant) -> str:
    """RFC 3339 with as many decimals as needed. Raises `CallError` for years that it cannot say."""
    offset = value.zone.at(value.ns // SECOND)[1]
    if not _YEARS[0] <= value.ns + offset * SECOND < _YEARS[1]:
        raise CallError(
            "json: error calling MarshalJSON for type time.Time: Time.MarshalJSON: year outside of range [0,9999]"
        )
    return format_rfc3339nano(value.ns, offset)
