"""Addresses of pages. All links are relative: they hold below any prefix, however many proxies add theirs."""

from collections.abc import Mapping, Sequence
from urllib.parse import quote, urlencode

__all__ = ["Address", "root_of", "segment"]


def root_of(path: str) -> str:
    """The way from a page to the server's root: `./` from `/` and `/x`, `../` from `/ui/x`."""
    return "../" * (path.count("/") - 1) or "./"


def segment(text: str) -> str:
    """Text as one part of a path."""
    return quote(text, safe="")


class Address:
    """The page asked for and its parameters; each method gives another address, as a link relative to this page."""

    def __init__(self, page: str, values: Mapping[str, Sequence[str]]) -> None:
        self.page = page
        self._pairs = [(name, value) for name, several in values.items() for value in several if value != ""]

    def get(self, name: str, default: str = "") -> str:
        """The last value of a parameter."""
        return next((value for known, value in reversed(self._pairs) if known == name), default)

    def pairs(self, *without: str) -> list[tuple[str, str]]:
        """Every parameter but some, for hidden fields of a form."""
        return [pair for pair in self._pairs if pair[0] not in without]

    def set(self, **changes: object) -> str:
        """With other values; None or "" takes a parameter out. Whatever changes, the first page is shown."""
        pairs = self.pairs("page", *changes)
        pairs += [(name, str(value)) for name, value in changes.items() if value not in (None, "")]
        return self._link(pairs)

    def add(self, token: str) -> str:
        """With one more filter, unless it is there."""
        pairs = self.pairs("page")
        return self._link(pairs if ("filter", token) in pairs else [*pairs, ("filter", token)])

    def drop(self, token: str) -> str:
        """Without a filter."""
        return self._link([pair for pair in self.pairs("page") if pair != ("filter", token)])

    def exchange(self, prefix: str, token: str) -> str:
        """With this filter in the place of those that begin with `prefix`."""
        kept = [p for p in self.pairs("page") if not (p[0] == "filter" and p[1].startswith(prefix))]
        return self._link([*kept, ("filter", token)])

    def has(self, token: str) -> bool:
        """Whether this filter is there."""
        return ("filter", token) in self._pairs

    def show(self, name: str | None) -> str:
        """With this alert open beside the list, or with none."""
        return self._link([*self.pairs("open"), *([("open", name)] if name else [])])

    def turn(self, page: int) -> str:
        """Another page of the list."""
        return self._link([*self.pairs("page"), ("page", str(page))])

    def _link(self, pairs: list[tuple[str, str]]) -> str:
        return f"{self.page}?{urlencode(pairs)}" if pairs else self.page or "?"
