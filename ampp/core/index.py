"""Which of ten thousand matcher lists match a label set, without asking each of them.

Theory of operation. Every list is filed under one of its matchers, its *key*, chosen when it is added:

- a matcher that only some few values satisfy (`=`, or `=~` with plain alternatives like `a|b|c`) files the list under
  each of these values. Of several such matchers the one sharing its values with the fewest other lists is taken, so
  ten thousand silences that differ only in `instance` do not all hang on their common `alertname`;
- failing that, the list stands in the column of the key's label name. The keys of a column are asked once per label
  value and the answer is remembered; lists added later are asked when the value comes by again;
- a list without matchers matches everything.

A label set then leads to the lists filed under its pairs and columns, and only the remaining matchers of these are
evaluated. A label that is missing counts as empty; since label sets hold no empty values, a matcher that the empty
value satisfies is never filed by value.

A regex that demands some literal text (`host-1.*`, `.*-canary`) is only asked about values that contain it: looking for
text costs a fiftieth of a call into RE2.
"""

import re
from collections.abc import Callable, Hashable, Mapping, Sequence
from typing import Final, Generic, TypeVar

from ampp.core.matcher import Matcher, Op

__all__ = ["Entry", "MatcherIndex", "few_values"]

T = TypeVar("T", bound=Hashable)

_ALTERNATIVES_MAX: Final = 256
_REMEMBERED_MAX: Final = 200_000
"""How many answers and entries in them a column remembers before it starts anew: a few MiB."""
_VALUE_MAX: Final = 1024
_META: Final = r"\\.+*?()|\[\]{}^$"
_PLAIN: Final = re.compile(rf"(?:[^{_META}]|\||\\[^\w\x80-\U0010ffff]|\\_)*")
_PIECE: Final = re.compile(r"\\(.)|([^\\|]+)|(\|)", re.DOTALL)

# An escaped punctuation mark, a plain character, or anything with a meaning of its own.
_LEADING: Final = re.compile(rf"\\([^\w\x80-\U0010ffff]|_)|([^{_META}])|(.)", re.DOTALL)

_Test = Callable[[str], bool]


class Entry(Generic[T]):
    """One filed list: `token` as given to `add`; `matches` evaluates what the filing left open."""

    __slots__ = ("_key", "_rest", "gone", "token")

    def __init__(self, token: T, key: Matcher | None, rest: tuple[tuple[str, _Test], ...]) -> None:
        self.token = token
        self.gone = False
        self._key = key
        self._rest = rest

    def matches(self, labels: Mapping[str, str]) -> bool:
        """Whether the whole list matches `labels`, for a set of labels that led to this entry."""
        for name, test in self._rest:  # noqa: SIM110 (twice as fast as any(), and this is what a flush does most)
            if not test(labels.get(name, "")):
                return False
        return True


class _Column(Generic[T]):
    """The lists filed under one label name, whose keys must be asked, in order of filing.

    What is remembered of a value is how many of the lists have been asked, and those that matched.
    """

    __slots__ = ("_asked", "_entries", "_gone", "_size")

    def __init__(self) -> None:
        self._entries: list[tuple[Entry[T], _Test]] = []
        self._gone = 0
        self._asked: dict[str, tuple[int, list[Entry[T]]]] = {}
        self._size = 0

    def __len__(self) -> int:
        return len(self._entries) - self._gone

    def add(self, entry: Entry[T], test: _Test) -> None:
        self._entries.append((entry, test))

    def discard(self, entry: Entry[T]) -> None:
        entry.gone = True
        self._gone += 1
        if self._gone > len(self._entries) // 2:
            self._entries = [filed for filed in self._entries if not filed[0].gone]
            self._gone = 0
            self._forget()

    def at(self, value: str) -> list[Entry[T]]:
        asked, found = self._asked.get(value) or (0, [])
        if asked < len(self._entries):
            new = [entry for entry, test in (self._entries[asked:] if asked else self._entries) if test(value)]
            found = found + new if new else found
            if len(value) <= _VALUE_MAX:
                if self._size > _REMEMBERED_MAX:
                    self._forget()
                self._size += len(new) + (value not in self._asked)
                self._asked[value] = (len(self._entries), found)
        return [entry for entry in found if not entry.gone] if self._gone else found

    def _forget(self) -> None:
        self._asked.clear()
        self._size = 0


class MatcherIndex(Generic[T]):
    """Lists of matchers, each under a token of the caller's."""

    __slots__ = ("_always", "_columns", "_entries", "_values")

    def __init__(self) -> None:
        self._entries: dict[T, Entry[T]] = {}
        self._always: dict[T, Entry[T]] = {}
        self._values: dict[str, dict[str, dict[T, Entry[T]]]] = {}
        self._columns: dict[str, _Column[T]] = {}

    def __len__(self) -> int:
        return len(self._entries)

    def add(self, token: T, matchers: Sequence[Matcher]) -> None:
        """File `matchers`, all of which must hold, under `token`, which must be new. Their regexes must compile."""
        if token in self._entries:
            raise ValueError(f"{token!r} is filed already")
        key, values = self._choose(matchers)
        # Every test is made before anything is filed, so that a bad regex leaves the index as it was. Filed under its
        # values, a key is not asked.
        rest = tuple([(m.name, _test(m)) for m in matchers if m is not key])
        test = _test(key) if key is not None and values is None else None
        entry = self._entries[token] = Entry(token, key, rest)
        if key is None:
            self._always[token] = entry
        elif test is not None:
            self._columns.setdefault(key.name, _Column()).add(entry, test)
        elif values is not None:
            by_value = self._values.setdefault(key.name, {})
            for value in values:
                by_value.setdefault(value, {})[token] = entry

    def discard(self, token: T) -> None:
        """Take out what was filed under `token`, if anything was."""
        entry = self._entries.pop(token, None)
        if entry is None:
            return
        key = entry._key
        if key is None:
            del self._always[token]
            return
        values = few_values(key)
        if values is None:
            column = self._columns[key.name]
            column.discard(entry)
            if not column:
                del self._columns[key.name]
            return
        by_value = self._values[key.name]
        for value in values:
            del by_value[value][token]
            if not by_value[value]:
                del by_value[value]
        if not by_value:
            del self._values[key.name]

    def candidates(self, labels: Mapping[str, str]) -> list[Entry[T]]:
        """The entries whose key matches, in no particular order, each once. `Entry.matches` decides about the rest."""
        found = list(self._always.values())
        if self._values:
            filed = self._values.get
            for name, value in labels.items():
                by_value = filed(name)
                if by_value is not None:
                    entries = by_value.get(value)
                    if entries is not None:
                        found += entries.values()
        for name, column in self._columns.items():
            found += column.at(labels.get(name, ""))
        return found

    def matching(self, labels: Mapping[str, str]) -> list[T]:
        """The tokens of all lists that match, in no particular order."""
        return [entry.token for entry in self.candidates(labels) if entry.matches(labels)]

    def _choose(self, matchers: Sequence[Matcher]) -> tuple[Matcher | None, frozenset[str] | None]:
        """The key, and the values it is filed under, if it is."""
        if len(matchers) == 1:
            return matchers[0], few_values(matchers[0])
        best: Matcher | None = None
        best_values: frozenset[str] | None = None
        best_cost = 0
        for matcher in matchers:
            values = few_values(matcher)
            if values is None:
                continue
            by_value = self._values.get(matcher.name, {})
            cost = sum([len(by_value.get(value, ())) for value in values]) + len(values)
            if best is None or cost < best_cost:
                best, best_values, best_cost = matcher, values, cost
        if best is None:
            # Among matchers that have to be asked, one that demands something excludes more than one that forbids.
            best = next((m for m in matchers if m.op is Op.RE), next(iter(matchers), None))
        return best, best_values


def few_values(matcher: Matcher) -> frozenset[str] | None:
    """The few non-empty values that alone satisfy `matcher`, or None."""
    if matcher.op is Op.EQ:
        return frozenset((matcher.value,)) if matcher.value else None
    if matcher.op is not Op.RE:
        return None
    pattern = matcher.value
    if pattern.startswith("(") and pattern.endswith(")"):
        pattern = pattern[3:-1] if pattern.startswith("(?:") else pattern[1:-1]
    if not _PLAIN.fullmatch(pattern):
        return None
    values = [""]
    for escaped, text, bar in _PIECE.findall(pattern):
        if bar:
            values.append("")
        else:
            values[-1] += escaped or text
    return frozenset(values) if all(values) and len(values) <= _ALTERNATIVES_MAX else None


def _test(matcher: Matcher) -> _Test:
    """`matcher.test`, asked only about values that contain what the pattern demands. Raises what a bad regex raises."""
    test = matcher.test
    needle = _needle(matcher.value) if matcher.op in (Op.RE, Op.NRE) else ""
    if not needle:
        return test
    if matcher.op is Op.RE:
        return lambda value: needle in value and test(value)
    return lambda value: needle not in value or test(value)


def _needle(pattern: str) -> str:
    """The longest text found that every match of a valid `pattern` contains; empty where that is not plain to see.

    Reads up to the first bracket, repetition count or special escape. An alternative anywhere rules out everything.
    """
    runs = [""]
    for piece in _LEADING.finditer(pattern):
        escaped, text, operator = piece.groups()
        if escaped or text:
            runs[-1] += escaped or text
            continue
        if operator in "*?{":
            runs[-1] = runs[-1][:-1]
        if operator in "|)" or (operator in "([{\\" and "|" in pattern[piece.start() :]):
            return ""
        if operator in "([{\\":
            break
        runs.append("")
    return max(runs, key=len)
