"""The client against real servers and proxies: credentials, redirects, TLS, tokens."""

import base64
import contextlib
import datetime
import ipaddress
import ssl
from collections.abc import AsyncIterator
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl

import msgspec
import pytest
import trio
from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.x509.oid import NameOID

from ampp.config.http import Authorization, BasicAuth, Header, HttpConfig, OAuth2, TlsConfig
from ampp.config.secret import Secret
from ampp.config.url import parse
from ampp.deliver import http
from ampp.deliver.http import Answer, Client
from ampp.deliver.sender import BuildError, SendError

from .server import Request, Server, answer, serving


async def post(config: HttpConfig, url: str, environment: dict[str, str] | None = None) -> Answer:
    client = Client(config, environment or {})
    try:
        return await client.post(url, b"body", {"Content-Type": "text/x"})
    finally:
        await client.aclose()


async def fails(config: HttpConfig, url: str, environment: dict[str, str] | None = None) -> str:
    with pytest.raises(SendError) as caught:
        await post(config, url, environment)
    assert caught.value.retry
    return str(caught.value)


def basic(pair: str) -> str:
    return "Basic " + base64.b64encode(pair.encode()).decode()


# Credentials and headers.


async def test_credentials_are_read_from_files_at_each_use(tmp_path: Path) -> None:
    name, word = tmp_path / "name", tmp_path / "word"
    name.write_text("jo\n")
    word.write_text(" one \n")
    client = Client(HttpConfig(basic_auth=BasicAuth(username_file=str(name), password_file=str(word))), {})
    async with serving(answer(200)) as server:
        await client.post(server.url, b"", {})
        word.write_text("two")
        await client.post(server.url, b"", {})
        assert [request.header("authorization") for request in server.requests] == [basic("jo:one"), basic("jo:two")]
        word.unlink()
        with pytest.raises(SendError) as caught:
            await client.post(server.url, b"", {})
        assert str(caught.value) == (
            f'Post "<redacted>": unable to read basic auth password: unable to read file {word}: '
            f"open {word}: no such file or directory"
        )
        assert len(server.requests) == 2
    await client.aclose()


async def test_authorization_and_who_wins() -> None:
    async with serving(answer(200)) as server:
        bearer = HttpConfig(authorization=Authorization(type="Bearer", credentials=Secret("t")))
        await post(bearer, server.url)
        await post(bearer, server.url.replace("//", "//us%40er:p%3Aw@"))
        client = Client(bearer, {})
        await client.post(server.url, b"", {"Authorization": "Own x"})
        await client.aclose()
        assert [request.header("authorization") for request in server.requests] == [
            "Bearer t",
            basic("us@er:p:w"),
            "Own x",
        ]


async def test_headers_are_added_in_order(tmp_path: Path) -> None:
    file = tmp_path / "value"
    file.write_text(" from file\n")
    header = Header(values=("a", "b"), secrets=(Secret("s"),), files=(str(file),))
    config = HttpConfig(http_headers={"X-Many": header, "x-caf": Header(values=("é",))})
    async with serving(answer(200)) as server:
        await post(config, server.url)
        assert [value for name, value in server.requests[0].headers if name == "x-many"] == ["a", "b", "s", "from file"]
        assert server.requests[0].header("x-caf") == "é"
        file.unlink()
        assert (await fails(config, server.url)) == (
            f'Post "<redacted>": unable to read headers file {file}: open {file}: no such file or directory'
        )


@pytest.mark.parametrize(
    "config",
    [
        HttpConfig(basic_auth=BasicAuth(password_ref="x")),
        HttpConfig(authorization=Authorization(credentials_ref="x")),
        HttpConfig(tls_config=TlsConfig(ca_ref="x")),
    ],
)
def test_references_are_refused(config: HttpConfig) -> None:
    with pytest.raises(BuildError, match="cannot use secret ref without manager"):
        Client(config, {})


# Redirects.


@pytest.mark.parametrize(("status", "method"), [(301, "GET"), (302, "GET"), (303, "GET"), (307, "POST"), (308, "POST")])
async def test_redirects_keep_or_drop_the_body(status: int, method: str) -> None:
    async with serving(answer(status, b"moved", Location="/there?x"), answer(200)) as server:
        config = HttpConfig(basic_auth=BasicAuth(username="u", password=Secret("p")))
        assert (await post(config, server.url + "/here")).status == 200
        first, second = server.requests
        kept = method == "POST"
        assert (second.method, second.target, second.body) == (method, "/there?x", b"body" if kept else b"")
        assert second.header("content-type") == ("text/x" if kept else None)
        assert second.header("authorization") == first.header("authorization") == basic("u:p")
        assert second.header("referer") == server.url + "/here"
        assert first.connection == second.connection


async def test_a_body_once_dropped_stays_dropped() -> None:
    async with serving(answer(302, Location="/a"), answer(307, Location="/b"), answer(200)) as server:
        await post(HttpConfig(), server.url)
        assert [(request.method, request.body) for request in server.requests] == [
            ("POST", b"body"),
            ("GET", b""),
            ("GET", b""),
        ]


async def test_redirects_for_ever_end_after_ten() -> None:
    async with serving(answer(307, Location="/again")) as server:
        assert (await fails(HttpConfig(), server.url)) == 'Post "<redacted>": stopped after 10 redirects'
        assert len(server.requests) == 10


async def test_redirects_may_be_left_alone() -> None:
    async with serving(answer(302, b"over there", Location="/x")) as server:
        assert (await post(HttpConfig(follow_redirects=False), server.url)) == Answer(302, b"over there")
    async with serving(answer(302, b"where?")) as server:
        assert (await post(HttpConfig(), server.url)).status == 302


async def test_another_host_gets_no_credentials() -> None:
    async with serving(answer(200)) as stranger:
        elsewhere = stranger.url.replace("127.0.0.1", "localhost") + "/x"
        async with serving(answer(307, Location=elsewhere)) as server:
            config = HttpConfig(
                authorization=Authorization(type="Bearer", credentials=Secret("t")),
                http_headers={"Cookie": Header(values=("c=1",)), "X-Own": Header(values=("kept",))},
            )
            await post(config, server.url)
            assert server.requests[0].header("cookie") == "c=1"
            [request] = stranger.requests
            assert request.header("authorization") is None
            assert request.header("cookie") is None
            assert request.header("x-own") == "kept"


async def test_a_redirect_to_another_scheme_fails() -> None:
    async with serving(answer(307, Location="ftp://x/secret")) as server:
        assert (await fails(HttpConfig(), server.url)) == 'Post "<redacted>": unsupported protocol scheme "ftp"'


async def test_cookies_are_not_kept() -> None:
    client = Client(HttpConfig(), {})
    async with serving(answer(200, Set_Cookie="a=b")) as server:
        for _ in range(2):
            await client.post(server.url, b"", {})
        assert server.requests[1].header("cookie") is None
    await client.aclose()


# Proxies.


async def tunnel(request: Request, stream: trio.abc.Stream) -> None:
    """What a proxy does with CONNECT."""
    host, _, port = request.target.rpartition(":")
    onward = await trio.open_tcp_stream(host, int(port))
    await stream.send_all(b"HTTP/1.1 200 OK\r\n\r\n")

    async def copy(source: trio.abc.Stream, sink: trio.abc.Stream) -> None:
        with contextlib.suppress(trio.BrokenResourceError, trio.ClosedResourceError):
            async for data in source:
                await sink.send_all(data)
            await sink.aclose()

    async with trio.open_nursery() as nursery:
        nursery.start_soon(copy, stream, onward)
        nursery.start_soon(copy, onward, stream)


async def test_plain_requests_go_to_the_proxy_whole() -> None:
    async with serving(answer(200)) as server:
        config = HttpConfig(
            proxy_url=parse(server.url.replace("//", "//u:p@")), proxy_connect_header={"X-C": (Secret("no"),)}
        )
        await post(config, "http://somewhere.invalid/path")
        [request] = server.requests
        assert request.target == "http://somewhere.invalid/path"
        assert request.header("host") == "somewhere.invalid"
        assert request.header("proxy-authorization") == basic("u:p")
        assert request.header("x-c") is None


async def test_tls_goes_through_the_proxy(authority: "Authority") -> None:
    async with serving(tunnel) as proxy, serving(answer(200), tls=authority.server("there.test")) as server:
        config = HttpConfig(
            proxy_url=parse(proxy.url),
            proxy_connect_header={"X-C": (Secret("yes"),)},
            tls_config=TlsConfig(ca=authority.pem, server_name="there.test"),
        )
        assert (await post(config, server.url)).status == 200
        [request] = proxy.requests
        assert (request.method, request.target) == ("CONNECT", f"127.0.0.1:{server.port}")
        assert request.header("x-c") == "yes"
        assert server.requests[0].header("x-c") is None


async def test_a_socks_proxy_is_told_the_name() -> None:
    pytest.importorskip("socksio")
    asked: list[bytes] = []

    async def socks(stream: trio.SocketStream) -> None:
        await stream.receive_some()
        await stream.send_all(b"\x05\x00")
        asked.append(await stream.receive_some())
        await stream.send_all(b"\x05\x00\x00\x01\x00\x00\x00\x00\x00\x00")
        await server.serve(stream)

    server = Server(answer(200))
    async with trio.open_nursery() as nursery:
        [listener] = await nursery.start(partial(trio.serve_tcp, socks, 0, host="127.0.0.1"))
        address = f"socks5://127.0.0.1:{listener.socket.getsockname()[1]}"
        assert (await post(HttpConfig(proxy_url=parse(address)), "http://somewhere.invalid/x")).status == 200
        nursery.cancel_scope.cancel()
    assert asked == [b"\x05\x01\x00\x03\x11somewhere.invalid\x00\x50"]
    assert [request.target for request in server.requests] == ["/x"]


def test_a_socks_proxy_without_the_package_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(http, "find_spec", lambda _name: None)
    with pytest.raises(BuildError, match="SOCKS proxies need the Python package socksio"):
        Client(HttpConfig(proxy_url=parse("socks5://127.0.0.1:1")), {})


async def test_the_environment_counts_only_when_asked() -> None:
    async with serving(answer(200)) as proxy, serving(answer(200)) as server:
        environment = {"HTTP_PROXY": f"127.0.0.1:{proxy.port}", "NO_PROXY": "direct.invalid"}
        asked = HttpConfig(proxy_from_environment=True)
        await post(asked, "http://somewhere.invalid/", environment)
        assert [request.target for request in proxy.requests] == ["http://somewhere.invalid/"]
        assert "lookup direct.invalid" in await fails(asked, "http://direct.invalid/", environment)
        assert "lookup somewhere.invalid" in await fails(HttpConfig(), "http://somewhere.invalid/", environment)
        # This host is never reached through a proxy from the environment.
        await post(asked, server.url, environment)
        assert (len(proxy.requests), len(server.requests)) == (1, 1)


async def test_a_dead_proxy_is_named() -> None:
    async with serving(answer(200)) as proxy:
        pass
    config = HttpConfig(proxy_url=parse(proxy.url))
    assert (await fails(config, "http://x.invalid/secret")) == (
        f'Post "<redacted>": proxyconnect tcp: dial tcp 127.0.0.1:{proxy.port}: connect: connection refused'
    )


# TLS.


class Authority:
    """A certificate authority for one test."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "test authority")])
        self._certificate = self._sign(self._name, self._key, [], ca=True)
        self.pem = self._certificate.public_bytes(serialization.Encoding.PEM).decode()

    def issue(self, *names: str, ends: datetime.timedelta = datetime.timedelta(hours=1)) -> tuple[str, str]:
        """A certificate for these host names or addresses, and its key."""
        key = ec.generate_private_key(ec.SECP256R1())
        subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, names[0])])
        certificate = self._sign(subject, key, list(names), ca=False, ends=ends)
        return (
            certificate.public_bytes(serialization.Encoding.PEM).decode(),
            key.private_bytes(
                serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
            ).decode(),
        )

    def server(
        self, *names: str, client: bool = False, ends: datetime.timedelta = datetime.timedelta(hours=1)
    ) -> ssl.SSLContext:
        """A server's context; with `client` it wants a certificate of this authority from clients. `ends`: from now."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        file = self._folder / "server.pem"
        file.write_text("".join(self.issue(*names, ends=ends)))
        context.load_cert_chain(file)
        if client:
            context.load_verify_locations(cadata=self.pem)
            context.verify_mode = ssl.CERT_REQUIRED
        return context

    def _sign(
        self,
        subject: x509.Name,
        key: ec.EllipticCurvePrivateKey,
        names: list[str],
        *,
        ca: bool,
        ends: datetime.timedelta = datetime.timedelta(hours=1),
    ) -> x509.Certificate:
        now = datetime.datetime.now(datetime.UTC)
        builder = (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(self._name)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - datetime.timedelta(hours=1))
            .not_valid_after(now + ends)
            .add_extension(x509.BasicConstraints(ca=ca, path_length=None), critical=True)
        )
        if names:
            general = [_general(name) for name in names]
            builder = builder.add_extension(x509.SubjectAlternativeName(general), critical=False)
        return builder.sign(self._key, hashes.SHA256())


def _general(name: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(name))
    except ValueError:
        return x509.DNSName(name)


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    return Authority(tmp_path)


async def test_only_known_authorities_are_trusted(authority: Authority) -> None:
    async with serving(answer(200), tls=authority.server("127.0.0.1")) as server:
        known = HttpConfig(tls_config=TlsConfig(ca=authority.pem))
        assert (await post(known, server.url)).status == 200
        error = await fails(HttpConfig(), server.url)
        assert error.startswith('Post "<redacted>": tls: failed to verify certificate: x509: ')
        assert (await post(HttpConfig(tls_config=TlsConfig(insecure_skip_verify=True)), server.url)).status == 200


async def test_the_name_must_be_right(authority: Authority) -> None:
    async with serving(answer(200), tls=authority.server("there.test")) as server:
        error = await fails(HttpConfig(tls_config=TlsConfig(ca=authority.pem)), server.url)
        assert "tls: failed to verify certificate: x509: " in error
        named = HttpConfig(tls_config=TlsConfig(ca=authority.pem, server_name="there.test"))
        assert (await post(named, server.url)).status == 200


async def test_client_certificates_inline_and_renewed_in_files(authority: Authority, tmp_path: Path) -> None:
    cert, key = authority.issue("client")
    async with serving(answer(200), tls=authority.server("127.0.0.1", client=True)) as server:
        inline = TlsConfig(ca=authority.pem, cert=cert, key=Secret(key))
        assert (await post(HttpConfig(tls_config=inline), server.url)).status == 200
        with pytest.raises(SendError):
            await post(HttpConfig(tls_config=TlsConfig(ca=authority.pem)), server.url)
        files = {name: tmp_path / name for name in ("ca", "cert", "key")}
        for name, text in (("ca", Authority(tmp_path).pem), ("cert", cert), ("key", key)):
            files[name].write_text(text)
        client = Client(
            HttpConfig(
                tls_config=TlsConfig(**{f"{name}_file": str(path) for name, path in files.items()})  # type: ignore[arg-type]
            ),
            {},
        )
        with pytest.raises(SendError, match="failed to verify certificate"):
            await client.post(server.url, b"", {})
        files["ca"].write_text(authority.pem)
        assert (await client.post(server.url, b"", {})).status == 200
        assert (await client.post(server.url, b"", {})).status == 200
        files["ca"].unlink()
        with pytest.raises(SendError, match="unable to read CA cert: unable to read file"):
            await client.post(server.url, b"", {})
        await client.aclose()


def test_useless_certificates_stop_a_reload(authority: Authority, tmp_path: Path) -> None:
    cert, _ = authority.issue("client")
    _, key = authority.issue("client")
    missing = tmp_path / "missing"
    for config, text in (
        (TlsConfig(ca="rubbish"), "unable to use specified CA cert inline"),
        (TlsConfig(ca_file=str(missing)), f"unable to read CA cert: unable to read file {missing}: open {missing}"),
        (TlsConfig(cert=cert, key=Secret(key)), "unable to use specified client cert (inline) & key (inline): "),
        (TlsConfig(min_version="TLS13", max_version="TLS12"), "tls_config.max_version must be greater than or equal"),
    ):
        with pytest.raises(BuildError) as caught:
            Client(HttpConfig(tls_config=config), {})
        assert str(caught.value).startswith(text)


async def test_versions_are_held_to(authority: Authority) -> None:
    context = authority.server("127.0.0.1")
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    async with serving(answer(200), tls=context) as server:
        low = HttpConfig(tls_config=TlsConfig(ca=authority.pem, max_version="TLS12"))
        assert (await post(low, server.url)).status == 200
        high = HttpConfig(tls_config=TlsConfig(ca=authority.pem, min_version="TLS13"))
        assert (await fails(high, server.url)).startswith('Post "<redacted>": tls: ')


async def test_plain_http_where_tls_is_expected() -> None:
    async def puzzled(stream: trio.SocketStream) -> None:
        await stream.receive_some()
        await stream.send_all(b"HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n")
        await stream.aclose()

    async with trio.open_nursery() as nursery:
        [listener] = await nursery.start(partial(trio.serve_tcp, puzzled, 0, host="127.0.0.1"))
        error = await fails(HttpConfig(), f"https://127.0.0.1:{listener.socket.getsockname()[1]}")
        nursery.cancel_scope.cancel()
        assert error == 'Post "<redacted>": http: server gave HTTP response to HTTPS client'


# OAuth 2.


@contextlib.asynccontextmanager
async def token_server(*, in_body: bool = False, expires: int | None = 3600) -> AsyncIterator[Server]:
    count = 0

    async def give(request: Request, stream: trio.abc.Stream) -> None:
        nonlocal count
        if in_body and b"client_secret" not in request.body:
            await answer(401, b'{"error":"invalid_client"}')(request, stream)
            return
        count += 1
        token = {"access_token": f"t{count}", "token_type": "bearer"}
        await answer(200, msgspec.json.encode(token | ({"expires_in": expires} if expires else {})))(request, stream)

    async with serving(give) as server:
        yield server


async def test_tokens_are_fetched_once_and_used() -> None:
    async with token_server() as tokens, serving(answer(200)) as server:
        oauth2 = OAuth2(
            client_id="i d",
            client_secret=Secret("s&"),
            token_url=tokens.url + "/token",
            scopes=("a", "b"),
            endpoint_params={"audience": "x y"},
        )
        client = Client(HttpConfig(oauth2=oauth2), {})
        for _ in range(2):
            await client.post(server.url, b"", {})
        await client.aclose()
        assert [request.header("authorization") for request in server.requests] == ["Bearer t1"] * 2
        [request] = tokens.requests
        assert request.body == b"audience=x+y&grant_type=client_credentials&scope=a+b"
        assert request.header("authorization") == basic("i+d:s%26")


async def test_tokens_are_renewed_before_they_expire_and_when_the_secret_changes(tmp_path: Path) -> None:
    file = tmp_path / "secret"
    file.write_text("one")
    async with token_server(expires=5) as tokens, serving(answer(200)) as server:
        config = HttpConfig(oauth2=OAuth2(client_id="id", client_secret=Secret("s"), token_url=tokens.url))
        client = Client(config, {})
        for _ in range(2):
            await client.post(server.url, b"", {})
        await client.aclose()
        assert [request.header("authorization") for request in server.requests] == ["Bearer t1", "Bearer t2"]
    async with token_server(in_body=True) as tokens, serving(answer(200)) as server:
        config = HttpConfig(oauth2=OAuth2(client_id="id", client_secret_file=str(file), token_url=tokens.url))
        client = Client(config, {})
        for text in ("one", "one", "two"):
            file.write_text(text)
            await client.post(server.url, b"", {})
        await client.aclose()
        assert [request.header("authorization") for request in server.requests] == [
            "Bearer t1",
            "Bearer t1",
            "Bearer t2",
        ]
        # Refused in the header once, the credentials go into the body from then on.
        assert [request.header("authorization") is None for request in tokens.requests] == [False, True, True]


async def test_a_refused_token_is_an_attempt_to_repeat() -> None:
    async with serving(answer(400, b'{"error":"bad","error_description":"why"}')) as tokens:
        config = HttpConfig(oauth2=OAuth2(client_id="id", client_secret=Secret("hush"), token_url=tokens.url))
        assert (await fails(config, "http://127.0.0.1:1/")) == 'Post "<redacted>": oauth2: "bad" "why"'
    async with serving(answer(503, b"later")) as tokens:
        config = HttpConfig(oauth2=OAuth2(client_id="id", client_secret=Secret("hush"), token_url=tokens.url))
        assert (await fails(config, "http://127.0.0.1:1/")) == (
            'Post "<redacted>": oauth2: cannot fetch token: 503 Service Unavailable\nResponse: later'
        )


# Tokens by signed assertions.


def unpack(part: str) -> Any:
    return msgspec.json.decode(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)))


def pem(key: rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey, form: serialization.PrivateFormat) -> str:
    return key.private_bytes(serialization.Encoding.PEM, form, serialization.NoEncryption()).decode()


@pytest.fixture(scope="module")
def rsa_key() -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(65537, 2048)


HASHES: dict[str, type[hashes.HashAlgorithm]] = {
    "": hashes.SHA256,
    "RS256": hashes.SHA256,
    "RS384": hashes.SHA384,
    "RS512": hashes.SHA512,
}


@pytest.mark.parametrize("algorithm", HASHES)
async def test_assertions_are_signed_and_bring_tokens(
    algorithm: str, rsa_key: rsa.RSAPrivateKey, tmp_path: Path
) -> None:
    file = tmp_path / "key"
    file.write_text(pem(rsa_key, serialization.PrivateFormat.PKCS8) + "\n")
    refused: list[str] = []

    async def grant(request: Request, stream: trio.abc.Stream) -> None:
        """A token endpoint that believes nobody."""
        form = dict(parse_qsl(request.body.decode(), strict_parsing=True))
        said, _, signature = form["assertion"].rpartition(".")
        try:
            raw = base64.urlsafe_b64decode(signature + "=" * (-len(signature) % 4))
            rsa_key.public_key().verify(raw, said.encode(), padding.PKCS1v15(), HASHES[algorithm]())
        except InvalidSignature:
            refused.append(said)
            await answer(401)(request, stream)
        else:
            await answer(200, b'{"access_token":"good","token_type":"bearer","expires_in":3600}')(request, stream)

    async with serving(grant) as tokens, serving(answer(200)) as server:
        oauth2 = OAuth2(
            client_id="me",
            client_certificate_key_file=str(file),
            client_certificate_key_id="k1",
            grant_type="urn:ietf:params:oauth:grant-type:jwt-bearer",
            signature_algorithm=algorithm,
            scopes=("a", "b"),
            claims={"tenant": {"id": 7}, "sub": "other"},
            token_url=f"{tokens.url}/token",
            endpoint_params={"more": "x y"},
        )
        client = Client(HttpConfig(oauth2=oauth2), {})
        await client.post(server.url, b"", {})
        await client.post(server.url, b"", {})
        assert [request.header("authorization") for request in server.requests] == ["Bearer good"] * 2
        (asked,) = tokens.requests
        form = dict(parse_qsl(asked.body.decode()))
        header, claims, _ = form.pop("assertion").split(".")
        assert form == {"grant_type": oauth2.grant_type, "scope": "a b", "more": "x y"}
        assert asked.header("authorization") is None
        assert unpack(header) == {"alg": algorithm or "RS256", "kid": "k1", "typ": "JWT"}
        told = unpack(claims)
        assert told.pop("exp") - told.pop("iat") == 600
        assert len(told.pop("jti")) == 36
        assert told == {"iss": "me", "sub": "other", "aud": f"{tokens.url}/token", "scope": "a b", "tenant": {"id": 7}}
        # A key that was exchanged is taken up, and this endpoint does not know it.
        file.write_text(pem(rsa.generate_private_key(65537, 2048), serialization.PrivateFormat.TraditionalOpenSSL))
        with pytest.raises(SendError, match="oauth2: cannot fetch token: 401 Unauthorized"):
            await client.post(server.url, b"", {})
        assert (len(refused), len(tokens.requests)) == (1, 2)
        await client.aclose()


async def test_issuer_and_audience_of_an_assertion(rsa_key: rsa.RSAPrivateKey) -> None:
    async with serving(answer(200, b'{"access_token":"t"}')) as tokens, serving(answer(200)) as server:
        oauth2 = OAuth2(
            client_id="me",
            iss="issuer",
            audience="them",
            client_certificate_key=Secret(pem(rsa_key, serialization.PrivateFormat.TraditionalOpenSSL)),
            grant_type="urn:ietf:params:oauth:grant-type:jwt-bearer",
            token_url=tokens.url,
        )
        await post(HttpConfig(oauth2=oauth2), server.url)
        claims = unpack(dict(parse_qsl(tokens.requests[0].body.decode()))["assertion"].split(".")[1])
        assert (claims["iss"], claims["sub"], claims["aud"], "scope" in claims) == ("issuer", "me", "them", False)


@pytest.mark.parametrize(
    ("key", "why"),
    [
        ("", "invalid key: Key must be a PEM encoded PKCS1 or PKCS8 key"),
        ("hush", "invalid key: Key must be a PEM encoded PKCS1 or PKCS8 key"),
        (
            "-----BEGIN PRIVATE KEY-----\nhush\n-----END PRIVATE KEY-----",
            "invalid key: Key must be a PEM encoded PKCS1",
        ),
        (
            pem(ec.generate_private_key(ec.SECP256R1()), serialization.PrivateFormat.PKCS8),
            "not a valid RSA private key",
        ),
    ],
)
async def test_keys_that_sign_nothing(key: str, why: str) -> None:
    oauth2 = OAuth2(
        client_id="me",
        client_certificate_key=Secret(key),
        grant_type="urn:ietf:params:oauth:grant-type:jwt-bearer",
        token_url="http://127.0.0.1:1/",
    )
    text = await fails(HttpConfig(oauth2=oauth2), "http://127.0.0.1:1/")
    assert text.startswith('Post "<redacted>": oauth2: client_certificate_key: ')
    assert why in text
    assert "hush" not in text


def test_the_key_of_an_assertion_cannot_be_a_reference() -> None:
    oauth2 = OAuth2(
        client_id="me", client_certificate_key_ref="r", grant_type="urn:ietf:params:oauth:grant-type:jwt-bearer"
    )
    with pytest.raises(BuildError, match="unable to use client certificate"):
        Client(HttpConfig(oauth2=oauth2), {})
