"""`http_config` and `tls_config`: how an HTTP client is to authenticate, verify and reach its server.

Paths of files are kept as paths; their contents are read when a notification is sent.
"""

import os.path
from typing import Annotated, Any, ClassVar, Final, Self

from msgspec.structs import replace

from ampp.config.address import ProxyUrl
from ampp.config.decode import FAILED, Decoder, Kind, merge
from ampp.config.emit import Map, Tree
from ampp.config.error import Invalid
from ampp.config.keyorder import sorted_keys
from ampp.config.kind import AnyMap, Choice, Flag, ProxyHeaders, Secrets, SecretText, Strings, Text, TextMap
from ampp.config.node import MAPPING, Node
from ampp.config.secret import Secret
from ampp.config.section import KEEP, Section, Struct
from ampp.config.url import Url
from ampp.core.quote import go_quote

__all__ = [
    "Authorization",
    "BasicAuth",
    "Header",
    "HttpConfig",
    "HttpOrNone",
    "OAuth2",
    "TlsConfig",
    "TlsOrNone",
    "canonical_header",
    "join",
]

_JWT_BEARER: Final = "urn:ietf:params:oauth:grant-type:jwt-bearer"

_RESERVED: Final = frozenset(
    {
        "Authorization",
        "Host",
        "Content-Encoding",
        "Content-Length",
        "Content-Type",
        "User-Agent",
        "Connection",
        "Keep-Alive",
        "Proxy-Authenticate",
        "Proxy-Authorization",
        "Www-Authenticate",
        "Accept-Encoding",
        "X-Prometheus-Remote-Write-Version",
        "X-Prometheus-Remote-Read-Version",
        "X-Prometheus-Scrape-Timeout-Seconds",
        "X-Amz-Date",
        "X-Amz-Security-Token",
        "X-Amz-Content-Sha256",
    }
)

_TOKEN: Final = frozenset("!#$%&'*+-.^_`|~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz")


def join(directory: str, path: str) -> str:
    """A path of the configuration: relative ones are meant from the directory of the file they stand in."""
    if not path or os.path.isabs(path):
        return path
    joined = os.path.normpath(os.path.join(directory, path))
    return joined[1:] if joined.startswith("//") else joined


def canonical_header(name: str) -> str:
    """A header name in Go's canonical case (`x-a` is `X-A`); a name that is no token stays as it is."""
    if not name or not _TOKEN.issuperset(name):
        return name
    return "-".join(part[:1].upper() + part[1:].lower() for part in name.split("-"))


def _too_many(*given: object) -> bool:
    return sum(map(bool, given)) > 1


def _tls_version(text: str) -> None:
    if text not in ("TLS10", "TLS11", "TLS12", "TLS13"):
        raise Invalid(f"unknown TLS version: {text}", hint="one of TLS10, TLS11, TLS12, TLS13")


class _TlsVersionKind(Choice):
    """Upstream keeps a number, so that a quoted null is no version but a type error."""

    def read_quoted_null(self, d: Decoder, node: Node) -> Any:
        return d.mismatch(node, "config.TLSVersion")


_TLS_VERSION: Final = _TlsVersionKind("string", _tls_version)


class TlsConfig(Section, frozen=True, kw_only=True):
    """What to trust, and as whom to appear, when speaking TLS."""

    ca: Text = ""
    cert: Text = ""
    key: SecretText = Secret()
    ca_file: Text = ""
    cert_file: Text = ""
    key_file: Text = ""
    ca_ref: Text = ""
    cert_ref: Text = ""
    key_ref: Text = ""
    server_name: Text = ""
    insecure_skip_verify: Annotated[Flag, KEEP] = False
    min_version: Annotated[str, _TLS_VERSION] = ""
    max_version: Annotated[str, _TLS_VERSION] = ""

    def settle(self) -> Self:
        if _too_many(self.ca, self.ca_file, self.ca_ref):
            raise Invalid("at most one of ca, ca_file & ca_ref must be configured")
        if _too_many(self.cert, self.cert_file, self.cert_ref):
            raise Invalid("at most one of cert, cert_file & cert_ref must be configured")
        if _too_many(self.key, self.key_file, self.key_ref):
            raise Invalid("at most one of key and key_file must be configured")
        cert = bool(self.cert or self.cert_file or self.cert_ref)
        key = bool(self.key or self.key_file or self.key_ref)
        if cert and not key:
            raise Invalid("exactly one of key or key_file must be configured when a client certificate is configured")
        if key and not cert:
            raise Invalid("exactly one of cert or cert_file must be configured when a client key is configured")
        return self

    def under(self, directory: str) -> Self:
        """The same with its relative paths joined to `directory`."""
        if not (self.ca_file or self.cert_file or self.key_file):
            return self
        return replace(
            self,
            ca_file=join(directory, self.ca_file),
            cert_file=join(directory, self.cert_file),
            key_file=join(directory, self.key_file),
        )


TlsOrNone = Annotated[TlsConfig | None, Struct(TlsConfig, outer="*config.TLSConfig")]
_TLS: Final = Struct(TlsConfig, pointer=False, outer="config.TLSConfig")


class BasicAuth(Section, frozen=True, kw_only=True):
    """User name and password; the `_ref` forms parse but no client can be built from them."""

    username: Text = ""
    username_file: Text = ""
    username_ref: Text = ""
    password: SecretText = Secret()
    password_file: Text = ""
    password_ref: Text = ""


class Authorization(Section, frozen=True, kw_only=True):
    """The Authorization header: `type` (Bearer unless given) and credentials."""

    go: ClassVar[str] = "config.Authorization"
    custom: ClassVar[bool] = False

    type: Text = ""
    credentials: SecretText = Secret()
    credentials_file: Text = ""
    credentials_ref: Text = ""


class OAuth2(Section, frozen=True, kw_only=True):
    """Where and with what to fetch a token."""

    client_id: Text = ""
    client_secret: SecretText = Secret()
    client_secret_file: Text = ""
    client_secret_ref: Text = ""
    client_certificate_key_id: Text = ""
    client_certificate_key: SecretText = Secret()
    client_certificate_key_file: Text = ""
    client_certificate_key_ref: Text = ""
    grant_type: Text = ""
    signature_algorithm: Text = ""
    iss: Text = ""
    audience: Text = ""
    claims: AnyMap = {}
    scopes: Strings = ()
    token_url: Text = ""
    endpoint_params: TextMap = {}
    tls_config: Annotated[TlsConfig, _TLS] = TlsConfig()
    proxy_url: ProxyUrl = None
    no_proxy: Text = ""
    proxy_from_environment: Flag = False
    proxy_connect_header: ProxyHeaders = {}

    def settle(self) -> Self:
        _check_proxy(self.proxy_url, self.no_proxy, self.proxy_from_environment, self.proxy_connect_header)
        return self


class Header(Section, frozen=True, kw_only=True):
    """The values of one extra header, sent in this order."""

    go: ClassVar[str] = "config.Header"
    custom: ClassVar[bool] = False

    values: Strings = ()
    secrets: Secrets = ()
    files: Strings = ()


class _HeadersKind(Kind):
    """`http_headers`: names to headers; upstream's struct with an inlined map, whose keys may not repeat."""

    go = "config.Headers"
    item: ClassVar[Struct] = Struct(Header, pointer=False)

    def read(self, d: Decoder, node: Node) -> Any:
        if node.kind is not MAPPING:
            return d.mismatch(node, self.go)
        out: dict[str, Header] = {}
        self._fill(d, node, out)
        return out

    def _fill(self, d: Decoder, node: Node, out: dict[str, Header]) -> None:
        out.clear()  # a merge begins afresh upstream
        for i in range(0, len(node.children), 2):
            if node.children[i].is_merge:
                merge(d, node.children[i + 1], lambda source: self._fill(d, source, out))
                continue
            name = d.text(node.children[i])
            if name is FAILED:
                continue
            header = d.read(node.children[i + 1], self.item)
            if name in out:
                d.fault(node.children[i + 1], f"key {go_quote(name)} already set in map", "remove one of the two")
            else:
                out[name] = Header() if header is FAILED else header

    def tree(self, value: dict[str, Header]) -> Tree:
        return Map([(name, self.item.tree(value[name])) for name in sorted_keys(list(value))])


HeadersOrNone = Annotated[dict[str, Header] | None, _HeadersKind()]


class HttpConfig(Section, frozen=True, kw_only=True):
    """How to speak HTTP to a receiver. `bearer_token` forms are turned into `authorization` on reading."""

    basic_auth: Annotated[BasicAuth | None, Struct(BasicAuth, outer="*config.BasicAuth")] = None
    authorization: Annotated[Authorization | None, Struct(Authorization)] = None
    oauth2: Annotated[OAuth2 | None, Struct(OAuth2, outer="*config.OAuth2")] = None
    bearer_token: SecretText = Secret()
    bearer_token_file: Text = ""
    tls_config: Annotated[TlsConfig, _TLS] = TlsConfig()
    follow_redirects: Annotated[Flag, KEEP] = True
    enable_http2: Annotated[Flag, KEEP] = True
    proxy_url: ProxyUrl = None
    no_proxy: Text = ""
    proxy_from_environment: Flag = False
    proxy_connect_header: ProxyHeaders = {}
    http_headers: HeadersOrNone = None

    def settle(self) -> Self:
        basic, oauth2, bearer = self.basic_auth, self.oauth2, bool(self.bearer_token or self.bearer_token_file)
        if self.bearer_token and self.bearer_token_file:
            raise Invalid("at most one of bearer_token & bearer_token_file must be configured")
        if (basic is not None or oauth2 is not None) and bearer:
            raise Invalid("at most one of basic_auth, oauth2, bearer_token & bearer_token_file must be configured")
        if basic is not None:
            if _too_many(basic.username, basic.username_file, basic.username_ref):
                raise Invalid("at most one of basic_auth username, username_file & username_ref must be configured")
            if _too_many(basic.password, basic.password_file, basic.password_ref):
                raise Invalid("at most one of basic_auth password, password_file & password_ref must be configured")
        settled = self._authorize(bearer)
        if oauth2 is not None:
            if basic is not None:
                raise Invalid("at most one of basic_auth, oauth2 & authorization must be configured")
            check_oauth2(oauth2)
        _check_proxy(self.proxy_url, self.no_proxy, self.proxy_from_environment, self.proxy_connect_header)
        for name in self.http_headers or ():
            if canonical_header(name) in _RESERVED:
                raise Invalid(f"setting header {go_quote(canonical_header(name))} is not allowed", field="http_headers")
        return settled

    def _authorize(self, bearer: bool) -> Self:
        given = self.authorization
        if given is None:
            if not bearer:
                return self
            made = Authorization(type="Bearer", credentials=self.bearer_token, credentials_file=self.bearer_token_file)
            return replace(self, authorization=made, bearer_token=Secret(), bearer_token_file="")
        if bearer:
            raise Invalid("authorization is not compatible with bearer_token & bearer_token_file")
        if _too_many(given.credentials, given.credentials_file, given.credentials_ref):
            raise Invalid("at most one of authorization credentials & credentials_file must be configured")
        kind = given.type.strip() or "Bearer"
        if kind.lower() == "basic":
            raise Invalid(
                'authorization type cannot be set to "basic", use "basic_auth" instead', field="authorization"
            )
        if self.basic_auth is not None or self.oauth2 is not None:
            raise Invalid("at most one of basic_auth, oauth2 & authorization must be configured")
        return self if kind == given.type else replace(self, authorization=replace(given, type=kind))

    def under(self, directory: str) -> Self:
        """The same with its relative paths joined to `directory`."""
        changes: dict[str, Any] = {}
        if (tls := self.tls_config.under(directory)) is not self.tls_config:
            changes["tls_config"] = tls
        if (basic := self.basic_auth) is not None and (basic.username_file or basic.password_file):
            changes["basic_auth"] = replace(
                basic,
                username_file=join(directory, basic.username_file),
                password_file=join(directory, basic.password_file),
            )
        if (given := self.authorization) is not None and given.credentials_file:
            changes["authorization"] = replace(given, credentials_file=join(directory, given.credentials_file))
        if (oauth2 := self.oauth2) is not None:
            changes["oauth2"] = replace(
                oauth2,
                client_secret_file=join(directory, oauth2.client_secret_file),
                tls_config=oauth2.tls_config.under(directory),
            )
        if self.http_headers:
            changes["http_headers"] = {
                name: replace(header, files=tuple(join(directory, path) for path in header.files))
                for name, header in self.http_headers.items()
            }
        return replace(self, **changes) if changes else self


HttpOrNone = Annotated[HttpConfig | None, Struct(HttpConfig, outer="*config.HTTPClientConfig")]


def check_oauth2(oauth2: OAuth2) -> None:
    """Refuse what upstream refuses of an `oauth2` block. Raises `Invalid`."""
    if not oauth2.client_id:
        raise Invalid("oauth2 client_id must be configured", field="oauth2")
    if not oauth2.token_url:
        raise Invalid("oauth2 token_url must be configured", field="oauth2")
    if oauth2.grant_type == _JWT_BEARER:
        keys = oauth2.client_certificate_key, oauth2.client_certificate_key_file, oauth2.client_certificate_key_ref
        if _too_many(*keys):
            raise Invalid(
                "at most one of oauth2 client_certificate_key, client_certificate_key_file & "
                f"client_certificate_key_ref must be configured using grant-type={_JWT_BEARER}"
            )
        if oauth2.signature_algorithm not in ("", "RS256", "RS384", "RS512"):
            raise Invalid("valid signature algorithms are RS256, RS384 and RS512", field="oauth2")
    elif _too_many(oauth2.client_secret, oauth2.client_secret_file, oauth2.client_secret_ref):
        raise Invalid(
            "at most one of oauth2 client_secret, client_secret_file & client_secret_ref must be configured using "
            "grant-type=client_credentials"
        )


def _check_proxy(url: Url | None, no_proxy: str, environment: bool, headers: dict[str, Any]) -> None:
    named = url is not None and str(url) != ""
    if headers and not environment and not named:
        raise Invalid(
            "if proxy_connect_header is configured, proxy_url or proxy_from_environment must also be configured"
        )
    if environment and named:
        raise Invalid("if proxy_from_environment is configured, proxy_url must not be configured")
    if environment and no_proxy:
        raise Invalid("if proxy_from_environment is configured, no_proxy must not be configured")
    if url is None and no_proxy:
        raise Invalid("if no_proxy is configured, proxy_url must also be configured")
