"""`ampp db export`."""

import csv
import sys
from pathlib import Path
from typing import Any

import click
import msgspec

from ampp_cli.storage import storage_option

__all__ = ["command"]


@click.command("export")
@click.argument("what", type=click.Choice(("events", "notifications")), default="events")
@click.option("--format", "form", type=click.Choice(("jsonl", "csv")), default="jsonl", show_default=True)
@click.option("--since", default="", help="Not before this time, such as -7d or 2026-11-27.")
@click.option("--until", default="", help="Not after this time.")
@storage_option
def command(what: str, form: str, since: str, until: str, directory: Path) -> None:
    """Write the history to stdout, the oldest first: one JSON object or one CSV row each. The daemon may run.

    Times are when things were recorded. In CSV, labels and annotations are JSON in one column.
    """
    from datetime import UTC, datetime

    from ampp.history.export import rows
    from ampp_cli.when import WhenError, moment

    bounds = []
    for text, name in ((since, "--since"), (until, "--until")):
        try:
            bounds.append(int(moment(text, datetime.now(UTC)).timestamp() * 1000) if text else None)
        except WhenError as error:
            raise click.BadParameter(str(error), param_hint=name) from error
    encode = msgspec.json.Encoder().encode
    writer: Any = None
    for row in rows(directory, what, bounds[0], bounds[1]):
        if form == "jsonl":
            sys.stdout.write(encode(row).decode() + "\n")
            continue
        if writer is None:
            writer = csv.writer(sys.stdout, lineterminator="\n")
            writer.writerow(row)
        writer.writerow([_cell(value, encode) for value in row.values()])


def _cell(value: Any, encode: Any) -> Any:
    if isinstance(value, (dict, list, msgspec.Raw)):
        return encode(value).decode()
    if isinstance(value, str) and value[:1] in "=+-@\t\r":
        # A spreadsheet would take it for a formula.
        return "'" + value
    return "" if value is None else value
