"""What lists of alerts look like."""

from typing import Any, Final

from ampp_cli.output import DIM, RED, YELLOW, Column, Listing
from ampp_cli.when import ago

__all__ = ["ALERTS", "suppressed_by"]

_STATES: Final = {"active": RED, "suppressed": DIM, "unprocessed": YELLOW}


def suppressed_by(alert: dict[str, Any]) -> str:
    """What keeps the alert from being told: `silence ID`, `alert FINGERPRINT` or `time interval NAME`, joined."""
    status = alert.get("status", {})
    kinds = (("silencedBy", "silence"), ("inhibitedBy", "alert"), ("mutedBy", "time interval"))
    return ", ".join(f"{kind} {name}" for key, kind in kinds for name in status.get(key) or ())


def _labels(labels: dict[str, str], without: str = "") -> str:
    return " ".join(f'{name}="{value}"' for name, value in sorted(labels.items()) if name != without)


ALERTS: Final = Listing(
    columns=(
        Column("Alertname", lambda a: a.get("labels", {}).get("alertname", "")),
        Column(
            "State",
            lambda a: str(a.get("status", {}).get("state", "")),
            style=lambda a: _STATES.get(a.get("status", {}).get("state", ""), ""),
        ),
        Column("Since", lambda a: ago(a.get("startsAt", "")), until="extended"),
        Column("Started", lambda a: f"{a.get('startsAt', '')} ({ago(a.get('startsAt', ''))})", least="wide"),
        Column("Ends", lambda a: f"{a.get('endsAt', '')} ({ago(a.get('endsAt', ''))})", least="wide"),
        Column("Labels", lambda a: _labels(a.get("labels", {}), "alertname"), flexible=True),
        Column("Summary", lambda a: a.get("annotations", {}).get("summary", ""), flexible=True, until="extended"),
        Column("Annotations", lambda a: _labels(a.get("annotations", {})), least="wide"),
        Column(
            "Receivers",
            lambda a: ",".join(r.get("name", "") for r in a.get("receivers") or ()),
            least="extended",
            flexible=True,
        ),
        Column("Suppressed by", suppressed_by, least="extended", flexible=True),
        Column("Generator URL", lambda a: a.get("generatorURL", ""), least="wide"),
        Column("Fingerprint", lambda a: a.get("fingerprint", ""), least="extended"),
    ),
    name=lambda a: str(a.get("fingerprint", "")),
)
