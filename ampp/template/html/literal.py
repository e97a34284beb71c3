"""Literal template text: the context behind it, and how it is written out.

What the author wrote is trusted and copied, but for what only looks like markup or would confuse a browser: comments
go, a `<` that opens no tag becomes `&lt;`, and tags inside the strings of a script are broken up.
"""

from __future__ import annotations

import re

from ampp.core.quote import go_quote
from ampp.template.html.context import (
    COMMENT,
    SCRIPT_LITERAL,
    TEXT,
    Attribute,
    Context,
    Delimiter,
    Element,
    State,
    failure,
)
from ampp.template.html.markup import unescape
from ampp.template.html.script import is_script_type
from ampp.template.html.transition import TRANSITION, ends_at_tag, find_end_tag, leave_value

__all__ = ["rewrite"]

# The long s is an s where Go compares without regard to case.
_SCRIPT_TAG = re.compile("<(?=/?[s\u017f]cript|!--)", re.IGNORECASE | re.ASCII)
_AMBIGUOUS = re.compile("[\"'<=`]")
_LINE_BREAK = re.compile("[\n\r\u2028\u2029]")
_DOCTYPE = "<!DOCTYPE"
_COMMENT_OPENING = {State.HTML_COMMENT: 4, State.JS_HTML_OPEN_COMMENT: 4, State.JS_HTML_CLOSE_COMMENT: 3}
"""Length of what opens a comment; 2 (`//`, `/*`, `#!`) for the others."""


def rewrite(context: Context, text: str) -> tuple[Context, str]:
    """The context behind `text` that begins in `context`, and the text as it is written out.

    A context in the state `ERROR` says why this is no text to escape in.
    """
    out: list[str] = []
    written = at = 0
    ends: dict[Element, int] = {}
    while at != len(text):
        following, after = _advance(context, text, at, ends)
        if following.state is State.ERROR:
            return following, text
        if context.state in (State.TEXT, State.RCDATA):
            stop = after
            if following.state is not context.state:
                opening = text.rfind("<", at, after)
                stop = after if opening < 0 else opening
            lone = text.find("<", at, stop)
            while lone >= 0:
                if text[lone : lone + len(_DOCTYPE)].upper() != _DOCTYPE:
                    out += text[written:lone], "&lt;"
                    written = lone + 1
                lone = text.find("<", lone + 1, stop)
        elif _is_dropped(context):
            if context.state is State.JS_BLOCK_COMMENT:
                out.append("\n" if _LINE_BREAK.search(text, written, after) else " ")
            elif context.state is State.CSS_BLOCK_COMMENT:
                out.append(" ")
            written = after
        if following.state is not context.state and _is_dropped(following):
            out.append(text[written : after - _COMMENT_OPENING.get(following.state, 2)])
            written = after
        if context.state in SCRIPT_LITERAL and _SCRIPT_TAG.search(text, at, after):
            out += text[written:at], _SCRIPT_TAG.sub(r"\\x3C", text[at:after])
            written = after
        context, at = following, after
    if not written:
        return context, text
    if not _is_dropped(context):
        out.append(text[written:])
    return context, "".join(out)


def _is_dropped(context: Context) -> bool:
    return context.state in COMMENT and context.delimiter is Delimiter.NONE


def _advance(context: Context, text: str, at: int, ends: dict[Element, int]) -> tuple[Context, int]:
    """One transition, kept within the attribute value or raw text element. `ends` remembers end tags already found."""
    if context.delimiter is not Delimiter.NONE:
        return _advance_in_value(context, text, at)
    end = len(text)
    if ends_at_tag(context):
        found = ends.get(context.element, at - 1)
        if -1 < found < at or context.element not in ends:
            found = ends[context.element] = find_end_tag(context.element, text, at, end)
        if found == at:
            return TEXT, at
        if found > at:
            end = found
    return TRANSITION[context.state](context, text, at, end)


def _advance_in_value(context: Context, text: str, at: int) -> tuple[Context, int]:
    after = leave_value(text, at, len(text), context.delimiter)
    end = len(text) if after < 0 else after if context.delimiter is Delimiter.SPACE else after - 1
    if context.delimiter is Delimiter.SPACE and (odd := _AMBIGUOUS.search(text, at, end)):
        # Browsers disagree about where a value with such a character ends.
        return failure(f"{go_quote(odd[0])} in unquoted attr: {go_quote(text[at:end])}"), len(text)
    if after < 0:
        value = unescape(text[at:])
        read = 0
        while read != len(value):
            context, read = TRANSITION[context.state](context, value, read, len(value))
        return context, len(text)
    element = context.element
    if context.state is State.ATTRIBUTE and element is Element.SCRIPT and context.attribute is Attribute.SCRIPT_TYPE:
        element = element if is_script_type(text[at:end]) else Element.NONE
    return Context(state=State.TAG, element=element), after
