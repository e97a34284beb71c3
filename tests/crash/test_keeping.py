"""A share of the rounds of `tests.crash.keeping`."""

import random
from pathlib import Path

import pytest

from tests.crash.keeping import DEEDS, fill, play


@pytest.fixture(scope="module")
def good(tmp_path_factory: pytest.TempPathFactory) -> Path:
    directory = tmp_path_factory.mktemp("keeping") / "good"
    fill(directory)
    return directory


@pytest.mark.parametrize("seed", range(2))
@pytest.mark.parametrize("name", DEEDS)
def test_killed_in_the_middle_nothing_is_half_done(good: Path, name: str, seed: int) -> None:
    assert play(name, random.Random(seed), good) == ""
