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
