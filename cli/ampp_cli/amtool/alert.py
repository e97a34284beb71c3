"""`amtool alert query` and `amtool alert add`."""

from __future__ import annotations

import sys

from ampp_cli.amtool.failure import Failure
from ampp_cli.amtool.layout import dates, table
from ampp_cli.amtool.session import connected, named, pairs
from ampp_cli.kingpin import Parsed
from ampp_cli.remote.document import encode, mapping, text
from ampp_cli.remote.operation import GET_ALERTS, POST_ALERTS

TYPE_CHECKING = False  # see ampp_cli.remote
if TYPE_CHECKING:
    from typing import Any

    from ampp_cli.remote.client import Query

__all__ = ["add", "query"]

_STATES = ("active", "inhibited", "silenced", "unprocessed")


def query(parsed: Parsed) -> int:
    words = named(parsed["matcher-groups"], parsed)
    states = {state: parsed[state] for state in _STATES}
    if not any(states.values()):
        states["active"] = True
    asked: Query = [("active", _bool(states["active"]))]
    asked += [("filter", word) for word in words]
    asked.append(("inhibited", _bool(states["inhibited"])))
    if parsed["receiver"]:
        asked.append(("receiver", parsed["receiver"]))
    asked += [("silenced", _bool(states["silenced"])), ("unprocessed", _bool(states["unprocessed"]))]
    with connected(parsed) as remote:
        alerts = remote.fetch_list(GET_ALERTS, asked)
    sys.stdout.write(_shown(alerts, parsed))
    return 0


def _bool(value: bool) -> str:
    return "true" if value else "false"


def _shown(alerts: list[dict[str, Any]], parsed: Parsed) -> str:
    if parsed["output"] == "json":
        return encode(alerts) + "\n"
    date = dates(parsed["date.format"])
    alerts.sort(key=lambda alert: sortable(text(alert, "startsAt")))
    if parsed["output"] == "simple":
        rows = [["Alertname", "Starts At", "Summary", "State"]]
        rows += [
            [
                text(a, "labels", "alertname"),
                date(text(a, "startsAt")),
                text(a, "annotations", "summary"),
                text(a, "status", "state"),
            ]
            for a in alerts
        ]
        return table(rows)
    rows = [["Labels", "Annotations", "Starts At", "Ends At", "Generator URL", "State"]]
    rows += [
        [
            _labels(mapping(a, "labels")),
            _labels(mapping(a, "annotations")),
            date(text(a, "startsAt")),
            date(text(a, "endsAt")),
            text(a, "generatorURL"),
            text(a, "status", "state"),
        ]
        for a in alerts
    ]
    return table(rows)


def _labels(labels: dict[str, Any]) -> str:
    return " ".join(sorted(f'{name}="{value}"' for name, value in labels.items()))


def sortable(time: str) -> tuple[int, str]:
    """A key that puts times in order: their text does where all have the API's usual form, and UTC."""
    if len(time) == 24 and time[23] == "Z":
        return 0, time
    from ampp.core.timestamp import TimestampError, format_millis, parse_api

    try:
        return 0, format_millis(parse_api(time)[0])
    except TimestampError:
        return -1, time


def add(parsed: Parsed) -> int:
    from ampp.core.clock import ZERO
    from ampp.core.timestamp import TimestampError, format_millis, parse_rfc3339

    labels = pairs(named(parsed["labels"], parsed), parsed, "labels")
    annotations = pairs(parsed["annotation"], parsed, "annotations")
    times: dict[str, str] = {}
    try:
        for flag in ("start", "end"):
            times[flag] = format_millis(*(parse_rfc3339(parsed[flag]) if parsed[flag] else (ZERO, 0)))
    except TimestampError as error:
        raise Failure(str(error)) from error
    alert: dict[str, object] = {"annotations": annotations} if annotations else {}
    alert |= {"endsAt": times["end"], "startsAt": times["start"]}
    if parsed["generator-url"]:
        alert["generatorURL"] = parsed["generator-url"]
    alert["labels"] = labels
    with connected(parsed) as remote:
        remote.call(POST_ALERTS, value=[alert])
    return 0
