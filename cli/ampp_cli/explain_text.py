"""An explanation for people."""

from collections.abc import Iterator
from typing import Any

from ampp_cli.backtest_text import labels
from ampp_cli.table import clean

__all__ = ["text"]


def text(found: dict[str, Any]) -> str:
    """The whole explanation, a line each."""
    return "\n".join(_lines(found)) + "\n"


def _lines(found: dict[str, Any]) -> Iterator[str]:
    yield f"{labels(found['labels'])}  {found['fingerprint']}"
    yield f"{'now' if found['live'] else 'at'} {found['at']}: {found['state']}"
    yield ""
    for sentence in found["summary"]:
        yield clean(sentence)
    yield ""
    yield f"Routes (configuration in force since {found['config']['since']}):"
    yield from _route(found["routes"], 1)
    for group in found["groups"]:
        yield ""
        yield f"Group {clean(group['group_key'])} of receiver {clean(group['receiver'])}:"
        yield (
            f"  group_wait {group['group_wait']}, group_interval {group['group_interval']}, "
            f"repeat_interval {group['repeat_interval']}; {group['text']}"
        )
        for to in group["integrations"]:
            yield f"  {to['integration']}[{to['index']}]: {clean(to['text'])}"
            for one in to["decisions"][:5]:
                yield f"    {_decision(one)}"
                for attempt in one["tries"]:
                    error = attempt["error"] or "delivered"
                    yield f"      attempt {attempt['number']} at {attempt['at']}: {clean(error)}"
    if found["events"]:
        yield ""
        yield "What happened to it:"
        for event in found["events"]:
            by = event.get("suppressed_by")
            why = f" by {by['reason']} {', '.join(by['by'])}" if by else ""
            yield f"  {event['created_at']} {event['event']}{clean(why)}"
    for note in found["notes"]:
        yield f"note: {clean(note)}"


def _decision(one: dict[str, Any]) -> str:
    what = f"{one['firing']} firing, {one['resolved']} resolved"
    if not one["sent"]:
        return f"{one['at']} not sent: {clean(one['reason'])}"
    error = f": {clean(one['error'])}" if one["error"] else ""
    return f"{one['at']} {one['status']} ({clean(one['reason'])}; {what}; {one['attempts']} attempts){error}"


def _route(step: dict[str, Any], depth: int) -> Iterator[str]:
    indent = "  " * depth
    matchers = clean(", ".join(step.get("matchers", ()))) or "everything"
    mark = "->" if step.get("chosen") else " +" if step["outcome"] == "matched" else " -"
    line = f"{indent}{mark} {matchers}"
    if step["outcome"] == "failed":
        line += f": no, {clean(step['failed'])} does not hold (it is {clean(repr(step.get('value', '')))})"
    elif step["outcome"] == "skipped":
        line += ": not tried, a route before it matched and does not continue"
    elif step.get("chosen"):
        line += f": to {clean(step['receiver'])}"
    if step.get("continues") and step["outcome"] == "matched":
        line += " (continue)"
    yield line
    for child in step.get("children", ()):
        yield from _route(child, depth + 1)
