"""What a set of matchers would have hit: the alerts of a span that fulfil them, and when those began to fire."""

from collections import Counter
from collections.abc import Sequence
from typing import Final

import apsw
import msgspec

from ampp.core.matcher import Matcher, matches_all
from ampp.history.span import parts
from ampp.store.sqlite.rows import array, fetch

__all__ = ["Reach", "reach"]

_MOST: Final = 100_000
"""Alerts whose labels are looked at."""

_labels: Final = msgspec.json.Decoder(dict[str, str]).decode


class Reach(msgspec.Struct, frozen=True):
    """`alerts` that would have been hit, how often they began to fire by hour (of Unix time), and whether all alerts of
    the span were looked at."""

    alerts: int
    hours: dict[int, int]
    whole: bool


def reach(connection: apsw.Connection, matchers: Sequence[Matcher], since: int, until: int) -> Reach:
    """What the matchers say of the span between two instants (wall milliseconds)."""
    span = parts(connection, since, until)
    rows = fetch(
        connection,
        f"{span.sql} SELECT alert, hour, sum(fired) FROM part GROUP BY alert, hour HAVING sum(fired) > 0",
        span.bindings,
    )
    names = list({row[0] for row in rows})
    looked = names[:_MOST]
    hit = set()
    for identity, text in fetch(
        connection, "SELECT a.id, a.labels FROM carray(?) AS w JOIN alert AS a ON a.id = w.value", (array(looked),)
    ):
        if matches_all(matchers, _labels(text)):
            hit.add(identity)
    hours: Counter[int] = Counter()
    for alert, hour, fired in rows:
        if alert in hit:
            hours[hour] += fired
    return Reach(len(hit), dict(hours), len(names) <= _MOST)
