"""The server's end: who may finish, who is let go, and how long it takes at most."""

import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from functools import partial
from typing import Any, cast

import pytest
import trio

from ampp.api.later import Later
from ampp.api.listen import bind
from ampp.api.server import GRACE, serve
from ampp.api.shell import Limits, Shell
from ampp.api.v2 import V2
from ampp.observe.metrics import Metrics
from ampp.options import Features

READY = b"GET /-/ready HTTP/1.1\r\nHost: h\r\n\r\n"


class Inner:
    """An application whose answers wait until they are released."""

    def __init__(self) -> None:
        self.asked = trio.Event()
        self.release = trio.Event()

    async def __call__(self, scope: Any, receive: Callable[[], Awaitable[Any]], send: Any) -> None:
        if scope["type"] == "lifespan":
            for step in ("startup", "shutdown"):
                await receive()
                await send({"type": f"lifespan.{step}.complete"})
            return
        self.asked.set()
        await self.release.wait()
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"2")]})
        await send({"type": "http.response.body", "body": b"OK"})


class Running:
    def __init__(self, inner: Inner, shutdown: trio.Event, ended: trio.Event, port: int) -> None:
        self.inner = inner
        self.shutdown = shutdown
        self.ended = ended
        self.port = port
        self.streams: list[trio.SocketStream] = []

    async def connect(self, first: bytes = b"") -> trio.SocketStream:
        stream = await trio.open_tcp_stream("127.0.0.1", self.port)
        self.streams.append(stream)
        await stream.send_all(first)
        return stream


@pytest.fixture
async def running() -> AsyncIterator[Running]:
    async with opened() as running:
        yield running


@asynccontextmanager
async def opened() -> AsyncIterator[Running]:
    inner, shutdown, ended = Inner(), trio.Event(), trio.Event()
    metrics = Metrics(Features(), None)
    shell = Shell(Later(lambda: inner), cast(V2, None), metrics.http, Limits(), "", None)
    [sock] = bind(["127.0.0.1:0"])
    port = sock.getsockname()[1]

    async def run(*, task_status: trio.TaskStatus[None]) -> None:
        await serve(shell, [sock], None, shutdown, task_status=task_status)
        ended.set()

    async with trio.open_nursery() as nursery:
        await nursery.start(partial(run))
        running = Running(inner, shutdown, ended, port)
        yield running
        for stream in running.streams:
            await stream.aclose()
        nursery.cancel_scope.cancel()


async def rest(stream: trio.SocketStream) -> bytes:
    """What still comes until the server closes."""
    got = b""
    with trio.fail_after(GRACE + 5), contextlib.suppress(trio.BrokenResourceError):
        async for part in stream:
            got += part
    return got


async def test_a_request_in_flight_is_answered_and_nobody_new_let_in(running: Running) -> None:
    stream = await running.connect(READY)
    await running.inner.asked.wait()
    running.shutdown.set()
    with trio.fail_after(5):
        while True:
            try:
                await running.connect()
            except OSError:
                break
            await trio.sleep(0.01)
    running.inner.release.set()
    answer = await rest(stream)
    assert answer.startswith(b"HTTP/1.1 200")
    assert answer.endswith(b"OK")
    with trio.fail_after(GRACE):
        await running.ended.wait()


async def test_idle_and_half_open_connections_are_let_go_at_once(running: Running) -> None:
    running.inner.release.set()
    idle = await running.connect()
    half = await running.connect(b"POST /api/v2/alerts HTTP/1.1\r\nHos")
    kept = await running.connect(READY)
    with trio.fail_after(5):
        assert (await kept.receive_some()).startswith(b"HTTP/1.1 200")
    running.shutdown.set()
    for stream in (idle, half):
        assert await rest(stream) == b""
    assert await rest(kept) in (b"", b"OK")
    with trio.fail_after(GRACE):
        await running.ended.wait()


async def test_a_request_that_never_ends_holds_the_end_no_longer_than_the_grace(running: Running) -> None:
    stream = await running.connect(READY)
    await running.inner.asked.wait()
    running.shutdown.set()
    with trio.fail_after(GRACE + 5):
        await running.ended.wait()
    assert not (await rest(stream)).startswith(b"HTTP/1.1 200")
