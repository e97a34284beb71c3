"""What lists of silences look like."""

from __future__ import annotations

from ampp_cli.output import DIM, GREEN, YELLOW, Column, Listing
from ampp_cli.remote.document import items, mapping, text
from ampp_cli.remote.matcher import shown
from ampp_cli.when import ago

TYPE_CHECKING = False  # see ampp_cli.remote
if TYPE_CHECKING:
    from typing import Any, Final

__all__ = ["SILENCES", "matchers_of"]

_STATES: Final = {"active": GREEN, "pending": YELLOW, "expired": DIM}


def matchers_of(silence: dict[str, Any]) -> str:
    """The silence's matchers as they are typed, blanks between them."""
    return " ".join(shown(matcher) for matcher in items(silence, "matchers"))


def _state(silence: dict[str, Any]) -> str:
    return text(silence, "status", "state")


SILENCES: Final = Listing(
    columns=(
        Column("Id", lambda s: text(s, "id")),
        Column("State", _state, style=lambda s: _STATES.get(_state(s), "")),
        Column("Matchers", matchers_of, flexible=True),
        Column("Starts", lambda s: ago(text(s, "startsAt")), least="extended", until="extended"),
        Column("Ends", lambda s: ago(text(s, "endsAt")), until="extended"),
        Column("Starts", lambda s: f"{text(s, 'startsAt')} ({ago(text(s, 'startsAt'))})", least="wide"),
        Column("Ends", lambda s: f"{text(s, 'endsAt')} ({ago(text(s, 'endsAt'))})", least="wide"),
        Column("Updated", lambda s: ago(text(s, "updatedAt")), least="extended"),
        Column("Created by", lambda s: text(s, "createdBy")),
        Column("Comment", lambda s: text(s, "comment"), flexible=True),
        Column(
            "Annotations",
            lambda s: " ".join(f'{name}="{value}"' for name, value in sorted(mapping(s, "annotations").items())),
            least="wide",
        ),
    ),
    name=lambda s: text(s, "id"),
)
