"""Name look-ups that hang, beside those that do not."""

import socket
import threading
from typing import Any

import pytest
import trio

from ampp.deliver.resolver import Resolver


async def test_a_name_that_hangs_holds_up_no_other(monkeypatch: pytest.MonkeyPatch) -> None:
    freed = threading.Event()
    asking: list[str] = []

    def look(host: str, *_: Any) -> str:
        asking.append(host)
        if host == "dead.test":
            freed.wait(30)
        return f"address of {host}"

    monkeypatch.setattr(socket, "getaddrinfo", look)
    resolver = Resolver()
    try:
        async with trio.open_nursery() as nursery:
            for _ in range(100):
                nursery.start_soon(resolver.getaddrinfo, "dead.test", 80)
            await trio.testing.wait_all_tasks_blocked()
            with trio.fail_after(20):
                assert await resolver.getaddrinfo("alive.test", 80) == "address of alive.test"
                # The threads that everybody shares are free as well.
                assert await trio.to_thread.run_sync(lambda: "free") == "free"
            nursery.cancel_scope.cancel()
        assert asking.count("dead.test") <= 2
    finally:
        freed.set()
