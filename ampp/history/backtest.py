"""Backtest: recorded history run through a candidate configuration, next to the one it is to replace.

Two replays run side by side over one tape: before, under the configurations that were in force (or under a baseline
given instead), and after, under the candidate. Reloads and restarts happen in both, at the moments they happened at.
Besides, what was really sent is counted from the records, so that the report can say how true the replay is.

The whole tape is replayed, so that state has been built up when `since` is reached; only from there on is counted, and
only where the records are complete. Where a tape begins in the middle, because what came before was swept, what fired
then counts as told.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, Final, Protocol

import msgspec

from ampp import config as configuration
from ampp.config import ConfigError
from ampp.core.clock import HOUR, Now
from ampp.core.matcher import Matcher, Mode
from ampp.core.plan import Plan
from ampp.core.reason import NotifyReason
from ampp.core.record import (
    Collected,
    ConfigLoaded,
    Delivered,
    Flushed,
    GroupDropped,
    LogPruned,
    Posted,
    Record,
    SilencePut,
    SilencesPruned,
    Started,
)
from ampp.core.silence import SilenceBook
from ampp.core.timestamp import format_millis
from ampp.history.comparison import Changes, Comparison, ReceiverReport, Side, Told, Totals, by_receiver
from ampp.history.replay import Replay
from ampp.history.tally import Tally
from ampp.history.tape import Ahead
from ampp.history.window import Window

__all__ = ["RETENTION", "Asked", "Period", "Records", "Report", "Source", "backtest", "read_plan"]

RETENTION: Final = 120 * HOUR
"""For how long the notification log keeps an entry, as --data.retention has it by default."""

_SETTLED: Final = HOUR
"""For how long, at most, groups are given time to take their turns before anything is compared."""

_REPEAT: Final = NotifyReason.REPEAT.value
_PACE: Final = 5_000
"""Records between two reports of progress."""

Progress = Callable[[int, int], None]
"""(records done, records in all)"""


class Source(Protocol):
    """Recorded history: see `ampp.history.tape.Tape`."""

    broken: int
    newer: Counter[str]

    @property
    def first(self) -> int: ...

    @property
    def complete(self) -> int: ...

    @property
    def last(self) -> int: ...

    @property
    def count(self) -> int: ...

    @property
    def whole(self) -> bool: ...

    def records(self) -> Iterator[Record]: ...

    def ahead(self) -> Ahead: ...


class Asked(msgspec.Struct, frozen=True):
    """What is to be tried. `since`: wall ns from which to count. `baseline`: None for what was in force."""

    candidate: Plan
    baseline: Plan | None = None
    since: int = 0
    matchers: tuple[Matcher, ...] = ()
    examples: int = 5


class Period(msgspec.Struct, frozen=True):
    """What time is counted, and from when on the records are complete."""

    since: str
    until: str
    journal_since: str
    complete: bool


class Records(msgspec.Struct, frozen=True):
    """The records replayed, those that could not be read, and those of kinds that only a newer version knows."""

    replayed: int
    broken: int
    newer: Mapping[str, int]


class Recorded(msgspec.Struct, frozen=True):
    """What was really sent, by receiver, from `since` on. `reproduced`: the replay before came to the same numbers."""

    receivers: Mapping[str, Totals]
    reproduced: bool


class Report(msgspec.Struct, frozen=True):
    """The outcome; `docs/backtest.md` has its JSON. `recorded` is None where it does not bear on the comparison."""

    same: bool
    period: Period
    records: Records
    receivers: tuple[ReceiverReport, ...]
    vanished: Changes
    added: Changes
    alerts_moved: Told
    alerts_lost: Told
    alerts_gained: Told
    recorded: Recorded | None
    notes: tuple[str, ...]


def read_plan(text: str) -> Plan:
    """The plan of a recorded configuration. Raises ConfigError."""
    return configuration.compile(configuration.load(text))


def backtest(
    tape: Source, asked: Asked, progress: Progress | None = None, *, read: Callable[[str], Plan] = read_plan
) -> Report:
    """Replay `tape` under both configurations. Blocks, up to minutes. Raises TapeError."""
    run = _Run(tape, asked, read)
    run.run(progress or (lambda done, all_: None))
    return run.report()


class _Run:
    """One backtest under way."""

    def __init__(self, tape: Source, asked: Asked, read: Callable[[str], Plan]) -> None:
        self.tape: Final = tape
        self.asked: Final = asked
        self.notes: Final[list[str]] = []
        self.done = 0
        self._read: Final = read
        self._candidate: Final = asked.candidate
        self._baseline: Final = asked.baseline
        self._silences: Final = SilenceBook(RETENTION, Mode.FALLBACK, new_id=str, size_of=lambda silence: 0)
        self._ahead: Final = tape.ahead()
        self._window: Final = Window(tape.records())
        self._in_force: Plan = self._plan(self._ahead.config) or self._candidate
        self.since: Final = max(asked.since, self._known_from())
        self.comparison: Final = Comparison(self.since, asked.matchers, asked.examples)
        self.tally: Final = Tally(self.since)
        self._last_alive = tape.first
        self.before: Final = self._replay("before", self._baseline or self._in_force)
        self.after: Final = self._replay("after", self._candidate)
        self._steps: Final[Mapping[type, Callable[[Any], None]]] = {
            Posted: self._posted,
            Flushed: self._flushed,
            Delivered: self._delivered,
            Collected: self._collected,
            GroupDropped: self._dropped,
            LogPruned: self._pruned,
            SilencePut: self._silence_put,
            SilencesPruned: self._silences_pruned,
            ConfigLoaded: self._loaded,
            Started: self._started,
        }

    def run(self, progress: Progress) -> None:
        tape, ahead = self.tape, self._ahead
        self._silences.restore(ahead.silences)
        for replay in (self.before, self.after):
            replay.recall(ahead.told)
            replay.seed(ahead.firing, tape.first)
        self._follow()
        whole = tape.whole
        for record in self._window:
            if not whole and record.at >= tape.complete:
                whole = True
                for replay in (self.before, self.after):
                    replay.whole_from_here(ahead.kept)
            if self.done % _PACE == 0:
                progress(self.done, tape.count)
            self.done += 1
            step = self._steps.get(type(record))
            if step is not None:
                step(record)
            if not self._begins(record):
                self._last_alive = record.at
        for replay in (self.before, self.after):
            replay.reach(tape.last)
        progress(self.done, tape.count)

    def _known_from(self) -> int:
        """From when on what is told is compared. After a beginning in the middle every group first takes its turns, so
        that what either side tells a moment before or after it is no difference."""
        if self.tape.whole:
            return self.tape.complete
        plans = (self._in_force, self._baseline or self._in_force, self._candidate)
        turns = max(route.group_wait + 2 * route.group_interval for plan in plans for route in plan.root.walk())
        return max(self.tape.complete, self._ahead.config_since) + min(turns, _SETTLED)

    def _replay(self, side: Side, plan: Plan) -> Replay:
        return Replay(
            plan,
            self._silences,
            self._window,
            self._ahead.ends,
            self.comparison.watch(side),
            start=self.tape.first,
            mode=Mode.FALLBACK,
            retention=RETENTION,
        )

    def _plan(self, text: str) -> Plan | None:
        """The plan of a recorded configuration."""
        try:
            return self._read(text) if text else None
        except ConfigError as error:
            self._note(f"a configuration that was in force cannot be read by this version: {error}")
            return None

    def _note(self, text: str) -> None:
        if text not in self.notes:
            self.notes.append(text)

    # -- records ------------------------------------------------------------------------------------------------

    def _posted(self, record: Posted) -> None:
        for replay in (self.before, self.after):
            replay.reach(record.at)
            replay.post(record)

    def _flushed(self, record: Flushed) -> None:
        if record.outbox and any(one.send and one.reason == _REPEAT for one in record.decisions):
            repeated = self.before.held_in(record.group)
            for replay in (self.before, self.after):
                replay.confirm(repeated)
        for replay in (self.before, self.after):
            replay.flush(record)
        self.tally.flushed(record, self._in_force)

    def _delivered(self, record: Delivered) -> None:
        for replay in (self.before, self.after):
            replay.reach(record.at)
            replay.hear(record)
        self.tally.delivered(record)

    def _collected(self, record: Collected) -> None:
        for replay in (self.before, self.after):
            replay.reach(record.at)
            replay.collect(record)

    def _dropped(self, record: GroupDropped) -> None:
        for replay in (self.before, self.after):
            replay.reach(record.at)
            replay.drop(record)

    def _pruned(self, record: LogPruned) -> None:
        for replay in (self.before, self.after):
            replay.reach(record.at)
            replay.prune(record)

    def _silence_put(self, record: SilencePut) -> None:
        for replay in (self.before, self.after):
            replay.reach(record.at)
        self._silences.restore(record.silences)
        for replay in (self.before, self.after):
            replay.silence()

    def _silences_pruned(self, record: SilencesPruned) -> None:
        self._silences.prune(Now(record.at, record.at))

    def _loaded(self, record: ConfigLoaded) -> None:
        self._in_force = self._plan(record.text) or self._in_force
        if not self._begins(record):
            for replay, plan in self._plans():
                replay.reach(record.at)
                replay.reload(plan, keep_timers=record.kept_timers)
        self._follow()

    def _begins(self, record: Record) -> bool:
        """Whether the record is the first of a run: a start first loads its configuration, then says that it is one."""
        return isinstance(record, ConfigLoaded) and isinstance(self._window.peek(), Started)

    def _started(self, record: Started) -> None:
        last_alive = record.last_alive or self._last_alive
        for replay, plan in self._plans():
            replay.reach(self._last_alive)
            replay.restart(plan, record.at, last_alive, resumed=record.resumed)
            if not record.resumed:
                replay.recall(self._ahead.told)
        self._follow()

    def _plans(self) -> tuple[tuple[Replay, Plan], ...]:
        return (self.before, self._baseline or self._in_force), (self.after, self._candidate)

    def _follow(self) -> None:
        for replay in (self.before, self.after):
            replay.follow(self._in_force)

    # -- the outcome --------------------------------------------------------------------------------------------

    def report(self) -> Report:
        comparison, tape, asked = self.comparison, self.tape, self.asked
        vanished, added = comparison.changes(added=False), comparison.changes(added=True)
        moved, lost, gained = comparison.alerts()
        return Report(
            same=comparison.same,
            period=Period(
                since=format_millis(self.since),
                until=format_millis(tape.last),
                journal_since=format_millis(tape.complete),
                complete=self.since <= asked.since or tape.whole,
            ),
            records=Records(self.done, tape.broken, dict(tape.newer)),
            receivers=comparison.receivers([*(self._baseline or self._in_force).receivers, *self._candidate.receivers]),
            vanished=vanished,
            added=added,
            alerts_moved=moved,
            alerts_lost=lost,
            alerts_gained=gained,
            recorded=self._recorded(),
            notes=tuple(self._all_notes()),
        )

    def _recorded(self) -> Recorded | None:
        """What was sent bears on the comparison when the side before is what was in force, and all of it was asked."""
        if self._baseline is not None or self.asked.matchers:
            return None
        receivers = by_receiver(self.tally.totals)
        replayed = by_receiver(self.comparison.totals["before"])
        names = receivers.keys() | replayed.keys()
        same = all(_numbers(receivers.get(name)) == _numbers(replayed.get(name)) for name in names)
        return Recorded(receivers, same)

    def _all_notes(self) -> Iterable[str]:
        tape, recorded = self.tape, self._recorded()
        if tape.count and self.since > self.asked.since and not tape.whole:
            before = (
                "of the time before the journal only an outline is left, which tells how things stood then"
                if tape.first < tape.complete
                else "what fired when it begins counts as told"
            )
            compared = (
                f"only from {format_millis(self.since)} on, when every group has taken its turns, is compared"
                if self.since <= tape.last
                else "it is too short for anything to be compared"
            )
            if self._ahead.config_since > tape.complete:
                config = format_millis(self._ahead.config_since)
                compared = f"which configuration was in force before {config} is not known, {compared}"
            yield f"the journal begins at {format_millis(tape.complete)}, later than asked: {compared}; {before}"
        if not tape.count:
            yield "the journal is empty"
        elif self.asked.since > tape.last:
            yield f"nothing has been recorded since {format_millis(self.asked.since)}: the last record is older"
        if tape.broken:
            yield f"{tape.broken} records could not be read and were skipped"
        if tape.newer:
            kinds = ", ".join(sorted(tape.newer))
            yield f"{sum(tape.newer.values())} records of kinds that only a newer version knows were skipped: {kinds}"
        yield from self.notes
        assumed = sum(totals.assumed for totals in self.comparison.totals["after"].values())
        if assumed:
            yield f"{assumed} notifications that no record tells of were assumed to be delivered at once"
        if recorded is not None and not recorded.reproduced:
            yield (
                "the replay under the configurations that were in force does not come to the numbers that were really "
                "sent (recorded): both sides were replayed alike, so differences between them still hold"
            )


def _numbers(totals: Totals | None) -> tuple[int, int, int]:
    return (0, 0, 0) if totals is None else (totals.notifications, totals.delivered, totals.failed)
