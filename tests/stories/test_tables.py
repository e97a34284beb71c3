"""The merge of reports and the dedup table, held against a second reading in other words."""

from hypothesis import example, given, settings
from hypothesis import strategies as st

from ampp.core.alert import PostedAlert
from ampp.core.book import Book, Change
from ampp.core.clock import SECOND
from ampp.core.dedup import decide
from ampp.core.reason import NotifyReason
from ampp.core.record import LogEntry

NOW = 1_704_067_200

# -- merging -----------------------------------------------------------------------------------------------------------

spans = st.tuples(st.integers(-6, 6), st.integers(0, 6)).map(lambda pair: (pair[0], pair[0] + pair[1]))
reports = st.tuples(spans, st.booleans(), st.integers(0, 3))


def expected(old: tuple[int, int, bool], new: tuple[int, int, bool], now: int) -> tuple[int, int, bool]:
    """What stands of (start, end, end is a timeout) after a report, read from the prose of core reference 5.3."""
    start, end, timeout = new
    strictly_inside = range(old[0] + 1, old[1])
    if end not in strictly_inside and start not in strictly_inside:
        return new
    earliest = min(old[0], start)
    if end <= now:
        old_is_over = old[1] <= now
        return earliest, max(end, old[1]) if old_is_over else end, timeout
    return earliest, end if old[2] else max(end, old[1]), timeout


@given(st.lists(reports, min_size=1, max_size=5))
@example([((-3, 3), False, 0), ((-2, 1), False, 1)])
@settings(max_examples=400, deadline=None)
def test_a_sequence_of_reports(sequence: list[tuple[tuple[int, int], bool, int]]) -> None:
    book, now = Book(), NOW
    state: tuple[int, int, bool] | None = None
    for (start, end), timeout, passes in sequence:
        now += passes
        new = (now + start, now + end, timeout)
        posted = PostedAlert({"a": "1"}, {"n": str(now)})
        alert, change = book.put(posted, new[0] * SECOND, new[1] * SECOND, timeout, now * SECOND, b"key")
        before, state = state, new if state is None else expected(state, new, now)
        assert (alert.starts, alert.ends, alert.timeout) == (state[0] * SECOND, state[1] * SECOND, state[2])
        assert alert.annotations == {"n": str(now)}
        assert alert.updated == now * SECOND
        # What may be written behind the answer must never be a new start, a resolve or a revival.
        if before is not None and change is Change.REFRESHED:
            assert before[0] == state[0]
            assert (before[1] <= now) == (state[1] <= now)
            assert state[1] >= before[1]
        # Only the tests of groups seat alerts; here every report must count as a change.
        assert change is (Change.NEW if before is None else Change.CHANGED)
        alert.seated = False


@given(spans, st.booleans(), spans, st.booleans())
@settings(max_examples=400, deadline=None)
def test_what_is_a_mere_refresh(one: tuple[int, int], old_timeout: bool, two: tuple[int, int], timeout: bool) -> None:
    book, posted = Book(), PostedAlert({"a": "1"})
    wall = NOW * SECOND
    alert, _ = book.put(posted, wall + one[0] * SECOND, wall + one[1] * SECOND, old_timeout, wall, b"key")
    alert.seated = True
    before = alert.starts, alert.ends
    _, change = book.put(posted, wall + two[0] * SECOND, wall + two[1] * SECOND, timeout, wall, b"key")
    same_episode = alert.starts == before[0] and (alert.ends > wall) == (before[1] > wall)
    grown = alert.ends == before[1] or (alert.ends > before[1] > wall)
    assert (change is Change.REFRESHED) == (same_episode and grown)


# -- dedup -------------------------------------------------------------------------------------------------------------

hashes = st.frozensets(st.integers(1, 4))
entries = st.none() | st.tuples(st.integers(-5, 0), hashes, hashes)


def reading(
    entry: LogEntry | None, firing: frozenset[int], resolved: frozenset[int], send_resolved: bool, overdue: bool
) -> NotifyReason:
    """The table of core reference 6.3, as cases that exclude each other instead of rules in order."""
    told = frozenset() if entry is None else frozenset(entry.firing)
    told_over = frozenset() if entry is None else frozenset(entry.resolved)
    if firing - told:
        return NotifyReason.NEW_ALERTS if told else NotifyReason.FIRST
    if told and not firing:
        return NotifyReason.ALL_RESOLVED
    if not firing:
        return NotifyReason.NONE
    if send_resolved and resolved - told_over:
        return NotifyReason.SOME_RESOLVED
    return NotifyReason.REPEAT if overdue else NotifyReason.NONE


@given(entries, hashes, hashes, st.booleans(), st.integers(0, 5), st.booleans())
@settings(max_examples=1000, deadline=None)
def test_every_decision(
    told: tuple[int, frozenset[int], frozenset[int]] | None,
    firing: frozenset[int],
    resolved: frozenset[int],
    send_resolved: bool,
    repeat: int,
    may_repeat: bool,
) -> None:
    entry = None
    if told is not None:
        entry = LogEntry("k", "r", "webhook", 0, NOW + told[0], tuple(told[1]), tuple(told[2]), 0)
    overdue = may_repeat and told is not None and -told[0] > repeat
    assert decide(
        entry,
        firing,
        resolved,
        send_resolved=send_resolved,
        repeat_interval=repeat,
        wall=NOW,
        may_repeat=may_repeat,
    ) is reading(entry, firing, resolved, send_resolved, overdue)
