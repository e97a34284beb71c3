"""Annotations as they are stored: words that come again are spelt once.

What a rule says of its alerts is mostly the same each time: where to read on, what it means. A text that has come with
two alerts lately gets a number in table `phrase`; whatever differs from one alert to the next, such as a measured
value, stays where it is. So does what came before its text had a number.
"""

from collections.abc import Mapping
from typing import Any, Final

import apsw
import msgspec

from ampp.store.sqlite.history.names import Names
from ampp.store.sqlite.rows import insert

__all__ = ["Phrases", "sweep"]

_KNOWN: Final = 2_000
_SEEN: Final = 20_000
_LONG: Final = 12
"""Characters from which on a number is shorter than the text, whatever surrounds both."""

_LONGEST: Final = 2_000
_KEPT: Final = 500

_encode: Final = msgspec.json.Encoder().encode


class Phrases:
    """For the one connection that writes; as `Names`, but that it remembers texts in order to number them."""

    def __init__(self, connection: apsw.Connection, names: Names) -> None:
        self._connection: Final = connection
        self._names: Final = names
        self._keys: dict[str, str] = {}
        self._known: dict[str, int] = {}
        self._seen: dict[int, int] = {}
        self._new: list[tuple[Any, ...]] = []
        self._next = 0
        self.clear()

    def clear(self) -> None:
        """Forget everything that is not in the database."""
        for each in (self._keys, self._known, self._seen, self._new):
            each.clear()
        self._next = self._connection.execute("SELECT coalesce(max(id), 0) + 1 FROM phrase").get

    def flush(self) -> None:
        """Write what is new, and forget what may be looked up again where it has become too much."""
        insert(self._connection, "phrase", self._new)
        self._new.clear()
        remembered: tuple[tuple[dict[Any, Any], int], ...] = (
            (self._keys, _KNOWN),
            (self._known, _KNOWN),
            (self._seen, _SEEN),
        )
        for known, most in remembered:
            if len(known) > most:
                known.clear()

    def stored(self, alert: int, annotations: Mapping[str, str]) -> bytes:
        """The annotations of an alert as JSON, as table `note` has them: by the numbers of their names."""
        keys, known, seen = self._keys, self._known, self._seen
        found: dict[str, str | int] = {}
        for name, value in annotations.items():
            key = keys.get(name) or self._key(name)
            if value in known:
                found[key] = known[value]
            elif not _LONG <= len(value) <= _LONGEST or seen.setdefault(hash(value), alert) == alert:
                found[key] = value
            else:
                found[key] = self._number(value)
        return _encode(found)

    def _key(self, name: str) -> str:
        key = self._keys[name] = str(self._names.text(name))
        return key

    def _number(self, value: str) -> int:
        found: int | None = self._connection.execute("SELECT id FROM phrase WHERE value = ?", (value,)).get
        if found is None:
            found = self._next
            self._next += 1
            self._new.append((found, value))
        self._known[value] = found
        return found


def sweep(connection: apsw.Connection, keep: int = _KEPT) -> None:
    """Remove the phrases that no annotations have any more, unless there are so few that looking is not worth it."""
    if connection.execute("SELECT count(*) FROM phrase").get <= keep:
        return
    connection.execute(
        "DELETE FROM phrase WHERE id NOT IN "
        "(SELECT j.value FROM note AS n, json_each(n.texts) AS j WHERE j.type = 'integer')"
    )
