"""The web configuration file: what it may say, and with which words it is refused (interfaces reference 6)."""

from pathlib import Path

import pytest

from ampp.api.webconfig import WebConfigError, load_web_config

HASH = "$2y$10$QOauhQNbBCuQDKes6eFzPeMqBSjb7Mr5DUmpZ/VcEd00UAV/LDeSi"
PAIR = "cert_file: c, key_file: k"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("bogus: 1", "yaml: unmarshal errors:\n  line 1: field bogus not found in type web.Config"),
        (
            "tls_server_config: {x: 1}",
            "yaml: unmarshal errors:\n  line 1: field x not found in type web.TLSConfig",
        ),
        ("tls_server_config: {cert_file: c}", "missing one of key or key_file"),
        ("tls_server_config: {key: k}", "missing one of cert or cert_file"),
        ("tls_server_config: {client_auth_type: NoClientCert}", "missing one of cert or cert_file"),
        (f"tls_server_config: {{{PAIR}, client_auth_type: X}}", "invalid ClientAuth: X"),
        (
            f"tls_server_config: {{{PAIR}, client_ca_file: x}}",
            "client CA's have been configured without a Client Auth Policy",
        ),
        (f"tls_server_config: {{{PAIR}, min_version: TLS14}}", "unknown TLS version: TLS14"),
        (f"tls_server_config: {{{PAIR}, cipher_suites: [X]}}", "unknown cipher: X"),
        (f"tls_server_config: {{{PAIR}, curve_preferences: [X]}}", "unknown curve: X"),
        ("http_server_config: {headers: {X-Foo: a}}", 'HTTP header "X-Foo" can not be configured'),
        (
            "http_server_config: {headers: {X-Frame-Options: a}}",
            'invalid value for X-Frame-Options. Expected one of: ["deny" "sameorigin"], but got: "a"',
        ),
        (
            "basic_auth_users: {u: x}",
            'crypto/bcrypt: hashedSecret too short to be a bcrypted password (user "u")',
        ),
        (
            f"basic_auth_users: {{u: '{HASH.replace('2y', '3y')}'}}",
            "crypto/bcrypt: bcrypt algorithm version '3' requested is newer than current version '2' (user \"u\")",
        ),
        (
            f"basic_auth_users: {{u: '{HASH.replace('$10', '$99')}'}}",
            'crypto/bcrypt: cost 99 is outside allowed inclusive range 4..31 (user "u")',
        ),
    ],
)
def test_refused(tmp_path: Path, text: str, message: str) -> None:
    file = tmp_path / "web.yml"
    file.write_text(text)
    with pytest.raises(WebConfigError) as caught:
        load_web_config(str(file))
    assert str(caught.value) == message


@pytest.mark.parametrize("auth", ["RequestClientCert", "RequireAnyClientCert", "RequireClientCert"])
def test_client_certificates_that_nobody_verifies_are_refused_with_a_way_out(tmp_path: Path, auth: str) -> None:
    file = tmp_path / "web.yml"
    file.write_text(f"tls_server_config: {{{PAIR}, client_auth_type: {auth}}}")
    with pytest.raises(WebConfigError, match="use VerifyClientCertIfGiven or RequireAndVerifyClientCert"):
        load_web_config(str(file))


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(WebConfigError, match=r"open .*web.yml: no such file or directory"):
        load_web_config(str(tmp_path / "web.yml"))


def test_accepted(tmp_path: Path) -> None:
    file = tmp_path / "web.yml"
    file.write_text(
        f"""
tls_server_config:
  cert_file: c.pem
  key_file: /abs/k.pem
  client_auth_type: RequireAndVerifyClientCert
  client_ca_file: ca.pem
  min_version: TLS13
  cipher_suites: [TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256]
  curve_preferences: [CurveP256, X25519]
  prefer_server_cipher_suites: false
  client_allowed_sans: [a.example]
http_server_config: {{http2: false, headers: {{X-Frame-Options: deny, Strict-Transport-Security: max-age=1}}}}
basic_auth_users: {{u: '{HASH}'}}
rate_limit: {{interval: 100ms, burst: 20}}
"""
    )
    config = load_web_config(str(file))
    assert config.tls_server_config.cert_file == str(tmp_path / "c.pem")
    assert config.tls_server_config.key_file == "/abs/k.pem"
    assert config.tls_server_config.client_ca_file == str(tmp_path / "ca.pem")
    assert not config.http_server_config.http2
    assert config.rate_limit.interval == 100_000_000
    file.write_text("")
    assert not load_web_config(str(file)).tls_server_config.wanted
