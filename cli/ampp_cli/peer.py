"""Who we are among peers, told without binding or sending anything."""

import contextlib
import secrets
import socket
import time
from typing import Final

from ampp.options import ClusterOptions

__all__ = ["others", "random_name", "shown_address", "split_address"]

_CROCKFORD: Final = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
_DEFAULT_PORT: Final = 9094


def random_name() -> str:
    """A ULID, as upstream names peers: 26 characters, the time first."""
    bits = (time.time_ns() // 1_000_000) << 80 | secrets.randbits(80)
    return "".join(_CROCKFORD[(bits >> shift) & 31] for shift in range(125, -1, -5))


def split_address(address: str) -> tuple[str, int]:
    """Host (without brackets) and port of `host:port`. Raises ValueError with Go's words."""
    host, separator, port = address.rpartition(":")
    if not separator or (address.startswith("[") and not host.endswith("]")):
        raise ValueError(f"address {address}: missing port in address")
    if ":" in host and not host.startswith("["):
        raise ValueError(f"address {address}: too many colons in address")
    if not port.isascii() or not port.isdecimal() or int(port) > 65535:
        raise ValueError(f"address {address}: invalid port")
    return host.removeprefix("[").removesuffix("]"), int(port)


def shown_address(listen: str, advertise: str) -> str:
    """What status shows as our address: the advertised one, else the listen address with "any" made concrete."""
    host, port = split_address(listen)
    if advertise:
        host, port = split_address(advertise)
    if host in ("", "0.0.0.0", "::"):
        host = _own_address()
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def others(cluster: ClusterOptions) -> tuple[str, ...]:
    """The --cluster.peer values that are not this server itself.

    A peer is us when its port is ours and its host is our host name, a name below which that stands first (a pod of a
    StatefulSet is told its own full name), or an address of this machine.
    """
    ports = {split_address(cluster.listen_address)[1], split_address(cluster.address)[1]}
    return tuple(address for address in cluster.peers if not _is_ours(address, ports))


def _is_ours(address: str, ports: set[int]) -> bool:
    try:
        host, port = split_address(address)
    except ValueError:
        host, port = address, _DEFAULT_PORT
    if port not in ports:
        return False
    own = socket.gethostname().lower()
    if host.lower() == own or host.lower().startswith(own.partition(".")[0] + "."):
        return True
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_DGRAM)
    except (OSError, UnicodeError):
        return False
    return all(_is_local(family, sockaddr[0]) for family, _, _, _, sockaddr in found)


def _is_local(family: int, ip: str | int) -> bool:
    """Only an address of this machine can be bound; port 0 disturbs nobody."""
    with contextlib.suppress(OSError), socket.socket(family, socket.SOCK_DGRAM) as probe:
        probe.bind((ip, 0))
        return True
    return False


def _own_address() -> str:
    """The address outgoing packets would carry. Connecting a datagram socket sends nothing."""
    for family, target in ((socket.AF_INET, "192.0.2.1"), (socket.AF_INET6, "2001:db8::1")):
        with contextlib.suppress(OSError), socket.socket(family, socket.SOCK_DGRAM) as probe:
            probe.connect((target, 9))
            return str(probe.getsockname()[0])
    return "127.0.0.1"
