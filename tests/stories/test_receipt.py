"""What becomes of a report: defaults, validation, merging, upkeep and limits (core reference 5)."""

import pytest

from ampp.core.alert import PostedAlert
from ampp.core.clock import HOUR, SECOND, ZERO
from ampp.core.duration import format_prometheus, parse_prometheus
from ampp.core.matcher import Mode
from tests.stories.story import Story

OPS = "route: {receiver: ops, group_wait: 30s, group_interval: 5m}"


def test_a_report_without_times_begins_now_and_ends_after_resolve_timeout() -> None:
    assert Story(OPS).play("1h A posted").span("A") == ("+0s", "+5m")
    assert Story("resolve_timeout: 90s\n" + OPS).play("1h A posted").span("A") == ("+0s", "+1m30s")


def test_without_a_start_but_with_an_end_it_begins_at_its_end() -> None:
    assert Story(OPS).play("1h A posted ends=-10s").span("A") == ("-10s", "-10s")
    assert Story(OPS).play("1h A posted ends=+10s").span("A") == ("+10s", "+10s")


def test_without_an_end_but_with_a_start_the_timeout_counts_from_now() -> None:
    assert Story(OPS, start_delay="2h").play("1h A posted starts=-40m").span("A") == ("-40m", "+5m")


def test_a_new_resolve_timeout_counts_from_the_next_report() -> None:
    story = Story(OPS, longer="resolve_timeout: 1h\n" + OPS).play("""
        0s      A posted
        10s     reload longer
    """)
    assert story.span("A") == ("-10s", "+4m50s")
    assert story.play("20s A posted").span("A") == ("-20s", "+1h")


BAD = {
    "the end before the start": ({"a": "1"}, {}, 10, 9, "start time must be before end time"),
    "no labels": ({}, {}, 0, 0, "at least one label pair required"),
    "no labels and the wrong order of times": ({}, {}, 10, 9, "start time must be before end time"),
    "a label without a name": ({"": "x"}, {}, 0, 0, 'invalid label set: invalid name ""'),
    "an annotation without a name": ({"a": "1"}, {"": "x"}, 0, 0, 'invalid annotations: invalid name ""'),
    "labels before annotations": ({"": "1"}, {"": "x"}, 0, 0, 'invalid label set: invalid name ""'),
}


@pytest.mark.parametrize("name", BAD)
def test_refused(name: str) -> None:
    labels, annotations, starts, ends, message = BAD[name]
    story = Story(OPS)
    times = [story.wall + span * SECOND if span else ZERO for span in (starts, ends)]
    story.receive([PostedAlert(labels, annotations, *times)])
    assert story.errors == [message]
    assert story.names() == []
    assert story.group_keys() == []


@pytest.mark.parametrize(
    ("labels", "annotations", "message"),
    [
        ({"a b": "1"}, {}, 'invalid label set: invalid name "a b"'),
        ({"a": "1"}, {"ä": "x"}, 'invalid annotations: invalid name "ä"'),
    ],
)
def test_names_that_only_the_classic_mode_refuses(
    labels: dict[str, str], annotations: dict[str, str], message: str
) -> None:
    story = Story(OPS, mode=Mode.CLASSIC)
    story.receive([PostedAlert(labels, annotations)])
    assert story.errors == [message]
    story = Story(OPS)
    story.receive([PostedAlert(labels, annotations)])
    assert story.errors == []
    assert len(story.alerts()) == 1


def test_an_end_equal_to_the_start_is_fine() -> None:
    story = Story(OPS).play("1h A posted starts=-5s ends=-5s")
    assert story.errors == []
    assert story.span("A") == ("-5s", "-5s")


def test_no_alertname_is_needed() -> None:
    Story(OPS).play("""
        0s      {job=x} fires
        30s     ops hears first notification: {job=x}
        1m      the end
    """)


def test_the_valid_ones_of_a_request_are_taken_in_and_all_complaints_are_given_in_order() -> None:
    story = Story(OPS)
    far = story.wall + HOUR
    story.receive(
        [
            PostedAlert({}, ends=far),
            PostedAlert({"alertname": "A"}, ends=far),
            PostedAlert({"alertname": "B"}, starts=far, ends=far - 1),
        ]
    )
    assert story.errors == ["at least one label pair required", "start time must be before end time"]
    assert story.names() == ["A"]


def test_received_are_counted_by_their_end_before_they_are_checked() -> None:
    story = Story(OPS)
    wall = story.wall
    received = story.engine.receive(
        [
            PostedAlert({}),
            PostedAlert({"a": "1"}, ends=wall + 1),
            PostedAlert({"a": "2"}, ends=wall),
            PostedAlert({}, starts=wall, ends=wall - 1),
        ],
        story.now,
    )
    assert (received.firing, received.resolved) == (2, 2)


def test_empty_annotations_are_kept() -> None:
    story = Story(OPS).play("0s A fires note=")
    assert story.alerts()[0].alert.annotations == {"note": ""}


# -- merging: the table of 5.3, each row a story told at once ----------------------------------------------------------

NOW = "1h"
MERGES = {
    "both open": (["", ""], ("+0s", "+5m")),
    "an explicit later end is kept": (["starts=-100s ends=+500s", "starts=-100s ends=+300s"], ("-100s", "+500s")),
    "a later end replaces": (["starts=-100s ends=+300s", "starts=-100s ends=+500s"], ("-100s", "+500s")),
    "a later start and a timeout end lose": (["starts=-100s ends=+500s", "starts=-50s"], ("-100s", "+500s")),
    "a timeout end does not win": (["starts=-100s", "starts=-50s ends=+200s"], ("-100s", "+200s")),
    "an earlier start and an earlier end": (["starts=-100s ends=+500s", "starts=-200s ends=+100s"], ("-200s", "+500s")),
    "what encloses replaces": (["starts=-100s ends=+500s", "starts=-200s ends=+600s"], ("-200s", "+600s")),
    "a resolve keeps the start": (["starts=-100s ends=+500s", "ends=-1s"], ("-100s", "-1s")),
    "after a resolve a new episode": (["starts=-100s ends=+500s", "ends=-1s", ""], ("+0s", "+5m")),
    "an overlap revives the old start": (
        ["starts=-100s ends=+500s", "starts=-100s ends=-1s", "starts=-50s"],
        ("-100s", "+5m"),
    ),
    "the same start after a resolve": (["starts=-100s ends=-1s", "starts=-100s ends=+400s"], ("-100s", "+400s")),
    "both over: the later end stands": (["starts=-100s ends=-10s", "starts=-90s ends=-20s"], ("-100s", "-10s")),
    "both over, the new one later": (["starts=-100s ends=-20s", "starts=-90s ends=-10s"], ("-100s", "-10s")),
    "touching is not overlapping": (["starts=-100s ends=-50s", "starts=-50s ends=+50s"], ("-50s", "+50s")),
    "ending where the old begins": (["starts=-100s ends=+50s", "starts=-200s ends=-100s"], ("-200s", "-100s")),
    "apart": (["starts=-100s ends=-50s", "starts=-20s ends=+50s"], ("-20s", "+50s")),
    "the very same again": (["starts=-100s ends=+50s", "starts=-100s ends=+50s"], ("-100s", "+50s")),
    "only the younger's timeout flag counts from now on": (
        ["starts=-100s", "starts=-90s ends=+200s", "starts=-80s ends=+100s"],
        ("-100s", "+200s"),
    ),
    "a timeout end may grow and shrink": (["starts=-100s ends=+600s", "starts=-90s", "starts=-80s"], ("-100s", "+5m")),
}


@pytest.mark.parametrize("name", MERGES)
def test_merged(name: str) -> None:
    reports, span = MERGES[name]
    story = Story(OPS, start_delay="2h")
    for report in reports:
        story.play(f"{NOW} A posted {report}".strip())
    starts, ends = span
    assert story.span("A") == (_plain(starts), _plain(ends))


def _plain(text: str) -> str:
    """`-100s` as it is printed: `-1m40s`."""
    return text[0] + format_prometheus(parse_prometheus(text[1:]))


def test_only_the_younger_annotations_stand() -> None:
    story = Story(OPS).play("""
        0s      A fires note=x
        30s     ops hears first notification: A
        1m      A fires note=y
        2m      B fires
        5m30s   ops hears new alerts added: A, B
    """)
    assert story.heard[0].alerts[0].annotations == {"note": "x"}
    assert story.heard[1].alerts[0].annotations == {"note": "y"}
    assert story.alerts()[0].alert.annotations in ({"note": "y"}, {})
    story.play("6m A fires")
    assert [view.alert.annotations for view in story.alerts()] == [{}, {}]


def test_a_refresh_moves_updated_and_tells_nobody() -> None:
    story = Story(OPS).play("""
        0s      A posted
        30s     ops hears first notification: A
        4m      A posted
        8m      A posted
        12m     the end
    """)
    assert story.alerts()[0].alert.updated == story.wall - 240 * SECOND
    assert story.span("A") == ("-12m", "+1m")


def test_only_what_is_new_changed_or_over_must_be_durable_before_the_answer() -> None:
    story = Story(OPS)

    def durable(starts: int, ends: int) -> bool:
        received = story.engine.receive([PostedAlert({"a": "1"}, {}, starts, ends)], story.now)
        (alert,) = story.engine.book
        assert bool(received.rows) is (alert.kept == alert.updated), "what need not be kept now is still to be kept"
        return bool(received.rows)

    wall = story.wall
    assert durable(wall - HOUR, wall + HOUR), "new"
    assert not durable(wall - HOUR, wall + 2 * HOUR), "a later end"
    assert not durable(wall - HOUR // 2, wall + 2 * HOUR), "a later start is no change"
    assert durable(wall - 2 * HOUR, wall + 2 * HOUR), "an earlier start"
    assert durable(wall - HOUR, wall - HOUR // 2), "over"
    assert not durable(wall - HOUR, wall - HOUR // 2), "over as before"
    assert durable(wall - HOUR, wall), "over, with a later end"
    assert durable(wall, ZERO), "fires again"
    assert durable(wall, wall + SECOND), "an earlier end"


# -- upkeep and limits -------------------------------------------------------------------------------------------------


def test_collecting_forgets_what_is_over_but_not_what_is_still_to_be_told() -> None:
    story = Story(OPS).play("""
        0s      A, B fire
        30s     ops hears first notification: A, B
        1m      A resolves
        2m      collect
    """)
    assert [alert.labels["alertname"] for alert in story.engine.book] == ["B"]
    story.play("""
        5m30s   ops hears some alerts resolved: A resolved, B
        1h      the end
    """)


def test_collecting_spares_what_fires() -> None:
    story = Story(OPS).play("""
        0s      A posted ends=+1m1ms
        30s     ops hears first notification: A
        1m      collect
    """)
    assert len(story.engine.book) == 1
    story.play("1m1ms collect")
    assert len(story.engine.book) == 0


def test_collected_and_fired_again_before_its_end_was_told() -> None:
    Story(OPS).play("""
        0s      A fires
        30s     ops hears first notification: A
        1m      A resolves
        2m      collect
        3m      A fires
        1h      the end
    """)


def test_limit_of_alerts_per_name() -> None:
    story = Story(OPS, per_name=2).play("""
        0s      A{i=1}, A{i=2}, A{i=3}, B{i=1} fire
        30s     ops hears first notification: A{i=1}, A{i=2}, B{i=1}
        1m      A{i=4} fires
    """)
    assert story.limited == ["A"]
    assert story.errors == []
    story.play("2m A{i=1} fires")
    assert story.limited == []


def test_limit_a_refused_alert_is_nowhere() -> None:
    story = Story(OPS, per_name=1).play("0s A{i=1}, A{i=2} fire")
    assert story.limited == ["A"]
    assert story.names() == ["A{i=1}"]
    story.play("""
        30s     ops hears first notification: A{i=1}
        1h      the end
    """)


def test_limit_what_is_over_makes_room() -> None:
    story = Story(OPS, per_name=2).play("""
        0s      A{i=1}, A{i=2} fire
        10s     A{i=1} resolves
        11s     A{i=3} fires
    """)
    assert story.limited == []
    story.play("12s A{i=4} fires")
    assert story.limited == ["A"]
    story.play("30s ops hears first notification: A{i=1} resolved, A{i=2}, A{i=3}")


def test_limit_goes_by_the_end_after_merging() -> None:
    story = Story(OPS, per_name=1).play("""
        0s      A{i=1} posted ends=+10h starts=-1m
        0s      ops hears first notification: A{i=1}
        1s      A{i=1} posted ends=+1m starts=-1m
        2h      A{i=2} fires
    """)
    assert story.limited == ["A"]


def test_limit_what_runs_out_makes_room_without_collecting() -> None:
    story = Story(OPS, per_name=1).play("""
        0s      A{i=1} posted ends=+10s
        10s     A{i=2} fires
    """)
    assert story.limited == []


def test_limit_collecting_forgets_names_all_over() -> None:
    story = Story(OPS, per_name=2).play("""
        0s      A{i=1}, A{i=2} posted ends=+1m starts=-1s
        30s     ops hears first notification: A{i=1}, A{i=2}
        2m      collect
        3m      A{i=3}, A{i=4} fire
    """)
    assert story.limited == []
    story.play("3m A{i=5} fires")
    assert story.limited == ["A"]


def test_limit_does_not_mix_names_and_counts_the_nameless_together() -> None:
    story = Story(OPS, per_name=1).play("0s {i=1}, {i=2}, C, D fire")
    assert story.limited == [""]
    assert story.names() == ["C", "D", "{i=1}"]


def test_limit_holds_after_a_restart() -> None:
    story = Story(OPS, per_name=1).play("""
        0s      A{i=1} fires
        1s      stop
        2s      start
        3s      A{i=2} fires
    """)
    assert story.limited == ["A"]


def test_limit_one_refused_is_admitted_in_the_instant_in_which_another_runs_out() -> None:
    story = Story(OPS, per_name=1).play("""
        0s      A{i=1} posted ends=+10s
        5s      A{i=2} fires
    """)
    assert story.limited == ["A"]
    story.play("10s A{i=2} fires")
    assert story.limited == []


def test_limit_one_refused_is_admitted_as_soon_as_another_resolves() -> None:
    story = Story(OPS, per_name=1).play("""
        0s      A{i=1} fires
        5s      A{i=2} fires
    """)
    assert story.limited == ["A"]
    story.play("""
        6s      A{i=1} resolves
        7s      A{i=2} fires
    """)
    assert story.limited == []


def test_collecting_leaves_nothing_behind() -> None:
    rules = 'inhibit_rules: [{source_matchers: [a="1"], target_matchers: [b="1"]}]\n'
    story = Story(rules + OPS, per_name=5).play("""
        0s      A{a=1} fires
        30s     ops hears first notification: A{a=1}
        1m      A{a=1} resolves
        5m30s   ops hears all alerts resolved: A{a=1} resolved
        6m      collect
    """)
    engine = story.engine
    assert not engine.book.names._ends
    assert not engine.muting.inhibitor._known
