"""Intervals on routes: when a group is muted, and what is shown of it (core reference 3.4, 9)."""

from tests.stories.story import Story

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
    assert all(view.status.muted_by == group.alerts[0].status.muted_by for view in group.alerts)
    return group.alerts[0].status.muted_by


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
    assert muted.alerts[0].status.muted_by == ("night",)
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
