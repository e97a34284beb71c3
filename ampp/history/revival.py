"""How a replay comes up again after a restart: with what the store would have had, and in doubt of what still fires.

The store has no alert that has been let go of, and group timers as they were last recorded. An alert that fired at the
end of the former run is held until a sender repeats it; refreshes are not recorded, so one that was repeated cannot be
told from one that is held. What was taken up and has not been reported anew since is therefore in doubt.
"""

from collections.abc import Iterable
from typing import Final

from ampp.core.alert import Alert
from ampp.core.book import row_of
from ampp.core.clock import Now
from ampp.core.engine import Engine
from ampp.core.group import Group
from ampp.core.record import Collected, GroupDropped, GroupRow, Record
from ampp.core.succession import restore
from ampp.history.window import Ends

__all__ = ["Revival"]


class Revival:
    """What the store would have of one replay's state. `doubted`: whether a restart has left anything in doubt."""

    def __init__(self) -> None:
        self._let_go: Final[set[bytes]] = set()
        self._timers: dict[tuple[str, bytes], GroupRow] = {}
        self._taken_up: set[bytes] = set()

    @property
    def doubted(self) -> bool:
        return bool(self._taken_up)

    def reported(self, key: bytes) -> None:
        """An alert has been reported."""
        self._let_go.discard(key)
        self._taken_up.discard(key)

    def turned(self, row: GroupRow) -> None:
        """A group's timer has been recorded."""
        self._timers[row.route, row.labels] = row

    def note(self, records: Iterable[Record]) -> None:
        """The engine has let go of alerts and groups."""
        for record in records:
            if isinstance(record, Collected):
                self._let_go.update(record.alerts)
            elif isinstance(record, GroupDropped):
                self._timers.pop((record.route, record.labels), None)

    def restart(self, old: Engine, engine: Engine, ends: Ends, now: Now, wall: int, last_alive: int) -> None:
        """Let an empty engine take up at `now` the state that the run of `old`, which ended after `last_alive`, would
        have left to the one that began at `wall`."""
        alerts = {alert.key: alert for alert in old.book if alert.seated}
        for group in old.groups:
            alerts.update(group.alerts)
        for key in self._let_go & alerts.keys():
            del alerts[key]
        then = Now(last_alive, last_alive)
        timers = {name: group.row(then) for name, group in old.groups.by_name().items() if group.flushed}
        timers.update(self._timers)
        restore(
            engine,
            [row_of(alert) for alert in alerts.values()],
            list(timers.values()),
            list(old.log.values()),
            list(old.outbox.values()),
            now,
            last_alive=last_alive,
        )
        self._let_go.clear()
        self._taken_up = set(alerts)
        live = engine.groups.by_name()
        self._timers = {name: row for name, row in self._timers.items() if name in live}
        hold = now.wall + engine.plan.resolve_timeout
        for alert in engine.book:
            was = alerts[alert.key]
            alert.ends = (
                was.ends if was.ends <= was.updated else ends.held(alert.key, was.updated, wall, last_alive, hold)
            )

    def doubtful(self, group: Group) -> list[Alert]:
        """The alerts of a group that may still be held since the restart."""
        if not self._taken_up:
            return []
        return [alert for key, alert in group.alerts.items() if key in self._taken_up and not alert.held]
