"""What lists of alerts look like."""

from __future__ import annotations

from ampp_cli.output import DIM, RED, YELLOW, Column, Listing
from ampp_cli.remote.document import items, mapping, text
from ampp_cli.when import ago

TYPE_CHECKING = False  # see ampp_cli.remote
if TYPE_CHECKING:
    from typing import Any, Final

__all__ = ["ALERTS", "suppressed_by"]

_STATES: Final = {"active": RED, "suppressed": DIM, "unprocessed": YELLOW}


def suppressed_by(alert: dict[str, Any]) -> str:
    """What keeps the alert from being told: `silence ID`, `alert FINGERPRINT` or `time interval NAME`, joined."""
    kinds = (("silencedBy", "silence"), ("inhibitedBy", "alert"), ("mutedBy", "time interval"))
    return ", ".join(f"{kind} {name}" for key, kind in kinds for name in items(alert, "status", key))


def _labels(labels: dict[str, Any], without: str = "") -> str:
    return " ".join(f'{name}="{value}"' for name, value in sorted(labels.items()) if name != without)


ALERTS: Final = Listing(
    columns=(
        Column("Alertname", lambda a: text(a, "labels", "alertname")),
        Column(
            "State",
            lambda a: text(a, "status", "state"),
            style=lambda a: _STATES.get(text(a, "status", "state"), ""),
        ),
        Column("Since", lambda a: ago(text(a, "startsAt")), until="extended"),
        Column("Started", lambda a: f"{text(a, 'startsAt')} ({ago(text(a, 'startsAt'))})", least="wide"),
        Column("Ends", lambda a: f"{text(a, 'endsAt')} ({ago(text(a, 'endsAt'))})", least="wide"),
        Column("Labels", lambda a: _labels(mapping(a, "labels"), "alertname"), flexible=True),
        Column("Summary", lambda a: text(a, "annotations", "summary"), flexible=True, until="extended"),
        Column("Annotations", lambda a: _labels(mapping(a, "annotations")), least="wide"),
        Column(
            "Receivers",
            lambda a: ",".join(text(receiver, "name") for receiver in items(a, "receivers")),
            least="extended",
            flexible=True,
        ),
        Column("Suppressed by", suppressed_by, least="extended", flexible=True),
        Column("Generator URL", lambda a: text(a, "generatorURL"), least="wide"),
        Column("Fingerprint", lambda a: text(a, "fingerprint"), least="extended"),
    ),
    name=lambda a: text(a, "fingerprint"),
)
