"""A sample of seeds in every test run; `python -m tests.simulation` runs as many as one likes."""

import pytest

from tests.simulation.world import World


@pytest.mark.parametrize("first", range(0, 200, 20))
def test_no_invariant_breaks(first: int) -> None:
    for seed in range(first, first + 20):
        world = World(seed)
        for _ in range(120):
            world.step()
