"""Full collections stay short however much has been taken in."""

import gc
import subprocess
import sys
from typing import Any

import pytest
import trio

from ampp.observe import memory

GROWS = """
import gc
from ampp.observe import memory
memory.spare()
gc.disable()
before = gc.get_freeze_count()
kept = [[each] for each in range(1_000_000)]
gc.collect()
assert gc.get_freeze_count() - before > 1_000_000, gc.get_freeze_count()
del kept
assert gc.get_freeze_count() - before < 100_000, gc.get_freeze_count()
"""


def test_what_survived_a_long_collection_is_exempt_from_the_next_and_freed_all_the_same() -> None:
    done = subprocess.run([sys.executable, "-c", GROWS], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr


async def test_everything_is_looked_at_again_after_hours(autojump_clock: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(memory, "_EVERY", 1800.0)
    gc.freeze()
    async with trio.open_nursery() as nursery:
        nursery.start_soon(memory.give_back)
        await trio.sleep(5 * 3600)
        assert gc.get_freeze_count() > 1000
        await trio.sleep(2 * 3600)
        assert not gc.get_freeze_count()
        nursery.cancel_scope.cancel()
