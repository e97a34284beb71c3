"""`amtool alert query` and `amtool alert add`."""

import sys

from ampp_cli.amtool.failure import Failure
from ampp_cli.amtool.layout import dates, table
from ampp_cli.amtool.session import connect, named, pairs, worded
from ampp_cli.kingpin import Parsed
from ampp_cli.remote.client import Query, RemoteError
from ampp_cli.remote.model import Alert, encode
from ampp_cli.remote.operation import GET_ALERTS, POST_ALERTS

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
    remote = connect(parsed)
    try:
        alerts = remote.fetch(GET_ALERTS, list[Alert], asked)
    except RemoteError as error:
        raise Failure(worded(error)) from error
    sys.stdout.write(_shown(alerts, parsed))
    return 0


def _bool(value: bool) -> str:
    return "true" if value else "false"


def _shown(alerts: list[Alert], parsed: Parsed) -> str:
    if parsed["output"] == "json":
        return encode(alerts).decode() + "\n"
    date = dates(parsed["date.format"])
    alerts.sort(key=_starts)
    if parsed["output"] == "simple":
        rows = [["Alertname", "Starts At", "Summary", "State"]]
        rows += [
            [
                a.labels.get("alertname", ""),
                date(a.starts),
                (a.annotations or {}).get("summary", ""),
                a.status.state,
            ]
            for a in alerts
        ]
        return table(rows)
    rows = [["Labels", "Annotations", "Starts At", "Ends At", "Generator URL", "State"]]
    rows += [
        [
            _labels(a.labels),
            _labels(a.annotations or {}),
            date(a.starts),
            date(a.ends),
            a.generator_url if isinstance(a.generator_url, str) else "",
            a.status.state,
        ]
        for a in alerts
    ]
    return table(rows)


def _labels(labels: dict[str, str]) -> str:
    return " ".join(sorted(f'{name}="{value}"' for name, value in labels.items()))


def _starts(alert: Alert) -> tuple[int, str]:
    return sortable(alert.starts)


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
    remote = connect(parsed)
    try:
        remote.call(POST_ALERTS, body=encode([alert]))
    except RemoteError as error:
        raise Failure(worded(error)) from error
    return 0
