"""The grammar of Go's regular expressions (regexp/syntax with Perl flags): what is refused, in Go's words, and the rest
spelt so that RE2 reads it alike.

The two grammars differ little: RE2 knows `\\C`, words some errors otherwise, and has fewer names of Unicode classes.
"""

import re
import sys
import unicodedata
from functools import lru_cache
from typing import Final

import re2

__all__ = ["OPTIONS", "RegexError", "translate"]

OPTIONS: Final = re2.Options()
"""RE2's options as they must be everywhere: it would write every error to stderr."""
OPTIONS.log_errors = False


class RegexError(ValueError):
    """Go would not compile the pattern; the message is Go's (`error parsing regexp: …`)."""

    def __init__(self, reason: str, part: str) -> None:
        super().__init__(f"error parsing regexp: {reason}: `{part}`")


def translate(pattern: str) -> str:
    """The pattern in RE2's spelling. Raises `RegexError` if Go would not compile it."""
    reader = _Reader(pattern)
    reader.read()
    return "".join(reader.out)


_SURROGATE: Final = re.compile("[\ud800-\udfff]")
_POSIX_CLASS: Final = re.compile(
    r"\[:\^?(?:alnum|alpha|ascii|blank|cntrl|digit|graph|lower|print|punct|space|upper|word|xdigit):\]"
)
_LITERALS: Final = re.compile(r"[^()|\[*+?{\\]*")
_REPEAT: Final = re.compile(r"\{(0|[1-9][0-9]*)(?:(,)(0|[1-9][0-9]*)?)?\}")
_CAPTURE_NAME: Final = re.compile(r"[A-Za-z0-9_]+")
_HEX: Final = frozenset("0123456789abcdefABCDEF")
_REPEAT_MAX: Final = 1000
_DEPTH_MAX: Final = 1000


class _Group:
    """What the reader knows of an open bracket.

    `times`, `depth`: how often the most repeated of its items is repeated, how deep the deepest is, without the last
    item, which a repetition may still follow (`repeatable`).
    """

    __slots__ = ("depth", "items", "last_depth", "last_times", "repeatable", "times")

    def __init__(self) -> None:
        self.repeatable = False
        self.times = self.depth = self.last_times = self.last_depth = self.items = 0

    def push(self, times: int, depth: int) -> None:
        self.times, self.depth = max(self.times, self.last_times), max(self.depth, self.last_depth)
        self.last_times, self.last_depth = times, depth
        self.repeatable = True
        self.items += 1


class _Reader:
    """Reads a pattern by Go's grammar (regexp/syntax, Perl flags), raising Go's errors, writing RE2's spelling."""

    def __init__(self, pattern: str) -> None:
        self.pattern = pattern
        self.out: list[str] = []

    def read(self) -> None:
        pattern = self.pattern
        bad = _SURROGATE.search(pattern)
        if bad is not None:
            raise RegexError("invalid UTF-8", pattern)
        stack = [_Group()]
        captures: list[bool] = []
        at = 0
        repeated = -1  # where the repetition that ended just before `at` began
        while at < len(pattern):
            start = at
            group = stack[-1]
            again = -1
            c = pattern[at]
            if c == "(":
                at, opens, capture = self._bracket(at)
                if opens:
                    stack.append(_Group())
                    captures.append(capture)
            elif c == ")":
                if len(stack) == 1:
                    raise RegexError("unexpected )", pattern)
                stack.pop()
                depth = max(group.depth, group.last_depth, 1) + captures.pop()
                stack[-1].push(max(group.times, group.last_times), depth)
                at += 1
            elif c == "|":
                group.repeatable = False
                at += 1
            elif c == "[":
                at = self._class(at)
                group.push(0, 1)
                repeated = -1
                continue
            elif c in "*+?" or (c == "{" and _REPEAT.match(pattern, at)):
                at, group.last_times = self._repeat(at, repeated, group)
                group.last_depth += 1
                again = start
            elif c == "\\":
                at = self._backslash(at, group)
                repeated = -1
                continue
            else:
                at = max(at + 1, _LITERALS.match(pattern, at).end())  # type: ignore[union-attr]
                group.push(0, 1)
                if at - start > 1:
                    # Of items that are alike, all but the last stand for one.
                    group.push(0, 1)
            self.out.append(pattern[start:at])
            repeated = again
        if len(stack) > 1:
            raise RegexError("missing closing )", pattern)
        if max(stack[0].depth, stack[0].last_depth) + (stack[0].items > 1) > _DEPTH_MAX:
            raise RegexError("expression nests too deeply", pattern)

    def _bracket(self, at: int) -> tuple[int, bool, bool]:
        """After `(`: where reading goes on, whether a group was opened, whether it captures."""
        pattern = self.pattern
        if not pattern.startswith("(?", at):
            return at + 1, True, True
        left = len(pattern) - at
        if (left > 4 and pattern.startswith("P<", at + 2)) or (left > 3 and pattern.startswith("<", at + 2)):
            name_at = at + (4 if pattern[at + 2] == "P" else 3)
            end = pattern.find(">", at)
            if end < 0:
                raise RegexError("invalid named capture", pattern[at:])
            if not _CAPTURE_NAME.fullmatch(pattern, name_at, end):
                raise RegexError("invalid named capture", pattern[at : end + 1])
            return end + 1, True, True
        negated = seen = False
        for i in range(at + 2, len(pattern)):
            c = pattern[i]
            if c in "imsU":
                seen = True
            elif c == "-" and not negated:
                negated, seen = True, False
            elif c in ":)" and (seen or not negated):
                return i + 1, c == ":", False
            else:
                raise RegexError("invalid or unsupported Perl syntax", pattern[at : i + 1])
        raise RegexError("invalid or unsupported Perl syntax", pattern[at:])

    def _repeat(self, at: int, repeated: int, group: _Group) -> tuple[int, int]:
        """After a repetition operator: where reading goes on, and how often its item is now repeated at most."""
        pattern = self.pattern
        counted = _REPEAT.match(pattern, at) if pattern[at] == "{" else None
        end = counted.end() if counted else at + 1
        times = group.last_times
        most = 0
        if counted:
            least = int(counted[1]) if len(counted[1]) < 9 else _REPEAT_MAX + 1
            top = counted[3]
            most = least if not counted[2] else -1 if top is None else int(top) if len(top) < 9 else _REPEAT_MAX + 1
            if least > _REPEAT_MAX or most > _REPEAT_MAX or 0 <= most < least:
                raise RegexError("invalid repeat count", pattern[at:end])
            if most != -1 or least:
                times = max(most, least) * max(1, times)
            most = max(most, least)
        lazy = end + 1 if pattern.startswith("?", end) else end
        if repeated >= 0:
            raise RegexError("invalid nested repetition operator", pattern[repeated:lazy])
        if not group.repeatable:
            raise RegexError("missing argument to repetition operator", pattern[at:lazy])
        if most >= 2 and times > _REPEAT_MAX:
            raise RegexError("invalid repeat count", pattern[at:lazy])
        return lazy, times

    def _backslash(self, at: int, group: _Group) -> int:
        pattern = self.pattern
        c = pattern[at + 1 : at + 2]
        if c == "C":
            raise RegexError("invalid escape sequence", "\\C")
        if c == "Q":
            end = pattern.find("\\E", at + 2)
            stop = len(pattern) if end < 0 else end
            quoted = pattern[at + 2 : stop]
            if quoted:
                self.out.append(re2.escape(quoted))
                group.push(0, 1)
            return len(pattern) if end < 0 else end + 2
        if c in ("p", "P"):
            end = self._unicode_class(at, inside=False)
        else:
            end = at + 2 if c and c in "AbBzdDsSwW" else self._escape(at)[0]
            self.out.append(pattern[at:end])
        group.push(0, 1)
        return end

    def _escape(self, at: int) -> tuple[int, int]:
        """A single-character escape: where it ends, and the character's code."""
        pattern = self.pattern
        size = len(pattern)
        if at + 1 >= size:
            raise RegexError("trailing backslash at end of expression", "")
        c = pattern[at + 1]
        i = at + 2
        if c in "01234567" and (c == "0" or (i < size and pattern[i] in "01234567")):
            while i < min(at + 4, size) and pattern[i] in "01234567":
                i += 1
            return i, int(pattern[at + 1 : i], 8)
        if c == "x" and i < size:
            if pattern[i] == "{":
                i += 1
                code, digits = 0, 0
                while i < size:
                    i += 1
                    if pattern[i - 1] == "}":
                        if not digits:
                            break
                        return i, code
                    if pattern[i - 1] not in _HEX:
                        break
                    code = code * 16 + int(pattern[i - 1], 16)
                    digits += 1
                    if code > sys.maxunicode:
                        break
            else:
                i = min(i + 2, size)
                two = pattern[at + 2 : i]
                if len(two) == 2 and _HEX.issuperset(two):
                    return i, int(two, 16)
        elif c in "afnrtv":
            return i, ord({"a": "\a", "f": "\f", "n": "\n", "r": "\r", "t": "\t", "v": "\v"}[c])
        elif c.isascii() and not c.isalnum():
            return i, ord(c)
        raise RegexError("invalid escape sequence", pattern[at:i])

    def _class(self, at: int) -> int:
        """A bracketed class, written out as it is read."""
        pattern = self.pattern
        size = len(pattern)
        i = at + 2 if pattern.startswith("^", at + 1) else at + 1
        self.out.append(pattern[at:i])
        first = True
        while i >= size or pattern[i] != "]" or first:
            first = False
            if pattern.startswith("[:", i):
                end = pattern.find(":]", i + 2)
                if end >= 0:
                    if not _POSIX_CLASS.fullmatch(pattern, i, end + 2):
                        raise RegexError("invalid character class range", pattern[i : end + 2])
                    self.out.append(pattern[i : end + 2])
                    i = end + 2
                    continue
            if pattern.startswith(("\\p", "\\P"), i):
                i = self._unicode_class(i, inside=True)
                continue
            if i + 1 < size and pattern[i] == "\\" and pattern[i + 1] in "dDsSwW":
                self.out.append(pattern[i : i + 2])
                i += 2
                continue
            start = i
            i, low = self._class_char(i, at)
            high = low
            if i + 1 < size and pattern[i] == "-" and pattern[i + 1] != "]":
                i, high = self._class_char(i + 1, at)
                if high < low:
                    raise RegexError("invalid character class range", pattern[start:i])
            # Spelt as codes, since the two engines differ on where a bare `-` or `[` may stand.
            self.out.append(f"\\x{{{low:x}}}" if low == high else f"\\x{{{low:x}}}-\\x{{{high:x}}}")
        self.out.append("]")
        return i + 1

    def _class_char(self, i: int, at: int) -> tuple[int, int]:
        if i >= len(self.pattern):
            raise RegexError("missing closing ]", self.pattern[at:])
        if self.pattern[i] == "\\":
            return self._escape(i)
        return i + 1, ord(self.pattern[i])

    def _unicode_class(self, at: int, *, inside: bool) -> int:
        r"""`\pN`, `\p{Name}`, `\P{^Name}`: checked, and written with RE2's name or as ranges."""
        pattern = self.pattern
        if at + 2 >= len(pattern):
            raise RegexError("invalid character class range", pattern[at:])
        if pattern[at + 2] == "{":
            end = pattern.find("}", at)
            if end < 0:
                raise RegexError("invalid character class range", pattern[at:])
            name, end = pattern[at + 3 : end], end + 1
        else:
            name, end = pattern[at + 2], at + 3
        positive = pattern[at + 1] == "p"
        if name.startswith("^"):
            positive, name = not positive, name[1:]
        written = _unicode_name(name)
        if written is None:
            raise RegexError("invalid character class range", pattern[at:end])
        if written.startswith("{"):
            self.out.append(f"\\{'p' if positive else 'P'}{written}")
        else:
            ranges = written if positive else _complement(written)
            self.out.append(ranges if inside else f"[{ranges}]")
        return end


# Go 1.25 and later look names up without regard to case, blanks, hyphens and underscores, know long names, and count
# unassigned code points to C. What RE2 lacks of that is written as ranges, from Python's own Unicode tables.
_LONG_NAMES: Final = {
    "Closepunctuation": "Pe",
    "Cntrl": "Cc",
    "Combiningmark": "M",
    "Connectorpunctuation": "Pc",
    "Control": "Cc",
    "Currencysymbol": "Sc",
    "Dashpunctuation": "Pd",
    "Decimalnumber": "Nd",
    "Digit": "Nd",
    "Enclosingmark": "Me",
    "Finalpunctuation": "Pf",
    "Format": "Cf",
    "Initialpunctuation": "Pi",
    "Letter": "L",
    "Letternumber": "Nl",
    "Lineseparator": "Zl",
    "Lowercaseletter": "Ll",
    "Mark": "M",
    "Mathsymbol": "Sm",
    "Modifierletter": "Lm",
    "Modifiersymbol": "Sk",
    "Nonspacingmark": "Mn",
    "Number": "N",
    "Openpunctuation": "Ps",
    "Otherletter": "Lo",
    "Othernumber": "No",
    "Otherpunctuation": "Po",
    "Othersymbol": "So",
    "Paragraphseparator": "Zp",
    "Privateuse": "Co",
    "Punct": "P",
    "Punctuation": "P",
    "Separator": "Z",
    "Spaceseparator": "Zs",
    "Spacingmark": "Mc",
    "Surrogate": "Cs",
    "Symbol": "S",
    "Titlecaseletter": "Lt",
    "Uppercaseletter": "Lu",
}
_NOT_IN_RE2: Final = {
    "Ascii": "",
    "Assigned": "",
    "C": "C",
    "Casedletter": "Lu Ll Lt",
    "Cn": "Cn",
    "Lc": "Lu Ll Lt",
    "Other": "C",
    "Unassigned": "Cn",
}


@lru_cache(maxsize=256)
def _unicode_name(name: str) -> str | None:
    """RE2's `{Name}` for a Unicode class, or ranges for the inside of a bracketed class, or None if there is none."""
    if not name.isascii():
        return None
    loose = re.sub("[ _-]", "", name).capitalize()
    if loose in _NOT_IN_RE2:
        return _ranges(loose)
    for spelling in (_LONG_NAMES.get(loose, loose), "_".join(p.capitalize() for p in re.split("[ _-]", name))):
        try:
            re2.compile(f"\\p{{{spelling}}}", OPTIONS)
        except re2.error:
            continue
        return f"{{{spelling}}}"
    return None


def _ranges(loose: str) -> str:
    if loose == "Ascii":
        return "\\x{0}-\\x{7f}"
    if loose == "Assigned":
        return _complement(_ranges("Cn"))
    wanted = tuple(_NOT_IN_RE2[loose].split())
    return _spell([c for c in range(sys.maxunicode + 1) if unicodedata.category(chr(c)).startswith(wanted)])


def _spell(codes: list[int]) -> str:
    out = []
    first = 0
    for i, code in enumerate(codes):
        if i + 1 == len(codes) or codes[i + 1] != code + 1:
            out.append(f"\\x{{{codes[first]:x}}}-\\x{{{code:x}}}")
            first = i + 1
    return "".join(out)


def _complement(ranges: str) -> str:
    bounds = [int(code, 16) for code in re.findall(r"\{([0-9a-f]+)\}", ranges)]
    edges = [-1, *bounds, sys.maxunicode + 1]
    pairs = [(low + 1, high - 1) for low, high in zip(edges[::2], edges[1::2], strict=True)]
    return "".join(f"\\x{{{low:x}}}-\\x{{{high:x}}}" for low, high in pairs if low <= high)
