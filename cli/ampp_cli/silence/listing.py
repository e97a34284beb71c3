"""What lists of silences look like."""

from typing import Any, Final

from ampp.core.matcher import Matcher, Op
from ampp_cli.output import DIM, GREEN, YELLOW, Column, Listing
from ampp_cli.when import ago

__all__ = ["SILENCES", "matchers_of"]

_STATES: Final = {"active": GREEN, "pending": YELLOW, "expired": DIM}
_OPS: Final = {(True, False): Op.EQ, (False, False): Op.NE, (True, True): Op.RE, (False, True): Op.NRE}


def matchers_of(silence: dict[str, Any]) -> str:
    """The silence's matchers as they are typed, blanks between them."""
    return " ".join(str(_matcher(matcher)) for matcher in silence.get("matchers") or ())


def _matcher(given: dict[str, Any]) -> Matcher:
    op = _OPS[(given.get("isEqual") is not False, bool(given.get("isRegex")))]
    return Matcher(str(given.get("name")), op, str(given.get("value")))


def _state(silence: dict[str, Any]) -> str:
    return str((silence.get("status") or {}).get("state", ""))


SILENCES: Final = Listing(
    columns=(
        Column("Id", lambda s: str(s.get("id", ""))),
        Column("State", _state, style=lambda s: _STATES.get(_state(s), "")),
        Column("Matchers", matchers_of, flexible=True),
        Column("Starts", lambda s: ago(s.get("startsAt", "")), least="extended", until="extended"),
        Column("Ends", lambda s: ago(s.get("endsAt", "")), until="extended"),
        Column("Starts", lambda s: f"{s.get('startsAt', '')} ({ago(s.get('startsAt', ''))})", least="wide"),
        Column("Ends", lambda s: f"{s.get('endsAt', '')} ({ago(s.get('endsAt', ''))})", least="wide"),
        Column("Updated", lambda s: ago(s.get("updatedAt", "")), least="extended"),
        Column("Created by", lambda s: str(s.get("createdBy") or "")),
        Column("Comment", lambda s: str(s.get("comment") or ""), flexible=True),
        Column(
            "Annotations",
            lambda s: " ".join(f'{name}="{value}"' for name, value in sorted((s.get("annotations") or {}).items())),
            least="wide",
        ),
    ),
    name=lambda s: str(s.get("id", "")),
)
