"""The event loop and a thread that has word for it: nothing said is lost, and a loop that waits is woken."""

import random
import threading
import time
from functools import partial

import pytest
import trio
from trio.testing import wait_all_tasks_blocked

from ampp.store.sqlite.loop import Loop


def _nothing() -> None:
    return


async def test_a_loop_that_waits_is_woken() -> None:
    loop = Loop(_nothing)
    loop.attach()
    heard = trio.Event()
    teller = threading.Timer(0.05, loop.tell, [heard.set])
    teller.start()
    with trio.fail_after(10):
        await heard.wait()
    teller.join()


async def test_what_is_told_while_the_loop_works_is_heard_before_the_next_task_has_its_turn() -> None:
    loop = Loop(_nothing)
    loop.attach()
    heard: list[int] = []
    for number in range(3):
        loop.tell(partial(heard.append, number))
    assert heard == []
    await trio.lowlevel.checkpoint()
    assert heard == [0, 1, 2]


class Turns(trio.abc.Instrument):
    """Counts the turns of the loop."""

    count = 0

    def before_io_wait(self, timeout: float) -> None:
        self.count += 1


async def test_who_is_told_of_goes_on_in_the_turn_that_begins() -> None:
    loop, turns, told = Loop(_nothing), Turns(), trio.Event()
    loop.attach()
    trio.lowlevel.add_instrument(turns)
    went_on: list[int] = []

    async def wait() -> None:
        await told.wait()
        went_on.append(turns.count)

    async with trio.open_nursery() as nursery:
        nursery.start_soon(wait)
        await wait_all_tasks_blocked()
        loop.tell(told.set)
        before = turns.count
    assert went_on == [before + 1]


async def test_nothing_is_lost_however_a_thread_and_the_loop_fall_together() -> None:
    loop = Loop(_nothing)
    loop.attach()
    chance = random.Random(7)
    heard: list[int] = []
    pauses = [chance.choice((0, 0, 0, 1e-5, 1e-4, 5e-4)) for _ in range(4_000)]

    def tell() -> None:
        for number, pause in enumerate(pauses):
            loop.tell(partial(heard.append, number))
            if pause:
                time.sleep(pause)

    teller = threading.Thread(target=tell)
    teller.start()
    with trio.fail_after(60):
        while len(heard) < len(pauses):
            await trio.sleep(chance.choice((0, 0.0003)))
    teller.join()
    assert heard == list(range(len(pauses)))


async def test_each_thing_told_wakes_a_loop_that_would_sleep_for_long() -> None:
    loop = Loop(_nothing)
    loop.attach()
    told, answered = threading.Semaphore(0), threading.Semaphore(0)
    event = trio.Event()

    def answer() -> None:
        while told.acquire(timeout=20):
            if done:
                return
            loop.tell(lambda: event.set())
            answered.release()

    done = False
    teller = threading.Thread(target=answer)
    teller.start()
    with trio.fail_after(60):
        for number in range(500):
            event = trio.Event()
            told.release()
            if number % 2:
                # Let it speak while the loop is at work.
                answered.acquire(timeout=20)
            await event.wait()
    done = True
    told.release()
    teller.join()


async def test_what_was_noted_is_handed_over_when_the_loop_is_about_to_wait() -> None:
    pushes: list[float] = []
    loop = Loop(lambda: pushes.append(time.monotonic()))
    loop.attach()
    with trio.fail_after(10):
        await trio.sleep(0.01)
    assert pushes
    count = len(pushes)
    for _ in range(20):
        await trio.lowlevel.checkpoint()
    # A loop that only turns and never waits still hands over, every other turn.
    assert 9 <= len(pushes) - count <= 11


@pytest.mark.parametrize("when", ["push", "told"])
def test_an_error_ends_the_loop_rather_than_leaving_it_deaf(when: str) -> None:
    def fail() -> None:
        raise ValueError("broken")

    async def run() -> None:
        loop = Loop(fail if when == "push" else _nothing)
        loop.attach()
        if when == "told":
            loop.tell(fail)
        await trio.sleep(10)

    with pytest.raises(trio.TrioInternalError) as caught:
        trio.run(run)
    found: BaseException | None = caught.value
    texts = []
    while found is not None:
        texts.append(str(found.exceptions[0]) if isinstance(found, BaseExceptionGroup) else str(found))
        found = found.exceptions[0] if isinstance(found, BaseExceptionGroup) else found.__cause__
    assert "broken" in texts


def test_after_the_loop_has_ended_nothing_happens() -> None:
    heard: list[int] = []
    loops: list[Loop] = []

    async def run() -> None:
        loops.append(Loop(_nothing))
        loops[0].attach()
        await trio.sleep(0)

    trio.run(run)
    loops[0].tell(partial(heard.append, 1))
    assert heard == []
