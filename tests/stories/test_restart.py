"""Restarts through the journal: timers resume, what is unconfirmed is held, nothing is told twice (design 4)."""

from tests.stories.story import Story

OPS = """
route: {receiver: ops, group_by: [alertname], group_wait: 30s, group_interval: 5m, repeat_interval: 4h}
"""
ONE = "route: {receiver: ops, group_wait: 30s, group_interval: 5m, repeat_interval: 4h}"


def test_after_a_restart_timers_resume() -> None:
    Story(ONE).play("""
        0s      A fires
        30s     ops hears first notification: A
        1m      B fires
        2m      stop
        3m      start
        5m30s   ops hears new alerts added: A, B
        6m      the end
    """)


def test_after_a_restart_a_group_that_has_long_been_quiet_keeps_its_cadence() -> None:
    Story(ONE).play("""
        0s      A fires
        30s     ops hears first notification: A
        31m     B fires
        32m     stop
        33m     start
        35m30s  ops hears new alerts added: A, B
        36m     the end
    """)


def test_after_a_restart_a_turn_missed_while_down_is_taken_at_once() -> None:
    Story(ONE).play("""
        0s      A fires
        30s     ops hears first notification: A
        31m     B fires
        32m     stop
        36m     start
        36m     ops hears new alerts added: A, B
        37m     C fires
        41m     ops hears new alerts added: A, B, C
        42m     the end
    """)


def test_after_a_restart_a_turn_that_came_just_before_the_stop_counts_as_missed() -> None:
    """Whether it was taken cannot be known of a group that has nothing to tell; asking again does no harm."""
    story = Story(ONE).play("""
        0s      A fires
        30s     ops hears first notification: A
        10m31s  stop
        10m40s  start
    """)
    assert story.turn("{}:{}") == "15m40s"


def test_after_a_restart_a_group_never_flushed_waits_for_the_rest_of_its_wait() -> None:
    Story(ONE).play("""
        0s      A fires
        10s     stop
        20s     start
        30s     ops hears first notification: A
        1m      the end
    """)


def test_after_a_restart_a_group_never_flushed_whose_wait_is_over_flushes_at_once() -> None:
    Story(ONE).play("""
        0s      A fires
        10s     stop
        10m     start
        10m     ops hears first notification: A
        11m     the end
    """)


def test_after_a_restart_nothing_is_told_twice() -> None:
    Story(OPS).play("""
        0s      A, B fire
        30s     ops hears first notification: A
        30s     ops hears first notification: B
        1m      stop
        20m     start
        21m     A, B fire
        2h      the end
    """)


def test_after_a_restart_a_returning_subset_is_no_news_and_a_new_one_brings_all() -> None:
    Story(ONE).play("""
        0s      A, B fire
        30s     ops hears first notification: A, B
        1m      stop
        2m      start
        3m      A fires
        7m      C fires
        10m30s  ops hears new alerts added: A, B, C
        11m     the end
    """)


def test_after_a_restart_what_is_unconfirmed_is_held_for_one_resolve_timeout() -> None:
    story = Story(ONE).play("""
        0s      A posted
        30s     ops hears first notification: A
        1m      stop
        20m     start
        24m59s  the end
    """)
    assert story.names() == ["A"]
    story.play("""
        25m     ops hears all alerts resolved: A resolved
        1h      the end
    """)


def test_after_a_restart_a_held_alert_that_is_repeated_goes_on() -> None:
    Story(ONE).play("""
        0s      A posted
        30s     ops hears first notification: A
        1m      stop
        20m     start
        21m     A posted
        25m     the end
        25m30s  A posted
        29m     A posted
        33m     A posted
        40m     ops hears all alerts resolved: A resolved
        1h      the end
    """)


def test_after_a_restart_a_held_end_gives_way_to_the_senders() -> None:
    story = Story(ONE).play("""
        0s      A posted ends=+2m
        30s     ops hears first notification: A
        1m      stop
        20m     start
        21m     A posted ends=+1m
    """)
    assert story.span("A")[1] == "+1m"
    story.play("""
        25m     ops hears all alerts resolved: A resolved
        1h      the end
    """)


def test_after_a_restart_an_explicit_later_end_is_kept() -> None:
    story = Story(ONE).play("""
        0s      A posted starts=+0s ends=+1h
        30s     ops hears first notification: A
        1m      stop
        2m      start
    """)
    assert story.span("A") == ("-2m", "+58m")


def test_after_a_restart_what_was_over_stays_over() -> None:
    Story(ONE).play("""
        0s      A, B fire
        30s     ops hears first notification: A, B
        1m      A resolves
        2m      stop
        3m      start
        5m30s   ops hears some alerts resolved: A resolved, B
        1h      the end
    """)


def test_after_a_restart_what_ran_out_before_the_stop_stays_over() -> None:
    Story(ONE).play("""
        0s      A posted ends=+1m
        30s     ops hears first notification: A
        2m      stop
        3m      start
        5m30s   ops hears all alerts resolved: A resolved
        1h      the end
    """)


def test_after_a_restart_what_was_told_as_over_does_not_come_back() -> None:
    story = Story(ONE).play("""
        0s      A, B fire
        30s     ops hears first notification: A, B
        1m      A resolves
        5m30s   ops hears some alerts resolved: A resolved, B
        6m      stop
        7m      start
    """)
    assert story.names() == ["B"]
    story.play("1h the end")


def test_while_all_is_held_nothing_is_repeated() -> None:
    Story(ONE).play("""
        0s      A, B fire
        30s     ops hears first notification: A, B
        3h50m   stop
        5h      start
        9h      the end
        9h1m    A fires
        9h5m    ops hears repeat interval elapsed: A, B
        10h     the end
    """)


def test_what_is_held_still_counts_as_told_when_its_log_entry_expires() -> None:
    Story(ONE).play("""
        0s      A fires
        30s     ops hears first notification: A
        3h      stop
        4h      start
        9h      prune
        10h     the end
        10h1m   A fires
        10h5m   ops hears repeat interval elapsed: A
    """)


def test_an_unfinished_notification_is_told_at_once_and_with_the_same_token() -> None:
    story = Story(ONE).play("""
        0s      ops is down
        0s      A fires
        40s     stop
        1m      start
        1m10s   ops answers
        1m10s   ops hears first notification: A
        2m      B fires
        6m      ops hears new alerts added: A, B
        7m      the end
    """)
    assert [notify.token for notify in story.heard[:2]] == [story.heard[0].token] * 2


def test_a_failed_notification_is_tried_at_once_after_a_restart() -> None:
    story = Story(ONE).play("""
        0s      ops refuses
        0s      A fires
        30s     ops misses first notification: A
        40s     stop
        50s     ops answers
        1m      start
        1m      ops hears first notification: A
        1h      the end
    """)
    assert story.heard[0].token == story.heard[1].token


def test_only_who_had_not_heard_is_told_after_a_restart() -> None:
    Story("receivers: {ops: [webhook, slack]}\n" + ONE).play("""
        0s      ops/slack/0 is down
        0s      A fires
        30s     ops/webhook/0 hears first notification: A
        40s     stop
        50s     ops/slack/0 answers
        1m      start
        1m      ops/slack/0 hears first notification: A
        1h      the end
    """)


def test_an_unfinished_repeat_waits_until_somebody_confirms_it() -> None:
    story = Story(ONE).play("""
        0s      A fires
        30s     ops hears first notification: A
        4h      ops is down
        4h6m    stop
        4h7m    ops answers
        4h8m    start
        4h20m   A fires
        4h23m   ops hears repeat interval elapsed: A
        5h      the end
    """)
    assert story.heard[-1].token == story.heard[-2].token


def test_an_unfinished_notification_whose_group_is_no_more_is_forgotten() -> None:
    story = Story(ONE, named=OPS).play("""
        0s      ops is down
        0s      A fires
        40s     stop
        50s     ops answers
        1m      start named
        1m      ops hears first notification: A
        1h      the end
    """)
    assert story.engine.outbox == {}


def test_an_unfinished_notification_to_an_integration_that_is_no_more_is_forgotten() -> None:
    story = Story("receivers: {ops: [webhook, slack]}\n" + ONE, fewer=ONE).play("""
        0s      ops/slack/0 is down
        0s      A fires
        30s     ops/webhook/0 hears first notification: A
        40s     stop
        1m      start fewer
        1h      the end
    """)
    assert story.engine.outbox == {}


def test_silences_outlive_a_restart() -> None:
    Story(ONE).play("""
        0s      silence s {alertname="A"} for 1h
        0s      A fires
        1m      stop
        2m      start
        1h30s   ops hears first notification: A
        2h      the end
    """)


def test_sources_inhibit_again_from_the_first_turn_after_a_restart() -> None:
    rules = 'inhibit_rules: [{source_matchers: [sev="crit"], target_matchers: [sev="warn"]}]\n'
    Story(rules + OPS).play("""
        0s      S{sev=crit}, T{sev=warn} fire
        30s     ops hears first notification: S{sev=crit}
        1m      stop
        20m     start
        1h      the end
    """)


def test_a_start_with_other_grouping_tells_again() -> None:
    Story(ONE, named=OPS).play("""
        0s      A fires
        30s     ops hears first notification: A
        1m      stop
        2m      start named
        2m      ops hears first notification: A
        3m      the end
    """)


def test_a_wall_clock_set_back_while_down_delays_no_turn_beyond_an_interval() -> None:
    Story(ONE).play("""
        0s      A fires
        30s     ops hears first notification: A
        1m      B fires
        2m      stop
        2m      clock jumps -3h
        2m      start
        7m      ops hears new alerts added: A, B
        8m      the end
    """)


def test_two_restarts_in_a_row() -> None:
    Story(ONE).play("""
        0s      A fires
        30s     ops hears first notification: A
        1m      B fires
        2m      stop
        3m      start
        4m      stop
        5m      start
        5m30s   ops hears new alerts added: A, B
        1h      the end
    """)


def test_after_a_restart_soon_after_a_turn_the_next_one_comes_when_it_would_have() -> None:
    Story(ONE).play("""
        0s      A fires
        30s     ops hears first notification: A
        35s     stop
        40s     start
        41s     B fires
        5m30s   ops hears new alerts added: A, B
        6m      the end
    """)


def test_after_a_restart_an_end_that_one_of_two_groups_has_told_is_told_by_the_other() -> None:
    Story("""
        route:
          receiver: ops
          routes:
            - {receiver: slow, continue: true, group_interval: 10m}
            - {receiver: fast, group_interval: 1m}
    """).play("""
        0s      A fires
        30s     slow hears first notification: A
        30s     fast hears first notification: A
        35s     A resolves
        1m30s   fast hears all alerts resolved: A resolved
        2m      stop
        3m      start
        10m30s  slow hears all alerts resolved: A resolved
        1h      the end
    """)
