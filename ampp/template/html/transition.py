"""How literal template text changes the context: a small, forgiving parser of HTML, CSS and JavaScript.

A transition reads `text[at:end]` from a context and answers the context it reached and how far it read: to the end of
the text or to the next point where the context changes. The end of the enclosing attribute value or raw text element
bounds what it may read (`literal.py` sees to that), so that no transition has to know about them.

The rules are those of Go's html/template, its simplifications included: the escaping of every action depends on them.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Final

from msgspec.structs import replace

from ampp.core.quote import go_quote
from ampp.template.html import css
from ampp.template.html.attribute import Kind, attribute_kind, lower
from ampp.template.html.context import (
    COMMENT,
    SCRIPT_LITERAL,
    TEXT,
    VALUE_STATE,
    Attribute,
    Context,
    Delimiter,
    Element,
    State,
    failure,
)
from ampp.template.html.script import read_regexp, read_script, read_string, read_template
from ampp.template.html.url import read_url

__all__ = ["TRANSITION", "Transition", "ends_at_tag", "find_end_tag", "leave_value"]

Transition = Callable[[Context, str, int, int], tuple[Context, int]]

_SPACE = re.compile(r"[ \t\n\f\r]*")

_TAG_NAME = re.compile(r"[A-Za-z](?:[A-Za-z0-9]|[:-][A-Za-z0-9])*")
_NAME_STOP = re.compile("[ \t\n\f\r=>'\"<]")

_ELEMENTS: Final = {
    "script": Element.SCRIPT,
    "style": Element.STYLE,
    "textarea": Element.TEXTAREA,
    "title": Element.TITLE,
    "meta": Element.META,
}
_BODY_STATE: Final = {
    Element.NONE: State.TEXT,
    Element.SCRIPT: State.JS,
    Element.STYLE: State.CSS,
    Element.TEXTAREA: State.RCDATA,
    Element.TITLE: State.RCDATA,
}
_RAW_END: Final = {
    element: re.compile(rf"</{'' if element is Element.META else name}(?=[> \t\n\f/])", re.IGNORECASE | re.ASCII)
    for name, element in _ELEMENTS.items()
}
"""The end tag of each element whose body is not ordinary markup."""

_ATTRIBUTE_KIND: Final = {
    Kind.URL: Attribute.URL,
    Kind.CSS: Attribute.STYLE,
    Kind.JS: Attribute.SCRIPT,
    Kind.SRCSET: Attribute.SRCSET,
}

_VALUE_END: Final = {
    Delimiter.DOUBLE: re.compile('"'),
    Delimiter.SINGLE: re.compile("'"),
    Delimiter.SPACE: re.compile("[ \t\n\f\r>]"),
}


def leave_value(text: str, at: int, end: int, delimiter: Delimiter) -> int:
    """Where the tag goes on behind the attribute value at `text[at:]`: after its quote, or -1 if it does not end."""
    found = _VALUE_END[delimiter].search(text, at, end)
    if found is None:
        return -1
    return found.start() if delimiter is Delimiter.SPACE else found.end()


def ends_at_tag(context: Context) -> bool:
    """Whether the context ends, wherever it is, at the end tag of its raw text element.

    Not so in the literals and comments of a script: the escaper breaks up such a tag in them instead.
    """
    if context.element is Element.SCRIPT:
        return context.state not in SCRIPT_LITERAL and context.state not in COMMENT
    return context.element is not Element.NONE


def find_end_tag(element: Element, text: str, at: int, end: int) -> int:
    """Where the end tag of a raw text element begins in `text[at:end]`, or -1."""
    found = _RAW_END[element].search(text, at, end)
    return found.start() if found else -1


def _text(context: Context, text: str, at: int, end: int) -> tuple[Context, int]:
    while True:
        at = text.find("<", at, end)
        if at < 0 or at + 1 == end:
            return context, end
        if text.startswith("<!--", at, end):
            return Context(state=State.HTML_COMMENT), at + 4
        at += 1
        closing = text[at] == "/"
        if closing:
            at += 1
            if at == end:
                return context, end
        name = _TAG_NAME.match(text, at, end)
        if name:
            element = Element.NONE if closing else _ELEMENTS.get(name[0].lower(), Element.NONE)
            return Context(state=State.TAG, element=element), name.end()


def _raw_text(context: Context, text: str, at: int, end: int) -> tuple[Context, int]:
    found = find_end_tag(context.element, text, at, end) if ends_at_tag(context) else -1
    return (context, end) if found < 0 else (TEXT, found)


def _tag(context: Context, text: str, at: int, end: int) -> tuple[Context, int]:
    start, at = at, _skip_space(text, at, end)
    if at == end:
        return context, end
    if text[at] == ">":
        if context.element is Element.META:  # it has no body
            return TEXT, at + 1
        return Context(state=_BODY_STATE[context.element], element=context.element), at + 1
    stop = _name_end(text, at, end, start)
    if isinstance(stop, Context):
        return stop, end
    if stop == at:
        return failure(f"expected space, attr name, or end of tag, but got {go_quote(text[at:end])}"), end
    attribute = _attribute(context.element, lower(text[at:stop]))
    state = State.ATTRIBUTE_NAME if stop == end else State.AFTER_NAME
    return Context(state=state, element=context.element, attribute=attribute), stop


def _attribute(element: Element, name: str) -> Attribute:
    if element is Element.SCRIPT and name == "type":
        return Attribute.SCRIPT_TYPE
    if element is Element.META and name == "content":
        return Attribute.META_CONTENT
    return _ATTRIBUTE_KIND.get(attribute_kind(name), Attribute.NONE)


def _name_end(text: str, at: int, end: int, start: int) -> int | Context:
    """The end of the attribute name that begins at `at`; a failure, quoting from `start`, if that is no name."""
    found = _NAME_STOP.search(text, at, end)
    if found is None:
        return end
    if found[0] in "'\"<":
        return failure(f"{go_quote(found[0])} in attribute name: {_quote_head(text, start, end)}")
    return found.start()


def _attribute_name(context: Context, text: str, at: int, end: int) -> tuple[Context, int]:
    stop = _name_end(text, at, end, at)
    if isinstance(stop, Context):
        return stop, end
    return (context if stop == end else replace(context, state=State.AFTER_NAME)), stop


def _after_name(context: Context, text: str, at: int, end: int) -> tuple[Context, int]:
    at = _skip_space(text, at, end)
    if at == end:
        return context, end
    if text[at] == "=":
        return replace(context, state=State.BEFORE_VALUE), at + 1
    return replace(context, state=State.TAG), at


def _before_value(context: Context, text: str, at: int, end: int) -> tuple[Context, int]:
    at = _skip_space(text, at, end)
    if at == end:
        return context, end
    delimiter = _QUOTE.get(text[at], Delimiter.SPACE)
    if delimiter is not Delimiter.SPACE:
        at += 1
    return replace(context, state=VALUE_STATE[context.attribute], delimiter=delimiter), at


_QUOTE: Final = {'"': Delimiter.DOUBLE, "'": Delimiter.SINGLE}


def _html_comment(context: Context, text: str, at: int, end: int) -> tuple[Context, int]:
    found = text.find("-->", at, end)
    return (context, end) if found < 0 else (TEXT, found + 3)


def _to_end(context: Context, text: str, at: int, end: int) -> tuple[Context, int]:
    return context, end


_META_URL = re.compile(r"[uU][rR][lL][ \t\n\f\r]*=")


def _meta_content(context: Context, text: str, at: int, end: int) -> tuple[Context, int]:
    found = _META_URL.search(text, at, end)
    return (replace(context, state=State.META_CONTENT_URL), found.end()) if found else (context, end)


def _meta_content_url(context: Context, text: str, at: int, end: int) -> tuple[Context, int]:
    found = text.find(";", at, end)
    return (context, end) if found < 0 else (replace(context, state=State.META_CONTENT), found + 1)


# Comments of scripts and styles


def _block_comment(context: Context, text: str, at: int, end: int) -> tuple[Context, int]:
    found = text.find("*/", at, end)
    if found < 0:
        return context, end
    return replace(context, state=_AFTER_COMMENT[context.state]), found + 2


_AFTER_COMMENT: Final = {
    State.JS_BLOCK_COMMENT: State.JS,
    State.JS_LINE_COMMENT: State.JS,
    State.JS_HTML_OPEN_COMMENT: State.JS,
    State.JS_HTML_CLOSE_COMMENT: State.JS,
    State.CSS_BLOCK_COMMENT: State.CSS,
    State.CSS_LINE_COMMENT: State.CSS,
}
_JS_LINE_END = re.compile("[\n\r\u2028\u2029]")
_CSS_LINE_END = re.compile("[\n\f\r]")


def _line_comment(context: Context, text: str, at: int, end: int) -> tuple[Context, int]:
    after = _AFTER_COMMENT[context.state]
    found = (_CSS_LINE_END if after is State.CSS else _JS_LINE_END).search(text, at, end)
    if found is None:
        return context, end
    return replace(context, state=after), found.start()  # the line's end is no part of the comment


TRANSITION: Final[dict[State, Transition]] = {
    State.TEXT: _text,
    State.TAG: _tag,
    State.ATTRIBUTE_NAME: _attribute_name,
    State.AFTER_NAME: _after_name,
    State.BEFORE_VALUE: _before_value,
    State.HTML_COMMENT: _html_comment,
    State.RCDATA: _raw_text,
    State.ATTRIBUTE: _to_end,
    State.URL: read_url,
    State.META_CONTENT: _meta_content,
    State.META_CONTENT_URL: _meta_content_url,
    State.SRCSET: read_url,
    State.JS: read_script,
    State.JS_DOUBLE: read_string,
    State.JS_SINGLE: read_string,
    State.JS_REGEXP: read_regexp,
    State.JS_TEMPLATE: read_template,
    State.JS_BLOCK_COMMENT: _block_comment,
    State.JS_LINE_COMMENT: _line_comment,
    State.JS_HTML_OPEN_COMMENT: _line_comment,
    State.JS_HTML_CLOSE_COMMENT: _line_comment,
    State.CSS: css.read_style,
    State.CSS_DOUBLE: css.read_string,
    State.CSS_SINGLE: css.read_string,
    State.CSS_DOUBLE_URL: css.read_string,
    State.CSS_SINGLE_URL: css.read_string,
    State.CSS_URL: css.read_string,
    State.CSS_BLOCK_COMMENT: _block_comment,
    State.CSS_LINE_COMMENT: _line_comment,
    State.ERROR: _to_end,
}


def _skip_space(text: str, at: int, end: int) -> int:
    found = _SPACE.match(text, at, end)
    return found.end() if found else at


def _quote_head(text: str, at: int, end: int) -> str:
    return go_quote(text[at : min(end, at + 32)])
