"""Full collections stay short however much has been taken in, and garbage is found all the same.

Each in a process of its own: where a daemon ran before, its hook is still there.
"""

import subprocess
import sys

import pytest

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

AGES = """
import gc
import trio
from ampp.observe import memory

memory._EVERY, memory._AFRESH = 0.001, 0.05


class Ring:
    def __init__(self, met):
        self.self, self.met = self, met

    def __del__(self):
        self.met.append(self)


async def main():
    met = []
    memory.spare()
    ring = Ring(met)
    gc.freeze()
    del ring
    gc.collect()
    assert not met
    with trio.fail_after(30):
        async with trio.open_nursery() as nursery:
            nursery.start_soon(memory.give_back, lambda: 0)
            while not met:
                await trio.sleep(0.001)
            nursery.cancel_scope.cancel()


trio.run(main)
"""

LEAKS = """
import gc
import trio
from ampp.observe import memory

memory._EVERY, memory._LONG = 0.001, 0.0


async def main():
    memory.spare()

    def spared():
        return gc.get_freeze_count() - memory._sparing._known

    with trio.fail_after(30):
        async with trio.open_nursery() as nursery:
            nursery.start_soon(memory.give_back, lambda: {groups})
            for _ in range(20):
                # Alive when the collector looks, and a ring of its own afterwards.
                rings = [[None, None] for _ in range(20_000)]
                for ring in rings:
                    ring[0] = ring
                gc.collect()
                del ring, rings
                await trio.sleep(0.005)
            {check}
            nursery.cancel_scope.cancel()


trio.run(main)
"""


@pytest.mark.parametrize(
    "program",
    [
        pytest.param(GROWS, id="what survived a long collection is exempt from the next, and freed with its last user"),
        pytest.param(AGES, id="everything is looked at again after hours"),
        pytest.param(
            LEAKS.format(groups=0, check="while spared() > 250_000: await trio.sleep(0.001)"),
            id="everything is looked at again when more is exempt than there is state",
        ),
        pytest.param(
            LEAKS.format(groups=100_000, check="assert spared() > 350_000, spared()"),
            id="but not as long as the state explains it",
        ),
    ],
)
def test_collections(program: str) -> None:
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
