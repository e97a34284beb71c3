"""What lists of events and of frequent alerts look like, and the options they share."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any, Final, TypeVar

import click

from ampp_cli.output import DIM, GREEN, RED, YELLOW, Column, Listing
from ampp_cli.remote.client import Query
from ampp_cli.when import WhenError, ago, instant, moment, rfc3339, span

__all__ = ["EVENTS", "FLAPPING", "TOP", "add_span", "span_options"]

F = TypeVar("F", bound=Callable[..., Any])

_COLOURS: Final = {"firing": RED, "suppressed": DIM, "unsuppressed": YELLOW, "resolved": GREEN, "expired": GREEN}


def _cause(event: dict[str, Any]) -> str:
    cause = event.get("suppressed_by") or {}
    return " ".join((str(cause.get("reason", "")), ", ".join(cause.get("by") or ()))).strip()


def _labels(labels: dict[str, str]) -> str:
    return " ".join(f'{name}="{value}"' for name, value in sorted(labels.items()) if name != "alertname")


def _lasted(event: dict[str, Any]) -> str:
    ends = instant(event.get("ends_at") or "")
    return span(max(0.0, ends - instant(event.get("starts_at", "")))) if ends else ""


EVENTS: Final = Listing(
    columns=(
        Column("When", lambda e: ago(e["created_at"]), until="extended"),
        Column("Recorded", lambda e: str(e["created_at"]), least="wide"),
        Column("Alertname", lambda e: str(e["alert_name"])),
        Column("Event", lambda e: str(e["event"]), style=lambda e: _COLOURS.get(e["event"], "")),
        Column("Lasted", _lasted),
        Column("Suppressed by", _cause, flexible=True),
        Column("Labels", lambda e: _labels(e["labels"]), flexible=True),
        Column("Started", lambda e: str(e["starts_at"]), least="extended"),
        Column("Ended", lambda e: str(e["ends_at"] or ""), least="extended"),
        Column("Annotations", lambda e: _labels(e["annotations"]), least="wide"),
        Column("Generator URL", lambda e: str(e["generator_url"]), least="wide"),
        Column("Fingerprint", lambda e: str(e["am_fingerprint"]), least="extended"),
    ),
    name=lambda e: str(e["am_fingerprint"]),
)

TOP: Final = Listing(
    columns=(
        Column("Alertname", lambda a: str(a["alert_name"])),
        Column("Namespace", lambda a: str(a["namespace"])),
        Column("Fired", lambda a: str(a["fire_count"])),
        Column("Last", lambda a: ago(a["last_fired_at"])),
        Column("Lasted on average", lambda a: "" if a["avg_duration"] is None else span(a["avg_duration"])),
        Column("Fingerprint", lambda a: str(a["am_fingerprint"])),
    ),
    name=lambda a: str(a["am_fingerprint"]),
)

FLAPPING: Final = Listing(
    columns=(
        Column("Alertname", lambda a: str(a["alert_name"])),
        Column("Namespace", lambda a: str(a["namespace"])),
        Column("Changes", lambda a: str(a["transition_count"])),
        Column("Per hour", lambda a: f"{a['flapping_score']:.2f}"),
        Column("Last", lambda a: ago(a["last_transition_at"])),
        Column("Fingerprint", lambda a: str(a["am_fingerprint"])),
    ),
    name=lambda a: str(a["am_fingerprint"]),
)


def span_options(function: F) -> F:
    """Give a click command `--from` and `--to`, as its arguments `since` and `until`."""
    forms = "-2h, 2026-11-27, '2026-11-27 14:30' or RFC 3339"
    for names, text in ((("--to", "until"), "Not after."), (("--from", "since"), f"Not before this time: {forms}.")):
        function = click.option(*names, default="", metavar="TIME", help=text)(function)
    return function


def add_span(query: Query, since: str, until: str) -> None:
    """Add the span to a query, as the API wants it."""
    now = datetime.now(UTC)
    for name, text in (("from", since), ("to", until)):
        if not text:
            continue
        try:
            at = moment(text, now)
        except WhenError as error:
            raise click.BadParameter(str(error), param_hint=f"--{name}") from error
        query.append((name, rfc3339(at)))
