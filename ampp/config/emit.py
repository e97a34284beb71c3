"""Plain data to YAML text, byte for byte as Go's yaml.v2 writes it.

The API shows the running configuration in this form, tools read it back, and people diff it. What makes the form its
own: lists under a key are not indented, a string is quoted only where it would read as something else, lines break at
spaces beyond column 80, characters beyond the basic plane are written as escapes in double quotes.
"""

from collections.abc import Sequence
from typing import Any, Final, TypeAlias

import msgspec

from ampp.config.scalar import STR, is_base60, resolve

__all__ = ["Flow", "Map", "Tree", "emit", "go_float"]

Tree: TypeAlias = Any
"""None, bool, int, float, str, a sequence (list), or a `Map`; `Flow` for a list on one line."""

_WIDTH: Final = 80
_LONGEST_KEY: Final = 128


class Map(msgspec.Struct, frozen=True):
    """A mapping in the order in which it is to be written."""

    items: list[tuple[Tree, Tree]]


class Flow(msgspec.Struct, frozen=True):
    """A list written in brackets."""

    items: Sequence[Tree]


def emit(tree: Tree) -> str:
    """The document, with a newline at its end."""
    writer = _Writer()
    writer.node(tree, 0)
    writer.line_end()
    return "".join(writer.out)


class _Writer:
    """Text under construction. `column` counts characters on the current line; `fresh` means only blanks stand there
    (so that a block may begin on it); `spaced` means the last character allows a token to follow at once."""

    def __init__(self) -> None:
        self.out: list[str] = []
        self.column = 0
        self.fresh = True
        self.spaced = True

    def put(self, text: str) -> None:
        self.out.append(text)
        self.column += len(text)

    def newline(self) -> None:
        self.out.append("\n")
        self.column = 0

    def line_end(self) -> None:
        if self.column:
            self.newline()

    def indent(self, to: int) -> None:
        """Go to column `to`, on the next line unless nothing but blanks up to there stands on this one."""
        if not self.fresh or self.column > to or (self.column == to and not self.spaced):
            self.newline()
        if self.column < to:
            self.put(" " * (to - self.column))
        self.fresh = self.spaced = True

    def indicator(self, text: str, *, space: bool = True, spaced: bool = False, fresh: bool = False) -> None:
        if space and not self.spaced:
            self.put(" ")
        self.put(text)
        self.spaced = spaced
        self.fresh = self.fresh and fresh

    def node(self, tree: Tree, indent: int) -> None:
        """Write a node whose block, if it is one, stands at column `indent`."""
        if isinstance(tree, Map):
            if tree.items:
                self.mapping(tree, indent)
            else:
                self.indicator("{")
                self.indicator("}", space=False)
        elif isinstance(tree, Flow):
            self.flow(tree, indent)
        elif isinstance(tree, (list, tuple)):
            if tree:
                self.sequence(tree, indent)
            else:
                self.indicator("[")
                self.indicator("]", space=False)
        else:
            self.scalar(tree, indent)

    def mapping(self, tree: Map, indent: int) -> None:
        for key, value in tree.items:
            self.indent(indent)
            text, plain = _plain(key)
            simple = _no_break(text) and len(text.encode()) <= _LONGEST_KEY
            if simple:
                self.styled(text, plain, indent + 2, key=True)
                self.indicator(":", space=False)
            else:
                self.indicator("?", fresh=True)
                self.styled(text, plain, indent + 2)
                self.indent(indent)
                self.indicator(":", fresh=True)
            flush = simple and isinstance(value, (list, tuple))
            self.node(value, indent if flush else indent + 2)

    def sequence(self, items: Sequence[Tree], indent: int) -> None:
        for item in items:
            self.indent(indent)
            self.indicator("-", fresh=True)
            self.node(item, indent + 2)

    def flow(self, tree: Flow, indent: int) -> None:
        self.indicator("[", spaced=True)
        for i, item in enumerate(tree.items):
            if i:
                self.indicator(",", space=False)
            if self.column > _WIDTH:
                self.indent(indent)
            text, plain = _plain(item)
            self.styled(text, plain, indent + 2, flow=True)
        self.indicator("]", space=False)

    def scalar(self, value: Any, indent: int) -> None:
        text, plain = _plain(value)
        self.styled(text, plain, indent)

    def styled(self, text: str, plain: bool, indent: int, *, key: bool = False, flow: bool = False) -> None:
        allowed = _analyse(text)
        if "\n" in text:
            style = "|"
        elif plain:
            style = ""
        else:
            style = '"'
        if style == "" and (not (allowed.flow_plain if flow else allowed.plain) or (not text and (flow or key))):
            style = "'"
        if style == "'" and not allowed.single:
            style = '"'
        if style == "|" and (not allowed.block or flow or key):
            style = '"'
        if style == "|":
            self.literal(text, indent)
        elif style == '"':
            self.double(text, indent, wrap=not key)
        else:
            self.words(text, style, indent, wrap=not key)

    def words(self, text: str, quote: str, indent: int, *, wrap: bool) -> None:
        """A plain or single-quoted scalar on one line, broken at single spaces beyond the width.

        Line separators other than the newline stay as they are, and what follows them is indented.
        """
        if quote:
            self.indicator(quote)
        elif not self.spaced:
            self.put(" ")
        last = len(text) - 1
        spaces = broken = False
        for i, char in enumerate(text):
            if char == " ":
                inner = not quote or 0 < i < last
                if wrap and not spaces and self.column > _WIDTH and inner and text[i + 1 : i + 2] != " ":
                    self.indent(indent)
                else:
                    self.put(char)
                spaces = True
            elif char in _BREAKS:
                self.out.append(char)
                self.column = 0
                self.fresh = broken = True
            else:
                if broken:
                    self.indent(indent)
                self.put("''" if char == "'" and quote else char)
                self.fresh = spaces = broken = False
        self.spaced = self.fresh = False
        if quote:
            self.indicator(quote, space=False)

    def double(self, text: str, indent: int, *, wrap: bool) -> None:
        self.indicator('"')
        last = len(text) - 1
        spaces = False
        marked = text.startswith("\ufeff")  # then yaml.v2 takes every character for a byte order mark
        for i, char in enumerate(text):
            if marked or char in _ESCAPES or not _printable(char):
                self.put(_escape(char))
                spaces = False
            elif char == " ":
                if wrap and not spaces and self.column > _WIDTH and 0 < i < last:
                    self.indent(indent)
                    if text[i + 1] == " ":
                        self.put("\\")
                else:
                    self.put(char)
                spaces = True
            else:
                self.put(char)
                spaces = False
        self.indicator('"', space=False)
        self.spaced = self.fresh = False

    def literal(self, text: str, indent: int) -> None:
        self.indicator("|")
        hint = "2" if text[0] in " \n\x85\u2028\u2029" else ""
        body = text.rstrip(_BREAKS)
        ends = len(text) - len(body)
        hint += "-" if not ends else "+" if ends > 1 or not body else ""
        self.put(hint)
        self.newline()
        start = True
        for char in text:
            if char in _BREAKS:
                if char == "\n":
                    self.newline()
                else:
                    self.out.append(char)
                    self.column = 0
                start = True
            else:
                if start:
                    self.put(" " * indent)
                    start = False
                self.put(char)
        self.fresh = start
        self.spaced = True


class _Allowed(msgspec.Struct, frozen=True):
    plain: bool
    flow_plain: bool
    single: bool
    block: bool


_EMPTY: Final = _Allowed(plain=True, flow_plain=False, single=True, block=False)
_BREAKS: Final = "\r\n\x85\u2028\u2029"
_FIRST: Final = frozenset("#,[]{}&*!|>'\"%@`")
_SAFE: Final = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_./$<=+()~;^")
_SIMPLE: Final = _Allowed(plain=True, flow_plain=True, single=True, block=True)


def _analyse(text: str) -> _Allowed:
    """Which styles can hold the text (libyaml's rules)."""
    if not text:
        return _EMPTY
    if _SAFE.issuperset(text) and not text.startswith("..."):
        return _SIMPLE
    block = flow = text.startswith(("---", "..."))
    special = breaks = space_break = break_space = False
    before_blank = True
    was_space = was_break = False
    for i, char in enumerate(text):
        after = text[i + 1 : i + 2]
        after_blank = not after or after in " \t"
        if i == 0:
            if char in _FIRST:
                block = flow = True
            elif char in "?:":
                flow = True
                block = block or after_blank
            elif char == "-" and after_blank:
                block = flow = True
        elif char in ",?[]{}":
            flow = True
        elif char == ":":
            flow = True
            block = block or after_blank
        elif char == "#" and before_blank:
            block = flow = True
        special = special or not _printable(char)
        if char == " ":
            break_space = break_space or was_break
            was_space, was_break = True, False
        elif char in _BREAKS:
            breaks = True
            space_break = space_break or was_space
            was_space, was_break = False, True
        else:
            was_space = was_break = False
        before_blank = char in " \t" or char in _BREAKS
    edges = text[0] in " " + _BREAKS or text[-1] in " " + _BREAKS
    plain = not (edges or break_space or space_break or special or breaks)
    return _Allowed(
        plain=plain and not block,
        flow_plain=plain and not flow,
        single=not (break_space or space_break or special),
        block=not (text[-1] == " " or space_break or special),
    )


def _no_break(text: str) -> bool:
    return not any(char in _BREAKS for char in text)


def _printable(char: str) -> bool:
    code = ord(char)
    return (
        0x20 <= code <= 0x7E
        or code == 0x0A
        or (0xA0 <= code <= 0xD7FF)
        or (0xE000 <= code <= 0xFFFD and code != 0xFEFF)
    )


_ESCAPES: Final = {
    "\0": "0",
    "\a": "a",
    "\b": "b",
    "\t": "t",
    "\n": "n",
    "\v": "v",
    "\f": "f",
    "\r": "r",
    "\x1b": "e",
    '"': '"',
    "\\": "\\",
    "\x85": "N",
    "\u2028": "L",
    "\u2029": "P",
}


def _escape(char: str) -> str:
    short = _ESCAPES.get(char)
    if short is not None:
        return "\\" + short
    if char == "\xa0":  # printable, so written this way only where every character is
        return "\\_"
    code = ord(char)
    return f"\\x{code:02X}" if code <= 0xFF else f"\\u{code:04X}" if code <= 0xFFFF else f"\\U{code:08X}"


def _plain(value: Any) -> tuple[str, bool]:
    """The text of a scalar, and whether it may stand unquoted and still mean the same."""
    if value is None:
        return "null", True
    if value is True or value is False:
        return ("true" if value else "false"), True
    if isinstance(value, int):
        return str(value), True
    if isinstance(value, float):
        return go_float(value), True
    return value, resolve(None, value)[0] == STR and not is_base60(value)


def go_float(value: float) -> str:
    """A float as Go's 'g' format with the shortest digits that read back the same."""
    if value != value:
        return ".nan"
    if value in (float("inf"), float("-inf")):
        return ".inf" if value > 0 else "-.inf"
    digits, _, exponent = f"{value!r}".partition("e")
    mantissa = digits.lstrip("-").replace(".", "")
    if exponent:
        power = int(exponent)
    else:
        whole, _, _ = digits.lstrip("-").partition(".")
        stripped = mantissa.lstrip("0")
        power = len(whole) - 1 if whole != "0" else -(len(mantissa) - len(stripped)) if stripped else 0
    sign = "-" if digits.startswith("-") else ""
    figures = mantissa.strip("0") or "0"
    if -4 <= power < 6:
        return sign + f"{abs(value):.{max(len(figures) - 1 - power, 0)}f}"
    tail = "." + figures[1:] if len(figures) > 1 else ""
    return f"{sign}{figures[0]}{tail}e{'-' if power < 0 else '+'}{abs(power):02d}"
