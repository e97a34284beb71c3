"""What the listing endpoints are told: flags, receivers, orders, status (interfaces reference 3.4, 3.6)."""

import pytest

from ampp.core.labels import fingerprint_hex
from ampp.core.view import AlertView
from tests.stories.naming import show
from tests.stories.setting import matchers
from tests.stories.story import Story

CONFIG = """
route:
  receiver: ops
  group_by: [alertname]
  routes:
    - {matchers: [r="two"], receiver: zeta, continue: true}
    - {matchers: [r="two"], receiver: alpha}
    - {matchers: [r="muted"], receiver: night, mute_time_intervals: [always]}
    - {matchers: [r="labelled"], receiver: ops, labels: {team: x}}
inhibit_rules: [{source_matchers: [sev="crit"], target_matchers: [sev="warn"]}]
time_intervals: {always: [{}]}
"""


@pytest.fixture
def story() -> Story:
    """One alert of every status: plain, silenced, inhibited, both; and the source that inhibits."""
    return Story(CONFIG).play("""
        0s      silence s {s="1"} for 10h
        0s      Plain, Source{sev=crit}, Hushed{s=1}, Inhibited{sev=warn}, Both{s=1, sev=warn} fire
    """)


EVERYTHING = ["Both{s=1, sev=warn}", "Hushed{s=1}", "Inhibited{sev=warn}", "Plain", "Source{sev=crit}"]
NOT_ACTIVE = ["Both{s=1, sev=warn}", "Hushed{s=1}", "Inhibited{sev=warn}"]


@pytest.mark.parametrize(
    ("asked", "names"),
    [
        ({}, EVERYTHING),
        ({"active": False}, NOT_ACTIVE),
        ({"silenced": False}, ["Inhibited{sev=warn}", "Plain", "Source{sev=crit}"]),
        ({"inhibited": False}, ["Hushed{s=1}", "Plain", "Source{sev=crit}"]),
        ({"silenced": False, "inhibited": False}, ["Plain", "Source{sev=crit}"]),
        ({"active": False, "silenced": False}, ["Inhibited{sev=warn}"]),
        ({"active": False, "inhibited": False}, ["Hushed{s=1}"]),
        ({"active": False, "silenced": False, "inhibited": False}, []),
        ({"muted": False}, EVERYTHING),
        ({"matchers": matchers('sev=""')}, ["Hushed{s=1}", "Plain"]),
        ({"matchers": matchers('sev!=""')}, ["Both{s=1, sev=warn}", "Inhibited{sev=warn}", "Source{sev=crit}"]),
        ({"matchers": matchers('sev="warn",s="1"')}, ["Both{s=1, sev=warn}"]),
        ({"matchers": matchers('alertname=~"P.*|S.*"')}, ["Plain", "Source{sev=crit}"]),
    ],
)
def test_flags_say_what_is_not_left_out(story: Story, asked: dict[str, object], names: list[str]) -> None:
    assert story.names(**asked) == names
    in_groups = [show(view.alert.labels) for group in story.groups(**asked) for view in group.alerts]
    assert sorted(in_groups) == names


def of(views: list[AlertView], name: str) -> AlertView:
    (view,) = [view for view in views if view.alert.labels["alertname"] == name]
    return view


def test_status_names_what_suppresses(story: Story) -> None:
    views = story.alerts()
    source = fingerprint_hex(of(views, "Source").alert.fingerprint)
    silence = story.silence_id("s")
    assert [
        (view.status.suppressed, view.status.silenced_by, view.status.inhibited_by)
        for view in (of(views, name) for name in ("Plain", "Hushed", "Inhibited", "Both", "Source"))
    ] == [
        (False, (), ()),
        (True, (silence,), ()),
        (True, (), (source,)),
        (True, (silence,), (source,)),
        (False, (), ()),
    ]


def test_all_active_silences_that_match_are_named_and_only_these(story: Story) -> None:
    story.play("""
        1s      silence other {alertname=~"H.*"} for 1h
        1s      silence pending {alertname=~"H.*"} from +1h for 1h
        1s      silence gone {alertname=~"H.*"} for 1h
        2s      expire gone
    """)
    assert of(story.alerts(), "Hushed").status.silenced_by == (story.silence_id("s"), story.silence_id("other"))


def test_status_is_that_of_this_very_moment(story: Story) -> None:
    story.play("1s expire s")
    assert story.names(active=False) == ["Both{s=1, sev=warn}", "Inhibited{sev=warn}"]
    story.play("2s Source{sev=crit} resolves")
    assert story.names(active=False) == []
    story.play('3s silence new {alertname="Plain"} for 5s')
    assert story.names(active=False) == ["Plain"]
    story.play("8s the end")
    assert story.names(active=False) == []


def test_what_is_over_is_left_out_but_not_in_the_instant_of_its_end() -> None:
    story = Story(CONFIG).play("""
        0s      A posted ends=+10s
        0s      B fires
        10s     the end
    """)
    assert story.names() == ["A", "B"]
    assert len(story.groups()) == 2
    story.play("10s1ms the end")
    assert story.names() == ["B"]
    assert len(story.groups()) == 1


def test_a_future_start_is_listed() -> None:
    assert Story(CONFIG).play("0s A fires since +1h").names() == ["A"]


def test_alerts_stand_by_ascending_fingerprint(story: Story) -> None:
    story.play(f"0s {', '.join(f'N{number}' for number in range(30))} fire")
    order = [fingerprint_hex(view.alert.fingerprint) for view in story.alerts()]
    assert len(order) == 35
    assert order == sorted(order)


def test_receivers_stand_in_the_order_of_the_tree_for_alerts_and_sorted_for_groups() -> None:
    story = Story(CONFIG).play("0s A{r=two} fires")
    (view,) = story.alerts()
    assert view.status.receivers == ("zeta", "alpha")
    assert [group.alerts[0].status.receivers for group in story.groups()] == [("alpha", "zeta")] * 2
    assert view.status.muted_by == ()


def test_two_routes_to_one_receiver_name_it_twice() -> None:
    config = 'route: {receiver: ops, routes: [{matchers: [a="1"], continue: true}, {matchers: [a="1"]}]}'
    story = Story(config).play("0s A{a=1} fires")
    assert story.alerts()[0].status.receivers == ("ops", "ops")
    assert [group.alerts[0].status.receivers for group in story.groups()] == [("ops", "ops")] * 2


def test_a_receiver_filter_keeps_alerts_that_any_of_their_receivers_admits() -> None:
    story = Story(CONFIG).play("0s A{r=two}, B fire")
    assert story.names(receiver=lambda name: name == "alpha") == ["A{r=two}"]
    assert story.names(receiver=lambda name: name == "zeta") == ["A{r=two}"]
    assert story.names(receiver=lambda name: name == "ops") == ["B"]
    assert story.names(receiver=lambda name: name == "none") == []
    assert story.names(receiver=lambda name: True) == ["A{r=two}", "B"]


def test_a_receiver_filter_keeps_whole_groups_by_the_route_s_own_receiver() -> None:
    story = Story(CONFIG).play("0s A{r=two}, B fire")
    groups = story.groups(receiver=lambda name: name == "alpha")
    assert [(group.receiver, group.alerts[0].status.receivers) for group in groups] == [("alpha", ("alpha",))]


def test_receiver_matchers_ask_the_receivers_labels() -> None:
    story = Story(CONFIG).play("0s A{r=two}, B fire")
    assert story.names(receiver_matchers=matchers('team="z"')) == ["A{r=two}"]
    assert story.names(receiver_matchers=matchers('name="ops"')) == ["B"]
    assert story.names(receiver_matchers=matchers('name="alpha",team="z"')) == [], "one receiver must satisfy all"
    assert [group.receiver for group in story.groups(receiver_matchers=matchers('team=~"a|o"'))] == ["alpha", "ops"]


def test_both_receiver_filters_must_admit_but_not_the_same_receiver() -> None:
    story = Story(CONFIG).play("0s A{r=two} fires")
    asked = {"receiver": lambda name: name == "alpha", "receiver_matchers": matchers('team="z"')}
    assert story.names(**asked) == ["A{r=two}"]
    assert story.groups(**asked) == []


def test_groups_stand_by_their_labels_then_their_receiver() -> None:
    story = Story("""
        route:
          receiver: ops
          routes:
            - {receiver: zeta, continue: true, group_by: []}
            - {receiver: mid, continue: true, group_by: [a, b]}
            - {receiver: alpha, group_by: [a, b]}
    """).play("0s X{a=2}, X{a=1, b=1}, X{a=1}, X{b=0} fire")
    assert [(show(group.labels), group.receiver) for group in story.groups()] == [
        ("", "zeta"),
        ("{b=0}", "alpha"),
        ("{b=0}", "mid"),
        ("{a=1}", "alpha"),
        ("{a=1}", "mid"),
        ("{a=2}", "alpha"),
        ("{a=2}", "mid"),
        ("{a=1, b=1}", "alpha"),
        ("{a=1, b=1}", "mid"),
    ]


def test_alerts_in_a_group_stand_in_the_order_of_notifications() -> None:
    story = Story("route: {receiver: ops}").play("0s Z, B{job=b}, C{job=a, instance=2}, D{job=a, instance=1} fire")
    (group,) = story.groups()
    assert [view.alert.labels["alertname"] for view in group.alerts] == ["D", "C", "B", "Z"]


def test_a_filter_takes_single_alerts_out_of_groups_and_drops_those_left_empty(story: Story) -> None:
    groups = story.groups(matchers=matchers('s="1"'))
    assert [show(group.labels) for group in groups] == ["Both", "Hushed"]


def test_a_muted_group_shows_it_on_every_alert_once_it_has_had_its_turn() -> None:
    story = Story(CONFIG).play("0s M{r=muted}, M{r=muted, x=1} fire")
    assert [view.status.suppressed for view in story.groups()[0].alerts] == [False, False]
    assert len(story.groups(muted=False)) == 1
    story.play("30s the end")
    (group,) = story.groups()
    assert [(view.status.suppressed, view.status.muted_by) for view in group.alerts] == [(True, ("always",))] * 2
    assert story.groups(muted=False) == []
    assert len(story.groups(active=False)) == 0, "to the flags a muted alert is an active one"
    assert story.names(active=False) == []
    assert all(view.status.muted_by == () and not view.status.suppressed for view in story.alerts())


def test_a_muted_group_left_out_still_lends_its_receiver() -> None:
    story = Story("""
        route:
          receiver: ops
          routes: [{receiver: night, continue: true, mute_time_intervals: [always]}, {receiver: day}]
        time_intervals: {always: [{}]}
    """).play("""
        0s      A fires
        30s     day hears first notification: A
    """)
    (group,) = story.groups(muted=False)
    assert group.alerts[0].status.receivers == ("day", "night")


def test_route_labels_are_shown(story: Story) -> None:
    story.play("0s L{r=labelled} fires")
    assert {show(group.labels): group.route_labels.rendered() for group in story.groups()}["L"] == {"team": "x"}
    assert {show(group.labels): group.route_labels.rendered() for group in story.groups()}["Plain"] == {}


def test_a_told_end_is_gone_from_both_lists() -> None:
    story = Story(CONFIG).play("""
        0s      A fires
        30s     ops hears first notification: A
        1m      A resolves
        5m30s   ops hears all alerts resolved: A resolved
    """)
    assert story.alerts() == []
    assert story.groups() == []


def test_nothing_known_nothing_listed() -> None:
    assert Story(CONFIG).alerts() == []
    assert Story(CONFIG).groups() == []
