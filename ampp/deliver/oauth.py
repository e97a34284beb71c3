"""OAuth 2 access tokens by client credentials or by signed assertions, kept until shortly before they expire."""

import base64
import http
import time
from collections.abc import Mapping
from functools import partial
from typing import Final, Protocol
from urllib.parse import parse_qsl, quote_plus, urlencode

import msgspec
import trio

from ampp.config.http import OAuth2
from ampp.deliver import secret
from ampp.deliver.assertion import JWT_BEARER, assertion
from ampp.deliver.reply import decode
from ampp.deliver.sender import SendError

__all__ = ["Tokens"]

_EARLY: Final = 10.0
"""Seconds before its end at which a token is no longer used (golang.org/x/oauth2)."""

_FORM: Final = {"Content-Type": "application/x-www-form-urlencoded"}

_KINDS: Final = {"bearer": "Bearer", "mac": "MAC", "basic": "Basic"}


class _Answer(Protocol):
    @property
    def status(self) -> int: ...
    @property
    def body(self) -> bytes: ...


class _Client(Protocol):
    async def post(self, url: str, body: bytes, headers: Mapping[str, str]) -> _Answer: ...
    async def aclose(self) -> None: ...


class _Grant(msgspec.Struct):
    access_token: str = ""
    token_type: str = ""
    expires_in: int | float | str | None = None
    error: str = ""
    error_description: str = ""


class Tokens:
    """The tokens of one `oauth2` block, fetched over `client`. Raises `BuildError`.

    As upstream, a `grant_type` that is not the one for assertions is the one for client credentials.
    """

    def __init__(self, config: OAuth2, files: secret.Files, client: _Client) -> None:
        self._asserting = config.grant_type == JWT_BEARER
        if self._asserting:
            secret.no_reference("client certificate", config.client_certificate_key_ref)
            self._source = config.client_certificate_key, config.client_certificate_key_file
        else:
            secret.no_reference("client secret", config.client_secret_ref)
            self._source = config.client_secret, config.client_secret_file
        self._config = config
        self._files = files
        self._client = client
        self._lock = trio.Lock()
        self._value = ""
        self._until = 0.0
        self._secret = ""
        self._in_body = False

    async def authorization(self) -> str:
        """The value of the Authorization header. Raises `SendError` or `SecretError`."""
        async with self._lock:
            try:
                current = await self._files.either(*self._source)
            except secret.SecretError as error:
                raise secret.SecretError(f"unable to read oauth2 client secret: {error}") from None
            if not self._value or current != self._secret or time.monotonic() + _EARLY >= self._until:
                await self._fetch(current)
            return self._value

    async def aclose(self) -> None:
        """Close the connections to the token server."""
        await self._client.aclose()

    async def _fetch(self, client_secret: str) -> None:
        if self._asserting:
            answer = await self._assert(client_secret)
        else:
            answer = await self._ask(client_secret, self._in_body)
        if answer.status // 100 != 2 and not self._asserting and not self._in_body:
            # Servers differ in where they want the credentials; as upstream, the header is tried first.
            answer = await self._ask(client_secret, True)
            self._in_body = answer.status // 100 == 2
        grant = _decode(answer.body)
        if answer.status // 100 != 2 or grant.error:
            raise SendError(_refusal(answer, grant), retry=True)
        if not grant.access_token:
            raise SendError("oauth2: server response missing access_token", retry=True)
        kind = _KINDS.get(grant.token_type.lower(), grant.token_type or "Bearer")
        seconds = _seconds(grant.expires_in)
        self._value = f"{kind} {grant.access_token}"
        self._until = time.monotonic() + seconds if seconds else float("inf")
        self._secret = client_secret

    async def _ask(self, client_secret: str, in_body: bool) -> _Answer:
        config = self._config
        form = self._form({"grant_type": "client_credentials"})
        headers = dict(_FORM)
        if in_body:
            form["client_id"] = config.client_id
            if client_secret:
                form["client_secret"] = client_secret
        else:
            pair = f"{quote_plus(config.client_id)}:{quote_plus(client_secret)}"
            headers["Authorization"] = "Basic " + base64.b64encode(pair.encode()).decode()
        return await self._client.post(config.token_url, _written(form), headers)

    async def _assert(self, key: str) -> _Answer:
        signed = await self._files.run(partial(assertion, self._config, key))
        form = self._form({"grant_type": JWT_BEARER, "assertion": signed})
        return await self._client.post(self._config.token_url, _written(form), _FORM)

    def _form(self, form: dict[str, str]) -> dict[str, str]:
        """`form` with what the configuration adds."""
        if self._config.scopes:
            form["scope"] = " ".join(self._config.scopes)
        for name, value in self._config.endpoint_params.items():
            # Some servers have a name of their own for a grant; the rest is not theirs to change.
            if name in form and name != "grant_type":
                raise SendError(f'oauth2: cannot overwrite parameter "{name}"', retry=True)
            form[name] = value
        return form


def _written(form: Mapping[str, str]) -> bytes:
    return urlencode(sorted(form.items())).encode()


def _decode(body: bytes) -> _Grant:
    try:
        return decode(body, _Grant) or _Grant()
    except (msgspec.MsgspecError, RecursionError):
        return msgspec.convert(dict(parse_qsl(body.decode(errors="replace"))), _Grant, strict=False)


def _seconds(value: float | str | None) -> float:
    try:
        return float(value or 0)
    except ValueError:
        return 0.0


def _refusal(answer: _Answer, grant: _Grant) -> str:
    if grant.error:
        more = f' "{grant.error_description}"' if grant.error_description else ""
        return f'oauth2: "{grant.error}"{more}'
    try:
        phrase = http.HTTPStatus(answer.status).phrase
    except ValueError:
        phrase = ""
    status = f"{answer.status} {phrase}".rstrip()
    return f"oauth2: cannot fetch token: {status}\nResponse: {answer.body.decode(errors='replace')}"
