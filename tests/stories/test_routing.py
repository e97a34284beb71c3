"""Which groups an alert goes to, and what they are called (core reference 3)."""

from tests.stories.story import Story

TREE = """
route:
  receiver: ops
  group_by: [alertname]
  group_wait: 30s
  routes:
    - {matchers: ['team="db"'], receiver: db, routes: [{matchers: ['sev="page"'], receiver: dba}]}
    - {matchers: ['sev="page"'], receiver: pager, continue: true, group_by: [...]}
    - {matchers: ['team="web"'], receiver: web, group_by: []}
    - {matchers: ['sev=~"page|warn"'], receiver: log, group_wait: 10s}
"""


def test_the_first_child_that_matches_takes_the_alert() -> None:
    Story(TREE).play("""
        0s      A{team=db, sev=warn} fires
        30s     db hears first notification: A{sev=warn, team=db}
        1m      the end
    """)


def test_deeper_beats_shallower_and_the_parent_is_not_told() -> None:
    Story(TREE).play("""
        0s      A{team=db, sev=page} fires
        30s     dba hears first notification: A{sev=page, team=db}
        1m      the end
    """)


def test_nobody_else_wants_it_so_the_root_takes_it() -> None:
    Story(TREE).play("""
        0s      A{team=net} fires
        30s     ops hears first notification: A{team=net}
        1m      the end
    """)


def test_continue_goes_on_to_the_siblings_until_one_stops() -> None:
    Story(TREE).play("""
        0s      A{team=web, sev=page} fires
        30s     pager hears first notification: A{sev=page, team=web}
        30s     web hears first notification: A{sev=page, team=web}
        1m      B{sev=page} fires
        1m10s   log hears first notification: B{sev=page}
        1m30s   pager hears first notification: B{sev=page}
        2m      the end
    """)


def test_continue_counts_among_siblings_only_and_not_for_the_level_above() -> None:
    Story("""
        route:
          receiver: ops
          routes:
            - matchers: [a="1"]
              receiver: outer
              routes: [{receiver: inner, matchers: [b="1"], continue: true}]
            - {matchers: [a="1"], receiver: never}
    """).play("""
        0s      X{a=1, b=1} fires
        30s     inner hears first notification: X{a=1, b=1}
        1m      the end
    """)


def test_a_matching_parent_that_continues_goes_on_when_only_a_child_took_the_alert() -> None:
    Story("""
        route:
          receiver: ops
          routes:
            - {matchers: [a="1"], receiver: outer, continue: true, routes: [{receiver: inner, matchers: [b="1"]}]}
            - {matchers: [a="1"], receiver: second}
    """).play("""
        0s      X{a=1, b=1} fires
        30s     inner hears first notification: X{a=1, b=1}
        30s     second hears first notification: X{a=1, b=1}
        1m      the end
    """)


def test_groups_by_label_are_told_apart() -> None:
    story = Story(TREE).play("""
        0s      A{i=1}, A{i=2}, B{i=1} fire
        30s     ops hears first notification: A{i=1}, A{i=2}
        30s     ops hears first notification: B{i=1}
        1m      the end
    """)
    assert story.group_keys() == ['{}:{alertname="A"}', '{}:{alertname="B"}']


def test_group_by_nothing_makes_one_group_even_under_a_parent_that_groups() -> None:
    story = Story(TREE).play("""
        0s      A{team=web}, B{team=web} fire
        30s     web hears first notification: A{team=web}, B{team=web}
        1m      the end
    """)
    assert story.group_keys() == ['{}/{team="web"}:{}']


def test_group_by_everything_makes_a_group_of_every_alert() -> None:
    story = Story("route: {receiver: ops, group_by: [...]}").play("""
        0s      A{i=1}, A{i=2} fire
        30s     ops hears first notification: A{i=1}
        30s     ops hears first notification: A{i=2}
        1m      the end
    """)
    assert story.group_keys() == ['{}:{alertname="A", i="1"}', '{}:{alertname="A", i="2"}']
    assert story.heard[0].group_labels == {"alertname": "A", "i": "1"}


def test_by_everything_is_inherited_and_undone() -> None:
    story = Story("""
        route:
          receiver: ops
          group_by: [...]
          routes: [{matchers: [a="1"]}, {matchers: [a="2"], group_by: [a]}]
    """).play("""
        0s      X{a=1}, Y{a=1}, X{a=2}, Y{a=2} fire
        30s     ops hears first notification: X{a=1}
        30s     ops hears first notification: Y{a=1}
        30s     ops hears first notification: X{a=2}, Y{a=2}
        1m      the end
    """)
    assert story.group_keys()[-1] == '{}/{a="2"}:{a="2"}'


def test_a_group_label_that_an_alert_lacks_is_absent_and_makes_its_own_group() -> None:
    story = Story("route: {receiver: ops, group_by: [job, alertname]}").play("""
        0s      old, old{job=j} fire
        30s     ops hears first notification: old
        30s     ops hears first notification: old{job=j}
        1m      the end
    """)
    assert story.group_keys() == ['{}:{alertname="old", job="j"}', '{}:{alertname="old"}']
    assert [notify.group_labels for notify in story.heard] == [{"alertname": "old"}, {"alertname": "old", "job": "j"}]


def test_route_keys_hold_the_whole_path_in_canonical_form() -> None:
    story = Story("""
        route:
          receiver: ops
          routes:
            - matchers: ['sev=~"a|b"', 'x!="y"']
              group_by: [...]
              routes: [{matchers: [deep="1"], receiver: diver, group_by: [alertname]}]
    """).play("""
        0s      multi{sev=a, job=j"1}, multi{sev=b, deep=1} fire
        30s     ops hears first notification: multi{job=j"1, sev=a}
        30s     diver hears first notification: multi{deep=1, sev=b}
    """)
    assert [notify.group_key for notify in story.heard] == [
        '{}/{sev=~"a|b",x!="y"}:{alertname="multi", job="j\\"1", sev="a"}',
        '{}/{sev=~"a|b",x!="y"}/{deep="1"}:{alertname="multi"}',
    ]
    assert [notify.route_id for notify in story.heard] == [
        '{}/{sev=~"a|b",x!="y"}/0',
        '{}/{sev=~"a|b",x!="y"}/0/{deep="1"}/0',
    ]


def test_twin_routes_to_different_receivers_share_a_key_and_not_a_log_entry() -> None:
    story = Story("""
        route:
          receiver: ops
          routes:
            - {matchers: [a="1"], receiver: one, continue: true}
            - {matchers: [a="1"], receiver: two}
    """).play("""
        0s      X{a=1} fires
        30s     one hears first notification: X{a=1}
        30s     two hears first notification: X{a=1}
        3h      the end
    """)
    assert {notify.group_key for notify in story.heard} == {'{}/{a="1"}:{}'}
    assert sorted(story.engine.log) == ['{}/{a="1"}:{}:one/webhook/0', '{}/{a="1"}:{}:two/webhook/0']


def test_one_alert_in_two_groups_leaves_each_when_that_group_was_told() -> None:
    story = Story("""
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
        5m      the end
    """)
    assert [group.route.receiver for group in story.engine.groups] == ["slow"]
    story.play("""
        10m30s  slow hears all alerts resolved: A resolved
        1h      the end
    """)
    assert story.group_keys() == []


def test_one_that_left_one_of_its_groups_comes_back_to_it_when_it_fires_again() -> None:
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
        2m      A fires
        2m30s   fast hears first notification: A
        1h      the end
    """)


def test_each_route_has_its_own_timing() -> None:
    Story("""
        route:
          receiver: ops
          group_wait: 20s
          group_interval: 3m
          repeat_interval: 5m
          routes: [{matchers: [a="1"], group_wait: 1s}, {matchers: [a="2"], group_interval: 4m, repeat_interval: 7m}]
    """).play("""
        0s      X{a=1}, X{a=2} fire
        1s      ops hears first notification: X{a=1}
        20s     ops hears first notification: X{a=2}
        6m1s    ops hears repeat interval elapsed: X{a=1}
        8m20s   ops hears repeat interval elapsed: X{a=2}
        9m      the end
    """)


def test_route_labels_are_merged_down_the_tree_and_reach_the_receiver() -> None:
    story = Story("""
        route:
          receiver: ops
          labels: {team: root, tier: '1'}
          routes: [{matchers: [a="1"], labels: {team: leaf}}]
    """).play("""
        0s      X{a=1}, X fire
        30s     ops hears first notification: X{a=1}
        30s     ops hears first notification: X
    """)
    assert [notify.route_labels.rendered() for notify in story.heard] == [
        {"team": "leaf", "tier": "1"},
        {"team": "root", "tier": "1"},
    ]


def test_twin_routes_to_one_receiver_share_a_log_entry_and_the_newer_send_stands_for_both() -> None:
    """Each tells its own group until one of them is in the log, as upstream."""
    story = Story("""
        route:
          receiver: ops
          routes:
            - {matchers: [a="1"], group_wait: 10s, continue: true}
            - {matchers: [a="1"], group_wait: 12s}
    """).play("""
        0s      ops takes 5s
        0s      X{a=1} fires
        15s     ops hears first notification: X{a=1}
    """)
    assert list(story.engine.outbox) == ['{}/{a="1"}:{}:ops/webhook/0']
    story.play("17s ops hears first notification: X{a=1}")
    assert story.engine.outbox == {}
    story.play("3h the end")
