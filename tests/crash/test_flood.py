"""A short flood of `tests.crash.flood`, on a volume smaller still."""

import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.crash.flood import flood, volume


@pytest.fixture
def small() -> Iterator[Path]:
    if os.geteuid() != 0 or shutil.which("mount") is None:
        pytest.skip("needs root, to mount a small file system")
    try:
        with volume(24 << 20) as path:
            yield path
    except subprocess.CalledProcessError:
        pytest.skip("mounting is not allowed here")


def test_under_a_flood_the_history_gives_way_and_heals(small: Path) -> None:
    outcome = flood(small / "data", rate=1500, seconds=12)
    assert outcome.refused == {}
    assert outcome.wrong == []
