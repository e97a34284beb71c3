"""CSS: contexts in it, and values made fit for style sheets."""

from __future__ import annotations

import re
from typing import Final

from msgspec.structs import replace

from ampp.core.quote import go_quote
from ampp.template.html import url
from ampp.template.html.context import SPACES, Context, State, failure

__all__ = ["escape", "filter_value", "read_string", "read_style"]

_ESCAPE = re.compile(r"\\(?:([0-9A-Fa-f]{1,6})|(.)|\Z)", re.DOTALL)
_SPACE = re.compile(r"\r\n|[\t\n\f\r ]")
_URL_KEYWORD = re.compile(r"(.?)[uU][rR][lL]\Z", re.DOTALL)
_NAME_CHARACTER = re.compile(r"[A-Za-z0-9_-]|[^\x00-\x7f\ufffe\uffff]")
_FORBIDDEN = re.compile(r"[\0\"'()/;@\[\\\]`{}<>]|--")
_NOT_WORD = re.compile(r"[^A-Za-z0-9_]+")

_LAST_RUNE: Final = 0x10FFFF
_UNREADABLE: Final = "\ufffd"

_HEX: Final = {character: f"\\{ord(character):x}" for character in "\0\t\n\f\r\"&'()+/:;<>{}"} | {"\\": "\\\\"}
_SPECIAL = re.compile("[" + re.escape("".join(_HEX)) + "]")
_JOINS_HEX = re.compile(r"[0-9A-Fa-f\t\n\f\r ]|\Z")


def _ends_with_url(text: str) -> bool:
    """Whether `text` ends with the identifier `url`, in any case and not as the tail of a longer one."""
    found = _URL_KEYWORD.search(text[-4:])
    return found is not None and not _NAME_CHARACTER.match(found[1])


def _decode(text: str) -> str:
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
    value = _decode(text)
    if _FORBIDDEN.search(value):
        return None
    letters = _NOT_WORD.sub("", value).lower()
    return None if "expression" in letters or "mozbinding" in letters else value


# Contexts: transitions, see `transition.py`.

_CSS_STOP = re.compile("[(\"'/]")


def read_style(context: Context, text: str, at: int, end: int) -> tuple[Context, int]:
    start = at
    while found := _CSS_STOP.search(text, at, end):
        stop, at = found.start(), found.end()
        match found[0]:
            case '"':
                return replace(context, state=State.CSS_DOUBLE), at
            case "'":
                return replace(context, state=State.CSS_SINGLE), at
            case "/":
                if text.startswith("//", stop, end):
                    return replace(context, state=State.CSS_LINE_COMMENT), stop + 2
                if text.startswith("/*", stop, end):
                    return replace(context, state=State.CSS_BLOCK_COMMENT), stop + 2
            case _:
                while stop > start and text[stop - 1] in SPACES:
                    stop -= 1
                if _ends_with_url(text[max(start, stop - 4) : stop]):
                    while at < end and text[at] in SPACES:
                        at += 1
                    state = _CSS_URL.get(text[at : min(at + 1, end)], State.CSS_URL)
                    return replace(context, state=state), at if state is State.CSS_URL else at + 1
    return context, end


_CSS_URL: Final = {'"': State.CSS_DOUBLE_URL, "'": State.CSS_SINGLE_URL}
_CSS_STRING_STOP: Final = {
    State.CSS_DOUBLE: re.compile(r'\\(?:.|(\Z))|"', re.DOTALL),
    State.CSS_SINGLE: re.compile(r"\\(?:.|(\Z))|'", re.DOTALL),
    State.CSS_URL: re.compile(r"\\(?:.|(\Z))|[\t\n\f\r )]", re.DOTALL),
}
_CSS_STRING_STOP[State.CSS_DOUBLE_URL] = _CSS_STRING_STOP[State.CSS_DOUBLE]
_CSS_STRING_STOP[State.CSS_SINGLE_URL] = _CSS_STRING_STOP[State.CSS_SINGLE]
_BLANK_ESCAPE: Final = frozenset(f"\\{character}" for character in " \t\n\f\r9acdACD")


def read_string(context: Context, text: str, at: int, end: int) -> tuple[Context, int]:
    """Strings in style sheets are taken for URLs, for most are. One that ends keeps the part of the URL it reached."""
    done = at
    reached = context
    for found in _CSS_STRING_STOP[context.state].finditer(text, at, end):
        if found[1] is not None:
            return failure(f"unfinished escape sequence in CSS string: {go_quote(text[at:end])}"), end
        if found[0][0] != "\\":
            reached = url.read(reached, _decode(text[at:done]))
            return replace(reached, state=State.CSS), found.end()
        if found[0] not in _BLANK_ESCAPE:
            # Of a long hex escape only the first digit counts here, so it is no space whatever it stands for.
            reached = url.read(reached, "x")
        done = found.end()
    reached = url.read(reached, _decode(text[at:done]))
    return url.read(reached, text[done:end]), end
