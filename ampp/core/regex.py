"""Go's regular expressions, on RE2.

Both engines are of one family and match alike; they differ in corners of syntax and in their messages, which
`ampp.core.syntax` evens out.

A call into RE2 costs microseconds, a dictionary less than a tenth of one, and labels repeat their values: answers are
remembered per pattern, bounded for all patterns together. Patterns that are plain alternatives (`a|b|c`) never reach
RE2 at all.
"""

import re
from functools import lru_cache
from typing import Any, Final
from weakref import WeakValueDictionary

import re2

from ampp.core.syntax import OPTIONS, RegexError, translate

__all__ = ["Regex", "RegexError", "anchored", "check", "checked", "choices", "program"]

_LARGE_OPTIONS: Final = re2.Options()
_LARGE_OPTIONS.log_errors = False
_LARGE_OPTIONS.max_mem = 128 << 20
"""What RE2 may use for one program, in bytes. Its own default, 8 MiB, is less than Go allows."""

_PLAIN: Final = re.compile(r"[^\\.+*?()|\[\]{}^$\ud800-\udfff]*(?:\|[^\\.+*?()|\[\]{}^$\ud800-\udfff]*)*")
_ANSWERS_MAX: Final = 100_000
_VALUE_MAX: Final = 1024
_LONG: Final = 1 << 16
"""Characters up to which alternatives cannot be too large for RE2."""
_answers: list[dict[str, bool]] = []
_answer_count = 0


class Regex:
    """A compiled, anchored pattern: `^(?:pattern)$`. Make one with `anchored`."""

    __slots__ = ("__weakref__", "_program", "_seen", "_values", "pattern")

    def __init__(self, pattern: str) -> None:
        self.pattern = pattern
        self._values = choices(pattern)
        self._program: Any = _compile(f"^(?:{pattern})$") if self._values is None else None
        self._seen: dict[str, bool] = {}

    def test(self, value: str) -> bool:
        """Whether the whole of `value` matches."""
        if self._values is not None:
            return value in self._values
        answer = self._seen.get(value)
        if answer is None:
            answer = self._program.search(value.encode("utf-8", "surrogateescape")) is not None
            if len(value) <= _VALUE_MAX:
                _remember(self._seen, value, answer)
        return answer


def _remember(seen: dict[str, bool], value: str, answer: bool) -> None:
    global _answer_count
    if _answer_count >= _ANSWERS_MAX:
        for other in _answers:
            other.clear()
        _answers.clear()
        _answer_count = 0
    if not seen:
        _answers.append(seen)
    seen[value] = answer
    _answer_count += 1


def choices(pattern: str) -> frozenset[str] | None:
    """The values an anchored pattern matches, if it is plain alternatives (`a|b`, `(a|b)`, `^(?:a|b)$`), else None."""
    inner = pattern
    while inner.startswith("^(?:") and inner.endswith(")$"):
        inner = inner[4:-2]
    if inner.startswith("(") and inner.endswith(")"):
        inner = inner[3:-1] if inner.startswith("(?:") else inner[1:-1]
    return frozenset(inner.split("|")) if _PLAIN.fullmatch(inner) else None


# Every pattern in use is compiled once (the weak map), and the latest stay compiled for whoever asks again.
_live: WeakValueDictionary[str, Regex] = WeakValueDictionary()


@lru_cache(maxsize=1024)
def anchored(pattern: str) -> Regex:
    """The compiled form of a matcher's value. Raises `RegexError`; equal patterns share one object."""
    regex = _live.get(pattern)
    if regex is None:
        regex = _live[pattern] = Regex(pattern)
    return regex


def check(pattern: str) -> None:
    """Raises `RegexError` unless Go would compile `pattern` as it stands (nothing added around it)."""
    _compile(pattern)


def checked(pattern: str) -> Regex:
    """`anchored`, of a pattern that `check` lets pass as well. Raises `RegexError`: what `check` says, if it does.

    What keeps a pattern whose grammar is right from compiling is its size, and anchored it is larger.
    """
    translate(pattern)
    try:
        regex = anchored(pattern)
    except RegexError:
        check(pattern)
        raise
    if len(pattern) > _LONG:
        # Alternatives do not come before RE2 when they are anchored.
        check(pattern)
    return regex


@lru_cache(maxsize=128)
def program(pattern: str) -> Any:
    """RE2's compiled form of the bare pattern, to be used on bytes. Raises `RegexError`; the latest are kept."""
    return _compile(pattern)


def _compile(pattern: str) -> Any:
    source = translate(pattern).encode()
    for options in (OPTIONS, _LARGE_OPTIONS):
        try:
            return re2.compile(source, options)
        except re2.error:
            continue
    raise RegexError("expression too large", pattern)
