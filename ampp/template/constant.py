"""Go's constants: what quoted strings, runes and numbers of a template mean."""

import re
from typing import Final

from ampp.core.quote import go_quote
from ampp.template.node import Number

__all__ = ["ConstantError", "complex_number", "decode", "number", "parse_float", "parse_int", "rune_number", "unquote"]

_INT64: Final = 1 << 63
_UINT64: Final = 1 << 64


class ConstantError(ValueError):
    """The constant is malformed; the message is Go's."""


def decode(raw: bytes) -> str:
    """Bytes as the engine's text: bytes that are no UTF-8 become lone surrogates and come out unchanged again."""
    return raw.decode("utf-8", "surrogateescape")


_ESCAPE: Final = re.compile(
    r"\\(?:x([0-9A-Fa-f]{2})|([0-7]{3})|u([0-9A-Fa-f]{4})|U([0-9A-Fa-f]{8})|([\"'\\abfnrtv]))|([^\\]+)", re.DOTALL
)
_SINGLE: Final = {"a": 7, "b": 8, "f": 12, "n": 10, "r": 13, "t": 9, "v": 11, "\\": 92, "'": 39, '"': 34}


def unquote(literal: str) -> str:
    """What a quoted or raw string literal, quotes included, means. Raises `ConstantError` ("invalid syntax")."""
    inner = literal[1:-1]
    if literal[0] == "`":
        return inner.replace("\r", "")
    if "\\" not in inner:
        return inner
    out = bytearray()
    at = 0
    while at < len(inner):
        match = _ESCAPE.match(inner, at)
        if match is None:
            raise ConstantError("invalid syntax")
        at = match.end()
        if match[6] is not None:
            out += match[6].encode("utf-8", "surrogateescape")
        elif match[1] or match[2]:
            out.append(_octet(match[1], match[2]))
        elif match[5]:
            if match[5] == "'":
                raise ConstantError("invalid syntax")
            out.append(_SINGLE[match[5]])
        else:
            out += chr(_code(match[3] or match[4])).encode()
    return decode(bytes(out))


def _octet(hexadecimal: str | None, octal: str | None) -> int:
    value = int(hexadecimal, 16) if hexadecimal else int(octal or "0", 8)
    if value > 255:
        raise ConstantError("invalid syntax")
    return value


def _code(digits: str) -> int:
    code = int(digits, 16)
    if code > 0x10FFFF or 0xD800 <= code < 0xE000:
        raise ConstantError("invalid syntax")
    return code


def rune_number(pos: int, literal: str) -> Number:
    """`'a'`: an integer, whatever its use."""
    inner = literal[1:]
    if inner[0] in "'\n":
        raise ConstantError("invalid syntax")
    match = _ESCAPE.match(inner)
    if match is None:
        raise ConstantError("invalid syntax")
    if match[6] is not None:
        code, rest = ord(inner[0]), inner[1:]
        if 0xDC80 <= code <= 0xDCFF:
            code = 0xFFFD
    else:
        rest = inner[match.end() :]
        if match[5]:
            if match[5] == '"':
                raise ConstantError("invalid syntax")
            code = _SINGLE[match[5]]
        elif match[1] or match[2]:
            code = _octet(match[1], match[2])
        else:
            code = _code(match[3] or match[4])
    if rest != "'":
        raise ConstantError(f"malformed character constant: {literal}")
    return Number(pos, literal, code, code, float(code))


_INT: Final = re.compile(
    r"([+-]?)(?:0[xX]((?:_?[0-9a-fA-F])+)|0[bB]((?:_?[01])+)|0[oO]?((?:_?[0-7])+)|(0|[1-9](?:_?[0-9])*))"
)
_BASES: Final = (16, 2, 8, 10)
_FLOAT: Final = re.compile(
    r"[+-]?(?:[0-9](?:_?[0-9])*\.?(?:[0-9](?:_?[0-9])*)?|\.[0-9](?:_?[0-9])*)(?:[eE][+-]?[0-9](?:_?[0-9])*)?"
)
_HEX_FLOAT: Final = re.compile(
    r"[+-]?0[xX](?:(?:_?[0-9a-fA-F])+\.?(?:[0-9a-fA-F](?:_?[0-9a-fA-F])*)?|\.[0-9a-fA-F](?:_?[0-9a-fA-F])*)[pP][+-]?[0-9](?:_?[0-9])*"
)


def parse_int(text: str) -> int | None:
    """Go's `ParseInt(text, 0, …)` without a size: prefix, underscores and sign; None if it is no integer."""
    match = _INT.fullmatch(text)
    if match is None:
        return None
    for base, digits in zip(_BASES, match.groups()[1:], strict=True):
        if digits is not None:
            if len(digits) > 100:
                return _UINT64
            value = int(digits.replace("_", ""), base)
            return -value if match[1] == "-" else value
    return None


def parse_float(text: str) -> float | None:
    """Go's `ParseFloat`: None for what is no float or too large for one."""
    try:
        if _FLOAT.fullmatch(text):
            value = float(text.replace("_", ""))
        elif _HEX_FLOAT.fullmatch(text):
            value = float.fromhex(text.replace("_", ""))
        else:
            return None
    except (ValueError, OverflowError):
        return None
    return None if value in (float("inf"), float("-inf")) else value


def number(pos: int, text: str) -> Number:
    """A number token in all readings its spelling allows. Raises `ConstantError`."""
    if text.endswith("i"):
        imaginary = parse_float(text[:-1])
        if imaginary is not None:
            return _simplest(pos, text, complex(0, imaginary))
    integer = parse_int(text)
    if integer is not None and -_INT64 <= integer < _UINT64:
        signed = integer if integer < _INT64 else None
        unsigned = integer if integer >= 0 and (text[0] not in "+-" or integer == 0) else None
        if signed is not None or unsigned is not None:
            return Number(pos, text, signed, unsigned, float(integer))
    value = parse_float(text)
    if value is None:
        raise ConstantError(f"illegal number syntax: {go_quote(text)}")
    if not any(c in text for c in ".eEpP"):
        raise ConstantError(f"integer overflow: {go_quote(text)}")
    return Number(pos, text, _whole(value, -_INT64, _INT64), _whole(value, 0, _UINT64), value)


def complex_number(pos: int, text: str) -> Number:
    """`1+2i`. Raises `ConstantError`."""
    split = max(text.rfind("+"), text.rfind("-"))
    if text[split - 1] in "eEpP" and split > 1:
        split = max(text.rfind("+", 0, split), text.rfind("-", 0, split))
    real, imaginary = parse_float(text[:split]), parse_float(text[split:-1])
    if real is None or imaginary is None:
        raise ConstantError("syntax error scanning complex number")
    return _simplest(pos, text, complex(real, imaginary))


def _simplest(pos: int, text: str, value: complex) -> Number:
    if value.imag != 0:
        return Number(pos, text, as_complex=value)
    real = value.real
    return Number(pos, text, _whole(real, -_INT64, _INT64), _whole(real, 0, _UINT64), real, value)


def _whole(value: float, low: int, high: int) -> int | None:
    return int(value) if value.is_integer() and low <= value < high else None
