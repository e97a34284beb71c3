"""Query parameters as Go's `url.ParseQuery` and go-openapi's binding read them."""

import logging
import re
from typing import Final
from urllib.parse import unquote_to_bytes

from ampp.core.matcher import Matcher, Mode, parse_matcher

__all__ = ["Query"]

_log: Final = logging.getLogger("ampp.api")
_BAD_PERCENT: Final = re.compile(r"%(?![0-9A-Fa-f]{2})")
_TRUE: Final = frozenset(("true", "1", "yes", "ok", "y", "on", "selected", "checked", "t", "enabled"))


class Query:
    """The parameters of one request. Pairs Go cannot read (a bad escape, a `;`) are dropped, as Go drops them."""

    def __init__(self, query_string: str) -> None:
        self._values: dict[str, list[str]] = {}
        for pair in query_string.split("&"):
            if not pair or ";" in pair or _BAD_PERCENT.search(pair):
                continue
            name, _, value = pair.partition("=")
            self._values.setdefault(_unescape(name), []).append(_unescape(value))

    def values(self) -> dict[str, list[str]]:
        """Every parameter's values, in the order given."""
        return self._values

    def all(self, name: str) -> list[str]:
        return self._values.get(name, [])

    def last(self, name: str) -> str:
        """A scalar: the last one counts; "" when absent or empty."""
        return self._values.get(name, [""])[-1]

    def flag(self, name: str, default: bool = True) -> bool:
        """Never an error: what is not one of the words for true is false."""
        value = self.last(name)
        return value.lower() in _TRUE if value else default

    def matchers(self, name: str, mode: Mode) -> tuple[Matcher, ...]:
        """One matcher per repetition; raises `MatcherError`."""
        found: list[Matcher] = []
        for text in self.all(name):
            parsed = parse_matcher(text, mode)
            found += parsed.matchers
            for warning in parsed.warnings:
                _log.warning(warning)
        return tuple(found)


def _unescape(text: str) -> str:
    return unquote_to_bytes(text.replace("+", " ")).decode("utf-8", "replace")
