"""How reports come in: defaults, validity, the limit per alertname, the merge with what is known, and a seat.

The order is upstream's (core reference 5.1). What a report does to the book decides how soon it must be written: what
is new, changed or resolved before the sender is answered, a mere refresh behind.
"""

from collections.abc import Callable, Iterable
from typing import Final

import msgspec

from ampp.core import labels as labelling
from ampp.core.alert import PostedAlert
from ampp.core.book import Book, Change, Repeats
from ampp.core.clock import ZERO, Now
from ampp.core.group import Groups
from ampp.core.matcher import Mode
from ampp.core.muting import Muting
from ampp.core.quote import go_quote
from ampp.core.record import AlertRow, Lapse, Posted

__all__ = ["Intake", "Received"]

_NAMES: Final = 10_000
"""How many sets of label or annotation names are remembered as valid."""


class Received(msgspec.Struct):
    """What became of one request's alerts, or of those of a large one that were taken in together.

    `rows` must be kept before the request is answered; mere refreshes, which may be written behind, are not among
    them. `errors` are upstream's texts, one an invalid alert; `limited` the alertnames of those that the per-name limit
    refused.
    """

    rows: list[AlertRow]
    errors: list[str]
    limited: list[str]
    firing: int = 0
    resolved: int = 0
    lapsed: tuple[Lapse, ...] = ()

    def record(self, wall: int) -> Posted | None:
        return Posted(at=wall, alerts=tuple(self.rows), lapsed=self.lapsed) if self.rows else None


class Intake:
    """Takes reports into the book. `offset` gives the local zone's seconds east of UTC at a wall time, for times that
    upstream prints in local time."""

    def __init__(self, book: Book, muting: Muting, mode: Mode, offset: Callable[[int], int]) -> None:
        self.book: Final = book
        self.muting: Final = muting
        self.mode: Final = mode
        self._offset: Final = offset
        self._good_names: set[tuple[str, ...]] = set()

    def receive(
        self, posts: Iterable[PostedAlert], now: Now, groups: Groups, resolve_timeout: int, came: int | None = None
    ) -> Received:
        """Take in reports and seat in `groups` what is new or changed. The valid ones are taken even when others are
        not. `resolve_timeout` (ns) ends those that were given no end. Times that were not given count from when their
        request `came`, by default `now`."""
        came = now.wall if came is None else came
        wall, book, names, good = now.wall, self.book, self.book.names, self._good_names
        find, put, seat, refreshed = book.alerts.get, book.put, groups.seat, Change.REFRESHED
        limits, observe, untold = names.most > 0, self.muting.inhibitor.observe, groups.untold
        out = Received([], [], [])
        add = out.rows.append
        for posted in posts:
            starts, ends, timeout = posted.starts, posted.ends, False
            if starts == ZERO:
                if ends == ZERO:
                    starts, posted.starts_off = came, self._offset(came)
                else:
                    starts, posted.starts_off = ends, posted.ends_off
            if ends == ZERO:
                ends, timeout = came + resolve_timeout, True
                posted.ends_off = self._offset(ends)
            if ends <= wall:
                out.resolved += 1
            else:
                out.firing += 1
            labels = posted.labels
            key = posted.key or labelling.key(labels)
            known = find(key)
            if untold and known is not None:
                groups.tell((known,))
            if ends < starts:
                error = "start time must be before end time"
            elif known is not None and known.labels is labels:
                # The very same objects have been found valid before.
                error = "" if known.annotations is posted.annotations else self._invalid_names(posted.annotations)
            elif labels and tuple(labels) in good and tuple(posted.annotations) in good:
                # As `invalid` would find, without asking: new alerts bear names that others bear.
                error = ""
            else:
                error = self.invalid(posted)
            if error:
                out.errors.append(error)
                continue
            if limits:
                name = labels.get("alertname", "")
                if not names.admit(name, key, ends, wall):
                    out.limited.append(name)
                    continue
            alert, change = put(posted, starts, ends, timeout, wall, key)
            if limits and alert.ends != ends:
                # When it may be put out for another goes by its end after merging.
                names.admit(labels.get("alertname", ""), key, alert.ends, wall)
            if change is refreshed:
                continue
            if alert.ends <= wall:
                alert.told_end = alert.ends
            observe(alert)
            seat(alert, now)
            add(
                AlertRow(
                    key,
                    alert.annotations,
                    alert.starts,
                    alert.ends,
                    wall,
                    alert.generator_url,
                    alert.timeout,
                    alert.starts_off,
                    alert.ends_off,
                    starts,
                    ends,
                )
            )
        if self.book.lapsed:
            out.lapsed, self.book.lapsed = tuple(self.book.lapsed), []
        return out

    def refresh(self, repeats: Repeats, wall: int) -> int:
        """Take in known alerts that come again; how many, counted from the first, are thereby done (`Book.refresh`)."""
        if self.book.names.most > 0 or any(self._invalid_names(content.annotations) for content in repeats.changed):
            return 0
        return self.book.refresh(repeats, wall)

    def invalid(self, posted: PostedAlert) -> str:
        """Upstream's complaint about an alert's labels and annotations, or the empty text (core reference 5.1)."""
        if not posted.labels:
            return "at least one label pair required"
        return self._invalid_names(posted.labels, "label set") or self._invalid_names(posted.annotations)

    def _invalid_names(self, pairs: dict[str, str], what: str = "annotations") -> str:
        names = tuple(pairs)
        if names in self._good_names:
            return ""
        for name in names:
            if not labelling.valid_name(name, self.mode):
                return f"invalid {what}: invalid name {go_quote(name)}"
        if len(self._good_names) < _NAMES:
            self._good_names.add(names)
        return ""
