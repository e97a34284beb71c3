"""The wheel against a sorted dictionary, and the promises its docstrings make."""

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from ampp.core.clock import HOUR, MILLISECOND, MINUTE, SECOND
from ampp.core.wheel import Wheel

SPANS = st.one_of(
    st.integers(0, 3 * MILLISECOND),
    st.integers(0, 600 * MILLISECOND),
    st.integers(0, 5 * MINUTE),
    st.integers(0, 72 * HOUR),
    st.sampled_from([0, 1, MILLISECOND, SECOND]),
)


class WheelMachine(RuleBasedStateMachine):
    """Every step is done to the wheel and to a plain dictionary; they must never differ."""

    @initialize(
        start=st.sampled_from([0, 1, -5 * SECOND, 987_654_321_987_654_321]),
    )
    def start(self, start: int) -> None:
        self.now = start
        self.wheel: Wheel[int] = Wheel(start)
        self.model: dict[int, int] = {}

    @rule(key=st.integers(0, 12), span=SPANS)
    def arm(self, key: int, span: int) -> None:
        self.wheel.arm(key, self.now + span)
        self.model.pop(key, None)
        self.model[key] = self.now + span

    @rule(key=st.integers(0, 12), span=SPANS)
    def arm_in_the_past(self, key: int, span: int) -> None:
        self.wheel.arm(key, self.now - span)
        self.model.pop(key, None)
        self.model[key] = self.now - span

    @rule(key=st.integers(0, 12))
    def cancel(self, key: int) -> None:
        assert self.wheel.cancel(key) == (self.model.pop(key, None) is not None)

    @rule(span=SPANS)
    def advance(self, span: int) -> None:
        self.now += span
        self.take(self.now)

    @rule()
    def advance_to_next(self) -> None:
        self.now = max(self.now, min(self.model.values(), default=self.now))
        self.take(self.now)

    @rule()
    def advance_just_short_of_next(self) -> None:
        self.now = max(self.now, min(self.model.values(), default=self.now) - 1)
        self.take(self.now)

    @rule(span=SPANS)
    def advance_backwards(self, span: int) -> None:
        self.take(self.now - span)

    def take(self, mono: int) -> None:
        due = sorted((key for key, at in self.model.items() if at <= self.now), key=self.model.__getitem__)
        assert self.wheel.advance(mono) == due
        for key in due:
            del self.model[key]

    @invariant()
    def agrees(self) -> None:
        if not hasattr(self, "wheel"):
            return
        assert len(self.wheel) == len(self.model)
        assert self.wheel.next_due() == min(self.model.values(), default=None)
        for key in range(13):
            assert self.wheel.due_at(key) == self.model.get(key)
            assert (key in self.wheel) == (key in self.model)


WheelMachine.TestCase.settings = settings(max_examples=150, stateful_step_count=40, deadline=None)
TestWheel = WheelMachine.TestCase


def test_keys_due_together_come_in_order_of_arming() -> None:
    wheel: Wheel[str] = Wheel()
    for key in "cab":
        wheel.arm(key, SECOND)
    wheel.arm("c", SECOND)
    assert wheel.advance(SECOND) == ["a", "b", "c"]


def test_half_past_returns_only_what_is_due() -> None:
    wheel: Wheel[str] = Wheel()
    wheel.arm("late", SECOND + 700)
    wheel.arm("early", SECOND + 300)
    assert wheel.advance(SECOND + 299) == []
    assert wheel.advance(SECOND + 699) == ["early"]
    assert wheel.advance(SECOND + 700) == ["late"]


def test_a_suspended_night_returns_everything_once_in_order() -> None:
    wheel: Wheel[int] = Wheel()
    for key in range(5_000):
        wheel.arm(key, (key * 7_919 % 5_000) * SECOND + key)
    due = wheel.advance(8 * HOUR)
    assert [(key * 7_919 % 5_000) for key in due] == list(range(5_000))
    assert len(wheel) == 0
    assert wheel.next_due() is None


def test_the_far_future_is_reached() -> None:
    wheel: Wheel[str] = Wheel()
    wheel.arm("century", 100 * 366 * 24 * HOUR)
    assert wheel.advance(100 * 366 * 24 * HOUR - 1) == []
    assert wheel.advance(100 * 366 * 24 * HOUR) == ["century"]


def test_a_few_at_a_time_come_in_the_same_order() -> None:
    wheel: Wheel[int] = Wheel()
    for key in range(100):
        wheel.arm(key, key * 37 % 100)
    found: list[int] = []
    while some := wheel.advance(98, 7):
        assert len(some) <= 7
        found += some
        left = wheel.next_due()
        assert left is not None
        assert (left <= 98) == (len(found) < 99)
    assert [key * 37 % 100 for key in found] == list(range(99))


def test_what_was_cancelled_and_armed_anew_does_not_pile_up() -> None:
    wheel: Wheel[int] = Wheel()
    for turn in range(100_000):
        wheel.arm(turn % 10, HOUR + turn)
        wheel.cancel((turn + 5) % 10)
    assert len(wheel._heap) < 3_000
    assert wheel.advance(2 * HOUR) == sorted(range(5, 10))
