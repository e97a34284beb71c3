"""The web configuration at work: who may ask, with which headers he is answered, over which TLS.

The file is read again whenever it has changed. While it is broken every request is answered 500 and every new TLS
connection fails, as upstream; a mended file takes effect at once. Whether there is TLS at all, and HTTP/2 in it, is
settled at start.

Passwords are compared by bcrypt, one at a time, in a thread. A pair that was right is remembered by a keyed hash, so
that a client costs one bcrypt and not one a request; an unknown user costs as much as a wrong password.
"""

import base64
import binascii
import hashlib
import logging
import secrets
import ssl
import time
from typing import Final, TypeAlias

import bcrypt
import trio

from ampp.api.reply import Reply, plain_error
from ampp.api.tls import make_context, stamp
from ampp.api.webconfig import RateLimit, WebConfig, WebConfigError, load_web_config

__all__ = ["Guard"]

_log: Final = logging.getLogger("ampp.http")

_REMEMBERED: Final = 1024
"""Pairs of user and password known to be right; emptied when full."""

_BCRYPT_BYTES: Final = 72
"""bcrypt looks no further; Python's refuses what is longer, Go's does not."""

Headers: TypeAlias = tuple[tuple[str, str], ...]


class Guard:
    """Made by `Guard.open`. `tls`: whether the listeners speak TLS; `sans`: what client certificates must carry."""

    def __init__(self, path: str, config: WebConfig) -> None:
        self._path: Final = path
        self.tls: Final = config.tls_server_config.wanted
        self.http2: Final = self.tls and config.http_server_config.http2
        self._config = config
        self._broken: str | None = None
        self._seen: object = stamp(path)
        self._bucket = _Bucket(config.rate_limit)
        self._verified: set[bytes] = set()
        self._key: Final = secrets.token_bytes(32)
        self._one_at_a_time: Final = trio.CapacityLimiter(1)
        self._nobody = b""
        self._context: ssl.SSLContext | None = None
        self._context_of: object = None

    @classmethod
    def open(cls, path: str) -> "Guard":
        """Read and check the file and everything it names. Raises `WebConfigError`."""
        guard = cls(path, load_web_config(path))
        if guard.tls:
            guard._current_context()
        return guard

    @property
    def sans(self) -> tuple[str, ...]:
        return self._config.tls_server_config.client_allowed_sans

    def _current(self) -> WebConfig | None:
        """The configuration in force, None while the file is broken."""
        seen = stamp(self._path)
        if seen != self._seen:
            self._seen = seen
            try:
                config = load_web_config(self._path)
            except WebConfigError as error:
                self._say_broken(str(error))
            else:
                self._broken = None
                if config.rate_limit != self._config.rate_limit:
                    self._bucket = _Bucket(config.rate_limit)
                if config.basic_auth_users != self._config.basic_auth_users:
                    self._verified.clear()
                self._config = config
        return None if self._broken else self._config

    def _say_broken(self, error: str) -> None:
        self._broken = error
        _log.error("Unable to parse configuration", extra={"err": error, "file": self._path})

    async def admit(self, authorization: str | None) -> tuple[Reply | None, Headers]:
        """A refusal or None, and the headers that every answer to this request must carry."""
        config = self._current()
        if config is None:
            return plain_error(500, "Internal Server Error"), ()
        if not self._bucket.take(time.monotonic_ns()):
            return plain_error(429, "Too Many Requests"), ()
        headers = tuple(config.http_server_config.headers.items())
        if not config.basic_auth_users or await self._knows(config, authorization):
            return None, headers
        return plain_error(401, "Unauthorized", (("WWW-Authenticate", "Basic"),)), headers

    async def _knows(self, config: WebConfig, authorization: str | None) -> bool:
        pair = _credentials(authorization)
        if pair is None:
            return False
        user, password = pair
        hashed = config.basic_auth_users.get(user)
        seal = hashlib.blake2b(
            b"\0".join((user.encode("utf-8", "replace"), (hashed or "").encode(), password)), key=self._key
        ).digest()
        if seal in self._verified:
            return True
        right = await trio.to_thread.run_sync(self._compare, hashed, password, limiter=self._one_at_a_time)
        if right:
            if len(self._verified) >= _REMEMBERED:
                self._verified.clear()
            self._verified.add(seal)
        return right

    def _compare(self, hashed: str | None, password: bytes) -> bool:
        if not self._nobody:
            self._nobody = bcrypt.hashpw(secrets.token_hex(16).encode(), bcrypt.gensalt(10))
        try:
            right = bcrypt.checkpw(password[:_BCRYPT_BYTES], hashed.encode() if hashed else self._nobody)
        except ValueError:
            return False
        return right and hashed is not None

    async def context(self) -> ssl.SSLContext | None:
        """The TLS context for a new connection, None for plain HTTP. Raises `WebConfigError`."""
        return self._current_context() if self.tls else None

    def _current_context(self) -> ssl.SSLContext:
        config = self._current()
        if config is None:
            raise WebConfigError(str(self._broken))
        tls = config.tls_server_config
        made_of = (tls, stamp(tls.cert_file), stamp(tls.key_file), stamp(tls.client_ca_file))
        if self._context is None or made_of != self._context_of:
            self._context = make_context(tls, self.http2)
            self._context_of = made_of
        return self._context


class _Bucket:
    """A token bucket over the whole server."""

    def __init__(self, limit: RateLimit) -> None:
        self._limit = limit
        self._tokens = float(limit.burst)
        self._at = 0

    def take(self, mono: int) -> bool:
        interval = self._limit.interval
        if interval <= 0:
            return True
        self._tokens = min(float(self._limit.burst), self._tokens + (mono - self._at) / interval)
        self._at = mono
        if self._tokens < 1:
            return False
        self._tokens -= 1
        return True


def _credentials(authorization: str | None) -> tuple[str, bytes] | None:
    """User and password of a Basic header, as Go's `Request.BasicAuth` takes it apart."""
    if authorization is None or authorization[:6].lower() != "basic ":
        return None
    try:
        decoded = base64.b64decode(authorization[6:].encode("latin-1"), validate=True)
    except (binascii.Error, ValueError):
        return None
    user, colon, password = decoded.partition(b":")
    return (user.decode("utf-8", "replace"), password) if colon else None
