"""Go's double-quoted string literals, which upstream prints in group keys, matchers and messages (`strconv.Quote`)."""

import re
from typing import Final

__all__ = ["GoUnquoteError", "go_quote", "go_unquote", "time_quote"]

_SPECIAL: Final = {
    '"': '\\"',
    "\\": "\\\\",
    "\a": "\\a",
    "\b": "\\b",
    "\f": "\\f",
    "\n": "\\n",
    "\r": "\\r",
    "\t": "\\t",
    "\v": "\\v",
}
_UNSPECIAL: Final = {
    '"': b'"',
    "\\": b"\\",
    "a": b"\a",
    "b": b"\b",
    "f": b"\f",
    "n": b"\n",
    "r": b"\r",
    "t": b"\t",
    "v": b"\v",
}
_ESCAPE: Final = re.compile(
    r"\\(?:x([0-9A-Fa-f]{2})|([0-7]{3})|u([0-9A-Fa-f]{4})|U([0-9A-Fa-f]{8})|([\"\\abfnrtv]))"
    r"|([^\\]+)"
)
_SINCE_UNICODE_14: Final = frozenset(
    code
    for first, last in (
        (0xCF3, 0xCF3),
        (0xECE, 0xECE),
        (0x10EFD, 0x10EFF),
        (0x1123F, 0x11241),
        (0x11B00, 0x11B09),
        (0x11F00, 0x11F10),
        (0x11F12, 0x11F3A),
        (0x11F3E, 0x11F59),
        (0x1342F, 0x1342F),
        (0x13440, 0x13455),
        (0x1B132, 0x1B132),
        (0x1B155, 0x1B155),
        (0x1D2C0, 0x1D2D3),
        (0x1DF25, 0x1DF2A),
        (0x1E030, 0x1E06D),
        (0x1E08F, 0x1E08F),
        (0x1E4D0, 0x1E4F9),
        (0x1F6DC, 0x1F6DC),
        (0x1F774, 0x1F776),
        (0x1F77B, 0x1F77F),
        (0x1F7D9, 0x1F7D9),
        (0x1FA75, 0x1FA77),
        (0x1FA87, 0x1FA88),
        (0x1FAAD, 0x1FAAF),
        (0x1FABB, 0x1FABD),
        (0x1FABF, 0x1FABF),
        (0x1FACE, 0x1FACF),
        (0x1FADA, 0x1FADB),
        (0x1FAE8, 0x1FAE8),
        (0x1FAF7, 0x1FAF8),
        (0x2B739, 0x2B739),
    )
    for code in range(first, last + 1)
)
"""Printable in Go (Unicode 15) and not in Python 3.11 (Unicode 14), but for one block of ideographs tested apart."""


class GoUnquoteError(ValueError):
    """The text is not the inside of a Go double-quoted literal, or does not decode to valid UTF-8."""


def go_quote(text: str) -> str:
    """`text` as Go's `strconv.Quote` prints it.

    Bytes that were not UTF-8 (decoded with `surrogateescape`) are shown as `\\xNN`, and so are the three bytes of any
    other lone surrogate, which Go never takes for a character.
    """
    if text.isprintable() and '"' not in text and "\\" not in text:
        return f'"{text}"'
    return '"' + "".join([_SPECIAL.get(c) or (c if _printable(c) else _escape(c)) for c in text]) + '"'


def _printable(c: str) -> bool:
    return c.isprintable() or ord(c) in _SINCE_UNICODE_14 or "\U00031350" <= c <= "\U000323af"


def _escape(c: str) -> str:
    code = ord(c)
    if 0xDC80 <= code <= 0xDCFF:
        return f"\\x{code - 0xDC00:02x}"
    if 0xD800 <= code <= 0xDFFF:
        return "".join(f"\\x{byte:02x}" for byte in c.encode("utf-8", "surrogatepass"))
    if code < 0x20 or code == 0x7F:
        return f"\\x{code:02x}"
    return f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"


def go_unquote(inner: str) -> str:
    """What a Go double-quoted literal means, given the text between its quotes (`strconv.Unquote`).

    Raises `GoUnquoteError` for unknown escapes, a raw newline or quote, and results that are not valid UTF-8.
    """
    if "\n" in inner:
        raise GoUnquoteError("newline in string literal")
    out = bytearray()
    at = 0
    try:
        while at < len(inner):
            match = _ESCAPE.match(inner, at)
            if match is None:
                raise GoUnquoteError("unknown escape")
            at = match.end()
            two, octal, four, eight, single, plain = match.groups()
            if plain is not None:
                if '"' in plain:
                    raise GoUnquoteError("unescaped quote")
                out += plain.encode()
            elif single is not None:
                out += _UNSPECIAL[single]
            elif two is not None:
                out.append(int(two, 16))
            elif octal is not None:
                out.append(int(octal, 8))
            else:
                out += chr(int(four or eight, 16)).encode()
        return out.decode()
    except (ValueError, OverflowError) as error:
        raise GoUnquoteError(str(error)) from error


def time_quote(text: str) -> str:
    """`text` as Go's package time quotes it in its errors: control characters and non-ASCII as `\\xNN` bytes."""
    out = []
    for c in text:
        if c in '"\\':
            out.append("\\" + c)
        elif " " <= c <= "\x7f":
            out.append(c)
        else:
            out.extend(f"\\x{byte:02x}" for byte in c.encode("utf-8", "surrogateescape"))
    return '"' + "".join(out) + '"'
