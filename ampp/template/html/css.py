"""CSS: its escapes, and values made fit for style sheets."""

from __future__ import annotations

import re
from typing import Final

__all__ = ["decode", "ends_with_url", "escape", "filter_value"]

_ESCAPE = re.compile(r"\\(?:([0-9A-Fa-f]{1,6})|(.)|\Z)", re.DOTALL)
_SPACE = re.compile(r"\r\n|[\t\n\f\r ]")
_URL_KEYWORD = re.compile(r"(.?)[uU][rR][lL]\Z", re.DOTALL)
_NAME_CHARACTER = re.compile(r"[A-Za-z0-9_-]|[^\x00-\x7f\ufffe\uffff]")
_FORBIDDEN = re.compile(r"[\0\"'()/;@\[\\\]`{}<>]|--")
_NOT_NAME = re.compile(r"[^A-Za-z0-9_-]+")

_LAST_RUNE: Final = 0x10FFFF
_UNREADABLE: Final = "\ufffd"

_HEX: Final = {character: f"\\{ord(character):x}" for character in "\0\t\n\f\r\"&'()+/:;<>{}"} | {"\\": "\\\\"}
_SPECIAL = re.compile("[" + re.escape("".join(_HEX)) + "]")
_JOINS_HEX = re.compile(r"[0-9A-Fa-f\t\n\f\r ]|\Z")


def ends_with_url(text: str) -> bool:
    """Whether `text` ends with the identifier `url`, in any case and not as the tail of a longer one."""
    found = _URL_KEYWORD.search(text[-4:])
    return found is not None and not _NAME_CHARACTER.match(found[1])


def decode(text: str) -> str:
    """`text` with CSS escapes replaced by what they stand for; a lone backslash at the end is dropped."""
    if "\\" not in text:
        return text
    parts = []
    at = 0
    for found in _escapes(text):
        parts.append(text[at : found[0]])
        parts.append(found[2])
        at = found[1]
    parts.append(text[at:])
    return "".join(parts)


def _escapes(text: str) -> list[tuple[int, int, str]]:
    """Every escape of `text`: start, end, meaning."""
    escapes = []
    at = 0
    while found := _ESCAPE.search(text, at):
        end = found.end()
        meaning = found[2] or ""
        if found[1]:
            rune = int(found[1], 16)
            if rune > _LAST_RUNE:  # a hex digit too many belongs to the text behind
                rune //= 16
                end -= 1
            meaning = _UNREADABLE if 0xD800 <= rune <= 0xDFFF else chr(rune)
            if space := _SPACE.match(text, end):
                end = space.end()
        escapes.append((found.start(), end, meaning))
        at = end
    return escapes


def escape(text: str) -> str:
    """`text` as the content of a CSS string: special characters as hex escapes."""

    def encode(found: re.Match[str]) -> str:
        code = _HEX[found[0]]
        # The space ends the escape where the next character would be read as part of it.
        return code + " " if found[0] != "\\" and _JOINS_HEX.match(text, found.end()) else code

    return _SPECIAL.sub(encode, text)


def filter_value(text: str) -> str | None:
    """`text` as a CSS value (colour, size, keyword), or None where it could end the value or run a script."""
    value = decode(text)
    if _FORBIDDEN.search(value):
        return None
    letters = _NOT_NAME.sub("", value).lower()
    return None if "expression" in letters or "mozbinding" in letters else value
