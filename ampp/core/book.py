"""The alert book: the current state of every label set, and the rules by which a new report changes it.

Invariants:
- one `Alert` per label set, for as long as it is in the book; a report changes that object in place;
- `updated` is the wall time of the latest report; labels never change;
- a resolved alert stays until `collect`, so that a later report can be merged with it;
- an alert that is not over stands in `roll` or in `unrolled`, where there are these.

A report is merged with what is known when their ranges of activity overlap, and replaces it when not
(core reference 5.3; upstream provider/mem and types.Alert.Merge).
"""

from collections.abc import Iterable, Iterator
from enum import Enum
from itertools import pairwise
from sys import intern
from typing import Final

import msgspec

from ampp.core import labels as labelling
from ampp.core.alert import NO_ANNOTATIONS, Alert, Content, PostedAlert, Snapshot
from ampp.core.clock import ZERO
from ampp.core.record import AlertRow, Lapse

__all__ = ["Book", "Change", "NameLimit", "Repeats", "fingerprint", "hash64", "overlap", "row_of", "snapshot"]


_BATCH: Final = 64
"""Alerts looked at between two turns of somebody else."""


class Change(Enum):
    """What a report did to the book. Only a refresh may be written behind the answer."""

    NEW = "new"
    CHANGED = "changed"
    REFRESHED = "refreshed"


class Repeats(msgspec.Struct, frozen=True, gc=False):
    """One request's alerts when all of them are known, each with what its sender says of it now.

    `changed` are those contents that differ from what was said last. `runs` gives the ends, which most alerts of a
    request share: (index of the first alert, end in wall nanoseconds, seconds east of UTC that the sender wrote), each
    for all alerts up to the next run.
    """

    alerts: list[Alert]
    contents: list[Content]
    changed: list[Content]
    runs: list[tuple[int, int, int]]


def fingerprint(alert: Alert) -> int:
    """The FNV-1a 64 fingerprint, computed when first asked for: it costs more than the rest of a report."""
    if alert.fingerprint < 0:
        alert.fingerprint = labelling.fingerprint(alert.labels)
    return alert.fingerprint


def hash64(alert: Alert) -> int:
    """The xxHash64 by which the notification log knows the alert, computed when first asked for."""
    if alert.hash < 0:
        alert.hash = labelling.hash64(alert.labels)
    return alert.hash


def overlap(starts: int, ends: int, old_starts: int, old_ends: int) -> bool:
    """Whether a reported range belongs to the known episode: one of its ends lies strictly inside the known range."""
    return old_starts < ends < old_ends or old_starts < starts < old_ends


def snapshot(alert: Alert, wall: int) -> Snapshot:
    """The alert as a flush at `wall` sees it; one that still fires shows no end, so it cannot resolve in flight."""
    return Snapshot(
        labels=alert.labels,
        annotations=alert.annotations,
        starts=alert.starts,
        ends=alert.ends if alert.ends <= wall else ZERO,
        updated=alert.updated,
        generator_url=alert.generator_url,
        hash=hash64(alert),
        starts_off=alert.starts_off,
        ends_off=alert.ends_off,
        source=alert,
    )


class Book:
    """All alerts by `Alert.key`. `names` limits how many label sets one alertname may have (0: no limit).

    `refreshed` counts mere refreshes; while it stands still there are none to be written. `lapsed` gathers the ends of
    alerts whose time was over when a report began them anew, where no record tells of it.

    `roll`, `unrolled`, `rolled`: the alerts by fingerprint as a listing last had them (`ampp.core.roll`), those that
    have come or begun anew since it began to make that, and the wall time of the last listing.
    """

    def __init__(self, per_name: int = 0) -> None:
        self.alerts: dict[bytes, Alert] = {}
        self.refreshed = 0
        self.names: Final = NameLimit(per_name)
        self.lapsed: list[Lapse] = []
        self.roll: list[Alert] | None = None
        self.unrolled: list[Alert] | None = None
        self.rolled = ZERO

    def __len__(self) -> int:
        return len(self.alerts)

    def __iter__(self) -> Iterator[Alert]:
        return iter(self.alerts.values())

    def put(
        self, posted: PostedAlert, starts: int, ends: int, timeout: bool, wall: int, key: bytes
    ) -> tuple[Alert, Change]:
        """Take in one valid report whose range is already settled."""
        alert = self.alerts.get(key)
        if alert is None:
            alert = Alert(
                key=key,
                labels=posted.labels,
                annotations=posted.annotations or NO_ANNOTATIONS,
                starts=starts,
                ends=ends,
                updated=wall,
                generator_url=posted.generator_url,
                timeout=timeout,
                starts_off=posted.starts_off,
                ends_off=posted.ends_off,
                kept=wall,
                content=posted.content,
            )
            self.alerts[key] = alert
            self._unroll(alert)
            return alert, Change.NEW
        return alert, self.merge(alert, posted, starts, ends, timeout, wall)

    def merge(self, alert: Alert, posted: PostedAlert, starts: int, ends: int, timeout: bool, wall: int) -> Change:
        """Merge a report into the alert it is about, or replace the alert's content when they do not overlap."""
        old_starts, old_ends = alert.starts, alert.ends
        ends_off, starts_off = posted.ends_off, posted.starts_off
        if overlap(starts, ends, old_starts, old_ends):
            if old_starts < starts:
                starts, starts_off = old_starts, alert.starts_off
            if ends <= wall:
                if old_ends <= wall and old_ends > ends:
                    ends, ends_off = old_ends, alert.ends_off
            elif old_ends > ends and not alert.timeout:
                ends, ends_off = old_ends, alert.ends_off
        was_over, is_over = old_ends <= wall, ends <= wall
        changed = (
            starts != old_starts
            or was_over != is_over
            or (is_over and ends != old_ends)
            or ends < old_ends
            or not alert.seated
        )
        if changed and was_over and alert.told_end != old_ends:
            self.lapsed.append((alert.key, old_ends))
        if was_over and not is_over:
            self._unroll(alert)
        alert.starts, alert.starts_off = starts, starts_off
        alert.ends, alert.ends_off = ends, ends_off
        alert.updated = wall
        alert.timeout = timeout
        alert.held = False
        alert.annotations = posted.annotations or NO_ANNOTATIONS
        alert.generator_url = posted.generator_url
        alert.fragment = None
        alert.content = posted.content
        if not changed:
            self.refreshed += 1
            if alert.kept == wall:
                alert.kept = ZERO  # twice in one request: what is stored of the first is not all
            return Change.REFRESHED
        alert.kept = wall
        return Change.CHANGED

    def _unroll(self, alert: Alert) -> None:
        unrolled = self.unrolled
        if unrolled is not None:
            unrolled.append(alert)
            if len(unrolled) > len(self.alerts):
                # Nobody has listed for long, and some have come and gone again and again.
                self.roll = self.unrolled = None

    def refresh(self, repeats: Repeats, wall: int) -> int:
        """Take in alerts repeated with nothing but a later end; how many, counted from the first, that were just that.

        Those are done, exactly as `merge` would have done it. The next one is more than a refresh (its group let go of
        it, it was over, its end comes nearer), so it and what follows it are to be put in the usual way.
        """
        done = self._refreshed(repeats, wall)
        self.refreshed += done
        return done

    def _refreshed(self, repeats: Repeats, wall: int) -> int:
        done = 0
        for (first, ends, ends_off), (last, *_) in pairwise([*repeats.runs, (len(repeats.alerts), 0, 0)]):
            for alert, content in zip(repeats.alerts[first:last], repeats.contents[first:last], strict=True):
                starts, old_starts, old_ends = content.starts, alert.starts, alert.ends
                if not (wall < old_ends <= ends and old_starts <= starts < old_ends and alert.seated):
                    return done
                alert.ends = ends
                alert.ends_off = ends_off
                alert.updated = wall
                if alert.timeout or alert.held:
                    alert.timeout = alert.held = False
                if alert.content is not content:
                    alert.content = content
                    if starts == old_starts:
                        alert.starts_off = content.starts_off
                    alert.annotations = content.annotations
                    alert.generator_url = content.generator_url
                    alert.fragment = None
                done += 1
        return done

    def collect(self, wall: int) -> Iterator[list[Alert]]:
        """Take out what is over at `wall`, in batches, some of which may be empty (upstream: the provider's garbage
        collection).

        Between two of them reports may come in. One about an alert that is still to be looked at is merged with it,
        and decides whether it goes; one about an alert that went makes a new one, which this does not look at.
        """
        alerts = self.alerts
        known = list(alerts.values())
        known.reverse()
        while known:
            some = reversed(known[-_BATCH:])
            # Let go of here and not in the end: freeing so many in one piece takes as long as taking them out.
            del known[-_BATCH:]
            gone = [alert for alert in some if alert.ends <= wall and alerts.get(alert.key) is alert]
            for alert in gone:
                del alerts[alert.key]
            if gone:
                # At each batch: between two of them a listing may make a roll.
                self.roll = self.unrolled = None
            yield gone
        for _ in self.names.forget(wall):
            yield []

    def restore(self, rows: Iterable[AlertRow]) -> None:
        """Fill an empty book from the store. Nobody has repeated these yet: they are `held`."""
        self.roll = self.unrolled = None
        for row in rows:
            labels = msgspec.json.decode(row.key, type=dict[str, str])
            self.alerts[row.key] = Alert(
                key=row.key,
                labels={intern(name): intern(value) for name, value in labels.items()},
                annotations=row.annotations or NO_ANNOTATIONS,
                starts=row.starts,
                ends=row.ends,
                updated=row.updated,
                generator_url=row.generator_url,
                timeout=row.timeout,
                starts_off=row.starts_off,
                ends_off=row.ends_off,
                held=True,
                kept=row.updated,
            )
            self.names.admit(labels.get("alertname", ""), row.key, row.ends, ZERO)


def row_of(alert: Alert) -> AlertRow:
    """The alert as it is stored."""
    return AlertRow(
        key=alert.key,
        annotations=alert.annotations,
        starts=alert.starts,
        ends=alert.ends,
        updated=alert.updated,
        generator_url=alert.generator_url,
        timeout=alert.timeout,
        starts_off=alert.starts_off,
        ends_off=alert.ends_off,
        posted_starts=alert.starts,
        posted_ends=alert.ends,
    )


class NameLimit:
    """At most `most` label sets per alertname (0: any number); upstream's limit buckets.

    A known label set always passes. When a name is full, the entry that ends first makes room, but only once it is
    over; otherwise the newcomer is refused.
    """

    def __init__(self, most: int) -> None:
        self.most: Final = most
        self._ends: dict[str, dict[bytes, int]] = {}
        self._first: dict[str, int] = {}

    def admit(self, name: str, key: bytes, ends: int, wall: int) -> bool:
        """Whether a report about `key` may enter the book."""
        if self.most <= 0:
            return True
        bucket = self._ends.setdefault(name, {})
        if key not in bucket and len(bucket) >= self.most:
            # The lower bound saves the scan while the flood lasts.
            if self._first.get(name, ZERO) > wall:
                return False
            first = min(bucket, key=bucket.__getitem__)
            self._first[name] = bucket[first]
            if bucket[first] > wall:
                return False
            del bucket[first]
            self._first.pop(name)
        bucket[key] = ends
        if ends < self._first.get(name, ends + 1):
            self._first.pop(name, None)
        return True

    def forget(self, wall: int) -> Iterator[None]:
        """Drop names none of whose alerts is still active; after each name looked at it pauses."""
        for name in list(self._ends):
            if all(ends <= wall for ends in self._ends[name].values()):
                del self._ends[name]
                self._first.pop(name, None)
            yield
