"""Matchers as users type them and as the API has them, as far as no parser is needed for that."""

from __future__ import annotations

from ampp_cli.remote.document import mapping, text

TYPE_CHECKING = False  # see this room's docstring
if TYPE_CHECKING:
    from typing import Any, Final

__all__ = ["bare", "obvious", "shown"]

_WORD: Final = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_"


def obvious(word: str) -> tuple[str, str, str] | None:
    """Name, operator and value of what every grammar takes for a matcher, and alike; None for other words.

    That is `name=value` and `name!=value` with signs that no grammar gives a meaning, and `name=~one|two` and
    `name!~one` with words, of which the first may end in `.*` or `.+`.
    """
    rest = word.lstrip(_WORD)
    name = word[: len(word) - len(rest)]
    if not name or name[0].isdigit():
        return None
    operator = rest[:2] if rest[:2] in ("!=", "=~", "!~") else rest[:1]
    value = rest[len(operator) :]
    if operator in ("=", "!="):
        return (name, operator, value) if value and not value.strip(_WORD + ".:/@+-") else None
    first, *others = value.split("|")
    if first.endswith((".*", ".+")):
        first = first[:-2]
    if operator in ("=~", "!~") and all(part and not part.strip(_WORD + "-") for part in (first, *others)):
        return name, operator, value
    return None


_SIGNS: Final = {(True, False): "=", (False, False): "!=", (True, True): "=~", (False, True): "!~"}
"""By isEqual and isRegex; a server that knows no negation does not tell the former."""


def bare(word: str) -> bool:
    """Whether the word is nothing but a name, which no grammar takes for a matcher: that of an alert, then."""
    return bool(word) and not word.strip(_WORD)


def shown(matcher: Any) -> str:
    """`name="value"`, as Alertmanager writes it."""
    name, value = text(matcher, "name"), text(matcher, "value")
    given = mapping(matcher)
    sign = _SIGNS[(given.get("isEqual") is not False, bool(given.get("isRegex")))]
    plain = name and not name.strip(_WORD) and not name[0].isdigit()
    if plain and value.isascii() and value.isprintable() and not {'"', "\\"} & set(value):
        return f'{name}{sign}"{value}"'
    from ampp.core.matcher import Matcher, Op

    return str(Matcher(name, Op(sign), value))
