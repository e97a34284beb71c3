"""The ring of events and those who listen: what is kept, what is a gap, and that nothing is recorded for nobody."""

import json
from typing import Any

import pytest
import trio

from ampp.core.record import GroupDropped
from ampp.feed.event import Event, Kind, number_of, place
from ampp.feed.feed import Feed, Gap

RECORD = GroupDropped(at=1, route="{} r", labels=b"{}", cause="empty")


def publish(feed: Feed, count: int, size: int = 1) -> None:
    for n in range(count):
        feed.publish(Kind.ALERT_UPDATED, n, {"n": "x" * size})


async def numbers(feed: Feed, after: int) -> list[int]:
    return [event.number for event in await feed.after(after)]


def test_a_place_names_its_run() -> None:
    feed = Feed()
    assert number_of(place(feed.run, 7), feed.run) == 7
    assert number_of("00000000-7", feed.run) is None
    for text in ("", "7", "x-7", f"{feed.run}-", f"{feed.run}-7 ", f"{feed.run}-{'9' * 19}", "٣" * 8 + "-7"):
        with pytest.raises(ValueError, match="not the id of an event"):
            number_of(text, feed.run)


async def test_events_are_numbered_and_read_from_any_place_that_is_kept() -> None:
    feed = Feed(capacity=5)
    with feed.listening():
        begun = feed.start(None)
        publish(feed, 3)
        assert await numbers(feed, begun) == [1, 2, 3]
        assert await numbers(feed, feed.start(place(feed.run, 2))) == [3]
        [event] = await feed.after(2)
        shown = json.loads(event.json)
        assert (shown["sequence"], shown["id"], shown["type"]) == (3, f"{feed.run}-3", "alert_updated")
        publish(feed, 4)
        assert await numbers(feed, 2) == [3, 4, 5, 6, 7]
        for lost in (0, 1):
            with pytest.raises(Gap) as gap:
                feed.start(place(feed.run, lost))
            assert gap.value.number == 7
            with pytest.raises(Gap):
                await feed.after(lost)
        for foreign in ("00000000-6", place(feed.run, 8)):
            with pytest.raises(Gap):
                feed.start(foreign)


async def test_the_ring_is_bounded_in_bytes_too() -> None:
    feed = Feed(most_bytes=10_000)
    with feed.listening():
        publish(feed, 100, 1_000)
        assert 5 <= len(await feed.after(92)) <= 9
        with pytest.raises(Gap):
            await feed.after(50)
        publish(feed, 1, 50_000)
        assert await numbers(feed, 100) == [101]


async def test_listeners_wake_when_something_comes(autojump_clock: Any) -> None:
    feed = Feed()
    got: list[list[Event]] = []

    async def listen() -> None:
        with feed.listening():
            got.append(await feed.after(0))

    async with trio.open_nursery() as nursery:
        for _ in range(3):
            nursery.start_soon(listen)
        await trio.sleep(1)
        assert got == []
        publish(feed, 1)
    assert [[event.number for event in events] for events in got] == [[1], [1], [1]]


async def test_nothing_is_recorded_for_nobody_and_what_was_missed_is_a_gap(autojump_clock: Any) -> None:
    feed = Feed(linger=10)
    feed.heard([RECORD])
    assert not feed.recording
    assert feed.take() == ([], False)
    with feed.listening():
        feed.heard([RECORD])
        assert feed.take() == ([RECORD], False)
        publish(feed, 2)
        assert not feed.rest()
    left = feed.place()
    await trio.sleep(9)
    assert not feed.rest()
    assert feed.start(left) == 2
    await trio.sleep(2)
    assert feed.rest()
    assert not feed.recording
    with pytest.raises(Gap):
        feed.start(left)
    # Who asks for the place is waited for.
    again = feed.place()
    assert feed.recording
    publish(feed, 1)
    assert await numbers(feed, feed.start(again)) == [feed.number]


async def test_too_much_to_be_heard_is_known_to_be_too_much() -> None:
    feed = Feed(heard=3)
    with feed.listening():
        for _ in range(5):
            feed.heard([RECORD])
        records, over = feed.take()
        assert (len(records), over) == (3, True)
        assert feed.take() == ([], False)
