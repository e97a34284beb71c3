"""The HTTP client of receivers, as an `http_config` describes it and as Go's net/http behaves.

One client belongs to one integration and keeps its connections for reuse. What is reached directly goes over
`ampp.deliver.wire`, what goes through a proxy over httpx, which knows the kinds of them; `Client._exchange` decides,
and nothing else differs. Nothing comes from the environment unless `proxy_from_environment` says so; there are no
cookies, no netrc, no compression. Requests are HTTP/1.1, also where `enable_http2` would allow more.
"""

import base64
import contextlib
import functools
import os
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping
from contextvars import ContextVar
from importlib.util import find_spec
from typing import Final, TypeAlias, cast

import httpx

from ampp import COMPATIBLE
from ampp.config.http import Header, HttpConfig, OAuth2
from ampp.config.secret import Secret
from ampp.core.quote import go_quote
from ampp.core.reason import FailureReason
from ampp.deliver import destination, proxy, secret
from ampp.deliver.answer import SETTLED_WAIT, Answer, check, read, receive
from ampp.deliver.fault import describe
from ampp.deliver.oauth import Tokens
from ampp.deliver.pool import IDLE, Pool
from ampp.deliver.sender import BuildError, SendError
from ampp.deliver.tls import Tls
from ampp.deliver.wire import CONNECT_WAIT, DEFAULT_PORTS, Headers, Response, Wire

__all__ = ["USER_AGENT", "Answer", "Client", "Instead", "answering", "check", "tokens"]

USER_AGENT: Final = f"Alertmanager/{COMPATIBLE}"

_HOPS: Final = 10
_SLURP: Final = 2048

_SENSITIVE: Final = frozenset(
    ("authorization", "www-authenticate", "cookie", "cookie2", "proxy-authorization", "proxy-authenticate")
)
_ABOUT_BODY: Final = frozenset(("content-encoding", "content-language", "content-location", "content-type"))


Instead: TypeAlias = Callable[[str, httpx.URL, list[tuple[bytes, bytes]], bytes | None], httpx.Response]
"""Answers a request, given as method, URL, header lines and body, in the place of the network."""

_INSTEAD: Final[ContextVar[Instead | None]] = ContextVar("instead", default=None)


@contextlib.contextmanager
def answering(instead: Instead) -> Iterator[None]:
    """Within the block, in this task and those it starts, no client sends anything: `instead` answers."""
    token = _INSTEAD.set(instead)
    try:
        yield
    finally:
        _INSTEAD.reset(token)


class Client:
    """Sends requests for one integration. Raises `BuildError` where upstream refuses the configuration.

    `whole`: bodies are read to their end, without a limit, as long as the caller waits.
    """

    def __init__(self, config: HttpConfig, environment: Mapping[str, str] = os.environ, *, whole: bool = False) -> None:
        self._whole = whole
        self.files = secret.Files()
        self._config = config
        self._tls = Tls(config.tls_config)
        try:
            self._material = self._tls.read()
        except secret.SecretError as error:
            raise BuildError(str(error)) from None
        self._context = self._tls.context(self._material)
        if config.proxy_url is not None and config.proxy_url.scheme.startswith("socks") and not find_spec("socksio"):
            raise BuildError("proxy_url: SOCKS proxies need the Python package socksio")
        self._choose = (
            proxy.from_environment(environment)
            if config.proxy_from_environment
            else proxy.choice(str(config.proxy_url or ""), config.no_proxy)
        )
        self._wire = Wire(self._context)
        self._proxied: Pool[httpx.AsyncHTTPTransport] = Pool()
        self._tokens = None
        if config.basic_auth is not None:
            secret.no_reference("username", config.basic_auth.username_ref)
            secret.no_reference("password", config.basic_auth.password_ref)
        if config.authorization is not None:
            secret.no_reference("credentials", config.authorization.credentials_ref)
        if config.oauth2 is not None:
            self._tokens = tokens(config.oauth2, self.files, environment)

    async def post(
        self, url: str, body: bytes, headers: Mapping[str, str], *, decisive: bool = False, influenced: bool = False
    ) -> Answer:
        """POST `body`; see `request`."""
        return await self.request("POST", url, body, headers, decisive=decisive, influenced=influenced)

    async def request(
        self,
        method: str,
        url: str,
        body: bytes | None,
        headers: Mapping[str, str],
        *,
        decisive: bool = False,
        influenced: bool = False,
    ) -> Answer:
        """Send a request, follow redirects, and answer with what came last, whatever its status.

        `decisive`: a 2xx answer's body is not to be told before it was read, up to `DECISIVE_LIMIT`. Otherwise it is
        for show, and what does not come quickly is left. `influenced`: others than the configuration's author have a
        say in the host of `url` (`ampp.deliver.destination`). Raises `SendError`, to be retried, as upstream mostly
        does, when no answer came, and for good when the destination is refused.
        """
        try:
            return await self._follow(method, _parsed(url), body, headers, decisive, influenced)
        except destination.Refused as error:
            text = f'{method.capitalize()} "<redacted>": {error}'
            raise SendError(text, retry=False, reason=FailureReason.REFUSED) from None
        except httpx.InvalidURL:
            raise SendError('parse "<redacted>": invalid URL', retry=True) from None
        except _Broken as error:
            raise SendError(f'{method.capitalize()} "<redacted>": {error}', retry=True) from None

    async def aclose(self) -> None:
        """Close all connections."""
        await self._wire.aclose()
        await self._proxied.aclose()
        if self._tokens is not None:
            await self._tokens.aclose()

    async def _follow(
        self,
        method: str,
        first: httpx.URL,
        body: bytes | None,
        headers: Mapping[str, str],
        decisive: bool,
        influenced: bool,
    ) -> Answer:
        base = {"User-Agent": USER_AGENT, **headers}
        url, hops, foreign, referer = first, 0, False, ""
        while True:
            _check(url)
            own = dict(base) | ({"Referer": referer} if referer else {})
            await self._refresh()
            fields = await self._fields(url, own, foreign)
            guarded = influenced or url.host != first.host
            async with contextlib.aclosing(await self._exchange(method, url, fields, body, guarded)) as response:
                status, location = response.status_code, response.headers.get("Location", "")
                if not self._config.follow_redirects or status not in _REDIRECTS or not location:
                    return await receive(response, decisive, whole=self._whole)
                await read(response, _SLURP, SETTLED_WAIT)
            hops += 1
            try:
                target = url.join(location)
            except httpx.InvalidURL:
                raise _Broken(f"failed to parse Location header {go_quote(location)}") from None
            if hops >= _HOPS:
                raise _Broken(f"stopped after {_HOPS} redirects")
            if status in _TO_GET:
                method, body = "GET" if method not in ("GET", "HEAD") else method, None
                base = {name: value for name, value in base.items() if name.lower() not in _ABOUT_BODY}
            referer = "" if (url.scheme, target.scheme) == ("https", "http") else str(url.copy_with(userinfo=b""))
            url = target
            foreign = foreign or not _same_site(url.host, first.host)
            if foreign:
                base = {name: value for name, value in base.items() if name.lower() not in _SENSITIVE}

    async def _fields(self, url: httpx.URL, own: Mapping[str, str], foreign: bool) -> list[tuple[bytes, bytes]]:
        """The header lines of one request: its own, those configured, and the credentials unless on foreign ground."""
        fields = list(own.items())
        names = {name.lower() for name, _ in fields}
        if url.userinfo and "authorization" not in names:
            fields.append(("Authorization", _basic(url.username, url.password)))
            names.add("authorization")
        try:
            for name, header in (self._config.http_headers or {}).items():
                if not (foreign and name.lower() in _SENSITIVE):
                    fields += [(name, value) for value in await _values(header, self.files)]
            if not foreign:
                if self._tokens is not None:
                    fields = [field for field in fields if field[0].lower() != "authorization"]
                    fields.append(("Authorization", await self._tokens.authorization()))
                elif "authorization" not in names and (credentials := await self._credentials()):
                    fields.append(("Authorization", credentials))
        except secret.SecretError as error:
            raise _Broken(str(error)) from None
        except SendError as error:
            raise _Broken(str(error)) from None
        return [(name.encode(), value.encode(errors="surrogateescape")) for name, value in fields]

    async def _credentials(self) -> str:
        basic, bearer = self._config.basic_auth, self._config.authorization
        if basic is not None:
            username = await _labelled(self.files, "basic auth username", basic.username, basic.username_file)
            return _basic(
                username, await _labelled(self.files, "basic auth password", basic.password, basic.password_file)
            )
        if bearer is not None:
            what = "authorization credentials"
            return f"{bearer.type} {await _labelled(self.files, what, bearer.credentials, bearer.credentials_file)}"
        return ""

    async def _refresh(self) -> None:
        """Take up certificate files that have changed; what is under way keeps its old connection."""
        if not self._tls.changeable:
            return
        try:
            material = await self.files.run(self._tls.read)
            if material == self._material:
                return
            context = self._tls.context(material)
        except (secret.SecretError, BuildError) as error:
            raise _Broken(str(error)) from None
        self._material, self._context = material, context
        wire, self._wire = self._wire, Wire(context)
        proxied, self._proxied = self._proxied, Pool()
        await wire.aclose()
        await proxied.aclose()

    async def _exchange(
        self, method: str, url: httpx.URL, fields: list[tuple[bytes, bytes]], body: bytes | None, guarded: bool
    ) -> Response:
        """The answer to one request, to be closed by the caller. Raises `destination.Refused`."""
        fields = [(b"Host", url.netloc), *fields]
        instead = _INSTEAD.get()
        if instead is not None:
            return _Foreign(instead(method, url, fields, body))
        if body is not None:
            fields.append((b"Content-Length", b"%d" % len(body)))
        through = self._choose(url)
        try:
            if through is None:
                return await self._wire.exchange(method, url, fields, body, guarded)
            if guarded:
                destination.check_literal(url.host)
            return await self._exchange_through(through, method, url, fields, body)
        except (httpx.TransportError, OSError) as error:
            hop = through or url
            port = hop.port or DEFAULT_PORTS.get(hop.scheme, 0)
            raise _Broken(describe(error, hop.host, port, proxied=through is not None)) from None

    async def _exchange_through(
        self, hop: httpx.URL, method: str, url: httpx.URL, fields: list[tuple[bytes, bytes]], body: bytes | None
    ) -> Response:
        pool, key = self._proxied, (url.scheme, hop)
        try:
            transport = pool.take(key) or self._transport(url.scheme, hop)
        except (ValueError, ImportError) as error:
            raise _Broken(f"proxyconnect tcp: {error}") from None
        request = httpx.Request(
            method,
            url,
            headers=fields,
            stream=_Body(body or b""),
            extensions={"timeout": {"connect": CONNECT_WAIT, "read": None, "write": None, "pool": None}},
        )
        try:
            response = await transport.handle_async_request(request)
        except BaseException:
            await pool.give(key, transport)
            raise
        return _Foreign(response, lambda: pool.give(key, transport))

    def _transport(self, scheme: str, through: httpx.URL) -> httpx.AsyncHTTPTransport:
        """One for a single exchange at a time: httpcore looks at all connections of one whenever a request comes or
        goes, which with sixty at once is most of the work."""
        # Configured headers are for CONNECT alone, as Go has it.
        headers = self._config.proxy_connect_header if scheme == "https" else {}
        way = httpx.Proxy(
            through,
            headers=[(name, value.reveal()) for name, values in headers.items() for value in values],
            ssl_context=self._context if through.scheme == "https" else None,
        )
        limits = httpx.Limits(max_connections=None, max_keepalive_connections=None, keepalive_expiry=IDLE)
        return httpx.AsyncHTTPTransport(verify=self._context, trust_env=False, proxy=way, limits=limits)


_REDIRECTS: Final = frozenset((301, 302, 303, 307, 308))
_TO_GET: Final = frozenset((301, 302, 303))


class _Foreign:
    """An answer of httpx; `give`, if any, takes what brought it back when it is closed."""

    def __init__(self, response: httpx.Response, give: Callable[[], Awaitable[None]] | None = None) -> None:
        self.status_code: Final = response.status_code
        self.headers: Final[Headers] = response.headers
        self.stream: Final = cast(httpx.AsyncByteStream, response.stream)
        self._give = give

    def at_hand(self) -> bytes | None:
        return None

    async def aclose(self) -> None:
        give, self._give = self._give, None
        try:
            await self.stream.aclose()
        finally:
            if give is not None:
                await give()


class _Body(httpx.AsyncByteStream):
    """A request's body in one piece. Unlike httpx's own, an exchange that breaks leaves no generator unfinished."""

    def __init__(self, data: bytes) -> None:
        self._data: bytes | None = data

    def __aiter__(self) -> AsyncIterator[bytes]:
        return self

    async def __anext__(self) -> bytes:
        data, self._data = self._data, None
        if data is None:
            raise StopAsyncIteration
        return data


class _Broken(Exception):
    """No answer; the text is Go's, still without the operation in front."""


def tokens(config: OAuth2, files: secret.Files, environment: Mapping[str, str] = os.environ) -> Tokens:
    """The access tokens of an `oauth2` block, fetched over a client of their own. Raises `BuildError`."""
    return Tokens(config, files, Client(_of_oauth2(config), environment))


def _of_oauth2(config: OAuth2) -> HttpConfig:
    """How the token server is reached."""
    return HttpConfig(
        tls_config=config.tls_config,
        proxy_url=config.proxy_url,
        no_proxy=config.no_proxy,
        proxy_from_environment=config.proxy_from_environment,
        proxy_connect_header=config.proxy_connect_header,
    )


@functools.lru_cache(maxsize=256)
def _parsed(url: str) -> httpx.URL:
    """Most URLs are the same each time, and parsing one takes as long as sending a small request."""
    return httpx.URL(url)


def _check(url: httpx.URL) -> None:
    if url.scheme not in ("http", "https"):
        raise _Broken(f"unsupported protocol scheme {go_quote(url.scheme)}")
    if not url.host:
        raise _Broken("http: no Host in request URL")


def _same_site(host: str, of: str) -> bool:
    """Whether `host` is `of` or below it; an address is only itself (Go's isDomainOrSubdomain)."""
    host, of = host.lower(), of.lower()
    return host == of or (":" not in host and "%" not in host and host.endswith(f".{of}"))


def _basic(username: str, password: str) -> str:
    return "Basic " + base64.b64encode(f"{username}:{password}".encode()).decode()


async def _values(header: Header, files: secret.Files) -> list[str]:
    """A configured header's values in upstream's order."""
    values = [*header.values, *(value.reveal() for value in header.secrets)]
    for path in header.files:
        try:
            values.append(await files.read(path))
        except secret.SecretError as error:
            raise secret.SecretError(f"unable to read headers file {path}: {str(error).partition(': ')[2]}") from None
    return values


async def _labelled(files: secret.Files, what: str, value: Secret | str, path: str) -> str:
    try:
        return await files.either(value, path)
    except secret.SecretError as error:
        raise secret.SecretError(f"unable to read {what}: {error}") from None
