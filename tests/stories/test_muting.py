"""What keeps an alert from being told: inhibition, silences, intervals (core reference 7, 8, 9)."""

from tests.stories.story import Story

BASE = """
route: {receiver: ops, group_by: [alertname], group_wait: 30s, group_interval: 5m, repeat_interval: 4h}
inhibit_rules:
  - {name: sev, source_matchers: [sev="crit"], target_matchers: [sev="warn"], equal: [zone, rack]}
"""


# -- inhibition ---------------------------------------------------------------------------------------------------------


def test_a_source_inhibits_its_targets() -> None:
    story = Story(BASE).play("""
        0s      S{sev=crit, zone=eu}, T{sev=warn, zone=eu} fire
        30s     ops hears first notification: S{sev=crit, zone=eu}
        1m      the end
    """)
    assert story.suppressed == {("T{sev=warn, zone=eu}", "inhibition"): 1}


def test_equal_labels_must_agree() -> None:
    Story(BASE).play("""
        0s      S{sev=crit, zone=eu}, T{sev=warn, zone=us} fire
        30s     ops hears first notification: S{sev=crit, zone=eu}
        30s     ops hears first notification: T{sev=warn, zone=us}
        1m      the end
    """)


def test_a_label_missing_on_both_sides_is_equal_and_on_one_is_not() -> None:
    Story(BASE).play("""
        0s      S{sev=crit}, T{sev=warn}, U{sev=warn, rack=1} fire
        30s     ops hears first notification: S{sev=crit}
        30s     ops hears first notification: U{rack=1, sev=warn}
        1m      the end
    """)


def test_without_equal_any_source_will_do() -> None:
    Story("""
        route: {receiver: ops, group_by: [alertname]}
        inhibit_rules: [{source_matchers: [sev="crit"], target_matchers: [sev="warn"]}]
    """).play("""
        0s      S{sev=crit, zone=eu}, T{sev=warn, zone=us} fire
        30s     ops hears first notification: S{sev=crit, zone=eu}
        1m      the end
    """)


def test_nothing_inhibits_itself_or_its_peers() -> None:
    """What matches both sides is kept quiet only by what matches the source side alone."""
    rules = """
        route: {receiver: ops, group_by: [alertname]}
        inhibit_rules: [{source_matchers: [s="1"], target_matchers: [t="1"]}]
    """
    Story(rules).play("""
        0s      A{s=1, t=1}, B{s=1, t=1} fire
        30s     ops hears first notification: A{s=1, t=1}
        30s     ops hears first notification: B{s=1, t=1}
        1m      the end
    """)
    Story(rules).play("""
        0s      A{s=1, t=1}, B{t=1} fire
        30s     ops hears first notification: A{s=1, t=1}
        1m      the end
    """)
    Story(rules).play("""
        0s      A{s=1, t=1}, B{s=1} fire
        30s     ops hears first notification: B{s=1}
        1m      the end
    """)


def test_a_rule_without_matchers_never_inhibits() -> None:
    Story("""
        route: {receiver: ops, group_by: [alertname]}
        inhibit_rules: [{}]
    """).play("""
        0s      A, B fire
        30s     ops hears first notification: A
        30s     ops hears first notification: B
        1m      the end
    """)


def test_a_silenced_source_inhibits_all_the_same() -> None:
    Story(BASE).play("""
        0s      silence s {sev="crit"} for 10h
        0s      S{sev=crit}, T{sev=warn} fire
        1h      the end
    """)


def test_a_source_muted_by_interval_inhibits_all_the_same() -> None:
    Story(BASE.replace("repeat_interval: 4h}", """repeat_interval: 4h, routes: [{matchers: [sev="crit"],
            mute_time_intervals: [always]}]}
time_intervals: {always: [{}]}""")).play("""
        0s      S{sev=crit}, T{sev=warn} fire
        1h      the end
    """)


def test_an_inhibited_source_inhibits_all_the_same() -> None:
    Story("""
        route: {receiver: ops, group_by: [alertname]}
        inhibit_rules:
          - {source_matchers: [l="1"], target_matchers: [l="2"]}
          - {source_matchers: [l="2"], target_matchers: [l="3"]}
    """).play("""
        0s      A{l=1}, B{l=2}, C{l=3} fire
        30s     ops hears first notification: A{l=1}
        1m      the end
    """)


def test_a_source_counts_before_its_own_group_has_flushed() -> None:
    Story(BASE).play("""
        0s      T{sev=warn} fires
        29s     S{sev=crit} fires
        59s     ops hears first notification: S{sev=crit}
        1h      the end
    """)


def test_a_resolved_source_stops_inhibiting_at_once() -> None:
    Story(BASE).play("""
        0s      S{sev=crit}, T{sev=warn} fire
        30s     ops hears first notification: S{sev=crit}
        5m29s   S{sev=crit} resolves
        5m30s   ops hears all alerts resolved: S{sev=crit} resolved
        5m30s   ops hears first notification: T{sev=warn}
        1h      the end
    """)


def test_a_source_that_runs_out_stops_inhibiting_at_that_instant() -> None:
    Story(BASE).play("""
        0s      S{sev=crit} posted ends=+5m30s
        0s      T{sev=warn} fires
        30s     ops hears first notification: S{sev=crit}
        5m30s   ops hears all alerts resolved: S{sev=crit} resolved
        5m30s   ops hears first notification: T{sev=warn}
        1h      the end
    """)


def test_a_refreshed_source_goes_on_inhibiting() -> None:
    Story(BASE).play("""
        0s      S{sev=crit} posted
        0s      T{sev=warn} fires
        30s     ops hears first notification: S{sev=crit}
        4m      S{sev=crit} posted
        8m      S{sev=crit} posted
        15m30s  ops hears all alerts resolved: S{sev=crit} resolved
        15m30s  ops hears first notification: T{sev=warn}
        1h      the end
    """)


def test_another_source_goes_on_when_one_resolves() -> None:
    story = Story(BASE).play("""
        0s      S{sev=crit}, R{sev=crit}, T{sev=warn} fire
        30s     ops hears first notification: S{sev=crit}
        30s     ops hears first notification: R{sev=crit}
        1m      S{sev=crit} resolves
        2m      collect
        5m30s   ops hears all alerts resolved: S{sev=crit} resolved
        1h      the end
    """)
    assert story.suppressed["T{sev=warn}", "inhibition"] == 12


def test_a_collected_source_that_fires_again_inhibits_again() -> None:
    Story(BASE).play("""
        0s      S{sev=crit} fires
        30s     ops hears first notification: S{sev=crit}
        1m      S{sev=crit} resolves
        5m30s   ops hears all alerts resolved: S{sev=crit} resolved
        6m      collect
        7m      S{sev=crit}, T{sev=warn} fire
        7m30s   ops hears first notification: S{sev=crit}
        1h      the end
    """)


def test_told_and_then_inhibited_its_end_is_not_told() -> None:
    Story(BASE).play("""
        0s      T{sev=warn} fires
        30s     ops hears first notification: T{sev=warn}
        1m      S{sev=crit} fires
        1m30s   ops hears first notification: S{sev=crit}
        2m      T{sev=warn} resolves
        1h      the end
    """)


def test_the_first_rule_in_the_configuration_answers() -> None:
    story = Story("""
        route: {receiver: ops}
        inhibit_rules:
          - {name: one, source_matchers: [x="1"], target_matchers: [t="1"]}
          - {name: two, source_matchers: [x="2"], target_matchers: [t="1"]}
    """).play("""
        0s      B{x=2}, A{x=1}, T{t=1} fire
        30s     ops hears first notification: A{x=1}, B{x=2}
    """)
    (view,) = [view for view in story.alerts() if view.inhibited_by]
    source = story.engine.muting.inhibited_by(view.alert, story.wall)
    assert source is not None
    assert source.rule.name == "one"


# -- silences -----------------------------------------------------------------------------------------------------------


def test_a_silence_mutes_from_its_start_until_its_end() -> None:
    Story(BASE).play("""
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
    story = Story(BASE).play("""
        0s      A fires
        30s     ops hears first notification: A
        1m      silence s {alertname="A"} for 3m
        10m     the end
    """)
    assert not story.suppressed


def test_expiring_a_silence_lets_the_group_speak_at_its_next_turn() -> None:
    Story(BASE).play("""
        0s      silence s {alertname="A"} for 10h
        0s      A fires
        6m      expire s
        10m30s  ops hears first notification: A
        1h      the end
    """)


def test_expired_in_the_very_instant_of_the_turn_it_mutes_no_more() -> None:
    Story(BASE).play("""
        0s      silence s {alertname="A"} for 30s
        0s      A fires
        30s     ops hears first notification: A
        1m      the end
    """)


def test_an_unsilenced_repeat_is_told_when_it_is_overdue() -> None:
    Story(BASE).play("""
        0s      A fires
        30s     ops hears first notification: A
        1m      silence s {alertname="A"} for 10h
        10h5m30s ops hears repeat interval elapsed: A
        11h     the end
    """)


def test_one_whose_end_was_changed_mutes_by_the_new_one() -> None:
    Story(BASE).play("""
        0s      silence s {alertname="A"} for 10h
        0s      A fires
        1m      silence s {alertname="A"} for 7m
        10m30s  ops hears first notification: A
        1h      the end
    """)


def test_changed_matchers_mute_others_from_now_on() -> None:
    Story(BASE).play("""
        0s      silence s {alertname="A"} for 10h
        0s      A, B fire
        10s     silence s {alertname="B"} from +0s for 10h
        30s     ops hears first notification: A
        1h      the end
    """)


def test_a_pending_silence_does_not_mute_and_an_expired_pending_one_never_will() -> None:
    Story(BASE).play("""
        0s      silence s {alertname="A"} from +10s for 10h
        1s      expire s
        2s      A fires
        32s     ops hears first notification: A
        1h      the end
    """)


def test_regex_and_negative_matchers_silence_too() -> None:
    Story(BASE).play("""
        0s      silence s {alertname=~"A|B", zone!="eu"} for 10h
        0s      A, B{zone=eu}, AB fire
        30s     ops hears first notification: B{zone=eu}
        30s     ops hears first notification: AB
        1h      the end
    """)


def test_silences_go_by_the_wall_clock() -> None:
    Story(BASE).play("""
        0s      silence s {alertname="A"} for 1h
        0s      A fires
        1m      clock jumps +2h
        5m30s   ops hears first notification: A
        6m      the end
    """)


# -- intervals ----------------------------------------------------------------------------------------------------------

# The stories begin on Monday at midnight, UTC.
HOURS = """
route:
  receiver: ops
  repeat_interval: 100h
  routes:
    - {matchers: [r="day"], active_time_intervals: [day]}
    - {matchers: [r="both"], active_time_intervals: [day], mute_time_intervals: [lunch]}
    - {matchers: [r="any"], active_time_intervals: [night, lunch]}
    - {matchers: [r="quiet"], mute_time_intervals: [lunch, night, lunch]}
    - {matchers: [r="parent"], mute_time_intervals: [night], routes: [{matchers: [c="1"]}]}
time_intervals:
  day: [{times: [{start_time: '09:00', end_time: '17:00'}], weekdays: ['monday:friday']}]
  lunch: [{times: [{start_time: '12:00', end_time: '13:00'}]}]
  night:
    - times: [{start_time: '00:00', end_time: '01:00'}]
    - times: [{start_time: '00:30', end_time: '02:00'}]
  never: []
"""


def test_a_group_is_told_at_the_first_turn_inside_its_active_interval() -> None:
    story = Story(HOURS).play("""
        0s      A{r=day} fires
        9h30s   ops hears first notification: A{r=day}
        16h     B{r=day} fires
        16h30s  ops hears new alerts added: A{r=day}, B{r=day}
        17h     C{r=day} fires
        32h     the end
        33h30s  ops hears new alerts added: A{r=day}, B{r=day}, C{r=day}
        34h     the end
    """)
    assert story.suppressed["A{r=day}", "active_time_interval"] == 108 + 192


def test_an_active_interval_includes_its_first_minute_and_not_its_last() -> None:
    config = """
        route:
          receiver: ops
          routes: [{active_time_intervals: [span], group_wait: 0s, group_interval: 1m}]
        time_intervals: {span: [{times: [{start_time: '09:00', end_time: '09:02'}]}]}
    """
    Story(config).play("""
        8h58m   A fires
        9h      ops hears first notification: A
        9h1m30s B fires
        10h     the end
    """)


def test_one_of_several_active_intervals_is_enough() -> None:
    Story(HOURS).play("""
        1h59m   A{r=any} fires
        1h59m30s ops hears first notification: A{r=any}
        3h      B{r=any} fires
        12h4m30s ops hears new alerts added: A{r=any}, B{r=any}
        13h     the end
    """)


def test_muted_within_an_active_interval() -> None:
    story = Story(HOURS).play("""
        12h     A{r=both} fires
        13h30s  ops hears first notification: A{r=both}
        14h     the end
    """)
    assert story.suppressed == {("A{r=both}", "mute_time_interval"): 12}


def test_mute_intervals_are_not_inherited() -> None:
    Story(HOURS).play("""
        0s      A{r=parent}, A{r=parent, c=1} fire
        30s     ops hears first notification: A{c=1, r=parent}
        2h30s   ops hears first notification: A{r=parent}
        3h      the end
    """)


def test_a_muted_group_notes_nothing_and_keeps_its_turns() -> None:
    story = Story(HOURS).play("""
        12h     A{r=quiet} fires
        12h10m  the end
    """)
    assert story.engine.log == {}
    assert story.turn('{}/{r="quiet"}:{}') == "12h10m30s"
    story.play("""
        13h30s  ops hears first notification: A{r=quiet}
        14h     the end
    """)


def test_what_ends_while_its_group_is_muted_is_never_told() -> None:
    story = Story(HOURS).play("""
        11h50m  A{r=quiet} fires
        11h50m30s ops hears first notification: A{r=quiet}
        12h10m  A{r=quiet} resolves
        20h     the end
    """)
    assert story.group_keys() == []


def _muted_by(story: Story) -> tuple[str, ...]:
    (group,) = story.groups()
    assert all(view.muted_by == group.alerts[0].muted_by for view in group.alerts)
    return group.alerts[0].muted_by


def test_the_names_that_mute_are_given_once_for_every_entry_that_matches() -> None:
    story = Story(HOURS).play("0s A{r=quiet} fires")
    assert _muted_by(story) == (), "nothing is known before the first flush"
    assert _muted_by(story.play("30s the end")) == ("night",)
    assert _muted_by(story.play("30m30s the end")) == ("night", "night")
    assert _muted_by(story.play("1h5m30s the end")) == ("night",)
    assert _muted_by(story.play("2h30s ops hears first notification: A{r=quiet}")) == ()
    assert _muted_by(story.play("12h30s the end")) == ("lunch", "lunch")


def test_outside_all_active_intervals_all_their_names_mute() -> None:
    story = Story(HOURS).play("3h A{r=any} fires").play("3h30s the end")
    assert _muted_by(story) == ("night", "lunch")


def test_the_mute_state_stands_until_the_intervals_are_asked_again() -> None:
    """A flush that inhibition leaves empty does not get as far as the intervals."""
    rules = 'inhibit_rules: [{source_matchers: [s="1"], target_matchers: [t="1"]}]\n'
    story = Story(rules + HOURS).play("""
        1h56m   T{r=quiet, t=1} fires
        1h57m   S{s=1} fires
        1h57m30s ops hears first notification: S{s=1}
        2h10m   the end
    """)
    (muted,) = [group for group in story.groups() if "r" in group.alerts[0].alert.labels]
    assert muted.alerts[0].muted_by == ("night",)
    assert story.suppressed == {("T{r=quiet, t=1}", "mute_time_interval"): 1, ("T{r=quiet, t=1}", "inhibition"): 2}


def test_a_silenced_group_is_not_muted_as_a_whole() -> None:
    story = Story(HOURS).play("""
        5h      silence s {r="quiet"} for 10h
        5h      A{r=quiet} fires
        6h      the end
    """)
    assert _muted_by(story) == ()


def test_an_empty_list_of_intervals_never_holds() -> None:
    Story(HOURS.replace("[lunch, night, lunch]", "[never]")).play("""
        0s      A{r=quiet} fires
        30s     ops hears first notification: A{r=quiet}
        1h      the end
    """)
