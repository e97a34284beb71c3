"""Which connections are kept, and for how long."""

import trio
from trio.testing import MockClock

from ampp.deliver.pool import Pool


class Counted:
    closed = False

    async def aclose(self) -> None:
        await trio.lowlevel.checkpoint()
        self.closed = True


async def test_the_last_used_is_used_again_and_the_surplus_closed() -> None:
    made = [Counted() for _ in range(70)]
    pool: Pool[Counted] = Pool()
    for one in made:
        await pool.give("a", one)
    assert [one.closed for one in made] == [True] * 6 + [False] * 64
    assert pool.take("a") is made[-1]
    await pool.aclose()
    assert [one.closed for one in made] == [True] * 69 + [False]
    await pool.give("a", made[-1])
    assert made[-1].closed
    assert pool.take("a") is None


async def test_each_is_kept_for_what_it_leads_to() -> None:
    one, other = Counted(), Counted()
    pool: Pool[Counted] = Pool()
    await pool.give("one", one)
    await pool.give("other", other)
    assert pool.take("third") is None
    assert pool.take("one") is one
    assert pool.take("one") is None
    assert pool.take("other") is other


async def test_what_is_long_unused_is_closed(autojump_clock: MockClock) -> None:
    old, new = Counted(), Counted()
    pool: Pool[Counted] = Pool()
    await pool.give("a", old)
    await trio.sleep(301)
    await pool.give("a", new)
    assert old.closed
    assert pool.take("a") is new
