"""What two replays did, side by side, and the report of it.

Notifications are compared by what they say to whom: receiver, integration, and the alerts it tells as firing and as
resolved, however often and whenever. What both sides say as often is the same; the rest has vanished or been added.
Only differences are kept while the replays run, since what one side says the other mostly says in the same moment.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from typing import Final, Literal, TypeAlias

import msgspec

from ampp.core import labels as labelling
from ampp.core.matcher import Matcher, matches_all
from ampp.core.notify import Notify, Outcome
from ampp.core.plan import Integration
from ampp.core.timestamp import format_millis

__all__ = ["AlertChange", "Changes", "Comparison", "Example", "ReceiverReport", "Side", "Told", "Totals"]

Side: TypeAlias = Literal["before", "after"]

_MASK: Final = (1 << 64) - 1


class Totals(msgspec.Struct):
    """Notifications of one receiver on one side: decided, and of these delivered and failed. The rest came to no end:
    canceled by a reload or the end of the daemon, or overtaken by a newer one.

    `assumed`: of the delivered ones, those no record tells of.
    """

    notifications: int = 0
    delivered: int = 0
    failed: int = 0
    assumed: int = 0

    def add(self, other: "Totals") -> None:
        self.notifications += other.notifications
        self.delivered += other.delivered
        self.failed += other.failed
        self.assumed += other.assumed


class ReceiverReport(msgspec.Struct, frozen=True):
    """One receiver: totals before and after, and how many notifications have vanished or been added."""

    receiver: str
    before: Totals
    after: Totals
    vanished: int
    added: int


class Example(msgspec.Struct, frozen=True):
    """One notification that only one side has. `alerts`: the labels of some of its alerts; `times`: how often."""

    at: str
    receiver: str
    integration: str
    reason: str
    group_labels: Mapping[str, str]
    firing: int
    resolved: int
    alerts: tuple[Mapping[str, str], ...]
    times: int


class Changes(msgspec.Struct, frozen=True):
    """Notifications that only one side has: how many, and the first of them."""

    count: int
    examples: tuple[Example, ...]


class AlertChange(msgspec.Struct, frozen=True):
    """An alert that others are told of: its receivers on either side."""

    fingerprint: str
    labels: Mapping[str, str]
    before: tuple[str, ...]
    after: tuple[str, ...]


class Told(msgspec.Struct, frozen=True):
    """Alerts whose receivers differ: how many, and the first of them."""

    count: int
    examples: tuple[AlertChange, ...]


class _Seen(msgspec.Struct):
    """A notification in the balance: more often after than before when `times` is positive."""

    times: int
    at: int
    reason: str
    integration: Integration
    group_labels: Mapping[str, str]
    firing: int
    resolved: int
    alerts: tuple[Mapping[str, str], ...]


class Comparison:
    """Gathers what both sides do from `since` on. With `matchers`, only what concerns alerts that all of them match."""

    def __init__(self, since: int, matchers: Iterable[Matcher] = (), examples: int = 5) -> None:
        self._since: Final = since
        self._matchers: Final = tuple(matchers)
        self._most: Final = examples
        self._matching: dict[int, bool] = {}
        self._balance: dict[tuple[str, str, int, int, int], _Seen] = {}
        self._labels: dict[int, Mapping[str, str]] = {}
        self._early: Final[dict[Side, set[tuple[int, str]]]] = {"before": set(), "after": set()}
        self._told: Final[dict[Side, dict[str, set[int]]]] = {"before": defaultdict(set), "after": defaultdict(set)}
        self.totals: Final[dict[Side, dict[Integration, Totals]]] = {
            "before": defaultdict(Totals),
            "after": defaultdict(Totals),
        }

    def watch(self, side: Side) -> "_Watch":
        """Who is to be told of what the replay on `side` does."""
        return _Watch(self, side)

    def sent(self, side: Side, notify: Notify, wall: int) -> None:
        if wall < self._since:
            self._early[side].add((notify.flush, notify.key))
            return
        if not self._counts(notify):
            return
        to = notify.integration
        self.totals[side][to].notifications += 1
        told = self._told[side][to.receiver]
        if not told.issuperset(notify.firing):
            told.update(notify.firing)
            for alert in notify.alerts:
                self._labels[alert.hash] = alert.labels
        resolved = notify.resolved if to.send_resolved else ()
        content = (to.receiver, to.name, to.idx, sum(notify.firing) & _MASK, sum(resolved) & _MASK)
        step = 1 if side == "after" else -1
        seen = self._balance.get(content)
        if seen is None:
            self._balance[content] = _Seen(
                step,
                wall,
                notify.reason.value,
                to,
                notify.group_labels,
                len(notify.firing),
                len(resolved),
                tuple([alert.labels for alert in notify.alerts[:3]]),
            )
        elif seen.times == -step:
            del self._balance[content]
        else:
            seen.times += step

    def ended(self, side: Side, outcome: Outcome, wall: int, assumed: bool) -> None:
        notify = outcome.notify
        early, place = self._early[side], (notify.flush, notify.key)
        if early and place in early:
            early.remove(place)
            return
        if not self._counts(notify):
            return
        totals = self.totals[side][notify.integration]
        totals.delivered += outcome.ok
        totals.failed += not (outcome.ok or outcome.canceled or outcome.superseded)
        totals.assumed += assumed

    def _counts(self, notify: Notify) -> bool:
        """Whether it is a notification at all (delivery sends none about resolved alerts only where those are not
        wanted), and one that is asked for."""
        if not (notify.firing or notify.integration.send_resolved):
            return False
        if not self._matchers:
            return True
        for alert in notify.alerts:
            hit = self._matching.get(alert.hash)
            if hit is None:
                hit = self._matching[alert.hash] = matches_all(self._matchers, alert.labels)
            if hit:
                return True
        return False

    # -- the outcome --------------------------------------------------------------------------------------------

    @property
    def same(self) -> bool:
        return not self._balance

    def receivers(self, names: Iterable[str]) -> tuple[ReceiverReport, ...]:
        """Every receiver that was told anything or is among `names`, in order of name."""
        vanished: dict[str, int] = defaultdict(int)
        added: dict[str, int] = defaultdict(int)
        for seen in self._balance.values():
            (added if seen.times > 0 else vanished)[seen.integration.receiver] += abs(seen.times)
        totals = {side: by_receiver(found) for side, found in self.totals.items()}
        return tuple(
            ReceiverReport(
                name,
                totals["before"].get(name, Totals()),
                totals["after"].get(name, Totals()),
                vanished.get(name, 0),
                added.get(name, 0),
            )
            for name in sorted({*names, *totals["before"], *totals["after"]})
        )

    def changes(self, *, added: bool) -> Changes:
        """The notifications that only the side after has, or only the side before."""
        found = sorted((seen for seen in self._balance.values() if (seen.times > 0) is added), key=lambda seen: seen.at)
        return Changes(
            sum(abs(seen.times) for seen in found),
            tuple(
                Example(
                    at=format_millis(seen.at),
                    receiver=seen.integration.receiver,
                    integration=f"{seen.integration.name}[{seen.integration.idx}]",
                    reason=seen.reason,
                    group_labels=seen.group_labels,
                    firing=seen.firing,
                    resolved=seen.resolved,
                    alerts=seen.alerts,
                    times=abs(seen.times),
                )
                for seen in found[: self._most]
            ),
        )

    def alerts(self) -> tuple[Told, Told, Told]:
        """Alerts told to others than before, no longer to anybody, and only now to somebody."""
        before, after = (self._receivers_of(side) for side in ("before", "after"))
        moved: list[int] = []
        lost: list[int] = []
        gained: list[int] = []
        for one in before.keys() | after.keys():
            then, now = before.get(one), after.get(one)
            if then != now:
                (lost if now is None else gained if then is None else moved).append(one)
        return tuple(self._alert_changes(ones, before, after) for ones in (moved, lost, gained))  # type: ignore[return-value]

    def _receivers_of(self, side: Side) -> dict[int, list[str]]:
        found: dict[int, list[str]] = {}
        for receiver, told in sorted(self._told[side].items()):
            for one in told:
                # A group is told whole; --match asks only for some of its alerts.
                if self._matching.get(one, True):
                    found.setdefault(one, []).append(receiver)
        return found

    def _alert_changes(self, ones: list[int], before: dict[int, list[str]], after: dict[int, list[str]]) -> Told:
        ordered = sorted(ones, key=lambda one: labelling.set_order(dict(self._labels[one])))
        return Told(
            len(ordered),
            tuple(
                AlertChange(
                    labelling.fingerprint_hex(labelling.fingerprint(dict(self._labels[one]))),
                    self._labels[one],
                    tuple(before.get(one, ())),
                    tuple(after.get(one, ())),
                )
                for one in ordered[: self._most]
            ),
        )


class _Watch:
    """One side's eyes."""

    def __init__(self, comparison: Comparison, side: Side) -> None:
        self._comparison: Final = comparison
        self._side: Final[Side] = side

    def sent(self, notify: Notify, wall: int) -> None:
        self._comparison.sent(self._side, notify, wall)

    def ended(self, outcome: Outcome, wall: int, assumed: bool) -> None:
        self._comparison.ended(self._side, outcome, wall, assumed)


def by_receiver(totals: Mapping[Integration, Totals]) -> dict[str, Totals]:
    found: dict[str, Totals] = {}
    for to, some in totals.items():
        found.setdefault(to.receiver, Totals()).add(some)
    return found
