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
    ScriptSlash,
    State,
    UrlPart,
    failure,
)
from ampp.template.html.script import slash_after

__all__ = ["TRANSITION", "Transition", "ends_at_tag", "find_end_tag", "leave_value"]

Transition = Callable[[Context, str, int, int], tuple[Context, int]]

_SPACE = re.compile(r"[ \t\n\f\r]*")
_SPACES: Final = " \t\n\f\r"

# HTML

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


# URLs


def _url(context: Context, text: str, at: int, end: int) -> tuple[Context, int]:
    return _read_url(context, text[at:end]), end


def _read_url(context: Context, piece: str) -> Context:
    if "#" in piece or "?" in piece:
        return replace(context, url_part=UrlPart.QUERY)
    if context.url_part is UrlPart.NONE and piece.strip(_SPACES):
        return replace(context, url_part=UrlPart.PRE_QUERY)
    return context


# JavaScript

_JS_STOP = re.compile("[\"`'/{}<#-]")
_JS_LITERAL: Final = {'"': State.JS_DOUBLE, "'": State.JS_SINGLE, "`": State.JS_TEMPLATE}
_JS_COMMENT: Final = (
    ("//", State.JS_LINE_COMMENT),
    ("/*", State.JS_BLOCK_COMMENT),
    # Scripts know HTML's comments too; either token makes a comment of the rest of its line.
    ("<!--", State.JS_HTML_OPEN_COMMENT),
    ("-->", State.JS_HTML_CLOSE_COMMENT),
    ("#!", State.JS_LINE_COMMENT),
)


def _js(context: Context, text: str, at: int, end: int) -> tuple[Context, int]:
    found = _JS_STOP.search(text, at, end)
    if found is None:
        return replace(context, slash=slash_after(text[at:end], context.slash)), end
    stop = found.start()
    slash = slash_after(text[at:stop], context.slash)
    mark = found[0]
    if mark in _JS_LITERAL:
        return replace(context, state=_JS_LITERAL[mark], slash=ScriptSlash.REGEXP), stop + 1
    for opening, comment in _JS_COMMENT:
        if text.startswith(opening, stop, end):
            return replace(context, state=comment, slash=slash), stop + len(opening)
    if mark == "/":
        if slash is ScriptSlash.UNKNOWN:
            return failure(f"'/' could start a division or regexp: {_quote_head(text, stop, end)}"), end
        if slash is ScriptSlash.REGEXP:
            return replace(context, state=State.JS_REGEXP, slash=slash), stop + 1
        return replace(context, slash=ScriptSlash.REGEXP), stop + 1
    if mark in "{}":
        return _js_brace(context, mark, slash), stop + 1
    return replace(context, slash=slash), stop + 1


def _js_brace(context: Context, mark: str, slash: ScriptSlash) -> Context:
    """Count a brace, if inside `${…}` of a template literal, which the brace that opens none ends."""
    if context.braces:
        *outer, depth = context.braces
        depth += 1 if mark == "{" else -1
        if depth < 0:
            return replace(context, state=State.JS_TEMPLATE, slash=slash, braces=tuple(outer))
        context = replace(context, braces=(*outer, depth))
    return replace(context, slash=ScriptSlash.REGEXP)


_TEMPLATE_STOP = re.compile(r"\\(?:.|(\Z))|(\$\{)|(`)", re.DOTALL)


def _js_template(context: Context, text: str, at: int, end: int) -> tuple[Context, int]:
    for found in _TEMPLATE_STOP.finditer(text, at, end):
        if found[1] is not None:
            return _unfinished("JS", text, at, end), end
        if found[2]:
            return replace(context, state=State.JS, braces=(*context.braces, 0)), found.end()
        if found[3]:
            return replace(context, state=State.JS), found.end()
    return context, end


_LITERAL_STOP: Final = {
    State.JS_DOUBLE: re.compile(r'\\(?:.|(\Z))|"', re.DOTALL),
    State.JS_SINGLE: re.compile(r"\\(?:.|(\Z))|'", re.DOTALL),
}
_REGEXP_STOP = re.compile(r"\\(?:.|(\Z))|[\[\]/]", re.DOTALL)


def _js_string(context: Context, text: str, at: int, end: int) -> tuple[Context, int]:
    for found in _LITERAL_STOP[context.state].finditer(text, at, end):
        if found[1] is not None:
            return _unfinished("JS", text, at, end), end
        if found[0][0] != "\\":
            return replace(context, state=State.JS, slash=ScriptSlash.DIVISION), found.end()
    return context, end


def _js_regexp(context: Context, text: str, at: int, end: int) -> tuple[Context, int]:
    in_class = False
    for found in _REGEXP_STOP.finditer(text, at, end):
        if found[1] is not None:
            return _unfinished("JS", text, at, end), end
        stop = found.start()
        if found[0] in "[]":
            in_class = found[0] == "["
        elif found[0] == "/" and not in_class:
            # The slash of an end tag does not end the literal: the escaper takes the tag apart.
            if stop > at and stop + 7 <= end and text[stop - 1 : stop + 7].lower() == "</script":
                continue
            return replace(context, state=State.JS, slash=ScriptSlash.DIVISION), found.end()
    if in_class:
        return failure(f"unfinished JS regexp charset: {go_quote(text[at:end])}"), end
    return context, end


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


# CSS

_CSS_STOP = re.compile("[(\"'/]")


def _css(context: Context, text: str, at: int, end: int) -> tuple[Context, int]:
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
                while stop > start and text[stop - 1] in _SPACES:
                    stop -= 1
                if css.ends_with_url(text[max(start, stop - 4) : stop]):
                    at = _skip_space(text, at, end)
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


def _css_string(context: Context, text: str, at: int, end: int) -> tuple[Context, int]:
    """Strings in style sheets are taken for URLs, for most are. One that ends keeps the part of the URL it reached."""
    done = at
    url = context
    for found in _CSS_STRING_STOP[context.state].finditer(text, at, end):
        if found[1] is not None:
            return _unfinished("CSS", text, at, end), end
        if found[0][0] != "\\":
            url = _read_url(url, css.decode(text[at:done]))
            return replace(url, state=State.CSS), found.end()
        if found[0] not in _BLANK_ESCAPE:
            # Of a long hex escape only the first digit counts here, so it is no space whatever it stands for.
            url = _read_url(url, "x")
        done = found.end()
    url = _read_url(url, css.decode(text[at:done]))
    return _read_url(url, text[done:end]), end


TRANSITION: Final[dict[State, Transition]] = {
    State.TEXT: _text,
    State.TAG: _tag,
    State.ATTRIBUTE_NAME: _attribute_name,
    State.AFTER_NAME: _after_name,
    State.BEFORE_VALUE: _before_value,
    State.HTML_COMMENT: _html_comment,
    State.RCDATA: _raw_text,
    State.ATTRIBUTE: _to_end,
    State.URL: _url,
    State.META_CONTENT: _meta_content,
    State.META_CONTENT_URL: _meta_content_url,
    State.SRCSET: _url,
    State.JS: _js,
    State.JS_DOUBLE: _js_string,
    State.JS_SINGLE: _js_string,
    State.JS_REGEXP: _js_regexp,
    State.JS_TEMPLATE: _js_template,
    State.JS_BLOCK_COMMENT: _block_comment,
    State.JS_LINE_COMMENT: _line_comment,
    State.JS_HTML_OPEN_COMMENT: _line_comment,
    State.JS_HTML_CLOSE_COMMENT: _line_comment,
    State.CSS: _css,
    State.CSS_DOUBLE: _css_string,
    State.CSS_SINGLE: _css_string,
    State.CSS_DOUBLE_URL: _css_string,
    State.CSS_SINGLE_URL: _css_string,
    State.CSS_URL: _css_string,
    State.CSS_BLOCK_COMMENT: _block_comment,
    State.CSS_LINE_COMMENT: _line_comment,
    State.ERROR: _to_end,
}


def _skip_space(text: str, at: int, end: int) -> int:
    found = _SPACE.match(text, at, end)
    return found.end() if found else at


def _quote_head(text: str, at: int, end: int) -> str:
    return go_quote(text[at : min(end, at + 32)])


def _unfinished(language: str, text: str, at: int, end: int) -> Context:
    return failure(f"unfinished escape sequence in {language} string: {go_quote(text[at:end])}")
