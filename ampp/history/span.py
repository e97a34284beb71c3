"""A span of time as SQL: the tallies of its whole hours, and the events of the hours that it cuts.

A span counts events by when they were recorded. Counting goes over the tallies, of which an alert has one an hour,
however often it fired; only what lies before the first whole hour, or after the last, is counted event by event.
"""

from typing import Any, Final

import apsw
import msgspec

__all__ = ["HOUR", "Parts", "parts"]

HOUR: Final = 3_600_000
"""Milliseconds."""

_WHOLE: Final = (
    "SELECT hour, alert, fired, ended, turned, lasting, last_fired, last_turned FROM tally WHERE hour >= ? AND hour < ?"
)
_CUT: Final = (
    f"SELECT at / {HOUR}, alert, kind = 0, kind >= 3, turned, iif(kind >= 3, ends - starts, 0), "
    "iif(kind = 0, at, NULL), iif(turned, at, NULL) FROM event INDEXED BY event_at WHERE at BETWEEN ? AND ?"
)


class Parts(msgspec.Struct, frozen=True):
    """A `WITH` clause for the table `part`, whose columns are those of `tally`, and its values."""

    sql: str
    bindings: tuple[Any, ...]


def parts(connection: apsw.Connection, since: int, until: int) -> Parts:
    """What to sum over for the span from `since` to `until`, both within it (wall milliseconds)."""
    first = -(-since // HOUR)
    last = (until + 1) // HOUR
    newest = connection.execute("SELECT max(at) FROM event").get
    if newest is None or newest <= until:
        # Nothing is later, so that the hour under way may be taken whole.
        last = max(last, (newest or until) // HOUR + 1)
    if first >= last:
        chosen, bindings = [_CUT], [since, until]
    else:
        chosen, bindings = [_WHOLE], [first, last]
        if since < first * HOUR:
            chosen.append(_CUT)
            bindings += [since, first * HOUR - 1]
        if until >= last * HOUR:
            chosen.append(_CUT)
            bindings += [last * HOUR, until]
    columns = "hour, alert, fired, ended, turned, lasting, last_fired, last_turned"
    return Parts(f"WITH part ({columns}) AS ({' UNION ALL '.join(chosen)})", tuple(bindings))
