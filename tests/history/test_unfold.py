"""The journal unfolded: one record for each change of an alert, one for each decision to tell somebody."""

from pathlib import Path

import pytest

from tests.history.book import told
from tests.stories.story import Story

OPS = "route: {receiver: ops, group_wait: 30s, group_interval: 5m, repeat_interval: 4h}"

DAY = """
    0s      A{job=a} posted ends=+33m
    0s      B{job=a} fires
    30s     ops hears first notification: A{job=a}, B{job=a}
    6m      silence s1 {alertname="A"} for 20m
    10m30s  the end
    27m     B{job=a} resolves
    30m30s  ops hears some alerts resolved: A{job=a}, B{job=a} resolved
    35m30s  ops hears all alerts resolved: A{job=a} resolved
"""


@pytest.mark.parametrize("batch", [1, 3, 100])
def test_each_change_is_told_once_however_the_records_come(tmp_path: Path, batch: int) -> None:
    story = Story(OPS).play(DAY)
    book = told(tmp_path, story, batch)
    silence = next(iter(story.engine.muting.silences.all())).id
    assert book.events() == [
        "0 A firing",
        "0 B firing",
        f"630 A suppressed silence {silence}",
        "1620 B resolved 1620",
        f"1830 A unsuppressed silence {silence}",
        "2130 A expired 1980",
    ]
    assert book.notifications() == [
        "30 ops/webhook/0 delivered: first notification (1)",
        "330 ops/webhook/0 not_sent: none",
        "630 ops/webhook/0 not_sent: none",
        "1830 ops/webhook/0 delivered: some alerts resolved (1)",
        "2130 ops/webhook/0 delivered: all alerts resolved (1)",
    ]
    assert book.count("member", "until IS NULL") == 0
    assert book.count("state", "resolved = 0") == 0


def test_reading_the_same_records_again_changes_nothing_about_alerts(tmp_path: Path) -> None:
    story = Story(OPS).play("""
        0s      A fires
        30s     ops hears first notification: A
        1m      A resolves
        5m30s   ops hears all alerts resolved: A resolved
    """)
    book = told(tmp_path, story)
    before = book.events()
    book.take([record for record in story.journal if type(record).__name__ == "Flushed"])
    assert book.events() == before == ["0 A firing", "60 A resolved 60"]


def test_suppressed_in_two_groups_for_one_cause_it_is_told_once(tmp_path: Path) -> None:
    story = Story("""
        route:
          receiver: ops
          group_wait: 30s
          group_interval: 5m
          routes: [{receiver: ops, matchers: [x="1"], continue: true}, {receiver: ops, matchers: [x="1"]}]
        inhibit_rules: [{name: node-down, source_matchers: [alertname="S"], target_matchers: [alertname="A"]}]
    """).play("""
        0s      S fires
        0s      A{x=1} fires
        30s     ops hears first notification: S
        6m      S resolves
        10m30s  ops hears all alerts resolved: S resolved
        10m30s  ops hears first notification: A{x=1}
        10m30s  ops hears first notification: A{x=1}
    """)
    events = told(tmp_path, story).events()
    assert [line.split()[:5] for line in events if " A " in line] == [
        ["0", "A", "firing"],
        ["30", "A", "suppressed", "inhibition", "node-down"],
        ["630", "A", "unsuppressed", "inhibition", "node-down"],
    ]


def test_a_group_all_of_whose_alerts_are_kept_out_has_one_decision_with_the_reason(tmp_path: Path) -> None:
    story = Story(OPS).play("""
        0s      silence s1 {alertname="A"} for 2h
        0s      A fires
        1h      the end
    """)
    assert told(tmp_path, story).notifications() == ["30 ops//0 not_sent: silence"]


def test_what_fails_is_told_with_reason_and_attempts(tmp_path: Path) -> None:
    story = Story(OPS).play("""
        0s      ops refuses
        0s      A fires
        30s     ops misses first notification: A
        1m      ops answers
        5m30s   ops hears first notification: A
    """)
    book = told(tmp_path, story)
    assert [line.split(":")[0] for line in book.notifications()] == [
        "30 ops/webhook/0 failed",
        "330 ops/webhook/0 delivered",
    ]


def test_a_reload_neither_frees_nor_suppresses_anew(tmp_path: Path) -> None:
    story = Story(OPS).play("""
        0s      silence s1 {alertname="A"} for 2h
        0s      A fires
        6m      reload
        20m     the end
    """)
    assert [line.split()[1:3] for line in told(tmp_path, story).events()] == [["A", "firing"], ["A", "suppressed"]]
