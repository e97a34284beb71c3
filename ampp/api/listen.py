"""Listening sockets from `--web.listen-address` texts, with the errors an operator can act on.

A host that is empty or unspecified means every address of the machine, IPv4 and IPv6 on one port, as Go has it; on a
machine without IPv6, every IPv4 address.
"""

import os
import socket
from collections.abc import Iterable, Sequence
from typing import Final

__all__ = ["ListenError", "bind", "shown"]

_BACKLOG: Final = 4096
_EVERYWHERE: Final = ("", "0.0.0.0", "::")


class ListenError(Exception):
    """An address cannot be listened on. The text says which and why, as Go's `net` words it."""


def bind(addresses: Iterable[str]) -> list[socket.socket]:
    """Bind and listen on every address, or on none. Raises `ListenError`. The caller owns the sockets."""
    bound: list[socket.socket] = []
    try:
        for address in addresses:
            bound.append(_bind(address))
    except ListenError:
        for sock in bound:
            sock.close()
        raise
    return bound


def shown(sock: socket.socket) -> str:
    """The address a socket is really bound to, as `host:port` with IPv6 hosts in brackets."""
    host, port = sock.getsockname()[:2]
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def _bind(address: str) -> socket.socket:
    if "://" in address:
        scheme = address.partition("://")[0]
        raise ListenError(f"listen {scheme} {address}: this kind of address is not supported; use host:port")
    host, port = _split(address)
    if host in _EVERYWHERE:
        return _listen_everywhere(address, port)
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    except socket.gaierror as error:
        raise ListenError(f"listen tcp: lookup {host}: {error.strerror}") from error
    # Go takes the first IPv4 address of a name, if it has one.
    family, _, _, _, target = min(found, key=lambda entry: entry[0] != socket.AF_INET)
    return _listen(address, family, target)


def _split(address: str) -> tuple[str, int]:
    host, colon, port = address.rpartition(":")
    if not colon or (host.count(":") and not host.startswith("[")):
        reason = "too many colons in address" if address.count(":") > 1 else "missing port in address"
        raise ListenError(f"listen tcp: address {address}: {reason}")
    if host.startswith("["):
        if not host.endswith("]"):
            raise ListenError(f"listen tcp: address {address}: missing ']' in address")
        host = host[1:-1]
    if not port:
        return host, 0
    if not (port.isascii() and port.isdecimal()):
        try:
            return host, socket.getservbyname(port, "tcp")
        except OSError:
            raise ListenError(f"listen tcp: lookup tcp/{port}: unknown port") from None
    if int(port) > 65535:
        raise ListenError(f"listen tcp: address {port}: invalid port")
    return host, int(port)


def _listen_everywhere(address: str, port: int) -> socket.socket:
    try:
        probe = socket.socket(socket.AF_INET6, socket.SOCK_STREAM)
    except OSError:
        return _listen(address, socket.AF_INET, ("0.0.0.0", port))
    with probe:
        try:
            probe.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
            probe.bind(("::", 0))
        except OSError:
            # The kernel knows IPv6 but it is switched off on this machine.
            return _listen(address, socket.AF_INET, ("0.0.0.0", port))
    return _listen(address, socket.AF_INET6, ("::", port))


def _listen(address: str, family: int, target: Sequence[object]) -> socket.socket:
    sock = socket.socket(family, socket.SOCK_STREAM)
    try:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if family == socket.AF_INET6:
            sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0 if target[0] == "::" else 1)
        sock.bind(tuple(target))
        sock.listen(_BACKLOG)
        sock.setblocking(False)
    except OSError as error:
        sock.close()
        reason = os.strerror(error.errno).lower() if error.errno else str(error)
        raise ListenError(f"listen tcp {address}: bind: {reason}") from error
    return sock
