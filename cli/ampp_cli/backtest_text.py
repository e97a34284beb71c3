"""The report of a backtest for people."""

from typing import Any

from ampp_cli.table import clean, columns

__all__ = ["text"]


def text(report: dict[str, Any]) -> str:
    """The whole report, a line each."""
    period, records = report["period"], report["records"]
    lines = [
        f"{records['replayed']} records replayed; counted from {period['since']} to {period['until']}",
        "nothing differs" if report["same"] else "differs",
        "",
    ]
    head = ["RECEIVER", "BEFORE", "AFTER", "VANISHED", "ADDED", "DELIVERED", "FAILED"]
    rows = [
        [
            clean(one["receiver"]),
            str(one["before"]["notifications"]),
            str(one["after"]["notifications"]),
            str(one["vanished"]),
            str(one["added"]),
            f"{one['before']['delivered']} -> {one['after']['delivered']}",
            f"{one['before']['failed']} -> {one['after']['failed']}",
        ]
        for one in report["receivers"]
    ]
    lines += columns([head, *rows])
    for title, key in (("vanished", "vanished"), ("added", "added")):
        lines += _notifications(title, report[key])
    for title, key in (
        ("alerts that would go elsewhere", "alerts_moved"),
        ("alerts that would no longer reach anybody", "alerts_lost"),
        ("alerts that would newly reach somebody", "alerts_gained"),
    ):
        lines += _alerts(title, report[key])
    if report["notes"]:
        lines += ["", *(f"note: {clean(note)}" for note in report["notes"])]
    return "\n".join(lines) + "\n"


def _notifications(title: str, changes: dict[str, Any]) -> list[str]:
    if not changes["count"]:
        return []
    lines = ["", f"notifications {title}: {changes['count']}"]
    for one in changes["examples"]:
        times = f" ({one['times']} times)" if one["times"] > 1 else ""
        lines.append(
            f"  {one['at']} to {clean(one['receiver'])} by {one['integration']}: {one['reason']}, "
            f"{one['firing']} firing, {one['resolved']} resolved{times}"
        )
        lines += [f"    {labels(alert)}" for alert in one["alerts"]]
    return lines


def _alerts(title: str, told: dict[str, Any]) -> list[str]:
    if not told["count"]:
        return []
    lines = ["", f"{title}: {told['count']}"]
    for one in told["examples"]:
        before, after = (clean(", ".join(one[side])) or "nobody" for side in ("before", "after"))
        lines.append(f"  {labels(one['labels'])}: {before} -> {after}")
    return lines


def labels(found: dict[str, str]) -> str:
    """A label set on one line."""
    return clean("{" + ", ".join(f'{name}="{value}"' for name, value in found.items()) + "}")
