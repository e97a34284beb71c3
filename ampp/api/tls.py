"""TLS contexts for our listeners, made of a checked `TlsServer`, and made anew when a file they read has changed."""

import os
import ssl
import tempfile
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final

from ampp.api.webconfig import CIPHERS, CURVES, TlsServer, WebConfigError

__all__ = ["allowed", "make_context", "stamp"]

_VERSIONS: Final = {
    "": None,
    "TLS10": ssl.TLSVersion.TLSv1,
    "TLS11": ssl.TLSVersion.TLSv1_1,
    "TLS12": ssl.TLSVersion.TLSv1_2,
    "TLS13": ssl.TLSVersion.TLSv1_3,
}
_VERIFY: Final = {
    "VerifyClientCertIfGiven": ssl.CERT_OPTIONAL,
    "RequireAndVerifyClientCert": ssl.CERT_REQUIRED,
}


def stamp(path: str) -> tuple[int, ...] | None:
    """What changes when the file does; None when it is not there."""
    try:
        status = os.stat(path)
    except OSError:
        return None
    return status.st_mtime_ns, status.st_ctime_ns, status.st_size, status.st_ino


def make_context(tls: TlsServer, http2: bool) -> ssl.SSLContext:
    """A context for new connections. Raises `WebConfigError` when the certificate or a CA cannot be loaded."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    with warnings.catch_warnings():
        # Old versions are off unless asked for; then that is the operator's decision.
        warnings.simplefilter("ignore", DeprecationWarning)
        if minimum := _VERSIONS[tls.min_version]:
            context.minimum_version = minimum
        if maximum := _VERSIONS[tls.max_version]:
            context.maximum_version = maximum
    try:
        with _as_file(tls.cert, tls.cert_file) as cert, _as_file(tls.key, tls.key_file) as key:
            context.load_cert_chain(cert, key, password=_no_password)
    except (OSError, ValueError) as error:
        raise WebConfigError(f"failed to load X509KeyPair: {_reason(error)}") from None
    ciphers = [CIPHERS[name] for name in tls.cipher_suites if CIPHERS[name]]
    if ciphers:
        try:
            context.set_ciphers(":".join(ciphers))
        except ssl.SSLError as error:
            raise WebConfigError(f"cipher_suites: {_reason(error)}") from None
    if len(tls.curve_preferences) == 1:
        # Python can name one curve or leave the choice to OpenSSL, whose own list holds all that Go knows.
        context.set_ecdh_curve(CURVES[tls.curve_preferences[0]])
    verify = _VERIFY.get(tls.client_auth_type)
    if verify is not None:
        _trust(context, tls)
        context.verify_mode = verify
    context.set_alpn_protocols(["h2", "http/1.1"] if http2 else ["http/1.1"])
    return context


def _trust(context: ssl.SSLContext, tls: TlsServer) -> None:
    if not tls.client_ca and not tls.client_ca_file:
        context.load_default_certs(ssl.Purpose.CLIENT_AUTH)
        return
    try:
        if tls.client_ca:
            context.load_verify_locations(cadata=tls.client_ca)
        else:
            context.load_verify_locations(cafile=tls.client_ca_file)
    except (OSError, ValueError) as error:
        raise WebConfigError(f"client CA: {_reason(error)}") from None


def _no_password() -> str:
    raise ValueError("the key is encrypted")


def _reason(error: Exception) -> str:
    if isinstance(error, ssl.SSLError):
        return str(error.reason or error).lower().replace("_", " ")
    if isinstance(error, OSError) and error.strerror:
        return error.strerror.lower()
    return str(error)


@contextmanager
def _as_file(inline: str, path: str) -> Iterator[str]:
    """The path to read from: OpenSSL's loader takes no text. Inline text stays in memory where the system can."""
    if not inline:
        yield path
        return
    if hasattr(os, "memfd_create"):
        descriptor = os.memfd_create("ampp-tls")
        try:
            os.write(descriptor, inline.encode())
            yield f"/proc/self/fd/{descriptor}"
        finally:
            os.close(descriptor)
        return
    with tempfile.NamedTemporaryFile() as file:
        file.write(inline.encode())
        file.flush()
        yield file.name


def allowed(certificate: Any, sans: tuple[str, ...]) -> bool:
    """Whether a client's verified certificate (`getpeercert()`) carries one of `sans` exactly; any if there are none.

    A client without certificate passes: whether it must have one is `client_auth_type`'s business.
    """
    if not sans or not certificate:
        return True
    return any(
        value in sans
        for kind, value in certificate.get("subjectAltName", ())
        if kind in ("DNS", "email", "IP Address", "URI")
    )
