"""Matchers: `name op "value"`, their two grammars, canonical text, order, and matching.

Upstream has two parsers. The classic one takes identifiers for names and forgives much; the UTF-8 one takes any name
and is strict. The default mode, fallback, runs both: where they disagree the classic reading wins and a warning is
returned. Errors are `MatcherError` with upstream's text.
"""

import re
from collections.abc import Callable, Iterable, Mapping
from enum import Enum
from functools import cached_property
from typing import Final, NoReturn

import msgspec

from ampp.core.quote import GoUnquoteError, go_quote, go_unquote
from ampp.core.regex import RegexError, anchored, choices

__all__ = [
    "Matcher",
    "MatcherError",
    "Mode",
    "Op",
    "Parsed",
    "format_matchers",
    "make_matcher",
    "matches_all",
    "parse_matcher",
    "parse_matchers",
    "sort_matchers",
]


class Mode(Enum):
    """Which matcher grammar and label-name rule hold: classic-mode, utf8-strict-mode, or by default a mix of both."""

    CLASSIC = "classic"
    UTF8 = "utf8"
    FALLBACK = "fallback"


class Op(Enum):
    """How a matcher compares. Regular expressions match the whole value."""

    EQ = "="
    NE = "!="
    RE = "=~"
    NRE = "!~"


class MatcherError(ValueError):
    """The text is no matcher, or its regular expression does not compile; the message is upstream's."""


_RANK: Final = {op: rank for rank, op in enumerate(Op)}
_OPS: Final = {op.value: op for op in Op}
# Go's unicode.IsSpace, which is not Python's str.isspace (that adds the separators 1C to 1F).
_SPACE: Final = (
    "\t\n\v\f\r \x85\xa0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a"
    "\u2028\u2029\u202f\u205f\u3000"
)
_RESERVED_CLASS: Final = "[" + re.escape(_SPACE + "{}!=~,\\\"'`") + "]"
_RESERVED: Final = re.compile(_RESERVED_CLASS)
_SURROGATE: Final = re.compile("[\ud800-\udfff]")


class Matcher(msgspec.Struct, frozen=True, dict=True):
    """One condition on one label; an absent label counts as the empty value.

    Making one with a bad regular expression succeeds (records are read back without compiling anything); use
    `make_matcher` for what comes from outside.
    """

    name: str
    op: Op
    value: str

    @cached_property
    def test(self) -> Callable[[str], bool]:
        """The comparison as a function of the label's value: the quick way to ask often."""
        op = self.op
        if op is Op.EQ:
            return self.value.__eq__
        if op is Op.NE:
            return self.value.__ne__
        values = choices(self.value)
        matches = anchored(self.value).test if values is None else values.__contains__
        if op is Op.RE:
            return matches
        return lambda value: not matches(value)

    def matches(self, value: str) -> bool:
        """Whether the label value `value` (empty if the label is absent) fulfils this matcher."""
        return self.test(value)

    def __str__(self) -> str:
        if _RESERVED.search(self.name):
            return f"{go_quote(self.name)}{self.op.value}{go_quote(self.value)}"
        value = self.value.replace("\\", "\\\\").replace("\n", "\\n").replace('"', '\\"')
        return f'{self.name}{self.op.value}"{value}"'


class Parsed(msgspec.Struct, frozen=True):
    """What a text means: matchers in source order, and what its author should be told."""

    matchers: tuple[Matcher, ...]
    warnings: tuple[str, ...] = ()


def make_matcher(name: str, op: Op, value: str) -> Matcher:
    """A matcher whose regular expression, if it is one, is known to compile; else raises `MatcherError`."""
    if op is Op.RE or op is Op.NRE:
        try:
            anchored(value)
        except RegexError as error:
            raise MatcherError(str(error)) from error
    return Matcher(name, op, value)


def format_matchers(matchers: Iterable[Matcher]) -> str:
    """`{a="b",c=~"d"}`, in the order given."""
    return "{" + ",".join(map(str, matchers)) + "}"


def sort_matchers(matchers: Iterable[Matcher]) -> tuple[Matcher, ...]:
    """By name, then value, then operator: the order of matchers in a configuration."""
    return tuple(sorted(matchers, key=lambda m: (m.name, m.value, _RANK[m.op])))


def matches_all(matchers: Iterable[Matcher], labels: Mapping[str, str]) -> bool:
    """Whether the label set fulfils every matcher; true if there are none."""
    get = labels.get
    for matcher in matchers:  # noqa: SIM110 (a generator would double the cost)
        if not matcher.test(get(matcher.name, "")):
            return False
    return True


def parse_matchers(text: str, mode: Mode) -> Parsed:
    """Zero or more matchers, as in one item of a configuration's `matchers` list. Raises `MatcherError`."""
    if mode is Mode.CLASSIC:
        return Parsed(_classic_list(text))
    if mode is Mode.UTF8:
        return Parsed(_Utf8(text).parse())
    return _both(text, _Utf8.parse, _classic_list)


def parse_matcher(text: str, mode: Mode) -> Parsed:
    """Exactly one matcher, as in an API `filter` parameter or an amtool argument. Raises `MatcherError`."""
    if mode is Mode.CLASSIC:
        return Parsed((_classic(text),))
    if text.startswith("{") or text.endswith("}"):
        raise MatcherError(f"unexpected open or close brace: {text}")
    if mode is Mode.UTF8:
        return Parsed(_Utf8(text).parse_one())
    return _both(text, _Utf8.parse_one, lambda text: (_classic(text),))


def _both(
    text: str,
    utf8: Callable[["_Utf8"], tuple[Matcher, ...]],
    classic: Callable[[str], tuple[Matcher, ...]],
) -> Parsed:
    try:
        new = utf8(_Utf8(text))
    except MatcherError as error:
        old = classic(text)
        suggestion = ",".join(map(str, old))
        return Parsed(old, (_incompatible(text, str(error), suggestion),))
    try:
        old = classic(text)
    except MatcherError:
        return Parsed(new)
    # An input without matchers counts as a disagreement upstream (a nil list is not an empty one).
    if old != new or not old:
        return Parsed(old, (f"Matchers input has disagreement: input={go_quote(text)}",))
    return Parsed(new)


def _incompatible(text: str, error: str, suggestion: str) -> str:
    return (
        "Matchers input is incompatible with the UTF-8 matchers parser that is to replace the classic one; the classic "
        "reading was used. Put values and regular expressions in double quotes and escape backslashes: "
        f"input={go_quote(text)} err={go_quote(error)} suggestion={go_quote(suggestion)}"
    )


# The classic grammar.

_CLASSIC_SPACE: Final = "\t\n\f\r "
_CLASSIC_HEAD: Final = re.compile(r"[\t\n\f\r ]*([a-zA-Z_:][a-zA-Z0-9_:]*)[\t\n\f\r ]*(=~|=|!=|!~)[\t\n\f\r ]*")


def _classic_list(text: str) -> tuple[Matcher, ...]:
    text = _SURROGATE.sub("\ufffd", text.removeprefix("{").removesuffix("}"))
    pieces = []
    start = 0
    quoted = escaped = False
    for at, c in enumerate(text):
        if c == ",":
            # A comma does not end an escape: in `a=\,"b"` the quote counts as escaped, as it does upstream.
            if not quoted:
                pieces.append(text[start:at])
                start = at + 1
        elif c == '"' and not escaped:
            quoted = not quoted
        elif c == "\\":
            escaped = not escaped
        else:
            escaped = False
    last = text[start:].strip(_SPACE)
    if last:
        pieces.append(last)
    return tuple([_classic(piece) for piece in pieces])


def _classic(text: str) -> Matcher:
    head = _CLASSIC_HEAD.match(text)
    if head is None:
        raise MatcherError(f"bad matcher format: {text}")
    raw = text[head.end() :].rstrip(_CLASSIC_SPACE)
    quoted = raw.startswith('"')
    inner = raw[1:] if quoted else raw
    if _SURROGATE.search(inner):
        raise MatcherError(f"matcher value not valid UTF-8: {raw}")
    value = []
    escaped = closed = False
    last = len(inner) - 1
    for at, c in enumerate(inner):
        if escaped:
            escaped = False
            value.append("\n" if c == "n" else c if c in '"\\' else "\\" + c)
        elif c == "\\" and at < last:
            escaped = True
        elif c == '"':
            if not quoted or at < last:
                raise MatcherError(f"matcher value contains unescaped double quote: {raw}")
            closed = True
        else:
            value.append(c)
    if quoted and not closed:
        raise MatcherError(f"matcher value contains unescaped double quote: {raw}")
    return make_matcher(head[1], _OPS[head[2]], "".join(value))


# The UTF-8 grammar. Positions in its messages are 0-based columns, `start:end`.

_END: Final = ""
_TOKEN: Final = re.compile(
    rf"(?P<punct>[{{}},])|(?P<op>=~|=|!=|!~)|(?P<quoted>\"(?:[^\\\"]|\\.)*\")"
    rf"|(?P<bare>(?:(?!{_RESERVED_CLASS}).)+)",
    re.DOTALL,
)
_SPACES: Final = re.compile(f"[{_SPACE}]*")
_EOF: Final = "end of input"


class _Token(msgspec.Struct, frozen=True):
    """`kind` is a punctuation mark itself, or `op`, `quoted`, `bare`, or empty at the end."""

    kind: str
    text: str
    start: int
    end: int


class _Utf8:
    """One reading of one text. `at` is where the last token taken ended."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.at = 0

    def parse_one(self) -> tuple[Matcher, ...]:
        matchers = self.parse()
        if not matchers:
            raise MatcherError("no matchers")
        if len(matchers) > 1:
            raise MatcherError(f"expected 1 matcher, found {len(matchers)}")
        return matchers

    def parse(self) -> tuple[Matcher, ...]:
        matchers: list[Matcher] = []
        token = self._peek()
        if token.kind == _END:
            return ()
        braced = token.kind == "{"
        if braced:
            self.at = token.end
            token = self._peek()
        while token.kind not in ("}", _END) or (not matchers and token.kind == _END and not braced):
            matchers.append(self._matcher())
            token = self._peek(" a comma or close brace", {",", "}", _END})
            if token.kind != ",":
                break
            self.at = token.end
            token = self._peek(" a matcher or close brace after comma", {"}", "bare", "quoted", _END})
        self._close(braced)
        try:
            token = self._peek()
        except MatcherError as error:
            raise MatcherError(f"{error}: expected end of input") from error
        if token.kind != _END:
            raise MatcherError(f"{token.start}:{token.end}: {token.text}: expected end of input")
        return tuple(matchers)

    def _close(self, braced: bool) -> None:
        token = self._peek()
        if braced and token.kind == _END:
            raise MatcherError(f"0:{self.at}: {_EOF}: expected close brace")
        if not braced and token.kind == "}":
            raise MatcherError(f"0:{token.end}: }}: expected opening brace")
        self.at = token.end if braced else self.at

    def _matcher(self) -> Matcher:
        name = self._text(" label name")
        op = self._take(" an operator such as '=', '!=', '=~' or '!~'", {"op"})
        value = self._text(" label value")
        try:
            return make_matcher(name, _OPS[op.text], value)
        except MatcherError as error:
            raise MatcherError(f"failed to create matcher: {error}") from error

    def _text(self, expected: str) -> str:
        token = self._take(expected, {"bare", "quoted"})
        if token.kind == "bare":
            return token.text
        try:
            return go_unquote(token.text[1:-1])
        except GoUnquoteError as error:
            raise MatcherError(f"{token.start}:{token.end}: {token.text}: invalid input") from error

    def _take(self, expected: str, kinds: set[str]) -> _Token:
        token = self._peek(expected, kinds)
        self.at = token.end
        return token

    def _peek(self, expected: str = "", kinds: set[str] | None = None) -> _Token:
        """The next token; with `kinds`, raises unless it is of one of them, saying what was `expected`."""
        try:
            token = self._scan()
            if kinds is not None and token.kind not in kinds:
                raise MatcherError(
                    _EOF if token.kind == _END else f"{token.start}:{token.end}: unexpected {token.text}"
                )
        except MatcherError as error:
            if not expected:
                raise
            raise MatcherError(f"{error}: expected{expected}") from error
        return token

    def _scan(self) -> _Token:
        spaces = _SPACES.match(self.text, self.at)
        start = spaces.end() if spaces else self.at
        if start == len(self.text):
            return _Token(_END, "", self.at, self.at)
        match = _TOKEN.match(self.text, start)
        if match is None:
            self._bad_token(start)
        kind = match.lastgroup or ""
        return _Token(match[0] if kind == "punct" else kind, match[0], start, match.end())

    def _bad_token(self, start: int) -> NoReturn:
        c = self.text[start]
        size = len(self.text)
        if c == '"':
            raise MatcherError(f'{start}:{size}: {self.text[start:]}: missing end "')
        if c == "!" and start + 1 == size:
            raise MatcherError(f"{start}:{start + 1}: unexpected end of input, expected one of '=~'")
        if c == "!":
            raise MatcherError(f"{start}:{start + 1}: !: expected one of '=~'")
        raise MatcherError(f"{start}:{start + 1}: {c}: invalid input")
