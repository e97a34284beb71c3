"""Alerts that keep other alerts quiet (core reference 7)."""

from tests.stories.story import Story

BASE = """
route: {receiver: ops, group_by: [alertname], group_wait: 30s, group_interval: 5m, repeat_interval: 4h}
inhibit_rules:
  - {name: sev, source_matchers: [sev="crit"], target_matchers: [sev="warn"], equal: [zone, rack]}
"""


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
    Story(
        BASE.replace(
            "repeat_interval: 4h}",
            """repeat_interval: 4h, routes: [{matchers: [sev="crit"],
            mute_time_intervals: [always]}]}
time_intervals: {always: [{}]}""",
        )
    ).play("""
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
    (view,) = [view for view in story.alerts() if view.status.inhibited_by]
    source = story.engine.muting.inhibited_by(view.alert, story.wall)
    assert source is not None
    assert source.rule.name == "one"
