"""What is over is forgotten a little at a time, and nothing that is reported meanwhile is lost or seen half."""

from itertools import islice

import pytest

from ampp.config import compile as compile_plan
from ampp.config import load
from ampp.core.alert import PostedAlert
from ampp.core.clock import HOUR, SECOND, Now
from ampp.core.engine import Engine
from ampp.core.labels import key
from ampp.core.matcher import Mode
from ampp.core.silence import SilenceBook
from ampp.core.takeover import Takeover, load_plan

CONFIG = """
route: {receiver: all, group_by: [n], group_wait: 1h}
receivers: [{name: all}]
inhibit_rules: [{source_matchers: [severity="critical"], target_matchers: [severity="warning"], equal: [n]}]
"""
START = Now(1_700_000_000 * SECOND, 0)
LATER = Now(START.wall + 60 * SECOND, 60 * SECOND)


def labels(number: int, severity: str = "critical") -> dict[str, str]:
    return {"alertname": "A", "n": str(number), "severity": severity}


def filled(many: int, per_name: int = 0) -> Engine:
    """An engine in which every second alert is over at LATER."""
    silences = SilenceBook(HOUR, Mode.UTF8, new_id=lambda: "id", size_of=lambda silence: 0)
    engine = Engine(compile_plan(load(CONFIG)), silences, mode=Mode.UTF8, retention=HOUR, now=START, per_name=per_name)
    ends = (START.wall + 30 * SECOND, START.wall + HOUR)
    engine.receive([PostedAlert(labels=labels(n), ends=ends[n % 2]) for n in range(many)], START)
    return engine


def test_no_batch_is_large_and_together_they_are_what_is_over() -> None:
    engine = filled(2_000)
    batches = list(engine.collecting(LATER))
    assert max(map(len, batches)) <= 64
    assert len(batches) >= 2_000 // 64
    gone = [alert.labels["n"] for batch in batches for alert in batch]
    assert gone == [str(n) for n in range(0, 2_000, 2)]
    assert [alert.labels["n"] for alert in engine.book] == [str(n) for n in range(1, 2_000, 2)]
    assert engine.collect(LATER) == []


def test_at_every_pause_the_book_and_the_inhibitor_know_the_same() -> None:
    engine = filled(500)
    every = list(engine.book)
    known = []
    for _ in engine.collecting(LATER):
        here = [alert.key in engine.book.alerts for alert in every]
        assert here == [engine.muting.inhibitor.may_inhibit(alert) for alert in every]
        known.append(sum(here))
    assert len(set(known)) > 5


def test_what_is_reported_meanwhile_counts() -> None:
    engine = filled(500)
    batches = engine.collecting(LATER)
    first = {alert.labels["n"] for alert in next(batches)}
    assert "0" in first
    assert "498" not in first
    # One that is gone fires again, one that is still to be looked at goes on firing, and one that fired ends.
    until = LATER.wall + HOUR
    engine.receive([PostedAlert(labels=labels(n), starts=START.wall, ends=until) for n in (0, 498)], LATER)
    engine.receive([PostedAlert(labels=labels(499), starts=START.wall, ends=LATER.wall)], LATER)
    engine.receive([PostedAlert(labels=labels(n, "warning"), ends=until) for n in (0, 498, 499)], LATER)
    gone = first | {alert.labels["n"] for batch in batches for alert in batch}
    assert {"0", "499"} <= gone
    assert "498" not in gone
    assert key(labels(499)) not in engine.book.alerts
    for number, quiet in ((0, True), (498, True), (499, False)):
        target = engine.book.alerts[key(labels(number, "warning"))]
        inhibition = engine.muting.inhibited_by(target, LATER.wall)
        assert (inhibition is not None) == quiet
        if inhibition is not None:
            assert inhibition.source is engine.book.alerts[key(labels(number))]


def test_a_name_none_of_whose_alerts_is_left_makes_room() -> None:
    engine = filled(1, per_name=1)
    assert engine.receive([PostedAlert(labels=labels(7))], START).limited == ["A"]
    engine.collect(LATER)
    assert not engine.book.names._ends
    assert engine.receive([PostedAlert(labels=labels(7))], LATER).limited == []


@pytest.mark.parametrize("before", [0, 1, 5, 12])
def test_a_takeover_in_the_midst_of_it_comes_to_the_same_end(before: int) -> None:
    """`before`: batches collected until the new plan is in force; the others follow."""
    plan = compile_plan(load(CONFIG))
    engine, other = filled(1_000), filled(1_000)
    every = list(engine.book)
    batches, takeover = engine.collecting(LATER), Takeover(engine, plan, pace=64)
    early = islice(batches, before)
    for _ in takeover.prepare(LATER):
        next(early, None)
    takeover.succeed(LATER)
    for _ in takeover.clear(LATER):
        next(batches, None)
    list(batches)
    load_plan(other, plan, LATER)
    other.collect(LATER)
    assert list(engine.book.alerts) == list(other.book.alerts)
    told = [{group.name: set(group.alerts) for group in each.groups} for each in (engine, other)]
    assert told[0] == told[1]
    assert len(told[0]) == 1_000
    for alert in every:
        assert engine.muting.inhibitor.may_inhibit(alert) == (alert.key in engine.book.alerts)
