"""The book's alerts by fingerprint, as listings tell them: put in order once, and kept from one listing to the next.

The book keeps what was put in order (`Book.roll`) and notes what comes or begins anew from then on (`Book.unrolled`).
It forgets both when alerts leave it, so that neither outlives the next collection. A roll in use is never changed: a
listing pauses in the midst of one, and another may make the next one meanwhile.
"""

from bisect import bisect_left
from collections.abc import Generator
from operator import attrgetter
from typing import Any, Final

from ampp.core.alert import Alert
from ampp.core.book import Book, fingerprint
from ampp.core.order import in_order

__all__ = ["by_fingerprint", "roll"]

_RUN: Final = 128
"""Alerts whose fingerprints are made between two pauses: new ones take a millisecond."""

_FEW: Final = 128
"""Alerts put into their places in a roll in one piece: in one of 100,000 that takes some 20 microseconds each."""

_QUICK: Final = 8192
"""Alerts put in order by a number in one piece."""

_mark: Final = attrgetter("fingerprint")


def roll(book: Book, wall: int) -> Generator[list[Any], None, list[Alert]]:
    """All alerts not over at `wall`, and some that are, by ascending fingerprint; not to be changed. The batches,
    all empty, are but pauses."""
    known, came = book.roll, book.unrolled
    if known is not None and came is not None and len(came) <= _FEW and book.rolled <= wall:
        if came:
            known = known.copy()
            for alert in came:
                _place(known, alert)
            book.roll, book.unrolled = known, []
        book.rolled = wall
        return known
    # What comes during the pauses is noted for the next listing; another that makes a roll has seen to that already.
    if known is not None or came is None:
        book.roll, book.unrolled = None, []
    since = book.unrolled
    made: list[Alert] = yield from by_fingerprint([alert for alert in book if alert.ends >= wall])
    if book.unrolled is since:
        book.roll, book.rolled = made, wall
    return made


def by_fingerprint(alerts: list[Alert]) -> Generator[list[Any], None, list[Alert]]:
    """The alerts by ascending fingerprint. The batches, all empty, are but pauses."""
    for first in range(0, len(alerts), _RUN):
        for alert in alerts[first : first + _RUN]:
            if alert.fingerprint < 0:
                fingerprint(alert)
        yield []
    made: list[Alert] = []
    for some in in_order(alerts, _mark, _QUICK):
        made += some
        yield []
    return made


def _place(known: list[Alert], alert: Alert) -> None:
    """Put the alert in its place, unless it has it already: one that ended and began anew."""
    mark = fingerprint(alert)
    place = bisect_left(known, mark, key=_mark)
    while place < len(known) and known[place].fingerprint == mark:
        if known[place] is alert:
            return
        place += 1
    known.insert(place, alert)
