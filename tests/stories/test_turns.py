"""When a group's turns come: cadence, slow sends, start delay (core reference 4.2, 4.3)."""

from ampp.core.clock import SECOND, Now
from tests.stories.story import BOOT, Story

OPS = "route: {receiver: ops, group_wait: 30s, group_interval: 5m, repeat_interval: 4h}"
BRISK = "route: {receiver: ops, group_wait: 0s, group_interval: 2s, repeat_interval: 1h}"


def test_the_timer_is_armed_before_the_flush_so_a_slow_send_does_not_shift_the_cadence() -> None:
    story = Story(OPS).play("""
        0s      ops takes 2m
        0s      A fires
        2m30s   ops hears first notification: A
        2m31s   ops answers
        2m31s   B fires
        5m30s   ops hears new alerts added: A, B
    """)
    assert story.turn("{}:{}") == "10m30s"


def test_the_deadline_is_group_interval_but_at_least_ten_seconds() -> None:
    story = Story(BRISK).play("""
        0s      A fires
        0s      ops hears first notification: A
    """)
    assert story.heard[0].deadline == BOOT + 10 * SECOND
    story = Story(OPS).play("""
        30s     A fires since -1h
        30s     ops hears first notification: A
    """)
    assert story.heard[0].deadline == BOOT + 330 * SECOND


def test_a_slow_flush_is_followed_by_exactly_one_turn_at_once() -> None:
    story = Story(BRISK).play("""
        0s      ops takes 9s
        0s      A fires
        8s      silence s {alertname="A"} for 1h
        9s      ops hears first notification: A
        9s      the end
    """)
    # Ticks were due at 2 s, 4 s, 6 s and 8 s; the one that waited saw the silence, none came twice.
    assert story.suppressed == {("A", "silence"): 1}
    assert story.turn("{}:{}") == "11s"


def test_after_a_slow_flush_the_next_interval_begins_when_the_waiting_turn_is_taken() -> None:
    story = Story("route: {receiver: ops, group_wait: 0s, group_interval: 6s}").play("""
        0s      ops takes 8s
        0s      A fires
        8s      ops hears first notification: A
    """)
    assert story.turn("{}:{}") == "14s"


def test_a_turn_that_had_to_wait_tells_what_is_true_when_it_is_taken() -> None:
    Story(BRISK).play("""
        0s      ops takes 9s
        0s      A, B fire
        5s      ops answers
        5s      A resolves
        9s      ops hears first notification: A, B
        9s      ops hears some alerts resolved: A resolved, B
        30s     the end
    """)


def test_a_turn_that_had_to_wait_heeds_a_silence_made_meanwhile() -> None:
    Story(BRISK).play("""
        0s      ops takes 9s
        0s      A fires
        5s      B fires
        6s      silence s {alertname="B"} for 1h
        9s      ops hears first notification: A
        30s     the end
    """)


def test_a_turn_that_had_to_wait_judges_intervals_by_the_instant_at_which_it_was_due() -> None:
    """Upstream hands the pipeline the tick's own time: so long as that lies inside, the interval holds."""
    story = Story("""
        route:
          receiver: ops
          routes: [{group_wait: 0s, group_interval: 2s, active_time_intervals: [early]}]
        time_intervals:
          early: [{times: [{start_time: '00:00', end_time: '00:01'}]}]
    """).play("""
        57s     ops takes 5s
        57s     A fires
        58s     ops answers
        58s     B fires
        1m2s    ops hears first notification: A
        1m2s    ops hears new alerts added: A, B
        1m10s   the end
    """)
    assert story.suppressed["A", "active_time_interval"] == 4


def test_a_repeat_is_due_by_the_instant_of_the_turn_not_by_when_it_is_taken() -> None:
    Story("""
        receivers: {ops: [webhook, slack]}
        route: {receiver: ops, group_wait: 0s, group_interval: 2s, repeat_interval: 5s}
    """).play("""
        0s      ops/slack/0 takes 9s
        0s      A fires
        0s      ops/webhook/0 hears first notification: A
        8s      ops/slack/0 answers
        9s      ops/slack/0 hears first notification: A
        11s     ops/webhook/0 hears repeat interval elapsed: A
        15s     ops/slack/0 hears repeat interval elapsed: A
        16s     the end
    """)


def test_observed_cadence_of_an_old_alert() -> None:
    Story("route: {receiver: ops, group_wait: 3s, group_interval: 4s, repeat_interval: 6s}").play("""
        0s      A fires since -1h
        0s      ops hears first notification: A
        8s      ops hears repeat interval elapsed: A
        16s     ops hears repeat interval elapsed: A
        20s     the end
    """)


def test_observed_cadence_of_a_fresh_alert() -> None:
    Story("route: {receiver: ops, group_wait: 3s, group_interval: 4s, repeat_interval: 6s}").play("""
        0s      A fires
        3s      ops hears first notification: A
        5s      A resolves
        7s      ops hears all alerts resolved: A resolved
        1h      the end
    """)


def test_start_delay_holds_every_turn_back_until_the_daemon_may_begin() -> None:
    Story(OPS, start_delay="2m").play("""
        0s      A fires since -1h
        10s     B fires
        2m      ops hears first notification: A, B
        2m10s   C fires
        7m      ops hears new alerts added: A, B, C
        1h      the end
    """)


def test_start_delay_does_not_hasten_what_is_not_due() -> None:
    Story(OPS, start_delay="15s").play("""
        0s      A fires
        30s     ops hears first notification: A
        1h      the end
    """)


def test_a_reload_does_not_delay_the_start_again() -> None:
    Story(OPS, start_delay="2m").play("""
        2m      A fires since -1h
        2m      ops hears first notification: A
        3m      B fires since -1h
        3m      reload
        3m      ops hears new alerts added: A, B
        1h      the end
    """)


def test_a_crowd_of_groups_all_take_their_turn() -> None:
    names = [f"N{number:03d}" for number in range(450)]
    story = Story("route: {receiver: ops, group_by: [alertname], group_wait: 30s}")
    heard = "\n".join(f"30s ops hears first notification: {name}" for name in names)
    story.play(f"0s {', '.join(names)} fire\n{heard}\n1h the end")


def test_no_turn_is_taken_while_a_flush_is_under_way() -> None:
    story = Story(BRISK).play("""
        0s      ops is down
        0s      A fires
        9s      B fires
        10s     ops misses first notification: A
        20s     ops misses first notification: A, B
        25s     ops answers
        25s     ops hears first notification: A, B
        1m      the end
    """)
    assert len(story.heard) == 3


def test_what_is_said_of_a_wall_clock_that_jumps_does_not_move_the_turns() -> None:
    Story(OPS).play("""
        0s      A fires
        30s     ops hears first notification: A
        1m      clock jumps +2h
        2m      B fires
        5m30s   ops hears new alerts added: A, B
        6m      clock jumps -1h
        7m      C fires
        10m30s  ops hears new alerts added: A, B, C
        1h      the end
    """)


def test_nothing_is_due_before_the_start_even_if_one_asks() -> None:
    story = Story(OPS, start_delay="2m").play("10s A fires since -1h")
    effects = story.engine.due(story.now)
    assert (effects.notify, effects.records) == ([], [])


def test_a_turn_taken_a_little_late_does_not_shift_the_cadence() -> None:
    story = Story(OPS).play("0s A fires")
    story.mono = BOOT + 31 * SECOND
    story.play("31s ops hears first notification: A")
    assert story.turn("{}:{}") == "5m30s"


def test_after_a_long_sleep_one_turn_is_taken_and_not_all_that_were_missed() -> None:
    story = Story(BRISK).play("""
        0s      silence s {alertname="A"} for 1h
        0s      A fires
    """)
    story.mono = BOOT + 60 * SECOND
    story.play("1m the end")
    assert story.suppressed == {("A", "silence"): 2}
    assert story.turn("{}:{}") == "1m2s"


def test_a_group_armed_anew_while_it_waited_for_its_turn_has_none() -> None:
    story = Story(OPS).play("0s A fires")
    groups = story.engine.groups
    later = Now(story.wall + 60 * SECOND, story.mono + 60 * SECOND)
    assert list(groups.due(later, 0)) == []
    assert story.engine.next_due() is not None
    assert story.engine.next_due() <= later.mono
    groups.arm(story.group("{}:{}"), later.mono + SECOND)
    assert list(groups.due(later, 10)) == []
