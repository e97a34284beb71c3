"""The course of alerts, and of groups of them: over which spans they fired, and over which they were kept quiet.

All instants are wall milliseconds. What is asked for is bounded: of a group so many alerts, of an alert so many events.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Final

import apsw
import msgspec

from ampp.core.reason import EventKind
from ampp.history.clause import alerts_of
from ampp.store.sqlite.history.schema import KINDS
from ampp.store.sqlite.rows import array, fetch

__all__ = ["Span", "Turn", "joined", "of_alerts", "of_fingerprints", "of_groups", "spans"]

_ALERTS: Final = 3_000
_EVENTS: Final = 20_000
_ENDS: Final = frozenset((EventKind.RESOLVED, EventKind.EXPIRED))

_HERE: Final = (
    "SELECT e.alert, e.at, e.kind, e.starts, e.ends FROM carray(?) AS c CROSS JOIN event AS e INDEXED BY event_alert "
    "ON e.alert = c.value WHERE e.at BETWEEN ? AND ? ORDER BY e.id DESC LIMIT ?"
)
_BEFORE: Final = (
    "SELECT c.value, (SELECT e.kind FROM event AS e INDEXED BY event_alert WHERE e.alert = c.value AND e.at < ? "
    "ORDER BY e.id DESC LIMIT 1) FROM carray(?) AS c"
)
_MEMBERS: Final = (
    "SELECT DISTINCT m.alert FROM grp AS g CROSS JOIN member AS m INDEXED BY member_grp ON m.grp = g.id "
    "WHERE g.key = ? AND m.since <= ? AND (m.until IS NULL OR m.until >= ?) LIMIT ?"
)


class Span(msgspec.Struct, frozen=True):
    """From when to when; `quiet`: suppressed, and not just firing."""

    since: int
    until: int
    quiet: bool


class Turn(msgspec.Struct, frozen=True):
    """A change: when it was recorded, what it was, and the alert's start and end as known then."""

    at: int
    kind: EventKind
    starts: int
    ends: int | None


def spans(turns: Iterable[Turn], since: int, until: int, before: EventKind | None = None) -> tuple[Span, ...]:
    """The spans of one alert between two instants, from what happened, oldest first. `before`: the last thing that
    happened earlier, if that is known."""
    found: list[Span] = []
    fires, quiet = before is not None and before not in _ENDS, before is EventKind.SUPPRESSED
    begun = since
    for turn in turns:
        at = turn.at
        if turn.kind in _ENDS and turn.ends is not None:
            at = min(at, turn.ends)
        if fires and at > begun:
            found.append(Span(begun, at, quiet))
        if turn.kind is EventKind.FIRING:
            # It may have fired before anybody told us.
            at = min(at, max(turn.starts, found[-1].until if found else since))
        fires, quiet, begun = turn.kind not in _ENDS, turn.kind is EventKind.SUPPRESSED, at
    if fires and until > begun:
        found.append(Span(begun, until, quiet))
    return tuple(
        Span(max(span.since, since), min(span.until, until), span.quiet)
        for span in found
        if span.until > since and span.since < until
    )


def joined(courses: Iterable[Sequence[Span]]) -> tuple[Span, ...]:
    """The course of several as one: it fires while one of them does, and is quiet while all that fire are quiet."""
    edges: list[tuple[int, int, int]] = []
    for course in courses:
        for span in course:
            edges.append((span.since, 1, span.quiet))
            edges.append((span.until, -1, span.quiet))
    edges.sort(key=lambda edge: edge[0])
    found: list[Span] = []
    loud = still = 0
    for place, (at, step, quiet) in enumerate(edges):
        if quiet:
            still += step
        else:
            loud += step
        following = edges[place + 1][0] if place + 1 < len(edges) else at
        if following == at or not (loud or still):
            continue
        if found and found[-1].until == at and found[-1].quiet == (not loud):
            found[-1] = Span(found[-1].since, following, found[-1].quiet)
        else:
            found.append(Span(at, following, not loud))
    return tuple(found)


def of_alerts(connection: apsw.Connection, ids: Sequence[int], since: int, until: int) -> dict[int, tuple[Span, ...]]:
    """The courses of alerts, by their numbers in the history."""
    ids = list(ids)[:_ALERTS]
    turns: dict[int, list[Turn]] = {number: [] for number in ids}
    for alert, at, kind, starts, ends in reversed(fetch(connection, _HERE, (array(ids), since, until, _EVENTS))):
        turns[alert].append(Turn(at, KINDS[kind], starts, ends))
    before: Mapping[int, int | None] = dict(fetch(connection, _BEFORE, (since, array(ids))))
    found = {}
    for number, own in turns.items():
        kind = before.get(number)
        found[number] = spans(own, since, until, None if kind is None else KINDS[kind])
    return found


def of_fingerprints(
    connection: apsw.Connection, names: Iterable[str], since: int, until: int
) -> dict[str, tuple[Span, ...]]:
    """The courses of alerts, by their fingerprints of 16 or 64 hexadecimal digits."""
    numbers = {name: known[0] for name in names if (known := alerts_of(connection, name))}
    courses = of_alerts(connection, list(numbers.values()), since, until)
    return {name: courses.get(number, ()) for name, number in numbers.items()}


def of_groups(
    connection: apsw.Connection, keys: Sequence[str], since: int, until: int
) -> dict[str, tuple[tuple[Span, ...], bool]]:
    """The courses of groups by their keys, and whether all alerts that were in them are counted."""
    most = max(20, _ALERTS // max(1, len(keys)))
    members = {key: [n for (n,) in fetch(connection, _MEMBERS, (key, until, since, most + 1))] for key in keys}
    every = {number for some in members.values() for number in some[:most]}
    courses = of_alerts(connection, sorted(every), since, until)
    return {
        key: (joined(courses.get(number, ()) for number in some[:most]), len(some) <= most)
        for key, some in members.items()
        if some
    }
