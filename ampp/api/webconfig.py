"""The file of `--web.config.file`: TLS, passwords, headers and the rate limit of our own listeners, strictly checked.

The schema and its messages are those of Prometheus' exporter-toolkit, which upstream uses (interfaces reference 6).
"""

import os.path
from typing import Annotated, ClassVar, Final

from msgspec.structs import replace

from ampp.config.decode import FAILED, Decoder
from ampp.config.error import Invalid
from ampp.config.kind import Choice, Flag, GoDuration, Integer, Strings, Text, TextMap
from ampp.config.node import compose
from ampp.config.section import Section, Struct
from ampp.core.quote import go_quote

__all__ = [
    "CIPHERS",
    "CURVES",
    "HttpServer",
    "RateLimit",
    "TlsServer",
    "WebConfig",
    "WebConfigError",
    "load_web_config",
]


class WebConfigError(Exception):
    """The file, or something it names, cannot be used. The text is upstream's where upstream has one."""


def _version(text: str) -> None:
    if text not in ("", "TLS10", "TLS11", "TLS12", "TLS13"):
        raise Invalid(f"unknown TLS version: {text}")


CIPHERS: Final = {
    "TLS_RSA_WITH_AES_128_CBC_SHA": "AES128-SHA",
    "TLS_RSA_WITH_AES_256_CBC_SHA": "AES256-SHA",
    "TLS_RSA_WITH_AES_128_GCM_SHA256": "AES128-GCM-SHA256",
    "TLS_RSA_WITH_AES_256_GCM_SHA384": "AES256-GCM-SHA384",
    "TLS_AES_128_GCM_SHA256": "",
    "TLS_AES_256_GCM_SHA384": "",
    "TLS_CHACHA20_POLY1305_SHA256": "",
    "TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA": "ECDHE-ECDSA-AES128-SHA",
    "TLS_ECDHE_ECDSA_WITH_AES_256_CBC_SHA": "ECDHE-ECDSA-AES256-SHA",
    "TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA": "ECDHE-RSA-AES128-SHA",
    "TLS_ECDHE_RSA_WITH_AES_256_CBC_SHA": "ECDHE-RSA-AES256-SHA",
    "TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256": "ECDHE-ECDSA-AES128-GCM-SHA256",
    "TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384": "ECDHE-ECDSA-AES256-GCM-SHA384",
    "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256": "ECDHE-RSA-AES128-GCM-SHA256",
    "TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384": "ECDHE-RSA-AES256-GCM-SHA384",
    "TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256": "ECDHE-RSA-CHACHA20-POLY1305",
    "TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256": "ECDHE-ECDSA-CHACHA20-POLY1305",
}
"""Go's names and OpenSSL's; those of TLS 1.3 cannot be chosen in either."""

CURVES: Final = {"CurveP256": "prime256v1", "CurveP384": "secp384r1", "CurveP521": "secp521r1", "X25519": "X25519"}


class TlsServer(Section, frozen=True, kw_only=True):
    """`tls_server_config`. Paths are joined to the file's directory by `load_web_config`."""

    go: ClassVar[str] = "web.TLSConfig"

    cert: Text = ""
    key: Text = ""
    client_ca: Text = ""
    cert_file: Text = ""
    key_file: Text = ""
    client_auth_type: Text = ""
    client_ca_file: Text = ""
    cipher_suites: Strings = ()
    curve_preferences: Strings = ()
    min_version: Annotated[str, Choice("web.TLSVersion", _version)] = "TLS12"
    max_version: Annotated[str, Choice("web.TLSVersion", _version)] = "TLS13"
    prefer_server_cipher_suites: Flag = True
    client_allowed_sans: Strings = ()

    @property
    def wanted(self) -> bool:
        """Whether the section asks for TLS at all."""
        return any(
            (
                self.cert,
                self.key,
                self.cert_file,
                self.key_file,
                self.client_ca,
                self.client_ca_file,
                self.client_auth_type,
            )
        )


class HttpServer(Section, frozen=True, kw_only=True):
    """`http_server_config`. `headers` go onto every answer."""

    go: ClassVar[str] = "web.HTTPConfig"

    http2: Flag = True
    headers: TextMap = {}


class RateLimit(Section, frozen=True, kw_only=True):
    """`rate_limit`: one request every `interval` nanoseconds (0: any), `burst` at once."""

    go: ClassVar[str] = "web.RateLimiterConfig"

    interval: GoDuration = 0
    burst: Integer = 0


class WebConfig(Section, frozen=True, kw_only=True):
    """The whole file."""

    go: ClassVar[str] = "web.Config"

    tls_server_config: Annotated[TlsServer, Struct(TlsServer, pointer=False)] = TlsServer()
    http_server_config: Annotated[HttpServer, Struct(HttpServer, pointer=False)] = HttpServer()
    rate_limit: Annotated[RateLimit, Struct(RateLimit, pointer=False)] = RateLimit()
    basic_auth_users: TextMap = {}


_WEB: Final = Struct(WebConfig, pointer=False)
_PATHS: Final = ("cert_file", "key_file", "client_ca_file")


def load_web_config(path: str) -> WebConfig:
    """Read and check the file, all but the certificates (see `ampp.api.tls`). Raises `WebConfigError`."""
    try:
        with open(path, "rb") as file:
            text = file.read()
    except OSError as error:
        raise WebConfigError(f"open {path}: {(error.strerror or str(error)).lower()}") from None
    decoder = Decoder()
    try:
        root = compose(text)
        config = WebConfig() if root is None else decoder.read(root, _WEB)
    except Invalid as error:
        raise WebConfigError(error.message) from None
    if config is FAILED or decoder.faults:
        lines = "\n  ".join(fault.text for fault in decoder.faults)
        raise WebConfigError(f"yaml: unmarshal errors:\n  {lines}")
    assert isinstance(config, WebConfig)
    _check_tls(config.tls_server_config)
    _check_headers(config.http_server_config.headers)
    for user, hashed in config.basic_auth_users.items():
        if fault := _hash_fault(hashed):
            raise WebConfigError(f"{fault} (user {go_quote(user)})")
    return _joined(config, os.path.dirname(path))


def _joined(config: WebConfig, directory: str) -> WebConfig:
    tls = config.tls_server_config
    paths = {name: os.path.join(directory, getattr(tls, name)) for name in _PATHS if getattr(tls, name)}
    return replace(config, tls_server_config=replace(tls, **paths))


def _check_tls(tls: TlsServer) -> None:
    if not tls.wanted:
        return
    for half in ("cert", "key"):
        inline, file = getattr(tls, half), getattr(tls, f"{half}_file")
        if not inline and not file:
            raise WebConfigError(f"missing one of {half} or {half}_file")
        if inline and file:
            raise WebConfigError(f"at most one of {half} and {half}_file must be specified")
    if tls.client_ca and tls.client_ca_file:
        raise WebConfigError("at most one of client_ca and client_ca_file must be specified")
    for name in tls.cipher_suites:
        if name not in CIPHERS:
            raise WebConfigError(f"unknown cipher: {name}")
    for name in tls.curve_preferences:
        if name not in CURVES:
            raise WebConfigError(f"unknown curve: {name}")
    match tls.client_auth_type:
        case "" | "NoClientCert":
            if tls.client_ca or tls.client_ca_file:
                raise WebConfigError("client CA's have been configured without a Client Auth Policy")
        case "RequestClientCert" | "RequireAnyClientCert" | "RequireClientCert":
            raise WebConfigError(
                f"client_auth_type {tls.client_auth_type} asks for certificates without verifying them, which ampp "
                "cannot do; use VerifyClientCertIfGiven or RequireAndVerifyClientCert with client_ca_file"
            )
        case "VerifyClientCertIfGiven" | "RequireAndVerifyClientCert":
            pass
        case unknown:
            raise WebConfigError(f"invalid ClientAuth: {unknown}")


_HEADERS: Final[dict[str, tuple[str, ...]]] = {
    "Content-Security-Policy": (),
    "Strict-Transport-Security": (),
    "X-Content-Type-Options": ("nosniff",),
    "X-Frame-Options": ("deny", "sameorigin"),
    "X-XSS-Protection": (),
}
"""The headers that may be set, and their values where these are few."""


def _check_headers(headers: dict[str, str]) -> None:
    for name, value in headers.items():
        values = _HEADERS.get(name)
        if values is None:
            raise WebConfigError(f"HTTP header {go_quote(name)} can not be configured")
        if values and value not in values:
            expected = " ".join(map(go_quote, values))
            raise WebConfigError(f"invalid value for {name}. Expected one of: [{expected}], but got: {go_quote(value)}")
        if not value.isprintable() or not value.isascii():
            raise WebConfigError(f"invalid value for {name}: {go_quote(value)}")


def _hash_fault(hashed: str) -> str:
    """What Go's bcrypt has against a hash, or ""."""
    if len(hashed.encode()) < 59:
        return "crypto/bcrypt: hashedSecret too short to be a bcrypted password"
    if hashed[0] != "$":
        return f"crypto/bcrypt: bcrypt hashes must start with '$', but hashedSecret started with '{hashed[0]}'"
    if hashed[1] > "2":
        return f"crypto/bcrypt: bcrypt algorithm version '{hashed[1]}' requested is newer than current version '2'"
    cost = hashed[4:6] if hashed[2] != "$" else hashed[3:5]
    if not (cost.isascii() and cost.isdecimal()):
        return f"strconv.Atoi: parsing {go_quote(cost)}: invalid syntax"
    if not 4 <= int(cost) <= 31:
        return f"crypto/bcrypt: cost {int(cost)} is outside allowed inclusive range 4..31"
    return ""
