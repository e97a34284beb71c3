"""Full collections stay short however much has been taken in."""

import subprocess
import sys

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


AGES = """
import gc
import trio
from ampp.observe import memory

memory._EVERY, memory._AFRESH = 0.001, 0.05


async def main():
    gc.disable()
    gc.freeze()
    assert gc.get_freeze_count() > 1000, gc.get_freeze_count()
    with trio.fail_after(30):
        async with trio.open_nursery() as nursery:
            nursery.start_soon(memory.give_back)
            while gc.get_freeze_count():
                await trio.sleep(0.001)
            nursery.cancel_scope.cancel()


trio.run(main)
"""


def test_everything_is_looked_at_again_after_hours() -> None:
    """In a process of its own: where a daemon ran before, its hook freezes again what survives a collection."""
    done = subprocess.run([sys.executable, "-c", AGES], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
