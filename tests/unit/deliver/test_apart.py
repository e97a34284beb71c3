"""Work done beside the event loop: its result, its errors, and how much of it at once."""

import threading

import pytest
import trio

from ampp.deliver.apart import apart


async def test_it_is_done_in_another_thread() -> None:
    assert await apart(threading.current_thread) is not threading.current_thread()
    with pytest.raises(ZeroDivisionError):
        await apart(divmod, 1, 0)


async def test_two_at_once_and_no_more() -> None:
    running, most = 0, 0
    gate = threading.Event()

    def work() -> None:
        nonlocal running, most
        running += 1
        most = max(most, running)
        gate.wait(10)
        running -= 1

    async with trio.open_nursery() as nursery:
        for _ in range(6):
            nursery.start_soon(apart, work)
        with trio.fail_after(10):
            while running < 2:
                await trio.sleep(0.001)
        await trio.sleep(0.02)
        gate.set()
    assert most == 2
