"""The one place that decides "notify or not": the table of core reference 6.3, first rule that applies.

Upstream: notify.DedupStage.needsUpdate.
"""

from collections.abc import Iterable

from ampp.core.reason import NotifyReason
from ampp.core.record import LogEntry

__all__ = ["decide", "repeats_every"]


def decide(
    entry: LogEntry | None,
    firing: Iterable[int],
    resolved: Iterable[int],
    *,
    send_resolved: bool,
    repeat_interval: int,
    wall: int,
    may_repeat: bool = True,
) -> NotifyReason:
    """Why one integration must be told about a group now, or `NotifyReason.NONE`.

    `firing`, `resolved` are the hashes of the alerts left after muting, `entry` what the integration was last told,
    `repeat_interval` in nanoseconds, `wall` the time of the tick. `may_repeat` false withholds a mere repeat: nobody
    has confirmed since a restart that these alerts still fire.
    """
    now_firing = frozenset(firing)
    if entry is None:
        return NotifyReason.FIRST if now_firing else NotifyReason.NONE
    if not now_firing <= frozenset(entry.firing):
        return NotifyReason.NEW_ALERTS if entry.firing else NotifyReason.FIRST
    if not now_firing:
        return NotifyReason.ALL_RESOLVED if entry.firing else NotifyReason.NONE
    if send_resolved and not frozenset(resolved) <= frozenset(entry.resolved):
        return NotifyReason.SOME_RESOLVED
    if may_repeat and entry.timestamp < wall - repeat_interval:
        return NotifyReason.REPEAT
    return NotifyReason.NONE


def repeats_every(repeat_interval: int, group_interval: int) -> int:
    """How often a group that goes on firing is told again at best, in nanoseconds: at the first of its turns that comes
    more than `repeat_interval` after the last notification was done, and turns come every `group_interval`.

    So a `repeat_interval` of exactly n turns takes n + 1 of them.
    """
    return (repeat_interval // group_interval + 1) * group_interval
