"""Requests as an http_config file says, or through the environment's proxy: by the client that receivers have.

It knows TLS settings, tokens, proxies and headers as Go does. It is imported only here, because it takes its time.
"""

import os.path
import time
from collections.abc import Callable

import trio

from ampp.config.decode import FAILED, Decoder
from ampp.config.error import Invalid
from ampp.config.http import HttpConfig
from ampp.config.node import compose
from ampp.config.section import Struct
from ampp.deliver.http import Client
from ampp.deliver.sender import BuildError, SendError
from ampp_cli.remote.wire import Reply, WireError

__all__ = ["Unusable", "from_environment", "from_file"]

_REDACTED = '"<redacted>": '
_WHOLE = Struct(HttpConfig, pointer=False, outer="config.plain")


class Unusable(Exception):
    """The file cannot be read, is no http_config, or no client can be made of it. The text is Alertmanager's."""


def from_file(path: str) -> "_Configured":
    """A transport as the file at `path` says; paths in it are relative to its folder. Raises Unusable."""
    try:
        with open(path, "rb") as file:
            text = file.read()
    except OSError as error:
        why = (error.strerror or str(error)).lower()
        raise Unusable(f"failed to load HTTP config file: open {path}: {why}") from error
    decoder = Decoder()
    try:
        root = compose(text)
        config = HttpConfig() if root is None else decoder.read(root, _WHOLE)
    except Invalid as error:
        raise Unusable(f"failed to load HTTP config file: {error.message}") from error
    if config is FAILED or decoder.faults:
        lines = "\n  ".join(fault.text for fault in decoder.faults)
        raise Unusable(f"failed to load HTTP config file: yaml: unmarshal errors:\n  {lines}")
    assert isinstance(config, HttpConfig)
    return _made(config.under(os.path.dirname(path) or "."))


def from_environment() -> "_Configured":
    """A transport through the proxy that HTTP_PROXY, HTTPS_PROXY and NO_PROXY name."""
    return _made(HttpConfig(proxy_from_environment=True))


def _made(config: HttpConfig) -> "_Configured":
    try:
        Client(config)
    except BuildError as error:
        raise Unusable(f"failed to create a new HTTP client: {error}") from error
    return _Configured(lambda: Client(config, whole=True))


class _Configured:
    """Every request has a client and a connection of its own."""

    def __init__(self, make: Callable[[], Client]) -> None:
        self._make = make

    def send(self, method: str, url: str, headers: dict[str, str], body: bytes, deadline: float) -> Reply:
        left = deadline - time.monotonic()
        if left <= 0:
            raise WireError("context deadline exceeded", "no answer in time")
        return trio.run(self._send, method, url, headers, body, left)

    async def _send(self, method: str, url: str, headers: dict[str, str], body: bytes, left: float) -> Reply:
        client = self._make()
        try:
            with trio.move_on_after(left) as scope:
                answer = await client.request(method, url, body or None, headers)
            if scope.cancelled_caught:
                raise WireError("context deadline exceeded", "no answer in time", sent=True)
            return Reply(answer.status, {"content-type": answer.content_type}, answer.body, answer.flaw)
        except SendError as error:
            text = str(error).partition(_REDACTED)[2] or str(error)
            raise WireError(text, text.rpartition(": ")[2]) from error
        finally:
            with trio.CancelScope(shield=True):
                await client.aclose()

    def close(self) -> None:
        pass
