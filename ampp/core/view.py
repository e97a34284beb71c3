"""What the listing endpoints ask of the engine and what they get, before any JSON.

`AlertQuery`'s flags mean "do not exclude", not "only" (interfaces reference 3.4): an alert both silenced and inhibited
disappears if either flag is false.
"""

from collections.abc import Callable
from functools import lru_cache
from typing import Final

import msgspec

from ampp.core.alert import Alert
from ampp.core.matcher import Matcher
from ampp.core.notify import RouteLabels

__all__ = ["AlertQuery", "AlertView", "GroupView", "Status", "shared_status"]


class AlertQuery(msgspec.Struct, frozen=True):
    """`matchers` on alert labels, `receiver` on the receiver's name, `receiver_matchers` on the receiver's labels."""

    active: bool = True
    silenced: bool = True
    inhibited: bool = True
    muted: bool = True
    matchers: tuple[Matcher, ...] = ()
    receiver: Callable[[str], bool] | None = None
    receiver_matchers: tuple[Matcher, ...] = ()


class Status(msgspec.Struct, frozen=True, gc=False):
    """Who hears of an alert and what keeps them from it. `inhibited_by`: fingerprints as 16 hex digits."""

    receivers: tuple[str, ...]
    silenced_by: tuple[str, ...]
    inhibited_by: tuple[str, ...]
    muted_by: tuple[str, ...]

    @property
    def suppressed(self) -> bool:
        return bool(self.silenced_by or self.inhibited_by or self.muted_by)


shared_status: Final = lru_cache(maxsize=1024)(Status)
"""The status of these parts. Nearly all alerts have one of a few, which are mostly found the same without a look at
their parts."""


class AlertView(msgspec.Struct, frozen=True, gc=False):
    """One alert with its status at the moment of the query."""

    alert: Alert
    status: Status


class GroupView(msgspec.Struct, frozen=True):
    """One aggregation group with those of its alerts that passed the query, in notification order."""

    labels: dict[str, str]
    receiver: str
    route_labels: RouteLabels
    alerts: list[AlertView]
