"""The simulated world with its journal kept, as the daemon would write it: what a replay is given to reproduce."""

from collections import Counter
from collections.abc import Iterable, Iterator

from ampp.core.clock import MINUTE
from ampp.core.plan import Plan
from ampp.core.record import AlertRow, ConfigLoaded, Flushed, Posted, Record, Started
from ampp.core.takeover import load_plan
from ampp.history.tape import Ahead, untold
from ampp.history.window import Ends
from tests.simulation.world import World, plan_of

COLLECT = 30 * MINUTE


class Recorded(World):
    """A world as regular as a daemon's: its wall clock does not leap, and it forgets what is over every half hour.

    `plans`: by the text of their record.
    """

    def __init__(self, seed: int) -> None:
        self.tape: list[Record] = []
        self.plans: dict[str, Plan] = {}
        super().__init__(seed)
        self.collect_at = self.mono + COLLECT
        self.note(kept=False)
        self.tape.append(Started(at=self.now().wall, version="", resumed=False))

    def note(self, *, kept: bool) -> None:
        text = f"plan {len(self.plans)}"
        self.plans[text] = self.plan
        record = ConfigLoaded(at=self.now().wall, hash=len(self.plans), text=text, kept_timers=kept)
        self.projection.apply(record)
        self.tape.append(record)

    def keep(self, records: list[Record]) -> None:
        super().keep(records)
        self.tape += records

    def jump(self) -> None:
        pass

    def reload(self) -> None:
        keep_timers = self.random.random() < 0.5
        if self.random.random() < 0.5:
            self.plan = plan_of(self.random)
        effects = load_plan(self.engine, self.plan, self.now(), keep_timers=keep_timers)
        self.keep(effects.records)
        self.note(kept=keep_timers)
        effects.records.clear()
        self.carry(effects)
        self.timers.clear()
        self.disturb()

    def check(self) -> None:
        """The invariants are `World`'s to prove."""

    def upkeep(self) -> None:
        pruned = self.engine.prune_log(self.now())
        if pruned is not None:
            self.keep([pruned])

    def run_for(self, span: int) -> None:
        until = self.mono + span
        while self.collect_at <= until:
            super().run_for(self.collect_at - self.mono)
            if self.engine.collect(self.now()):
                self.disturb()
            self.collect_at += COLLECT
        super().run_for(until - self.mono)

    def restart(self) -> None:
        last_alive = self.projection.last_alive
        super().restart()
        self.collect_at = self.mono + COLLECT
        self.note(kept=False)
        self.tape.append(Started(at=self.now().wall, version="", resumed=True, last_alive=last_alive))


class Tape:
    """A journal in memory."""

    whole = True

    def __init__(self, records: list[Record], alerts: Iterable[AlertRow] = ()) -> None:
        self.broken = 0
        self.newer: Counter[str] = Counter()
        self._records = records
        self._alerts = tuple(alerts)
        self.first = self.complete = records[0].at
        self.last, self.count = records[-1].at, len(records)

    def records(self) -> Iterator[Record]:
        return iter(self._records)

    def ahead(self) -> Ahead:
        ends = Ends()
        posted: dict[bytes, int] = {}
        anew: set[bytes] = set()
        for record in self._records:
            if isinstance(record, (Posted, Flushed)):
                for key, end in record.lapsed:
                    if posted.get(key) != end:
                        ends.add(key, end, record.at)
            if isinstance(record, Started):
                ends.start(record.at)
                anew.clear()
            if isinstance(record, Posted):
                for row in record.alerts:
                    posted[row.key] = row.ends if row.ends <= record.at else 0
                    anew.add(row.key)
        started = [record for record in self._records if isinstance(record, Started)][-1]
        for row in self._alerts:
            if untold(row, posted.get(row.key), started.at, started.last_alive, self.last, anew=row.key in anew):
                ends.add(row.key, row.ends, self.last + 1)
        text = next(record.text for record in self._records if isinstance(record, ConfigLoaded))
        return Ahead(ends, (), (), (), text)
