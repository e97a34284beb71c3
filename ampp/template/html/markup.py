"""HTML text and attribute values: escaping, unescaping, stripping of tags."""

from __future__ import annotations

import re
from html.entities import html5
from typing import Final

from ampp.template.html.context import IN_TAG, TEXT, Context, Delimiter, Element, State
from ampp.template.html.transition import TRANSITION, leave_value

__all__ = ["escape", "escape_unquoted", "normalize", "normalize_unquoted", "strip_tags", "unescape"]

_QUOTED: Final = {
    "\0": "\ufffd",
    '"': "&#34;",
    "&": "&amp;",
    "'": "&#39;",
    "+": "&#43;",
    "<": "&lt;",
    ">": "&gt;",
}
_UNQUOTED: Final = _QUOTED | {
    "\0": "&#xfffd;",
    "\t": "&#9;",
    "\n": "&#10;",
    "\v": "&#11;",
    "\f": "&#12;",
    "\r": "&#13;",
    " ": "&#32;",
    "=": "&#61;",
    "`": "&#96;",
}
_NONCHARACTERS: Final = {chr(rune): f"&#x{rune:x};" for rune in (*range(0xFDD0, 0xFDF0), *range(0xFFF0, 0x10000))} | {
    chr(byte): "&#xfffd;" for byte in range(0xDC80, 0xDD00)
}  # bytes that are no UTF-8


def _without_ampersand(table: dict[str, str]) -> dict[str, str]:
    return {character: entity for character, entity in table.items() if character != "&"}


_ESCAPE = str.maketrans(_QUOTED)
_NORMALIZE = str.maketrans(_without_ampersand(_QUOTED))
_ESCAPE_UNQUOTED = str.maketrans(_UNQUOTED | _NONCHARACTERS)
_NORMALIZE_UNQUOTED = str.maketrans(_without_ampersand(_UNQUOTED) | _NONCHARACTERS)


def escape(text: str) -> str:
    """`text` for HTML text, `<textarea>` and quoted attribute values."""
    return text.translate(_ESCAPE)


def escape_unquoted(text: str) -> str:
    """`text` for an attribute value without quotes; must not be empty."""
    return text.translate(_ESCAPE_UNQUOTED)


def normalize(markup: str) -> str:
    """Like `escape`, for text with entities, which are kept."""
    return markup.translate(_NORMALIZE)


def normalize_unquoted(markup: str) -> str:
    """Like `escape_unquoted`, for text with entities, which are kept."""
    return markup.translate(_NORMALIZE_UNQUOTED)


_ENTITY = re.compile(r"&(?:#(?:[xX]([0-9A-Fa-f]+);?|([0-9]{2,}|[0-9](?=;));?)|([A-Za-z0-9]+;?))")
_LONGEST_UNENDED: Final = 6
"""Length of the longest name that is an entity without its semicolon too."""

_WINDOWS_1252: Final = {
    0x80 + at: rune
    for at, rune in enumerate(
        "\u20ac\x81\u201a\u0192\u201e\u2026\u2020\u2021\u02c6\u2030\u0160\u2039\u0152\x8d\u017d\x8f"
        "\x90\u2018\u2019\u201c\u201d\u2022\u2013\u2014\u02dc\u2122\u0161\u203a\u0153\x9d\u017e\u0178"
    )
}
_MAX_DIGITS: Final = 8


def unescape(markup: str) -> str:
    """`markup` with its character references resolved, as a browser resolves them in text."""
    return _ENTITY.sub(_resolve, markup) if "&" in markup else markup


def _resolve(found: re.Match[str]) -> str:
    hexadecimal, decimal, name = found.groups()
    if name:
        if name in html5:
            return html5[name]
        for length in range(min(len(name) - 1, _LONGEST_UNENDED), 1, -1):
            if name[:length] in html5:
                return html5[name[:length]] + name[length:]
        return found[0]
    digits = (hexadecimal or decimal).lstrip("0")
    if len(digits) > _MAX_DIGITS:
        return "\ufffd"
    rune = int(digits or "0", 16 if hexadecimal else 10)
    if rune == 0 or 0xD800 <= rune <= 0xDFFF or rune > 0x10FFFF:
        return "\ufffd"
    return _WINDOWS_1252.get(rune) or chr(rune)


def strip_tags(markup: str) -> str:
    """The text of `markup`: no tags, no comments; entities stay."""
    kept = []
    context = TEXT
    at, end = 0, len(markup)
    plain = True
    while at != end:
        if context.delimiter is not Delimiter.NONE:
            after = leave_value(markup, at, end, context.delimiter)
            if after < 0:
                break
            context, at = Context(state=State.TAG, element=context.element), after
            continue
        raw = context.element is not Element.NONE and context.state not in IN_TAG
        following, after = TRANSITION[State.RCDATA if raw else context.state](context, markup, at, end)
        if context.state in (State.TEXT, State.RCDATA):
            stop = after
            if following.state is not context.state:
                opening = markup.rfind("<", at, after)
                stop = after if opening < 0 else opening
            kept.append(markup[at:stop])
        else:
            plain = False
        context, at = following, after
    if plain:
        return markup
    if context.state in (State.TEXT, State.RCDATA):
        kept.append(markup[at:])
    return "".join(kept)
