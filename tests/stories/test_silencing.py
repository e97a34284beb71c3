"""Silences as groups feel them (core reference 8)."""

from tests.stories.story import Story

OPS = "route: {receiver: ops, group_by: [alertname], group_wait: 30s, group_interval: 5m, repeat_interval: 4h}"


def test_a_silence_mutes_from_its_start_until_its_end() -> None:
    Story(OPS).play("""
        0s      A, B, C fire
        0s      silence a {alertname="A"} from +30s for 1m
        0s      silence b {alertname="B"} from +31s for 1m
        0s      silence c {alertname="C"} for 30s
        30s     ops hears first notification: B
        30s     ops hears first notification: C
        5m30s   ops hears first notification: A
        1h      the end
    """)


def test_silenced_between_two_flushes_and_no_longer_leaves_no_trace() -> None:
    story = Story(OPS).play("""
        0s      A fires
        30s     ops hears first notification: A
        1m      silence s {alertname="A"} for 3m
        10m     the end
    """)
    assert not story.suppressed


def test_expiring_a_silence_lets_the_group_speak_at_its_next_turn() -> None:
    Story(OPS).play("""
        0s      silence s {alertname="A"} for 10h
        0s      A fires
        6m      expire s
        10m30s  ops hears first notification: A
        1h      the end
    """)


def test_expired_in_the_very_instant_of_the_turn_it_mutes_no_more() -> None:
    Story(OPS).play("""
        0s      silence s {alertname="A"} for 30s
        0s      A fires
        30s     ops hears first notification: A
        1m      the end
    """)


def test_an_unsilenced_repeat_is_told_when_it_is_overdue() -> None:
    Story(OPS).play("""
        0s      A fires
        30s     ops hears first notification: A
        1m      silence s {alertname="A"} for 10h
        10h5m30s ops hears repeat interval elapsed: A
        11h     the end
    """)


def test_one_whose_end_was_changed_mutes_by_the_new_one() -> None:
    Story(OPS).play("""
        0s      silence s {alertname="A"} for 10h
        0s      A fires
        1m      silence s {alertname="A"} for 7m
        10m30s  ops hears first notification: A
        1h      the end
    """)


def test_changed_matchers_mute_others_from_now_on() -> None:
    Story(OPS).play("""
        0s      silence s {alertname="A"} for 10h
        0s      A, B fire
        10s     silence s {alertname="B"} from +0s for 10h
        30s     ops hears first notification: A
        1h      the end
    """)


def test_a_pending_silence_does_not_mute_and_an_expired_pending_one_never_will() -> None:
    Story(OPS).play("""
        0s      silence s {alertname="A"} from +10s for 10h
        1s      expire s
        2s      A fires
        32s     ops hears first notification: A
        1h      the end
    """)


def test_regex_and_negative_matchers_silence_too() -> None:
    Story(OPS).play("""
        0s      silence s {alertname=~"A|B", zone!="eu"} for 10h
        0s      A, B{zone=eu}, AB fire
        30s     ops hears first notification: B{zone=eu}
        30s     ops hears first notification: AB
        1h      the end
    """)


def test_silences_go_by_the_wall_clock() -> None:
    Story(OPS).play("""
        0s      silence s {alertname="A"} for 1h
        0s      A fires
        1m      clock jumps +2h
        5m30s   ops hears first notification: A
        6m      the end
    """)
