"""A new plan is made ready in pieces: little at a step, nothing changed before its time, little left for the end."""

import sys
from collections.abc import Callable, Iterator
from itertools import pairwise
from types import FrameType
from typing import Any

import pytest

from ampp.config import compile as compile_plan
from ampp.config import load
from ampp.core.alert import Alert, PostedAlert
from ampp.core.clock import SECOND, Now
from ampp.core.engine import Engine
from ampp.core.group import Groups
from ampp.core.inhibit import Inhibitor
from ampp.core.matcher import Mode
from ampp.core.plan import Plan
from ampp.core.query import alerts
from ampp.core.record import GroupDropped
from ampp.core.silence import SilenceBook
from ampp.core.takeover import Takeover, load_plan
from ampp.core.view import AlertQuery
from ampp.core.wheel import Wheel

START = Now(1_700_000_000 * SECOND, 0)
LATER = Now(START.wall + 60 * SECOND, 60 * SECOND)
RULES = "inhibit_rules: [{source_matchers: [n=~.+], target_matchers: [none=x]}]"


def plan(by: str, more: str = "") -> Plan:
    receivers = 'receivers: [{name: all, webhook_configs: [{url: "http://127.0.0.1:9/"}]}]'
    return compile_plan(load(f"route: {{receiver: all, group_by: [{by}], {more}}}\n{receivers}\n{RULES}"))


def engine(count: int) -> Engine:
    silences = SilenceBook(3600 * SECOND, Mode.UTF8, new_id=lambda: "id", size_of=lambda silence: 0)
    some = Engine(plan("n"), silences, mode=Mode.UTF8, retention=3600 * SECOND, now=START)
    post(some, *range(count))
    return some


def post(some: Engine, *numbers: int, ends: int = START.wall + 3600 * SECOND) -> None:
    some.receive([PostedAlert(labels={"m": str(n % 7), "n": str(n)}, ends=ends) for n in numbers], START)


def driven(steps: Iterator[object]) -> int:
    return sum(1 for _ in steps)


def test_no_step_sees_to_more_than_the_pace(monkeypatch: pytest.MonkeyPatch) -> None:
    some, placed, observed = engine(1_000), [0], [0]
    place, observe = Groups.place, Inhibitor.observe

    def placing(self: Groups, *given: object) -> object:
        placed[-1] += 1
        return place(self, *given)  # type: ignore[arg-type]

    def observing(self: Inhibitor, alert: Alert) -> None:
        observed[-1] += 1
        observe(self, alert)

    monkeypatch.setattr(Groups, "place", placing)
    monkeypatch.setattr(Inhibitor, "observe", observing)
    takeover = Takeover(some, plan("m"), pace=10)
    for _ in takeover.prepare(START):
        placed.append(0)
        observed.append(0)
    assert sum(placed) == sum(observed) == 1_000
    assert max(placed) == max(observed) == 10
    placed.append(0)
    takeover.succeed(START)
    assert placed[-1] == 0
    assert len(some.groups) == 7


def test_what_comes_meanwhile_is_not_all_left_for_the_end(monkeypatch: pytest.MonkeyPatch) -> None:
    some, more = engine(200), iter(range(1_000, 1_500))
    takeover = Takeover(some, plan("m"), pace=10)
    for _ in takeover.prepare(START):
        for number in [n for n, _ in zip(more, range(3), strict=False)]:
            post(some, number)
    placed = []
    place = Groups.place
    monkeypatch.setattr(Groups, "place", lambda self, *given: placed.append(given) or place(self, *given))
    takeover.succeed(START)
    assert len(placed) <= 20
    members = {key for group in some.groups for key in group.alerts}
    assert members == set(some.book.alerts)
    assert len(members) > 300


def test_one_that_is_left_half_done_has_changed_nothing() -> None:
    some = engine(100)
    groups, muting, alerts = some.groups, some.muting.inhibitor, [(a.routes, a.groups) for a in some.book]
    steps = Takeover(some, plan("m"), pace=1).prepare(START)
    while some.groups.made is None:
        next(steps)
    steps.close()  # type: ignore[attr-defined]
    assert some.groups is groups
    assert some.groups.made is None
    assert some.muting.inhibitor is muting
    assert [(a.routes, a.groups) for a in some.book] == alerts
    assert len(groups) == 100


def test_of_very_many_dropped_groups_most_are_recorded_afterwards_and_each_once() -> None:
    some = engine(100)
    takeover = Takeover(some, plan("m"), pace=10)
    driven(takeover.prepare(START))
    post(some, 100)
    out = takeover.succeed(START)
    assert len(out.records) == 20
    later = [record for records in takeover.clear(START) for record in records]
    dropped = [record for record in (*out.records, *later) if isinstance(record, GroupDropped)]
    assert len({record.labels for record in dropped}) == len(dropped) == 101
    assert some.groups.made is None


def test_a_name_that_is_in_use_again_is_not_said_to_be_gone() -> None:
    some = engine(100)
    takeover = Takeover(some, plan("m"), pace=10)
    driven(takeover.prepare(START))
    takeover.succeed(START)
    clearing = takeover.clear(START)
    again = next(iter(takeover._dropped))
    some.groups.create(some.plan.root, (0, ("again",)), next(iter(some.book)), START)
    assert some.groups.made is not None
    some.groups.made[-1].identity, some.groups.made[-1].labels = again.identity, again.labels
    later = [record for records in clearing for record in records]
    assert len(later) == 79
    assert again.label_key not in {record.labels for record in later if isinstance(record, GroupDropped)}


def test_an_alert_forgotten_meanwhile_is_forgotten() -> None:
    some = engine(10)
    over = [alert for alert in some.book if alert.labels["n"] == "3"]
    takeover = Takeover(some, plan("m"), pace=1)
    steps = takeover.prepare(START)
    while some.groups.made is None:
        next(steps)
    alert = over[0]
    for group in alert.groups:
        del group.alerts[alert.key]
    alert.ends = START.wall - 1
    assert some.collect(START) == over
    driven(steps)
    takeover.succeed(START)
    assert alert.key not in {key for group in some.groups for key in group.alerts}
    assert not some.muting.inhibitor.may_inhibit(alert)
    assert all(some.muting.inhibitor.may_inhibit(each) for each in some.book)


@pytest.mark.parametrize("keep_timers", [False, True])
@pytest.mark.parametrize("pace", [1, 10])
def test_a_group_whose_heir_came_to_nothing_is_no_more(pace: int, keep_timers: bool) -> None:
    some = engine(0)
    some.plan, some.groups = plan("m"), Groups(plan("m").root, Wheel(0))
    post(some, 1, 8, 2, 3)
    old, going = next(iter(some.groups)), next(iter(some.book))
    told = some.due(LATER).notify
    # Under the new plan the alert that stays is told elsewhere; the one that goes would have been the whole heir.
    new = plan("m", 'routes: [{receiver: all, matchers: [n="8"], group_by: [n]}]')
    takeover = Takeover(some, new, keep_timers=keep_timers, pace=pace)
    driven(takeover.prepare(START))
    del old.alerts[going.key]
    going.ends = START.wall - 1
    assert some.collect(START) == [going]
    out = takeover.succeed(START)
    assert [(r.route, r.labels) for r in out.records if isinstance(r, GroupDropped)] == [old.name]
    assert len(some.groups) == 3
    given_up = [notify.flush for notify in told if not keep_timers or notify.group_labels == old.labels]
    assert sorted(out.canceled) == sorted(given_up)


def test_what_was_in_force_before_is_let_go_of_in_pieces() -> None:
    some = engine(100)
    old = some.groups
    groups = list(old)
    takeover = Takeover(some, plan("m"), pace=10)
    driven(takeover.prepare(START))
    takeover.succeed(START)
    left = [len(old.live) for _ in takeover.clear(START)]
    assert max(before - after for before, after in pairwise(left)) == 10
    assert not old.live
    assert len(old.wheel) == 0
    assert all(group.gone and not group.alone for group in groups)


def calls(act: Callable[[], object]) -> int:
    """How many functions are called meanwhile: what is done, however fast."""
    count = 0

    def called(frame: FrameType, event: str, argument: Any) -> None:
        nonlocal count
        count += event == "call"

    sys.setprofile(called)
    try:
        act()
    finally:
        sys.setprofile(None)
    return count


@pytest.mark.parametrize("keep_timers", [False, True])
@pytest.mark.parametrize("by", ["n", "m"])
def test_the_step_does_no_more_for_many_groups(by: str, keep_timers: bool) -> None:
    done = []
    for count in (100, 2_000):
        some = engine(count)
        assert len(some.due(LATER).notify) == 50
        takeover = Takeover(some, plan(by), keep_timers=keep_timers, pace=10)
        driven(takeover.prepare(START))
        flights = len(some.flights)
        done.append(calls(lambda takeover=takeover: takeover.succeed(START)) - flights)  # type: ignore[misc]
        assert calls(some.next_due) < 20
        driven(takeover.clear(START))
        assert len(some.groups) == (count if by == "n" else 7)
    assert abs(done[1] - done[0]) < 150


def test_until_they_are_told_alerts_are_found_where_they_are() -> None:
    some = engine(100)
    takeover = Takeover(some, plan("m"), pace=10)
    driven(takeover.prepare(START))
    former = {alert.key: alert.groups for alert in some.book}
    takeover.succeed(START)
    first, other, again, *_ = some.book
    assert first.groups == former[first.key]
    assert some.groups.of(first) == first.groups == tuple(g for g in some.groups if first.key in g.alerts)
    post(some, int(other.labels["n"]), ends=START.wall + 7200 * SECOND)
    assert other.groups[0] in list(some.groups)
    list(alerts(some, AlertQuery(), START.wall))
    assert again.groups[0] in list(some.groups)
    driven(takeover.clear(START))
    assert not some.groups.untold
    assert all(alert.seated and alert.groups[0] in list(some.groups) for alert in some.book)


def test_what_is_given_up_is_expected_no_more_and_what_is_inherited_is() -> None:
    for keep_timers in (False, True):
        some = engine(3)
        told = some.due(LATER).notify
        assert told
        assert all(some.expects(notify) for notify in told)
        out = load_plan(some, plan("n"), START, keep_timers=keep_timers)
        assert [some.expects(notify) for notify in told] == [keep_timers] * len(told)
        assert sorted(out.canceled) == ([] if keep_timers else sorted(notify.flush for notify in told))


def test_a_turn_taken_meanwhile_is_inherited() -> None:
    some = engine(50)
    takeover = Takeover(some, plan("n"), keep_timers=True, pace=1)
    steps = takeover.prepare(START)
    for _ in range(110):
        next(steps)
    while some.due(LATER).notify:
        pass
    driven(steps)
    due = {group.name: group.due for group in some.groups}
    takeover.succeed(LATER)
    assert {group.name: group.due for group in some.groups} == due
    assert all(group.flushed and group.flight is not None for group in some.groups)
