"""A whole daemon inside the test: real configuration, real store, real sockets."""

import contextlib
import logging
import time
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
import trio

from ampp import daemon
from ampp.api import listen
from ampp.config.settings import load_settings
from ampp.options import Features, Options

CONFIG = """
route:
  receiver: team-X
  group_by: [alertname]
  group_wait: 1h
  routes:
  - {matchers: ['service="db"'], receiver: team-Y, labels: {tier: data}}
receivers:
- name: team-X
- name: team-Y
- name: unused
inhibit_rules:
- {source_matchers: ['severity="critical"'], target_matchers: ['severity="warning"'], equal: [alertname]}
"""

Start = Callable[..., AbstractAsyncContextManager[httpx.AsyncClient]]


class _Listening(logging.Handler):
    """Catches the addresses of the "Listening on" lines."""

    def __init__(self) -> None:
        super().__init__()
        self.addresses: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        if record.getMessage() == "Listening on":
            self.addresses.append(vars(record)["attributes"]["address"])


@pytest.fixture
def start(tmp_path: Path) -> Start:
    """`async with start(**options) as client:` runs a daemon and gives an HTTP client for it."""

    @asynccontextmanager
    async def start(
        config: str = CONFIG, environment: dict[str, str] | None = None, **options: Any
    ) -> AsyncIterator[httpx.AsyncClient]:
        file = tmp_path / "alertmanager.yml"
        file.write_text(config)
        listening = _Listening()
        logger = logging.getLogger("ampp")
        logger.addHandler(listening)
        level = logger.level
        logger.setLevel(logging.INFO)
        wanted = Options(
            started_wall=time.time_ns(),
            started_mono=time.monotonic_ns(),
            config_file=str(file),
            storage_path=str(tmp_path / "data"),
            **{"listen_addresses": ("127.0.0.1:0",), "features": Features(), **options},
        )
        sockets = listen.bind(wanted.listen_addresses)
        try:
            async with trio.open_nursery() as nursery:
                nursery.start_soon(daemon.serve, wanted, load_settings(environment=environment or {}), sockets)
                with trio.fail_after(20):
                    while not listening.addresses:
                        await trio.sleep(0.01)
                async with httpx.AsyncClient(base_url=f"http://{listening.addresses[0]}", trust_env=False) as client:
                    yield client
                nursery.cancel_scope.cancel()
        finally:
            for sock in sockets:
                sock.close()
            logger.removeHandler(listening)
            logger.setLevel(level)

    return start


@pytest.fixture
async def client(start: Start) -> AsyncIterator[httpx.AsyncClient]:
    async with start() as client:
        yield client


Exchange = Callable[[httpx.AsyncClient, bytes], Coroutine[Any, Any, bytes]]


async def exchange(client: httpx.AsyncClient, request: bytes) -> bytes:
    """Send bytes as they are and return all that comes back until the server closes or falls silent."""
    url = client.base_url
    stream = await trio.open_tcp_stream(url.host, url.port or 80)
    answer = b""
    async with stream:
        with contextlib.suppress(trio.BrokenResourceError):
            await stream.send_all(request)
        with trio.move_on_after(5):
            async for part in stream:
                answer += part
    return answer
