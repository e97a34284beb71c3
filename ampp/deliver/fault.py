"""What went wrong on the way, in Go's words where they are known, and never with the URL.

The URL of a receiver is a secret as a whole; upstream shows `<redacted>` in its place and the address that was dialled.
"""

import errno
import os
import socket
import ssl
from collections.abc import Iterator

import httpx

__all__ = ["describe"]


def describe(error: Exception, host: str, port: int, *, proxied: bool = False, dialled: bool = False) -> str:
    """The text for a failed exchange with `host`:`port`, the first hop (a proxy's address when `proxied`).

    `dialled`: it was while connecting, which errors of httpx say by themselves.
    """
    address = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
    chain = list(_chain(error))
    connecting = dialled or isinstance(error, httpx.ConnectError | httpx.ConnectTimeout)
    prefix = "proxyconnect tcp: " if proxied and connecting else ""
    for link in chain:
        if isinstance(link, ssl.SSLCertVerificationError):
            return f"tls: failed to verify certificate: x509: {link.verify_message}"
        if isinstance(link, ssl.SSLError):
            return _tls(link)
        if isinstance(link, socket.gaierror):
            why = "no such host" if link.errno in _NOT_FOUND else str(link.strerror)
            return f"{prefix}dial tcp: lookup {host}: {why}"
    for link in chain:
        if isinstance(link, OSError) and link.errno is not None:
            why = _errno_text(link.errno)
            return f"{prefix}dial tcp {address}: connect: {why}" if connecting else f"tcp {address}: {why}"
    if isinstance(error, httpx.ConnectTimeout):
        return f"{prefix}dial tcp {address}: i/o timeout"
    if isinstance(error, httpx.RemoteProtocolError):
        if "disconnected" in str(error):
            return "EOF"
        return f"net/http: HTTP/1.x transport connection broken: {error}"
    return str(error) or type(error).__name__


_NOT_FOUND = (socket.EAI_NONAME, getattr(socket, "EAI_NODATA", socket.EAI_NONAME))


def _errno_text(number: int) -> str:
    """The system's text for an error number as Go prints it."""
    return "connection reset by peer" if number == errno.ECONNRESET else os.strerror(number).lower()


def _tls(error: ssl.SSLError) -> str:
    if error.reason in ("WRONG_VERSION_NUMBER", "HTTP_REQUEST", "RECORD_LAYER_FAILURE"):
        return "http: server gave HTTP response to HTTPS client"
    return f"tls: {(error.reason or str(error)).replace('_', ' ').lower()}"


def _chain(error: BaseException | None) -> Iterator[BaseException]:
    """The error and what caused it, the first of each group, outermost first."""
    seen: set[int] = set()
    while error is not None and id(error) not in seen:
        seen.add(id(error))
        yield error
        error = error.exceptions[0] if isinstance(error, BaseExceptionGroup) else error.__cause__ or error.__context__
