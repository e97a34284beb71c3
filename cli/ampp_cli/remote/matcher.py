"""Matchers as the API has them, shown as they are typed."""

import re
from typing import Any, Final

from ampp_cli.remote.document import mapping, text

__all__ = ["shown"]

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
