"""What the notification log notes and forgets, receiver data, tokens (core reference 6.2)."""

import pytest

from ampp.core.clock import HOUR, MINUTE, SECOND
from tests.stories.story import BOOT, MONDAY, Story

OPS = "route: {receiver: ops, group_wait: 30s, group_interval: 5m, repeat_interval: 1h}"
QUIET = "receivers: {ops: [webhook-]}\n" + OPS
KEY = "{}:{}:ops/webhook/0"


def test_the_log_holds_what_was_told_last_and_when() -> None:
    story = Story(OPS).play("""
        0s      A, B fire
        30s     ops hears first notification: A, B
        1m      ops takes 3s
        1m      A resolves
        5m33s   ops hears some alerts resolved: A resolved, B
    """)
    entry = story.engine.log[KEY]
    assert entry.key == KEY
    assert (entry.group_key, entry.receiver, entry.integration, entry.idx) == ("{}:{}", "ops", "webhook", 0)
    assert entry.timestamp == MONDAY + 333 * SECOND
    assert (len(entry.firing), len(entry.resolved)) == (1, 1)


def test_the_log_knows_alerts_by_xxhash() -> None:
    story = Story(OPS).play("""
        0s      Foo fires
        30s     ops hears first notification: Foo
    """)
    assert story.engine.log[KEY].firing == (0xF7E8145E0DABAB62,)


@pytest.mark.parametrize(("retention", "expires"), [("120h", 2 * HOUR), ("90m", 90 * MINUTE), ("2h", 2 * HOUR)])
def test_an_entry_expires_after_twice_repeat_interval_or_the_retention(retention: str, expires: int) -> None:
    story = Story(OPS, retention=retention).play("""
        0s      A fires
        30s     ops hears first notification: A
    """)
    assert story.engine.log[KEY].expires == MONDAY + 30 * SECOND + expires


def test_an_expired_entry_deduplicates_until_it_is_pruned() -> None:
    config = "route: {receiver: ops, group_wait: 30s, group_interval: 10m, repeat_interval: 1m}"
    script = """
        0s      A fires
        30s     ops hears first notification: A
        40s     A resolves
        40s     B fires
    """
    Story(config, retention="1m").play(
        script
        + """
        10m30s  ops hears new alerts added: A resolved, B
        11m     the end
    """
    )
    Story(config, retention="1m").play(
        script
        + """
        1m30s   prune
        10m30s  ops hears first notification: A resolved, B
        11m     the end
    """
    )


def test_pruning_spares_what_has_not_expired() -> None:
    story = Story(OPS).play("""
        0s      A fires
        30s     ops hears first notification: A
        35s     A resolves
        5m30s   ops hears all alerts resolved: A resolved
        2h5m29s prune
    """)
    assert KEY in story.engine.log
    story.play("2h5m30s prune")
    assert story.engine.log == {}


def test_a_failure_notes_nothing() -> None:
    story = Story(OPS).play("""
        0s      ops refuses
        0s      A fires
        30s     ops misses first notification: A
        1m      the end
    """)
    assert story.engine.log == {}
    assert list(story.engine.outbox) == [KEY]


def test_a_success_after_a_failure_tells_the_present_and_not_the_past() -> None:
    Story(OPS).play("""
        0s      ops refuses
        0s      A fires
        30s     ops misses first notification: A
        1m      B fires
        2m      A resolves
        3m      ops answers
        5m30s   ops hears first notification: A resolved, B
        1h      the end
    """)


def test_what_ended_before_anybody_could_be_told_is_dropped() -> None:
    story = Story(OPS).play("""
        0s      ops refuses
        0s      A fires
        30s     ops misses first notification: A
        2m      A resolves
        3m      ops answers
        1h      the end
    """)
    assert story.engine.outbox == {}
    assert story.group_keys() == []


def test_the_clock_set_back_does_not_repeat_at_every_turn() -> None:
    """Upstream leaves an entry from the future alone, so that it would; see `Engine._write_log`."""
    story = Story(OPS).play("""
        0s      A fires
        30s     ops hears first notification: A
        1m      clock jumps -10m
        2m      B fires
        5m30s   ops hears new alerts added: A, B
        1h      the end
    """)
    assert story.engine.log[KEY].timestamp == MONDAY + (330 - 600) * SECOND


# -- receiver data -----------------------------------------------------------------------------------------------------


def test_receiver_data_is_carried_from_one_notification_to_the_next() -> None:
    story = Story(OPS).play("""
        0s      ops returns ts=1
        0s      A fires
        30s     ops hears first notification: A
        1m      B fires
        5m30s   ops hears new alerts added: A, B
        6m      A, B resolve
        10m30s  ops hears all alerts resolved: A resolved, B resolved
    """)
    assert [notify.data for notify in story.heard] == [{}, {"ts": "1"}, {"ts": "1"}]
    assert story.engine.log[KEY].data == {"ts": "1"}


def test_receiver_data_is_cleared_for_a_first_notification() -> None:
    story = Story(OPS).play("""
        0s      ops returns ts=1
        0s      A fires
        30s     ops hears first notification: A
        1m      A resolves
        5m30s   ops hears all alerts resolved: A resolved
        6m      A fires
        6m30s   ops hears first notification: A
    """)
    assert [notify.data for notify in story.heard] == [{}, {"ts": "1"}, {}]


def test_receiver_data_outlives_an_end_that_is_only_noted() -> None:
    story = Story(QUIET).play("""
        0s      ops returns ts=1
        0s      A fires
        30s     ops hears first notification: A
        1m      A resolves
        6m      the end
    """)
    assert story.engine.log[KEY].data == {"ts": "1"}


def test_receiver_data_survives_a_restart() -> None:
    story = Story(OPS).play("""
        0s      ops returns ts=1
        0s      A fires
        30s     ops hears first notification: A
        1m      stop
        2m      start
        2m      B fires
        5m30s   ops hears new alerts added: A, B
    """)
    assert story.heard[-1].data == {"ts": "1"}


# -- idempotency -------------------------------------------------------------------------------------------------------


def test_the_token_is_the_same_while_the_same_thing_is_being_told_and_then_another() -> None:
    story = Story(OPS).play("""
        0s      ops refuses
        0s      A fires
        30s     ops misses first notification: A
        5m30s   ops misses first notification: A
        6m      ops answers
        10m30s  ops hears first notification: A
        11m     B fires
        15m30s  ops hears new alerts added: A, B
        1h20m30s ops hears repeat interval elapsed: A, B
        2h25m30s ops hears repeat interval elapsed: A, B
    """)
    tokens = [notify.token for notify in story.heard]
    assert tokens[0] == tokens[1] == tokens[2]
    assert len(set(tokens)) == 4


def test_the_token_differs_between_integrations() -> None:
    story = Story("receivers: {ops: [webhook, webhook]}\n" + OPS).play("""
        0s      A fires
        30s     ops/webhook/0 hears first notification: A
        30s     ops/webhook/1 hears first notification: A
    """)
    assert len({notify.token for notify in story.heard}) == 2


def test_the_deadline_is_on_the_monotonic_clock() -> None:
    story = Story(OPS).play("""
        0s      A fires
        1s      clock jumps +5h
        30s     ops hears first notification: A
    """)
    assert story.heard[0].deadline == BOOT + 330 * SECOND
