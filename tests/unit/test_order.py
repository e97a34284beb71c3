"""Order made a little at a time is the order that Python's own sort makes."""

import random
from itertools import chain
from operator import itemgetter

from hypothesis import given
from hypothesis import strategies as st

from ampp.core.order import foremost, in_order

PAIRS = st.lists(st.tuples(st.integers(0, 9), st.integers()), max_size=80)


@given(PAIRS, st.integers(1, 20))
def test_it_is_sorted_and_equal_ones_stay_as_they_were(items: list[tuple[int, int]], run: int) -> None:
    assert list(chain.from_iterable(in_order(items, itemgetter(0), run))) == sorted(items, key=itemgetter(0))


@given(PAIRS, st.integers(1, 20), st.integers(1, 9))
def test_the_foremost_are_those_that_stand_in_front(items: list[tuple[int, int]], run: int, most: int) -> None:
    *pauses, found = foremost(items, itemgetter(0), most, run)
    assert found == sorted(items, key=itemgetter(0))[:most]
    assert pauses == [[]] * -(-len(items) // run)


def test_what_is_done_at_once_stays_small_whatever_the_order_was() -> None:
    numbers = list(range(20_000))
    mixed = random.Random(3).sample(numbers, len(numbers))
    for items in (numbers, numbers[::-1], mixed):
        batches = list(in_order(items, lambda number: (number % 7, str(number))))
        assert list(chain.from_iterable(batches)) == sorted(items, key=lambda number: (number % 7, str(number)))
        assert max(map(len, batches)) < 2_000
        assert len(batches) > 100
