"""The stages before a decision: their order, what they count, what they leave (core reference 6.1)."""

from tests.stories.story import Story

OPS = "route: {receiver: ops, group_wait: 30s, group_interval: 5m, repeat_interval: 1h}"
KEY = "{}:{}:ops/webhook/0"

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
