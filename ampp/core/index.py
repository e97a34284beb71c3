"""Which of ten thousand matcher lists match a label set, without asking each of them.

Theory of operation. Every list is filed under one of its matchers, its *key*, chosen when it is added:

- a matcher that only some few values satisfy (`=`, or `=~` with plain alternatives like `a|b|c`) files the list under
  each of these values. Of several such matchers the one sharing its values with the fewest other lists is taken, so
  ten thousand silences that differ only in `instance` do not all hang on their common `alertname`;
- failing that, the list stands in the column of the key's label name. All keys of a column are asked once per label
  value, and the answer is remembered until the column changes;
- a list without matchers matches everything.

A label set then leads to the lists filed under its pairs and columns, and only the remaining matchers of these are
evaluated. A label that is missing counts as empty; since label sets hold no empty values, a matcher that the empty
value satisfies is never filed by value.
"""

import re
from collections.abc import Callable, Hashable, Mapping, Sequence
from typing import Final, Generic, TypeVar

from ampp.core.matcher import Matcher, Op

__all__ = ["Entry", "MatcherIndex"]

T = TypeVar("T", bound=Hashable)

_ALTERNATIVES_MAX: Final = 256
_REMEMBERED_MAX: Final = 200_000
"""How many answers and entries in them a column remembers before it starts anew: a few MiB."""
_VALUE_MAX: Final = 1024
_META: Final = r"\\.+*?()|\[\]{}^$"
_PLAIN: Final = re.compile(rf"(?:[^{_META}]|\||\\[^\w\x80-\U0010ffff]|\\_)*")
_PIECE: Final = re.compile(r"\\(.)|([^\\|]+)|(\|)", re.DOTALL)

_Test = Callable[[str], bool]


class Entry(Generic[T]):
    """One filed list: `token` as given to `add`; `matches` evaluates what the filing left open."""

    __slots__ = ("_key", "_rest", "token")

    def __init__(self, token: T, key: Matcher | None, rest: tuple[tuple[str, _Test], ...]) -> None:
        self.token = token
        self._key = key
        self._rest = rest

    def matches(self, labels: Mapping[str, str]) -> bool:
        """Whether the whole list matches `labels`, for a set of labels that led to this entry."""
        for name, test in self._rest:  # noqa: SIM110 (twice as fast as any(), and this is what a flush does most)
            if not test(labels.get(name, "")):
                return False
        return True


class _Column(Generic[T]):
    """The lists filed under one label name, whose keys must be asked."""

    __slots__ = ("_remembered", "_size", "entries")

    def __init__(self) -> None:
        self.entries: dict[T, tuple[Entry[T], _Test]] = {}
        self._remembered: dict[str, tuple[Entry[T], ...]] = {}
        self._size = 0

    def at(self, value: str) -> tuple[Entry[T], ...]:
        found = self._remembered.get(value)
        if found is None:
            found = tuple([entry for entry, test in self.entries.values() if test(value)])
            if len(value) <= _VALUE_MAX:
                if self._size > _REMEMBERED_MAX:
                    self.changed()
                self._remembered[value] = found
                self._size += 1 + len(found)
        return found

    def changed(self) -> None:
        self._remembered.clear()
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
        key = self._choose(matchers)
        # Every test is made before anything is filed, so that a bad regex leaves the index as it was.
        rest = tuple([(m.name, m.test) for m in matchers if m is not key])
        test = key.test if key is not None else None
        entry = self._entries[token] = Entry(token, key, rest)
        if key is None or test is None:
            self._always[token] = entry
            return
        values = _values(key)
        if values is None:
            column = self._columns.setdefault(key.name, _Column())
            column.entries[token] = (entry, test)
            column.changed()
            return
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
        values = _values(key)
        if values is None:
            column = self._columns[key.name]
            del column.entries[token]
            column.changed()
            if not column.entries:
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

    def _choose(self, matchers: Sequence[Matcher]) -> Matcher | None:
        best: Matcher | None = None
        best_cost = 0
        for matcher in matchers:
            values = _values(matcher)
            if values is None:
                continue
            by_value = self._values.get(matcher.name, {})
            cost = sum([len(by_value.get(value, ())) for value in values]) + len(values)
            if best is None or cost < best_cost:
                best, best_cost = matcher, cost
        if best is None:
            # Among matchers that have to be asked, one that demands something excludes more than one that forbids.
            best = next((m for m in matchers if m.op is Op.RE), next(iter(matchers), None))
        return best


def _values(matcher: Matcher) -> frozenset[str] | None:
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
