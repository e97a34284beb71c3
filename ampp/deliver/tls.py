"""A `tls_config` as an `ssl.SSLContext` that trusts and refuses what Go's crypto/tls would.

Files are read again for each use (`Tls.read`), so renewed certificates are taken up; only when their bytes differ is a
new context made.
"""

import contextlib
import functools
import os
import ssl
import tempfile
from collections.abc import Iterator
from typing import Final

import msgspec

from ampp.config.http import TlsConfig
from ampp.deliver import secret
from ampp.deliver.sender import BuildError

__all__ = ["Material", "Tls"]

_VERSIONS: Final = {
    "TLS10": ssl.TLSVersion.TLSv1,
    "TLS11": ssl.TLSVersion.TLSv1_1,
    "TLS12": ssl.TLSVersion.TLSv1_2,
    "TLS13": ssl.TLSVersion.TLSv1_3,
}


class Material(msgspec.Struct, frozen=True):
    """The texts a context is made of; empty where the configuration names none."""

    ca: bytes
    cert: bytes
    key: bytes


class Tls:
    """One `tls_config`. Raises `BuildError` where upstream refuses to build a client.

    `protocol` is what ALPN names; empty for protocols that say nothing there (some mail servers hang up on others').
    """

    def __init__(self, config: TlsConfig, protocol: str = "http/1.1") -> None:
        self._config = config
        self._protocol = protocol
        secret.no_reference("CA cert", config.ca_ref)
        secret.no_reference("client cert", config.cert_ref)
        secret.no_reference("client key", config.key_ref)
        low, high = config.min_version, config.max_version
        if low and high and _VERSIONS[high] < _VERSIONS[low]:
            raise BuildError(
                "tls_config.max_version must be greater than or equal to tls_config.min_version if both are specified"
            )

    @property
    def changeable(self) -> bool:
        """Whether any of the material is in files."""
        return bool(self._config.ca_file or self._config.cert_file or self._config.key_file)

    def read(self) -> Material:
        """Read the files (this blocks). Raises `SecretError`."""
        config = self._config
        return Material(
            ca=_fetch(config.ca, config.ca_file, "unable to read CA cert"),
            cert=_fetch(config.cert, config.cert_file, "unable to read specified client cert"),
            key=_fetch(config.key.reveal(), config.key_file, "unable to read specified client key"),
        )

    def context(self, material: Material) -> ssl.SSLContext:
        """The context for clients, shared with those that want the same. Raises `BuildError` for useless material."""
        config = self._config
        try:
            return _context(
                config.server_name,
                config.insecure_skip_verify,
                config.min_version,
                config.max_version,
                self._protocol,
                material,
            )
        except _BadRoots:
            raise BuildError(f"unable to use specified CA cert {_origin(config.ca_file)}") from None
        except _BadPair as error:
            cert, key = _origin(config.cert_file), _origin(config.key_file)
            raise BuildError(f"unable to use specified client cert ({cert}) & key ({key}): {error}") from None


class _BadRoots(Exception):
    """Not one usable certificate."""


class _BadPair(Exception):
    """A certificate and a key that are none, or do not belong together."""


# The system's roots alone take 30 ms and a megabyte to load; Go too reads them once per process.
@functools.lru_cache(maxsize=64)
def _context(name: str, insecure: bool, low: str, high: str, protocol: str, material: Material) -> ssl.SSLContext:
    context = _Context(ssl.PROTOCOL_TLS_CLIENT)
    context.forced_name = name
    # As Go: any certificate in the pool is an anchor, names are those of the subjectAltName alone, and a
    # certificate that breaks RFC 5280 in harmless ways (newer Pythons refuse those) is good enough.
    context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN | ssl.VERIFY_X509_TRUSTED_FIRST
    context.verify_flags &= ~ssl.VERIFY_X509_STRICT
    context.hostname_checks_common_name = False
    if protocol:
        context.set_alpn_protocols([protocol])
    context.minimum_version = _VERSIONS[low or "TLS12"]
    if high:
        context.maximum_version = _VERSIONS[high]
    if low in ("TLS10", "TLS11"):
        context.set_ciphers("DEFAULT:@SECLEVEL=0")
    if insecure:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    if material.ca:
        try:
            context.load_verify_locations(cadata=material.ca.decode("ascii", "replace"))
        except (ssl.SSLError, ValueError):
            raise _BadRoots from None
    else:
        context.load_default_certs()
    if material.cert:
        try:
            with _pem(material.cert + b"\n" + material.key) as path:
                context.load_cert_chain(path, password=_no_password)
        except (ssl.SSLError, ValueError) as error:
            raise _BadPair(getattr(error, "reason", None) or error) from None
    return context


def _no_password() -> str:
    """Without this, OpenSSL would ask the terminal for the password of an encrypted key."""
    raise ValueError("the key is encrypted")


class _Context(ssl.SSLContext):
    """Checks, and asks for, `forced_name` instead of the host that is dialled, through proxies too."""

    forced_name = ""

    def wrap_bio(
        self,
        incoming: ssl.MemoryBIO,
        outgoing: ssl.MemoryBIO,
        server_side: bool = False,
        server_hostname: str | bytes | None = None,
        session: ssl.SSLSession | None = None,
    ) -> ssl.SSLObject:
        name = self.forced_name or server_hostname
        return super().wrap_bio(incoming, outgoing, server_side, server_hostname=name, session=session)


def _fetch(value: str, path: str, what: str) -> bytes:
    if value or not path:
        return value.encode()
    try:
        return secret.read_now(path)
    except secret.SecretError as error:
        raise secret.SecretError(f"{what}: {error}") from None


def _origin(path: str) -> str:
    return f"file {path}" if path else "inline"


@contextlib.contextmanager
def _pem(text: bytes) -> Iterator[str]:
    """`text` under a path, since OpenSSL takes chains from files alone; not on a disk where that can be helped."""
    if hasattr(os, "memfd_create"):
        descriptor = os.memfd_create("certificate", os.MFD_CLOEXEC)
        try:
            os.write(descriptor, text)
            yield f"/proc/self/fd/{descriptor}"
        finally:
            os.close(descriptor)
    else:
        with tempfile.NamedTemporaryFile() as file:
            file.write(text)
            file.flush()
            yield file.name
