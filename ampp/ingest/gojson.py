"""JSON as Go's encoding/json reads it, for the bodies that are not plain enough for msgspec.

What Go does and the usual Python decoders do not: the first value ends the document, whatever follows; keys may repeat
(the reader decides what that means, so objects come as pairs); invalid UTF-8 and lone surrogates become U+FFFD, one per
byte and per escape; numbers are not converted; NaN is an error; nesting is bounded. Errors carry Go's texts.
"""

import codecs
import json
import re
from typing import Any, Final, NoReturn, TypeAlias

from ampp.core.quote import go_quote
from ampp.ingest.fault import JSONFault

__all__ = ["Number", "Pairs", "Value", "kind", "read", "text"]

Value: TypeAlias = Any
"""None, bool, str, Number, list or Pairs."""

_GO_DEPTH: Final = 10_000
_WHITESPACE: Final = re.compile(r"[ \t\r\n]*")
_SURROGATE: Final = re.compile("[\ud800-\udfff]")


class Pairs(list[tuple[str, Value]]):
    """An object: its members in the order written, repeated keys and all."""


class Number(str):
    """A number as written."""

    __slots__ = ()


class _NotJSON(ValueError):
    pass


def _constant(_: str) -> NoReturn:
    raise _NotJSON


def _replace(error: UnicodeError) -> tuple[str, int]:
    """Go counts every byte that is not part of a character, where Python counts runs of them."""
    assert isinstance(error, UnicodeDecodeError)
    return "�" * (error.end - error.start), error.end


codecs.register_error("ampp.gojson", _replace)
_decoder: Final = json.JSONDecoder(
    object_pairs_hook=lambda pairs: Pairs(pairs), parse_float=Number, parse_int=Number, parse_constant=_constant
)


def read(body: bytes) -> Value:
    """The first JSON value of `body`. Raises `JSONFault` with Go's text; an empty body is "EOF"."""
    document = body.decode("utf-8", "ampp.gojson")
    start = _WHITESPACE.match(document).end()  # type: ignore[union-attr]
    try:
        return _decoder.raw_decode(document, start)[0]
    except RecursionError:
        raise JSONFault(_explain(body) or "invalid character '[' exceeded max depth") from None
    except ValueError:
        raise JSONFault(_explain(body) or "unexpected EOF") from None


def kind(value: Value) -> str:
    """Go's name for the JSON type of `value`, as its type errors say it."""
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "bool"
    if isinstance(value, Number):
        return "number"
    if isinstance(value, str):
        return "string"
    return "object" if isinstance(value, Pairs) else "array"


def text(value: str) -> str:
    """A string as Go holds it: lone surrogates replaced."""
    return value if value.isascii() else _SURROGATE.sub("�", value)


_STRING: Final = re.compile(rb'"[^"\\\x00-\x1f]*(?:\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4})[^"\\\x00-\x1f]*)*"')
_NUMBER: Final = re.compile(rb"-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?")
_SPACE: Final = re.compile(rb"[ \t\r\n]*")
_PARTIAL_STRING: Final = re.compile(rb'"(?:[^"\\\x00-\x1f]|\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4}))*')
_LITERALS: Final = {ord("t"): b"true", ord("f"): b"false", ord("n"): b"null"}
_HEX: Final = frozenset(b"0123456789abcdefABCDEF")
_DIGITS: Final = frozenset(b"0123456789")

_VALUE: Final = "looking for beginning of value"
_KEY: Final = "looking for beginning of object key string"


class _Stop(Exception):
    """Carries the text of the first error."""


def _wrong(body: bytes, at: int, context: str) -> _Stop:
    if at >= len(body):
        return _Stop("unexpected EOF")
    byte = body[at]
    shown = {0x27: "'\\''", 0x22: "'\"'"}.get(byte) or "'" + go_quote(chr(byte))[1:-1] + "'"
    return _Stop(f"invalid character {shown} {context}")


def _explain(body: bytes) -> str | None:
    """Go's scanner text for the first syntax error, or None when there is none (only possible for deep nesting)."""
    try:
        _scan(body)
    except _Stop as stop:
        return str(stop)
    return None


def _scan(body: bytes) -> None:
    """Walk the first value without recursion, at the pace of regular expressions."""
    at = _SPACE.match(body).end()  # type: ignore[union-attr]
    stack: list[int] = []  # b"[" or b"{" of every open array and object
    while True:
        # Here a value must begin.
        if at >= len(body):
            raise _Stop("unexpected EOF")
        byte = body[at]
        if byte in (0x5B, 0x7B):
            if len(stack) >= _GO_DEPTH:
                raise _wrong(body, at, "exceeded max depth")
            stack.append(byte)
            at = _skip(body, at + 1)
            if byte == 0x5B:
                if body[at : at + 1] != b"]":
                    continue
            elif body[at : at + 1] != b"}":
                at = _key(body, at)
                continue
            at += 1
            stack.pop()
        else:
            at = _scalar(body, at)
        # Here a value has ended; close what ends with it.
        while True:
            if not stack:
                return
            at = _skip(body, at)
            byte = body[at] if at < len(body) else -1
            if byte == 0x2C:
                at = _skip(body, at + 1)
                if stack[-1] == 0x7B:
                    at = _key(body, at)
                break
            if byte != (0x5D if stack[-1] == 0x5B else 0x7D):
                raise _wrong(body, at, "after array element" if stack[-1] == 0x5B else "after object key:value pair")
            stack.pop()
            at += 1


def _skip(body: bytes, at: int) -> int:
    return _SPACE.match(body, at).end()  # type: ignore[union-attr]


def _key(body: bytes, at: int) -> int:
    if body[at : at + 1] != b'"':
        raise _wrong(body, at, _KEY)
    at = _skip(body, _string(body, at))
    if body[at : at + 1] != b":":
        raise _wrong(body, at, "after object key")
    return _skip(body, at + 1)


def _scalar(body: bytes, at: int) -> int:
    byte = body[at]
    if byte == 0x22:
        return _string(body, at)
    literal = _LITERALS.get(byte)
    if literal is not None:
        for offset, wanted in enumerate(literal):
            if body[at + offset : at + offset + 1] != bytes((wanted,)):
                raise _wrong(body, at + offset, f"in literal {literal.decode()} (expecting '{chr(wanted)}')")
        return at + len(literal)
    if byte == 0x2D or byte in _DIGITS:
        return _number(body, at)
    raise _wrong(body, at, _VALUE)


def _string(body: bytes, at: int) -> int:
    whole = _STRING.match(body, at)
    if whole is not None:
        return whole.end()
    at = _PARTIAL_STRING.match(body, at).end()  # type: ignore[union-attr]
    if body[at : at + 1] != b"\\":
        raise _wrong(body, at, "in string literal")
    if body[at + 1 : at + 2] != b"u":
        raise _wrong(body, at + 1, "in string escape code")
    at += 2
    while at < len(body) and body[at] in _HEX:
        at += 1
    raise _wrong(body, at, "in \\u hexadecimal character escape")


def _number(body: bytes, at: int) -> int:
    start = at
    match = _NUMBER.match(body, at)
    if match is None:
        raise _wrong(body, start + 1, "in numeric literal")
    at = match.end()
    rest = body[at : at + 1]
    # A dot or an e that the pattern could not take has no digits behind it.
    if rest == b"." and b"." not in match[0] and b"e" not in match[0].lower():
        raise _wrong(body, at + 1, "after decimal point in numeric literal")
    if rest in (b"e", b"E") and b"e" not in match[0].lower():
        at += 2 if body[at + 1 : at + 2] in (b"+", b"-") else 1
        raise _wrong(body, at, "in exponent of numeric literal")
    # Go's decoder reads on after a top-level number; nothing that follows changes its answer.
    return at
