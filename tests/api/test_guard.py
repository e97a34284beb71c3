"""Passwords, headers, rate limit and TLS on a whole daemon's listeners, and what happens when their files change."""

import datetime
import os
import ssl
from ipaddress import ip_address
from pathlib import Path

import bcrypt
import httpx
import pytest
import trio
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from ampp.api.guard import Guard
from ampp.api.webconfig import WebConfigError
from tests.api.conftest import Start

PASSWORD = "correct horse"


def write(path: Path, text: str) -> str:
    """Replace a file the way operators' tools do, so that the change is seen however coarse the clock."""
    fresh = path.with_suffix(".new")
    fresh.write_text(text)
    os.replace(fresh, path)
    return str(path)


def users(password: str = PASSWORD) -> str:
    return f"basic_auth_users: {{ops: '{bcrypt.hashpw(password.encode(), bcrypt.gensalt(4)).decode()}'}}\n"


async def test_passwords_and_headers(start: Start, tmp_path: Path) -> None:
    file = tmp_path / "web.yml"
    write(file, users() + "http_server_config: {headers: {X-Frame-Options: deny}}\n")
    async with start(web_config_file=str(file)) as client:
        for path in ("/-/healthy", "/metrics", "/api/v2/status", "/nope"):
            refused = await client.get(path)
            assert (refused.status_code, refused.text) == (401, "Unauthorized\n")
            assert refused.headers["www-authenticate"] == "Basic"
            assert refused.headers["x-frame-options"] == "deny"
        assert (await client.post("/api/v2/alerts", json=[])).status_code == 401
        for auth in (("ops", "wrong"), ("nobody", PASSWORD), ("ops", "")):
            assert (await client.get("/-/healthy", auth=auth)).status_code == 401
        for _ in range(2):
            granted = await client.get("/-/healthy", auth=("ops", PASSWORD))
            assert (granted.status_code, granted.headers["x-frame-options"]) == (200, "deny")
        assert (await client.post("/api/v2/alerts", json=[], auth=("ops", PASSWORD))).status_code == 200
        for header in ("Basic !!!", "Basic", "Bearer x", "Basic b3Bz"):
            assert (await client.get("/-/healthy", headers={"Authorization": header})).status_code == 401


async def test_the_file_is_read_again_when_it_changes(start: Start, tmp_path: Path) -> None:
    file = tmp_path / "web.yml"
    write(file, users())
    async with start(web_config_file=str(file)) as client:
        assert (await client.get("/-/healthy", auth=("ops", PASSWORD))).status_code == 200
        write(file, users("other"))
        assert (await client.get("/-/healthy", auth=("ops", PASSWORD))).status_code == 401
        assert (await client.get("/-/healthy", auth=("ops", "other"))).status_code == 200
        write(file, "bogus: 1\n")
        broken = await client.get("/-/healthy", auth=("ops", "other"))
        assert (broken.status_code, broken.text) == (500, "Internal Server Error\n")
        os.remove(file)
        assert (await client.get("/-/healthy")).status_code == 500
        write(file, "")
        assert (await client.get("/-/healthy")).status_code == 200


async def test_the_rate_limit(start: Start, tmp_path: Path) -> None:
    file = tmp_path / "web.yml"
    write(file, "rate_limit: {interval: 1h, burst: 2}\n")
    async with start(web_config_file=str(file)) as client:
        answers = [await client.get("/-/healthy") for _ in range(3)]
        assert [answer.status_code for answer in answers] == [200, 200, 429]
        assert answers[2].text == "Too Many Requests\n"


# TLS. One authority per test, certificates made on the spot.


class Authority:
    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.key = ec.generate_private_key(ec.SECP256R1())
        self.name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "test authority")])
        self.certificate = self._sign(self.name, self.key, [x509.BasicConstraints(ca=True, path_length=None)])
        self.file = write(directory / "ca.pem", self._pem(self.certificate))

    def _sign(
        self, name: x509.Name, key: ec.EllipticCurvePrivateKey, extensions: list[x509.ExtensionType]
    ) -> x509.Certificate:
        now = datetime.datetime.now(datetime.UTC)
        builder = (
            x509.CertificateBuilder()
            .subject_name(name)
            .issuer_name(self.name)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - datetime.timedelta(days=1))
            .not_valid_after(now + datetime.timedelta(days=1))
        )
        for extension in extensions:
            builder = builder.add_extension(extension, critical=isinstance(extension, x509.BasicConstraints))
        return builder.sign(self.key, hashes.SHA256())

    @staticmethod
    def _pem(certificate: x509.Certificate) -> str:
        return certificate.public_bytes(serialization.Encoding.PEM).decode()

    def issue(self, stem: str, host: str) -> tuple[str, str]:
        """Write `stem`.pem and `stem`.key for `host` (and 127.0.0.1); returns their paths."""
        key = ec.generate_private_key(ec.SECP256R1())
        name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, host)])
        sans = x509.SubjectAlternativeName([x509.DNSName(host), x509.IPAddress(ip_address("127.0.0.1"))])
        pem = key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        return (
            write(self.directory / f"{stem}.pem", self._pem(self._sign(name, key, [sans]))),
            write(self.directory / f"{stem}.key", pem.decode()),
        )

    def trusted(self, pair: tuple[str, str] | None = None) -> ssl.SSLContext:
        """A client's context that trusts this authority and shows `pair`."""
        context = ssl.create_default_context(cafile=self.file)
        if pair is not None:
            context.load_cert_chain(*pair)
        return context


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    return Authority(tmp_path)


def secure(client: httpx.AsyncClient, context: ssl.SSLContext) -> httpx.AsyncClient:
    return httpx.AsyncClient(base_url=str(client.base_url).replace("http:", "https:"), verify=context, trust_env=False)


async def test_tls(start: Start, tmp_path: Path, authority: Authority) -> None:
    authority.issue("server", "old.example")
    file = write(tmp_path / "web.yml", "tls_server_config: {cert_file: server.pem, key_file: server.key}\n")
    async with start(web_config_file=file) as plain:
        async with secure(plain, authority.trusted()) as client:
            assert (await client.get("/-/healthy")).text == "OK"
            body = [{"labels": {"a": "b"}}]
            assert (await client.post("/api/v2/alerts", json=body)).status_code == 200
            assert len((await client.get("/api/v2/alerts")).json()) == 1
        with pytest.raises(httpx.HTTPError):
            await plain.get("/-/healthy")
        assert await shown_name(plain, authority) == "old.example"
        authority.issue("server", "new.example")
        assert await shown_name(plain, authority) == "new.example"


async def shown_name(plain: httpx.AsyncClient, authority: Authority) -> str:
    """The common name of the certificate a new connection is shown."""
    context = authority.trusted()
    stream = await trio.open_tcp_stream(plain.base_url.host, plain.base_url.port or 0)
    tls = trio.SSLStream(stream, context, server_hostname="127.0.0.1")
    async with tls:
        await tls.do_handshake()
        return str(tls.getpeercert()["subject"][0][0][1])


async def test_http2_over_tls(start: Start, tmp_path: Path, authority: Authority) -> None:
    authority.issue("server", "a.example")
    file = tmp_path / "web.yml"
    section = "tls_server_config: {cert_file: server.pem, key_file: server.key}\n"
    for http2, expected in ((True, "h2"), (False, "http/1.1")):
        write(file, section + f"http_server_config: {{http2: {str(http2).lower()}}}\n")
        async with start(web_config_file=str(file)) as plain:
            context = authority.trusted()
            context.set_alpn_protocols(["h2", "http/1.1"])
            stream = await trio.open_tcp_stream(plain.base_url.host, plain.base_url.port or 0)
            tls = trio.SSLStream(stream, context, server_hostname="127.0.0.1")
            async with tls:
                await tls.do_handshake()
                assert tls.selected_alpn_protocol() == expected


async def test_client_certificates(start: Start, tmp_path: Path, authority: Authority) -> None:
    authority.issue("server", "a.example")
    good = authority.issue("good", "good.example")
    bad = authority.issue("bad", "bad.example")
    file = write(
        tmp_path / "web.yml",
        "tls_server_config:\n"
        "  cert_file: server.pem\n  key_file: server.key\n"
        "  client_auth_type: RequireAndVerifyClientCert\n  client_ca_file: ca.pem\n"
        "  client_allowed_sans: [good.example]\n",
    )
    async with start(web_config_file=file) as plain:
        async with secure(plain, authority.trusted(good)) as client:
            assert (await client.get("/-/healthy")).text == "OK"
        for context in (authority.trusted(bad), authority.trusted()):
            async with secure(plain, context) as client:
                with pytest.raises(httpx.HTTPError):
                    await client.get("/-/healthy")


def test_certificates_that_cannot_be_loaded_stop_the_start(tmp_path: Path, authority: Authority) -> None:
    certificate, _ = authority.issue("server", "a.example")
    _, other_key = authority.issue("other", "a.example")
    file = tmp_path / "web.yml"
    write(file, "tls_server_config: {cert_file: nope.pem, key_file: server.key}\n")
    with pytest.raises(WebConfigError, match="failed to load X509KeyPair: no such file or directory"):
        Guard.open(str(file))
    write(file, f"tls_server_config: {{cert_file: {certificate}, key_file: {other_key}}}\n")
    with pytest.raises(WebConfigError, match="failed to load X509KeyPair: key values mismatch"):
        Guard.open(str(file))


async def test_certificates_written_into_the_file(tmp_path: Path, authority: Authority) -> None:
    certificate, key = (Path(path).read_text() for path in authority.issue("server", "a.example"))
    quoted = [text.replace("\n", "\\n") for text in (certificate, key)]
    file = write(tmp_path / "web.yml", f'tls_server_config: {{cert: "{quoted[0]}", key: "{quoted[1]}"}}\n')
    guard = Guard.open(file)
    assert guard.tls
    assert await guard.context() is await guard.context()
