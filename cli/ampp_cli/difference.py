"""What differs between two configurations, put in words."""

import sys
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

import click

from ampp.config import ConfigError
from ampp.config.change import Change, Item
from ampp.config.difference import SECTIONS, Difference, Rerouted, compare, rerouted
from ampp.core.labels import format_set
from ampp.core.matcher import Mode
from ampp_cli.document import list_from
from ampp_cli.output import BOLD, DIM, GREEN, RED, YELLOW, Output
from ampp_cli.routes.origin import failure
from ampp_cli.source import load_config, shown
from ampp_cli.table import clean

__all__ = ["show"]

_SIGNS: Final = {"added": ("+", GREEN), "removed": ("-", RED), "changed": ("~", YELLOW)}
_UNUSABLE: Final = 2
"""The exit status when a file cannot be used: 1 may mean that there is a difference."""
_SHOWN: Final = 20
"""Alerts that people are shown; the other forms have all."""


def show(old: str, new: str, alerts_file: str | None, mode: Mode, output: Output, *, exit_code: bool) -> int:
    """Print what differs between two files; the exit status, which says so if `exit_code` is wanted."""
    try:
        before, after = (load_config(file, mode, joined=False) for file in (old, new))
    except ConfigError as error:
        sys.stderr.write(f"ampp: {failure(error).format_message()}\n")
        return _UNUSABLE
    found = compare(before, after)
    alerts = _labels(alerts_file) if alerts_file is not None else None
    moved = rerouted(before, after, alerts) if alerts is not None else ()
    if output.for_people:
        lines = [*_people(found, output), *_alerts(moved, alerts, output)]
        click.echo("\n".join(lines) if lines else "no difference", color=output.colour)
    else:
        click.echo(output.document(_plain(found, moved if alerts is not None else None)), nl=False)
    return 1 if exit_code and found else 0


def _labels(file: str) -> list[Mapping[str, str]]:
    found: list[Mapping[str, str]] = []
    for number, alert in enumerate(list_from(file), 1):
        labels = alert.get("labels")
        if not isinstance(labels, dict) or not all(isinstance(value, str) for value in labels.values()):
            raise click.ClickException(
                f"{shown(file)}: alert {number} has no labels (as GET /api/v2/alerts gives them)"
            )
        found.append(labels)
    return found


def _people(found: Difference, output: Output) -> Iterator[str]:
    for section, title in SECTIONS.items():
        items: Sequence[Item] = getattr(found, section)
        if items:
            yield output.painted(title, BOLD)
            for item in items:
                yield from _item(item, output)
    if found.touched:
        yield f"receivers touched: {', '.join(map(clean, found.touched))}"


def _item(item: Item, output: Output) -> Iterator[str]:
    sign, style = _SIGNS[item.action]
    receiver = next((one for one in item.changes if one.field == "receiver"), None)
    if item.action != "changed" and receiver is not None:
        yield f"  {output.painted(f'{sign} {clean(item.name)}', style)} → {clean(receiver.new or receiver.old)}"
    else:
        yield f"  {output.painted(f'{sign} {clean(item.name)}', style)}"
        for change in item.changes:
            yield f"      {clean(change.field)}{_sides(change)}"
    if item.effect:
        more = f" (as for {item.below} below it)" if item.below else ""
        yield f"      {output.painted(item.effect + more, DIM)}"


def _sides(change: Change) -> str:
    if change.news:
        return f": {change.news}"
    if not change.old and not change.new:
        return ""
    return f": {clean(change.old) or '(none)'} → {clean(change.new) or '(none)'}"


def _alerts(moved: Sequence[Rerouted], alerts: Sequence[Any] | None, output: Output) -> Iterator[str]:
    if alerts is None:
        return
    elsewhere = [one for one in moved if one.elsewhere]
    again = len(moved) - len(elsewhere)
    yield output.painted("alerts", BOLD)
    yield f"  {len(elsewhere)} of {len(alerts)} would go elsewhere"
    for one in elsewhere[:_SHOWN]:
        yield f"    {clean(format_set(one.labels))}: {', '.join(one.old)} → {', '.join(one.new)}"
    if len(elsewhere) > _SHOWN:
        yield f"    and {len(elsewhere) - _SHOWN} more; -o json has all"
    if again:
        yield f"  {again} more would come into new groups of the same receivers, and be told again"


def _plain(found: Difference, moved: Sequence[Rerouted] | None) -> dict[str, Any]:
    out: dict[str, Any] = {"differs": bool(found), "touched": list(found.touched)}
    for section in SECTIONS:
        out[section] = [
            {
                "action": item.action,
                "name": item.name,
                "changes": [{"field": one.field, "old": one.old, "new": one.new} for one in item.changes],
                "effect": item.effect,
                "below": item.below,
            }
            for item in getattr(found, section)
        ]
    if moved is not None:
        out["alerts"] = [
            {"labels": one.labels, "old": list(one.old), "new": list(one.new), "elsewhere": one.elsewhere}
            for one in moved
        ]
    return out
