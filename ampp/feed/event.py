"""One change as listeners get it, and the places in the order of changes.

A place is text, `<run>-<number>`: numbers count from 1 without a gap within one run of the daemon, and a run has a name
of its own, so that a place of another run is never mistaken for one of this.
"""

import re
from enum import Enum
from typing import Any, Final

import msgspec

from ampp.core.timestamp import format_millis

__all__ = ["SOURCES", "Event", "Kind", "encode", "number_of", "place"]

_PLACE: Final = re.compile(r"([0-9a-f]{8})-([0-9]{1,18})")


class Kind(Enum):
    """What happened. The word before the underscore is the topic."""

    ALERT_CREATED = "alert_created"
    ALERT_FIRING = "alert_firing"
    """It fires again after it was resolved."""
    ALERT_UPDATED = "alert_updated"
    ALERT_RESOLVED = "alert_resolved"
    """By its sender or because its time was over."""
    ALERT_SILENCED = "alert_silenced"
    ALERT_INHIBITED = "alert_inhibited"
    ALERT_UNSUPPRESSED = "alert_unsuppressed"
    ALERT_MANY = "alert_many"
    """More alerts changed at once than are told one by one: look at all of them."""
    GROUP_FLUSHED = "group_flushed"
    GROUP_REMOVED = "group_removed"
    GROUP_MANY = "group_many"
    NOTIFICATION_SENT = "notification_sent"
    NOTIFICATION_FAILED = "notification_failed"
    NOTIFICATION_CANCELED = "notification_canceled"
    """A newer one took its place, nothing was left to tell, or a reload or the shutdown ended it."""
    NOTIFICATION_MANY = "notification_many"
    SILENCE_CREATED = "silence_created"
    SILENCE_UPDATED = "silence_updated"
    SILENCE_ACTIVE = "silence_active"
    """Its start has come."""
    SILENCE_EXPIRED = "silence_expired"
    SILENCE_DELETED = "silence_deleted"
    """Its retention is over; it can no longer be shown."""
    CONFIG_RELOADED = "config_reloaded"
    CONFIG_FAILED = "config_failed"
    """A reload failed; the configuration before stays."""
    HEALTH_CHANGED = "health_changed"
    STATS_UPDATED = "stats_updated"

    @property
    def topic(self) -> str:
        return self.value.partition("_")[0]


SOURCES: Final = {
    "alert": "alert_processor",
    "group": "alert_processor",
    "notification": "alert_processor",
    "silence": "silence_manager",
    "config": "system",
    "health": "health_monitor",
    "stats": "stats_collector",
}
"""Who says so, by topic."""


class Event(msgspec.Struct, frozen=True, gc=False):
    """One change: its number, its kind and its whole JSON object."""

    number: int
    kind: Kind
    place: str
    json: bytes


_encode: Final = msgspec.json.Encoder().encode


def encode(run: str, number: int, kind: Kind, wall: int, data: dict[str, Any]) -> Event:
    """The event with its JSON made, once for all who listen."""
    where = place(run, number)
    shown = {
        "type": kind.value,
        "id": where,
        "sequence": number,
        "timestamp": format_millis(wall),
        "source": SOURCES[kind.topic],
        "data": data,
    }
    return Event(number, kind, where, _encode(shown))


def place(run: str, number: int) -> str:
    """The text that a listener gives to go on behind event `number`."""
    return f"{run}-{number}"


def number_of(text: str, run: str) -> int | None:
    """The number of a place in this run; None when it belongs to another run. Raises ValueError for other text."""
    match = _PLACE.fullmatch(text)
    if match is None:
        raise ValueError("not the id of an event")
    return int(match[2]) if match[1] == run else None
