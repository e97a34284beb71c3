"""Told or not: the dedup table row by row, and send_resolved (core reference 6.3, 6.4)."""

import pytest

from ampp.core.clock import SECOND
from ampp.core.dedup import repeats_every
from ampp.core.duration import parse_prometheus
from tests.stories.story import Story

OPS = "route: {receiver: ops, group_wait: 30s, group_interval: 5m, repeat_interval: 1h}"
QUIET = "receivers: {ops: [webhook-]}\n" + OPS
KEY = "{}:{}:ops/webhook/0"


def test_row_1_nothing_told_yet() -> None:
    Story(OPS).play("""
        0s      A fires
        30s     ops hears first notification: A
        1m      the end
    """)


def test_row_1_nothing_told_yet_and_all_is_over_already() -> None:
    story = Story(OPS).play("""
        0s      A fires
        10s     A resolves
        1h      the end
    """)
    assert story.heard == []
    assert story.engine.log == {}
    assert story.group_keys() == []


def test_row_2_something_new_fires() -> None:
    Story(OPS).play("""
        0s      A fires
        30s     ops hears first notification: A
        1m      B fires
        5m30s   ops hears new alerts added: A, B
        10m     the end
    """)


def test_row_2_comes_before_rows_3_and_4() -> None:
    Story(OPS).play("""
        0s      A fires
        30s     ops hears first notification: A
        1m      A resolves
        1m      B fires
        5m30s   ops hears new alerts added: A resolved, B
        1h      the end
    """)


def test_row_2_after_all_was_over_it_is_a_first_notification_again() -> None:
    Story(OPS).play("""
        0s      A fires
        30s     ops hears first notification: A
        1m      A resolves
        5m30s   ops hears all alerts resolved: A resolved
        6m      A fires
        6m30s   ops hears first notification: A
        1h      the end
    """)


def test_row_3_all_over() -> None:
    Story(OPS).play("""
        0s      A, B fire
        30s     ops hears first notification: A, B
        1m      A, B resolve
        5m30s   ops hears all alerts resolved: A resolved, B resolved
        2h      the end
    """)


def test_row_3_nothing_fires_and_nothing_did() -> None:
    """Told as over, then something that came and went before anybody heard of it."""
    Story(OPS).play("""
        0s      A fires
        30s     ops hears first notification: A
        1m      A resolves
        5m30s   ops hears all alerts resolved: A resolved
        6m      B fires
        6m10s   B resolves
        2h      the end
    """)


def test_row_4_some_over() -> None:
    Story(OPS).play("""
        0s      A, B fire
        30s     ops hears first notification: A, B
        1m      A resolves
        5m30s   ops hears some alerts resolved: A resolved, B
        1h5m    the end
    """)


def test_row_4_what_fired_and_ended_between_two_turns_is_told_as_over() -> None:
    Story(OPS).play("""
        0s      A fires
        30s     ops hears first notification: A
        1m      B fires
        2m      B resolves
        5m30s   ops hears some alerts resolved: A, B resolved
        1h      the end
    """)


def test_row_4_only_with_send_resolved() -> None:
    Story(QUIET).play("""
        0s      A, C fire
        30s     ops hears first notification: A, C
        1m      B fires
        2m      B, C resolve
        1h5m30s ops hears repeat interval elapsed: A
    """)


def test_row_5_strictly_longer_than_repeat_interval() -> None:
    Story(OPS).play("""
        0s      A fires
        30s     ops hears first notification: A
        1h5m30s ops hears repeat interval elapsed: A
        2h10m30s ops hears repeat interval elapsed: A
        3h      the end
    """)


def test_row_5_counts_from_when_the_last_one_had_been_sent() -> None:
    Story("route: {receiver: ops, group_wait: 0s, group_interval: 5m, repeat_interval: 9m}").play("""
        0s      ops takes 2m
        0s      A fires
        2m      ops hears first notification: A
        3m      ops answers
        15m     ops hears repeat interval elapsed: A
        16m     the end
    """)


def test_row_5_any_success_begins_the_wait_anew() -> None:
    Story(OPS).play("""
        0s      A fires
        30s     ops hears first notification: A
        50m     B fires
        50m30s  ops hears new alerts added: A, B
        1h55m30s ops hears repeat interval elapsed: A, B
        2h      the end
    """)


def test_row_5_a_repeat_tells_what_is_over_too_if_nobody_has_heard() -> None:
    story = Story(OPS).play("""
        0s      A fires
        30s     ops hears first notification: A
        1h5m30s ops hears repeat interval elapsed: A
        1h5m31s the end
    """)
    assert [notify.reason.value for notify in story.heard] == ["first notification", "repeat interval elapsed"]


def test_row_6_nothing_new() -> None:
    story = Story(OPS).play("""
        0s      A fires
        30s     ops hears first notification: A
        59m     A fires
        1h      the end
    """)
    assert len(story.heard) == 1


# -- send_resolved: false ----------------------------------------------------------------------------------------------


def test_without_send_resolved_the_end_is_noted_and_not_sent() -> None:
    story = Story(QUIET).play("""
        0s      A fires
        30s     ops hears first notification: A
        1m      A resolves
        6m      the end
    """)
    assert story.engine.log[KEY].firing == ()
    assert len(story.engine.log[KEY].resolved) == 1
    assert story.group_keys() == []
    story.play("""
        7m      A fires
        7m30s   ops hears first notification: A
        1h      the end
    """)


def test_without_send_resolved_the_end_is_noted_even_when_the_receiver_is_down() -> None:
    story = Story(QUIET).play("""
        0s      A fires
        30s     ops hears first notification: A
        1m      A resolves
        1m      ops is down
        6m      the end
    """)
    assert story.group_keys() == []
    assert story.engine.outbox == {}


def test_without_send_resolved_only_what_fires_is_sent_and_both_are_noted() -> None:
    story = Story(QUIET).play("""
        0s      A, B fire
        30s     ops hears first notification: A, B
        1m      A resolves
        2m      C fires
        5m30s   ops hears new alerts added: B, C
        1h      the end
    """)
    assert sorted(alert.firing for alert in story.heard[-1].alerts) == [False, True, True]
    assert len(story.engine.log[KEY].resolved) == 1


def test_each_integration_goes_by_its_own_setting_and_its_own_log() -> None:
    Story("receivers: {ops: [webhook, email-]}\n" + OPS).play("""
        0s      A, B fire
        30s     ops/webhook/0 hears first notification: A, B
        30s     ops/email/0 hears first notification: A, B
        1m      A resolves
        5m30s   ops/webhook/0 hears some alerts resolved: A resolved, B
        1h5m30s ops/email/0 hears repeat interval elapsed: B
        1h10m30s ops/webhook/0 hears repeat interval elapsed: B
        1h11m   the end
    """)


@pytest.mark.parametrize(
    ("repeat", "interval"), [("1h", "5m"), ("9m", "5m"), ("10m", "1h"), ("4h", "3h"), ("7m", "7m")]
)
def test_row_5_how_often_a_repeat_comes_is_known_beforehand(repeat: str, interval: str) -> None:
    every = repeats_every(parse_prometheus(repeat), parse_prometheus(interval)) // SECOND
    told = "ops hears repeat interval elapsed: A"
    Story(f"route: {{receiver: ops, group_wait: 30s, group_interval: {interval}, repeat_interval: {repeat}}}").play(f"""
        0s      A fires
        30s     ops hears first notification: A
        {30 + every}s  {told}
        {30 + 2 * every}s  {told}
        {30 + 3 * every - 1}s  the end
    """)
