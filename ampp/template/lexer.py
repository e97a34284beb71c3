"""Template text → tokens, by Go's rules for delimiters, trim markers, comments and what may follow what."""

import re
from bisect import bisect_right
from enum import Enum, auto
from typing import Final, NamedTuple

from ampp.core.quote import go_quote

__all__ = ["Kind", "Token", "tokenize"]


class Kind(Enum):
    """Kinds of token. Those with a lower-case value are keywords."""

    ERROR = auto()
    EOF = auto()
    TEXT = auto()
    LEFT = auto()
    RIGHT = auto()
    SPACE = auto()
    FIELD = auto()
    IDENTIFIER = auto()
    VARIABLE = auto()
    BOOL = auto()
    CHARACTER = auto()
    CONSTANT = auto()
    NUMBER = auto()
    COMPLEX = auto()
    STRING = auto()
    RAW = auto()
    ASSIGN = auto()
    DECLARE = auto()
    PIPE = auto()
    OPEN = auto()
    CLOSE = auto()
    DOT = "."
    BLOCK = "block"
    BREAK = "break"
    CONTINUE = "continue"
    DEFINE = "define"
    ELSE = "else"
    END = "end"
    IF = "if"
    NIL = "nil"
    RANGE = "range"
    TEMPLATE = "template"
    WITH = "with"


class Token(NamedTuple):
    """kind, index of its first character, its text (the message of an ERROR), the line it starts on."""

    kind: Kind
    pos: int
    value: str
    line: int

    def __str__(self) -> str:
        if self.kind in (Kind.EOF, Kind.ERROR):
            return self.value
        if isinstance(self.kind.value, str):
            return f"<{self.value}>"
        if len(self.value.encode("utf-8", "surrogateescape")) > 10:
            return f"{go_quote(self.value[:10])}..."
        return go_quote(self.value)


_KEYWORDS: Final = {kind.value: kind for kind in Kind if isinstance(kind.value, str)}
_SPACES: Final = " \t\r\n"
_TERMINATORS: Final = frozenset(" \t\r\n.,|:)(")
_DIGITS: Final = {
    "": re.compile(r"[0-9_]*(?:\.[0-9_]*)?(?:[eE][+-]?[0-9_]*)?i?"),
    "x": re.compile(r"[0-9a-fA-F_]*(?:\.[0-9a-fA-F_]*)?(?:[pP][+-]?[0-9_]*)?i?"),
    "o": re.compile(r"[0-7_]*(?:\.[0-7_]*)?i?"),
    "b": re.compile(r"[01_]*(?:\.[01_]*)?i?"),
}
_QUOTED: Final = {
    '"': (re.compile(r'"(?:[^"\\\n]|\\[^\n])*"', re.DOTALL), Kind.STRING, "unterminated quoted string"),
    "'": (re.compile(r"'(?:[^'\\\n]|\\[^\n])*'", re.DOTALL), Kind.CONSTANT, "unterminated character constant"),
    "`": (re.compile(r"`[^`]*`"), Kind.RAW, "unterminated raw quoted string"),
}
_SINGLES: Final = {"=": Kind.ASSIGN, "|": Kind.PIPE}


class _LexError(Exception):
    def __init__(self, message: str, pos: int) -> None:
        super().__init__(message)
        self.pos = pos


def tokenize(text: str) -> list[Token]:
    """All tokens of a template; the last one is EOF or, where the text is not well-formed, ERROR with Go's message."""
    lexer = _Lexer(text)
    try:
        lexer.run()
    except _LexError as error:
        lexer.emit(Kind.ERROR, error.pos, str(error))
    return lexer.tokens


class _Lexer:
    def __init__(self, text: str) -> None:
        self.text = text
        self.tokens: list[Token] = []
        self.newlines = [match.start() for match in re.finditer("\n", text)]

    def emit(self, kind: Kind, pos: int, value: str) -> None:
        self.tokens.append(Token(kind, pos, value, 1 + bisect_right(self.newlines, pos - 1)))

    def run(self) -> None:
        text, at = self.text, 0
        while True:
            left = text.find("{{", at)
            if left < 0:
                break
            inside = left + 2
            trim = text[inside : inside + 1] == "-" and text[inside + 1 : inside + 2] in _SPACES_SET
            literal = text[at:left].rstrip(_SPACES) if trim else text[at:left]
            if literal:
                self.emit(Kind.TEXT, at, literal)
            if trim:
                inside += 2
            if text.startswith("/*", inside):
                at = self._comment(inside)
                continue
            self.emit(Kind.LEFT, left, "{{")
            at = self._action(inside)
        if at < len(text):
            self.emit(Kind.TEXT, at, text[at:])
        self.emit(Kind.EOF, len(text), "EOF")

    def _right(self, at: int) -> int:
        """Length of the right delimiter with its trim marker at `at`: 0, 2 or 4."""
        text = self.text
        if text.startswith("}}", at):
            return 2
        if text.startswith("-}}", at + 1) and text[at] in _SPACES_SET:
            return 4
        return 0

    def _after(self, at: int, length: int) -> int:
        end = at + length
        if length == 4:
            while self.text[end : end + 1] in _SPACES_SET:
                end += 1
        return end

    def _comment(self, at: int) -> int:
        end = self.text.find("*/", at + 2)
        if end < 0:
            raise _LexError("unclosed comment", at)
        length = self._right(end + 2)
        if not length:
            raise _LexError("comment ends before closing delimiter", at)
        return self._after(end + 2, length)

    def _action(self, at: int) -> int:
        text, depth = self.text, 0
        while True:
            length = self._right(at)
            if length:
                if depth:
                    raise _LexError("unclosed left paren", at)
                self.emit(Kind.RIGHT, at + length - 2, "}}")
                return self._after(at, length)
            if at >= len(text):
                raise _LexError("unclosed action", at)
            c = text[at]
            if c in _SPACES_SET:
                at = self._space(at)
            elif c in _QUOTED:
                at = self._quoted(at, *_QUOTED[c])
            elif c == "$" or (c == "." and not "0" <= text[at + 1 : at + 2] <= "9"):
                at = self._field(at, Kind.VARIABLE if c == "$" else Kind.FIELD)
            elif c in "+-." or "0" <= c <= "9":
                at = self._number(at)
            elif _is_word(c):
                at = self._identifier(at)
            elif c == ":":
                if text[at + 1 : at + 2] != "=":
                    raise _LexError("expected :=", at)
                self.emit(Kind.DECLARE, at, ":=")
                at += 2
            elif c == "(":
                depth += 1
                self.emit(Kind.OPEN, at, c)
                at += 1
            elif c == ")":
                depth -= 1
                if depth < 0:
                    raise _LexError("unexpected right paren", at)
                self.emit(Kind.CLOSE, at, c)
                at += 1
            elif " " <= c <= "~":
                self.emit(_SINGLES.get(c, Kind.CHARACTER), at, c)
                at += 1
            else:
                raise _LexError(f"unrecognized character in action: {_unicode(c)}", at)

    def _space(self, at: int) -> int:
        end = at
        while self.text[end : end + 1] in _SPACES_SET:
            end += 1
        if self.text.startswith("-}}", end):
            end -= 1
            if end == at:
                return at
        self.emit(Kind.SPACE, at, self.text[at:end])
        return end

    def _quoted(self, at: int, pattern: "re.Pattern[str]", kind: Kind, complaint: str) -> int:
        match = pattern.match(self.text, at)
        if match is None:
            raise _LexError(complaint, at)
        self.emit(kind, at, match[0])
        return match.end()

    def _field(self, at: int, kind: Kind) -> int:
        end = self._word_end(at + 1)
        if end == at + 1 and kind is Kind.FIELD:
            kind = Kind.DOT
        self.emit(kind, at, self.text[at:end])
        return end

    def _identifier(self, at: int) -> int:
        end = self._word_end(at)
        word = self.text[at:end]
        kind = _KEYWORDS.get(word) or (Kind.BOOL if word in ("true", "false") else Kind.IDENTIFIER)
        self.emit(kind, at, word)
        return end

    def _word_end(self, start: int) -> int:
        """The end of the letters and digits from `start`, after which only a terminator may stand."""
        text, end = self.text, start
        while end < len(text) and _is_word(text[end]):
            end += 1
        if end < len(text) and text[end] not in _TERMINATORS and not text.startswith("}}", end):
            raise _LexError(f"bad character {_unicode(text[end])}", start - (text[start - 1] in ".$"))
        return end

    def _number(self, at: int) -> int:
        end, good = self._scan(at)
        kind = Kind.NUMBER
        if good and self.text[end : end + 1] in ("+", "-"):
            end, good = self._scan(end)
            good = good and self.text[end - 1] == "i"
            kind = Kind.COMPLEX
        if not good:
            raise _LexError(f"bad number syntax: {go_quote(self.text[at:end])}", at)
        self.emit(kind, at, self.text[at:end])
        return end

    def _scan(self, at: int) -> tuple[int, bool]:
        text = self.text
        if text[at] in "+-":
            at += 1
        base = ""
        if text[at : at + 1] == "0" and text[at + 1 : at + 2].lower() in ("x", "o", "b"):
            base = text[at + 1].lower()
            at += 2
        match = _DIGITS[base].match(text, at)
        end = match.end() if match else at
        if end < len(text) and _is_word(text[end]):
            return end + 1, False
        return end, True


_SPACES_SET: Final = frozenset(_SPACES)


def _is_word(c: str) -> bool:
    """Go's letters, decimal digits and the underscore."""
    return c == "_" or c.isalpha() or c.isdecimal()


def _unicode(c: str) -> str:
    code = ord(c)
    if 0xDC80 <= code <= 0xDCFF:
        code, c = 0xFFFD, "�"
    return f"U+{code:04X} '{c}'" if c.isprintable() else f"U+{code:04X}"
