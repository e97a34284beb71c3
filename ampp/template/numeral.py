"""Numbers and runes as Go's strconv writes them."""

import math
from typing import Final

from ampp.core.quote import go_quote

__all__ = ["can_backquote", "float_text", "quote_ascii", "quote_rune", "rune"]


def float_text(value: float, verb: str, precision: int) -> str:
    """strconv.FormatFloat for verbs b e E f g G x X; precision -1 is the shortest text that reads back the same."""
    if math.isnan(value):
        return "NaN"
    if math.isinf(value):
        return "+Inf" if value > 0 else "-Inf"
    if verb in "gG":
        text = _general(value, precision)
        return text.upper() if verb == "G" else text
    if verb == "f":
        return f"{value:.{precision}f}" if precision >= 0 else _plain(*_digits(value, -1))
    if verb in "eE":
        text = f"{value:.{precision}e}" if precision >= 0 else _scientific(*_digits(value, -1))
        return text.upper() if verb == "E" else text
    if verb == "b":
        mantissa, exponent = math.frexp(abs(value))
        scale = 0 if value == 0 else max(exponent - 53, -1074)
        whole = int(math.ldexp(mantissa, exponent - scale)) if value else 0
        return f"{_sign(value)}{whole}p{scale if value else -1074:+d}"
    text = _hexadecimal(value, precision)
    return text.upper() if verb == "X" else text


def _sign(value: float) -> str:
    return "-" if math.copysign(1, value) < 0 else ""


def _digits(value: float, precision: int) -> tuple[str, str, int]:
    """(sign, significant digits without trailing zeros, decimal exponent of the first)."""
    text = f"{value:.{precision - 1}e}" if precision > 0 else repr(value)
    mantissa, _, exponent = text.lstrip("-").partition("e")
    whole, _, fraction = mantissa.partition(".")
    digits = whole + fraction
    power = int(exponent or 0) + len(whole) - 1
    stripped = digits.lstrip("0")
    if not stripped:
        return _sign(value), "0", 0
    return _sign(value), stripped.rstrip("0"), power - (len(digits) - len(stripped))


def _general(value: float, precision: int) -> str:
    sign, digits, exponent = _digits(value, -1 if precision < 0 else max(precision, 1))
    limit = 6 if precision < 0 else max(precision, 1)
    if exponent < -4 or exponent >= limit:
        return _scientific(sign, digits, exponent)
    return _plain(sign, digits, exponent)


def _scientific(sign: str, digits: str, exponent: int) -> str:
    return f"{sign}{digits[0]}{'.' if digits[1:] else ''}{digits[1:]}e{exponent:+03d}"


def _plain(sign: str, digits: str, exponent: int) -> str:
    if exponent < 0:
        return sign + "0." + "0" * (-exponent - 1) + digits
    if len(digits) <= exponent + 1:
        return sign + digits.ljust(exponent + 1, "0")
    return sign + digits[: exponent + 1] + "." + digits[exponent + 1 :]


def _hexadecimal(value: float, precision: int) -> str:
    if value == 0:
        fraction = "." + "0" * precision if precision > 0 else ""
        return f"{_sign(value)}0x0{fraction}p+00"
    mantissa, exponent = math.frexp(abs(value))
    bits = int(math.ldexp(mantissa, 53))  # 1 bit before the point, 52 after it
    exponent -= 1
    if 0 <= precision < 13:
        drop = 52 - 4 * precision
        rest, bits = bits & ((1 << drop) - 1), bits >> drop
        half = 1 << (drop - 1)
        bits += rest > half or (rest == half and bits & 1 == 1)
        bits <<= drop
        if bits >> 53:
            bits >>= 1
            exponent += 1
    fraction = f"{bits & ((1 << 52) - 1):013x}"
    fraction = fraction.rstrip("0") if precision < 0 else fraction.ljust(precision, "0")[:precision]
    return f"{_sign(value)}0x1{'.' if fraction else ''}{fraction}p{exponent:+03d}"


def rune(code: int) -> str:
    """The character of a code point; what is none is U+FFFD."""
    return chr(code) if 0 <= code < 0xD800 or 0xE000 <= code <= 0x10FFFF else "�"


def quote_rune(code: int, *, ascii_only: bool) -> str:
    """strconv.QuoteRune: `'x'`."""
    c = rune(code)
    if c == "'":
        return "'\\''"
    if c == '"':
        return "'\"'"
    return "'" + (quote_ascii(c) if ascii_only else go_quote(c))[1:-1] + "'"


def quote_ascii(text: str) -> str:
    """strconv.QuoteToASCII."""
    quoted = go_quote(text)
    if quoted.isascii():
        return quoted
    return "".join(c if c < "\x80" else f"\\u{ord(c):04x}" if c < "\U00010000" else f"\\U{ord(c):08x}" for c in quoted)


_NOT_RAW: Final = frozenset(map(chr, range(0x20))) - {"\t"} | {"`", "\x7f", "﻿"}


def can_backquote(text: str) -> bool:
    """The text can stand between backquotes, on one line."""
    return not any(c in _NOT_RAW or "\ud800" <= c <= "\udfff" for c in text)
