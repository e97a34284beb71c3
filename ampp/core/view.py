"""What the listing endpoints ask of the engine and what they get, before any JSON.

`AlertQuery`'s flags mean "do not exclude", not "only" (interfaces reference 3.4): an alert both silenced and inhibited
disappears if either flag is false.
"""

from collections.abc import Callable

import msgspec

from ampp.core.alert import Alert
from ampp.core.matcher import Matcher
from ampp.core.notify import RouteLabels

__all__ = ["AlertQuery", "AlertView", "GroupView"]


class AlertQuery(msgspec.Struct, frozen=True):
    """`matchers` on alert labels, `receiver` on the receiver's name, `receiver_matchers` on the receiver's labels."""

    active: bool = True
    silenced: bool = True
    inhibited: bool = True
    muted: bool = True
    matchers: tuple[Matcher, ...] = ()
    receiver: Callable[[str], bool] | None = None
    receiver_matchers: tuple[Matcher, ...] = ()


class AlertView(msgspec.Struct, frozen=True, gc=False):
    """One alert with its status at the moment of the query. `inhibited_by`: fingerprints as 16 hex digits."""

    alert: Alert
    receivers: tuple[str, ...]
    silenced_by: tuple[str, ...]
    inhibited_by: tuple[str, ...]
    muted_by: tuple[str, ...] = ()

    @property
    def suppressed(self) -> bool:
        return bool(self.silenced_by or self.inhibited_by or self.muted_by)


class GroupView(msgspec.Struct, frozen=True):
    """One aggregation group with those of its alerts that passed the query, in notification order."""

    labels: dict[str, str]
    receiver: str
    route_labels: RouteLabels
    alerts: list[AlertView]
