"""Matchers as users type them and as the API has them, as far as no parser is needed for that."""

import re
from typing import Any, Final

from ampp_cli.remote.document import mapping, text

__all__ = ["OBVIOUS", "shown"]

OBVIOUS: Final = re.compile(
    r"([A-Za-z_][A-Za-z0-9_]*)(?:(!?=)([A-Za-z0-9_.:/@+-]+)|(=~|!~)([A-Za-z0-9_-]+(?:\.[*+])?(?:\|[A-Za-z0-9_-]+)*))"
)
"""What every grammar takes for a matcher, and alike: name, operator and value (of the one kind or the other)."""

_SIGNS: Final = {(True, False): "=", (False, False): "!=", (True, True): "=~", (False, True): "!~"}
"""By isEqual and isRegex; a server that knows no negation does not tell the former."""

_PLAIN: Final = re.compile("[A-Za-z_][A-Za-z0-9_]*")


def shown(matcher: Any) -> str:
    """`name="value"`, as Alertmanager writes it."""
    name, value = text(matcher, "name"), text(matcher, "value")
    given = mapping(matcher)
    sign = _SIGNS[(given.get("isEqual") is not False, bool(given.get("isRegex")))]
    if _PLAIN.fullmatch(name) and value.isascii() and value.isprintable() and not {'"', "\\"} & set(value):
        return f'{name}{sign}"{value}"'
    from ampp.core.matcher import Matcher, Op

    return str(Matcher(name, Op(sign), value))
