"""Which values of the label `severity` count to which level."""

from collections.abc import Iterator
from typing import Self

import msgspec

from ampp.core.quote import go_quote

__all__ = ["Scale", "parse_words"]


def parse_words(text: str) -> tuple[str, ...]:
    """The words of a list with commas between."""
    return tuple(word for part in text.split(",") if (word := part.strip()))


class Scale(msgspec.Struct, frozen=True):
    """The words of each level, the worst first; what is in none of them comes after all of these. Upper and lower case
    are the same."""

    critical: tuple[str, ...] = ()
    warning: tuple[str, ...] = ()
    info: tuple[str, ...] = ()

    def levels(self) -> Iterator[tuple[str, tuple[str, ...]]]:
        """The levels' names and their words, the worst first."""
        for name in self.__struct_fields__:
            yield name, getattr(self, name)

    def checked(self, prefix: str = "") -> Self:
        """This one. Raises ValueError where a word is in two levels; `prefix` stands before their names."""
        seen: dict[str, str] = {}
        for name, words in self.levels():
            for word in words:
                first = seen.setdefault(word.lower(), name)
                if first != name:
                    raise ValueError(
                        f"{go_quote(word)} is in {prefix}{first} and in {prefix}{name}: "
                        "write both lists, with it in one of them"
                    )
        return self
