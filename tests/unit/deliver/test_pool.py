"""Which connections are kept, and for how long."""

import httpx
import trio
from trio.testing import MockClock

from ampp.deliver.pool import Pool


class Counted(httpx.AsyncHTTPTransport):
    closed = False

    async def aclose(self) -> None:
        await super().aclose()
        self.closed = True


async def test_the_last_used_is_used_again_and_the_surplus_closed() -> None:
    made: list[Counted] = []
    pool = Pool(lambda: made.append(Counted(verify=False)) or made[-1])  # type: ignore[func-returns-value]
    taken = [pool.take() for _ in range(20)]
    for one in taken:
        await pool.give(one)
    assert [one.closed for one in made] == [True] * 4 + [False] * 16
    assert pool.take() is made[-1]
    assert len(made) == 20
    await pool.aclose()
    assert [one.closed for one in made] == [True] * 19 + [False]
    await pool.give(made[-1])
    assert made[-1].closed


async def test_what_is_long_unused_is_closed(autojump_clock: MockClock) -> None:
    pool = Pool(lambda: Counted(verify=False))
    old, new = pool.take(), pool.take()
    assert isinstance(old, Counted)
    await pool.give(old)
    await trio.sleep(301)
    await pool.give(new)
    assert old.closed
    assert pool.take() is new
