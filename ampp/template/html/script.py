"""JavaScript: text made fit for strings, template literals and regular expressions, and what a slash would begin."""

from __future__ import annotations

import re
from typing import Final

from ampp.template.html.context import ScriptSlash

__all__ = [
    "escape_regexp",
    "escape_string",
    "escape_template",
    "is_script_type",
    "slash_after",
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


def slash_after(script: str, before: ScriptSlash) -> ScriptSlash:
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
