"""The life of a group: when it comes to be, when its turns come, when it goes (core reference 4)."""

import gc
import json

import pytest

from ampp.core.clock import SECOND
from ampp.core.group import Group
from ampp.core.notify import Outcome
from ampp.core.record import Collected, Flushed, GroupDropped, Posted
from tests.stories.naming import show
from tests.stories.story import MONDAY, Story

OPS = "route: {receiver: ops, group_wait: 30s, group_interval: 5m, repeat_interval: 4h}"
BRISK = "route: {receiver: ops, group_wait: 0s, group_interval: 2s, repeat_interval: 1h}"


def test_a_fresh_alert_waits_and_its_end_is_told_at_the_next_turn() -> None:
    Story(OPS).play("""
        0s      A fires
        30s     ops hears first notification: A
        40s     A resolves
        5m30s   ops hears all alerts resolved: A resolved
        1h      the end
    """)


def test_what_comes_during_group_wait_is_told_together() -> None:
    Story(OPS).play("""
        0s      A fires
        29s999ms B fires
        30s     ops hears first notification: A, B
        31s     C fires
        5m30s   ops hears new alerts added: A, B, C
        1h      the end
    """)


def test_an_old_alert_opens_its_group_with_an_immediate_flush() -> None:
    Story(OPS).play("""
        10s     A fires since -31s
        10s     ops hears first notification: A
        11s     B fires
        5m10s   ops hears new alerts added: A, B
        1h      the end
    """)


def test_exactly_group_wait_old_is_not_old() -> None:
    Story(OPS).play("""
        0s      A fires since -30s
        30s     ops hears first notification: A
        1m      the end
    """)


def test_a_millisecond_over_group_wait_is_old() -> None:
    Story(OPS).play("""
        0s      A fires since -30s1ms
        0s      ops hears first notification: A
        1m      the end
    """)


def test_only_the_creating_alert_can_hasten_the_first_flush() -> None:
    Story(OPS).play("""
        0s      A fires
        5s      B fires since -10h
        30s     ops hears first notification: A, B
        1m      the end
    """)


def test_in_one_request_the_first_alert_of_a_group_creates_it() -> None:
    Story(OPS).play("""
        0s      A posted
        0s      B fires since -10h
        30s     ops hears first notification: A, B
        1m      the end
    """)
    Story(OPS).play("""
        0s      B fires since -10h
        0s      ops hears first notification: B
        0s      A posted
        1m      the end
    """)


def test_group_wait_zero_still_needs_an_alert_older_than_now_to_be_immediate_but_fires_at_once() -> None:
    Story(BRISK).play("""
        0s      A fires
        0s      ops hears first notification: A
        1s      the end
    """)


def test_a_firing_alert_is_never_removed_by_a_flush() -> None:
    story = Story(OPS).play("""
        0s      A fires
        30s     ops hears first notification: A
        3h      the end
    """)
    assert [show(alert.labels) for alert in story.group("{}:{}").alerts.values()] == ["A"]


def test_an_emptied_group_is_gone_and_the_next_alert_begins_a_new_one() -> None:
    story = Story(OPS).play("""
        0s      A fires
        30s     ops hears first notification: A
        1m      A resolves
        5m30s   ops hears all alerts resolved: A resolved
    """)
    assert story.group_keys() == []
    assert [record.cause for record in story.journal if isinstance(record, GroupDropped)] == ["empty"]
    story.play("""
        5m40s   B fires
        6m10s   ops hears first notification: B
        1h      the end
    """)


def test_one_that_resolved_leaves_and_the_others_stay() -> None:
    story = Story(OPS).play("""
        0s      A, B fire
        30s     ops hears first notification: A, B
        1m      A resolves
        5m30s   ops hears some alerts resolved: A resolved, B
        3h      the end
    """)
    assert [show(alert.labels) for alert in story.group("{}:{}").alerts.values()] == ["B"]


def test_fired_again_during_the_flush_that_tells_its_end_it_stays() -> None:
    story = Story(OPS).play("""
        0s      A fires
        30s     ops hears first notification: A
        1m      A resolves
        5m      ops takes 10s
        5m35s   A fires
        5m40s   ops hears all alerts resolved: A resolved
        6m      ops answers
        10m30s  ops hears first notification: A
        1h      the end
    """)
    assert story.group_keys() == ["{}:{}"]


def test_fired_again_at_the_instant_of_the_report_that_it_was_over_it_stays() -> None:
    """The clock was set back in between; upstream, which compares these instants, would lose the alert."""
    story = Story(OPS).play("""
        0s      A fires
        30s     ops hears first notification: A
        5m29s   A resolves
        5m29s   ops takes 10s
        5m31s   clock jumps -2s
        5m31s   A fires
        5m40s   ops hears all alerts resolved: A resolved
        6m      ops answers
        10m30s  ops hears first notification: A
        1h      the end
    """)
    assert story.group_keys() == ["{}:{}"]
    assert not [record for record in story.journal if isinstance(record, Collected)]


def test_reported_over_again_during_the_flush_that_tells_its_end_it_stays_one_turn_longer() -> None:
    story = Story(OPS).play("""
        0s      A fires
        30s     ops hears first notification: A
        1m      A resolves
        5m      ops takes 10s
        5m35s   A resolves
        5m40s   ops hears all alerts resolved: A resolved
    """)
    assert story.group_keys() == ["{}:{}"]
    story.play("1h the end")
    assert story.group_keys() == []


def test_a_snapshot_cannot_turn_resolved_in_flight() -> None:
    story = Story(OPS).play("""
        0s      ops takes 1m
        0s      A fires
        45s     A resolves
        1m30s   ops hears first notification: A
        1m31s   ops answers
        5m30s   ops hears all alerts resolved: A resolved
        1h      the end
    """)
    assert story.heard[0].alerts[0].firing
    assert story.heard[0].firing
    assert not story.heard[0].resolved


def test_an_alert_that_ends_at_the_very_instant_of_the_turn_is_over() -> None:
    Story(OPS).play("""
        0s      A posted ends=+5m30s
        30s     ops hears first notification: A
        5m30s   ops hears all alerts resolved: A resolved
        1h      the end
    """)
    Story(OPS).play("""
        0s      A posted ends=+5m30s1ms
        30s     ops hears first notification: A
        10m30s  ops hears all alerts resolved: A resolved
        1h      the end
    """)


def test_an_alert_nobody_repeats_is_over_after_resolve_timeout() -> None:
    Story("resolve_timeout: 2m\n" + OPS).play("""
        0s      A posted
        30s     ops hears first notification: A
        5m30s   ops hears all alerts resolved: A resolved
        1h      the end
    """)


def test_a_failed_flush_removes_nothing_and_is_tried_again_at_the_next_turn() -> None:
    story = Story(OPS).play("""
        0s      A fires
        30s     ops hears first notification: A
        1m      A resolves
        1m      ops refuses
        5m30s   ops misses all alerts resolved: A resolved
        10m30s  ops misses all alerts resolved: A resolved
    """)
    assert story.group_keys() == ["{}:{}"]
    story.play("""
        11m     ops answers
        15m30s  ops hears all alerts resolved: A resolved
        1h      the end
    """)
    assert story.group_keys() == []


def test_after_a_failure_those_who_were_told_are_not_told_again() -> None:
    story = Story("receivers: {ops: [webhook, slack]}\n" + OPS).play("""
        0s      ops/slack/0 refuses
        0s      A fires
        30s     ops/webhook/0 hears first notification: A
        30s     ops/slack/0 misses first notification: A
        5m30s   ops/slack/0 misses first notification: A
        6m      ops/slack/0 answers
        10m30s  ops/slack/0 hears first notification: A
        11m     A resolves
        12m     ops/webhook/0 refuses
        15m30s  ops/webhook/0 misses all alerts resolved: A resolved
        15m30s  ops/slack/0 hears all alerts resolved: A resolved
    """)
    assert story.group_keys() == ["{}:{}"]


def test_a_flush_is_over_only_when_the_last_integration_has_answered() -> None:
    story = Story("receivers: {ops: [webhook, slack]}\n" + OPS).play("""
        0s      A fires
        30s     ops/webhook/0 hears first notification: A
        30s     ops/slack/0 hears first notification: A
        1m      A resolves
        1m      ops/slack/0 takes 1m
        5m30s   ops/webhook/0 hears all alerts resolved: A resolved
        6m      the end
    """)
    assert story.group_keys() == ["{}:{}"]
    story.play("6m30s ops/slack/0 hears all alerts resolved: A resolved")
    assert story.group_keys() == []


def test_an_alert_that_arrives_over_is_never_told_and_leaves_no_group() -> None:
    story = Story(OPS).play("""
        0s      A posted starts=-10m ends=-1s
        1h      the end
    """)
    assert story.group_keys() == []
    flushes = [record for record in story.journal if isinstance(record, Flushed)]
    assert [(record.at - flushes[0].at, len(record.outbox)) for record in flushes] == [(0, 0)]


def test_an_old_one_that_arrives_over_is_done_with_at_once() -> None:
    assert Story(OPS).play("0s A posted starts=-10m ends=-1s").group_keys() == []
    assert Story(OPS).play("0s A posted starts=-10s ends=-1s").group_keys() == ["{}:{}"]


def test_a_start_in_the_future_makes_no_difference() -> None:
    Story(OPS).play("""
        0s      A fires since +1h
        30s     ops hears first notification: A
        1h      the end
    """)


def test_alerts_are_told_by_job_then_instance_then_label_set() -> None:
    Story(OPS).play("""
        0s      Z, Y{a=1}, Y{b=0}, X{x=1, y=1} fire
        0s      B{instance=2}, A{instance=3}, C{job=b}, D{job=a}, E{instance=1, job=b} fire
        30s     ops hears first notification: D{job=a}, E{instance=1, job=b}, C{job=b}, \
B{instance=2}, A{instance=3}, Z, Y{b=0}, Y{a=1}, X{x=1, y=1}
        1m      the end
    """)


def test_when_all_groups_are_gone_nothing_is_due() -> None:
    story = Story(OPS).play("""
        0s      A fires
        30s     ops hears first notification: A
        1m      A resolves
        5m30s   ops hears all alerts resolved: A resolved
    """)
    assert story.engine.next_due() is None


def test_told_as_over_and_fired_again_with_the_clock_set_back_it_is_told_again() -> None:
    Story(OPS).play("""
        0s      A fires
        30s     ops hears first notification: A
        1m      A resolves
        5m30s   ops hears all alerts resolved: A resolved
        6m      clock jumps -5m30s
        6m      A posted starts=+10s ends=+10h
        6m30s   ops hears first notification: A
        1h      the end
    """)


def test_an_answer_given_twice_counts_once() -> None:
    story = Story("receivers: {ops: [webhook, slack]}\n" + OPS).play("""
        0s      ops/slack/0 takes 1m
        0s      A fires
        30s     ops/webhook/0 hears first notification: A
    """)
    again = story.engine.delivered(Outcome(story.heard[0], True, 1, 0), story.now)
    assert again.records == []
    story.play("1m30s ops/slack/0 hears first notification: A")


def test_the_journal_names_a_group_s_alerts_only_when_they_have_changed() -> None:
    story = Story(OPS).play("""
        0s      A fires
        30s     ops hears first notification: A
        6m      B fires
        10m30s  ops hears new alerts added: A, B
        10m31s  B resolves
        15m30s  ops hears some alerts resolved: A, B resolved
    """)
    named = [len(record.alerts) for record in story.journal if isinstance(record, Flushed)]
    # First, nothing new, with B, B over.
    assert named == [1, 0, 2, 0]


def lapses(story: Story) -> list[tuple[str, int]]:
    """What the journal tells of ends that came by time: alert, and seconds since the story began."""
    return [
        (json.loads(key)["alertname"], (end - MONDAY) // SECOND)
        for record in story.journal
        if isinstance(record, (Flushed, Posted))
        for key, end in record.lapsed
    ]


def test_the_journal_tells_once_that_an_alert_ended_by_time() -> None:
    story = Story(OPS).play("""
        0s      A posted ends=+1m
        0s      B fires
        30s     ops hears first notification: A, B
        40s     A posted ends=+2m
        5m30s   ops hears some alerts resolved: A resolved, B
        6m      B resolves
        10m30s  ops hears all alerts resolved: B resolved
    """)
    # A was refreshed once, which only the end tells; B was resolved by its sender.
    assert lapses(story) == [("A", 160)]


def test_the_end_of_an_alert_that_nobody_may_hear_of_is_told_all_the_same() -> None:
    story = Story(OPS).play("""
        0s      silence s1 {alertname="A"} for 2h
        0s      A posted ends=+7m
        1h      the end
    """)
    assert lapses(story) == [("A", 420)]


def test_an_alert_that_ended_by_time_and_fires_again_before_anyone_noticed() -> None:
    story = Story(OPS).play("""
        0s      A posted ends=+1m
        30s     ops hears first notification: A
        3m      A posted starts=-10s ends=+10h
        1h      the end
    """)
    assert lapses(story) == [("A", 60)]


def test_an_end_told_before_a_restart_may_be_told_again_and_no_more() -> None:
    story = Story(OPS).play("""
        0s      ops is down
        0s      A posted ends=+7m
        5m30s   ops misses first notification: A
        10m30s  ops misses first notification: A
        20m     stop
        20m1s   start
        1h      the end
    """)
    assert lapses(story) in ([("A", 420)], [("A", 420)] * 2)


@pytest.mark.parametrize(
    "happens",
    [
        """
        0s      A fires
        30s     ops hears first notification: A
        1m      reload keeping timers
        2m      A resolves
        5m30s   ops hears all alerts resolved: A resolved
        5m31s   collect
        20m     the end
        """,
        """
        0s      ops is down
        0s      A fires
        31s     reload
        40s     ops answers
        40s     ops hears first notification: A
        2m      A resolves
        5m31s   ops hears all alerts resolved: A resolved
        20m     collect
        1h      the end
        """,
    ],
    ids=["told", "given up at a reload"],
)
def test_a_group_that_ends_is_freed_without_the_garbage_collector(happens: str) -> None:
    """The daemon spares what has lived long from collections."""
    story = Story(OPS)
    gc.collect()
    others = [each for each in gc.get_objects() if type(each) is Group]
    gc.disable()
    try:
        story.play(happens)
        assert len(story.engine.groups) == 0
        story.heard.clear()
        assert not [each for each in gc.get_objects() if type(each) is Group and each not in others]
    finally:
        gc.enable()
