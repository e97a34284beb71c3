"""Reloads: what goes on, what begins anew, what is told again (core reference 11.2)."""

from ampp.core.record import Delivered, GroupDropped
from tests.stories.story import Story

OPS = """
route: {receiver: ops, group_by: [alertname], group_wait: 30s, group_interval: 5m, repeat_interval: 4h}
"""
ONE = "route: {receiver: ops, group_wait: 30s, group_interval: 5m, repeat_interval: 4h}"
KEY = "{}:{}:ops/webhook/0"


# -- reload as upstream does it ----------------------------------------------------------------------------------------


def test_a_reload_restarts_the_timers_and_old_alerts_flush_at_once() -> None:
    Story(ONE).play("""
        0s      A fires
        30s     ops hears first notification: A
        1m      B fires
        2m      reload
        2m      ops hears new alerts added: A, B
        3m      C fires
        7m      ops hears new alerts added: A, B, C
        1h      the end
    """)


def test_a_reload_makes_young_alerts_wait_again() -> None:
    Story(ONE).play("""
        0s      A fires
        20s     reload
        50s     ops hears first notification: A
        1h      the end
    """)


def test_a_reload_tells_nothing_unchanged_again() -> None:
    Story(OPS).play("""
        0s      A, B fire
        30s     ops hears first notification: A
        30s     ops hears first notification: B
        1m      reload
        2m      reload
        4h      the end
        4h2m    ops hears repeat interval elapsed: A
        4h2m    ops hears repeat interval elapsed: B
    """)


def test_new_timing_does_not_change_the_key() -> None:
    Story(ONE, slower=ONE.replace("group_interval: 5m", "group_interval: 10m")).play("""
        0s      A fires
        30s     ops hears first notification: A
        1m      reload slower
        2m      B fires
        11m     ops hears new alerts added: A, B
        1h      the end
    """)


def test_other_grouping_is_another_key_and_is_told_again() -> None:
    story = Story(ONE, named=OPS).play("""
        0s      A fires
        30s     ops hears first notification: A
        1m      reload named
        1m      ops hears first notification: A
        1h      the end
    """)
    assert [notify.group_key for notify in story.heard] == ["{}:{}", '{}:{alertname="A"}']
    assert [record.cause for record in story.journal if isinstance(record, GroupDropped)] == ["reload"]


def test_other_matchers_of_an_ancestor_are_another_key() -> None:
    config = "route: {receiver: ops, routes: [{matchers: ['%s'], routes: [{matchers: [b=\"1\"]}]}]}"
    Story(config % 'a="1"', wider=config % 'a=~"1|2"').play("""
        0s      X{a=1, b=1} fires
        30s     ops hears first notification: X{a=1, b=1}
        1m      reload wider
        1m      ops hears first notification: X{a=1, b=1}
        1h      the end
    """)


def test_a_receiver_of_another_name_is_told_again() -> None:
    Story(ONE, renamed=ONE.replace("ops", "night")).play("""
        0s      A fires
        30s     ops hears first notification: A
        1m      reload renamed
        1m      night hears first notification: A
        1h      the end
    """)


def test_another_type_or_position_of_an_integration_is_told_what_it_has_not_heard() -> None:
    Story(ONE, more="receivers: {ops: [webhook, webhook, slack]}\n" + ONE).play("""
        0s      A fires
        30s     ops hears first notification: A
        1m      reload more
        1m      ops/webhook/1 hears first notification: A
        1m      ops/slack/0 hears first notification: A
        1h      the end
    """)


def test_resolved_alerts_come_back_and_are_told_again_if_the_log_does_not_know_them_as_over() -> None:
    Story("route: {receiver: ops, group_wait: 30s, group_interval: 5m, repeat_interval: 9m}").play("""
        0s      A, B fire
        30s     ops hears first notification: A, B
        1m      A resolves
        5m30s   ops hears some alerts resolved: A resolved, B
        6m      reload
        15m     the end
        16m     ops hears repeat interval elapsed: B
        17m     reload
        17m     ops hears some alerts resolved: A resolved, B
        20m     the end
    """)


def test_resolved_alerts_come_back_in_silence_when_nothing_fires() -> None:
    story = Story(ONE).play("""
        0s      A fires
        30s     ops hears first notification: A
        1m      A resolves
        5m30s   ops hears all alerts resolved: A resolved
        6m      reload
        6m      the end
    """)
    assert story.group_keys() == []
    story.play("1h the end")


def test_collected_alerts_do_not_come_back() -> None:
    Story("route: {receiver: ops, group_wait: 30s, group_interval: 5m, repeat_interval: 9m}").play("""
        0s      A, B fire
        30s     ops hears first notification: A, B
        1m      A resolves
        5m30s   ops hears some alerts resolved: A resolved, B
        6m      collect
        15m30s  ops hears repeat interval elapsed: B
        17m     reload
        20m     the end
    """)


def test_an_end_not_yet_told_survives_a_reload_even_when_the_book_has_forgotten_the_alert() -> None:
    """Upstream loses such a one."""
    Story(ONE).play("""
        0s      A fires
        30s     ops hears first notification: A
        1m      A resolves
        2m      collect
        3m      reload
        3m      ops hears all alerts resolved: A resolved
        1h      the end
    """)


def test_a_reload_gives_up_what_is_being_sent_and_it_is_told_anew() -> None:
    story = Story(ONE).play("""
        0s      ops is down
        0s      A fires
        40s     B fires
        50s     ops answers
        50s     ops hears first notification: A
        5m30s   ops hears new alerts added: A, B
        6m      ops is down
        7m      C fires
        10m30s  the end
        11m     reload
        11m1s   ops answers
        11m1s   ops hears new alerts added: A, B, C
        1h      the end
    """)
    assert story.heard[2].token == story.heard[3].token
    assert story.engine.flights == {}


def test_what_a_reload_left_without_a_group_is_crossed_off() -> None:
    story = Story(ONE, named=OPS).play("""
        0s      ops refuses
        0s      A fires
        30s     ops misses first notification: A
        1m      reload named
        1m      ops misses first notification: A
    """)
    assert list(story.engine.outbox) == ['{}:{alertname="A"}:ops/webhook/0']
    assert [record.key for record in story.journal if isinstance(record, Delivered) and record.settled] == [KEY]


def test_new_inhibit_rules_judge_known_alerts() -> None:
    rules = 'inhibit_rules: [{source_matchers: [sev="crit"], target_matchers: [sev="warn"]}]\n'
    Story(OPS, hushed=rules + OPS).play("""
        0s      S{sev=crit} fires
        10s     T{sev=warn} fires
        20s     reload hushed
        50s     ops hears first notification: S{sev=crit}
        1m      reload
        2m      the end
    """)


def test_new_intervals_judge_at_the_next_turn() -> None:
    muted = """
        route:
          receiver: ops
          routes: [{mute_time_intervals: [always]}]
        time_intervals: {always: [{}]}
    """
    story = Story(muted, never=muted.replace("[{}]", "[]")).play("""
        0s      A fires
        30s     the end
        1m      reload never
        1m      ops hears first notification: A
        2m      the end
    """)
    assert story.groups()[0].alerts[0].status.muted_by == ()


def test_the_mute_state_stands_over_a_reload_until_the_next_turn() -> None:
    config = """
        route: {receiver: ops, group_wait: 10m, routes: [{group_wait: %s, mute_time_intervals: [always]}]}
        time_intervals: {always: [%s]}
    """
    story = Story(config % ("30s", "{}"), never=config % ("10m", "")).play("""
        0s      A fires
        1m      reload never
    """)
    assert story.groups()[0].alerts[0].status.muted_by == ("always",)
    story.play("11m ops hears first notification: A")
    assert story.groups()[0].alerts[0].status.muted_by == ()


def test_silences_outlive_a_reload() -> None:
    Story(ONE).play("""
        0s      silence s {alertname="A"} for 10h
        0s      A fires
        1m      reload
        1h      the end
    """)


def test_alerts_take_the_route_of_the_new_tree() -> None:
    split = ONE.replace("repeat_interval: 4h", 'routes: [{matchers: [a="1"], receiver: new}]')
    story = Story(ONE, split=split).play("""
        0s      A{a=1}, B fire
        30s     ops hears first notification: B, A{a=1}
        1m      reload split
        1m      new hears first notification: A{a=1}
        2m      A{a=1} resolves
        6m      new hears all alerts resolved: A{a=1} resolved
        1h      the end
    """)
    assert story.group_keys() == ["{}:{}"]


# -- reload keeping timers ---------------------------------------------------------------------------------------------


def test_keeping_timers_changes_nothing_for_an_unchanged_group() -> None:
    Story(ONE).play("""
        0s      A fires
        10s     reload keeping timers
        30s     ops hears first notification: A
        1m      B fires
        2m      reload keeping timers
        5m30s   ops hears new alerts added: A, B
        6m      reload keeping timers
        4h10m30s ops hears repeat interval elapsed: A, B
        5h      the end
    """)


def test_keeping_timers_leaves_a_send_under_way_alone() -> None:
    story = Story(ONE).play("""
        0s      ops takes 1m
        0s      A fires
        1m      reload keeping timers
        1m30s   ops hears first notification: A
        1h      the end
    """)
    assert len(story.heard) == 1
    assert story.engine.flights == {}


def test_keeping_timers_a_send_under_way_still_empties_its_group() -> None:
    story = Story(ONE).play("""
        0s      A fires
        30s     ops hears first notification: A
        1m      A resolves
        2m      ops takes 1m
        6m      reload keeping timers
        6m30s   ops hears all alerts resolved: A resolved
    """)
    assert story.group_keys() == []
    story.play("1h the end")


def test_keeping_timers_keeps_a_turn_that_had_to_wait() -> None:
    Story("route: {receiver: ops, group_wait: 0s, group_interval: 2s}").play("""
        0s      ops takes 9s
        0s      A fires
        1s      ops answers
        3s      B fires
        4s      reload keeping timers
        9s      ops hears first notification: A
        9s      ops hears new alerts added: A, B
        1m      the end
    """)


def test_keeping_timers_builds_anew_what_has_another_receiver() -> None:
    story = Story(ONE, more="receivers: {ops: [webhook, slack]}\n" + ONE).play("""
        0s      A fires
        30s     ops hears first notification: A
        1m      reload more keeping timers
        1m      ops/slack/0 hears first notification: A
        2m      B fires
        6m      ops/webhook/0 hears new alerts added: A, B
        6m      ops/slack/0 hears new alerts added: A, B
        7m      the end
    """)
    assert not [record for record in story.journal if isinstance(record, GroupDropped)]


def test_keeping_timers_touches_only_the_route_that_changed() -> None:
    config = """
        route:
          receiver: ops
          group_interval: 5m
          routes: [{matchers: ['a=%s'], receiver: one}, {matchers: ['b="1"'], receiver: two}]
    """
    Story(config % '"1"', other=config % '~"1|2"').play("""
        0s      X{a=1}, X{b=1} fire
        30s     one hears first notification: X{a=1}
        30s     two hears first notification: X{b=1}
        1m      Y{b=1} fires
        2m      reload other keeping timers
        2m      one hears first notification: X{a=1}
        5m30s   two hears new alerts added: X{b=1}, Y{b=1}
        1h      the end
    """)


def test_keeping_timers_a_route_put_before_others_makes_no_stranger_of_them() -> None:
    config = "route: {receiver: ops, routes: [%s{matchers: ['b=\"1\"'], receiver: two}]}"
    Story(config % "", more=config % "{matchers: ['z=\"1\"'], receiver: zoo}, ").play("""
        0s      X{b=1} fires
        30s     two hears first notification: X{b=1}
        1m      Y{b=1} fires
        2m      reload more keeping timers
        5m30s   two hears new alerts added: X{b=1}, Y{b=1}
        1h      the end
    """)


def test_keeping_timers_a_shorter_interval_counts_at_once_and_a_longer_one_next_time() -> None:
    short, long = (ONE.replace("group_interval: 5m", f"group_interval: {span}") for span in ("1m", "20m"))
    Story(ONE, short=short, long=long).play("""
        0s      A fires
        30s     ops hears first notification: A
        1m      B fires
        2m      reload short keeping timers
        3m      ops hears new alerts added: A, B
        3m10s   C fires
        3m20s   reload long keeping timers
        4m      ops hears new alerts added: A, B, C
        5m      D fires
        24m     ops hears new alerts added: A, B, C, D
        25m     the end
    """)


def test_keeping_timers_does_not_bring_back_what_was_told_as_over() -> None:
    Story("route: {receiver: ops, group_wait: 30s, group_interval: 5m, repeat_interval: 9m}").play("""
        0s      A, B fire
        30s     ops hears first notification: A, B
        1m      A resolves
        5m30s   ops hears some alerts resolved: A resolved, B
        15m30s  ops hears repeat interval elapsed: B
        17m     reload keeping timers
        22m     the end
        22m10s  A fires
        25m30s  ops hears new alerts added: A, B
        30m     the end
    """)


def test_keeping_timers_an_end_not_yet_told_is_still_to_be_told() -> None:
    Story(ONE).play("""
        0s      A, B fire
        30s     ops hears first notification: A, B
        1m      A resolves
        2m      reload keeping timers
        5m30s   ops hears some alerts resolved: A resolved, B
        1h      the end
    """)


def test_keeping_timers_keeps_the_mute_state() -> None:
    config = """
        route: {receiver: ops, routes: [{mute_time_intervals: [always]}]}
        time_intervals: {always: [{}]}
    """
    story = Story(config).play("""
        0s      A fires
        1m      reload keeping timers
    """)
    assert story.groups()[0].alerts[0].status.muted_by == ("always",)


def test_what_a_reload_gave_up_is_no_longer_under_way() -> None:
    story = Story(ONE, patient=ONE.replace("group_wait: 30s", "group_wait: 10m")).play("""
        0s      ops is down
        0s      A fires
        40s     reload patient
        50s     ops answers
    """)
    assert story.engine.outbox == {}
    story.play("""
        10m40s  ops hears first notification: A
        1h      the end
    """)
