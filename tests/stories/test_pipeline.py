"""From a group's turn to the log: the order of the stages, the dedup table, what is noted (core reference 6)."""

import pytest

from ampp.core.clock import HOUR, MINUTE, SECOND
from tests.stories.story import BOOT, MONDAY, Story

OPS = "route: {receiver: ops, group_wait: 30s, group_interval: 5m, repeat_interval: 1h}"
QUIET = "receivers: {ops: [webhook-]}\n" + OPS
KEY = "{}:{}:ops/webhook/0"


# -- the dedup table, row by row ---------------------------------------------------------------------------------------


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


# -- send_resolved: false -----------------------------------------------------------------------------------------------


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
    assert [alert.firing for alert in story.heard[-1].alerts] == [False, True, True]
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


# -- the log ------------------------------------------------------------------------------------------------------------


def test_the_log_holds_what_was_told_last_and_when() -> None:
    story = Story(OPS).play("""
        0s      A, B fire
        30s     ops hears first notification: A, B
        1m      ops takes 3s
        1m      A resolves
        5m33s   ops hears some alerts resolved: A resolved, B
    """)
    entry = story.engine.log[KEY]
    assert entry.key == KEY
    assert (entry.group_key, entry.receiver, entry.integration, entry.idx) == ("{}:{}", "ops", "webhook", 0)
    assert entry.timestamp == MONDAY + 333 * SECOND
    assert (len(entry.firing), len(entry.resolved)) == (1, 1)


def test_the_log_knows_alerts_by_xxhash() -> None:
    story = Story(OPS).play("""
        0s      Foo fires
        30s     ops hears first notification: Foo
    """)
    assert story.engine.log[KEY].firing == (0xF7E8145E0DABAB62,)


@pytest.mark.parametrize(("retention", "expires"), [("120h", 2 * HOUR), ("90m", 90 * MINUTE), ("2h", 2 * HOUR)])
def test_an_entry_expires_after_twice_repeat_interval_or_the_retention(retention: str, expires: int) -> None:
    story = Story(OPS, retention=retention).play("""
        0s      A fires
        30s     ops hears first notification: A
    """)
    assert story.engine.log[KEY].expires == MONDAY + 30 * SECOND + expires


def test_an_expired_entry_deduplicates_until_it_is_pruned() -> None:
    config = "route: {receiver: ops, group_wait: 30s, group_interval: 10m, repeat_interval: 1m}"
    script = """
        0s      A fires
        30s     ops hears first notification: A
        40s     A resolves
        40s     B fires
    """
    Story(config, retention="1m").play(
        script
        + """
        10m30s  ops hears new alerts added: A resolved, B
        11m     the end
    """
    )
    Story(config, retention="1m").play(
        script
        + """
        1m30s   prune
        10m30s  ops hears first notification: A resolved, B
        11m     the end
    """
    )


def test_pruning_spares_what_has_not_expired() -> None:
    story = Story(OPS).play("""
        0s      A fires
        30s     ops hears first notification: A
        35s     A resolves
        5m30s   ops hears all alerts resolved: A resolved
        2h5m29s prune
    """)
    assert KEY in story.engine.log
    story.play("2h5m30s prune")
    assert story.engine.log == {}


def test_a_failure_notes_nothing() -> None:
    story = Story(OPS).play("""
        0s      ops refuses
        0s      A fires
        30s     ops misses first notification: A
        1m      the end
    """)
    assert story.engine.log == {}
    assert list(story.engine.outbox) == [KEY]


def test_a_success_after_a_failure_tells_the_present_and_not_the_past() -> None:
    Story(OPS).play("""
        0s      ops refuses
        0s      A fires
        30s     ops misses first notification: A
        1m      B fires
        2m      A resolves
        3m      ops answers
        5m30s   ops hears first notification: A resolved, B
        1h      the end
    """)


def test_what_ended_before_anybody_could_be_told_is_dropped() -> None:
    story = Story(OPS).play("""
        0s      ops refuses
        0s      A fires
        30s     ops misses first notification: A
        2m      A resolves
        3m      ops answers
        1h      the end
    """)
    assert story.engine.outbox == {}
    assert story.group_keys() == []


def test_the_clock_set_back_does_not_repeat_at_every_turn() -> None:
    """Upstream leaves an entry from the future alone, so that it would; see `Engine._write_log`."""
    story = Story(OPS).play("""
        0s      A fires
        30s     ops hears first notification: A
        1m      clock jumps -10m
        2m      B fires
        5m30s   ops hears new alerts added: A, B
        1h      the end
    """)
    assert story.engine.log[KEY].timestamp == MONDAY + (330 - 600) * SECOND


# -- receiver data ------------------------------------------------------------------------------------------------------


def test_receiver_data_is_carried_from_one_notification_to_the_next() -> None:
    story = Story(OPS).play("""
        0s      ops returns ts=1
        0s      A fires
        30s     ops hears first notification: A
        1m      B fires
        5m30s   ops hears new alerts added: A, B
        6m      A, B resolve
        10m30s  ops hears all alerts resolved: A resolved, B resolved
    """)
    assert [notify.data for notify in story.heard] == [{}, {"ts": "1"}, {"ts": "1"}]
    assert story.engine.log[KEY].data == {"ts": "1"}


def test_receiver_data_is_cleared_for_a_first_notification() -> None:
    story = Story(OPS).play("""
        0s      ops returns ts=1
        0s      A fires
        30s     ops hears first notification: A
        1m      A resolves
        5m30s   ops hears all alerts resolved: A resolved
        6m      A fires
        6m30s   ops hears first notification: A
    """)
    assert [notify.data for notify in story.heard] == [{}, {"ts": "1"}, {}]


def test_receiver_data_outlives_an_end_that_is_only_noted() -> None:
    story = Story(QUIET).play("""
        0s      ops returns ts=1
        0s      A fires
        30s     ops hears first notification: A
        1m      A resolves
        6m      the end
    """)
    assert story.engine.log[KEY].data == {"ts": "1"}


def test_receiver_data_survives_a_restart() -> None:
    story = Story(OPS).play("""
        0s      ops returns ts=1
        0s      A fires
        30s     ops hears first notification: A
        1m      stop
        2m      start
        2m      B fires
        5m30s   ops hears new alerts added: A, B
    """)
    assert story.heard[-1].data == {"ts": "1"}


# -- idempotency --------------------------------------------------------------------------------------------------------


def test_the_token_is_the_same_while_the_same_thing_is_being_told_and_then_another() -> None:
    story = Story(OPS).play("""
        0s      ops refuses
        0s      A fires
        30s     ops misses first notification: A
        5m30s   ops misses first notification: A
        6m      ops answers
        10m30s  ops hears first notification: A
        11m     B fires
        15m30s  ops hears new alerts added: A, B
        1h20m30s ops hears repeat interval elapsed: A, B
        2h25m30s ops hears repeat interval elapsed: A, B
    """)
    tokens = [notify.token for notify in story.heard]
    assert tokens[0] == tokens[1] == tokens[2]
    assert len(set(tokens)) == 4


def test_the_token_differs_between_integrations() -> None:
    story = Story("receivers: {ops: [webhook, webhook]}\n" + OPS).play("""
        0s      A fires
        30s     ops/webhook/0 hears first notification: A
        30s     ops/webhook/1 hears first notification: A
    """)
    assert len({notify.token for notify in story.heard}) == 2


def test_the_deadline_is_on_the_monotonic_clock() -> None:
    story = Story(OPS).play("""
        0s      A fires
        1s      clock jumps +5h
        30s     ops hears first notification: A
    """)
    assert story.heard[0].deadline == BOOT + 330 * SECOND


# -- the stages and what they count -------------------------------------------------------------------------------------

STAGES = """
route:
  receiver: ops
  routes:
    - {matchers: [r="both"], mute_time_intervals: [always], active_time_intervals: [never]}
    - {matchers: [r="muted"], mute_time_intervals: [always]}
    - {matchers: [r="plain"]}
inhibit_rules:
  - {name: hush, source_matchers: [sev="crit"], target_matchers: [sev="warn"]}
time_intervals: {always: [{}], never: []}
"""


def test_inhibition_comes_first_then_active_then_mute_intervals_then_silences() -> None:
    story = Story(STAGES).play("""
        0s      S{sev=crit} fires
        0s      silence s {alertname="T"} for 10h
        0s      T{r=both, sev=warn}, T{r=both}, T{r=muted}, T{r=plain}, T{r=plain, sev=warn} fire
        30s     ops hears first notification: S{sev=crit}
        31s     the end
    """)
    assert story.suppressed == {
        ("T{r=both, sev=warn}", "inhibition"): 1,
        ("T{r=both}", "active_time_interval"): 1,
        ("T{r=muted}", "mute_time_interval"): 1,
        ("T{r=plain}", "silence"): 1,
        ("T{r=plain, sev=warn}", "inhibition"): 1,
    }


def test_every_suppressed_alert_counts_once_a_flush() -> None:
    story = Story(OPS).play("""
        0s      silence s {alertname=~"A|B"} for 10h
        0s      A, B, C fire
        30s     ops hears first notification: C
        15m30s  the end
    """)
    assert story.suppressed == {("A", "silence"): 4, ("B", "silence"): 4}


def test_what_is_over_is_suppressed_too() -> None:
    story = Story(OPS).play("""
        0s      silence s {alertname="A"} for 10h
        0s      A fires
        10s     A resolves
        1h      the end
    """)
    assert story.suppressed == {("A", "silence"): 1}
    assert story.group_keys() == []


def test_a_group_that_is_wholly_muted_notes_nothing_and_is_told_afterwards() -> None:
    story = Story(OPS).play("""
        0s      silence s {alertname="A"} for 7m
        0s      A fires
        6m      the end
    """)
    assert story.engine.log == {}
    story.play("""
        10m30s  ops hears first notification: A
        1h      the end
    """)


def test_silenced_while_it_resolves_it_is_never_told_as_over() -> None:
    """And as the log still lists it as firing, firing again is nothing new until the next repeat."""
    story = Story(OPS).play("""
        0s      A fires
        30s     ops hears first notification: A
        1m      silence s {alertname="A"} for 10m
        2m      A resolves
        12m     the end
    """)
    assert len(story.engine.log[KEY].firing) == 1
    assert story.group_keys() == []
    story.play("""
        20m     A fires
        1h5m30s ops hears repeat interval elapsed: A
        1h10m   the end
    """)


def test_what_is_muted_is_missing_from_what_the_others_are_told() -> None:
    story = Story(OPS).play("""
        0s      A, B fire
        30s     ops hears first notification: A, B
        1m      silence s {alertname="A"} for 1h
        2m      C fires
        5m30s   ops hears new alerts added: B, C
        1h5m30s ops hears new alerts added: A, B, C
    """)
    assert len(story.engine.log[KEY].firing) == 3


def test_that_fewer_fire_is_no_news_without_a_resolved_one() -> None:
    """Silencing one of two shrinks what fires; nobody is told."""
    Story(OPS).play("""
        0s      A, B fire
        30s     ops hears first notification: A, B
        1m      silence s {alertname="A"} for 30m
        1h      the end
    """)


def test_silencing_all_of_what_was_told_is_not_the_end_of_it() -> None:
    Story(OPS).play("""
        0s      A fires
        30s     ops hears first notification: A
        1m      silence s {alertname="A"} for 10h
        9h      the end
    """)
