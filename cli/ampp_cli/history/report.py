"""`ampp history report`."""

from typing import Any

import click

from ampp_cli.history.listing import FLAPPING, TOP, add_span, span_options
from ampp_cli.output import BOLD, Output, output_options
from ampp_cli.remote.client import Query, Remote
from ampp_cli.server import server_options
from ampp_cli.table import clean
from ampp_cli.when import span

__all__ = ["command"]


@click.command("report")
@click.option("--namespace", default="", help="Alerts of this namespace only.")
@click.option("--severity", default="", help="Alerts of this severity only: critical, warning, info or noise.")
@click.option(
    "--top", default=10, type=click.IntRange(1, 100), show_default=True, help="How many of the most frequent."
)
@span_options
@output_options(watch=True)
@server_options
def command(namespace: str, severity: str, top: int, since: str, until: str, output: Output, remote: Remote) -> None:
    """Show a span of time in numbers, by default the last 24 hours: how much fired, what most, what flaps."""
    query: Query = [("top", str(top))]
    query += [(name, value) for name, value in (("namespace", namespace), ("severity", severity)) if value]
    add_span(query, since, until)

    def draw() -> str:
        remote.renew()
        report = remote.get("/api/v2/report", query)
        if not output.for_people:
            return output.document(report)
        return _text(report, output)

    output.repeat(draw)


def _text(report: dict[str, Any], output: Output) -> str:
    summary = report["summary"] or {}
    lasting = summary.get("avg_resolution_time")
    fields = [
        ("From", str(summary.get("time_range", {}).get("from", ""))),
        ("To", str(summary.get("time_range", {}).get("to", ""))),
        ("Began to fire", str(summary.get("firing_alerts", ""))),
        ("Resolved", str(summary.get("resolved_alerts", ""))),
        ("Different alerts", str(summary.get("unique_fingerprints", ""))),
        ("Lasted on average", "" if lasting is None else span(lasting)),
        ("By severity", _counts(summary.get("alerts_by_severity", {}))),
        ("By namespace", _counts(summary.get("alerts_by_namespace", {}))),
    ]
    parts = [output.object(summary, fields)]
    for title, listing, name in (("Most frequent", TOP, "top_alerts"), ("Flapping", FLAPPING, "flapping_alerts")):
        if report.get(name):
            parts.append(f"\n{output.painted(title, BOLD)}\n{output.text(listing, report[name])}")
    for error in report["metadata"]["errors"]:
        parts.append(f"\nmissing: {clean(error)}\n")
    return "".join(parts)


def _counts(counts: dict[str, int]) -> str:
    return clean(", ".join(f"{name or '(none)'} {count}" for name, count in counts.items()))
