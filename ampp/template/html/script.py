"""JavaScript: contexts in it, and text made fit for its strings, template literals and regular expressions."""

from __future__ import annotations

import re
from typing import Final

from msgspec.structs import replace

from ampp.core.quote import go_quote
from ampp.template.html.context import Context, ScriptSlash, State, failure

__all__ = [
    "escape_regexp",
    "escape_string",
    "escape_template",
    "is_script_type",
    "read_regexp",
    "read_script",
    "read_string",
    "read_template",
]

_CONTROL: Final = {chr(rune): f"\\u{rune:04x}" for rune in range(0x20)} | {
    "\t": "\\t",
    "\n": "\\n",
    "\f": "\\f",
    "\r": "\\r",
    "\u2028": "\\u2028",
    "\u2029": "\\u2029",
}
_STRING: Final = (
    _CONTROL
    | {character: f"\\u{ord(character):04x}" for character in "\"&'`+<>"}
    | {character: "\\" + character for character in "/\\"}
)
_TEMPLATE: Final = _STRING | {character: f"\\u{ord(character):04x}" for character in "${}"}
_REGEXP: Final = (
    _CONTROL
    | {character: f"\\u{ord(character):04x}" for character in "\"&'+<>"}
    | {character: "\\" + character for character in "$()*-./?[\\]^{|}"}
)

_STRING_TABLE = str.maketrans(_STRING)
_TEMPLATE_TABLE = str.maketrans(_TEMPLATE)
_REGEXP_TABLE = str.maketrans(_REGEXP)


def escape_string(text: str) -> str:
    """`text` as the content of a quoted string, fit for an HTML attribute too."""
    return text.translate(_STRING_TABLE)


def escape_template(text: str) -> str:
    """`text` as literal content of a template literal."""
    return text.translate(_TEMPLATE_TABLE)


def escape_regexp(text: str) -> str:
    """A regular expression that matches `text` literally; never empty, or `//` would begin a comment."""
    return text.translate(_REGEXP_TABLE) or "(?:)"


_BLANK: Final = (
    "\f\n\r\t\v \u00a0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a"
    "\u2028\u2029\u202f\u205f\u3000\ufeff"
)
_OPERATOR_END: Final = frozenset(",<>=*%&|^?!~([:;{}")
_WORD_END = re.compile(r"[A-Za-z0-9_$]*\Z")
_BEFORE_REGEXP: Final = frozenset(
    {
        "break",
        "case",
        "continue",
        "delete",
        "do",
        "else",
        "finally",
        "in",
        "instanceof",
        "return",
        "throw",
        "try",
        "typeof",
        "void",
    }
)


def _slash_after(script: str, before: ScriptSlash) -> ScriptSlash:
    """What a slash behind `script` begins, where `script` holds no literals, comments or divisions.

    `before` answers where `script` is blank. A guess from the last token, as good as one can be without a parser: `)`
    and `]` are taken to end operands, `}` to end a block.
    """
    script = script.rstrip(_BLANK)
    if not script:
        return before
    last = script[-1]
    if last in "+-":
        # A pair of them is the postfix operator, so what counts is whether one is left over.
        alone = (len(script) - len(script.rstrip(last))) % 2 == 1
        return ScriptSlash.REGEXP if alone else ScriptSlash.DIVISION
    if last == ".":
        return ScriptSlash.DIVISION if script[-2:-1] in _DIGITS else ScriptSlash.REGEXP
    if last in _OPERATOR_END:
        return ScriptSlash.REGEXP
    word = _WORD_END.search(script, max(0, len(script) - _LONGEST_WORD - 1))
    return ScriptSlash.REGEXP if word and word[0] in _BEFORE_REGEXP else ScriptSlash.DIVISION


_DIGITS: Final = frozenset("0123456789")
_LONGEST_WORD: Final = max(map(len, _BEFORE_REGEXP))

_SCRIPT_TYPES: Final = frozenset(
    {
        "",
        "application/ecmascript",
        "application/javascript",
        "application/json",
        "application/ld+json",
        "application/x-ecmascript",
        "application/x-javascript",
        "module",
        "text/ecmascript",
        "text/javascript",
        *(f"text/javascript1.{minor}" for minor in range(6)),
        "text/jscript",
        "text/livescript",
        "text/x-ecmascript",
        "text/x-javascript",
    }
)


def is_script_type(mime: str) -> bool:
    """Whether a `<script type=mime>` is escaped as a script: JavaScript and JSON are."""
    return mime.partition(";")[0].lower().strip() in _SCRIPT_TYPES


# Contexts: transitions, see `transition.py`.

_UNFINISHED: Final = "unfinished escape sequence in JS string: "
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


def read_script(context: Context, text: str, at: int, end: int) -> tuple[Context, int]:
    found = _JS_STOP.search(text, at, end)
    if found is None:
        return replace(context, slash=_slash_after(text[at:end], context.slash)), end
    stop = found.start()
    slash = _slash_after(text[at:stop], context.slash)
    mark = found[0]
    if mark in _JS_LITERAL:
        return replace(context, state=_JS_LITERAL[mark], slash=ScriptSlash.REGEXP), stop + 1
    for opening, comment in _JS_COMMENT:
        if text.startswith(opening, stop, end):
            return replace(context, state=comment, slash=slash), stop + len(opening)
    if mark == "/":
        if slash is ScriptSlash.UNKNOWN:
            return failure(f"'/' could start a division or regexp: {go_quote(text[stop : min(end, stop + 32)])}"), end
        if slash is ScriptSlash.REGEXP:
            return replace(context, state=State.JS_REGEXP, slash=slash), stop + 1
        return replace(context, slash=ScriptSlash.REGEXP), stop + 1
    if mark in "{}":
        return _count_brace(context, mark, slash), stop + 1
    return replace(context, slash=slash), stop + 1


def _count_brace(context: Context, mark: str, slash: ScriptSlash) -> Context:
    """Count a brace, if inside `${…}` of a template literal, which the brace that opens none ends."""
    if context.braces:
        *outer, depth = context.braces
        depth += 1 if mark == "{" else -1
        if depth < 0:
            return replace(context, state=State.JS_TEMPLATE, slash=slash, braces=tuple(outer))
        context = replace(context, braces=(*outer, depth))
    return replace(context, slash=ScriptSlash.REGEXP)


_LITERALS_MAX: Final = 100
"""Template literals within template literals."""

_TEMPLATE_STOP = re.compile(r"\\(?:.|(\Z))|(\$\{)|(`)", re.DOTALL)


def read_template(context: Context, text: str, at: int, end: int) -> tuple[Context, int]:
    for found in _TEMPLATE_STOP.finditer(text, at, end):
        if found[1] is not None:
            return failure(f"{_UNFINISHED}{go_quote(text[at:end])}"), end
        if found[2]:
            if len(context.braces) == _LITERALS_MAX:
                return failure("JS template literals nest too deeply"), end
            return replace(context, state=State.JS, braces=(*context.braces, 0)), found.end()
        if found[3]:
            return replace(context, state=State.JS), found.end()
    return context, end


_LITERAL_STOP: Final = {
    State.JS_DOUBLE: re.compile(r'\\(?:.|(\Z))|"', re.DOTALL),
    State.JS_SINGLE: re.compile(r"\\(?:.|(\Z))|'", re.DOTALL),
}
_REGEXP_STOP = re.compile(r"\\(?:.|(\Z))|[\[\]/]", re.DOTALL)


def read_string(context: Context, text: str, at: int, end: int) -> tuple[Context, int]:
    for found in _LITERAL_STOP[context.state].finditer(text, at, end):
        if found[1] is not None:
            return failure(f"{_UNFINISHED}{go_quote(text[at:end])}"), end
        if found[0][0] != "\\":
            return replace(context, state=State.JS, slash=ScriptSlash.DIVISION), found.end()
    return context, end


def read_regexp(context: Context, text: str, at: int, end: int) -> tuple[Context, int]:
    in_class = False
    for found in _REGEXP_STOP.finditer(text, at, end):
        if found[1] is not None:
            return failure(f"{_UNFINISHED}{go_quote(text[at:end])}"), end
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
